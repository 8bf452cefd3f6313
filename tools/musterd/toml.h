// SPDX-License-Identifier: Apache-2.0
//
// The configuration file: TOML, flat, each setting under the name that it has on the command line.
//
//   http = ["0.0.0.0:6969", "[::]:6969"]
//   interval = "30m"        # or 1800: a plain number is seconds
//   peer-ids = true
#ifndef MUSTER_TOOLS_MUSTERD_TOML_H_
#define MUSTER_TOOLS_MUSTERD_TOML_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "musterd/settings.h"

namespace musterd {

// Larger files and longer lines are refused: nothing that is meant as a configuration comes near.
inline constexpr std::size_t kMaxTomlBytes = 1024 * 1024;
inline constexpr std::size_t kMaxTomlLine = 4096;

// The whole file, or as much of it as ReadToml() needs to see that it is too long.
absl::StatusOr<std::string> ReadConfigFile(const std::string& path);

// What `text` assigns, in its order. `file` is its name in messages. The first mistake (not TOML,
// an unknown name, a value of the wrong type or out of range) is an InvalidArgument that begins
// with "FILE:LINE:COLUMN: " and has no line break.
absl::StatusOr<std::vector<Assignment>> ReadToml(std::string_view text, std::string_view file,
                                                 const SettingsTable& table = MusterdTable());

// A file that ReadToml() and Resolve() make these settings of, every setting explained.
std::string WriteToml(const AnySettings& settings, const SettingsTable& table = MusterdTable());

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_TOML_H_
