// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "state/bttrack_testing.h"

namespace muster {
namespace {

using testing::HasSubstr;

SavedPeer Peer(std::string_view endpoint, std::optional<PeerId> id, int seconds = 0) {
  SavedPeer peer;
  peer.peer = *Endpoint::Parse(endpoint);
  peer.last_seen = kWritten + Seconds(seconds);
  peer.peer_id = id;
  return peer;
}

// Everything that the reference knows.
std::string FullExample() {
  const std::string allowed =
      "7:allowedd" + Text(std::string(20, 'a')) +
      "d13:announce-listll17:http://t/announceee4:file9:a.torrent6:lengthi1024e4:name1:a"
      "8:numfilesi1e4:path14:/srv/a.torrent4:type7:torrentee";
  const std::string files =
      "17:allowed_dir_filesd14:/srv/a.torrentlli1700000000ei99ee20:" + std::string(20, 'a') +
      "e14:/srv/b.torrentlli1700000001ei9eei0eee";
  return StateText(
      CountText('a', 7) + CountText('b', 0) + CountText('c', -2) + CountText('d', 12),
      TorrentText('a', PeerText('A', "192.0.2.1", 6881, 0) +
                           PeerText('B', "2001:db8::1", 1, 77, "3:nati3e", "k", "10.1.1.1") +
                           PeerText('C', "192.0.2.3", 0, 9, "3:nati1073741824e") +
                           PeerText('D', "192.0.2.4", 65535, 9, "", "", "host.example")) +
          TorrentText('b', "") + TorrentText('d', "") +
          TorrentText('e', PeerText('A', "::ffff:192.0.2.9", 7, 0, "")),
      allowed + files, "7:unknownd1:xli1ei2eee");
}

TEST(BttrackWriter, GivesTheBytesThatWereRead) {
  const Everything all = ReadBttrack(FullExample());
  ASSERT_TRUE(all.errors.empty()) << all.errors[0];
  EXPECT_EQ(WriteBttrack(all), FullExample());
}

TEST(BttrackWriter, KeepsKeysOfPeersThatAreNotKnown) {
  for (const char* unknown : {"1:a1:x", "4:kind1:x", "3:natd1:zi1ee", "2:zzle"}) {
    const bool is_last = unknown[2] == 'z';
    const bool is_nat = std::string_view(unknown).substr(0, 5) == "3:nat";
    std::string peer = PeerText('A', "192.0.2.1", 6881, 5, "");
    const std::string_view before = is_last             ? "e\0"
                                    : unknown[2] == 'a' ? "2:ip"
                                    : unknown[0] == '4' ? "4:left"
                                                        : "4:port";
    peer.insert(is_last ? peer.size() - 1 : peer.find(before, 23), unknown);
    const std::string bytes = StateText(CountText('a', 1), TorrentText('a', peer));
    const Everything all = ReadBttrack(bytes);
    if (is_nat) {
      EXPECT_EQ(all.errors.size(), 1u);
      continue;
    }
    EXPECT_TRUE(all.errors.empty()) << all.errors[0];
    EXPECT_EQ(WriteBttrack(all), bytes);
  }
}

TEST(BttrackWriter, TakesTorrentsAndPeersInAnyOrderAndParts) {
  const Everything whole = ReadBttrack(FullExample());
  StringSink sink;
  const auto writer = NewBttrackWriter(&sink, {});
  for (auto torrent = whole.torrents.rbegin(); torrent != whole.torrents.rend(); ++torrent) {
    SavedTorrent part = *torrent;
    part.peers.clear();
    ASSERT_TRUE(writer->Add(part).ok());
    for (auto peer = torrent->peers.rbegin(); peer != torrent->peers.rend(); ++peer) {
      part.peers = {*peer};
      ASSERT_TRUE(writer->Add(part).ok());
    }
  }
  ASSERT_TRUE(writer->SetSide(whole.side).ok());
  ASSERT_TRUE(writer->Finish().ok());
  EXPECT_EQ(sink.text, FullExample());
}

TEST(BttrackWriter, JoinsACountThatCameAloneWithItsTorrent) {
  Everything all;
  all.torrents = {TorrentOf('a', 9), TorrentOf('b', 1), TorrentOf('a', 4)};
  all.torrents[2].peers = {Peer("192.0.2.1:1", IdOf('A'))};
  const Everything back = ReadBttrack(WriteBttrack(all));
  ASSERT_EQ(back.torrents.size(), 2u);
  EXPECT_EQ(back.Of('a').completed, 9u);
  EXPECT_EQ(back.Of('a').peers.size(), 1u);
}

TEST(BttrackWriter, RefusesATorrentThatComesTwiceWithPeers) {
  Everything all;
  all.torrents = {TorrentOf('a', 9), TorrentOf('b', 1), TorrentOf('a', 4)};
  all.torrents[0].peers = all.torrents[2].peers = {Peer("192.0.2.1:1", IdOf('A'))};
  EXPECT_THAT(WriteBttrack(all), HasSubstr("came twice with peers"));
}

TEST(BttrackWriter, GivesAPeerWithoutAnIdOneThatTheReaderRecognises) {
  Everything all;
  all.torrents.push_back(TorrentOf('a', 3));
  for (const char* endpoint : {"192.0.2.1:1", "192.0.2.1:2", "[2001:db8::1]:1"}) {
    all.torrents[0].peers.push_back(Peer(endpoint, std::nullopt));
  }
  const Everything back = ReadBttrack(WriteBttrack(all));
  EXPECT_TRUE(back.errors.empty());
  ASSERT_EQ(back.torrents.size(), 1u);
  ASSERT_EQ(back.torrents[0].peers.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(back.torrents[0].peers[i].peer, all.torrents[0].peers[i].peer);
    EXPECT_EQ(back.torrents[0].peers[i].peer_id, std::nullopt);
  }
}

TEST(BttrackWriter, LetsTheNewestOfTwoPeersKeepTheirId) {
  Everything all;
  all.torrents.push_back(TorrentOf('a', 0));
  all.torrents[0].peers = {Peer("192.0.2.1:1", IdOf('A'), 5), Peer("[2001:db8::1]:1", IdOf('A'), 9),
                           Peer("192.0.2.1:1", IdOf('A'), 4)};
  const Everything back = ReadBttrack(WriteBttrack(all));
  ASSERT_EQ(back.torrents[0].peers.size(), 2u);
  for (const SavedPeer& peer : back.torrents[0].peers) {
    const bool is_ipv6 = peer.peer.family() == AddressFamily::kIpv6;
    EXPECT_EQ(peer.peer_id, is_ipv6 ? std::optional(IdOf('A')) : std::nullopt);
  }
}

TEST(BttrackWriter, ForgetsWhatIsNoLongerTrue) {
  Everything all = ReadBttrack(
      StateText(CountText('a', 0), TorrentText('a', PeerText('A', "::ffff:192.0.2.9", 7, 55))));
  SavedPeer& peer = all.torrents[0].peers[0];
  peer.state = PeerState::kSeeder;
  peer.peer = *Endpoint::Parse("192.0.2.8:7");
  EXPECT_EQ(WriteBttrack(all),
            StateText(CountText('a', 0), TorrentText('a', PeerText('A', "192.0.2.8", 7, 0))));
}

TEST(BttrackWriter, SaysThatPeersAreReachableWhereNobodyChecks) {
  const auto state = [](std::string_view nat, std::string_view nat_of_portless) {
    return StateText(CountText('a', 1),
                     TorrentText('a', PeerText('A', "192.0.2.1", 6881, 5, nat, "k") +
                                          PeerText('B', "192.0.2.2", 0, 5, nat_of_portless) +
                                          PeerText('C', "192.0.2.3", 6881, 5, "3:nati3e")));
  };
  EXPECT_EQ(WriteBttrack(ReadBttrack(state("", "")), {.takes_peers_for_reachable = true}),
            state("3:nati0e", "3:nati1073741824e"));
  EXPECT_EQ(WriteBttrack(ReadBttrack(state("", ""))), state("", ""));
}

TEST(BttrackWriter, WritesTheSameThroughAFileAsThroughMemory) {
  std::string torrents, counts;
  for (char c = 'a'; c <= 'z'; ++c) {
    counts += CountText(c, c);
    std::string peers;
    for (char p = 'A'; p <= 'Z'; ++p) peers += PeerText(p, "192.0.2.1", p, c);
    torrents += TorrentText(c, peers);
  }
  const std::string bytes = StateText(counts, torrents);
  Everything all = ReadBttrack(bytes);
  std::reverse(all.torrents.begin(), all.torrents.end());
  const std::string folder = std::filesystem::temp_directory_path();
  for (std::size_t memory : {std::size_t{0}, std::size_t{1000}, std::size_t{40000}}) {
    EXPECT_EQ(WriteBttrack(all, {.spool_memory = memory, .spool_folder = folder}), bytes);
  }
}

TEST(BttrackWriter, SaysWhenThereIsNoPlaceForTheSpool) {
  const Everything all = ReadBttrack(FullExample());
  StringSink sink;
  const auto writer = NewBttrackWriter(&sink, {.spool_memory = 0, .spool_folder = "/none/such"});
  absl::Status status;
  for (const SavedTorrent& torrent : all.torrents) {
    if (status.ok()) status = writer->Add(torrent);
  }
  EXPECT_THAT(status.ToString(), HasSubstr("cannot make a temporary file in /none/such"));
}

TEST(BttrackWriter, PassesOnWhatTheSinkFailsWith) {
  const Everything all = ReadBttrack(FullExample());
  for (std::size_t room = 0; room < FullExample().size(); room += 100) {
    StringSink sink(room);
    const auto writer = NewBttrackWriter(&sink, {});
    for (const SavedTorrent& torrent : all.torrents) ASSERT_TRUE(writer->Add(torrent).ok());
    ASSERT_TRUE(writer->SetSide(all.side).ok());
    EXPECT_EQ(writer->Finish().code(), absl::StatusCode::kUnavailable);
  }
}

TEST(BttrackWriter, TakesNothingForASideThatIsNoDictionary) {
  StringSink sink;
  const auto writer = NewBttrackWriter(&sink, {});
  EXPECT_FALSE(writer->SetSide("le").ok());
  EXPECT_FALSE(writer->SetSide("d").ok());
  EXPECT_TRUE(writer->SetSide("").ok());
  EXPECT_TRUE(writer->Finish().ok());
  EXPECT_EQ(sink.text, "d9:completedde5:peersdee");
}

}  // namespace
}  // namespace muster
