// SPDX-License-Identifier: Apache-2.0
//
// FileTable: the files of a torrent while they are read. Names lie one behind the other in one
// array, and a file says where its own are; Finish() gives the files as a Metainfo has them.
//
//   names   | dir | a.txt | dir | sub | b.txt |
//   files     {path 0+2}    {path 2+3}
//
// Thread-compatible. Names borrow the torrent's bytes, or `made` of the data.
#ifndef MUSTER_LIB_METAINFO_FILE_TABLE_H_
#define MUSTER_LIB_METAINFO_FILE_TABLE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "metainfo/data.h"
#include "metainfo/faults.h"
#include "muster/bencode.h"

namespace muster {

// Names in FileTable::names.
struct NameRange {
  std::size_t begin = 0;
  std::size_t size = 0;
};

// A file without its paths' names, and where those are.
struct FileDraft {
  MetainfoFile file;
  NameRange path;
  NameRange symlink_path;
  std::size_t at = 0;  // the byte where the torrent speaks of it
};

class FileTable {
 public:
  FileTable(const MetainfoLimits& limits, MetainfoData& data, Faults& faults)
      : limits_(limits), data_(data), faults_(faults) {}

  std::vector<FileDraft> files;
  std::vector<std::string_view> names;

  absl::Span<const std::string_view> PathOf(const FileDraft& draft) const {
    return absl::MakeConstSpan(names).subspan(draft.path.begin, draft.path.size);
  }

  // Those who add return false when that is an error, which they have reported. `at` is the byte of
  // what is added.

  // Appends a name that may be that of a file. In the lenient mode one that may not is mended, or
  // passed over when nothing is left of it.
  bool AddName(std::string_view name, const Where& where, std::size_t at);
  // Appends the strings of a list; `range` says where, and may be empty only in the lenient mode.
  bool AddNames(BencodeView list, const Where& where, NameRange& range);
  // Whether `n` names more may be added, and whether a path may have `n` names.
  bool HasRoom(std::size_t n, const Where& where, std::size_t at);
  bool TakesDepth(std::size_t n, const Where& where, std::size_t at);
  bool AddFile(const FileDraft& draft, const Where& where);

  // A string of the data's own, for what is not in the torrent's bytes.
  std::string_view Make(std::string text) { return data_.made.emplace_back(std::move(text)); }

  // Sees to it that no two files want the same place: two of one path, or a file where another
  // has a folder. In the lenient mode such files get a number.
  bool ResolveCollisions();

  // Moves everything into the data.
  void Finish();

 private:
  const MetainfoLimits& limits_;
  MetainfoData& data_;
  Faults& faults_;
};

// What v1 and v2 say of a file in the same words: its attributes, its length, and where a symbolic
// link points. In the lenient mode a link that points nowhere becomes an empty file.
bool ReadFileEntry(BencodeView entry, const Where& where, FileTable& table, Faults& faults,
                   FileDraft& draft);

// The files of an info dictionary as v1 tells them. Offsets follow one another.
bool ReadFileList(BencodeView info, std::string_view name, FileTable& table, Faults& faults);

// The same as v2 tells them, each with content at the next multiple of `piece_length` (> 0).
bool ReadFileTree(BencodeView tree, std::int64_t piece_length, FileTable& table, Faults& faults);

// Of a hybrid: whether both tell of the same files, those of v1 with pad files that align them. The
// v1 files get what only v2 knows.
bool JoinHybrid(const FileTable& tree, std::int64_t piece_length, FileTable& list, Faults& faults);

// Gives every file that is larger than a piece its layer of `piece layers`, and verifies it.
bool ReadPieceLayers(BencodeView torrent, std::int64_t piece_length, FileTable& table,
                     Faults& faults);

}  // namespace muster

#endif  // MUSTER_LIB_METAINFO_FILE_TABLE_H_
