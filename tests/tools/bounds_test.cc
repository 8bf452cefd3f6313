// SPDX-License-Identifier: Apache-2.0
//
// The table allows nothing that the library refuses: whoever passes --check-config is served.
#include <gtest/gtest.h>

#include "helpers.h"
#include "muster/server.h"
#include "muster/tracker.h"
#include "musterd/settings.h"

namespace musterd {
namespace {

absl::Status Start(const Settings& settings) {
  auto tracker = muster::Tracker::Create(settings.tracker, StoreOf(settings));
  if (!tracker.ok()) return tracker.status();
  muster::ServerOptions options = ServerOptionsOf(settings, true);
  options.listeners = {{muster::Protocol::kUdp, At("127.0.0.1:0")},
                       {muster::Protocol::kHttp, At("127.0.0.1:0")}};
  return muster::ServerThreads::Start(tracker->get(), options, 1).status();
}

TEST(EveryBound, IsAcceptedByTheLibrary) {
  for (const Setting& setting : AllSettings()) {
    if (IsList(setting.kind) || setting.kind == Kind::kText || setting.max == 0) continue;
    const bool is_time = setting.kind == Kind::kSeconds || setting.kind == Kind::kMilliseconds;
    for (const std::uint64_t bound : {setting.min, setting.max}) {
      const std::string text = std::to_string(bound) + (is_time ? "ms" : "");
      std::vector<Assignment> assignments = {Assign(setting.name, text)};
      // A bound of one may contradict another's default; then an interval as long as can be agrees.
      if (!Resolve(assignments).ok()) {
        assignments.push_back(Assign("interval", "1d"));
        assignments.push_back(Assign("interval-spread", "0"));
      }
      const auto settings = Resolve(assignments);
      if (!settings.ok()) continue;  // interval-spread of a day, peer-timeout of a second: never
      EXPECT_EQ(Start(*settings), absl::OkStatus()) << setting.name << " " << bound;
    }
  }
}

}  // namespace
}  // namespace musterd
