// SPDX-License-Identifier: Apache-2.0
#include "swarm/peer_list.h"

#include <algorithm>
#include <bit>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace muster {
namespace {

bool Equal(AddressFamily family, const std::uint8_t* a, const std::uint8_t* b) {
  if (family == AddressFamily::kIpv4)
    return LoadNative<std::uint32_t>(a) == LoadNative<std::uint32_t>(b) &&
           LoadNative<std::uint16_t>(a + 4) == LoadNative<std::uint16_t>(b + 4);
  return std::memcmp(a, b, 18) == 0;
}

}  // namespace

std::uint64_t HashPeer(const std::uint8_t* compact, AddressFamily family, const HashKey& key) {
  if (family == AddressFamily::kIpv4) {
    const std::uint64_t bits = std::uint64_t{LoadNative<std::uint32_t>(compact)} << 16;
    const std::uint64_t first =
        FoldedMultiply((bits | LoadNative<std::uint16_t>(compact + 4)) ^ key.a, key.b);
    return FoldedMultiply(first ^ key.b, key.a);
  }
  const std::uint64_t first = FoldedMultiply(LoadNative<std::uint64_t>(compact) ^ key.a,
                                             LoadNative<std::uint64_t>(compact + 8) ^ key.b);
  const std::uint64_t second =
      FoldedMultiply(first ^ LoadNative<std::uint16_t>(compact + 16) ^ key.b, key.a);
  return FoldedMultiply(second ^ key.a, key.b);
}

PeerKey::PeerKey(const Endpoint& endpoint, const PeerId& peer_id, const HashKey& key)
    : compact(endpoint.compact().data()),
      family(endpoint.family()),
      hash(HashPeer(compact, family, key)),
      id(peer_id.data()) {}

template <typename IsIt>
int PeerList::FindTagged(std::uint8_t tag, const IsIt& is_it) const {
  const unsigned count = size();
#ifdef __SSE2__
  // Sixteen tags at a time. What is read behind the last tag are the peers (see PeerBlock).
  const __m128i wanted = _mm_set1_epi8(static_cast<char>(tag));
  for (unsigned base = 0; base < count; base += 16) {
    const __m128i tags16 = _mm_loadu_si128(reinterpret_cast<const __m128i*>(tags + base));
    auto hits = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(tags16, wanted)));
    for (; hits != 0; hits &= hits - 1) {
      const unsigned i = base + static_cast<unsigned>(std::countr_zero(hits));
      if (i < count && is_it(i)) return static_cast<int>(i);
    }
  }
#else
  for (unsigned i = 0; i < count; ++i) {
    if (tags[i] == tag && is_it(i)) return static_cast<int>(i);
  }
#endif
  return kNone;
}

int PeerList::Find(const PeerKey& key) const {
  const auto is_it = [&](unsigned i) { return Equal(family, peer(i), key.compact); };
  if (tags != nullptr) return FindTagged(key.tag(), is_it);
  for (unsigned i = 0; i < size(); ++i) {
    if (is_it(i)) return static_cast<int>(i);
  }
  return kNone;
}

void PeerList::Prefetch(std::uint8_t tag) const {
  if (tags == nullptr) return;
  // The first with the right tag is nearly always the one. It changes places with the last of its
  // role.
  const int i = FindTagged(tag, [](unsigned) { return true; });
  if (i == kNone) return;
  const auto at = static_cast<unsigned>(i);
  const unsigned role = role_at(at);
  for (const unsigned touched : {at, begin_of(role) + n[role] - 1}) {
    __builtin_prefetch(peer(touched), 1);
    __builtin_prefetch(marks + touched, 1);
  }
}

void PeerList::Move(unsigned from, unsigned to) {
  const std::size_t width = CompactSize(family);
  std::memcpy(peers + to * width, peers + from * width, width);
  marks[to] = marks[from];
  if (tags != nullptr) tags[to] = tags[from];
  if (ids != nullptr)
    std::memcpy(ids + to * PeerId::kSize, ids + from * PeerId::kSize, PeerId::kSize);
}

void PeerList::Swap(unsigned i, unsigned j) {
  const std::size_t width = CompactSize(family);
  std::swap_ranges(peers + i * width, peers + (i + 1) * width, peers + j * width);
  std::swap(marks[i], marks[j]);
  if (tags != nullptr) std::swap(tags[i], tags[j]);
  if (ids != nullptr) {
    std::swap_ranges(ids + i * PeerId::kSize, ids + (i + 1) * PeerId::kSize,
                     ids + j * PeerId::kSize);
  }
}

unsigned PeerList::Open(unsigned role) {
  // Each later role gives up its first place and takes one at its end.
  unsigned place = size();
  for (unsigned later = kRoles - 1; later > role; --later) {
    if (n[later] == 0) continue;
    Move(begin_of(later), place);
    place = begin_of(later);
  }
  ++n[role];
  return place;
}

unsigned PeerList::Insert(const PeerKey& key, unsigned role, std::uint8_t mark) {
  const unsigned place = Open(role);
  std::memcpy(peers + place * CompactSize(family), key.compact, CompactSize(family));
  marks[place] = mark;
  if (tags != nullptr) tags[place] = key.tag();
  if (ids != nullptr) std::memcpy(ids + place * PeerId::kSize, key.id, PeerId::kSize);
  return place;
}

unsigned PeerList::InsertFrom(const PeerList& from, unsigned i, unsigned role, std::uint8_t tag) {
  const unsigned place = Open(role);
  std::memcpy(peers + place * CompactSize(family), from.peer(i), CompactSize(family));
  marks[place] = from.marks[i];
  if (tags != nullptr) tags[place] = tag;
  if (ids != nullptr)
    std::memcpy(ids + place * PeerId::kSize, from.ids + i * PeerId::kSize, PeerId::kSize);
  return place;
}

void PeerList::Remove(unsigned i) {
  // The last of each role from here on fills the place that has become free.
  unsigned place = i;
  const unsigned role = role_at(i);
  for (unsigned r = role; r < kRoles; ++r) {
    if (n[r] == 0) continue;
    const unsigned last = begin_of(r) + n[r] - 1;
    if (last != place) Move(last, place);
    place = last;
  }
  --n[role];
}

unsigned PeerList::ChangeRole(unsigned i, unsigned role) {
  // Step by step across the borders between the roles.
  unsigned at = role_at(i);
  while (at < role) {
    const unsigned last = begin_of(at) + n[at] - 1;
    if (i != last) Swap(i, last);
    --n[at];
    ++n[++at];
    i = last;
  }
  while (at > role) {
    const unsigned first = begin_of(at);
    if (i != first) Swap(i, first);
    --n[at];
    ++n[--at];
    i = first;
  }
  return i;
}

unsigned PeerList::MoveToEnd(unsigned i) {
  const unsigned role = role_at(i);
  const unsigned last = begin_of(role) + n[role] - 1;
  if (i != last) Swap(i, last);
  return last;
}

unsigned PeerList::Expire(const Cutoff& cutoff) {
  unsigned gone = 0;
  // Backwards: what fills a free place comes from behind it and has been looked at.
  for (unsigned i = size(); i-- > 0;) {
    if (!cutoff.Forgets(marks[i])) continue;
    Remove(i);
    ++gone;
  }
  return gone;
}

void PeerList::Copy(unsigned begin, unsigned take, PeerBatch& chosen) const {
  chosen.Append(family, peer(begin), ids == nullptr ? nullptr : ids + begin * PeerId::kSize, take);
}

void PeerList::CopyAround(unsigned begin, unsigned end, unsigned from, unsigned take,
                          PeerBatch& chosen) const {
  const unsigned first = std::min(take, end - from);
  Copy(from, first, chosen);
  if (first < take) Copy(begin, take - first, chosen);
}

void PeerList::Choose(unsigned begin, unsigned end, unsigned take, std::uint64_t random,
                      PeerBatch& chosen) const {
  if (take == 0) return;
  const unsigned from = begin + static_cast<unsigned>((random >> 32) * (end - begin) >> 32);
  CopyAround(begin, end, from, take, chosen);
}

}  // namespace muster
