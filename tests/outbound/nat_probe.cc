// SPDX-License-Identifier: Apache-2.0
//
// Checks one peer and says what came of it, for tests against real clients:
//
//   nat_probe ADDRESS:PORT INFO_HASH [encrypted]
#include <uv.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "muster/nat_check.h"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const auto peer = muster::Endpoint::Parse(argv[1]);
  const auto hash = muster::InfoHash::FromHex(argv[2]);
  if (!peer.ok() || !hash.ok()) return 2;
  uv_loop_t* const loop = uv_default_loop();
  auto checker =
      muster::NatChecker::Start(loop, {.timeout = std::chrono::seconds(10), .allow_private = true});
  auto outcome = muster::NatOutcome::kCancelled;
  checker->Check({.peer = *peer, .info_hash = *hash, .encrypted = argc > 3},
                 [&](muster::NatOutcome o) {
                   outcome = o;
                   checker->Close(nullptr);
                 });
  uv_run(loop, UV_RUN_DEFAULT);
  uv_loop_close(loop);
  const std::string text(muster::NatOutcomeText(outcome));
  std::printf("%s\n", text.c_str());
  return outcome == muster::NatOutcome::kReachable ? 0 : 1;
}
