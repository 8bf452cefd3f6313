// SPDX-License-Identifier: Apache-2.0
#include "muster/foreign_peers.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "muster/tracker.h"
#include "tracker/tracker_testing.h"

namespace muster {
namespace {

const InfoHash kHash = HashOf(1);

Endpoint At(const std::string& text) { return *Endpoint::Parse(text); }
std::vector<Endpoint> Some(int from, int to) {
  std::vector<Endpoint> peers;
  for (int i = from; i < to; ++i) peers.push_back(At("192.0.2." + std::to_string(i) + ":1"));
  return peers;
}

// What it appends to a batch that has `there` already.
std::set<std::string> Chosen(const ForeignPeers& peers, std::size_t wanted,
                             const std::vector<Endpoint>& there = {}) {
  std::vector<std::uint8_t> ipv4(300);
  std::vector<std::uint8_t> ipv6(900);
  PeerBatch batch(absl::MakeSpan(ipv4), absl::MakeSpan(ipv6));
  for (const Endpoint& peer : there) batch.Append(peer.family(), peer.compact().data(), nullptr, 1);
  Random random(wanted);
  peers.Choose(kHash, At("192.0.2.1:1"), wanted, random, batch);
  std::set<std::string> chosen;
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    for (std::size_t i = 0; i < batch.size(family); ++i)
      chosen.insert(batch.peer(family, i).ToString());
  }
  EXPECT_EQ(chosen.size(), batch.size()) << "nobody twice";
  return chosen;
}

TEST(ForeignPeers, AreGivenToAnybodyElse) {
  ForeignPeers peers(10, Seconds(60));
  peers.Put(kHash, {At("192.0.2.1:1"), At("192.0.2.2:1"), At("[2001:db8::1]:1")}, kStart);
  EXPECT_EQ(Chosen(peers, 50), (std::set<std::string>{"192.0.2.2:1", "[2001:db8::1]:1"}));
  EXPECT_EQ(Chosen(peers, 1).size(), 1u);
  EXPECT_EQ(Chosen(peers, 50, {At("192.0.2.2:1")}).size(), 2u);
  EXPECT_TRUE(Chosen(peers, 0).empty());
}

TEST(ForeignPeers, AreForgottenAWhileAfterTheyWereHeardOf) {
  ForeignPeers peers(10, Seconds(60));
  peers.Put(kHash, Some(2, 4), kStart);
  peers.Put(kHash, Some(3, 5), kStart + Seconds(30));
  EXPECT_EQ(peers.Count(kHash, kStart + Seconds(59)), 3u);
  EXPECT_EQ(peers.Count(kHash, kStart + Seconds(60)), 2u) << "one was not heard of again";
  EXPECT_EQ(Chosen(peers, 50), (std::set<std::string>{"192.0.2.3:1", "192.0.2.4:1"}));
  EXPECT_EQ(peers.Count(kHash, kStart + Seconds(90)), 0u);
  EXPECT_TRUE(Chosen(peers, 50).empty());
}

TEST(ForeignPeers, TheLatestStayWhenThereAreTooMany) {
  ForeignPeers peers(3, Seconds(60));
  peers.Put(kHash, Some(2, 5), kStart);
  peers.Put(kHash, Some(5, 7), kStart);
  EXPECT_EQ(peers.Count(kHash, kStart), 3u);
  EXPECT_EQ(Chosen(peers, 50),
            (std::set<std::string>{"192.0.2.4:1", "192.0.2.5:1", "192.0.2.6:1"}));
}

TEST(ForeignPeers, ATrackerGivesThemTheirPartOfAnAnswer) {
  auto tracker = *Tracker::Create({.max_foreign_peers = 100});
  tracker->foreign_peers()->Put(kHash, Some(100, 200), kStart);
  Random random(1);
  int foreign = 0;
  AnnounceRequest request;
  request.info_hash = kHash;
  request.left = 1;
  for (int i = 1; i < 100; ++i) {
    request.peer = At("10.0.0." + std::to_string(i) + ":1");
    ASSERT_TRUE(tracker->Announce(request, kStart, random).ok());
  }
  for (int i = 0; i < 200; ++i) {
    request.numwant = 20;
    const auto response = tracker->Announce(request, kStart, random);
    ASSERT_EQ(response->peers.size(), 20u);
    EXPECT_EQ(response->answer.counts.peers(), 99u);
    std::set<Endpoint> different(response->peers.begin(), response->peers.end());
    ASSERT_EQ(different.size(), 20u);
    for (const Endpoint& peer : response->peers)
      foreign += peer.ToString()[0] == '1' && peer.ToString()[1] == '9';
  }
  EXPECT_NEAR(foreign, 2000, 200) << "half of all";
  request.numwant = 500;
  EXPECT_EQ(tracker->Announce(request, kStart, random)->peers.size(), 198u);
  request.visitor = true;
  EXPECT_EQ(tracker->Announce(request, kStart, random)->peers.size(), 98u);
}

}  // namespace
}  // namespace muster
