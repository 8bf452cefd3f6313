// SPDX-License-Identifier: Apache-2.0
//
// FullLog: requests of some networks as they came, to find out what a client does (opentracker's
// lognet= and mode=fulllog). Bounded in memory. Thread-safe; one for all workers of a server.
#ifndef MUSTER_LIB_SERVICE_FULL_LOG_H_
#define MUSTER_LIB_SERVICE_FULL_LOG_H_

#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "muster/cidr.h"
#include "muster/endpoint.h"
#include "muster/instant.h"

namespace muster {

class FullLog {
 public:
  // More networks than this are not taken.
  static constexpr std::size_t kMaxNetworks = 64;

  // 0: nothing is kept, and no network taken.
  explicit FullLog(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  bool enabled() const { return max_bytes_ > 0; }

  // Adds a network to those whose requests are kept; false when the text is none, or there are too
  // many.
  bool Add(std::string_view network);
  // From now on no request is kept; those that were stay. True.
  bool Forget();

  // Keeps a request, if it comes from one of the networks and there is room.
  void Record(const IpAddress& from, std::string_view request, Instant now);
  // What was kept, which is forgotten: of each request a line with the time in Unix seconds and the
  // address, the request, and a line with a '*'. At the end a line says how many had no room.
  std::string Take();

 private:
  const std::size_t max_bytes_;
  // There are networks: spares the others the lock.
  std::atomic<bool> any_{false};
  Mutex mu_;
  std::vector<Cidr> networks_ ABSL_GUARDED_BY(mu_);
  std::string requests_ ABSL_GUARDED_BY(mu_);
  std::size_t left_out_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace muster

#endif  // MUSTER_LIB_SERVICE_FULL_LOG_H_
