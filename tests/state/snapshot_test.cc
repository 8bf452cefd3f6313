// SPDX-License-Identifier: Apache-2.0
#include "muster/snapshot.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "state/state_testing.h"

namespace muster {
namespace {

using namespace testing_state;  // NOLINT(build/namespaces)
using testing_swarm::Announce;
using testing_swarm::kMinute;
using testing_swarm::kStart;
using testing_swarm::TestHash;
using testing_swarm::TestPeer;

TEST(Snapshot, GivesBackEverythingThatWasWritten) {
  for (const StateCompression compression : {StateCompression::kNone, StateCompression::kZlib}) {
    for (const std::size_t block_bytes : {std::size_t{1024}, std::size_t{256 * 1024}}) {
      for (int what = 0; what < 8; ++what) {
        const auto state = RandomState(what + 1, {.torrents = 200,
                                                  .ids = (what & 1) != 0,
                                                  .sides = (what & 2) != 0,
                                                  .seconds = (what & 4) != 0});
        const std::string side(what * 1000, 's');
        const std::string text = Write(state,
                                       {.compression = compression,
                                        .block_bytes = block_bytes,
                                        .written = kStart,
                                        .sequence = 77},
                                       side);
        for (const std::size_t at_once : {std::size_t{7}, std::size_t{1 << 20}}) {
          const ReadResult read = ReadSnapshot(text, at_once);
          EXPECT_TRUE(read.failure.ok()) << read.failure;
          EXPECT_TRUE(read.damages.empty()) << read.damages[0];
          EXPECT_TRUE(read.torrents == state);
          EXPECT_EQ(read.side, side);
          EXPECT_EQ(read.info.written, kStart);
          EXPECT_EQ(read.info.sequence, 77u);
          EXPECT_EQ(read.info.version, 1u);
          EXPECT_EQ(read.info.torrents, state.size());
          EXPECT_EQ(read.info.bytes, text.size());
        }
      }
    }
  }
}

TEST(Snapshot, OfNothingIsAHeaderAndAnEnd) {
  const std::string text = Write({}, {});
  EXPECT_EQ(text.size(), 32u + 28 + 24);
  EXPECT_TRUE(ReadSnapshot(text).damages.empty());
  EXPECT_EQ(ReadSnapshot(text).info.blocks, 1u);
}

TEST(Snapshot, ATorrentOfAnySizeIsCutIntoParts) {
  auto state = RandomState(1, {.torrents = 3, .most_peers = 4});
  state[1].peers.clear();
  state[1].last_active.reset();
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    SavedPeer peer;
    peer.peer = TestPeer(i);
    peer.last_seen = kStart;
    state[1].peers.push_back(peer);
  }
  const ReadResult read = ReadSnapshot(Write(state, {.block_bytes = 4096}));
  EXPECT_TRUE(read.damages.empty());
  EXPECT_TRUE(read.torrents == state);
  EXPECT_EQ(read.info.torrents, 3u);
  EXPECT_GT(read.info.blocks, 100u);
}

TEST(Snapshot, APeerTakesSevenBytesAndATorrentTwentyFour) {
  auto state = RandomState(1, {.torrents = 1000, .most_peers = 0});
  for (SavedTorrent& torrent : state) {
    torrent.completed = 5;
    torrent.last_active.reset();
    for (std::uint32_t i = 0; i < 10; ++i) {
      SavedPeer peer;
      peer.peer = TestPeer(i);
      peer.state = i < 5 ? PeerState::kSeeder : PeerState::kDownloader;
      peer.last_seen = kStart - kMinute * static_cast<int>(i);
      torrent.peers.push_back(peer);
    }
  }
  EXPECT_LT(Write(state, {}).size(), 1000u * (24 + 70) + 200);
}

TEST(Snapshot, RefusesWhatItCannotHold) {
  StringSink sink;
  EXPECT_TRUE(absl::IsInvalidArgument(NewSnapshotWriter(&sink, {.block_bytes = 1023}).status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(NewSnapshotWriter(&sink, {.block_bytes = (1 << 20) + 1}).status()));
  const auto writer = *NewSnapshotWriter(&sink, {});
  SavedTorrent torrent;
  torrent.info_hash = TestHash(1);
  EXPECT_TRUE(writer->Add(torrent).ok());
  torrent.peers.resize(1);
  torrent.peers[0].state = PeerState::kStopped;
  EXPECT_TRUE(absl::IsInvalidArgument(writer->Add(torrent)));
  torrent.peers[0].state = PeerState::kSeeder;
  torrent.peers[0].last_seen = InstantFromUnixSeconds(std::int64_t{1} << 41);
  EXPECT_TRUE(absl::IsInvalidArgument(writer->Add(torrent)));
  torrent.peers[0].last_seen = kStart;
  torrent.peers[0].side.resize(64 * 1024 + 1);
  EXPECT_TRUE(absl::IsInvalidArgument(writer->Add(torrent)));
  torrent.peers.clear();
  torrent.side.resize(1024 * 1024 + 1);
  EXPECT_TRUE(absl::IsInvalidArgument(writer->Add(torrent)));
  torrent.side.clear();
  torrent.info_hash = InfoHash();
  EXPECT_TRUE(absl::IsInvalidArgument(writer->Add(torrent))) << "does not ascend";
}

TEST(Snapshot, HoldsTheLongestSidesAndTheWidestTimes) {
  std::vector<SavedTorrent> state(1);
  state[0].side.assign(1024 * 1024, 's');
  state[0].peers.resize(200);
  for (std::size_t i = 0; i < 200; ++i) {
    state[0].peers[i].peer = TestPeer(static_cast<std::uint32_t>(i));
    state[0].peers[i].side.assign(64 * 1024, 'p');
    state[0].peers[i].last_seen =
        InstantFromUnixSeconds((std::int64_t{1} << 40) * (i % 2 == 0 ? 1 : -1));
  }
  for (const std::size_t block_bytes : {std::size_t{1024}, std::size_t{1} << 20}) {
    const ReadResult read = ReadSnapshot(Write(state, {.block_bytes = block_bytes}));
    EXPECT_TRUE(read.damages.empty());
    EXPECT_TRUE(read.torrents == state);
  }
}

TEST(Snapshot, ADamagedBlockLosesThatBlockAloneAndSaysWhich) {
  const auto state = RandomState(1, {.torrents = 300});
  for (const StateCompression compression : {StateCompression::kNone, StateCompression::kZlib}) {
    const std::string text = Write(state, {.compression = compression, .block_bytes = 1024});
    const std::size_t blocks = ReadSnapshot(text).info.blocks;
    ASSERT_GT(blocks, 10u);
    const std::size_t third = text.find("mBlk", text.find("mBlk", text.find("mBlk") + 1) + 1);
    std::string damaged = text;
    damaged[third + 100] = static_cast<char>(damaged[third + 100] ^ 0x10);
    const ReadResult read = ReadSnapshot(damaged);
    ASSERT_EQ(read.damages.size(), 1u);
    EXPECT_EQ(read.damages[0],
              "block 2 at offset " + std::to_string(third) + " is damaged: its checksum differs");
    EXPECT_EQ(read.info.blocks, blocks - 1);
    EXPECT_GT(read.torrents.size(), 200u);
    EXPECT_EQ(NotPartOf(read.torrents, state), "");

    // Bytes that are missing or too many in a block cost that block, too.
    for (const bool insert : {false, true}) {
      std::string shifted = text;
      if (insert) {
        shifted.insert(third + 100, "mBlk and more");
      } else {
        shifted.erase(third + 100, 10);
      }
      const ReadResult after = ReadSnapshot(shifted);
      EXPECT_EQ(after.damages.size(), insert ? 1u : 1u);
      EXPECT_EQ(after.info.blocks, blocks - 1);
      EXPECT_EQ(NotPartOf(after.torrents, state), "");
    }

    // A damaged header of a block, and of the file.
    for (const std::size_t at : {third + 9, std::size_t{12}, std::size_t{3}}) {
      std::string other = text;
      other[at] = static_cast<char>(other[at] ^ 1);
      const ReadResult after = ReadSnapshot(other);
      ASSERT_EQ(after.damages.size(), 1u);
      EXPECT_NE(after.damages[0].find("offset " + std::to_string(at > 100 ? third : 0) + " to "),
                std::string::npos)
          << after.damages[0];
      EXPECT_EQ(after.info.blocks, at > 100 ? blocks - 1 : blocks);
    }
  }
}

TEST(Snapshot, EverySingleFlippedBitIsFoundAndInventsNothing) {
  const auto state = RandomState(5, {.torrents = 24, .most_peers = 8, .ids = true});
  for (const StateCompression compression : {StateCompression::kNone, StateCompression::kZlib}) {
    const std::string text = Write(state, {.compression = compression, .block_bytes = 1024});
    // Of compressed payloads, which look alike to a checksum, some.
    const std::size_t step = compression == StateCompression::kNone ? 1 : 7;
    for (std::size_t bit = 0; bit < text.size() * 8; bit += step) {
      std::string damaged = text;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
      const ReadResult read = ReadSnapshot(damaged);
      EXPECT_TRUE(!read.damages.empty() || !read.failure.ok()) << "bit " << bit;
      ASSERT_EQ(NotPartOf(read.torrents, state), "") << "bit " << bit;
      if (bit >= 256) {
        ASSERT_FALSE(read.torrents.empty());
      }
    }
  }
}

TEST(Snapshot, CutOffAtEveryByteItGivesWhatWasThereAndSaysSo) {
  const auto state = RandomState(6, {.torrents = 30, .most_peers = 8});
  const std::string text = Write(state, {.block_bytes = 1024});
  EXPECT_TRUE(absl::IsInvalidArgument(ReadSnapshot("").failure));
  std::size_t before = 0;
  for (std::size_t size = 1; size < text.size(); ++size) {
    const ReadResult read = ReadSnapshot(std::string_view(text).substr(0, size));
    EXPECT_FALSE(read.damages.empty()) << size;
    ASSERT_EQ(NotPartOf(read.torrents, state), "") << size;
    EXPECT_GE(read.torrents.size(), before);
    before = read.torrents.size();
  }
  EXPECT_EQ(before, state.size());
}

TEST(Snapshot, ForeignFilesAndNewerVersionsAreRefused) {
  for (const std::string& text : {std::string("d5:peersd20:aaaaaaaaaaaaaaaaaaaade9:completeddee"),
                                  std::string(3'000'000, '\0'), std::string("\x89PNG\r\n\x1a\n")}) {
    const ReadResult read = ReadSnapshot(text);
    EXPECT_TRUE(absl::IsInvalidArgument(read.failure)) << read.failure;
    EXPECT_TRUE(read.damages.empty());
  }
}

TEST(Snapshot, BlocksThatAreMissingDoubledOrBehindTheEndAreTold) {
  const auto state = RandomState(1, {.torrents = 300});
  const std::string text = Write(state, {.block_bytes = 1024});
  std::vector<std::size_t> begins;
  for (std::size_t at = 0; (at = text.find("mBlk", at)) != std::string::npos; ++at)
    begins.push_back(at);
  std::string missing = text;
  missing.erase(begins[3], begins[5] - begins[3]);
  EXPECT_EQ(ReadSnapshot(missing).damages,
            std::vector<std::string>{"offset " + std::to_string(begins[3]) +
                                     ": block 5 stands where block 3 should"});
  std::string twice = text;
  twice.insert(begins[5], text.substr(begins[4], begins[5] - begins[4]));
  EXPECT_GE(ReadSnapshot(twice).damages.size(), 2u);
  EXPECT_EQ(NotPartOf(ReadSnapshot(twice).torrents, state), "");
  EXPECT_EQ(ReadSnapshot(text + "tail").damages.size(), 1u);
  EXPECT_EQ(ReadSnapshot(text + text.substr(begins[0], begins[1] - begins[0])).damages.size(), 1u);
}

TEST(Snapshot, AStoreComesBackAsItWas) {
  for (const bool ids : {false, true}) {
    const auto store = NewMemoryStore({.keep_peer_ids = ids, .hash_seed = 1});
    Random random(1);
    for (int i = 0; i < 60'000; ++i) {
      const std::uint32_t torrent = random.Below(400);
      const std::uint32_t n = random.Below(torrent == 0 ? 30'000 : 10);
      Announce(*store,
               {.hash = TestHash(torrent),
                .peer = TestPeer(n, n % 3 == 0 ? AddressFamily::kIpv6 : AddressFamily::kIpv4),
                .state = static_cast<PeerState>(random.Below(4)),
                .completed = random.Below(2) == 0,
                .room4 = 0,
                .room6 = 0},
               kStart + kMinute * (i / 2000));
    }
    const Instant now = kStart + 30 * kMinute;
    StringSink sink;
    const auto writer = *NewSnapshotWriter(&sink, {});
    ASSERT_TRUE(SaveState(*store, *writer).ok());
    StringSource source(sink.text);
    const auto reader = *NewSnapshotReader(&source);
    const auto copy = NewMemoryStore({.keep_peer_ids = ids, .hash_seed = 2});
    const auto report = LoadState(*reader, *copy, now);
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report->torrents, store->Totals().torrents);
    EXPECT_EQ(report->peers, store->Totals().peers);
    EXPECT_TRUE(report->damages.empty());
    const auto image = testing_swarm::ImageOf(*copy);
    EXPECT_EQ(image.fault, "");
    EXPECT_TRUE(image.swarms == testing_swarm::ImageOf(*store).swarms);
  }
}

TEST(Snapshot, LoadingGoesOnAfterDamageAndReportsIt) {
  const auto state = RandomState(1, {.torrents = 300});
  std::string text = Write(state, {.block_bytes = 1024});
  text[text.size() / 2] = static_cast<char>(text[text.size() / 2] ^ 1);
  StringSource source(text);
  const auto reader = *NewSnapshotReader(&source);
  const auto store = NewMemoryStore({.hash_seed = 1});
  const auto report = LoadState(*reader, *store, kStart);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->damages.size(), 1u);
  EXPECT_GT(store->Totals().torrents, 200u);
}

TEST(Snapshot, AFailingSinkOrSourceIsPassedOn) {
  struct Full final : ByteSink {
    absl::Status Write(std::string_view) override { return absl::ResourceExhaustedError("full"); }
  } full;
  const auto writer = *NewSnapshotWriter(&full, {});
  EXPECT_TRUE(absl::IsResourceExhausted(writer->Finish()));
  struct Broken final : ByteSource {
    absl::StatusOr<std::size_t> Read(absl::Span<char>) override {
      return absl::InternalError("broken");
    }
  } broken;
  EXPECT_TRUE(absl::IsInternal(NewSnapshotReader(&broken).status()));
}

}  // namespace
}  // namespace muster
