// SPDX-License-Identifier: Apache-2.0
//
// Any pattern parses or is an error, and matches what a plain search through all its ways matches.
// The input is a pattern, a NUL and a path.
#include <cstdint>
#include <string_view>

#include "fuzz/require.h"
#include "metainfo/glob.h"

namespace {

using muster::Require;

// Patterns of stars, question marks and plain bytes within one name, tried in every way.
bool PlainMatch(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*') {
    for (std::size_t i = 0; i <= name.size(); ++i) {
      if (PlainMatch(pattern.substr(1), name.substr(i))) return true;
    }
    return false;
  }
  return !name.empty() && (pattern[0] == '?' || pattern[0] == name[0]) &&
         PlainMatch(pattern.substr(1), name.substr(1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view pattern = text.substr(0, text.find('\0'));
  const std::string_view path =
      pattern.size() < text.size() ? text.substr(pattern.size() + 1) : std::string_view();
  const auto glob = muster::Glob::Parse(pattern);
  Require(!glob.ok() || (!pattern.empty() && pattern.size() <= muster::Glob::kMaxSize));
  if (!glob.ok()) return 0;
  const bool matches = glob->Matches(path);
  if (pattern.size() > 12 || path.size() > 20) return 0;
  if (pattern.find_first_of("[]\\/") != pattern.npos || pattern.find("**") != pattern.npos) {
    return 0;
  }
  Require(matches == PlainMatch(pattern, path.substr(path.rfind('/') + 1)));
  return 0;
}
