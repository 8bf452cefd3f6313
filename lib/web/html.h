// SPDX-License-Identifier: Apache-2.0
//
// Text in HTML. Reentrant.
#ifndef MUSTER_LIB_WEB_HTML_H_
#define MUSTER_LIB_WEB_HTML_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace muster {

// Appends `text`, whatever bytes it has, as text or as the value of an attribute: what HTML means
// something by is escaped, what is no UTF-8 and what cannot be seen becomes U+FFFD.
void AppendHtml(std::string_view text, std::string& out);

// "1 234 567", with narrow spaces that do not break.
std::string GroupedDigits(std::uint64_t n);

// "512 B", "17 MiB", "4.38 GiB": whole up to MiB, and with two decimals beyond, as bttrack has them.
std::string SizeText(double bytes);

}  // namespace muster

#endif  // MUSTER_LIB_WEB_HTML_H_
