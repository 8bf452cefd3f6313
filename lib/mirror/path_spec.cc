// SPDX-License-Identifier: Apache-2.0
#include "mirror/path_spec.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "metainfo/faults.h"
#include "metainfo/names.h"
#include "muster/torrent_builder.h"

namespace muster {
namespace {

absl::Status Wrong(std::string_view spec, const char* what) {
  return absl::InvalidArgumentError(absl::StrCat("the path ", Quoted(spec), ": ", what));
}

// The pattern of a name for Glob: a '[' that no ']' follows loses its meaning. A ']' that comes
// first is one of the set.
std::string GlobOf(std::string_view name) {
  std::string pattern;
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (name[at] == '[') {
      std::size_t first = at + 1;
      if (first < name.size() && (name[first] == '!' || name[first] == '^')) ++first;
      const std::size_t end = first < name.size() ? name.find(']', first + 1) : name.npos;
      if (end == name.npos) {
        pattern += '\\';
      } else {
        pattern += name.substr(at, end - at);
        at = end;
      }
    }
    pattern += name[at];
  }
  return pattern;
}

}  // namespace

absl::Status FoundFiles::Add(std::string path) {
  if (paths_.size() == limits_.max_files) {
    return absl::ResourceExhaustedError(absl::StrCat("more than ", limits_.max_files, " files"));
  }
  paths_.push_back(std::move(path));
  return absl::OkStatus();
}

absl::StatusOr<PathSpec> PathSpec::Parse(std::string_view text) {
  if (text.size() > kMaxSize) return Wrong(text, "too long");
  if (text.empty() || text.front() != '/') return Wrong(text, "no slash at its beginning");
  if (text.back() == '/') return Wrong(text, "a slash at its end");
  PathSpec spec;
  for (std::size_t at = 0; at < text.size();) {
    at = std::min(text.find_first_not_of('/', at), text.size());
    const std::size_t end = std::min(text.find('/', at), text.size());
    const std::string_view name = text.substr(at, end - at);
    at = end;
    if (const char* fault = NameFault(name, TorrentBuilder::kMaxNameSize))
      return Wrong(text, fault);
    if (name.front() == '.') return Wrong(text, "a hidden name");
    if (spec.names_.size() == kMaxDepth) return Wrong(text, "too many names");

    Name made{std::string(name), std::nullopt, name == "**"};
    if (!made.is_any_depth && name.find_first_of("*?[") != name.npos) {
      absl::StatusOr<Glob> glob = Glob::Parse(GlobOf(name));
      if (!glob.ok()) return glob.status();
      made.glob = *std::move(glob);
    }
    spec.is_pattern_ |= made.is_any_depth || made.glob.has_value();
    if (!spec.text_.empty()) spec.text_ += '/';
    spec.text_ += name;
    spec.names_.push_back(std::move(made));
  }
  return spec;
}

void PathSpec::Pass(States& states) const {
  for (std::size_t i = 0; i < states.size(); ++i) {
    const std::size_t state = states[i];
    // The last one is files, of which there must be one.
    if (state + 1 < names_.size() && names_[state].is_any_depth &&
        std::find(states.begin(), states.end(), state + 1) == states.end()) {
      states.push_back(state + 1);
    }
  }
}

PathSpec::States PathSpec::After(const States& states, const RootEntry& entry) const {
  States after;
  const auto add = [&after](std::size_t state) {
    if (std::find(after.begin(), after.end(), state) == after.end()) after.push_back(state);
  };
  for (const std::size_t state : states) {
    if (state == names_.size()) continue;
    const Name& name = names_[state];
    const bool is_last = state + 1 == names_.size();
    if (name.is_any_depth) {
      if (entry.is_folder && !entry.is_link) add(state);
      if (entry.is_file && is_last) add(state + 1);
    } else if (name.Matches(entry.name)) {
      add(state + 1);
    }
  }
  Pass(after);
  return after;
}

// What a folder has that the spec may mean, the last first.
absl::Status PathSpec::Visits(const Root& root, const Visit& folder, FoundFiles& files,
                              std::vector<Visit>& next) const {
  const std::size_t depth =
      static_cast<std::size_t>(std::count(folder.path.begin(), folder.path.end(), '/'));
  if (depth >= kMaxDepth) return absl::ResourceExhaustedError("folders too deep");
  std::vector<RootEntry> entries;
  const bool is_one = folder.states.size() == 1 && folder.states[0] < names_.size();
  const Name* only = is_one ? &names_[folder.states[0]] : nullptr;
  if (only != nullptr && !only->glob && !only->is_any_depth &&
      folder.states[0] + 1 < names_.size()) {
    // A folder that has a name: what is beside it need not be read.
    entries.push_back({only->text, /*is_folder=*/true, false, false});
  } else {
    absl::StatusOr<std::vector<RootEntry>> listed = root.List(folder.path, files.entries_left());
    if (absl::IsNotFound(listed.status())) return absl::OkStatus();
    if (!listed.ok()) return listed.status();
    entries = *std::move(listed);
  }
  files.Count(entries.size());
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    States states = After(folder.states, *entry);
    if (states.empty()) continue;
    std::string path =
        folder.path.empty() ? entry->name : absl::StrCat(folder.path, "/", entry->name);
    next.push_back({std::move(path), std::move(states), entry->is_folder});
  }
  return absl::OkStatus();
}

absl::Status PathSpec::Expand(const Root& root, FoundFiles& files) const {
  if (!is_pattern_) return files.Add(text_);
  // A stack: what comes first in the order of paths lies on top.
  std::vector<Visit> visits{{"", {0}, true}};
  Pass(visits[0].states);
  while (!visits.empty()) {
    const Visit visit = std::move(visits.back());
    visits.pop_back();
    if (visit.is_folder) {
      const bool goes_on = std::any_of(visit.states.begin(), visit.states.end(),
                                       [this](std::size_t state) { return state < names_.size(); });
      absl::Status status = goes_on ? Visits(root, visit, files, visits) : absl::OkStatus();
      if (!status.ok()) return status;
    } else if (std::find(visit.states.begin(), visit.states.end(), names_.size()) !=
               visit.states.end()) {
      if (absl::Status status = files.Add(visit.path); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace muster
