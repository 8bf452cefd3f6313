// SPDX-License-Identifier: Apache-2.0
//
// All figures of a server for machines: as Prometheus text (exposition format 0.0.4) and as JSON.
// Reentrant.
#ifndef MUSTER_LIB_WEB_METRICS_H_
#define MUSTER_LIB_WEB_METRICS_H_

#include <string>
#include <string_view>

#include "web/snapshot.h"

namespace muster {

inline constexpr std::string_view kPrometheusType = "text/plain; version=0.0.4; charset=utf-8";

void AppendPrometheus(const Snapshot& snapshot, std::string& out);
// One object; times in seconds.
void AppendJson(const Snapshot& snapshot, std::string& out);

}  // namespace muster

#endif  // MUSTER_LIB_WEB_METRICS_H_
