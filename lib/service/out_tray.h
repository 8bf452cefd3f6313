// SPDX-License-Identifier: Apache-2.0
//
// OutTray: where the workers of a server leave what is to be sent into the world, and the one loop
// that sends takes it from. Nobody waits: what there is no room for is not taken.
//
// Thread-safe.
#ifndef MUSTER_LIB_SERVICE_OUT_TRAY_H_
#define MUSTER_LIB_SERVICE_OUT_TRAY_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "muster/endpoint.h"
#include "muster/nat_check.h"
#include "statistics/counters.h"

namespace muster {

class OutTray {
 public:
  // An announce for the aggregator: its query, and who sent it.
  struct Copy {
    std::string query;
    IpAddress peer;
  };
  struct Contents {
    std::vector<NatCheckRequest> checks;
    std::vector<Copy> copies;
    // The torrents have changed.
    bool torrents = false;
  };
  struct Limits {
    // 0: nobody takes them.
    std::size_t checks = 0;
    std::size_t copies = 0;
  };

  // What is not taken is counted there; not owned.
  OutTray(const Limits& limits, OutboundCounters* counters)
      : limits_(limits), counters_(*counters) {}

  bool wants_copies() const { return limits_.copies > 0; }

  // False when it was not taken.
  bool PutCheck(const NatCheckRequest& check);
  bool PutCopy(std::string_view query, const IpAddress& peer);
  void PutTorrents();

  // From now on `wake` is called when the tray is not empty any more, on any thread; null: no more,
  // and whatever comes is not taken. It is not called any more when this has returned.
  void Attach(std::function<void()> wake);
  Contents Take();

 private:
  template <typename T>
  bool Put(std::vector<T>& to, T what, std::size_t limit, Counter& left)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Wake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Limits limits_;
  OutboundCounters& counters_;  // two of them, under mu_
  Mutex mu_;
  std::function<void()> wake_ ABSL_GUARDED_BY(mu_);
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
  Contents contents_ ABSL_GUARDED_BY(mu_);
};

}  // namespace muster

#endif  // MUSTER_LIB_SERVICE_OUT_TRAY_H_
