// SPDX-License-Identifier: Apache-2.0
//
// A tracker on a libuv loop that the application has anyway. Here the application does nothing else
// than to wait for SIGINT or SIGTERM.
//
//   g++ -std=c++20 main.cc $(pkg-config --cflags --libs muster libuv) -o own_loop
//   ./own_loop 127.0.0.1:6969
#include <uv.h>

#include <csignal>
#include <cstdio>
#include <memory>

#include "muster/muster.h"

namespace {

struct Application {
  std::unique_ptr<muster::Server> server;
  uv_signal_t interrupted;
  uv_signal_t terminated;
};

// Closes all that is on the loop, so that uv_run() returns.
void Quit(uv_signal_t* handle, int /*signal*/) {
  auto* app = static_cast<Application*>(handle->data);
  app->server->Close([] { std::puts("closed"); });
  for (uv_signal_t* signal : {&app->interrupted, &app->terminated}) {
    uv_close(reinterpret_cast<uv_handle_t*>(signal), nullptr);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto address = muster::Endpoint::Parse(argc > 1 ? argv[1] : "127.0.0.1:0");
  if (!address.ok()) {
    std::fprintf(stderr, "%s\n", address.status().ToString().c_str());
    return 1;
  }

  // The tracker outlives the server and its closing.
  const auto tracker = muster::Tracker::Create(muster::TrackerOptions{});
  uv_loop_t loop;
  uv_loop_init(&loop);
  muster::ServerOptions options;
  options.listeners = {{muster::Protocol::kUdp, *address}, {muster::Protocol::kHttp, *address}};
  auto server = muster::Server::Listen(&loop, tracker->get(), options);
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", server.status().ToString().c_str());
    return 1;
  }

  Application app;
  app.server = *std::move(server);
  for (uv_signal_t* signal : {&app.interrupted, &app.terminated}) {
    uv_signal_init(&loop, signal);
    signal->data = &app;
  }
  uv_signal_start(&app.interrupted, &Quit, SIGINT);
  uv_signal_start(&app.terminated, &Quit, SIGTERM);
  for (const muster::Listener& listener : app.server->listeners()) {
    std::printf("listening on %s\n", listener.AnnounceUrl().c_str());
  }
  std::fflush(stdout);
  uv_run(&loop, UV_RUN_DEFAULT);
  return uv_loop_close(&loop) == 0 ? 0 : 1;  // nothing was left behind
}
