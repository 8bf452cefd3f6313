// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "muster/tracker.h"

namespace muster {
namespace {

struct Case {
  const char* name;
  std::function<void(TrackerOptions&)> change;
  // The option that the message begins with; empty when all is well.
  std::string complains_about;
};

TEST(TrackerOptions, AreCheckedAgainstEachOtherAndTheMessageNamesTheOption) {
  const Case cases[] = {
      {"the defaults", [](TrackerOptions&) {}, ""},
      {"no interval", [](TrackerOptions& o) { o.interval = Seconds(0); }, "interval "},
      {"a negative interval", [](TrackerOptions& o) { o.interval = Seconds(-5); }, "interval "},
      {"the shortest interval",
       [](TrackerOptions& o) {
         o.interval = Seconds(1);
         o.interval_spread = Seconds(0);
         o.min_interval = Seconds(1);
       },
       ""},
      {"a negative spread", [](TrackerOptions& o) { o.interval_spread = Seconds(-1); },
       "interval_spread "},
      {"a spread as long as the interval",
       [](TrackerOptions& o) {
         o.interval_spread = o.interval;
         o.min_interval = Seconds(0);
         o.peer_timeout = 3 * o.interval;
       },
       "interval_spread "},
      {"a spread of all but a second",
       [](TrackerOptions& o) {
         o.interval_spread = o.interval - Seconds(1);
         o.min_interval = Seconds(1);
         o.peer_timeout = 3 * o.interval;
       },
       ""},
      {"no min interval", [](TrackerOptions& o) { o.min_interval = Seconds(0); }, ""},
      {"a negative min interval", [](TrackerOptions& o) { o.min_interval = Seconds(-1); },
       "min_interval "},
      {"a min interval up to the shortest interval",
       [](TrackerOptions& o) { o.min_interval = o.interval - o.interval_spread; }, ""},
      {"a min interval longer than the shortest interval",
       [](TrackerOptions& o) { o.min_interval = o.interval - o.interval_spread + Seconds(1); },
       "min_interval "},
      {"a timeout as long as the longest interval",
       [](TrackerOptions& o) { o.peer_timeout = o.interval + o.interval_spread; }, "peer_timeout "},
      {"a timeout a second longer",
       [](TrackerOptions& o) { o.peer_timeout = o.interval + o.interval_spread + Seconds(1); }, ""},
      {"nobody", [](TrackerOptions& o) { o.max_numwant = 0; }, ""},
      {"one", [](TrackerOptions& o) { o.max_numwant = 1; }, ""},
      {"a thousand", [](TrackerOptions& o) { o.max_numwant = 1000; }, ""},
      {"a thousand and one", [](TrackerOptions& o) { o.max_numwant = 1001; }, "max_numwant "},
      {"nobody by default", [](TrackerOptions& o) { o.default_numwant = 0; }, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    TrackerOptions options;
    c.change(options);
    const auto tracker = Tracker::Create(options);
    EXPECT_EQ(tracker.ok(), c.complains_about.empty()) << tracker.status();
    if (c.complains_about.empty()) continue;
    EXPECT_EQ(tracker.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(std::string(tracker.status().message()).substr(0, c.complains_about.size()),
              c.complains_about);
  }
}

TEST(TrackerOptions, CanBeReadFromTheTracker) {
  TrackerOptions options;
  options.default_numwant = 33;
  EXPECT_EQ(Tracker::Create(options).value()->options().default_numwant, 33u);
}

}  // namespace
}  // namespace muster
