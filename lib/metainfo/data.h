// SPDX-License-Identifier: Apache-2.0
//
// What a Metainfo holds; see there for what each is. Never moved once it is filled: nearly all of
// it looks into `bytes`.
#ifndef MUSTER_LIB_METAINFO_DATA_H_
#define MUSTER_LIB_METAINFO_DATA_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/metainfo.h"

namespace muster {

struct MetainfoData {
  std::string bytes;
  // Names that are not in the bytes as they are given out.
  std::deque<std::string> made;
  std::vector<std::string> remarks;

  InfoHashes info_hashes;
  std::string_view info_bytes;
  std::string_view name;
  bool is_single_file = false;
  std::vector<std::string_view> path_names;  // of all files, which look in here
  std::vector<MetainfoFile> files;
  std::int64_t content_length = 0;
  std::int64_t total_length = 0;
  std::int64_t piece_length = 0;
  std::size_t piece_count = 0;
  std::string_view v1_pieces;
  bool is_private = false;
  std::string_view source;

  std::vector<std::vector<std::string_view>> trackers;
  bool has_announce_list = false;
  std::string_view announce;
  std::vector<std::string_view> web_seeds;
  std::vector<std::string_view> http_seeds;
  std::vector<HostPort> nodes;
  std::string_view comment;
  std::string_view created_by;
  std::optional<std::int64_t> creation_date;
  std::string_view encoding;
  std::vector<InfoHash> similar;
  std::vector<std::string_view> collections;
};

}  // namespace muster

#endif  // MUSTER_LIB_METAINFO_DATA_H_
