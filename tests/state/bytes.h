// SPDX-License-Identifier: Apache-2.0
//
// Where tests read from and write to: strings.
#ifndef MUSTER_TESTS_STATE_BYTES_H_
#define MUSTER_TESTS_STATE_BYTES_H_

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "muster/state.h"

namespace muster {

// Gives at most `chunk` bytes at a time; fails at `fails_at`.
class StringSource final : public ByteSource {
 public:
  explicit StringSource(std::string_view bytes, std::size_t chunk = ~std::size_t{0},
                        std::size_t fails_at = ~std::size_t{0})
      : bytes_(bytes), chunk_(chunk), fails_at_(fails_at) {}
  absl::StatusOr<std::size_t> Read(absl::Span<char> into) override {
    if (at_ >= fails_at_) return absl::UnavailableError("the disk is gone");
    const std::size_t size = bytes_.copy(into.data(), std::min(into.size(), chunk_), at_);
    at_ += size;
    return size;
  }

 private:
  const std::string_view bytes_;
  const std::size_t chunk_, fails_at_;
  std::size_t at_ = 0;
};

// Takes up to `room` bytes.
class StringSink final : public ByteSink {
 public:
  explicit StringSink(std::size_t room = ~std::size_t{0}) : room_(room) {}
  absl::Status Write(std::string_view bytes) override {
    if (bytes.size() > room_ - text.size()) return absl::UnavailableError("the disk is full");
    text.append(bytes);
    return absl::OkStatus();
  }
  std::string text;

 private:
  const std::size_t room_;
};

}  // namespace muster

#endif  // MUSTER_TESTS_STATE_BYTES_H_
