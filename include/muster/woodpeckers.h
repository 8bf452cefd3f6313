// SPDX-License-Identifier: Apache-2.0
//
// Woodpeckers: which networks announce too often. An observer of a tracker that counts the peers
// which come back early, by their /28 networks of IPv4; counts are halved every two minutes, so that
// they tell of the last few. The statistics show them (mode=woodpeckers) where HttpOptions has them.
//
//   muster::Woodpeckers woodpeckers(tracker->options().interval);
//   tracker->AddObserver(&woodpeckers);
//   options.http.woodpeckers = &woodpeckers;
//
// Thread-safe; holds less than 2 MiB. Must outlive the tracker and the server.
#ifndef MUSTER_WOODPECKERS_H_
#define MUSTER_WOODPECKERS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "muster/cidr.h"
#include "muster/export.h"
#include "muster/instant.h"
#include "muster/swarm_store.h"

namespace muster {

class MUSTER_EXPORT Woodpeckers final : public SwarmObserver {
 public:
  // Early is what comes a minute or more after the last announce, and before two thirds of the
  // tracker's interval are over. (What comes at once is a client that has something to say.)
  explicit Woodpeckers(Seconds interval);
  ~Woodpeckers() override;

  void OnDelta(const SwarmDelta& delta) override;

  struct Network {
    Cidr network;
    std::uint32_t announces;
  };
  // As of `now`, in no order. A network that makes up less than a thousandth of all may be missing.
  std::vector<Network> Networks(Instant now) const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace muster

#endif  // MUSTER_WOODPECKERS_H_
