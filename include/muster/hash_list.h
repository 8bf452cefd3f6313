// SPDX-License-Identifier: Apache-2.0
//
// HashList: a list of info hashes that announces are held against, and how it is read from a file.
//
// Thread-safe. A look-up never waits, not even while millions of hashes are replaced: the new list
// takes the place of the old one, a large one part by part, and what is on both is on the list all the
// while. Changes wait for each other.
//
//   muster::HashList list;
//   muster::HashListReader reader(size_of_the_file);
//   while (...) reader.Add(piece);
//   list.Replace(std::move(reader).Finish().hashes);
//   if (list.Contains(info_hash)) ...
//
// Memory: 28 bytes for a hash, of which 20 are its own; while a list is replaced, the old one and
// 20 bytes for each new hash.
#ifndef MUSTER_HASH_LIST_H_
#define MUSTER_HASH_LIST_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "muster/export.h"
#include "muster/ids.h"
#include "muster/swarm_store.h"

namespace muster {

// The hash that a line of a list begins with: 40 hexadecimal digits (v1), or 64 (v2), of which the
// first 20 bytes are what trackers know the torrent by. Behind them the line ends, or goes on with
// anything but another hexadecimal digit, which is a comment. Nothing for any other line.
MUSTER_EXPORT std::optional<InfoHash> HashOfLine(std::string_view line);

// Reads a list from text that comes in any pieces. Thread-compatible.
class MUSTER_EXPORT HashListReader {
 public:
  // `expected_bytes` of text: memory for so many lines is set aside. More may come.
  explicit HashListReader(std::size_t expected_bytes = 0);

  void Add(std::string_view piece);

  struct Result {
    // In the order of the file; a hash may be there twice.
    std::vector<InfoHash> hashes;
    // Lines that are neither hashes nor empty nor comments ('#'), and the number of the first of
    // them, from 1. They are passed over.
    std::size_t bad_lines = 0;
    std::size_t first_bad_line = 0;
  };
  // A last line without a line end counts too.
  Result Finish() &&;
  // What has been read so far. A line whose end has not come waits for it, and line numbers go on.
  Result TakeLines();

 private:
  void AddLine(std::string_view line);

  // The first bytes of a line whose end has not come: a hash, and what tells whether it ends there.
  static constexpr std::size_t kKept = 65;
  std::array<char, kKept> begun_;
  std::size_t begun_size_ = 0;
  std::size_t lines_ = 0;
  Result result_;
};

struct HashChange {
  InfoHash info_hash;
  // On the list from now on, or off it.
  bool listed;
};

class MUSTER_EXPORT HashList {
 public:
  HashList();
  explicit HashList(std::vector<InfoHash> hashes);
  ~HashList();
  HashList(const HashList&) = delete;
  HashList& operator=(const HashList&) = delete;

  bool Contains(const InfoHash& info_hash) const;
  // Fetches the memory that Contains() will need for these.
  void Prefetch(absl::Span<const SwarmHint> coming) const;

  // Everything that was on the list goes. Takes as long as sorting the hashes; until it returns, some
  // look-ups are answered by the old list and some by the new one.
  void Replace(std::vector<InfoHash> hashes);
  // In their order. Takes as long as copying a sixteenth of the changes since the last Replace(); a
  // sixteenth of the list is written anew when they have become many. Many changes in one call cost
  // little more than one.
  void Change(absl::Span<const HashChange> changes);

  std::size_t size() const;
  // Memory that the list holds, in bytes.
  std::size_t bytes() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace muster

#endif  // MUSTER_HASH_LIST_H_
