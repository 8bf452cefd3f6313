// SPDX-License-Identifier: Apache-2.0
#include "muster/torrent_catalog.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "muster/access_rules.h"
#include "muster/refusal.h"

namespace muster {
namespace {

InfoHash V1(std::uint8_t n) {
  const std::uint8_t bytes[20] = {n};
  return InfoHash::FromBytes(bytes);
}
InfoHashV2 V2(std::uint8_t n) {
  const std::uint8_t bytes[32] = {n};
  return InfoHashV2::FromBytes(bytes);
}

using Torrents = std::vector<std::shared_ptr<const CatalogTorrent>>;

std::shared_ptr<const CatalogTorrent> Torrent(std::string name, InfoHashes hashes,
                                              std::uint64_t length = 1) {
  CatalogTorrent torrent;
  torrent.name = std::move(name);
  torrent.info_hashes = hashes;
  torrent.length = length;
  return std::make_shared<const CatalogTorrent>(std::move(torrent));
}

TEST(TorrentList, FindsTorrentsByEitherHash) {
  const TorrentList list(Torrents{Torrent("b", {.v1 = V1(2)}), Torrent("v2", {.v2 = V2(9)}),
                                  Torrent("a", {.v1 = V1(7), .v2 = V2(3)})});
  EXPECT_EQ(list.Find(V1(2))->name, "b");
  EXPECT_EQ(list.Find(V2(9).Truncated())->name, "v2");
  EXPECT_EQ(list.Find(V1(7)), list.Find(V2(3).Truncated()));
  EXPECT_EQ(list.Find(V1(1)), nullptr);
  EXPECT_EQ(list.Find(V1(255)), nullptr);
  ASSERT_EQ(list.rows().size(), 4u);
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_LT(list.rows()[i - 1].info_hash, list.rows()[i].info_hash);
  }
  EXPECT_EQ(list.rows_by_name()[0].torrent->name, "a");
  EXPECT_EQ(list.rows_by_name()[3].torrent->name, "v2");
  EXPECT_EQ(list.size(), 3u);
}

TEST(TorrentList, GivesAHashToTheFirstThatHasIt) {
  const TorrentList list(Torrents{Torrent("first", {.v1 = V1(1)}), Torrent("x", {.v1 = V1(1)})});
  EXPECT_EQ(list.Find(V1(1))->name, "first");
  EXPECT_EQ(list.rows().size(), 1u);
}

TEST(TorrentList, AddsUpLengthsAsFarAsTheyGo) {
  EXPECT_EQ(TorrentList(Torrents{Torrent("a", {.v1 = V1(1)}, 3), Torrent("b", {.v1 = V1(2)}, 4)})
                .length(),
            7u);
  EXPECT_EQ(TorrentList(Torrents{Torrent("a", {.v1 = V1(1)}, ~std::uint64_t{0}),
                                 Torrent("b", {.v1 = V1(2)}, 4)})
                .length(),
            ~std::uint64_t{0});
}

TEST(TorrentCatalog, KeepsAListForWhoeverGoesThroughIt) {
  TorrentCatalog catalog;
  EXPECT_EQ(catalog.list()->size(), 0u);
  catalog.Replace({Torrent("old", {.v1 = V1(1)})});
  const std::shared_ptr<const TorrentList> old = catalog.list();
  catalog.Replace({Torrent("new", {.v1 = V1(1)})});
  catalog.Replace({Torrent("newer", {.v1 = V1(1)})});
  EXPECT_EQ(old->Find(V1(1))->name, "old");
  EXPECT_EQ(catalog.list()->Find(V1(1))->name, "newer");
}

TEST(TorrentCatalog, TellsWhatTorrentsSay) {
  CatalogTorrent refused{.info_hashes = {.v1 = V1(1), .v2 = V2(3)}};
  refused.refusal = "gone";
  CatalogTorrent warned{.info_hashes = {.v1 = V1(2)}};
  warned.warning = "old";
  TorrentCatalog catalog;
  catalog.Replace(
      {std::make_shared<CatalogTorrent>(refused), std::make_shared<CatalogTorrent>(warned)});
  EXPECT_EQ(catalog.RefusalOf(V1(1)), "gone");
  EXPECT_EQ(catalog.RefusalOf(V2(3).Truncated()), "gone");
  EXPECT_EQ(catalog.RefusalOf(V1(2)), "");
  EXPECT_EQ(catalog.WarningOf(V1(2)), "old");
  EXPECT_EQ(catalog.WarningOf(V1(9)), "");
  catalog.Replace({});
  EXPECT_EQ(catalog.RefusalOf(V1(1)), "");
}

TEST(TorrentCatalog, RefusesThroughTheRulesWhatItsTorrentsRefuse) {
  CatalogTorrent refused{.info_hashes = {.v1 = V1(1)}};
  refused.refusal = "gone";
  TorrentCatalog catalog;
  catalog.Replace({std::make_shared<CatalogTorrent>(refused)});
  AccessRules rules;
  rules.SetCatalog(&catalog);
  AnnounceRequest request;
  request.info_hash = V1(1);
  const absl::Status status = rules.AllowAnnounce(request, Instant());
  EXPECT_EQ(ClientText(status), "gone");
  request.info_hash = V1(2);
  EXPECT_TRUE(rules.AllowAnnounce(request, Instant()).ok());
}

}  // namespace
}  // namespace muster
