// SPDX-License-Identifier: Apache-2.0
#include "swarm/peer_list.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "muster/random.h"
#include "swarm/peer_block.h"
#include "swarm/slab_heap.h"
#include "swarm/swarm_testing.h"

namespace muster {
namespace {

using testing_swarm::TestId;
using testing_swarm::TestPeer;

constexpr HashKey kKey{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9};

struct Peer {
  unsigned role;
  std::uint8_t mark;
  bool operator==(const Peer&) const = default;
};

// A list in memory of its own, and what it should hold.
class ListAndModel {
 public:
  ListAndModel(AddressFamily family, unsigned capacity, bool ids) : family_(family) {
    const SwarmContext context{&heap_, kKey, ids};
    block_ = PeerBlock::New(context, family, capacity);
    list = block_->list(context, family);
    // As many as were asked for, though there may be more room.
    list.capacity = capacity;
    context_ids_ = ids;
  }
  ~ListAndModel() { PeerBlock::Delete({&heap_, kKey, context_ids_}, family_, block_); }

  Endpoint PeerOf(std::uint32_t n) const { return TestPeer(n, family_); }
  unsigned Insert(std::uint32_t n, unsigned role, std::uint8_t mark) {
    const Endpoint peer = PeerOf(n);
    const PeerId id = TestId(peer);
    model[peer] = {role, mark};
    return list.Insert(PeerKey(peer, id, kKey), role, mark);
  }
  int Find(std::uint32_t n) const {
    const Endpoint peer = PeerOf(n);
    const PeerId id;
    return list.Find(PeerKey(peer, id, kKey));
  }

  // Everything about the list that its picture promises.
  void Check() const {
    unsigned n[kRoles] = {0, 0, 0};
    std::set<Endpoint> seen;
    for (unsigned i = 0; i < list.size(); ++i) {
      const Endpoint peer = Endpoint::FromCompact(family_, list.peer(i));
      ASSERT_TRUE(seen.insert(peer).second) << "twice";
      const auto at = model.find(peer);
      ASSERT_NE(at, model.end());
      ASSERT_EQ((Peer{list.role_at(i), list.marks[i]}), at->second);
      ++n[list.role_at(i)];
      const PeerId id = TestId(peer);
      const PeerKey key(peer, id, kKey);
      ASSERT_EQ(list.Find(key), static_cast<int>(i));
      if (list.tags != nullptr) {
        ASSERT_EQ(list.tags[i], key.tag());
      }
      if (list.ids != nullptr) {
        ASSERT_EQ(PeerId::FromBytes(list.ids + i * 20), id);
      }
    }
    ASSERT_EQ(seen.size(), model.size());
    unsigned begin = 0;
    for (unsigned role = 0; role < kRoles; ++role) {
      ASSERT_EQ(list.n[role], n[role]);
      ASSERT_EQ(list.begin_of(role), begin);
      begin += n[role];
    }
  }

  PeerList list;
  std::map<Endpoint, Peer> model;

 private:
  AddressFamily family_;
  SlabHeap heap_;
  PeerBlock* block_;
  bool context_ids_;
};

TEST(PeerList, KeepsEveryPeerInTheRangeOfItsRoleThroughAnySequence) {
  for (const AddressFamily family : testing_swarm::kBothFamilies) {
    // Short lists without tags, long ones with them.
    for (const unsigned capacity : {1u, 3u, 16u, 17u, 40u, 255u}) {
      for (const bool ids : {false, true}) {
        ListAndModel both(family, capacity, ids);
        PeerList& list = both.list;
        Random random(capacity);
        for (int step = 0; step < 3000; ++step) {
          const std::uint32_t n = random.Below(capacity + capacity / 2 + 1);
          const int found = both.Find(n);
          const Endpoint peer = both.PeerOf(n);
          ASSERT_EQ(found != PeerList::kNone, both.model.contains(peer));
          const unsigned role = random.Below(kRoles);
          if (found == PeerList::kNone) {
            if (list.size() == capacity) continue;
            const unsigned place = both.Insert(n, role, static_cast<std::uint8_t>(random.Next()));
            ASSERT_EQ(both.Find(n), static_cast<int>(place));
          } else {
            const auto i = static_cast<unsigned>(found);
            switch (random.Below(4)) {
              case 0:
                list.Remove(i);
                both.model.erase(peer);
                break;
              case 1: {
                const unsigned place = list.MoveToEnd(i);
                ASSERT_EQ(both.Find(n), static_cast<int>(place));
                ASSERT_EQ(place,
                          list.begin_of(list.role_at(place)) + list.n[list.role_at(place)] - 1);
                break;
              }
              default: {
                const unsigned place = list.ChangeRole(i, role);
                both.model[peer].role = role;
                ASSERT_EQ(both.Find(n), static_cast<int>(place));
              }
            }
          }
          if (step % 16 == 0) both.Check();
        }
        both.Check();
      }
    }
  }
}

TEST(PeerList, FindTellsPeersWithTheSameTagApart) {
  // 5,000 candidates have each tag some twenty times.
  ListAndModel both(AddressFamily::kIpv4, 200, false);
  const PeerId id;
  const std::uint8_t tag = PeerKey(TestPeer(0), id, kKey).tag();
  std::vector<std::uint32_t> same;
  for (std::uint32_t n = 0; n < 50'000 && same.size() < 100; ++n) {
    const Endpoint peer = TestPeer(n);
    if (PeerKey(peer, id, kKey).tag() == tag) same.push_back(n);
  }
  ASSERT_EQ(same.size(), 100u);
  for (std::size_t i = 0; i < same.size(); i += 2) both.Insert(same[i], i % 3, 0);
  for (std::size_t i = 0; i < same.size(); ++i)
    EXPECT_EQ(both.Find(same[i]) != PeerList::kNone, i % 2 == 0);
  both.Check();
}

TEST(PeerList, ExpireForgetsOldStampsInAllRolesAndKeepsTheRest) {
  for (const std::int64_t unit : {0, 5, 64, 100, 127, 128, 1'000'000}) {
    ListAndModel both(AddressFamily::kIpv6, 255, true);
    for (std::uint32_t n = 0; n < 255; ++n) {
      // From 60 units before to 60 after, some with their completion counted.
      const std::int64_t age = static_cast<std::int64_t>(n % 120) - 60;
      const auto completed = static_cast<std::uint8_t>(n % 2 == 0 ? mark::kCompleted : 0);
      both.Insert(n, n % kRoles, static_cast<std::uint8_t>(mark::Stamp(unit + age) | completed));
    }
    unsigned old = 0;
    for (std::uint32_t n = 0; n < 255; ++n) {
      if (n % 120 >= 60) continue;
      both.model.erase(both.PeerOf(n));
      ++old;
    }
    EXPECT_EQ(both.list.Expire({unit, unit + 59}), old);
    both.Check();
    EXPECT_EQ(both.list.Expire({unit, unit + 59}), 0u);
  }
}

TEST(Mark, TellsTheUnitsOfTwoLivesAcrossTheWrap) {
  for (std::int64_t latest = -300; latest < 300; ++latest) {
    for (std::int64_t unit = latest - 120; unit <= latest + 7; ++unit) {
      EXPECT_EQ(mark::UnitOf(mark::Stamp(unit), latest), unit);
      EXPECT_EQ(mark::UnitOf(mark::Stamp(unit) | mark::kCompleted, latest), unit);
    }
  }
}

TEST(PeerList, ChooseGivesNeighboursFromAnEvenlyDrawnPlaceOnwardsAndAround) {
  ListAndModel both(AddressFamily::kIpv4, 20, false);
  for (std::uint32_t n = 0; n < 20; ++n) both.Insert(n, kDownloaders, 0);
  for (unsigned take = 1; take <= 10; ++take) {
    std::vector<int> starts(10);
    for (int draw = 0; draw < 1000; ++draw) {
      std::uint8_t bytes[20 * 6];
      PeerBatch chosen(absl::MakeSpan(bytes), {});
      // Evenly over all that a draw may be.
      both.list.Choose(5, 15, take, std::uint64_t(draw) << 32 | 0xffffffff, chosen);
      both.list.Choose(5, 15, 0, 0, chosen);
      ASSERT_EQ(chosen.size(), take);
      std::vector<int> places;
      for (unsigned i = 0; i < take; ++i) {
        const Endpoint peer = chosen.peer(AddressFamily::kIpv4, i);
        const PeerId id;
        places.push_back(both.list.Find(PeerKey(peer, id, kKey)));
        ASSERT_GE(places.back(), 5);
        ASSERT_LT(places.back(), 15);
      }
      for (unsigned i = 1; i < take; ++i) {
        EXPECT_EQ(places[i], places[i - 1] == 14 ? 5 : places[i - 1] + 1);
      }
    }
    for (std::uint64_t tenth = 0; tenth < 10; ++tenth) {
      std::uint8_t bytes[20 * 6];
      PeerBatch chosen(absl::MakeSpan(bytes), {});
      both.list.Choose(5, 15, 1, tenth * (~std::uint64_t{0} / 10) + (std::uint64_t{1} << 36),
                       chosen);
      const Endpoint peer = chosen.peer(AddressFamily::kIpv4, 0);
      const PeerId id;
      ++starts[static_cast<std::size_t>(both.list.Find(PeerKey(peer, id, kKey)) - 5)];
    }
    EXPECT_EQ(starts, std::vector<int>(10, 1));
  }
}

TEST(PeerBlock, HoldsWhatItWasMadeForAndGrowsAndShrinksWithItsPeers) {
  for (const bool ids : {false, true}) {
    for (const AddressFamily family : testing_swarm::kBothFamilies) {
      SlabHeap heap;
      const SwarmContext context{&heap, kKey, ids};
      PeerBlock* block = nullptr;
      // Grown one by one, as a swarm does.
      for (std::uint32_t n = 0; n < PeerBlock::kMaxCapacity; ++n) {
        if (block == nullptr || block->size() == block->capacity())
          block = PeerBlock::Resized(context, family, block, n + 1);
        ASSERT_GT(block->capacity(), n);
        PeerList list = block->list(context, family);
        const Endpoint peer = TestPeer(n, family);
        const PeerId id = TestId(peer);
        list.Insert(PeerKey(peer, id, kKey), n % kRoles, static_cast<std::uint8_t>(n));
        block->Store(list);
        ASSERT_EQ(block->size(), n + 1);
        ASSERT_LE(PeerBlock::Bytes(context, family, block->capacity()),
                  SlabHeap::GoodSize(PeerBlock::Bytes(context, family, (n + 1) * 17 / 16 + 1)));
      }
      // And back down.
      for (std::uint32_t n = PeerBlock::kMaxCapacity; n-- > 1;) {
        PeerList list = block->list(context, family);
        const Endpoint peer = TestPeer(n, family);
        const PeerId id = TestId(peer);
        const int at = list.Find(PeerKey(peer, id, kKey));
        ASSERT_GE(at, 0);
        ASSERT_EQ(list.marks[at], static_cast<std::uint8_t>(n));
        if (ids) {
          ASSERT_EQ(PeerId::FromBytes(list.ids + at * 20), id);
        }
        list.Remove(static_cast<unsigned>(at));
        block->Store(list);
        if (PeerBlock::MuchTooLarge(block->capacity(), block->size()))
          block = PeerBlock::Resized(context, family, block, block->size());
        ASSERT_EQ(block->size(), n);
      }
      EXPECT_LE(block->capacity(), 6u);
      PeerBlock::Delete(context, family, block);
      EXPECT_EQ(heap.bytes(), 0u);
    }
  }
}

}  // namespace
}  // namespace muster
