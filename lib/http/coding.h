// SPDX-License-Identifier: Apache-2.0
//
// Content codings (RFC 9110, 8.4 and 12.5.3): which one a client accepts, and putting bytes into it.
// gzip always, zstd where muster was built with it. Encoders are thread-compatible, functions
// reentrant.
#ifndef MUSTER_LIB_HTTP_CODING_H_
#define MUSTER_LIB_HTTP_CODING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/body.h"

namespace muster {

enum class ContentCoding : std::uint8_t { kIdentity, kGzip, kZstd };

// Whether muster was built with zstd.
bool HasZstd();

// As Content-Encoding has it; empty for kIdentity.
std::string_view CodingName(ContentCoding coding);

// The best coding that an Accept-Encoding header allows: of those with the highest weight zstd,
// else gzip, else none. A header that is malformed allows nothing but what was understood of it. A
// client that refuses identity too is given it nevertheless, as the standard allows.
ContentCoding ChooseCoding(std::string_view accept_encoding);

// A stream of bytes being coded.
class Encoder {
 public:
  virtual ~Encoder() = default;
  // Appends what comes out for `text`; at the end of the stream all of it. False when there is no
  // memory.
  virtual bool Encode(std::string_view text, bool end, std::string& out) = 0;
};

// Null for kIdentity, for a coding that is not built in, and when there is no memory. Takes 260 KiB
// (gzip), or a few MiB (zstd).
std::unique_ptr<Encoder> NewEncoder(ContentCoding coding);

// Puts a body into a coding while it is made.
class CodedBody final : public HttpBody {
 public:
  CodedBody(std::unique_ptr<HttpBody> body, std::unique_ptr<Encoder> encoder)
      : body_(std::move(body)), encoder_(std::move(encoder)) {}
  Progress Produce(std::size_t budget, std::string& out) override;

 private:
  const std::unique_ptr<HttpBody> body_;
  const std::unique_ptr<Encoder> encoder_;
  std::string plain_;
};

}  // namespace muster

#endif  // MUSTER_LIB_HTTP_CODING_H_
