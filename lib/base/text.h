// SPDX-License-Identifier: Apache-2.0
//
// Between std::string_view, which muster speaks, and absl::string_view, which is a type of its own
// where Abseil was built for C++11 (as distributions do).
#ifndef MUSTER_LIB_BASE_TEXT_H_
#define MUSTER_LIB_BASE_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/strings/string_view.h"

namespace muster {

inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view FromAbsl(absl::string_view text) { return {text.data(), text.size()}; }

// A stranger's text for a log: `most` bytes of it, without control characters.
inline std::string HarmlessText(std::string_view text, std::size_t most) {
  std::string harmless(text.substr(0, most));
  for (char& c : harmless) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return harmless;
}

}  // namespace muster

#endif  // MUSTER_LIB_BASE_TEXT_H_
