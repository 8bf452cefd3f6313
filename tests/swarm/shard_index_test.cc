// SPDX-License-Identifier: Apache-2.0
#include "swarm/shard_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "muster/random.h"
#include "swarm/record_index.h"
#include "swarm/slab_heap.h"

namespace muster {
namespace {

void Tidy(RecordIndex& index, SlabHeap& heap, std::uint32_t /*records*/) { index.Tidy(&heap); }
void Tidy(ShardIndex& index, SlabHeap& heap, std::uint32_t records) {
  for (std::uint32_t n = 0; n < records; ++n) index.Tidy(&heap, n);
}

// Records as a shard keeps them: numbered without gaps, so that the last takes the number of one
// that goes. A record is told from others with an equal hash by its name.
template <typename Index>
class Records {
 public:
  // Of any record, by its number.
  struct HashOf {
    std::uint64_t operator()(std::uint32_t n) const {
      ++records.hashes_;
      return records.records_[n].hash;
    }
    void Prefetch(std::uint32_t n) const { EXPECT_LT(n, records.records_.size()); }

    const Records& records;
  };

  ~Records() { index_.Clear(&heap_); }

  void Add(std::uint64_t name, std::uint64_t hash) {
    const auto number = static_cast<std::uint32_t>(records_.size());
    index_.Insert(&heap_, hash, number, HashOf{*this});
    records_.push_back({name, hash});
    numbers_[name] = number;
  }
  void Remove(std::uint32_t n) {
    const auto last = static_cast<std::uint32_t>(records_.size()) - 1;
    index_.Remove(&heap_, records_[n].hash, n, last, HashOf{*this});
    numbers_.erase(records_[n].name);
    if (n != last) {
      index_.Renumber(records_[last].hash, last, n);
      records_[n] = records_[last];
      numbers_[records_[n].name] = n;
    }
    records_.pop_back();
  }
  std::uint32_t Find(std::uint64_t name, std::uint64_t hash) const {
    return index_.Find(hash, [&](std::uint32_t n) {
      ++looks_;
      // A number that no record has would be read outside of the shard.
      EXPECT_LT(n, records_.size());
      return n < records_.size() && records_[n].name == name;
    });
  }
  void Tidy() { muster::Tidy(index_, heap_, size()); }

  bool FindsAll() const {
    for (const auto& record : records_) {
      if (Find(record.name, record.hash) != numbers_.at(record.name)) return false;
    }
    return true;
  }
  std::uint32_t size() const { return static_cast<std::uint32_t>(records_.size()); }
  std::size_t index_bytes() const { return index_.bytes(); }
  std::size_t looks() const { return looks_; }
  // Records whose hashes were asked for.
  std::size_t hashes() const { return hashes_; }

 private:
  struct Record {
    std::uint64_t name;
    std::uint64_t hash;
  };
  SlabHeap heap_;
  Index index_;
  std::vector<Record> records_;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;
  mutable std::size_t looks_ = 0;
  mutable std::size_t hashes_ = 0;
};

std::uint64_t Mix(std::uint64_t name) { return Random(name).Next(); }

// Grows to `most`, and back to nothing, adding and removing all the way.
template <typename Index, typename HashOfName>
void GrowAndShrink(std::uint32_t most, const HashOfName& hash_of) {
  Records<Index> records;
  Random random(most);
  std::uint64_t next = 1;
  EXPECT_EQ(records.Find(1, hash_of(1)), Index::kNone);
  for (const bool grows : {true, false}) {
    while (grows ? records.size() < most : records.size() > 0) {
      if (random.Below(10) < (grows ? 7u : 3u) || records.size() == 0) {
        records.Add(next, hash_of(next));
        ++next;
      } else {
        records.Remove(random.Below(records.size()));
      }
      if (random.Below(500) == 0) {
        ASSERT_TRUE(records.FindsAll()) << records.size();
        ASSERT_EQ(records.Find(next, hash_of(next)), Index::kNone);
        records.Tidy();
      }
    }
    ASSERT_TRUE(records.FindsAll());
  }
}

template <typename Index>
class IndexTest : public testing::Test {};
using Indexes = testing::Types<RecordIndex, ShardIndex>;
TYPED_TEST_SUITE(IndexTest, Indexes);

TYPED_TEST(IndexTest, FindsEveryRecordWhileItGrowsAndShrinks) {
  for (const std::uint32_t most : {1u, 2u, 15u, 16u, 17u, 300u, 5000u, 40'000u})
    GrowAndShrink<TypeParam>(most, Mix);
}

TYPED_TEST(IndexTest, FindsEveryRecordThoughTheirHashesCollide) {
  GrowAndShrink<TypeParam>(100, [](std::uint64_t) { return 0; });
  GrowAndShrink<TypeParam>(100, [](std::uint64_t) { return ~std::uint64_t{0}; });
  GrowAndShrink<TypeParam>(400, [](std::uint64_t name) { return name % 3 * 0x5555555555555555; });
  // One home for all, but different tags; and one tag, but different homes.
  GrowAndShrink<TypeParam>(400, [](std::uint64_t name) { return Mix(name) >> 32; });
  GrowAndShrink<TypeParam>(400, [](std::uint64_t name) { return Mix(name) << 32; });
  // All at the end of the table, from where a search goes on at its beginning.
  GrowAndShrink<TypeParam>(
      400, [](std::uint64_t name) { return Mix(name) | std::uint64_t{0xffffff} << 40; });
}

TYPED_TEST(IndexTest, AsksForFewStrangers) {
  Records<TypeParam> records;
  for (std::uint64_t name = 0; name < 4000; ++name) records.Add(name, Mix(name));
  const std::size_t before = records.looks();
  for (std::uint64_t name = 0; name < 4000; ++name) records.Find(name, Mix(name));
  for (std::uint64_t name = 4000; name < 8000; ++name) records.Find(name, Mix(name));
  EXPECT_LT(records.looks() - before, 4100u) << "once for each that is there";
}

TYPED_TEST(IndexTest, CostsFourBytesARecord) {
  for (const std::uint32_t n : {1000u, 10'000u, 100'000u}) {
    Records<TypeParam> records;
    for (std::uint64_t name = 0; name < n; ++name) records.Add(name, Mix(name));
    EXPECT_LT(records.index_bytes(), n * 45 / 10) << n;
    while (records.size() > n / 10) records.Remove(records.size() / 2);
    EXPECT_LT(records.index_bytes(), n * 3 / 4) << "and shrinks with them";
  }
}

TYPED_TEST(IndexTest, RecordsThatComeAndGoDoNotMakeItGrow) {
  Records<TypeParam> records;
  for (std::uint64_t name = 0; name < 1000; ++name) records.Add(name, Mix(name));
  std::size_t most = 0;
  for (std::uint64_t name = 1000; name < 50'000; ++name) {
    records.Remove(static_cast<std::uint32_t>(name * 7919 % 1000));
    records.Add(name, Mix(name));
    most = std::max(most, records.index_bytes());
  }
  EXPECT_LT(most, 1000u * 5);
  EXPECT_TRUE(records.FindsAll());
}

TEST(ShardIndex, NeverGoesThroughManyRecordsAtOnce) {
  Records<ShardIndex> records;
  std::size_t most = 0;
  const auto one_call = [&](const auto& call) {
    const std::size_t before = records.hashes();
    call();
    most = std::max(most, records.hashes() - before);
  };
  for (std::uint64_t name = 0; name < 200'000; ++name)
    one_call([&] { records.Add(name, Mix(name)); });
  EXPECT_TRUE(records.FindsAll());
  while (records.size() > 0) one_call([&] { records.Remove(records.size() / 2); });
  EXPECT_GT(most, 1000u);
  EXPECT_LT(most, 10'000u) << "two halves of a part, and what one of them has to do for itself";
  EXPECT_EQ(records.index_bytes(), 0u) << "the last one takes all parts with it";
}

}  // namespace
}  // namespace muster
