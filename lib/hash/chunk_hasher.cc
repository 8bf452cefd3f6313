// SPDX-License-Identifier: Apache-2.0
#include "hash/chunk_hasher.h"

#include <array>
#include <cassert>

namespace muster {
namespace {

// How many of `messages` are better hashed by libcrypto than in lanes that stay partly idle.
std::size_t BestForStream(HashKind kind, std::size_t messages, HashEngine engine) {
  const LaneKernel* const kernel = KernelOf(kind, engine);
  if (kernel == nullptr) return messages;
  const std::size_t rest = messages % kernel->lanes;
  return static_cast<double>(rest) <= StepCost(kind, engine) ? rest : 0;
}

}  // namespace

ChunkHasher::ChunkHasher(HashKind kind, std::size_t messages)
    : ChunkHasher(kind, messages - BestForStream(kind, messages, BestEngine(kind)),
                  BestForStream(kind, messages, BestEngine(kind)), BestEngine(kind)) {}

ChunkHasher::ChunkHasher(HashKind kind, std::size_t messages, HashEngine engine)
    : ChunkHasher(kind, engine == HashEngine::kLibcrypto ? 0 : messages,
                  engine == HashEngine::kLibcrypto ? messages : 0, engine) {}

ChunkHasher::ChunkHasher(HashKind kind, std::size_t for_lanes, std::size_t for_stream,
                         HashEngine engine)
    : kind_(kind), kernel_(KernelOf(kind, engine)), in_lanes_(for_lanes) {
  while (streams_.size() < for_stream) streams_.push_back(std::make_unique<HashStream>(kind));
  Begin();
}

void ChunkHasher::Begin() {
  for (Begun& message : in_lanes_) {
    message.state = StartState(kind_);
    message.runs.Begin({});
  }
  for (const auto& stream : streams_) stream->Begin();
}

template <typename NextRun, typename End>
void ChunkHasher::Run(const NextRun& next_run, const End& end) {
  if (in_lanes_.empty()) return;
  LaneStates states(kind_, kernel_->lanes);
  LaneRuns busy = {};
  std::array<std::size_t, kMaxLanes> index;
  std::size_t next = 0;
  const auto begin = [&](unsigned lane) {
    busy[lane] = nullptr;
    for (; next < in_lanes_.size() && busy[lane] == nullptr; ++next) {
      Begun& message = in_lanes_[next];
      if (!next_run(message.runs)) continue;
      index[lane] = next;
      busy[lane] = &message.runs;
      states.Set(lane, message.state);
    }
  };
  for (unsigned lane = 0; lane < kernel_->lanes; ++lane) begin(lane);
  RunLanes(*kernel_, states, busy, [&](unsigned lane) {
    if (next_run(*busy[lane])) return;
    end(index[lane], lane, states);
    begin(lane);
  });
}

void ChunkHasher::Append(absl::Span<const ByteSpan> chunks) {
  assert(chunks.size() == messages());
  for (std::size_t i = 0; i < in_lanes_.size(); ++i) in_lanes_[i].runs.Append({chunks[i], {}});
  Run([](BlockRuns& runs) { return runs.NextWhole(); },
      [this](std::size_t i, unsigned lane, const LaneStates& states) {
        in_lanes_[i].state = states.Get(lane);
      });
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    streams_[i]->Append({chunks[in_lanes_.size() + i], {}});
  }
}

void ChunkHasher::Finish(std::uint8_t* digests) {
  const std::size_t size = DigestSize(kind_);
  Run([](BlockRuns& runs) { return runs.Next(); },
      [&](std::size_t i, unsigned lane, const LaneStates& states) {
        states.WriteDigest(lane, digests + i * size);
      });
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    streams_[i]->Finish(digests + (in_lanes_.size() + i) * size);
  }
  Begin();
}

}  // namespace muster
