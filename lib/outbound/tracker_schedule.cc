// SPDX-License-Identifier: Apache-2.0
#include "outbound/tracker_schedule.h"

#include <algorithm>

namespace muster {

PeerId NewTrackerId(Random& random) {
  constexpr std::string_view kLetters =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string text = "-MU0100-T-";
  while (text.size() < PeerId::kSize) {
    text += kLetters[random.Below(static_cast<std::uint32_t>(kLetters.size()))];
  }
  return PeerId::FromBytes(reinterpret_cast<const std::uint8_t*>(text.data()));
}

TrackerSchedule::TrackerSchedule(const MultitrackerOptions& options, Random& random)
    : interval_(std::clamp(options.interval, Seconds(1), kMaxWait)),
      max_peers_(std::min(options.max_peers, kMaxNumwant)),
      numwant_(max_peers_) {
  const Seconds least = interval_ / 10;
  wait_ =
      least + Seconds(random.Below(static_cast<std::uint32_t>((interval_ - least).count() + 1)));
}

TrackerSchedule::Verdict TrackerSchedule::OnReply(const TrackerReply& reply) {
  errors_ = 0;
  wait_ = interval_;
  if (!reply.failure.empty()) {
    if (reply.failure == kOwnAnnounce) return Verdict::kGiveUpTracker;
    return ++refusals_ < kPatience ? Verdict::kGoOn : Verdict::kGiveUpTorrent;
  }
  refusals_ = 0;
  if (reply.interval > Seconds(0)) {
    wait_ = std::clamp(reply.interval, std::min(kMinWait, interval_), kMaxWait);
  }
  // An ordinary tracker, which wants to be asked seldom, is asked for more at once.
  const std::int64_t ratio = wait_ > 3 * interval_ ? wait_ / interval_ : 1;
  numwant_ = static_cast<std::uint32_t>(
      std::min<std::int64_t>(std::int64_t{max_peers_} * ratio, kMaxNumwant));
  return Verdict::kGoOn;
}

void TrackerSchedule::OnError() {
  ++errors_;
  const int extra = std::max(errors_ - kPatience + 1, 0);
  wait_ = errors_ > 100'000 ? kMaxWait : std::min(interval_ * (1 + extra), kMaxWait);
}

}  // namespace muster
