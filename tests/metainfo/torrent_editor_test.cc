// SPDX-License-Identifier: Apache-2.0
#include "muster/torrent_editor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metainfo/torrent_testing.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using testing_torrent::Dict;
using testing_torrent::ListOf;
using testing_torrent::SingleInfo;
using testing_torrent::Torrent;

std::string Given() {
  Dict around;
  around["announce"] = "http://old/";
  around["announce-list"] = BencodeValue::List();
  around["comment"] = "old";
  around["comment.utf-8"] = "old too";
  around["creation date"] = 5;
  around["url-list"] = ListOf({"http://seed/"});
  around["x-unknown"] = ListOf({"kept"});
  return Torrent(SingleInfo(), std::move(around));
}

Metainfo Edit(const TorrentEdit& edit, const std::string& given = Given()) {
  const absl::StatusOr<std::string> edited = EditTorrent(given, edit);
  EXPECT_TRUE(edited.ok()) << edited.status();
  absl::StatusOr<Metainfo> torrent = Metainfo::Parse(*edited);
  EXPECT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_EQ(torrent->info_bytes(), Metainfo::Parse(given)->info_bytes());
  return *std::move(torrent);
}

TEST(TorrentEditor, ChangesNothingWithoutAnEdit) { EXPECT_EQ(*EditTorrent(Given(), {}), Given()); }

TEST(TorrentEditor, SetsWhatItIsTold) {
  const Metainfo torrent = Edit({.trackers = {{{"http://a/", "http://b/"}, {}, {"http://c/"}}},
                                 .web_seeds = {{"http://s/"}},
                                 .http_seeds = {{"http://h/"}},
                                 .nodes = {{{"router", 1}}},
                                 .comment = "new",
                                 .created_by = "me",
                                 .creation_date = 7});
  EXPECT_EQ(torrent.announce(), "http://a/");
  EXPECT_THAT(torrent.trackers(),
              ElementsAre(ElementsAre("http://a/", "http://b/"), ElementsAre("http://c/")));
  EXPECT_THAT(torrent.web_seeds(), ElementsAre("http://s/"));
  EXPECT_THAT(torrent.http_seeds(), ElementsAre("http://h/"));
  EXPECT_THAT(torrent.nodes(), ElementsAre(HostPort{"router", 1}));
  EXPECT_EQ(torrent.comment(), "new");
  EXPECT_EQ(torrent.created_by(), "me");
  EXPECT_EQ(torrent.creation_date(), 7);
  EXPECT_NE(torrent.bytes().find("9:x-unknownl4:kepte"), std::string_view::npos);
}

TEST(TorrentEditor, TakesAwayWhatIsEmpty) {
  const absl::StatusOr<std::string> edited = EditTorrent(
      Given(), {.trackers = {{}}, .web_seeds = {{}}, .comment = "", .removes_creation_date = true});
  Dict around;
  around["x-unknown"] = ListOf({"kept"});
  EXPECT_EQ(*edited, Torrent(SingleInfo(), std::move(around)));
}

TEST(TorrentEditor, WritesOneTrackerWithoutAList) {
  const Metainfo torrent = Edit({.trackers = {{{"http://a/"}}}});
  EXPECT_EQ(torrent.bytes().find("announce-list"), std::string_view::npos);
  EXPECT_EQ(torrent.announce(), "http://a/");
}

TEST(TorrentEditor, KeepsInfoDictionariesThatAreNotCanonical) {
  std::string given = Torrent(SingleInfo());
  // Keys out of order, in the dictionary that the hash is taken over, and a double one around it.
  given = "d4:infod6:pieces80:" + std::string(80, 'h') +
          "4:name1:n6:lengthi050000e12:piece lengthi16384ee8:announce1:a7:comment1:x7:comment1:ye";
  const Metainfo torrent = Edit({.trackers = {{{"http://a/"}}}}, given);
  EXPECT_EQ(torrent.comment(), "x");
  EXPECT_EQ(torrent.announce(), "http://a/");
  EXPECT_FALSE(EditTorrent(given, {}, {.strict = true}).ok());
}

TEST(TorrentEditor, RefusesWhatIsNoTorrentOrNoUrl) {
  EXPECT_FALSE(EditTorrent("de", {}).ok());
  EXPECT_FALSE(EditTorrent("", {}).ok());
  EXPECT_FALSE(EditTorrent(Given(), {.trackers = {{{"a b"}}}}).ok());
  EXPECT_FALSE(EditTorrent(Given(), {.web_seeds = {{""}}}).ok());
  EXPECT_FALSE(EditTorrent(Given(), {.http_seeds = {{"\n"}}}).ok());
  EXPECT_FALSE(EditTorrent(Given(), {.nodes = {{{"a", 0}}}}).ok());
}

}  // namespace
}  // namespace muster
