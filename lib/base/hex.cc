// SPDX-License-Identifier: Apache-2.0
#include "base/hex.h"

namespace muster {

std::string HexEncode(absl::Span<const std::uint8_t> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (std::uint8_t byte : bytes) {
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

bool HexDecode(std::string_view hex, absl::Span<std::uint8_t> to) {
  if (hex.size() != to.size() * 2) return false;
  for (std::size_t i = 0; i < to.size(); ++i) {
    const int high = HexDigitValue(hex[2 * i]);
    const int low = HexDigitValue(hex[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    to[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

}  // namespace muster
