// SPDX-License-Identifier: Apache-2.0
//
// Any bytes become text in HTML: nothing in it means anything, and it is UTF-8, which stays as it is.
#include "web/html.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"

using muster::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string html;
  muster::AppendHtml(text, html);
  Require(html.find_first_of("<>\"'") == html.npos && html.size() <= 6 * size);
  for (const char c : html) Require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  std::string plain;
  for (std::size_t i = 0; i < html.size(); ++i) {
    if (html[i] != '&') {
      plain += html[i];
      continue;
    }
    const std::size_t end = html.find(';', i);
    Require(end != html.npos);
    i = end;
  }
  std::string again;
  muster::AppendHtml(plain, again);
  Require(again == plain);
  return 0;
}
