// SPDX-License-Identifier: Apache-2.0
#include "hash/hasher.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>

#include "base/bytes.h"
#include "hash/lane_kernels.h"
#include "hash/sha_rounds.h"

namespace muster {
namespace {

// What a message costs libcrypto before its first block, in units of a block. An estimate.
constexpr double kStreamStartCost = 5;

double StreamCost(std::uint64_t blocks) { return kStreamStartCost + static_cast<double>(blocks); }

const LaneKernel* KernelOf([[maybe_unused]] HashKind kind, HashEngine engine) {
  const absl::Span<const HashEngine> usable = UsableEngines();
  if (std::find(usable.begin(), usable.end(), engine) == usable.end()) std::abort();
#ifdef MUSTER_HASH_LANES
  if (engine != HashEngine::kLibcrypto) {
    const LaneKernels& kernels = engine == HashEngine::kAvx2 ? kAvx2Kernels : kAvx512Kernels;
    return kind == HashKind::kSha1 ? &kernels.sha1 : &kernels.sha256;
  }
#endif
  return nullptr;
}

// One message's words, for sha_rounds.h.
struct Plain {
  using Word = std::uint32_t;
  MUSTER_ALWAYS_INLINE Word Set(std::uint32_t x) { return x; }
  template <int n>
  MUSTER_ALWAYS_INLINE Word Rotate(Word x) {
    return x << n | x >> (32 - n);
  }
  template <int n>
  MUSTER_ALWAYS_INLINE Word ShiftRight(Word x) {
    return x >> n;
  }
  MUSTER_ALWAYS_INLINE Word Xor(Word x, Word y, Word z) { return x ^ y ^ z; }
  MUSTER_ALWAYS_INLINE Word Now(Word x) { return x; }
};

template <typename Rounds, int... t>
void Expand(const std::uint8_t* block, std::uint32_t* schedule, std::integer_sequence<int, t...>) {
  ExpandedBlock<Rounds, Plain> expanded;
  expanded.constants = Rounds::kConstants;
  for (std::size_t i = 0; i < 16; ++i) expanded.w[i] = LoadBig32(block + 4 * i);
  ((schedule[t] = expanded.template Add<t>()), ...);
}

// What LaneKernel::shared() takes, for a block.
class Schedule {
 public:
  Schedule(HashKind kind, const std::uint8_t* block) {
    if (kind == HashKind::kSha1) {
      using Rounds = Sha1Rounds<Plain>;
      Expand<Rounds>(block, numbers_, std::make_integer_sequence<int, Rounds::kRounds>());
    } else {
      using Rounds = Sha256Rounds<Plain>;
      Expand<Rounds>(block, numbers_, std::make_integer_sequence<int, Rounds::kRounds>());
    }
  }

  const std::uint32_t* numbers() const { return numbers_; }

 private:
  std::uint32_t numbers_[Sha1Rounds<Plain>::kRounds];
};

// The states of all lanes, as LaneKernel has them.
class LaneStates {
 public:
  LaneStates(HashKind kind, unsigned lanes)
      : lanes_(lanes),
        start_(kind == HashKind::kSha1 ? absl::MakeConstSpan(Sha1Rounds<Plain>::kStart)
                                       : absl::MakeConstSpan(Sha256Rounds<Plain>::kStart)) {
    StartAll();
  }

  void StartAll() {
    for (std::size_t i = 0; i < start_.size(); ++i) {
      std::fill_n(words_ + i * lanes_, lanes_, start_[i]);
    }
  }
  void Start(unsigned lane) {
    for (std::size_t i = 0; i < start_.size(); ++i) words_[i * lanes_ + lane] = start_[i];
  }
  void Store(unsigned lane, std::uint8_t* digest) const {
    for (std::size_t i = 0; i < start_.size(); ++i) {
      StoreBig32(digest + 4 * i, words_[i * lanes_ + lane]);
    }
  }
  LaneKernel::State words() { return words_; }

 private:
  const unsigned lanes_;
  const absl::Span<const std::uint32_t> start_;
  alignas(64) std::uint32_t words_[Sha256Rounds<Plain>::kStateWords * kMaxLanes];
};

}  // namespace

Hasher::Hasher(HashKind kind) : Hasher(kind, BestEngine(kind), true) {}
Hasher::Hasher(HashKind kind, HashEngine engine) : Hasher(kind, engine, false) {}
Hasher::Hasher(HashKind kind, HashEngine engine, bool mixed)
    : kind_(kind),
      digest_size_(DigestSize(kind)),
      mixed_(mixed),
      step_cost_(LaneStepCost(engine, kind)),
      kernel_(KernelOf(kind, engine)),
      stream_(kind) {}

void Hasher::Hash(absl::Span<const ByteSpan> messages, std::uint8_t* digests) {
  if (messages.empty()) return;
  const auto at = [&](std::size_t i) { return Message{messages[i], {}}; };
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
  const auto at = [&](std::size_t i) { return Message{{}, messages[i]}; };
  sizes_.clear();
  for (std::size_t i = 0; i < messages.size(); ++i) sizes_.push_back({BlocksOf(at(i).size()), i});
  HashUnequal(at, digests);
}

void Hasher::HashBlocks(ByteSpan bytes, std::size_t block_size, std::uint8_t* digests) {
  const auto at = [&](std::size_t i) {
    return Message{bytes.subspan(i * block_size, block_size), {}};
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
    states.StartAll();
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
      states.Store(lane, digests + (begin + lane) * digest_size_);
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

  const unsigned lanes = kernel_->lanes;
  LaneStates states(kind_, lanes);
  std::array<BlockRuns, kMaxLanes> runs;
  std::array<std::size_t, kMaxLanes> index;
  std::uint32_t busy = 0;  // a bit for each lane
  const auto begin = [&](unsigned lane) {
    if (next == sizes_.size()) {
      busy &= ~(1U << lane);
      return;
    }
    busy |= 1U << lane;
    index[lane] = sizes_[next++].index;
    runs[lane].Begin(at(index[lane]));
    runs[lane].Next();
    states.Start(lane);
  };
  for (unsigned lane = 0; lane < lanes; ++lane) begin(lane);
  while (busy != 0) {
    // As far as the shortest run reaches; idle lanes go with the one that has it.
    std::size_t step = std::numeric_limits<std::size_t>::max();
    const std::uint8_t* blocks[kMaxLanes] = {};
    const std::uint8_t* shortest = nullptr;
    for (unsigned lane = 0; lane < lanes; ++lane) {
      if ((busy >> lane & 1) == 0) continue;
      blocks[lane] = runs[lane].at();
      if (runs[lane].blocks() >= step) continue;
      step = runs[lane].blocks();
      shortest = blocks[lane];
    }
    for (unsigned lane = 0; lane < lanes; ++lane) {
      if (blocks[lane] == nullptr) blocks[lane] = shortest;
    }
    kernel_->blocks(states.words(), blocks, step);
    for (unsigned lane = 0; lane < lanes; ++lane) {
      if ((busy >> lane & 1) == 0) continue;
      runs[lane].Advance(step);
      if (runs[lane].blocks() != 0 || runs[lane].Next()) continue;
      states.Store(lane, digests + index[lane] * digest_size_);
      begin(lane);
    }
  }
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
