// SPDX-License-Identifier: Apache-2.0
//
// The files of v2 (BEP 52): a dictionary for each folder, by name; and under the empty name the
// file that its own name is for.
//
//   {"dir": {"a.txt": {"": {"length": 5, "pieces root": ...}}, "sub": {...}}}
//
// Walked with a stack of its own.
#include <limits>
#include <optional>

#include "metainfo/digest.h"
#include "metainfo/file_table.h"

namespace muster {
namespace {

class FileTreeReader {
 public:
  FileTreeReader(std::int64_t piece_length, FileTable& table, Faults& faults)
      : piece_length_(piece_length), table_(table), faults_(faults) {}

  bool Read(BencodeView tree) {
    Open(tree);
    while (!folders_.empty()) {
      Folder& folder = folders_.back();
      path_.resize(folder.depth);
      if (folder.at == std::default_sentinel) {
        folders_.pop_back();
        continue;
      }
      const BencodeEntry entry = *folder.at;
      ++folder.at;
      if (!ReadEntry(entry)) return false;
    }
    return !table_.files.empty() ||
           faults_.Fail({.base = "info.file tree"}, "no files", tree.offset());
  }

 private:
  // An open folder: what of it comes next, and how many names lead to it.
  struct Folder {
    BencodeRange<BencodeEntry>::Iterator at;
    std::size_t depth;
  };

  void Open(BencodeView dict) { folders_.push_back({dict.entries().begin(), path_.size()}); }

  bool ReadEntry(const BencodeEntry& entry) {
    const std::size_t at = entry.value.offset();
    if (entry.value.type() != BencodeType::kDict) {
      return faults_.Fail(Here(), "not a dictionary: " + Quoted(entry.key), at);
    }
    if (entry.key.empty()) return faults_.Fail(Here(), "an empty name among others", at);

    // The name may be mended; it is put behind the path, not into the table.
    const std::size_t names = table_.names.size();
    if (!table_.AddName(entry.key, Here(), at)) return false;
    if (table_.names.size() > names) {
      path_.push_back(table_.names.back());
      table_.names.pop_back();
    }
    if (!table_.TakesDepth(path_.size(), Here(), at)) return false;

    BencodeRange<BencodeEntry>::Iterator first = entry.value.entries().begin();
    if (first == std::default_sentinel) return faults_.Deviates(Here(), "an empty folder", at);
    const BencodeEntry inside = *first;
    if (!inside.key.empty() || !(++first == std::default_sentinel)) {
      Open(entry.value);
      return true;
    }
    return ReadFile(inside.value);
  }

  bool ReadFile(BencodeView entry) {
    const Where where = Here();
    if (entry.type() != BencodeType::kDict) {
      return faults_.Fail(where, "not a dictionary", entry.offset());
    }
    FileDraft draft;
    draft.at = entry.offset();
    if (!ReadFileEntry(entry, where, table_, faults_, draft)) return false;
    if (draft.file.is_pad) return faults_.Fail(where, "a pad file in v2", entry.offset());
    if (!ReadRoot(entry, where, draft.file)) return false;
    if (!Place(draft.file)) {
      return faults_.Fail(where, "lengths that add up to more than 63 bits", entry.offset());
    }
    if (path_.empty()) path_.push_back("_");  // every name was passed over
    if (!table_.HasRoom(path_.size(), where, entry.offset())) return false;
    draft.path = {table_.names.size(), path_.size()};
    table_.names.insert(table_.names.end(), path_.begin(), path_.end());
    return table_.AddFile(draft, where);
  }

  bool ReadRoot(BencodeView entry, const Where& where, MetainfoFile& file) {
    const BencodeView root = entry.Find("pieces root");
    const Where key = where.Key("pieces root");
    if (file.length == 0) {
      return !root || faults_.Deviates(key, "of a file without content", root.offset());
    }
    if (!root) return faults_.Fail(key, "missing", entry.offset());
    file.pieces_root = root.StringOr("");
    if (file.pieces_root.size() != std::tuple_size_v<Sha256Digest>)
      return faults_.Fail(key, "not 32 bytes", root.offset());
    // Which no content has.
    return file.pieces_root.find_first_not_of('\0') != std::string_view::npos ||
           faults_.Fail(key, "all zeros", root.offset());
  }

  // Gives the file its offset; false when there is none.
  bool Place(MetainfoFile& file) {
    constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
    file.offset = end_;
    if (file.length == 0) return true;
    if (const std::int64_t over = end_ % piece_length_; over > 0) {
      if (piece_length_ - over > kMax - end_) return false;
      file.offset = end_ + (piece_length_ - over);
    }
    if (file.length > kMax - file.offset) return false;
    end_ = file.offset + file.length;
    return true;
  }

  Where Here() const { return {.base = "info.file tree", .names = path_}; }

  const std::int64_t piece_length_;
  FileTable& table_;
  Faults& faults_;
  std::vector<Folder> folders_;         // from the outermost to the innermost
  std::vector<std::string_view> path_;  // names that lead to what is read
  std::int64_t end_ = 0;                // of the data of the files so far
};

}  // namespace

bool ReadFileTree(BencodeView tree, std::int64_t piece_length, FileTable& table, Faults& faults) {
  return FileTreeReader(piece_length, table, faults).Read(tree);
}

}  // namespace muster
