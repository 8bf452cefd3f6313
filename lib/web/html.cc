// SPDX-License-Identifier: Apache-2.0
#include "web/html.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

// How many bytes of `text` are one character of UTF-8; 0 where they are none.
std::size_t CharacterSize(std::string_view text) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first < 0xc2   ? 0
                           : first < 0xe0 ? 2
                           : first < 0xf0 ? 3
                           : first < 0xf5 ? 4
                                          : 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies beyond the last character.
  if (first == 0xe0 && byte(1) < 0xa0) return 0;
  if (first == 0xed && byte(1) > 0x9f) return 0;
  if (first == 0xf0 && byte(1) < 0x90) return 0;
  if (first == 0xf4 && byte(1) > 0x8f) return 0;
  return size;
}

// Characters that turn the direction of what follows, or cannot be seen.
bool IsUnseen(std::string_view character) {
  if (character.size() == 1) {
    return static_cast<unsigned char>(character[0]) < 0x20 || character[0] == 0x7f;
  }
  if (character.size() == 2)
    return character[0] == '\xc2' && static_cast<unsigned char>(character[1]) < 0xa0;
  const bool general = character.substr(0, 2) == "\xe2\x80" || character.substr(0, 2) == "\xe2\x81";
  if (character.size() != 3 || !general) return false;
  const auto last = static_cast<unsigned char>(character[2]);
  // U+200B to U+200F, U+202A to U+202E; U+2066 to U+2069.
  return character[1] == '\x80' ? (last >= 0x8b && last <= 0x8f) || (last >= 0xaa && last <= 0xae)
                                : last >= 0xa6 && last <= 0xa9;
}

}  // namespace

void AppendHtml(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const std::size_t size = CharacterSize(text);
    const std::string_view character = text.substr(0, size == 0 ? 1 : size);
    text.remove_prefix(character.size());
    if (size == 0 || IsUnseen(character)) {
      out += kReplacement;
    } else if (character == "&") {
      out += "&amp;";
    } else if (character == "<") {
      out += "&lt;";
    } else if (character == ">") {
      out += "&gt;";
    } else if (character == "\"") {
      out += "&quot;";
    } else if (character == "'") {
      out += "&#39;";
    } else {
      out += character;
    }
  }
}

std::string GroupedDigits(std::uint64_t n) {
  std::string digits = absl::StrCat(n);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, "\u202f");
  return digits;
}

std::string SizeText(double bytes) {
  constexpr std::array<const char*, 6> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  std::array<char, 400> text;  // whatever a double can be
  std::snprintf(text.data(), text.size(), "%.*f\u202f%s", unit < 3 ? 0 : 2,
                unit < 3 ? std::floor(bytes) : bytes, kUnits[unit]);
  return text.data();
}

}  // namespace muster
