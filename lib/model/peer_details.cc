// SPDX-License-Identifier: Apache-2.0
#include "muster/peer_details.h"

#include <charconv>

namespace muster {

std::uint32_t KeyNumber(std::string_view key) {
  if (key.empty()) return 0;
  std::uint32_t number = 0;
  const char* const end = key.data() + key.size();
  if (key.size() <= 8 && std::from_chars(key.data(), end, number, 16).ptr == end) return number;
  number = 2166136261;  // FNV-1a
  for (const char c : key) number = (number ^ static_cast<unsigned char>(c)) * 16777619;
  return number == 0 ? 1 : number;  // 0 says that there is no key
}

std::string_view KeyText(std::uint32_t number, char (&to)[8]) {
  for (std::size_t i = 8; i-- > 0; number >>= 4) to[i] = "0123456789abcdef"[number & 15];
  return {to, sizeof to};
}

}  // namespace muster
