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
#include <functional>
#include <memory>
#include <string>

namespace muster {

// Bytes of a file, which may be sent from where they lie and not through memory. Who does so moves it
// on.
struct FileStretch {
  int fd = -1;
  std::int64_t offset = 0;
  std::int64_t size = 0;
};

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

  // What comes next where it lies in a file; null, or empty, where it does not. Who does not send it
  // from there has it from Produce().
  virtual FileStretch* stretch() { return nullptr; }

  // Whether what comes next can be had at once. Where it cannot, as it has to come from a disk, who
  // must not wait calls Fetch(), and asks for it after `done` was called: once, by any thread, also
  // before Fetch() returns or after the body is gone. Without Fetch() it is always ready.
  virtual bool IsReady() { return true; }
  virtual void Fetch(const std::function<void()>& /*done*/) {}
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
