// SPDX-License-Identifier: Apache-2.0
//
// Torrents for tests, made of parts that each test changes.
#ifndef MUSTER_TESTS_METAINFO_TORRENT_TESTING_H_
#define MUSTER_TESTS_METAINFO_TORRENT_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "muster/bencode.h"
#include "muster/metainfo.h"

namespace muster::testing_torrent {

using Dict = BencodeValue::Dict;
using List = BencodeValue::List;

inline constexpr MetainfoOptions kStrict{.strict = true};
inline constexpr MetainfoOptions kLenient{.strict = false};

inline List ListOf(std::initializer_list<std::string_view> texts) {
  List list;
  for (const std::string_view text : texts) list.emplace_back(text);
  return list;
}

// Twenty bytes for each piece.
inline std::string Hashes(std::size_t pieces) { return std::string(pieces * 20, 'h'); }
// The pieces root of a file that no test looks into.
inline std::string Root(char c = 'r') { return std::string(32, c); }

// A v1 file.
inline Dict File(std::int64_t length, std::initializer_list<std::string_view> path) {
  Dict file;
  file["length"] = length;
  file["path"] = ListOf(path);
  return file;
}

// An info dictionary of one file of 50,000 bytes, in four pieces.
inline Dict SingleInfo() {
  Dict info;
  info["name"] = "name";
  info["piece length"] = 16384;
  info["length"] = 50000;
  info["pieces"] = Hashes(4);
  return info;
}

// One of these files, in `pieces` pieces of 16384 bytes.
template <typename... Files>
Dict MultiInfo(std::size_t pieces, Files... files) {
  Dict info;
  info["name"] = "name";
  info["piece length"] = 16384;
  info["pieces"] = Hashes(pieces);
  List list;
  (list.emplace_back(std::move(files)), ...);
  info["files"] = std::move(list);
  return info;
}

// What stands for a file in a file tree, with the attributes of BEP 47.
inline Dict Leaf(std::int64_t length, std::string root = Root()) {
  Dict file;
  file["length"] = length;
  if (length > 0) file["pieces root"] = std::move(root);
  Dict leaf;
  leaf[""] = std::move(file);
  return leaf;
}

// A v2 info dictionary over a file tree.
inline Dict TreeInfo(Dict tree) {
  Dict info;
  info["name"] = "name";
  info["piece length"] = 16384;
  info["meta version"] = 2;
  info["file tree"] = std::move(tree);
  return info;
}

// The torrent with this info dictionary and what stands around it.
inline std::string Torrent(Dict info, Dict around = {}) {
  around["info"] = std::move(info);
  return BencodeValue(std::move(around)).Encode();
}

inline std::vector<std::string> Paths(const Metainfo& torrent) {
  std::vector<std::string> paths;
  for (const MetainfoFile& file : torrent.files()) paths.push_back(file.PathText());
  return paths;
}

inline std::string Message(const absl::Status& status) { return std::string(status.message()); }
template <typename Value>
std::string Message(const absl::StatusOr<Value>& result) {
  return Message(result.status());
}

}  // namespace muster::testing_torrent

#endif  // MUSTER_TESTS_METAINFO_TORRENT_TESTING_H_
