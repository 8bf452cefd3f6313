// SPDX-License-Identifier: Apache-2.0
#include "hash/hasher.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "hash/lanes.h"

namespace muster {

Hasher::Hasher(HashKind kind) : Hasher(kind, BestEngine(kind), true) {}
Hasher::Hasher(HashKind kind, HashEngine engine) : Hasher(kind, engine, false) {}
Hasher::Hasher(HashKind kind, HashEngine engine, bool mixed)
    : kind_(kind),
      digest_size_(DigestSize(kind)),
      mixed_(mixed),
      step_cost_(StepCost(kind, engine)),
      kernel_(KernelOf(kind, engine)),
      stream_(kind) {}

void Hasher::Hash(absl::Span<const ByteSpan> messages, std::uint8_t* digests) {
  if (messages.empty()) return;
  const auto at = [&](std::size_t i) { return HashMessage{messages[i], {}}; };
  const std::size_t size = messages[0].size();
  if (std::all_of(messages.begin(), messages.end(),
                  [size](ByteSpan message) { return message.size() == size; })) {
    HashEqual(messages.size(), size, at, digests);
    return;
  }
  sizes_.clear();
  for (std::size_t i = 0; i < messages.size(); ++i) {
    sizes_.push_back({BlocksOf(messages[i].size()), i});
  }
  HashUnequal(at, digests);
}

void Hasher::HashGathered(absl::Span<const absl::Span<const ByteSpan>> messages,
                          std::uint8_t* digests) {
  const auto at = [&](std::size_t i) { return HashMessage{{}, messages[i]}; };
  sizes_.clear();
  for (std::size_t i = 0; i < messages.size(); ++i) sizes_.push_back({BlocksOf(at(i).size()), i});
  HashUnequal(at, digests);
}

void Hasher::HashBlocks(ByteSpan bytes, std::size_t block_size, std::uint8_t* digests) {
  const auto at = [&](std::size_t i) {
    return HashMessage{bytes.subspan(i * block_size, block_size), {}};
  };
  const std::size_t whole = bytes.size() / block_size;
  HashEqual(whole, block_size, at, digests);
  const std::size_t rest = bytes.size() % block_size;
  if (rest == 0) return;
  sizes_.assign({{BlocksOf(rest), whole}});
  HashUnequal(at, digests);
}

void Hasher::HashEqual(std::size_t count, std::size_t size, MessageAt at, std::uint8_t* digests) {
  // Those that would leave lanes idle; all of them where there are no lanes.
  std::size_t for_stream = count;
  if (kernel_ != nullptr) {
    for_stream = mixed_ ? count % kernel_->lanes : 0;
    const std::uint64_t blocks = BlocksOf(size);
    if (static_cast<double>(for_stream) * StreamCost(blocks) >
        step_cost_ * static_cast<double>(blocks)) {
      for_stream = 0;
    }
  }
  const std::size_t for_lanes = count - for_stream;
  for (std::size_t i = for_lanes; i < count; ++i) Stream(at(i), i, digests);
  if (for_lanes == 0) return;

  const unsigned lanes = kernel_->lanes;
  const std::size_t whole = size / kHashBlock, cut = size % kHashBlock;
  std::uint8_t ends[kMaxLanes][2 * kHashBlock];
  // Where no message has a block cut short, all end with the same block.
  std::size_t end_blocks = Pad(ends[0], 0, size);
  const Schedule end(kind_, ends[0]);

  LaneStates states(kind_, lanes);
  const std::uint8_t* blocks[kMaxLanes];
  for (std::size_t begin = 0; begin < for_lanes; begin += lanes) {
    const std::size_t used = std::min<std::size_t>(lanes, for_lanes - begin);
    for (std::size_t lane = 0; lane < lanes; ++lane) {  // idle ones do what the last one does
      blocks[lane] = at(begin + std::min(lane, used - 1)).first.data();
    }
    states.SetAll(StartState(kind_));
    kernel_->blocks(states.words(), blocks, whole);
    if (cut == 0) {
      kernel_->shared(states.words(), end.numbers());
    } else {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        std::memcpy(ends[lane], blocks[lane] + whole * kHashBlock, cut);
        end_blocks = Pad(ends[lane], cut, size);
        blocks[lane] = ends[lane];
      }
      kernel_->blocks(states.words(), blocks, end_blocks);
    }
    for (unsigned lane = 0; lane < used; ++lane) {
      states.WriteDigest(lane, digests + (begin + lane) * digest_size_);
    }
  }
}

void Hasher::HashUnequal(MessageAt at, std::uint8_t* digests) {
  // The largest first: so the lanes end at about the same time.
  std::sort(sizes_.begin(), sizes_.end(), [](const Sized& a, const Sized& b) {
    return a.blocks != b.blocks ? a.blocks > b.blocks : a.index < b.index;
  });
  std::size_t next = 0;
  for (const std::size_t for_stream = BestForStream(); next < for_stream; ++next) {
    Stream(at(sizes_[next].index), sizes_[next].index, digests);
  }
  if (next == sizes_.size()) return;

  LaneStates states(kind_, kernel_->lanes);
  std::array<BlockRuns, kMaxLanes> runs;
  std::array<std::size_t, kMaxLanes> index;
  LaneRuns busy = {};
  const auto begin = [&](unsigned lane) {
    busy[lane] = nullptr;
    if (next == sizes_.size()) return;
    index[lane] = sizes_[next++].index;
    busy[lane] = &runs[lane];
    runs[lane].Begin(at(index[lane]));
    runs[lane].Next();
    states.Set(lane, StartState(kind_));
  };
  for (unsigned lane = 0; lane < kernel_->lanes; ++lane) begin(lane);
  RunLanes(*kernel_, states, busy, [&](unsigned lane) {
    if (runs[lane].Next()) return;
    states.WriteDigest(lane, digests + index[lane] * digest_size_);
    begin(lane);
  });
}

std::size_t Hasher::BestForStream() const {
  const std::size_t count = sizes_.size();
  if (kernel_ == nullptr) return count;
  if (!mixed_) return 0;
  std::uint64_t left = 0;
  for (const Sized& message : sizes_) left += message.blocks;
  double stream_cost = 0, best_cost = std::numeric_limits<double>::infinity();
  std::size_t best = 0;
  for (std::size_t i = 0;; ++i) {
    // The lanes take as long as their largest message, or two that have to share one, or all.
    const std::uint64_t all = left / kernel_->lanes;
    const std::size_t sharing = i + kernel_->lanes;
    std::uint64_t largest = i < count ? sizes_[i].blocks : 0;
    if (sharing < count) {
      largest = std::max(largest, sizes_[sharing - 1].blocks + sizes_[sharing].blocks);
    }
    const double cost = stream_cost + step_cost_ * static_cast<double>(std::max(largest, all));
    if (cost < best_cost) {
      best_cost = cost;
      best = i;
    }
    // Where all of them keep the lanes busy, taking some away does not help.
    if (i == count || all >= largest) return best;
    stream_cost += StreamCost(sizes_[i].blocks);
    left -= sizes_[i].blocks;
  }
}

}  // namespace muster
