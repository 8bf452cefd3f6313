// SPDX-License-Identifier: Apache-2.0
//
// Numbers in network order, read from and written to plain bytes, and two cursors over a caller's
// bytes that never step outside of them.
#ifndef MUSTER_LIB_BASE_BYTES_H_
#define MUSTER_LIB_BASE_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "absl/types/span.h"

namespace muster {

inline std::uint16_t LoadBig16(const std::uint8_t* p) {
  std::uint16_t v;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap16(v);
}
inline std::uint32_t LoadBig32(const std::uint8_t* p) {
  std::uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap32(v);
}
inline std::uint64_t LoadBig64(const std::uint8_t* p) {
  std::uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap64(v);
}
inline void StoreBig16(std::uint8_t* p, std::uint16_t v) {
  v = __builtin_bswap16(v);
  std::memcpy(p, &v, sizeof v);
}
inline void StoreBig32(std::uint8_t* p, std::uint32_t v) {
  v = __builtin_bswap32(v);
  std::memcpy(p, &v, sizeof v);
}
inline void StoreBig64(std::uint8_t* p, std::uint64_t v) {
  v = __builtin_bswap64(v);
  std::memcpy(p, &v, sizeof v);
}
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "the swaps above assume a little-endian machine");

// The bytes of a text, and back.
inline absl::Span<const std::uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view TextOf(absl::Span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Reads forward; a read past the end gives zeros and clears ok() for good.
class ByteReader {
 public:
  explicit ByteReader(absl::Span<const std::uint8_t> bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  absl::Span<const std::uint8_t> rest() const { return rest_; }

  std::uint8_t U8() { return Take(1) ? taken_[0] : std::uint8_t{0}; }
  std::uint16_t U16() { return Take(2) ? LoadBig16(taken_) : std::uint16_t{0}; }
  std::uint32_t U32() { return Take(4) ? LoadBig32(taken_) : 0; }
  std::uint64_t U64() { return Take(8) ? LoadBig64(taken_) : 0; }
  // Borrowed from the input; empty when there are not so many.
  absl::Span<const std::uint8_t> Bytes(std::size_t n) {
    return Take(n) ? absl::Span<const std::uint8_t>(taken_, n) : absl::Span<const std::uint8_t>();
  }

 private:
  bool Take(std::size_t n) {
    if (n > rest_.size()) {
      rest_ = {};
      return ok_ = false;
    }
    taken_ = rest_.data();
    rest_.remove_prefix(n);
    return true;
  }

  absl::Span<const std::uint8_t> rest_;
  const std::uint8_t* taken_ = nullptr;
  bool ok_ = true;
};

// Writes forward; a write that does not fit is left out and clears ok() for good.
class ByteWriter {
 public:
  explicit ByteWriter(absl::Span<std::uint8_t> to) : to_(to) {}

  bool ok() const { return ok_; }
  std::size_t size() const { return size_; }

  void U8(std::uint8_t v) {
    if (std::uint8_t* p = Put(1)) *p = v;
  }
  void U16(std::uint16_t v) {
    if (std::uint8_t* p = Put(2)) StoreBig16(p, v);
  }
  void U32(std::uint32_t v) {
    if (std::uint8_t* p = Put(4)) StoreBig32(p, v);
  }
  void U64(std::uint64_t v) {
    if (std::uint8_t* p = Put(8)) StoreBig64(p, v);
  }
  void Bytes(absl::Span<const std::uint8_t> bytes) {
    if (bytes.empty()) return;
    if (std::uint8_t* p = Put(bytes.size())) std::memcpy(p, bytes.data(), bytes.size());
  }

 private:
  std::uint8_t* Put(std::size_t n) {
    if (!ok_ || n > to_.size() - size_) {
      ok_ = false;
      return nullptr;
    }
    size_ += n;
    return to_.data() + size_ - n;
  }

  absl::Span<std::uint8_t> to_;
  std::size_t size_ = 0;
  bool ok_ = true;
};

}  // namespace muster

#endif  // MUSTER_LIB_BASE_BYTES_H_
