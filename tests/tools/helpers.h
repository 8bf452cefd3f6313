// SPDX-License-Identifier: Apache-2.0
//
// Short ways to say endpoints and assignments in the tests of musterd's settings.
#ifndef MUSTER_TESTS_TOOLS_HELPERS_H_
#define MUSTER_TESTS_TOOLS_HELPERS_H_

#include <string>
#include <string_view>

#include "musterd/settings.h"

namespace musterd {

inline muster::Endpoint At(std::string_view text) { return *muster::Endpoint::Parse(text); }

// As the command line would make it.
inline Assignment Assign(std::string_view name, std::string_view text) {
  const Setting* setting = FindSetting(name);
  return {setting, *ParseValue(*setting, text), "--" + std::string(name)};
}

}  // namespace musterd

#endif  // MUSTER_TESTS_TOOLS_HELPERS_H_
