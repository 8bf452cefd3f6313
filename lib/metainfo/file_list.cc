// SPDX-License-Identifier: Apache-2.0
//
// The files of v1: `files`, a list of dictionaries, or the only file's `length` (BEP 3, BEP 47).
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "metainfo/digest.h"
#include "metainfo/file_table.h"

namespace muster {
namespace {

// As older versions of BitComet and its like name their pad files.
constexpr std::string_view kPadName = "_____padding_file_";

class FileListReader {
 public:
  FileListReader(FileTable& table, Faults& faults) : table_(table), faults_(faults) {}

  bool ReadOnlyFile(BencodeView info, std::string_view name) {
    FileDraft draft;
    draft.at = info.offset();
    const Where where{.base = "info"};
    if (!ReadEntry(info, where, draft)) return false;
    draft.path = {table_.names.size(), 1};
    table_.names.push_back(name);
    return Add(draft, where);
  }

  bool ReadFiles(BencodeView files) {
    std::size_t index = 0;
    for (const BencodeView entry : files.items()) {
      const Where where{.base = "info.files", .index = index++};
      if (entry.type() != BencodeType::kDict) {
        return faults_.Fail(where, "not a dictionary", entry.offset());
      }
      FileDraft draft;
      draft.at = entry.offset();
      if (!ReadEntry(entry, where, draft)) return false;
      if (!ReadPath(entry, where, draft)) return false;
      if (table_.names.at(draft.path.begin + draft.path.size - 1).substr(0, kPadName.size()) ==
          kPadName) {
        draft.file.is_pad = true;
      }
      if (!Add(draft, where)) return false;
    }
    return index > 0 || faults_.Fail({.base = "info.files"}, "no files", files.offset());
  }

 private:
  bool ReadEntry(BencodeView entry, const Where& where, FileDraft& draft) {
    if (!ReadFileEntry(entry, where, table_, faults_, draft)) return false;
    bool ok = true;
    const BencodeView sha1 = FindTyped(entry, "sha1", BencodeType::kString, where, faults_, ok);
    const std::string_view digest = sha1.StringOr("");
    if (digest.size() == std::tuple_size_v<Sha1Digest>) {
      draft.file.sha1 = digest;
    } else if (sha1) {
      ok = faults_.Deviates(where.Key("sha1"), "not 20 bytes", sha1.offset());
    }
    return ok;
  }

  bool ReadPath(BencodeView entry, const Where& where, FileDraft& draft) {
    const BencodeView utf8 = entry.Find("path.utf-8");
    const BencodeView path = entry.Find("path");
    for (const auto& [list, key] : {std::pair(utf8, "path.utf-8"), std::pair(path, "path")}) {
      if (!list) continue;
      const Where list_where = where.Key(key);
      if (list.type() != BencodeType::kList) {
        if (!faults_.Deviates(list_where, "not a list", list.offset())) return false;
        continue;
      }
      if (!(list.items().begin() == std::default_sentinel)) {
        if (!table_.AddNames(list, list_where, draft.path)) return false;
        // Every name was one of those that are passed over.
        if (draft.path.size == 0) draft.path = AddMade("_");
        return true;
      }
      if (!faults_.Deviates(list_where, "an empty path", list.offset())) return false;
    }
    const Where missing = where.Key("path");
    if (!draft.file.is_pad) return faults_.Fail(missing, "missing", entry.offset());
    // Nobody writes pad files, so some creators do not name them.
    if (!faults_.Deviates(missing, "missing", entry.offset())) return false;
    draft.path = AddMade(absl::StrCat(draft.file.length));
    return true;
  }

  NameRange AddMade(std::string name) {
    table_.names.push_back(table_.Make(std::move(name)));
    return {table_.names.size() - 1, 1};
  }

  bool Add(FileDraft& draft, const Where& where) {
    if (draft.file.length > std::numeric_limits<std::int64_t>::max() - end_) {
      return faults_.Fail(where, "lengths that add up to more than 63 bits", draft.at);
    }
    draft.file.offset = end_;
    end_ += draft.file.length;
    return table_.AddFile(draft, where);
  }

  FileTable& table_;
  Faults& faults_;
  std::int64_t end_ = 0;  // of the data of the files so far
};

}  // namespace

bool ReadFileList(BencodeView info, std::string_view name, FileTable& table, Faults& faults) {
  FileListReader reader(table, faults);
  const BencodeView files = info.Find("files");
  if (!files) return reader.ReadOnlyFile(info, name);
  if (files.type() != BencodeType::kList) {
    return faults.Fail({.base = "info.files"}, "not a list", files.offset());
  }
  if (const BencodeView length = info.Find("length")) {
    if (!faults.Deviates({.base = "info.length"}, "a length beside a list of files",
                         length.offset())) {
      return false;
    }
  }
  return reader.ReadFiles(files);
}

}  // namespace muster
