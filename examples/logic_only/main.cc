// SPDX-License-Identifier: Apache-2.0
//
// A tracker without sockets, loops, threads or clocks: two peers announce, and find each other.
//
//   g++ -std=c++20 main.cc $(pkg-config --cflags --libs muster) -o logic_only
#include <cstdio>

#include "muster/muster.h"

int main() {
  const auto tracker = muster::Tracker::Create(muster::TrackerOptions{});
  muster::Random random(/*seed=*/1);
  const muster::Instant now = muster::InstantFromUnixSeconds(1'700'000'000);

  muster::AnnounceRequest request;
  request.info_hash = *muster::InfoHash::FromHex("aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d");
  for (const char* peer : {"192.0.2.1:6881", "[2001:db8::2]:6882", "192.0.2.1:6881"}) {
    request.peer = *muster::Endpoint::Parse(peer);
    const auto response = (*tracker)->Announce(request, now, random);
    if (!response.ok()) {
      std::fprintf(stderr, "%s\n", response.status().ToString().c_str());
      return 1;
    }
    std::printf("%s announces and is told of %zu:", peer, response->peers.size());
    for (const muster::Endpoint& other : response->peers) {
      std::printf(" %s", other.ToString().c_str());
    }
    std::printf("\n");
  }
}
