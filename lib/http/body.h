// SPDX-License-Identifier: Apache-2.0
//
// HttpBody: the body of a response that is made while it is sent, piece by piece, so that it needs
// little memory however long it is. Who sends it asks for the next piece when the peer has taken the
// last one, and lets others have their turn in between.
//
//   plain body ─► CodedBody (gzip, zstd) ─► ChunkedBody (HTTP/1.1) ─► connection
//
// Thread-compatible.
#ifndef MUSTER_LIB_HTTP_BODY_H_
#define MUSTER_LIB_HTTP_BODY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace muster {

class HttpBody {
 public:
  enum class Progress : std::uint8_t {
    kMore,
    kEnd,
    kFailed,  // it cannot be finished: the peer has to see that it is cut off
  };

  virtual ~HttpBody() = default;

  // Appends the next piece. `budget` says how much: about as many bytes, or as much work as making
  // them takes (well below a millisecond at 64 KiB). A piece may be empty while there is more. Not
  // called again after anything but kMore.
  virtual Progress Produce(std::size_t budget, std::string& out) = 0;
};

// Puts a body into the chunks of HTTP/1.1 (RFC 9112, 7.1), one for each piece.
class ChunkedBody final : public HttpBody {
 public:
  explicit ChunkedBody(std::unique_ptr<HttpBody> body) : body_(std::move(body)) {}
  Progress Produce(std::size_t budget, std::string& out) override;

 private:
  const std::unique_ptr<HttpBody> body_;
};

}  // namespace muster

#endif  // MUSTER_LIB_HTTP_BODY_H_
