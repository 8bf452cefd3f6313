// SPDX-License-Identifier: Apache-2.0
//
// Any words are a command line of bttrack: it gives settings and notes, or says in one line what is
// wrong, and what it sets is within the bounds of the table. The input has a word a line.
#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/require.h"
#include "fuzz/settings_hold.h"
#include "musterd/bttrack.h"

using muster::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> words{"--dfile", "d"};
  std::string word;
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] != '\n') {
      word += static_cast<char>(data[i]);
    } else {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  words.push_back(word);
  const auto resolve =
      [](const std::string& host) -> absl::StatusOr<std::vector<muster::IpAddress>> {
    const auto address = muster::IpAddress::Parse(host);
    if (!address.ok()) return address.status();
    return std::vector{*address};
  };
  const auto parsed = musterd::ParseBttrack(words, resolve, true);
  if (!parsed.ok()) {
    Require(parsed.status().message().find('\n') == absl::string_view::npos);
    return 0;
  }
  for (const std::string& note : parsed->notes) {
    Require(note.substr(0, 2) == "--" && note.find('\n') == note.npos && note.size() < 300);
  }
  muster::RequireSettingsHold(parsed->line.WithFile());
  return 0;
}
