// SPDX-License-Identifier: Apache-2.0
//
// CompletionLog: a line of the system's log for each finished download, in opentracker's words:
//
//   time=2026-11-21T16:12:00+0000 event=completed info_hash=0123... peer_id=2D54... ip=192.0.2.7
//
// The facility is user, the level info. Lines are gathered while a thread of its own hands the ones
// before to the system, so that a log which is slow or gone never holds up an announce; what there is
// no room for is counted, and said so. Thread-safe.
#ifndef MUSTER_TOOLS_MUSTERD_COMPLETION_LOG_H_
#define MUSTER_TOOLS_MUSTERD_COMPLETION_LOG_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "muster/swarm_store.h"

namespace musterd {

// The line of a finished download. Its time is local, with the zone.
std::string CompletionLine(const muster::SwarmDelta& delta);

class CompletionLog final : public muster::SwarmObserver {
 public:
  // Connects to the system's log, which has to be done before the process is confined to a
  // directory. At most one of them at a time.
  static absl::StatusOr<std::unique_ptr<CompletionLog>> Start();
  // Hands over what waits.
  ~CompletionLog() override;

  void OnDelta(const muster::SwarmDelta& delta) override;

 private:
  // Of lines that wait.
  static constexpr std::size_t kMaxWaiting = 10'000;

  CompletionLog() = default;
  void Loop();

  std::mutex mu_;
  std::condition_variable changed_;
  // Guarded by mu_.
  std::vector<std::string> waiting_;
  std::uint64_t lost_ = 0;
  bool stop_ = false;

  std::thread thread_;
};

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_COMPLETION_LOG_H_
