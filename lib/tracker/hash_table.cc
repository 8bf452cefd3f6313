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

constexpr std::size_t kHashesPerStart = 32;
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
  const int bits = std::clamp(static_cast<int>(std::bit_width(hashes_.size() / kHashesPerStart)), 1,
                              kMaxIndexBits);
  shift_ = 32 - bits;
  starts_.reserve((std::size_t{1} << bits) + 1);
  for (std::size_t i = 0; i < hashes_.size(); ++i) {
    const std::size_t first_bits = LoadBig32(hashes_[i].data()) >> shift_;
    while (starts_.size() <= first_bits) starts_.push_back(static_cast<std::uint32_t>(i));
  }
  starts_.resize((std::size_t{1} << bits) + 1, static_cast<std::uint32_t>(hashes_.size()));
  PreferHugePages(hashes_.data(), hashes_.size() * sizeof(InfoHash));
  PreferHugePages(starts_.data(), starts_.size() * sizeof(std::uint32_t));
}

// Among evenly distributed hashes the bits that follow the first ones say where a hash would be,
// give or take a few places.
const InfoHash* HashTable::Guess(std::uint64_t number, const InfoHash*& begin,
                                 const InfoHash*& end) const {
  const std::size_t first_bits = number >> 32 >> shift_;
  begin = hashes_.data() + starts_[first_bits];
  end = hashes_.data() + starts_[first_bits + 1];
  const std::uint64_t following = number << (32 - shift_) >> 32;
  return begin + (static_cast<std::uint64_t>(end - begin) * following >> 32);
}

void HashTable::PrefetchStart(const std::uint8_t* info_hash) const {
  if (!hashes_.empty()) __builtin_prefetch(&starts_[LoadBig32(info_hash) >> shift_]);
}

void HashTable::PrefetchHash(const std::uint8_t* info_hash) const {
  if (hashes_.empty()) return;
  const InfoHash *begin, *end;
  __builtin_prefetch(Guess(LoadBig64(info_hash), begin, end));
}

bool HashTable::Contains(const InfoHash& info_hash) const {
  if (hashes_.empty()) return false;
  const std::uint64_t number = LoadBig64(info_hash.data());
  const InfoHash *begin, *end;
  const InfoHash* at = Guess(number, begin, end);
  // More than any chance puts between two starts: chosen by somebody.
  constexpr std::ptrdiff_t kMany = 8 * kHashesPerStart;
  if (end - begin > kMany) return std::binary_search(begin, end, info_hash, Less);
  while (at != begin && LoadBig64(at[-1].data()) >= number) --at;
  while (at != end && LoadBig64(at->data()) < number) ++at;
  // Hashes whose first eight bytes agree stand side by side.
  for (; at != end && LoadBig64(at->data()) == number; ++at) {
    if (*at == info_hash) return true;
  }
  return false;
}

}  // namespace muster
