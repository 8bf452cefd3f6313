// SPDX-License-Identifier: Apache-2.0
#include "tracker/hash_table.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/turns.h"
#include "model/info_hash_order.h"

namespace muster {
namespace {

// Of all places so many are taken: 1.4 times the memory of the hashes themselves.
constexpr double kLoad = 0.77;
// The list that it is made of goes in pieces of so many hashes; and after so many others have a turn.
constexpr std::size_t kPiece = 1 << 16;
// Behind so many lines it takes chosen hashes to go on.
constexpr std::size_t kMostLines = 16;

constexpr auto kInOrder = [](const InfoHash& a, const InfoHash& b) { return IsBefore(a, b); };

// In ascending order. Bytes of hashes are evenly distributed, so the first ones tell nearly where a
// hash belongs: its part of 256, then of 65,536 (American flag sort, in place). What is left is small,
// or was chosen to crowd together.
void Sort(InfoHash* begin, InfoHash* end, Turns& turns, std::size_t byte = 0) {
  constexpr std::ptrdiff_t kSmall = 4096;
  if (end - begin <= kSmall || byte == InfoHash::kSize) {
    std::sort(begin, end, kInOrder);
    return turns.After(static_cast<std::size_t>(end - begin));
  }
  std::array<std::size_t, 257> ends{};  // of the parts; where the first begins is [0]
  for (const InfoHash* hash = begin; hash != end; ++hash, turns.After())
    ++ends[hash->data()[byte] + 1u];
  for (std::size_t part = 1; part < ends.size(); ++part) ends[part] += ends[part - 1];
  std::array<std::size_t, 256> next;  // the first place of each part that is not settled
  std::copy_n(ends.begin(), next.size(), next.begin());
  for (std::size_t part = 0; part < next.size(); ++part) {
    while (next[part] < ends[part + 1]) {
      // What stands here goes where it belongs, and so on, until something belongs here.
      InfoHash hash = begin[next[part]];
      for (std::size_t to = hash.data()[byte]; to != part; to = hash.data()[byte], turns.After())
        std::swap(hash, begin[next[to]++]);
      begin[next[part]++] = hash;
      turns.After();
    }
  }
  for (std::size_t part = 0; part < next.size(); ++part) {
    Sort(begin + ends[part], begin + ends[part + 1], turns, byte + 1);
  }
}

// Without a branch, whose outcome nobody could foresee.
bool IsOneOf(const InfoHash& a, const InfoHash (&hashes)[3]) {
  const auto word = [](const InfoHash& hash, std::size_t at) {
    std::uint64_t bytes;
    std::memcpy(&bytes, hash.data() + at, sizeof bytes);
    return bytes;
  };
  unsigned found = 0;
  for (const InfoHash& b : hashes) {
    const std::uint64_t differs =
        (word(a, 0) ^ word(b, 0)) | (word(a, 8) ^ word(b, 8)) | (word(a, 12) ^ word(b, 12));
    found |= differs == 0 ? 1u : 0u;
  }
  return found != 0;
}

}  // namespace

void SortHashes(std::vector<InfoHash>& hashes) {
  Turns turns(kPiece);
  if (!std::is_sorted(hashes.begin(), hashes.end(), kInOrder)) {
    Sort(hashes.data(), hashes.data() + hashes.size(), turns);
  }
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
}

HashTable::HashTable(absl::Span<InfoHash> hashes, int same_bits)
    : size_(hashes.size()), same_bits_(same_bits) {
  if (hashes.empty()) return;
  own_lines_ = static_cast<std::uint64_t>(static_cast<double>(size_) / (kLoad * Line::kHashes)) + 1;
  const auto place_after = [this](std::size_t taken, const InfoHash& hash) {
    return std::max(taken, LineOf(hash.data()) * Line::kHashes);
  };
  Turns turns(kPiece);
  std::size_t taken = 0;
  for (const InfoHash& hash : hashes) taken = place_after(taken, hash) + 1;
  const std::size_t lines =
      std::max<std::size_t>(own_lines_, (taken + Line::kHashes - 1) / Line::kHashes);
  lines_.reserve(lines);
  taken = 0;
  const auto fill = [&](std::size_t end, const InfoHash& hash) {
    for (; taken < end; ++taken) {
      if (taken % Line::kHashes == 0) lines_.emplace_back();
      at(taken) = hash;
    }
  };
  const InfoHash last = hashes.back();
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    fill(place_after(taken, hashes[i]) + 1, hashes[i]);
    if ((i + 1) % kPiece == 0) GiveBackPages(hashes.data(), &hashes[i]);
    turns.After();
  }
  GiveBackPages(hashes.data(), hashes.data() + hashes.size());
  fill(lines * Line::kHashes, last);
  PreferHugePages(lines_.data(), lines_.size() * sizeof(Line));
}

void HashTable::Prefetch(const std::uint8_t* info_hash) const {
  if (!lines_.empty()) __builtin_prefetch(&lines_[LineOf(info_hash)]);
}

bool HashTable::Contains(const InfoHash& info_hash) const {
  if (lines_.empty()) return false;
  const std::size_t own = LineOf(info_hash.data());
  const std::size_t end = std::min(own + kMostLines, lines_.size());
  for (std::size_t i = own; i < end; ++i) {
    const Line& line = lines_[i];
    if (IsOneOf(info_hash, line.hashes)) return true;
    if (!IsBefore(line.hashes[Line::kHashes - 1], info_hash)) return false;
  }
  return end < lines_.size() && IsAmong(info_hash, end);
}

bool HashTable::IsAmong(const InfoHash& info_hash, std::size_t first_line) const {
  std::size_t begin = first_line;
  std::size_t end = lines_.size();
  while (end - begin > 1) {
    const std::size_t middle = begin + (end - begin) / 2;
    (IsBefore(info_hash, lines_[middle].hashes[0]) ? end : begin) = middle;
  }
  return IsOneOf(info_hash, lines_[begin].hashes);
}

std::vector<InfoHash> HashTable::hashes() const {
  std::vector<InfoHash> hashes;
  hashes.reserve(size_);
  for (std::size_t place = 0; hashes.size() < size_; ++place) {
    if (hashes.empty() || hashes.back() != at(place)) hashes.push_back(at(place));
  }
  return hashes;
}

}  // namespace muster
