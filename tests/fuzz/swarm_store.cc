// SPDX-License-Identifier: Apache-2.0
//
// Any sequence of announces, expiries, removals and steps of a walk: the in-memory store does what the
// plain reference store does, and chooses only peers that it may; a walk misses nothing.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "swarm/model.h"

namespace {

void Require(const std::string& wrong) {
  if (wrong.empty()) return;
  std::fprintf(stderr, "%s\n", wrong.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  muster::testing_swarm::Model model(/*keep_peer_ids=*/(data[0] & 1) != 0, /*hash_seed=*/1);
  std::size_t at = 1;
  const auto decide = [&](std::uint32_t bound) -> std::uint32_t {
    std::uint32_t value = at < size ? data[at++] : 0;
    if (bound > 256) value |= std::uint32_t{at < size ? data[at++] : std::uint8_t{0}} << 8;
    return value % bound;
  };
  for (int steps = 0; at < size && steps < 200; ++steps) Require(model.Step(decide));
  Require(model.Compare());
  return 0;
}
