// SPDX-License-Identifier: Apache-2.0
//
// Whatever reads as a torrent can be edited, and is the same torrent afterwards.
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "muster/torrent_editor.h"

namespace {

using muster::Require;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto before = muster::Metainfo::Parse(bytes);
  const auto edited = muster::EditTorrent(
      bytes, {.trackers = {{{"http://a/"}, {"http://b/"}}}, .comment = "new", .created_by = ""});
  Require(edited.ok() == before.ok());
  if (!edited.ok()) return 0;
  const auto after = muster::Metainfo::Parse(*edited);
  Require(after.ok());
  Require(after->info_bytes() == before->info_bytes());
  Require(after->info_hashes() == before->info_hashes());
  Require(after->trackers().size() == 2 && after->announce() == "http://a/");
  Require(after->comment() == "new" && after->created_by().empty());
  Require(after->web_seeds().size() == before->web_seeds().size());
  // An edit that changes nothing gives the same bytes from then on.
  const auto again = muster::EditTorrent(*edited, {});
  Require(again.ok() && *again == *edited);
  return 0;
}
