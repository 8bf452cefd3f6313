// SPDX-License-Identifier: Apache-2.0
//
// Small things that messages are made of.
#ifndef MUSTER_TOOLS_MUSTERD_TEXT_H_
#define MUSTER_TOOLS_MUSTERD_TEXT_H_

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace musterd {

// The parts, one after another.
std::string Concat(std::initializer_list<std::string_view> parts);

// An InvalidArgument status with the parts as its message.
absl::Status Invalid(std::initializer_list<std::string_view> parts);
std::string MessageOf(const absl::Status& status);

// `text` from outside as a message may show it: in single quotes, on one line, printable, at most
// 60 bytes of it.
std::string Quoted(std::string_view text);

// The candidate that `text` was probably meant to be, or nothing. '_' counts as '-', capitals as
// small letters.
std::string_view NearestOf(std::string_view text, absl::Span<const std::string> candidates);

// "; did you mean 'x'?", or nothing when `nearest` is empty.
std::string DidYouMean(std::string_view nearest);

// `text` in lines of at most `width` bytes, broken at spaces, each beginning with `indent` and
// ending with a newline.
std::string Wrap(std::string_view text, std::string_view indent, std::size_t width);

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_TEXT_H_
