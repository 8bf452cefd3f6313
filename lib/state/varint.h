// SPDX-License-Identifier: Apache-2.0
//
// Numbers in groups of seven bits, the lowest first; all but the last group with the eighth bit set.
// Reentrant.
#ifndef MUSTER_LIB_STATE_VARINT_H_
#define MUSTER_LIB_STATE_VARINT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace muster {

inline void PutVarint(std::string& to, std::uint64_t value) {
  char bytes[10];
  std::size_t n = 0;
  for (; value >= 0x80; value >>= 7) bytes[n++] = static_cast<char>(value | 0x80);
  bytes[n++] = static_cast<char>(value);
  to.append(bytes, n);
}

// Takes things off the front of a text; what is not there is zero or empty, and clears ok() for
// good.
class Column {
 public:
  Column() = default;
  explicit Column(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool empty() const { return rest_.empty(); }
  // Bytes that are left.
  std::size_t size() const { return rest_.size(); }

  std::string_view Bytes(std::uint64_t n) {
    if (n > rest_.size()) {
      rest_ = {};
      ok_ = false;
      return {};
    }
    const std::string_view bytes = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return bytes;
  }
  std::uint64_t Varint() {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < rest_.size() && i < 10; ++i) {
      const auto byte = static_cast<std::uint8_t>(rest_[i]);
      if (i == 9 && byte > 1) break;  // more than 64 bits
      value |= std::uint64_t{byte & 0x7fu} << 7 * i;
      if (byte < 0x80) {
        rest_.remove_prefix(i + 1);
        return value;
      }
    }
    rest_ = {};
    ok_ = false;
    return 0;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace muster

#endif  // MUSTER_LIB_STATE_VARINT_H_
