// SPDX-License-Identifier: Apache-2.0
#include "muster/torrent_builder.h"

#include <limits.h>
#include <stdlib.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/text.h"
#include "metainfo/content.h"
#include "metainfo/faults.h"
#include "metainfo/merkle.h"
#include "metainfo/names.h"
#include "metainfo/piece_hasher.h"
#include "metainfo/torrent_layout.h"
#include "metainfo/torrent_writer.h"
#include "metainfo/tree_walk.h"

namespace muster {
namespace {

// The last name of a path on disk, as a torrent is called by it; empty where it has none.
std::string NameOf(const std::string& disk_path) {
  std::string path = disk_path;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  std::string name = path.substr(path.rfind('/') + 1);
  if (name == "." || name == "..") {
    const std::unique_ptr<char, void (*)(void*)> whole(::realpath(path.c_str(), nullptr), ::free);
    name = whole == nullptr ? "" : std::string(whole.get());
    name = name.substr(name.rfind('/') + 1);
  }
  return name;
}

absl::Status BadPath(std::string_view path, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("the path ", Quoted(path), ": ", ToAbsl(what)));
}

}  // namespace

struct TorrentBuilder::State {
  explicit State(const TorrentBuilderOptions& given) : options(given) {}

  const TorrentBuilderOptions options;
  std::vector<ContentFile> files;
  // It was added without a path.
  bool is_single_file = false;
  std::string name;  // of what was added first

  bool is_hashed = false;
  TorrentLayout layout;
  PieceHashes hashes;
  std::vector<Sha256Digest> roots;

  absl::Status MayAdd() const {
    if (is_hashed) return absl::FailedPreconditionError("the content was hashed already");
    if (is_single_file) {
      return absl::InvalidArgumentError("a file beside the only one, which has no folder");
    }
    return absl::OkStatus();
  }

  absl::Status Add(std::string_view path, const std::string& from, ContentFile file) {
    if (absl::Status status = MayAdd(); !status.ok()) return status;
    if (path.empty()) {
      if (!files.empty()) return BadPath(path, "empty, which is for the only file");
    } else if (const char* fault = PathFault(path)) {
      return BadPath(path, fault);
    }
    if (file.length < 0) return BadPath(path, "a negative length");
    if (files.size() >= options.max_files) {
      return BadPath(path, absl::StrCat("more than ", options.max_files, " files"));
    }
    is_single_file = path.empty();
    file.path = std::string(path);
    files.push_back(std::move(file));
    if (name.empty()) name = NameOf(from);
    return absl::OkStatus();
  }

  void FindRoots() {
    MerkleTree tree;
    roots.resize(files.size());
    for (const PieceExtent& extent : layout.plan.extents) {
      const std::int64_t length = layout.plan.piece_length;
      const auto first = static_cast<std::size_t>(extent.offset / length);
      const auto count = static_cast<std::size_t>((extent.length - 1) / length + 1);
      constexpr std::size_t kNode = std::tuple_size_v<Sha256Digest>;
      const auto nodes = absl::MakeConstSpan(hashes.v2).subspan(first * kNode, count * kNode);
      roots[extent.file] = tree.Root(nodes, PieceLevel(length));
    }
  }
};

TorrentBuilder::TorrentBuilder(const TorrentBuilderOptions& options)
    : state_(std::make_unique<State>(options)) {}
TorrentBuilder::~TorrentBuilder() = default;
TorrentBuilder::TorrentBuilder(TorrentBuilder&&) noexcept = default;
TorrentBuilder& TorrentBuilder::operator=(TorrentBuilder&&) noexcept = default;

absl::Status TorrentBuilder::AddPath(const std::string& disk_path, const TreeOptions& tree) {
  struct stat status;
  if (::stat(disk_path.c_str(), &status) != 0) return SystemError(disk_path, errno);
  if (S_ISDIR(status.st_mode)) return AddTree(disk_path, "", tree);
  FileAttributes attributes;
  attributes.is_executable = tree.mark_executable && (status.st_mode & S_IXUSR) != 0;
  attributes.is_hidden = tree.mark_hidden && NameOf(disk_path).starts_with('.');
  return AddFile(disk_path, "", attributes);
}

absl::Status TorrentBuilder::AddFile(const std::string& disk_path, std::string_view path,
                                     std::optional<FileAttributes> attributes) {
  absl::StatusOr<ContentFile> file = FileOnDisk(disk_path);
  if (!file.ok()) return file.status();
  if (attributes) {
    file->is_executable = attributes->is_executable;
    file->is_hidden = attributes->is_hidden;
  }
  return state_->Add(path, disk_path, *std::move(file));
}

absl::Status TorrentBuilder::AddTree(const std::string& disk_path, std::string_view path,
                                     const TreeOptions& tree) {
  if (absl::Status status = state_->MayAdd(); !status.ok()) return status;
  if (!path.empty()) {
    if (const char* fault = PathFault(path)) return BadPath(path, fault);
  }
  absl::Status status = WalkTree(disk_path, path, tree, state_->options.max_files, state_->files);
  if (status.ok() && state_->name.empty()) state_->name = NameOf(disk_path);
  return status;
}

absl::Status TorrentBuilder::AddBytes(std::string_view path, std::int64_t length, ReadAt read,
                                      const FileAttributes& attributes) {
  ContentFile file;
  file.length = length;
  file.read = std::move(read);
  file.is_executable = attributes.is_executable;
  file.is_hidden = attributes.is_hidden;
  return state_->Add(path, "", std::move(file));
}

absl::Status TorrentBuilder::AddSymlink(std::string_view path, std::string_view target) {
  if (const char* fault = PathFault(target)) return BadPath(target, fault);
  if (path.empty()) return BadPath(path, "empty");
  ContentFile file;
  file.symlink_path = std::string(target);
  return state_->Add(path, "", std::move(file));
}

absl::StatusOr<TorrentPlan> TorrentBuilder::Plan() const {
  TorrentLayout layout;
  absl::Status status = LayOut(state_->options, state_->files, layout);
  if (!status.ok()) return status;
  TorrentPlan plan;
  for (const std::size_t i : layout.order) {
    const ContentFile& file = state_->files[i];
    plan.files.push_back({file.path,
                          file.disk_path,
                          file.length,
                          {file.is_executable, file.is_hidden},
                          file.symlink_path});
    plan.content_length += file.length;
  }
  plan.name = state_->name;
  plan.total_length = layout.plan.total_length;
  plan.piece_length = layout.plan.piece_length;
  plan.piece_count = layout.plan.piece_count();
  return plan;
}

absl::Status TorrentBuilder::Hash(const HashingOptions& options) {
  State& state = *state_;
  if (state.is_hashed) return absl::OkStatus();
  state.layout = {};
  absl::Status status = LayOut(state.options, state.files, state.layout);
  if (!status.ok()) return status;
  status = HashPieces(state.layout.plan, state.files, options, OnFailure::kStop, state.hashes);
  if (!status.ok()) return status;
  if (state.layout.plan.v2) state.FindRoots();
  state.is_hashed = true;
  return absl::OkStatus();
}

absl::StatusOr<std::string> TorrentBuilder::Torrent(const TorrentDetails& details) const {
  const State& state = *state_;
  if (!state.is_hashed) return absl::FailedPreconditionError("the content is not hashed yet");
  const TorrentKind kind = details.kind.value_or(state.options.kind);
  if (kind != state.options.kind && state.options.kind != TorrentKind::kHybrid) {
    return absl::InvalidArgumentError("another kind of torrent than was hashed for");
  }
  const std::string_view name = details.name.empty() ? state.name : details.name;
  if (const char* fault = NameFault(name, kMaxNameSize)) {
    return absl::InvalidArgumentError(absl::StrCat("the torrent's name: ", fault));
  }
  if (absl::Status status = CheckDetails(details); !status.ok()) return status;
  return WriteTorrent(
      {kind, state.is_single_file, state.files, state.layout, state.hashes, state.roots}, name,
      details);
}

}  // namespace muster
