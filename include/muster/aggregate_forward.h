// SPDX-License-Identifier: Apache-2.0
//
// What a tracker needs to know to forward its announces to an aggregator: another tracker that
// counts for several. Plain values.
#ifndef MUSTER_AGGREGATE_FORWARD_H_
#define MUSTER_AGGREGATE_FORWARD_H_

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "muster/export.h"
#include "muster/tracker_url.h"

namespace muster {

struct MUSTER_EXPORT AggregateForwardOptions {
  // Where announces go; of http.
  TrackerUrl aggregator;
  // Sent with each as `password`; empty: not sent.
  std::string password;
  // Announces that wait for the aggregator; further ones are dropped.
  std::size_t max_queued = 10'000;
  // Connections, each with one announce under way.
  std::size_t connections = 4;
  // For one announce.
  std::chrono::milliseconds timeout{60'000};
  // How long an aggregator that fails is left alone: the first time, and at most.
  std::chrono::milliseconds min_pause{1'000};
  std::chrono::milliseconds max_pause{60'000};

  // bttrack's form: "URL" or "URL,password".
  static absl::StatusOr<AggregateForwardOptions> Parse(std::string_view text);
};

}  // namespace muster

#endif  // MUSTER_AGGREGATE_FORWARD_H_
