// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "state/bttrack_testing.h"

namespace muster {
namespace {

using testing::HasSubstr;

Endpoint At(std::string_view text) { return *Endpoint::Parse(text); }

TEST(BttrackReader, GivesTorrentsWithTheirCountsAndPeers) {
  const Everything all =
      ReadBttrack(StateText(CountText('a', 7) + CountText('c', 2),
                            TorrentText('a', PeerText('A', "192.0.2.1", 6881, 0) +
                                                 PeerText('B', "2001:db8::1", 6882, 5)) +
                                TorrentText('c', PeerText('C', "192.0.2.3", 6883, 1))));
  EXPECT_TRUE(all.errors.empty()) << all.errors[0];
  ASSERT_EQ(all.torrents.size(), 2u);
  const SavedTorrent& a = all.torrents[0];
  EXPECT_EQ(a.info_hash, HashOf('a'));
  EXPECT_EQ(a.completed, 7u);
  EXPECT_EQ(a.side, "");
  ASSERT_EQ(a.peers.size(), 2u);
  EXPECT_EQ(a.peers[0].peer, At("192.0.2.1:6881"));
  EXPECT_EQ(a.peers[0].state, PeerState::kSeeder);
  EXPECT_EQ(a.peers[0].peer_id, IdOf('A'));
  EXPECT_EQ(a.peers[0].last_seen, kWritten);
  EXPECT_EQ(a.peers[1].peer, At("[2001:db8::1]:6882"));
  EXPECT_EQ(a.peers[1].state, PeerState::kDownloader);
  EXPECT_EQ(all.torrents[1].completed, 2u);
}

TEST(BttrackReader, KnowsWhatElseBttrackKnowsOfAPeer) {
  const Everything all = ReadBttrack(StateText(
      "", TorrentText('a', PeerText('A', "192.0.2.1", 6881, 77, "3:nati3e", "sesame", "10.1.1.1") +
                               PeerText('B', "192.0.2.2", 6881, 0, ""))));
  ASSERT_EQ(all.torrents.size(), 1u);
  const auto& peers = all.torrents[0].peers;
  EXPECT_EQ(PeerDetailsOf(peers[0]), (PeerDetails{.left = 77,
                                                  .key = "sesame",
                                                  .nat = 3,
                                                  .supports_crypto = true,
                                                  .requires_crypto = false,
                                                  .given_ip = "10.1.1.1"}));
  EXPECT_EQ(PeerDetailsOf(peers[1]).left, 0u);
  EXPECT_EQ(PeerDetailsOf(peers[1]).nat, std::nullopt);
  EXPECT_EQ(PeerDetailsOf(SavedPeer{}), PeerDetails{});
}

TEST(BttrackReader, GivesPeersThatAreKnownByTheirIds) {
  const Everything all = ReadBttrack(
      StateText("", TorrentText('a', "20:" + std::string(20, 'A') +
                                         "d2:ip9:192.0.2.14:lefti0e4:porti1e13:requirecryptoi0e"
                                         "13:supportcryptoi0ee" +
                                         PeerText('B', "192.0.2.1", 1, 5))));
  ASSERT_EQ(all.torrents.size(), 1u);
  const auto& peers = all.torrents[0].peers;
  ASSERT_EQ(peers.size(), 2u);
  EXPECT_EQ(peers[0].side, "de");
  EXPECT_EQ(NameOfSavedPeer(peers[0]).id, IdOf('A'));
  EXPECT_EQ(NameOfSavedPeer(peers[1]).id, IdOf('B'));
  SavedPeer plain = peers[0];
  plain.side.clear();
  EXPECT_EQ(NameOfSavedPeer(plain).endpoint, At("192.0.2.1:1"));
}

TEST(BttrackReader, GivesTorrentsOfWhichOnlyTheCountIsLeftInTheirOrder) {
  const Everything all = ReadBttrack(
      StateText(CountText('a', 1) + CountText('b', 2) + CountText('c', 3) + CountText('d', 4),
                TorrentText('b', PeerText('A', "192.0.2.1", 1, 0)) + TorrentText('c', "")));
  std::string hashes;
  for (const SavedTorrent& torrent : all.torrents) hashes += torrent.info_hash.text()[0];
  EXPECT_EQ(hashes, "abcd");
  EXPECT_EQ(all.Of('a').completed, 1u);
  EXPECT_EQ(all.Of('c').completed, 3u);
  EXPECT_EQ(all.Of('d').completed, 4u);
}

TEST(BttrackReader, ReadsTheOlderFormThatIsOnlyPeers) {
  const std::string bytes = "d" + TorrentText('a', PeerText('A', "192.0.2.1", 1, 0)) +
                            TorrentText('b', PeerText('B', "192.0.2.2", 2, 9)) + "e";
  const Everything all = ReadBttrack(bytes);
  EXPECT_TRUE(all.errors.empty()) << all.errors[0];
  ASSERT_EQ(all.torrents.size(), 2u);
  EXPECT_EQ(all.torrents[1].peers[0].peer, At("192.0.2.2:2"));
  EXPECT_EQ(WriteBttrack(all), "d9:completedde5:peers" + bytes + "e");
}

TEST(BttrackReader, ReadsAlikeInChunksOfAnySize) {
  std::string torrents;
  for (char c = 'a'; c <= 'z'; ++c)
    torrents += TorrentText(c, PeerText('A', "192.0.2.1", c, c % 3));
  const std::string bytes = StateText(CountText('a', 7), torrents, "7:allowedde");
  const Everything whole = ReadBttrack(bytes);
  ASSERT_EQ(whole.torrents.size(), 26u);
  for (std::size_t chunk = 1; chunk < 70; ++chunk) {
    const Everything all = ReadBttrack(bytes, chunk);
    EXPECT_EQ(all.torrents, whole.torrents);
    EXPECT_EQ(all.side, "d7:alloweddee");
  }
}

std::string ManyPeers(int count) {
  std::string peers;
  for (int i = 0; i < count; ++i) {
    std::string id = std::to_string(10'000'000 + i);
    id.resize(20, '-');
    peers += Text(id) + "d2:ip9:192.0.2.14:lefti" + std::to_string(i) + "e4:porti" +
             std::to_string(i % 65536) + "e13:requirecryptoi0e13:supportcryptoi0ee";
  }
  return peers;
}

TEST(BttrackReader, GivesAHugeSwarmInParts) {
  const Everything all =
      ReadBttrack(StateText(CountText('a', 7), TorrentText('a', ManyPeers(3000))), 1000);
  EXPECT_EQ(all.parts, 3u);
  ASSERT_EQ(all.torrents.size(), 1u);
  EXPECT_EQ(all.torrents[0].peers.size(), 3000u);
  EXPECT_EQ(all.torrents[0].completed, 7u);
}

TEST(BttrackReader, TellsTheByteOfAMistake) {
  const std::string good = TorrentText('a', PeerText('A', "192.0.2.1", 6881, 0));
  const struct {
    std::string bytes;
    const char* message;
  } cases[] = {
      {"", "byte 0: the data ends too early"},
      {"le", "byte 0: expected a dictionary"},
      {"d5:peersi1ee", "byte 1: peers is no dictionary"},
      {"d9:completedlee", "byte 1: completed is no dictionary"},
      {"d5:peersd3:abcdeee", "byte 9: an info hash that is not of 20 bytes"},
      {"d9:completedd3:abci1eee", "byte 13: an info hash that is not of 20 bytes"},
      {"d9:completedd20:aaaaaaaaaaaaaaaaaaaa1:xee", "byte 13: a count that is no number"},
      {"d5:peersde9:completeddee", "byte 10: a key out of order"},
      {"d5:peersdee ", "byte 11: more after the end"},
      {"d5:peersde", "byte 10: the data ends too early"},
      {StateText(CountText('b', 1) + CountText('a', 1), ""), "byte 39: a key out of order"},
      {StateText("", TorrentText('a', "3:abcdee")), "a peer id that is not of 20 bytes"},
      {StateText("", TorrentText('a', PeerText('A', "192.0.2.1", 65536, 0))),
       "a peer's port is not one from 0 to 65535"},
      {StateText("", TorrentText('a', PeerText('A', "localhost", 1, 0))),
       "a peer's ip is no address"},
      {StateText("", TorrentText('a', PeerText('A', "192.0.2.1", 1, -1))),
       "a peer's left is no number from 0 on"},
      {StateText("", TorrentText('a', PeerText('A', "192.0.2.1", 1, 1, "3:nat1:x"))),
       "a peer's nat is no number"},
      {StateText("", TorrentText('a', Text(std::string(20, 'A')) + "d4:porti1ee")),
       "a peer without an ip"},
      {StateText("", TorrentText('a', Text(std::string(20, 'A')) + "d2:ip9:192.0.2.1e")),
       "a peer without a port"},
      {StateText("", TorrentText('a', Text(std::string(20, 'A')) + "d2:ip9:192.0.2.14:porti1ee")),
       "a peer without left"},
      {StateText("", TorrentText('a', Text(std::string(20, 'A')) + "i1e")),
       "a peer that is no dictionary"},
      {StateText("", good, "1:a" + std::string(40, 'l') + std::string(40, 'e')),
       "nested deeper than 32"},
  };
  for (const auto& wrong : cases) {
    const Everything all = ReadBttrack(wrong.bytes);
    ASSERT_FALSE(all.errors.empty()) << wrong.bytes << " " << wrong.message;
    EXPECT_EQ(all.errors[0].code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(all.errors[0].message()), HasSubstr(wrong.message));
  }
}

TEST(BttrackReader, TakesAPeerThatSaysTooMuchForDamage) {
  std::string peer = PeerText('A', "192.0.2.1", 1, 1);
  peer.insert(peer.size() - 1, "1:z");  // behind "supportcrypto"
  peer.insert(peer.size() - 1, Text(std::string(20000, 'x')));
  const Everything all =
      ReadBttrack(StateText("", TorrentText('a', peer + PeerText('B', "192.0.2.2", 2, 2))));
  ASSERT_EQ(all.errors.size(), 1u);
  EXPECT_THAT(std::string(all.errors[0].message()), HasSubstr("a peer of more than 16384 bytes"));
  ASSERT_EQ(all.Of('a').peers.size(), 1u);
  EXPECT_EQ(all.Of('a').peers[0].peer_id, IdOf('B'));
}

TEST(BttrackReader, StopsAtItsLimits) {
  const std::string bytes = StateText(CountText('a', 1) + CountText('b', 1), "",
                                      "7:allowed" + Text(std::string(99, 'x')));
  for (const StateReadOptions& options :
       {StateReadOptions{.max_torrents = 1}, StateReadOptions{.max_side = 50}}) {
    StringSource source(bytes);
    const Everything all = ReadAll(*NewBttrackReader(&source, options));
    ASSERT_EQ(all.errors.size(), 1u);
    EXPECT_EQ(all.errors[0].code(), absl::StatusCode::kResourceExhausted);
  }
}

TEST(BttrackReader, PassesOnWhatTheSourceFailsWith) {
  const std::string bytes = StateText(CountText('a', 1), TorrentText('a', ManyPeers(2000)));
  for (std::size_t at : {std::size_t{0}, std::size_t{1}, std::size_t{30}, bytes.size() / 2,
                         bytes.size() - 1, bytes.size()}) {
    StringSource source(bytes, 100, at);
    const Everything all = ReadAll(*NewBttrackReader(&source, {}));
    ASSERT_EQ(all.errors.size(), 1u) << at;
    EXPECT_EQ(all.errors[0].code(), absl::StatusCode::kUnavailable);
  }
}

// --- Damage ---

std::string Example() {
  std::string torrents, counts;
  for (char c = 'a'; c <= 'f'; ++c) {
    counts += CountText(c, 10 * c);
    std::string peers;
    for (char p = 'A'; p <= 'D'; ++p) peers += PeerText(p, "192.0.2.1", 100 * c + p, p % 2);
    torrents += TorrentText(c, peers);
  }
  return StateText(counts, torrents, "7:allowedde");
}

TEST(BttrackReader, LosesOnePeerToAPeersDamage) {
  std::string bytes = Example();
  bytes[bytes.find("DDDDDDDDDD") + 24] = 'x';  // in "2:ip", of the last peer of the first torrent
  const Everything all = ReadBttrack(bytes);
  EXPECT_EQ(all.errors.size(), 1u);
  ASSERT_EQ(all.torrents.size(), 6u);
  EXPECT_EQ(all.Of('a').peers.size(), 3u);
  EXPECT_EQ(all.Of('b').peers.size(), 4u);
  EXPECT_EQ(all.Of('b').completed, 980u);
}

TEST(BttrackReader, KeepsWhatIsBeforeTheEndOfACutFile) {
  const std::string bytes = Example();
  const Everything whole = ReadBttrack(bytes);
  std::size_t most = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Everything all = ReadBttrack(bytes.substr(0, size));
    ASSERT_EQ(all.errors.size(), 1u) << size;
    std::size_t peers = 0;
    for (const SavedTorrent& torrent : all.torrents) {
      peers += torrent.peers.size();
      for (const SavedPeer& peer : torrent.peers) {
        EXPECT_THAT(whole.Of(torrent.info_hash.text()[0]).peers, testing::Contains(peer));
      }
    }
    EXPECT_GE(peers, most) << size;  // a longer piece never has less
    most = std::max(most, peers);
  }
  EXPECT_EQ(most, 24u);
}

TEST(BttrackReader, NeverPutsAPeerIntoAnotherTorrentWhicheverByteIsWrong) {
  const std::string bytes = Example();
  const Everything whole = ReadBttrack(bytes);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (char wrong : {'\0', '9', 'e', 'd', ':', 'i', '0', static_cast<char>(bytes[at] ^ 1)}) {
      std::string damaged = bytes;
      if (wrong == damaged[at]) continue;
      damaged[at] = wrong;
      const Everything all = ReadBttrack(damaged);
      std::size_t lost = 24, others = 0;
      for (const SavedTorrent& torrent : all.torrents) {
        for (const SavedPeer& peer : torrent.peers) {
          // The hundreds of its port say in which torrent it was.
          const auto port = peer.peer.port();
          if (torrent.info_hash == HashOf(static_cast<char>(port / 100))) {
            --lost;
          } else {
            ++others;
          }
        }
      }
      // A wrong hash has four peers, a wrong port one.
      bool in_hash = false;
      for (char c = 'a'; c <= 'f'; ++c) {
        const std::size_t hash = bytes.find(Text(std::string(20, c)) + "d") + 3;
        in_hash = in_hash || (at >= hash && at < hash + 20);
      }
      EXPECT_TRUE(others <= 1 || (in_hash && others == 4)) << at << " " << wrong << " " << others;
      EXPECT_LE(lost, 4u) << at << " " << wrong;
    }
  }
}

TEST(BttrackReader, FindsTheTorrentsBehindDamagedCounts) {
  std::string bytes = Example();
  bytes[bytes.find("9:completedd") + 3] = 'x';
  Everything all = ReadBttrack(bytes);
  EXPECT_EQ(all.errors.size(), 1u);
  ASSERT_EQ(all.torrents.size(), 6u);
  EXPECT_EQ(all.Of('b').completed, 980u);
  bytes = Example();
  bytes[bytes.find("cccccccccc") + 20] = 'x';
  all = ReadBttrack(bytes);
  EXPECT_EQ(all.errors.size(), 1u);
  EXPECT_EQ(all.torrents.size(), 6u);
  EXPECT_EQ(all.Of('c').completed, 0u);
  EXPECT_EQ(all.Of('d').completed, 1000u);
  EXPECT_EQ(all.Of('d').peers.size(), 4u);
}

}  // namespace
}  // namespace muster
