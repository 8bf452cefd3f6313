// SPDX-License-Identifier: Apache-2.0
#include "metainfo/file_table.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "metainfo/names.h"

namespace muster {

bool FileTable::AddName(std::string_view name, const Where& where, std::size_t at) {
  if (const char* fault = NameFault(name, limits_.max_name_size)) {
    if (!faults_.Deviates(where, absl::StrCat(fault, ": ", Quoted(name)), at)) return false;
    std::string mended = MendedName(name, limits_.max_name_size);
    if (mended.empty()) return true;
    name = Make(std::move(mended));
  }
  if (!HasRoom(1, where, at)) return false;
  names.push_back(name);
  return true;
}

bool FileTable::HasRoom(std::size_t n, const Where& where, std::size_t at) {
  if (names.size() <= limits_.max_path_names && n <= limits_.max_path_names - names.size()) {
    return true;
  }
  return faults_.Fail(
      where, absl::StrCat("more than ", limits_.max_path_names, " names in all paths"), at);
}

bool FileTable::TakesDepth(std::size_t n, const Where& where, std::size_t at) {
  if (n <= limits_.max_path_depth) return true;
  return faults_.Fail(where, absl::StrCat("a path of more than ", limits_.max_path_depth, " names"),
                      at);
}

bool FileTable::AddNames(BencodeView list, const Where& where, NameRange& range) {
  range = {names.size(), 0};
  for (const BencodeView item : list.items()) {
    const std::optional<std::string_view> name = item.AsString();
    if (!name) return faults_.Fail(where, "not a string", item.offset());
    if (!AddName(*name, where, item.offset())) return false;
    range.size = names.size() - range.begin;
    if (!TakesDepth(range.size, where, item.offset())) return false;
  }
  return true;
}

bool FileTable::AddFile(const FileDraft& draft, const Where& where) {
  if (files.size() >= limits_.max_files) {
    return faults_.Fail(where, absl::StrCat("more than ", limits_.max_files, " files"), draft.at);
  }
  files.push_back(draft);
  return true;
}

void FileTable::Finish() {
  data_.path_names = std::move(names);
  const absl::Span<const std::string_view> all = data_.path_names;
  data_.files.reserve(files.size());
  for (FileDraft& draft : files) {
    MetainfoFile& file = data_.files.emplace_back(draft.file);
    file.path = all.subspan(draft.path.begin, draft.path.size);
    file.symlink_path = all.subspan(draft.symlink_path.begin, draft.symlink_path.size);
    data_.total_length = file.offset + file.length;
    if (!file.is_pad) data_.content_length += file.length;
  }
  files = {};
}

bool ReadFileEntry(BencodeView entry, const Where& where, FileTable& table, Faults& faults,
                   FileDraft& draft) {
  bool ok = true;
  const BencodeView attributes = FindTyped(entry, "attr", BencodeType::kString, where, faults, ok);
  if (!ok) return false;
  for (const char attribute : attributes.StringOr("")) {
    draft.file.is_pad |= attribute == 'p';
    draft.file.is_executable |= attribute == 'x';
    draft.file.is_hidden |= attribute == 'h';
    draft.file.is_symlink |= attribute == 'l';
  }

  const BencodeView length = entry.Find("length");
  if (draft.file.is_symlink) {
    // Whatever length it tells, it takes up no data.
    if (length && length.AsInt() != 0 &&
        !faults.Deviates(where.Key("length"), "the length of a symbolic link", length.offset())) {
      return false;
    }
    const Where key = where.Key("symlink path");
    const BencodeView target =
        FindTyped(entry, "symlink path", BencodeType::kList, where, faults, ok);
    if (!ok || !table.AddNames(target, key, draft.symlink_path)) return false;
    if (draft.symlink_path.size == 0) {
      draft.file.is_symlink = false;
      return faults.Deviates(key, "a symbolic link to nowhere", entry.offset());
    }
    return true;
  }

  const std::optional<std::int64_t> bytes = length.AsInt();
  const Where key = where.Key("length");
  if (!bytes) {
    return faults.Fail(key, length ? "not a number" : "missing",
                       length ? length.offset() : entry.offset());
  }
  if (*bytes < 0) return faults.Fail(key, "a negative length", length.offset());
  draft.file.length = *bytes;
  return true;
}

}  // namespace muster
