// SPDX-License-Identifier: Apache-2.0
//
// What is read from and printed for people and programs.
#ifndef MUSTER_TOOLS_MUSTER_TORRENT_TEXT_H_
#define MUSTER_TOOLS_MUSTER_TORRENT_TEXT_H_

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "muster/info_hashes.h"

namespace muster_torrent {

// Without what would move a terminal's cursor: control bytes are written "\x1b".
std::string Printable(std::string_view text);

// "1.5 MiB"; and a number of bytes that may end with K, M or G, each 1024 times the one before.
std::string SizeText(std::int64_t bytes);
std::optional<std::int64_t> ParseSize(std::string_view text);

// One line on standard error, with the program's name.
void Complain(std::string_view text);
void Complain(const absl::Status& status);

// To standard output; the exit status.
int Print(std::string_view text);
int PrintJson(const nlohmann::json& json);

// "info_hash_v1" and "info_hash_v2", as there are, and lines that tell them to people.
void AddInfoHashes(const muster::InfoHashes& hashes, nlohmann::json& json);
std::string InfoHashLines(const muster::InfoHashes& hashes);

// "v1", "v2" or "hybrid".
std::string_view KindText(const muster::InfoHashes& hashes);

// "URL" or "URL,URL": each text is a tier.
std::vector<std::vector<std::string>> TiersOf(const std::vector<std::string>& texts);

}  // namespace muster_torrent

#endif  // MUSTER_TOOLS_MUSTER_TORRENT_TEXT_H_
