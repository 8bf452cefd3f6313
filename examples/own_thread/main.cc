// SPDX-License-Identifier: Apache-2.0
//
// A tracker on two threads of its own, for an application that has no event loop. Runs until SIGINT
// or SIGTERM.
//
//   g++ -std=c++20 main.cc $(pkg-config --cflags --libs muster) -o own_thread
//   ./own_thread 127.0.0.1:6969
#include <csignal>
#include <cstdio>

#include "muster/muster.h"

int main(int argc, char** argv) {
  // Blocked, the signals wait for sigwait() below.
  sigset_t quit;
  sigemptyset(&quit);
  sigaddset(&quit, SIGINT);
  sigaddset(&quit, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &quit, nullptr);

  const auto address = muster::Endpoint::Parse(argc > 1 ? argv[1] : "127.0.0.1:0");
  if (!address.ok()) {
    std::fprintf(stderr, "%s\n", address.status().ToString().c_str());
    return 1;
  }

  const auto tracker = muster::Tracker::Create(muster::TrackerOptions{});
  muster::ServerOptions options;
  options.listeners = {{muster::Protocol::kUdp, *address}, {muster::Protocol::kHttp, *address}};
  const auto server = muster::ServerThreads::Start(tracker->get(), options, /*workers=*/2);
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", server.status().ToString().c_str());
    return 1;
  }
  for (const muster::Listener& listener : (*server)->listeners()) {
    std::printf("listening on %s\n", listener.AnnounceUrl().c_str());
  }
  std::fflush(stdout);

  int signal = 0;
  sigwait(&quit, &signal);
  (*server)->Stop();  // the destructor would do it as well
  const muster::StoreTotals totals = (*tracker)->store().Totals();
  std::printf("%llu peers in %llu torrents\n", static_cast<unsigned long long>(totals.peers),
              static_cast<unsigned long long>(totals.torrents));
  return 0;
}
