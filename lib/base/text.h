// SPDX-License-Identifier: Apache-2.0
//
// Between std::string_view, which muster speaks, and absl::string_view, which is a type of its own
// where Abseil was built for C++11 (as distributions do).
#ifndef MUSTER_LIB_BASE_TEXT_H_
#define MUSTER_LIB_BASE_TEXT_H_

#include <string_view>

#include "absl/strings/string_view.h"

namespace muster {

inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view FromAbsl(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace muster

#endif  // MUSTER_LIB_BASE_TEXT_H_
