// SPDX-License-Identifier: Apache-2.0
//
// The ways to hash, and which of them this CPU can run. Reentrant.
#ifndef MUSTER_LIB_HASH_ENGINE_H_
#define MUSTER_LIB_HASH_ENGINE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/types/span.h"

namespace muster {

enum class HashKind : std::uint8_t { kSha1, kSha256 };

constexpr std::size_t DigestSize(HashKind kind) { return kind == HashKind::kSha1 ? 20 : 32; }

enum class HashEngine : std::uint8_t {
  kLibcrypto,  // one message after the other; with the CPU's SHA instructions where it has them
  kSha,        // 2 messages at once, by those
  kAvx2,       // 8 messages at once
  kAvx512,     // 16 messages at once
};

std::string_view EngineName(HashEngine engine);

// kLibcrypto first, which every machine can run.
absl::Span<const HashEngine> UsableEngines();

// The quickest for many messages.
HashEngine BestEngine(HashKind kind);

// How many times as fast as libcrypto on this CPU an engine is, when all its lanes are busy. An
// estimate.
double SpeedOf(HashEngine engine, HashKind kind);

}  // namespace muster

#endif  // MUSTER_LIB_HASH_ENGINE_H_
