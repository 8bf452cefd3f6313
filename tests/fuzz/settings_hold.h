// SPDX-License-Identifier: Apache-2.0
#ifndef MUSTER_TESTS_FUZZ_SETTINGS_HOLD_H_
#define MUSTER_TESTS_FUZZ_SETTINGS_HOLD_H_

#include <string>
#include <vector>

#include "fuzz/require.h"
#include "musterd/settings.h"
#include "musterd/toml.h"

namespace muster {

// Settings that are printed, read and printed again are the same.
inline void RequirePrintedSettingsHold(const musterd::Settings& settings) {
  const std::string printed = musterd::WriteToml(settings);
  const auto reread = musterd::ReadToml(printed, "printed");
  Require(reread.ok());
  const auto again = musterd::Resolve(*reread);
  Require(again.ok() && musterd::WriteToml(*again) == printed);
}

// What a dialect sets is within the bounds of the table, and holds when it is printed. Only addresses
// to listen on may be more than a file may have.
inline void RequireSettingsHold(const std::vector<musterd::Assignment>& assignments) {
  bool fits = true;
  for (const musterd::Assignment& assignment : assignments) {
    const bool good = CheckRange(*assignment.setting, assignment.value).ok();
    Require(good || assignment.setting->kind == musterd::Kind::kEndpoints);
    fits = fits && good;
  }
  const auto settings = musterd::Resolve(assignments);
  if (fits && settings.ok()) RequirePrintedSettingsHold(*settings);
}

}  // namespace muster

#endif  // MUSTER_TESTS_FUZZ_SETTINGS_HOLD_H_
