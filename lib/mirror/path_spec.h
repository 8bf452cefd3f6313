// SPDX-License-Identifier: Apache-2.0
//
// PathSpec: which files of a mirror a client asks for: "/yum/os/Packages/a.rpm", "/yum/os/*.rpm",
// "/yum/**". Names are compared with '*', '?' and "[...]" as a shell does; a "[" without its "]" is
// a byte as any other. "**" as a whole name is any number of folders, or at the end everything
// below.
//
// What is not asked for by its own name, a pattern passes over: hidden files, special files, links
// that leave. "**" does not go into linked folders, which may lead back to where it came from.
//
// A plain value; reentrant.
#ifndef MUSTER_LIB_MIRROR_PATH_SPEC_H_
#define MUSTER_LIB_MIRROR_PATH_SPEC_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "metainfo/glob.h"
#include "mirror/root.h"

namespace muster {

struct ExpansionLimits {
  // Files of one torrent.
  std::size_t max_files = 100'000;
  // Entries of folders that are looked at for it.
  std::size_t max_entries = 1'000'000;
};

// Files below the root, in the order in which they came, and what it cost so far.
class FoundFiles {
 public:
  explicit FoundFiles(const ExpansionLimits& limits) : limits_(limits) {}

  const std::vector<std::string>& paths() const { return paths_; }
  absl::Status Add(std::string path);

  const ExpansionLimits& limits() const { return limits_; }
  std::size_t entries_left() const { return limits_.max_entries - entries_; }
  void Count(std::size_t entries) { entries_ += entries; }

 private:
  const ExpansionLimits limits_;
  std::size_t entries_ = 0;
  std::vector<std::string> paths_;
};

class PathSpec {
 public:
  // Bytes, and names, of a spec.
  static constexpr std::size_t kMaxSize = 4096;
  static constexpr std::size_t kMaxDepth = 64;

  // `text` begins with a slash; more than one between names count as one. InvalidArgument, naming
  // it, for what has a name of dots, a hidden one, a NUL or a backslash, for what ends with a slash
  // and for what goes over a limit.
  static absl::StatusOr<PathSpec> Parse(std::string_view text);

  // Without a slash at its beginning.
  const std::string& text() const { return text_; }
  bool is_pattern() const { return is_pattern_; }

  // Adds the files: of a pattern in the order of paths, name by name, none when nothing matches.
  // Without a pattern the file need not be there. ResourceExhausted when there are too many, what
  // the system says where a folder cannot be read.
  absl::Status Expand(const Root& root, FoundFiles& files) const;

 private:
  struct Name {
    std::string text;
    // Where it is a pattern and not "**".
    std::optional<Glob> glob;
    bool is_any_depth = false;

    bool Matches(std::string_view name) const { return glob ? glob->Matches(name) : name == text; }
  };
  // Which names of the spec the next name of a path may be; size() says that it is at its end.
  using States = std::vector<std::size_t>;
  struct Visit {
    std::string path;
    States states;
    bool is_folder;
  };

  // "**" may be nothing.
  void Pass(States& states) const;
  States After(const States& states, const RootEntry& entry) const;
  absl::Status Visits(const Root& root, const Visit& folder, FoundFiles& files,
                      std::vector<Visit>& next) const;

  std::string text_;
  std::vector<Name> names_;
  bool is_pattern_ = false;
};

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_PATH_SPEC_H_
