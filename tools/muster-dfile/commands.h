// SPDX-License-Identifier: Apache-2.0
//
// The commands of muster-dfile. Each prints to standard output and returns its exit status; a
// status that is not OK is for standard error.
#ifndef MUSTER_TOOLS_MUSTER_DFILE_COMMANDS_H_
#define MUSTER_TOOLS_MUSTER_DFILE_COMMANDS_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "muster/state_formats.h"

namespace muster_dfile {

// How rows are printed.
enum class Style : std::uint8_t { kTable, kJson, kCsv };

// What is read, by every command.
struct Input {
  std::vector<std::string> files;
  muster::StateFormat format = muster::StateFormat::kUnknown;
};

// What is written, by those that write a state.
struct Output {
  std::string file;
  bool force = false;
  // kUnknown: that of the (first) input.
  muster::StateFormat format = muster::StateFormat::kUnknown;
};

// Which torrents or peers.
struct Filter {
  std::string hash_prefix;  // hexadecimal digits, lower-case
  std::uint64_t min_peers = 0;
  std::uint64_t max_peers = std::numeric_limits<std::uint64_t>::max();
  muster::Seconds min_age{0};
  muster::Seconds max_age = muster::Seconds::max();
  std::string client;  // what the peer id begins with
};

struct ShowOptions {
  std::size_t top = 10;
  bool json = false;
};
absl::StatusOr<int> Show(const Input& input, const ShowOptions& options);

enum class SortKey : std::uint8_t { kHash, kPeers, kSeeders, kCompleted, kAge, kClient };
struct ListOptions {
  bool peers = false;
  Filter filter;
  SortKey sort = SortKey::kHash;
  bool reverse = false;
  std::size_t limit = 0;  // 0: all
  Style style = Style::kTable;
};
absl::StatusOr<int> List(const Input& input, const ListOptions& options);

absl::StatusOr<int> Check(const Input& input);

absl::StatusOr<int> Convert(const Input& input, const Output& output);
absl::StatusOr<int> Repair(const Input& input, const Output& output);

struct EditOptions {
  std::vector<std::string> remove_torrents;  // prefixes, as Filter::hash_prefix
  std::vector<std::string> remove_peers;     // ADDRESS or ADDRESS:PORT
  std::vector<std::pair<muster::InfoHash, std::uint64_t>> set_completed;
};
absl::StatusOr<int> Edit(const Input& input, const Output& output, const EditOptions& options);

enum class Counts : std::uint8_t { kMax, kSum };
absl::StatusOr<int> Merge(const Input& input, const Output& output, Counts counts);

struct DiffOptions {
  bool peers = false;
  bool json = false;
};
absl::StatusOr<int> Diff(const Input& input, const DiffOptions& options);

struct PlotOptions {
  std::string svg;  // a file to write; empty: none
  bool force = false;
};
absl::StatusOr<int> Plot(const Input& input, const PlotOptions& options);

}  // namespace muster_dfile

#endif  // MUSTER_TOOLS_MUSTER_DFILE_COMMANDS_H_
