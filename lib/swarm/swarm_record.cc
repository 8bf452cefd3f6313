// SPDX-License-Identifier: Apache-2.0
#include "swarm/swarm_record.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>

#include "muster/random.h"
#include "swarm/share.h"

namespace muster {
namespace {

constexpr AddressFamily kFamilies[] = {AddressFamily::kIpv4, AddressFamily::kIpv6};

// Peers that fit into the record itself.
constexpr unsigned kInlineIpv4 = 3;
constexpr unsigned kInlineIpv6 = 1;
constexpr std::uint32_t kInlineCompleted = std::numeric_limits<std::uint16_t>::max();
// A huge swarm this small goes back to blocks. Far enough below a block's capacity that it does not
// go to and fro.
constexpr std::size_t kHugeAtLeast = 128;

// Offsets in the body.
constexpr std::size_t kInlinePeers = 2;
constexpr std::size_t kInlineMarks = 20;
constexpr std::size_t kPointers = 4;
constexpr std::size_t kBehindPointers = 20;

template <typename T>
T Get(const std::uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
template <typename T>
void Put(std::uint8_t* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

std::uint8_t MarkFor(std::uint8_t stamp, std::uint8_t old_mark) {
  return static_cast<std::uint8_t>(stamp | (old_mark & mark::kCompleted));
}

}  // namespace

HugeSwarm::HugeSwarm()
    : sets{PeerSet(AddressFamily::kIpv4, kSeeders),
           PeerSet(AddressFamily::kIpv4, kPartialSeeders),
           PeerSet(AddressFamily::kIpv4, kDownloaders),
           PeerSet(AddressFamily::kIpv6, kSeeders),
           PeerSet(AddressFamily::kIpv6, kPartialSeeders),
           PeerSet(AddressFamily::kIpv6, kDownloaders)} {}

std::size_t HugeSwarm::peers(AddressFamily family) const {
  std::size_t all = 0;
  for (unsigned role = 0; role < kRoles; ++role) all += set(family, role).size();
  return all;
}

SwarmRecord::SwarmRecord(const std::uint8_t* info_hash) : shape_(kInline4), body_{} {
  std::copy_n(info_hash, InfoHash::kSize, info_hash_);
}

// --- what the bytes mean ---

PeerList SwarmRecord::InlineList() const {
  PeerList list;
  auto* const body =
      const_cast<std::uint8_t*>(body_);  // a list lends its bytes for reading and for writing
  list.family = InlineFamily(kind());
  list.peers = body + kInlinePeers;
  list.marks = body + kInlineMarks;
  list.tags = nullptr;
  list.ids = nullptr;
  list.capacity = kind() == kInline4 ? kInlineIpv4 : kInlineIpv6;
  list.n = {shape_ >> 2 & 3u, shape_ >> 4 & 3u, shape_ >> 6 & 3u};
  return list;
}

void SwarmRecord::StoreInline(const PeerList& list) {
  shape_ = static_cast<std::uint8_t>(kind() | list.n[0] << 2 | list.n[1] << 4 | list.n[2] << 6);
}

PeerBlock* SwarmRecord::block(AddressFamily family) const {
  return Get<PeerBlock*>(body_ + kPointers + 8 * static_cast<std::size_t>(family));
}
void SwarmRecord::set_block(AddressFamily family, PeerBlock* block) {
  Put(body_ + kPointers + 8 * static_cast<std::size_t>(family), block);
}
HugeSwarm* SwarmRecord::huge() const { return Get<HugeSwarm*>(body_ + kPointers); }
void SwarmRecord::set_huge(HugeSwarm* huge) { Put(body_ + kPointers, huge); }

std::uint32_t SwarmRecord::completed() const {
  return inline_kind() ? Get<std::uint16_t>(body_) : Get<std::uint32_t>(body_);
}

void SwarmRecord::set_completed(const SwarmContext& context, std::uint32_t completed) {
  if (inline_kind() && completed > kInlineCompleted) ToBlocks(context);
  if (inline_kind()) {
    Put(body_, static_cast<std::uint16_t>(completed));
  } else {
    Put(body_, completed);
  }
}

// A record without peers has room for the minute where its first peer would be. In kBlocks, where a
// large completed count keeps it, the pointers stay (null), and three bytes behind them hold a
// fourth of the minute's lower 26 bits.
std::uint32_t SwarmRecord::left_minute() const {
  if (kind() != kBlocks) return Get<std::uint32_t>(body_ + kInlinePeers);
  return (Get<std::uint16_t>(body_ + kBehindPointers) | std::uint32_t{body_[kBehindPointers + 2]}
                                                            << 16) *
         4;
}
void SwarmRecord::set_left_minute(std::uint32_t minute) {
  if (kind() != kBlocks) {
    Put(body_ + kInlinePeers, minute);
  } else {
    Put(body_ + kBehindPointers, static_cast<std::uint16_t>(minute / 4));
    body_[kBehindPointers + 2] = static_cast<std::uint8_t>(minute / 4 >> 16);
  }
}

PeerList SwarmRecord::List(const SwarmContext& context, AddressFamily family) const {
  if (inline_kind() && InlineFamily(kind()) == family) return InlineList();
  if (kind() == kBlocks) {
    if (PeerBlock* const b = block(family)) return b->list(context, family);
  }
  return PeerList{family, nullptr, nullptr, nullptr, nullptr, 0, {0, 0, 0}};
}

void SwarmRecord::StoreList(AddressFamily family, const PeerList& list) {
  if (inline_kind()) {
    StoreInline(list);
  } else {
    block(family)->Store(list);
  }
}

SwarmCounts SwarmRecord::counts() const {
  std::uint32_t n[kRoles] = {0, 0, 0};
  switch (kind()) {
    case kInline4:
    case kInline6: {
      const PeerList list = InlineList();
      std::copy(list.n.begin(), list.n.end(), n);
      break;
    }
    case kBlocks:
      for (const AddressFamily family : kFamilies) {
        const PeerBlock* const b = block(family);
        for (unsigned role = 0; b != nullptr && role < kRoles; ++role) n[role] += b->n(role);
      }
      break;
    case kHuge:
      for (const AddressFamily family : kFamilies) {
        for (unsigned role = 0; role < kRoles; ++role) {
          n[role] += static_cast<std::uint32_t>(huge()->set(family, role).size());
        }
      }
      break;
  }
  return {n[kSeeders], n[kPartialSeeders], n[kDownloaders], completed()};
}

std::size_t SwarmRecord::peers(AddressFamily family) const {
  switch (kind()) {
    case kInline4:
    case kInline6:
      return InlineFamily(kind()) == family ? InlineList().size() : 0;
    case kBlocks:
      return block(family) == nullptr ? 0 : block(family)->size();
    case kHuge:
      break;
  }
  return huge()->peers(family);
}

// --- growing and shrinking ---

void SwarmRecord::ToBlocks(const SwarmContext& context) {
  const PeerList from = InlineList();
  const std::uint32_t completed = this->completed();
  PeerBlock* made = nullptr;
  if (from.size() > 0) {
    made = PeerBlock::New(context, from.family, from.size() + 1);
    PeerList to = made->list(context, from.family);
    for (unsigned i = 0; i < from.size(); ++i) to.InsertFrom(from, i, from.role_at(i), 0);
    made->Store(to);
  }
  set_kind(kBlocks);
  Put(body_, completed);
  set_block(AddressFamily::kIpv4, nullptr);
  set_block(AddressFamily::kIpv6, nullptr);
  if (made != nullptr) set_block(from.family, made);
}

void SwarmRecord::ToHuge(const SwarmContext& context) {
  auto* const made = new HugeSwarm;
  for (const AddressFamily family : kFamilies) {
    const PeerList from = List(context, family);
    for (unsigned role = 0; role < kRoles; ++role) made->set(family, role).InsertAll(context, from);
    PeerBlock::Delete(context, family, block(family));
  }
  set_kind(kHuge);
  set_huge(made);
}

bool SwarmRecord::MakeRoom(const SwarmContext& context, AddressFamily family) {
  if (inline_kind()) {
    if (!context.keep_ids) {
      // A record without peers takes either family.
      if (!has_peers()) {
        const auto done = static_cast<std::uint16_t>(completed());
        set_kind(family == AddressFamily::kIpv4 ? kInline4 : kInline6);
        Put(body_, done);
      }
      const PeerList list = InlineList();
      if (list.family == family && list.size() < list.capacity) return true;
    }
    ToBlocks(context);
  }
  PeerBlock* const b = block(family);
  const unsigned size = b == nullptr ? 0 : b->size();
  if (size == PeerBlock::kMaxCapacity) {
    ToHuge(context);
    return false;
  }
  if (b == nullptr || size == b->capacity()) {
    set_block(family, PeerBlock::Resized(context, family, b, size + 1));
  }
  return true;
}

void SwarmRecord::HugeToBlocks(const SwarmContext& context) {
  HugeSwarm* const from = huge();
  PeerBlock* blocks[2] = {nullptr, nullptr};
  for (const AddressFamily family : kFamilies) {
    const std::size_t n = peers(family);
    if (n == 0) continue;
    PeerBlock*& made = blocks[static_cast<int>(family)];
    made = PeerBlock::New(context, family, static_cast<unsigned>(n));
    PeerList to = made->list(context, family);
    for (unsigned role = 0; role < kRoles; ++role) {
      from->set(family, role).ForEachBlock(context, [&](const PeerList& list) {
        for (unsigned i = 0; i < list.size(); ++i) {
          to.InsertFrom(list, i, role, TagOf(HashPeer(list.peer(i), family, context.key)));
        }
      });
    }
    made->Store(to);
  }
  for (PeerSet& set : from->sets) set.Clear(context);
  delete from;
  set_kind(kBlocks);
  for (const AddressFamily family : kFamilies) set_block(family, blocks[static_cast<int>(family)]);
}

void SwarmRecord::BlocksToInline(const SwarmContext& context) {
  const AddressFamily family = peers(AddressFamily::kIpv4) > 0 || peers(AddressFamily::kIpv6) == 0
                                   ? AddressFamily::kIpv4
                                   : AddressFamily::kIpv6;
  const PeerList from = List(context, family);
  const auto completed = static_cast<std::uint16_t>(this->completed());
  PeerBlock* const old[2] = {block(AddressFamily::kIpv4), block(AddressFamily::kIpv6)};
  set_kind(family == AddressFamily::kIpv4 ? kInline4 : kInline6);
  Put(body_, completed);
  PeerList to = InlineList();
  for (unsigned i = 0; i < from.size(); ++i) to.InsertFrom(from, i, from.role_at(i), 0);
  StoreInline(to);
  for (const AddressFamily f : kFamilies) PeerBlock::Delete(context, f, old[static_cast<int>(f)]);
}

void SwarmRecord::Settle(const SwarmContext& context, bool sweeping) {
  if (inline_kind()) return;
  const std::size_t ipv4 = peers(AddressFamily::kIpv4);
  const std::size_t ipv6 = peers(AddressFamily::kIpv6);
  if (kind() == kHuge) {
    if (ipv4 + ipv6 >= kHugeAtLeast) return;
    HugeToBlocks(context);
  }
  // One less than fits, so that a swarm that breathes stays as it is.
  const bool fits = (ipv6 == 0 && ipv4 < kInlineIpv4) || (ipv4 == 0 && ipv6 <= kInlineIpv6);
  if (fits && completed() <= kInlineCompleted && (!context.keep_ids || ipv4 + ipv6 == 0)) {
    BlocksToInline(context);
    return;
  }
  for (const AddressFamily family : kFamilies) {
    PeerBlock* const b = block(family);
    if (b == nullptr) continue;
    if (b->size() == 0) {
      PeerBlock::Delete(context, family, b);
      set_block(family, nullptr);
    } else if (sweeping ? b->WantsResizing(context, family)
                        : PeerBlock::MuchTooLarge(b->capacity(), b->size())) {
      set_block(family, PeerBlock::Resized(context, family, b, b->size()));
    }
  }
}

void SwarmRecord::Clear(const SwarmContext& context, std::uint32_t minute) {
  const std::uint32_t completed = this->completed();
  if (kind() == kHuge) {
    for (PeerSet& set : huge()->sets) set.Clear(context);
    delete huge();
    set_kind(kBlocks);
    for (const AddressFamily family : kFamilies) set_block(family, nullptr);
  } else if (kind() == kBlocks) {
    for (const AddressFamily family : kFamilies) {
      PeerBlock::Delete(context, family, block(family));
      set_block(family, nullptr);
    }
  } else {
    set_kind(kInline4);
  }
  Settle(context);
  set_completed(context, completed);
  set_left_minute(minute);
}

// --- announces ---

SwarmRecord::Change SwarmRecord::Apply(const SwarmContext& context, const Announce& announce,
                                       std::size_t wanted, std::uint64_t random,
                                       PeerBatch& chosen) {
  if (kind() != kHuge) return ApplySmall(context, announce, wanted, random, chosen);
  return ApplyHuge(context, announce, wanted, random, chosen);
}

SwarmRecord::Change SwarmRecord::ApplySmall(const SwarmContext& context, const Announce& announce,
                                            std::size_t wanted, std::uint64_t random,
                                            PeerBatch& chosen) {
  const AddressFamily family = announce.peer.family;
  Change change;
  PeerList list = List(context, family);
  int at = list.Find(announce.peer);

  if (announce.state == PeerState::kStopped) {
    if (at == PeerList::kNone) return change;
    list.Remove(static_cast<unsigned>(at));
    StoreList(family, list);
    Settle(context);
    if (!has_peers()) set_left_minute(announce.minute);
    change.accepted = change.left = true;
    return change;
  }

  const Role role = RoleOf(announce.state);
  if (at != PeerList::kNone) {
    if (list.role_at(static_cast<unsigned>(at)) != role) {
      at = static_cast<int>(list.ChangeRole(static_cast<unsigned>(at), role));
    }
    assert(list.marks != nullptr);  // a list with a peer in it lies somewhere
    change.known = true;
    change.old_mark = list.marks[at];
    list.marks[at] = MarkFor(announce.stamp, change.old_mark);
    if (list.ids != nullptr)
      std::memcpy(list.ids + at * PeerId::kSize, announce.peer.id, PeerId::kSize);
    change.accepted = true;
  } else if (announce.may_join) {
    if (list.size() == list.capacity || context.keep_ids) {
      if (!MakeRoom(context, family)) return ApplyHuge(context, announce, wanted, random, chosen);
      list = List(context, family);
    }
    at = static_cast<int>(list.Insert(announce.peer, role, announce.stamp));
    change.accepted = change.joined = true;
  }
  if (change.accepted) {
    // The asking peer stands last of its role, where a choice of the others can end before it.
    at = static_cast<int>(list.MoveToEnd(static_cast<unsigned>(at)));
    change.completed =
        announce.completed && role == kSeeders && (list.marks[at] & mark::kCompleted) == 0;
    if (change.completed) list.marks[at] |= mark::kCompleted;
    change.counted = (list.marks[at] & mark::kCompleted) != 0;
    StoreList(family, list);
    if (change.completed) set_completed(context, completed() + 1);
  }

  if (wanted == 0) return change;
  // Uploaders are given downloaders; downloaders are given everyone. Those are the end of a list,
  // or all of it.
  const PeerList lists[2] = {List(context, AddressFamily::kIpv4),
                             List(context, AddressFamily::kIpv6)};
  unsigned begin[2];
  unsigned end[2];
  std::size_t can[2];
  for (const AddressFamily f : kFamilies) {
    const auto i = static_cast<std::size_t>(f);
    begin[i] = UploadsOnly(role) ? lists[i].begin_of(kDownloaders) : 0;
    end[i] = lists[i].size();
    if (f == family && change.accepted && !UploadsOnly(role)) --end[i];
    can[i] = std::min<std::size_t>(end[i] - begin[i], chosen.room(f));
  }
  const Shares shares = Share(wanted, can[0], can[1], random);
  for (const std::size_t i : {0, 1}) {
    lists[i].Choose(begin[i], end[i], static_cast<unsigned>(shares.of[i]), random, chosen);
  }
  return change;
}

SwarmRecord::Change SwarmRecord::ApplyHuge(const SwarmContext& context, const Announce& announce,
                                           std::size_t wanted, std::uint64_t random,
                                           PeerBatch& chosen) {
  const AddressFamily family = announce.peer.family;
  HugeSwarm& swarm = *huge();
  Change change;
  // Where it stands: most likely where it stood.
  const Role role = announce.state == PeerState::kStopped ? kDownloaders : RoleOf(announce.state);
  unsigned old_role = role;
  PeerSet::Place place = swarm.set(family, role).Find(context, announce.peer);
  for (unsigned r = 0; r < kRoles && !place.found(); ++r) {
    if (r == role) continue;
    old_role = r;
    place = swarm.set(family, r).Find(context, announce.peer);
  }

  if (announce.state == PeerState::kStopped) {
    if (!place.found()) return change;
    swarm.set(family, old_role).Remove(context, place);
    Settle(context);
    change.accepted = change.left = true;
    return change;
  }

  PeerSet& set = swarm.set(family, role);
  std::uint8_t new_mark = announce.stamp;
  const bool known = place.found();
  if (known) {
    PeerSet& old_set = swarm.set(family, old_role);
    change.old_mark = old_set.MarkAt(context, place);
    new_mark = MarkFor(announce.stamp, change.old_mark);
    if (old_role != role) {
      old_set.Remove(context, place);
      place = {};
    }
  }
  const bool completes = announce.completed && role == kSeeders &&
                         (new_mark & mark::kCompleted) == 0 && (known || announce.may_join);
  if (completes) new_mark |= mark::kCompleted;
  if (!place.found() && (known || announce.may_join) &&
      set.Insert(context, announce.peer, new_mark)) {
    place = set.Find(context, announce.peer);
    change.joined = !known;
  }
  change.left = known && !place.found();  // its new block is full
  change.known = known && place.found();
  std::size_t own_block = PeerSet::kNobody;
  if (place.found()) {
    set.MarkAt(context, place) = new_mark;
    if (std::uint8_t* const id = set.IdAt(context, place))
      std::memcpy(id, announce.peer.id, PeerId::kSize);
    set.MoveToEnd(context, place);
    change.accepted = true;
    change.completed = completes;
    change.counted = (new_mark & mark::kCompleted) != 0;
    if (completes) set_completed(context, completed() + 1);
    if (!UploadsOnly(role)) own_block = place.block;
  }

  if (wanted == 0) return change;
  Random chance(random);
  const unsigned first_role = UploadsOnly(role) ? kDownloaders : kSeeders;
  std::size_t all[2] = {0, 0};
  for (const AddressFamily f : kFamilies) {
    for (unsigned r = first_role; r < kRoles; ++r)
      all[static_cast<int>(f)] += swarm.set(f, r).size();
  }
  if (own_block != PeerSet::kNobody) --all[static_cast<int>(family)];
  const Shares shares = Share(wanted, std::min(all[0], chosen.room(AddressFamily::kIpv4)),
                              std::min(all[1], chosen.room(AddressFamily::kIpv6)), random);
  std::array<PeerSet::Draw, 2 * kRoles> draws;
  std::array<const PeerSet*, 2 * kRoles> drawn_from;
  std::size_t drawn = 0;
  for (const AddressFamily f : kFamilies) {
    const auto i = static_cast<std::size_t>(f);
    if (shares.of[i] == 0) continue;
    // In proportion to the roles' numbers; the remainders fall where chance says.
    const std::size_t offset = chance.Below(static_cast<std::uint32_t>(all[i]));
    std::size_t before = 0;
    for (unsigned r = first_role; r < kRoles; ++r) {
      const bool own = f == family && r == role && own_block != PeerSet::kNobody;
      const std::size_t after = before + swarm.set(f, r).size() - (own ? 1 : 0);
      const std::size_t take =
          (after * shares.of[i] + offset) / all[i] - (before * shares.of[i] + offset) / all[i];
      before = after;
      if (take == 0) continue;
      drawn_from[drawn] = &swarm.set(f, r);
      swarm.set(f, r).DrawPeers(take, own ? own_block : PeerSet::kNobody, chance, draws[drawn++]);
    }
  }
  for (std::size_t d = 0; d < drawn; ++d) drawn_from[d]->Copy(context, draws[d], chance, chosen);
  return change;
}

// --- sweeping and visiting ---

SwarmRecord::Swept SwarmRecord::Sweep(const SwarmContext& context, const Cutoff& cutoff,
                                      std::uint32_t minute, std::size_t max_blocks) {
  Swept swept;
  if (kind() == kHuge) {
    HugeSwarm& swarm = *huge();
    while (swarm.sweep_set < swarm.sets.size() && swept.steps < max_blocks) {
      PeerSet& set = swarm.sets[swarm.sweep_set];
      const std::size_t left = std::min(swarm.blocks_to_sweep, set.block_count());
      if (left == 0) {
        ++swarm.sweep_set;
        swarm.blocks_to_sweep = HugeSwarm::kWholeSet;
        continue;
      }
      swept.gone += set.ExpireBlock(context, left - 1, cutoff);
      swarm.blocks_to_sweep = left - 1;
      ++swept.steps;
    }
    swept.done = swarm.sweep_set == swarm.sets.size();
    if (swept.done) swarm.sweep_set = 0;
  } else {
    swept.steps = 1;
    for (const AddressFamily family : kFamilies) {
      PeerList list = List(context, family);
      if (list.size() == 0) continue;
      const unsigned gone = list.Expire(cutoff);
      if (gone > 0) StoreList(family, list);
      swept.gone += gone;
    }
  }
  const bool was_huge = kind() == kHuge;
  Settle(context, /*sweeping=*/true);
  if (was_huge && kind() != kHuge) swept.done = true;
  if (swept.gone > 0 && !has_peers()) set_left_minute(minute);
  return swept;
}

void SwarmRecord::ForEachList(const SwarmContext& context,
                              absl::FunctionRef<void(const PeerList&)> visit) const {
  if (kind() == kHuge) {
    for (const AddressFamily family : kFamilies) {
      for (unsigned role = 0; role < kRoles; ++role) {
        huge()->set(family, role).ForEachBlock(context, visit);
      }
    }
    return;
  }
  for (const AddressFamily family : kFamilies) {
    const PeerList list = List(context, family);
    if (list.size() > 0) visit(list);
  }
}

void SwarmRecord::ForEachList(const SwarmContext& context, std::uint32_t low_bits,
                              std::uint32_t bits,
                              absl::FunctionRef<void(const PeerList&)> visit) const {
  if (kind() != kHuge) {
    ForEachList(context, visit);
    return;
  }
  for (const PeerSet& set : huge()->sets) set.ForEachBlock(context, low_bits, bits, visit);
}

void SwarmRecord::PrefetchPeers() const {
  if (inline_kind()) return;
  if (kind() == kHuge) {
    __builtin_prefetch(huge());
    return;
  }
  for (const AddressFamily family : kFamilies) {
    if (const PeerBlock* const b = block(family)) b->PrefetchTags();
  }
}

}  // namespace muster
