// SPDX-License-Identifier: Apache-2.0
//
// Hexadecimal text, and percent-encoding, which is made of it.
#ifndef MUSTER_LIB_BASE_HEX_H_
#define MUSTER_LIB_BASE_HEX_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace muster {

// The value of a hexadecimal digit of either case, or -1.
constexpr int HexDigitValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Lower-case digits, two for each byte.
std::string HexEncode(absl::Span<const std::uint8_t> bytes);

// Fills `to` from exactly 2 * to.size() digits; false, with `to` unspecified, for any other text.
bool HexDecode(std::string_view hex, absl::Span<std::uint8_t> to);

// Appends `text` as a part of a URL (RFC 3986): letters, digits and -._~ stand for themselves, every
// other byte is %XX. See http/query.h for the way back.
void AppendPercentEncoded(std::string_view text, std::string& to);

}  // namespace muster

#endif  // MUSTER_LIB_BASE_HEX_H_
