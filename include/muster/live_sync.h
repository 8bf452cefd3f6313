// SPDX-License-Identifier: Apache-2.0
//
// LiveSync: trackers that share their peers, by opentracker's packets over IPv4 multicast
// (224.0.23.5). What is announced to one is soon known to all; a tracker that opentracker serves may
// be among them.
//
//   muster::LiveSyncOptions options;
//   options.listen = *muster::Endpoint::Parse("192.0.2.1:9696");     // the interface, and the port
//   options.nodes = {*muster::Cidr::Parse("192.0.2.0/28")};          // whom to believe
//   auto sync = muster::LiveSync::Open(options);                     // binds
//   if (!sync.ok()) return sync.status();
//   tracker->AddObserver(sync->get());
//   absl::Status status = (*sync)->Start(tracker.get());             // from now on
//
// A peer is sent when it is new, completes or stops, and when it announces again after more than ten
// minutes. What came from another tracker is not sent on, nor is what came from this one taken back.
// There is no proof of who sends, no acknowledgement and no repetition: the network that it goes
// through must keep strangers out, and trackers that lost a packet learn of the peer later.
//
// A packet is a tracker id (4 bytes, by chance for each process), a kind (4 bytes: 0 IPv4, 1 IPv6),
// and records: info hash (20), address (4 or 16), port (2), flags (1: 0x80 seeder, 0x40 has completed,
// 0x20 stopped), age (1, of no meaning); numbers in network order, 1480 bytes at most.
//
// Thread-safe. Owns a thread; borrows the tracker and the log, which must outlive it, and is
// borrowed by the tracker as an observer.
#ifndef MUSTER_LIVE_SYNC_H_
#define MUSTER_LIVE_SYNC_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/cidr.h"
#include "muster/endpoint.h"
#include "muster/export.h"
#include "muster/instant.h"
#include "muster/log_sink.h"
#include "muster/swarm_store.h"
#include "muster/tracker.h"

namespace muster {

// opentracker's port for it.
inline constexpr std::uint16_t kLiveSyncPort = 9696;

struct LiveSyncOptions {
  // The IPv4 address of the interface to send and to listen on, and the port of all trackers of the
  // cluster. Port 0: a free one.
  Endpoint listen;
  // Whose packets are taken; of everybody else they are dropped. Empty: nobody's, it only sends.
  std::vector<Cidr> nodes;
  // A packet that is not full is sent after this time.
  std::chrono::milliseconds max_delay{15'000};
  // May be null.
  LogSink* log = nullptr;
  // What time it is, as the tracker's announces have it. Empty: as a Server has it, the system's clock
  // of the beginning and steady time from then on.
  std::function<Instant()> clock = nullptr;
};

// Since it was started.
struct LiveSyncStatistics {
  // Records that came and were applied, and the packets that they came in.
  std::uint64_t received_records = 0;
  std::uint64_t received_packets = 0;
  // Packets that came from no node, or make no sense.
  std::uint64_t dropped_packets = 0;
  std::uint64_t sent_records = 0;
  std::uint64_t sent_packets = 0;
  // Packets that the kernel did not take.
  std::uint64_t send_errors = 0;
};

class MUSTER_EXPORT LiveSync : public SwarmObserver {
 public:
  // Binds and joins. InvalidArgument when `listen` is no IPv4 address of an interface; otherwise what
  // the kernel said.
  static absl::StatusOr<std::unique_ptr<LiveSync>> Open(const LiveSyncOptions& options);
  // As Stop().
  ~LiveSync() override = default;

  // Begins to send and to receive; once.
  virtual absl::Status Start(Tracker* tracker) = 0;
  // Sends what waits, and ends. A second call does nothing.
  virtual void Stop() = 0;

  // With the port in force.
  virtual const Endpoint& listen() const = 0;
  virtual LiveSyncStatistics Statistics() const = 0;
};

}  // namespace muster

#endif  // MUSTER_LIVE_SYNC_H_
