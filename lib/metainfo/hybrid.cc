// SPDX-License-Identifier: Apache-2.0
//
// A hybrid tells of its files twice (BEP 52), and both times must mean the same: the files of v1
// without its pad files are those of v2, in the same order.
#include "absl/strings/str_cat.h"
#include "metainfo/file_table.h"

namespace muster {
namespace {

// What differs; null when nothing does.
const char* Difference(const FileTable& list, const FileDraft& v1, const FileTable& tree,
                       const FileDraft& v2, std::int64_t piece_length) {
  if (list.PathOf(v1) != tree.PathOf(v2)) return "another path than in the file tree";
  if (v1.file.length != v2.file.length) return "another length than in the file tree";
  if (v1.file.is_symlink != v2.file.is_symlink) return "a link and not a link in the file tree";
  const auto target = [](const FileTable& table, const FileDraft& draft) {
    return absl::MakeConstSpan(table.names)
        .subspan(draft.symlink_path.begin, draft.symlink_path.size);
  };
  if (target(list, v1) != target(tree, v2)) return "another link than in the file tree";
  if (v1.file.length > 0 && v1.file.offset % piece_length != 0) {
    return "does not begin a piece, as the files of v2 do";
  }
  return nullptr;
}

}  // namespace

bool JoinHybrid(const FileTable& tree, std::int64_t piece_length, FileTable& list, Faults& faults) {
  std::size_t next = 0;  // in the tree
  for (std::size_t i = 0; i < list.files.size(); ++i) {
    FileDraft& v1 = list.files[i];
    if (v1.file.is_pad) continue;
    const Where where{.base = "info.files", .index = i};
    if (next == tree.files.size()) return faults.Fail(where, "not in the file tree", v1.at);
    const FileDraft& v2 = tree.files[next++];
    if (const char* difference = Difference(list, v1, tree, v2, piece_length)) {
      return faults.Fail(where, difference, v1.at);
    }
    v1.file.pieces_root = v2.file.pieces_root;
    v1.file.is_executable |= v2.file.is_executable;
    v1.file.is_hidden |= v2.file.is_hidden;
  }
  if (next == tree.files.size()) return true;
  const FileDraft& v2 = tree.files[next];
  return faults.Fail({.base = "info.file tree", .names = tree.PathOf(v2)}, "not in the files of v1",
                     v2.at);
}

}  // namespace muster
