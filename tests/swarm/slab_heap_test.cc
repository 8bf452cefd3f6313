// SPDX-License-Identifier: Apache-2.0
#include "swarm/slab_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "muster/random.h"

namespace muster {
namespace {

constexpr std::size_t kPage = 32 * 1024;

// An object that can tell whether anyone else wrote to it.
struct Object {
  std::uint8_t* at;
  std::size_t size;
  std::uint8_t fill;
};
Object Take(SlabHeap& heap, std::size_t size, std::uint8_t fill) {
  Object object{static_cast<std::uint8_t*>(heap.Allocate(size)), size, fill};
  std::memset(object.at, fill, size);
  return object;
}
bool Intact(const Object& o) {
  return std::all_of(o.at, o.at + o.size, [&](std::uint8_t byte) { return byte == o.fill; });
}

std::vector<std::size_t> InterestingSizes() {
  std::vector<std::size_t> sizes;
  for (std::size_t size = 1; size <= 600; ++size) sizes.push_back(size);
  for (std::size_t size = 640; size <= SlabHeap::kLargestObject; size += 64) {
    for (const std::size_t s : {size - 1, size, size + 1}) sizes.push_back(s);
  }
  for (const std::size_t size : {20'000u, 100'000u, 1'000'000u}) sizes.push_back(size);
  return sizes;
}

TEST(SlabHeap, ObjectsOfAllSizesAreAlignedAndApart) {
  SlabHeap heap;
  std::vector<Object> objects;
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t size : InterestingSizes()) {
      objects.push_back(Take(heap, size, static_cast<std::uint8_t>(objects.size() * 37 + 1)));
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(objects.back().at) % 8, 0u) << size;
    }
  }
  for (const Object& object : objects) ASSERT_TRUE(Intact(object)) << object.size;
  for (const Object& object : objects) heap.Free(object.at, object.size);
  EXPECT_EQ(heap.bytes(), 0u);
}

TEST(SlabHeap, GoodSizeIsEnoughAndNeverMuchMore) {
  for (const std::size_t size : InterestingSizes()) {
    const std::size_t good = SlabHeap::GoodSize(size);
    EXPECT_GE(good, size);
    EXPECT_LE(good,
              size <= SlabHeap::kLargestObject ? std::max(size + 7, size + size / 8) : size + 4095)
        << size;
    EXPECT_EQ(SlabHeap::GoodSize(good), good);
    EXPECT_LE(good, SlabHeap::GoodSize(size + 1));
  }
}

TEST(SlabHeap, GoodSizeCostsNoMore) {
  for (const std::size_t size : {1u, 44u, 100u, 700u, 2000u, 9000u, 16'384u}) {
    SlabHeap exact, good;
    for (int i = 0; i < 1000; ++i) {
      exact.Allocate(size);
      good.Allocate(SlabHeap::GoodSize(size));
    }
    EXPECT_EQ(exact.bytes(), good.bytes()) << size;
  }
}

TEST(SlabHeap, AllObjectsMayUseTheirGoodSize) {
  SlabHeap heap;
  std::vector<Object> objects;
  for (const std::size_t size : InterestingSizes())
    objects.push_back(Take(heap, SlabHeap::GoodSize(size), static_cast<std::uint8_t>(size)));
  for (const Object& object : objects) ASSERT_TRUE(Intact(object)) << object.size;
  for (const Object& object : objects) heap.Free(object.at, object.size);
  EXPECT_EQ(heap.bytes(), 0u);
}

TEST(SlabHeap, MemoryIsUsedAgainAndGoesBackAtLast) {
  SlabHeap heap;
  Random random(1);
  std::vector<Object> objects;
  const auto size = [&random] { return 1 + random.Below(random.Below(10) == 0 ? 20'000 : 300); };
  for (int i = 0; i < 5000; ++i)
    objects.push_back(Take(heap, size(), static_cast<std::uint8_t>(i)));
  const std::size_t full = heap.bytes();
  for (int i = 0; i < 50'000; ++i) {
    Object& object = objects[random.Below(5000)];
    ASSERT_TRUE(Intact(object));
    heap.Free(object.at, object.size);
    object = Take(heap, size(), static_cast<std::uint8_t>(i));
  }
  EXPECT_LT(heap.bytes(), full + full / 4);
  for (const Object& object : objects) {
    ASSERT_TRUE(Intact(object));
    heap.Free(object.at, object.size);
  }
  EXPECT_EQ(heap.bytes(), 0u);
}

TEST(SlabHeap, ManySmallObjectsCostLittleMoreThanTheirSizes) {
  for (const std::size_t size : {8u, 32u, 48u, 104u, 704u, 1920u}) {
    SlabHeap heap;
    const std::size_t n = 2'000'000 / size;
    for (std::size_t i = 0; i < n; ++i) heap.Allocate(size);
    EXPECT_LE(heap.bytes(), n * size * 108 / 100 + kPage) << size;
  }
}

TEST(SlabHeap, OneObjectThatComesAndGoesKeepsToItsPage) {
  SlabHeap heap;
  for (int i = 0; i < 1000; ++i) {
    void* const object = heap.Allocate(704);
    EXPECT_EQ(heap.bytes(), kPage);
    heap.Free(object, 704);
    EXPECT_EQ(heap.bytes(), 0u);
  }
}

TEST(SlabHeap, MovingSparseObjectsLetsPagesGo) {
  for (const std::size_t size : {48u, 704u}) {
    SlabHeap heap;
    Random random(2);
    std::vector<Object> objects;
    for (std::size_t i = 0; i < 60 * kPage / size; ++i)
      objects.push_back(Take(heap, size, static_cast<std::uint8_t>(i)));
    for (std::size_t i = objects.size(); i > 1; --i)
      std::swap(objects[i - 1], objects[random.Below(static_cast<std::uint32_t>(i))]);
    const std::size_t full = heap.bytes();
    // A tenth stays, scattered over all pages.
    while (objects.size() > 6 * kPage / size) {
      heap.Free(objects.back().at, size);
      objects.pop_back();
    }
    EXPECT_GT(heap.bytes(), full / 2);
    std::size_t moved = 0;
    for (int pass = 0; pass < 5; ++pass) {
      for (Object& object : objects) {
        if (!heap.Sparse(object.at, size)) continue;
        const Object to = Take(heap, size, object.fill);
        std::memcpy(to.at, object.at, size);
        heap.Free(object.at, size);
        object = to;
        ++moved;
      }
    }
    EXPECT_LT(heap.bytes(), 10 * kPage);
    EXPECT_LT(moved, 3 * objects.size()) << "it comes to rest";
    for (const Object& object : objects) {
      ASSERT_TRUE(Intact(object));
      EXPECT_EQ(&object == &objects[0] && heap.Sparse(object.at, 100'000), false);
      heap.Free(object.at, size);
    }
    EXPECT_EQ(heap.bytes(), 0u);
  }
}

TEST(SlabHeap, AFullPageIsNotSparse) {
  SlabHeap heap;
  std::vector<void*> objects;
  for (std::size_t i = 0; i < 3 * kPage / 64; ++i) objects.push_back(heap.Allocate(64));
  for (void* object : objects) EXPECT_FALSE(heap.Sparse(object, 64));
}

}  // namespace
}  // namespace muster
