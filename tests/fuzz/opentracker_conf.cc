// SPDX-License-Identifier: Apache-2.0
//
// Any text is a configuration of opentracker: it gives settings and notes, and what it sets is
// within the bounds of the table.
#include <cstdint>
#include <string>

#include "fuzz/require.h"
#include "fuzz/settings_hold.h"
#include "musterd/opentracker.h"

using muster::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto read = [&](const std::string&) -> absl::StatusOr<std::string> { return text; };
  const auto has_user = [](const std::string& name) { return name.size() % 2 == 0; };
  const auto parsed = musterd::ParseOpentracker({"-f", "f"}, read, has_user, true);
  if (!parsed.ok()) return 0;  // two pipes of one name are no contradiction, a bad path is
  // Of a line of the file, or of all of it together.
  for (const std::string& note : parsed->notes) {
    Require(note.starts_with("f:") || note.starts_with("opentracker: "));
    Require(note.find('\n') == note.npos && note.size() < 300);
  }
  muster::RequireSettingsHold(parsed->line.WithFile());
  return 0;
}
