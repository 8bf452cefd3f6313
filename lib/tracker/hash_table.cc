// SPDX-License-Identifier: Apache-2.0
#include "tracker/hash_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/huge_pages.h"

namespace muster {
namespace {

// At most, on average; at least half as many. More than kMany no chance puts into one: somebody has
// chosen them.
constexpr std::size_t kHashesPerGroup = 128;
constexpr std::size_t kMany = 4 * kHashesPerGroup;
constexpr int kMaxIndexBits = 24;

// As `a < b`, but quicker: the first 8 bytes hardly ever agree.
bool Less(const InfoHash& a, const InfoHash& b) {
  const std::uint64_t first_a = LoadBig64(a.data());
  const std::uint64_t first_b = LoadBig64(b.data());
  if (first_a != first_b) return first_a < first_b;
  return std::memcmp(a.data() + 8, b.data() + 8, InfoHash::kSize - 8) < 0;
}

}  // namespace

HashTable::HashTable(std::vector<InfoHash> hashes) : hashes_(std::move(hashes)) {
  if (!std::is_sorted(hashes_.begin(), hashes_.end(), Less)) {
    std::sort(hashes_.begin(), hashes_.end(), Less);
  }
  hashes_.erase(std::unique(hashes_.begin(), hashes_.end()), hashes_.end());
  // Memory that was set aside for more hashes was never touched, so it is no memory yet; only where
  // it may have been touched a copy is worth it.
  if (hashes_.capacity() / 2 > hashes_.size()) hashes_.shrink_to_fit();
  if (hashes_.empty()) return;
  const int bits = std::clamp(static_cast<int>(std::bit_width(hashes_.size() / kHashesPerGroup)), 1,
                              kMaxIndexBits);
  shift_ = 64 - bits;
  groups_.resize((std::size_t{1} << bits) + 1);
  std::size_t end = 0;
  for (std::size_t i = 0; i + 1 < groups_.size(); ++i) {
    groups_[i].start = static_cast<std::uint32_t>(end);
    while (end < hashes_.size() && LoadBig64(hashes_[end].data()) >> shift_ == i) ++end;
    FillGroup(i, end);
  }
  groups_.back().start = static_cast<std::uint32_t>(end);
  PreferHugePages(hashes_.data(), hashes_.size() * sizeof(InfoHash));
  PreferHugePages(groups_.data(), groups_.size() * sizeof(Group));
}

void HashTable::FillGroup(std::size_t index, std::size_t end) {
  Group& group = groups_[index];
  if (end - group.start > kMany) {
    group.before[0] = kCrowded;
    return;
  }
  std::uint16_t counts[Group::kWords] = {};
  for (std::size_t i = group.start; i < end; ++i) {
    const std::size_t place = PlaceOf(LoadBig64(hashes_[i].data()));
    group.taken[place / 64] |= std::uint64_t{1} << place % 64;
    ++counts[place / 64];
  }
  for (std::size_t word = 1; word < Group::kWords; ++word) {
    group.before[word] = static_cast<std::uint16_t>(group.before[word - 1] + counts[word - 1]);
  }
}

const InfoHash* HashTable::Guess(std::uint64_t number) const {
  const Group& group = GroupOf(number);
  const std::size_t place = PlaceOf(number);
  const std::uint64_t taken = group.taken[place / 64];
  const std::uint64_t bit = std::uint64_t{1} << place % 64;
  if ((taken & bit) == 0) return nullptr;
  return hashes_.data() + group.start + group.before[place / 64] + std::popcount(taken & (bit - 1));
}

void HashTable::PrefetchGroup(const std::uint8_t* info_hash) const {
  if (!hashes_.empty()) __builtin_prefetch(&GroupOf(LoadBig64(info_hash)));
}

void HashTable::PrefetchHash(const std::uint8_t* info_hash) const {
  if (hashes_.empty()) return;
  if (const InfoHash* at = Guess(LoadBig64(info_hash)); at != nullptr) __builtin_prefetch(at);
}

bool HashTable::ContainsAmongCrowd(const InfoHash& info_hash, const Group& group) const {
  const auto* const next = &group + 1;
  return std::binary_search(hashes_.begin() + group.start, hashes_.begin() + next->start, info_hash,
                            Less);
}

bool HashTable::Contains(const InfoHash& info_hash) const {
  if (hashes_.empty()) return false;
  const std::uint64_t number = LoadBig64(info_hash.data());
  const InfoHash* at = Guess(number);
  if (at == nullptr) {
    const Group& group = GroupOf(number);
    return group.before[0] == kCrowded && ContainsAmongCrowd(info_hash, group);
  }
  const InfoHash* const end = hashes_.data() + hashes_.size();
  while (at != end && LoadBig64(at->data()) < number) ++at;
  // Hashes whose first eight bytes agree stand side by side.
  for (; at != end && LoadBig64(at->data()) == number; ++at) {
    if (*at == info_hash) return true;
  }
  return false;
}

}  // namespace muster
