// SPDX-License-Identifier: Apache-2.0
#include "swarm/peer_set.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>
#include <vector>

#include "muster/random.h"
#include "swarm/swarm_testing.h"

namespace muster {
namespace {

using testing_swarm::TestId;
using testing_swarm::TestPeer;

class SetAndModel {
 public:
  SetAndModel(AddressFamily family, bool ids, std::uint64_t seed = 1)
      : set(family, kDownloaders), family_(family) {
    Random random(seed);
    context = {&heap, {random.Next() | 1, random.Next() | 1}, ids};
  }
  ~SetAndModel() {
    set.Clear(context);
    EXPECT_EQ(heap.bytes(), 0u);
  }

  PeerSet::Place Find(const Endpoint& peer) const {
    const PeerId id;
    return set.Find(context, PeerKey(peer, id, context.key));
  }
  void Insert(const Endpoint& peer, std::uint8_t mark) {
    const PeerId id = TestId(peer);
    ASSERT_TRUE(set.Insert(context, PeerKey(peer, id, context.key), mark));
    model[peer] = mark;
  }
  void Remove(const Endpoint& peer) {
    set.Remove(context, Find(peer));
    model.erase(peer);
  }

  void Check() {
    ASSERT_EQ(set.size(), model.size());
    std::size_t seen = 0;
    std::size_t blocks = 0;
    set.ForEachBlock(context, [&](const PeerList& list) {
      ++blocks;
      for (unsigned i = 0; i < list.size(); ++i) {
        ASSERT_EQ(list.role_at(i), kDownloaders);
        const auto at = model.find(Endpoint::FromCompact(family_, list.peer(i)));
        ASSERT_NE(at, model.end());
        ASSERT_EQ(list.marks[i], at->second);
        if (list.ids != nullptr) {
          ASSERT_EQ(PeerId::FromBytes(list.ids + i * 20), TestId(at->first));
        }
        ++seen;
      }
    });
    ASSERT_EQ(seen, model.size());
    ASSERT_EQ(blocks, set.block_count());
    // Few enough to be split in time, enough to be worth a block.
    ASSERT_LE(blocks, model.size() / 40 + 2);
    ASSERT_GE(blocks * 80, model.size());
    for (const auto& [peer, mark] : model) {
      const PeerSet::Place place = Find(peer);
      ASSERT_TRUE(place.found());
      ASSERT_EQ(set.MarkAt(context, place), mark);
      ASSERT_EQ(set.IdAt(context, place) != nullptr, context.keep_ids);
    }
  }

  SlabHeap heap;
  SwarmContext context{};
  PeerSet set;
  std::map<Endpoint, std::uint8_t> model;

 private:
  AddressFamily family_;
};

TEST(PeerSet, SplitsAndJoinsBlocksThroughAHundredThousandChanges) {
  for (const AddressFamily family : testing_swarm::kBothFamilies) {
    for (const bool ids : {false, true}) {
      SetAndModel both(family, ids);
      Random random(3);
      for (int step = 0; step < 100'000; ++step) {
        // Waves: up to some thousands, down to few, and up again.
        const bool grows = step / 12'500 % 2 == 0;
        const Endpoint peer = TestPeer(random.Below(grows ? 12'000 : 14'000), family);
        const bool there = both.model.contains(peer);
        ASSERT_EQ(both.Find(peer).found(), there);
        if (!there && (grows || random.Below(8) == 0)) {
          both.Insert(peer, static_cast<std::uint8_t>(step));
        } else if (there && (!grows || random.Below(8) == 0)) {
          both.Remove(peer);
        } else if (there) {
          both.set.MoveToEnd(both.context, both.Find(peer));
        }
        if (!grows && !both.model.empty()) {  // down faster than chance finds them
          both.Remove(std::next(both.model.begin(), random.Below(2) % both.model.size())->first);
        }
        if (step % 5000 == 0 || (both.model.size() < 300 && step % 100 == 0)) both.Check();
        if (::testing::Test::HasFatalFailure()) return;
      }
      both.Check();
      while (!both.model.empty()) both.Remove(both.model.begin()->first);
      both.Check();
      EXPECT_EQ(both.set.block_count(), 0u);
    }
  }
}

TEST(PeerSet, HoldsTheStructuredPeersThatReallyComeWithAnyKey) {
  // One address with all its ports, and a run of addresses, for many keys: no block may fill up.
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    for (const int pattern : {0, 1}) {
      SetAndModel both(AddressFamily::kIpv4, false, seed);
      for (std::uint32_t n = 0; n < 50'000; ++n) {
        const auto low = static_cast<std::uint8_t>(n);
        const auto high = static_cast<std::uint8_t>(n >> 8);
        const std::uint8_t ports[6] = {10, 0, 0, 1, high, low};
        const std::uint8_t addresses[6] = {10, 0, high, low, 0x1a, 0xe1};
        const PeerId id;
        const Endpoint peer =
            Endpoint::FromCompact(AddressFamily::kIpv4, pattern == 0 ? ports : addresses);
        ASSERT_TRUE(both.set.Insert(both.context, PeerKey(peer, id, both.context.key), 0))
            << "seed " << seed << ", pattern " << pattern << ", peer " << n;
      }
    }
  }
}

TEST(PeerSet, ChoosesDifferentPeersAndLeavesOneOut) {
  for (const std::uint32_t size : {1u, 2u, 50u, 300u, 2000u, 10'000u}) {
    SetAndModel both(AddressFamily::kIpv6, true);
    for (std::uint32_t n = 0; n < size; ++n) both.Insert(TestPeer(n, AddressFamily::kIpv6), 0);
    Random random(size);
    std::vector<std::uint8_t> bytes(size * 18);
    std::vector<PeerId> ids(size);
    for (int draw = 0; draw < 200; ++draw) {
      const Endpoint left_out = TestPeer(random.Below(size), AddressFamily::kIpv6);
      both.set.MoveToEnd(both.context, both.Find(left_out));
      const bool leave_out = draw % 2 == 0;
      const std::uint32_t most = leave_out ? size - 1 : size;
      const std::uint32_t take = draw % 5 == 0 ? most : random.Below(std::min(most, 1200u) + 1);
      PeerBatch chosen({}, absl::MakeSpan(bytes));
      chosen.WantPeerIds(ids.data(), ids.data());
      PeerSet::Draw drawn;
      both.set.DrawPeers(take, leave_out ? both.Find(left_out).block : PeerSet::kNobody, random,
                         drawn);
      both.set.Copy(both.context, drawn, random, chosen);
      ASSERT_EQ(chosen.size(), take) << "of " << size;
      std::set<Endpoint> different;
      for (std::size_t i = 0; i < take; ++i) {
        const Endpoint peer = chosen.peer(AddressFamily::kIpv6, i);
        different.insert(peer);
        ASSERT_EQ(chosen.ids(AddressFamily::kIpv6)[i], TestId(peer));
      }
      ASSERT_EQ(different.size(), take);
      ASSERT_EQ(different.contains(left_out) && leave_out, false);
    }
  }
}

TEST(PeerSet, TheFirstChoicesOfASetAreChosenByChanceToo) {
  SetAndModel both(AddressFamily::kIpv4, false);
  for (std::uint32_t n = 0; n < 2000; ++n) both.Insert(TestPeer(n), 0);
  std::set<Endpoint> first;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    PeerSet fresh(AddressFamily::kIpv4, kDownloaders);
    both.set.ForEachBlock(both.context,
                          [&](const PeerList& list) { fresh.InsertAll(both.context, list); });
    Random random(seed);
    std::array<std::uint8_t, 6> room;
    PeerBatch chosen(absl::MakeSpan(room), {});
    PeerSet::Draw drawn;
    fresh.DrawPeers(1, PeerSet::kNobody, random, drawn);
    fresh.Copy(both.context, drawn, random, chosen);
    first.insert(chosen.peer(AddressFamily::kIpv4, 0));
    fresh.Clear(both.context);
  }
  EXPECT_GT(first.size(), 80u);
}

TEST(PeerSet, TakesOverAWholeListOfItsRole) {
  SetAndModel both(AddressFamily::kIpv4, true);
  PeerBlock* const block = PeerBlock::New(both.context, AddressFamily::kIpv4, 255);
  PeerList list = block->list(both.context, AddressFamily::kIpv4);
  for (std::uint32_t n = 0; n < 255; ++n) {
    const Endpoint peer = TestPeer(n);
    const PeerId id = TestId(peer);
    list.Insert(PeerKey(peer, id, both.context.key), n % kRoles, static_cast<std::uint8_t>(n));
    if (n % kRoles == kDownloaders) both.model[peer] = static_cast<std::uint8_t>(n);
  }
  both.set.InsertAll(both.context, list);
  both.Check();
  PeerBlock::Delete(both.context, AddressFamily::kIpv4, block);
}

}  // namespace
}  // namespace muster
