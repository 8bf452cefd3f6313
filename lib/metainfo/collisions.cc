// SPDX-License-Identifier: Apache-2.0
//
// Files that want the same place. In the order of paths, name by name, they stand together:
//
//   a          the file `a`
//   a          another: the same path
//   a, b.txt   a file in the folder `a`, which must not be a file
//   a.txt
#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "metainfo/file_table.h"

namespace muster {
namespace {

using Path = absl::Span<const std::string_view>;

bool IsWithin(Path folder, Path path) {
  return folder.size() < path.size() && std::equal(folder.begin(), folder.end(), path.begin());
}

}  // namespace

bool FileTable::ResolveCollisions() {
  std::vector<std::uint32_t> order;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!files[i].file.is_pad) order.push_back(static_cast<std::uint32_t>(i));
  }
  const auto path = [this](std::uint32_t i) { return PathOf(files[i]); };
  const auto is_less = [](Path a, Path b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
  };
  // Of one path, the first file of the torrent comes first.
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return is_less(path(a), path(b)); });

  struct Renaming {
    std::uint32_t file;
    std::string_view name;
  };
  std::vector<Renaming> renamings;  // kept until the end, as they would change the order
  for (std::size_t begin = 0, end; begin < order.size(); begin = end) {
    const Path taken = path(order[begin]);
    end = begin + 1;
    while (end < order.size() && path(order[end]) == taken) ++end;
    const bool is_folder = end < order.size() && IsWithin(taken, path(order[end]));

    std::size_t number = 0;
    for (std::size_t i = is_folder ? begin : begin + 1; i < end; ++i) {
      const FileDraft& draft = files[order[i]];
      if (!faults_.Deviates({.base = "info", .names = taken},
                            is_folder ? "a file where there is a folder" : "two files of one path",
                            draft.at)) {
        return false;
      }
      // "a" becomes "a.1", or with the next number that nobody has. It cannot be what another path
      // becomes: that would have the same name before its last dot, so be the same path.
      std::vector<std::string_view> free(taken.begin(), taken.end());
      std::string name;
      std::vector<std::uint32_t>::const_iterator found;
      do {
        name = absl::StrCat(ToAbsl(taken.back()), ".", ++number);
        free.back() = name;
        found = std::lower_bound(order.begin(), order.end(), Path(free),
                                 [&](std::uint32_t a, Path b) { return is_less(path(a), b); });
      } while (found != order.end() &&
               (path(*found) == Path(free) || IsWithin(free, path(*found))));
      renamings.push_back({order[i], Make(std::move(name))});
    }
  }
  for (const Renaming& renaming : renamings) {
    const NameRange& range = files[renaming.file].path;
    names[range.begin + range.size - 1] = renaming.name;
  }
  return true;
}

}  // namespace muster
