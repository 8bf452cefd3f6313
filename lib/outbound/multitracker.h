// SPDX-License-Identifier: Apache-2.0
//
// Multitracker: fetches peers from the other trackers of its torrents, each tracker of each torrent
// on a schedule of its own (TrackerSchedule). Loop-bound: one for a program, whatever its workers.
#ifndef MUSTER_LIB_OUTBOUND_MULTITRACKER_H_
#define MUSTER_LIB_OUTBOUND_MULTITRACKER_H_

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/types/span.h"
#include "muster/endpoint.h"
#include "muster/log_sink.h"
#include "muster/multitracker.h"
#include "muster/random.h"
#include "muster/tracker_url.h"
#include "net/clock.h"
#include "net/closing_parts.h"
#include "net/timer.h"
#include "outbound/tracker_question.h"
#include "outbound/tracker_schedule.h"
#include "statistics/counters.h"

namespace muster {

class Multitracker {
 public:
  // Peers that another tracker has of a torrent; valid during the call. Not called with none.
  using Harvested =
      absl::AnyInvocable<void(const InfoHash& info_hash, absl::Span<const Endpoint> peers)>;

  // `tracker_id` is who asks, NewTrackerId(). `log` may be null; it hears of each question and of
  // what came of it. The counters are not owned.
  static ClosingPtr<Multitracker> Start(uv_loop_t* loop, const MultitrackerOptions& options,
                                        const PeerId& tracker_id, Random random,
                                        Harvested harvested, LogSink* log,
                                        OutboundCounters* counters);
  // Asks nobody any more; what is under way is given up.
  void Close(Closed closed);

  // Torrents in the place of those before. A tracker of a torrent that was there keeps its schedule,
  // and one that was given up stays so until no torrent names it.
  void SetTorrents(absl::Span<const MultitrackerTorrent> torrents);

  // Trackers of torrents that will be asked again.
  std::size_t scheduled() const { return due_.size() + under_way_; }
  std::size_t under_way() const { return under_way_; }

 private:
  struct Key {
    InfoHash info_hash;
    std::string url;  // as TrackerUrl prints it
    auto operator<=>(const Key&) const = default;
  };
  struct Entry {
    Entry(const Key& k, const MultitrackerOptions& options, Random& random)
        : key(k), schedule(options, random) {}

    const Key key;
    TrackerSchedule schedule;
    Instant due;  // while it is in due_
    ClosingPtr<TrackerQuestion> question;
  };
  using Entries = std::map<Key, std::unique_ptr<Entry>>;

  Multitracker(uv_loop_t* loop, const MultitrackerOptions& options, const PeerId& tracker_id,
               Random random, Harvested harvested, LogSink* log, OutboundCounters* counters);
  void AddTorrent(const MultitrackerTorrent& torrent, Entries& entries);
  void Put(Entry& entry);
  void Remove(Entry& entry);
  void AskDue();
  void Ask(Entry& entry);
  void OnAnswer(Entry& entry, const absl::StatusOr<TrackerReply>& reply);
  void TakePeers(Entry& entry, const TrackerReply& reply);
  void GiveUpTracker(const std::string& url);
  void Say(LogLevel level, const Entry& entry, std::string_view what);

  uv_loop_t* const loop_;
  const MultitrackerOptions options_;
  const PeerId tracker_id_;
  const std::uint32_t key_;
  const Clock clock_;
  Random random_;
  Harvested harvested_;
  LogSink* const log_;
  OutboundCounters& counters_;
  Entries entries_;
  // Waiting ones, the earliest first; the second part tells equals apart.
  std::set<std::pair<Instant, Entry*>> due_;
  // Trackers that are not asked about any torrent.
  std::set<std::string> given_up_;
  std::size_t under_way_ = 0;
  ClosingPtr<Timer> timer_;
  bool closing_ = false;
  ClosingParts parts_;
};

}  // namespace muster

#endif  // MUSTER_LIB_OUTBOUND_MULTITRACKER_H_
