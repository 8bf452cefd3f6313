// SPDX-License-Identifier: Apache-2.0
//
// Any text is settings or an error that says where; settings that were read are printed and read as
// the same.
#include <cstdint>
#include <string_view>

#include "fuzz/require.h"
#include "fuzz/settings_hold.h"
#include "musterd/settings.h"
#include "musterd/toml.h"

namespace {

using muster::Require;

// "f:LINE:COLUMN: text", both from 1, on one line.
bool SaysWhere(std::string_view message) {
  if (message.substr(0, 2) != "f:" || message.find('\n') != message.npos) return false;
  message.remove_prefix(2);
  for (int i = 0; i < 2; ++i) {
    const std::size_t digits = message.find_first_not_of("0123456789");
    if (digits == 0 || digits == message.npos || message[0] == '0' || message[digits] != ':') {
      return false;
    }
    message.remove_prefix(digits + 1);
  }
  return message.size() > 2 && message[0] == ' ';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto assignments = musterd::ReadToml(text, "f");
  if (!assignments.ok()) {
    Require(
        SaysWhere({assignments.status().message().data(), assignments.status().message().size()}));
    return 0;
  }
  const auto settings = musterd::Resolve(*assignments);
  if (!settings.ok()) {
    Require(SaysWhere({settings.status().message().data(), settings.status().message().size()}));
    return 0;
  }
  muster::RequirePrintedSettingsHold(*settings);
  return 0;
}
