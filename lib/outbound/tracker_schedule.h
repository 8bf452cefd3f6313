// SPDX-License-Identifier: Apache-2.0
//
// TrackerSchedule: when to ask one tracker about one torrent, for how many peers, and when to stop.
// No sockets and no clock. A plain value.
#ifndef MUSTER_LIB_OUTBOUND_TRACKER_SCHEDULE_H_
#define MUSTER_LIB_OUTBOUND_TRACKER_SCHEDULE_H_

#include <cstdint>

#include "muster/instant.h"
#include "muster/multitracker.h"
#include "muster/random.h"
#include "wire/tracker_query.h"

namespace muster {

class TrackerSchedule {
 public:
  enum class Verdict : std::uint8_t {
    kGoOn,
    kGiveUpTorrent,  // this tracker does not want this torrent
    kGiveUpTracker,  // this tracker does not answer trackers, or is ourselves
  };
  // However far an interval or a row of errors may put it off, and however near.
  static constexpr Seconds kMaxWait = kMaxReplyInterval;
  static constexpr Seconds kMinWait{30};
  // However long the other tracker's interval is.
  static constexpr std::uint32_t kMaxNumwant = 200;
  // Refusals in a row, or errors in a row.
  static constexpr int kPatience = 3;

  // The first question is due after a time between a tenth of the interval and the interval, so
  // that a thousand torrents are not asked about at once.
  TrackerSchedule(const MultitrackerOptions& options, Random& random);

  // From now to the next question.
  Seconds wait() const { return wait_; }
  std::uint32_t numwant() const { return numwant_; }

  // The tracker has answered, maybe with a failure.
  Verdict OnReply(const TrackerReply& reply);
  // It has not: after three times in a row, the wait grows by an interval each time.
  void OnError();

 private:
  Seconds interval_;
  std::uint32_t max_peers_;
  Seconds wait_;
  std::uint32_t numwant_;
  int errors_ = 0;
  int refusals_ = 0;
};

}  // namespace muster

#endif  // MUSTER_LIB_OUTBOUND_TRACKER_SCHEDULE_H_
