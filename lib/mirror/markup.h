// SPDX-License-Identifier: Apache-2.0
//
// Text as JSON and HTML have it. Reentrant.
#ifndef MUSTER_LIB_MIRROR_MARKUP_H_
#define MUSTER_LIB_MIRROR_MARKUP_H_

#include <string>
#include <string_view>

namespace muster {

// With its quotes; a byte that is no UTF-8 becomes U+FFFD.
std::string JsonText(std::string_view text);
// What has a meaning in HTML loses it; bytes that are no UTF-8 stay.
std::string HtmlText(std::string_view text);

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_MARKUP_H_
