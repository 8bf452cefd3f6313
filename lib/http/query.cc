// SPDX-License-Identifier: Apache-2.0
#include "http/query.h"

#include <array>
#include <cstring>

#include "base/hex.h"

namespace muster {
namespace {

constexpr std::array<std::int8_t, 256> kHexValues = [] {
  std::array<std::int8_t, 256> values{};
  for (int c = 0; c < 256; ++c) {
    values[static_cast<std::size_t>(c)] =
        static_cast<std::int8_t>(HexDigitValue(static_cast<char>(c)));
  }
  return values;
}();

int HexValue(char c) { return kHexValues[static_cast<unsigned char>(c)]; }

// The first of the characters `kStops` in [p, end), or `end`.
template <char... kStops>
const char* FindFirstOf(const char* p, const char* end) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  // Eight bytes at once: a byte that is equal to a stop becomes 0, borrows, and has its high bit
  // set. What the borrow does to the bytes above does not matter, as only the lowest one is used.
  for (; end - p >= 8; p += 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    const auto zeros = [](std::uint64_t x) { return (x - kOnes) & ~x & (kOnes * 0x80); };
    const std::uint64_t found = (zeros(word ^ (kOnes * static_cast<unsigned char>(kStops))) | ...);
    if (found != 0) return p + __builtin_ctzll(found) / 8;
  }
  while (p != end && ((*p != kStops) && ...)) ++p;
  return p;
}

}  // namespace

bool QueryReader::Next() {
  const char* p = rest_.data();
  const char* const end = p + rest_.size();
  while (p != end && *p == '&') ++p;
  if (p == end) return false;
  const char* const name = p;
  p = FindFirstOf<'=', '&'>(p, end);
  name_ = {name, static_cast<std::size_t>(p - name)};
  if (p != end && *p == '=') ++p;
  const char* const value = p;
  p = FindFirstOf<'&'>(p, end);
  value_ = {value, static_cast<std::size_t>(p - value)};
  rest_ = {p, static_cast<std::size_t>(end - p)};
  return true;
}

std::optional<std::size_t> PercentDecode(std::string_view text, absl::Span<std::uint8_t> to) {
  const char* p = text.data();
  const char* const end = p + text.size();
  std::size_t size = 0;
  for (; p != end; ++size) {
    if (size == to.size()) return std::nullopt;
    if (*p != '%') {
      to[size] = static_cast<std::uint8_t>(*p++);
      continue;
    }
    if (end - p < 3) return std::nullopt;
    const int value = HexValue(p[1]) * 16 | HexValue(p[2]);
    if (value < 0) return std::nullopt;
    to[size] = static_cast<std::uint8_t>(value);
    p += 3;
  }
  return size;
}

}  // namespace muster
