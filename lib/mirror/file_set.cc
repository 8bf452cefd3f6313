// SPDX-License-Identifier: Apache-2.0
#include "mirror/file_set.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "metainfo/faults.h"

namespace muster {
namespace {

std::string_view FirstName(std::string_view path) { return path.substr(0, path.find('/')); }

// Whether the path is one that pad files have.
bool IsOfService(std::string_view path, std::string_view service) {
  const std::string_view first = FirstName(path);
  return !service.empty() && first.size() < path.size() &&
         FirstName(path.substr(first.size() + 1)) == service;
}

absl::StatusOr<std::vector<std::string>> Expand(const Root& root,
                                                const std::vector<std::string>& specs,
                                                const FileSetOptions& options) {
  FoundFiles found(options.limits);
  std::vector<std::string> paths;
  for (const std::string& text : specs) {
    absl::StatusOr<PathSpec> spec = PathSpec::Parse(text);
    if (!spec.ok()) return spec.status();
    const std::size_t before = found.paths().size(), kept = paths.size();
    if (absl::Status status = spec->Expand(root, found); !status.ok()) return status;
    for (std::size_t i = before; i < found.paths().size(); ++i) {
      if (!IsOfService(found.paths()[i], options.service)) paths.push_back(found.paths()[i]);
    }
    if (paths.size() == kept) {
      return absl::NotFoundError(absl::StrCat(Quoted(text), ": nothing is there"));
    }
  }
  return paths;
}

absl::Status CheckFolders(const FileSet& set) {
  const std::string_view name = FirstName(set.paths.front());
  for (const std::string& path : set.paths) {
    if (FirstName(path).size() == path.size()) {
      return absl::InvalidArgumentError(absl::StrCat(Quoted(path), ": not below a folder"));
    }
    if (FirstName(path) != name) {
      return absl::InvalidArgumentError(absl::StrCat(Quoted(path), ": not below the same folder, ",
                                                     Quoted(name), ", as the others"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::int64_t FileSet::length() const {
  std::int64_t length = 0;
  for (const FileIdentity& identity : identities) length += identity.size;
  return length;
}

std::string_view FileSet::name() const {
  const std::string_view path = paths.front();
  return is_single ? path.substr(path.rfind('/') + 1) : FirstName(path);
}

std::string_view FileSet::PathBelowName(std::size_t file) const {
  return is_single ? std::string_view() : std::string_view(paths[file]).substr(name().size() + 1);
}

std::string_view FileSet::folder() const {
  const std::string_view path = paths.front();
  return is_single ? path.substr(0, path.rfind('/') + 1) : std::string_view();
}

absl::StatusOr<FileSet> FindFiles(const Root& root, const std::vector<std::string>& specs,
                                  const FileSetOptions& options) {
  absl::StatusOr<std::vector<std::string>> paths = Expand(root, specs, options);
  if (!paths.ok()) return paths.status();
  FileSet set;
  std::int64_t bytes = 0;
  std::unordered_set<std::string_view> seen;
  for (const std::string& path : *paths) {
    if (!seen.insert(path).second) continue;
    absl::StatusOr<FileIdentity> identity = root.Identify(path);
    if (!identity.ok()) return identity.status();
    if (identity->size > options.max_bytes - bytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat("files of more than ", options.max_bytes, " bytes together"));
    }
    bytes += identity->size;
    set.paths.push_back(path);
    set.identities.push_back(*identity);
  }
  if (set.paths.empty()) return absl::InvalidArgumentError("no paths");
  if (bytes == 0) return absl::InvalidArgumentError("all files are empty");
  set.is_single = options.may_be_single && set.paths.size() == 1;
  if (!set.is_single) {
    if (absl::Status status = CheckFolders(set); !status.ok()) return status;
  }
  return set;
}

}  // namespace muster
