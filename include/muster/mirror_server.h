// SPDX-License-Identifier: Apache-2.0
//
// MirrorServer: a Mirror on the network, on threads of its own.
//
//   auto mirror = muster::Mirror::Create({.root = "/srv/mirror"}, now);
//   muster::MirrorServerOptions options;
//   options.listeners = {*muster::Endpoint::Parse("0.0.0.0:80")};
//   auto server = muster::MirrorServer::Start(mirror->get(), options);
//   if (!server.ok()) return server.status();
//   for (const muster::Endpoint& at : (*server)->listeners()) std::puts(at.ToString().c_str());
//
// May be used from any one thread at a time. The mirror is not owned, and must outlive it.
#ifndef MUSTER_MIRROR_SERVER_H_
#define MUSTER_MIRROR_SERVER_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/endpoint.h"
#include "muster/export.h"
#include "muster/log_sink.h"
#include "muster/mirror.h"
#include "muster/server.h"

namespace muster {

struct MirrorServerOptions {
  // Port 0 takes a free one; an IPv6 address takes IPv6 only.
  std::vector<Endpoint> listeners;
  // Threads that serve: at least 1.
  std::size_t workers = 1;
  // Connections of one worker; more are closed as soon as they come. Each may have a file open.
  std::size_t max_connections = 4096;
  // Request line and headers together, in bytes, 256 to 65536; bodies have the limit of the mirror.
  std::size_t max_request_bytes = 16384;
  // Bytes of bodies that one worker is receiving.
  std::size_t max_receiving_bytes = std::size_t{64} << 20;
  // From the first byte awaited to the end of the request.
  std::chrono::milliseconds request_timeout{30'000};
  // A kept-alive connection without a request.
  std::chrono::milliseconds idle_timeout{60'000};
  // A torrent that is being made: then 503.
  std::chrono::milliseconds answer_timeout{60 * 60'000};
  // A part of an answer, some hundred KiB, that the client does not take.
  std::chrono::milliseconds write_timeout{60'000};
  // All of an answer.
  std::chrono::milliseconds transfer_timeout{24 * 60 * 60'000};
  std::size_t max_requests_per_connection = 10'000;
  // Who may see the index page and the metrics.
  AddressFilter pages_for = IsLoopback;
  // Time that Stop() gives to requests that are under way.
  std::chrono::milliseconds drain_timeout{2'000};
  // Not owned; may be null.
  LogSink* log = nullptr;
};

class MUSTER_EXPORT MirrorServer {
 public:
  // Binds every listener or none, and returns when all threads serve. `before_serving` is called on
  // this thread when every socket is bound and nothing is read from one yet; what it fails with is
  // returned.
  static absl::StatusOr<std::unique_ptr<MirrorServer>> Start(
      Mirror* mirror, const MirrorServerOptions& options,
      absl::FunctionRef<absl::Status()> before_serving = [] { return absl::OkStatus(); });
  // As Stop().
  ~MirrorServer();
  MirrorServer(const MirrorServer&) = delete;
  MirrorServer& operator=(const MirrorServer&) = delete;

  // With the ports in force, in the order of the options.
  const std::vector<Endpoint>& listeners() const;

  // Closes everything, waits for the threads, and returns. A second call does nothing.
  void Stop();

 private:
  class Impl;
  explicit MirrorServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster

#endif  // MUSTER_MIRROR_SERVER_H_
