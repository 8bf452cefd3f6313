// SPDX-License-Identifier: Apache-2.0
#include "hash/engine.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <vector>

namespace muster {
namespace {

// SHA-1 and SHA-256 by the SHA instructions, by AVX2 and by AVX-512, as bench/hash has them on an EPYC
// of family 26 (Zen 5), from whose SHA instructions libcrypto can be kept
// (OPENSSL_ia32cap=:~0x20000000).
constexpr double kSpeedsBesideSha[3][2] = {{1.7, 1.4}, {1.9, 1.0}, {5.2, 3.0}};
constexpr double kSpeeds[3][2] = {{0, 0}, {2.7, 2.7}, {7.5, 8.0}};

bool HasShaInstructions() {
#if defined(__x86_64__)
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & bit_SHA) != 0;
#else
  return false;
#endif
}

std::vector<HashEngine> FindUsableEngines() {
  std::vector<HashEngine> engines = {HashEngine::kLibcrypto};
#if defined(__x86_64__)
  __builtin_cpu_init();
#endif
#ifdef MUSTER_HASH_SHA
  if (HasShaInstructions() && __builtin_cpu_supports("sse4.1")) engines.push_back(HashEngine::kSha);
#endif
#ifdef MUSTER_HASH_AVX2
  if (__builtin_cpu_supports("avx2")) engines.push_back(HashEngine::kAvx2);
#endif
#ifdef MUSTER_HASH_AVX512
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
    engines.push_back(HashEngine::kAvx512);
#endif
  return engines;
}

}  // namespace

std::string_view EngineName(HashEngine engine) {
  switch (engine) {
    case HashEngine::kLibcrypto:
      return "libcrypto";
    case HashEngine::kSha:
      return "sha";
    case HashEngine::kAvx2:
      return "avx2";
    case HashEngine::kAvx512:
      return "avx512";
  }
  return "";
}

absl::Span<const HashEngine> UsableEngines() {
  static const std::vector<HashEngine>* const engines =
      new std::vector<HashEngine>(FindUsableEngines());
  return *engines;
}

HashEngine BestEngine(HashKind kind) {
  HashEngine best = HashEngine::kLibcrypto;
  double best_speed = 1;
  for (const HashEngine engine : UsableEngines()) {
    const double speed = SpeedOf(engine, kind);
    if (speed > best_speed) {
      best = engine;
      best_speed = speed;
    }
  }
  return best;
}

double SpeedOf(HashEngine engine, HashKind kind) {
  if (engine == HashEngine::kLibcrypto) return 1;
  static const bool has_sha = HasShaInstructions();
  const auto& speeds = has_sha ? kSpeedsBesideSha : kSpeeds;
  const std::size_t row = static_cast<std::size_t>(engine) - 1;
  return speeds[row][kind == HashKind::kSha256];
}

}  // namespace muster
