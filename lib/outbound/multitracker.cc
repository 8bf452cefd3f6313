// SPDX-License-Identifier: Apache-2.0
#include "outbound/multitracker.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "model/address_scope.h"

namespace muster {
namespace {

constexpr std::chrono::milliseconds kTick{1000};

}  // namespace

ClosingPtr<Multitracker> Multitracker::Start(uv_loop_t* loop, const MultitrackerOptions& options,
                                             const PeerId& tracker_id, Random random,
                                             Harvested harvested, LogSink* log,
                                             OutboundCounters* counters) {
  return ClosingPtr<Multitracker>(
      new Multitracker(loop, options, tracker_id, random, std::move(harvested), log, counters));
}

Multitracker::Multitracker(uv_loop_t* loop, const MultitrackerOptions& options,
                           const PeerId& tracker_id, Random random, Harvested harvested,
                           LogSink* log, OutboundCounters* counters)
    : loop_(loop),
      options_(options),
      tracker_id_(tracker_id),
      key_(static_cast<std::uint32_t>(random.Next())),
      clock_(loop),
      random_(random),
      harvested_(std::move(harvested)),
      log_(log),
      counters_(*counters) {
  timer_ = Timer::Start(loop, kTick, [this] {
    AskDue();
    return kTick;
  });
}

void Multitracker::Close(Closed closed) {
  closing_ = true;
  for (const auto& [key, entry] : entries_) parts_.Close(std::move(entry->question));
  parts_.Close(std::move(timer_));
  parts_.Then(
      [this, closed = std::move(closed)]() mutable { FreeThenCall(this, std::move(closed)); });
}

void Multitracker::SetTorrents(absl::Span<const MultitrackerTorrent> torrents) {
  Entries entries;
  for (const MultitrackerTorrent& torrent : torrents) AddTorrent(torrent, entries);
  std::swap(entries, entries_);
  for (const auto& [key, entry] : entries) {
    if (entry != nullptr) Remove(*entry);  // otherwise it has moved over
  }
  std::set<std::string> named;
  for (const auto& [key, entry] : entries_) {
    if (given_up_.count(key.url) != 0) named.insert(key.url);
  }
  given_up_ = std::move(named);
}

void Multitracker::AddTorrent(const MultitrackerTorrent& torrent, Entries& entries) {
  std::size_t taken = 0;
  for (const std::string& text : torrent.trackers) {
    if (taken >= options_.max_trackers) return;
    const absl::StatusOr<TrackerUrl> url = TrackerUrl::Parse(text);
    if (!url.ok()) continue;
    const Key key{torrent.info_hash, url->ToString()};
    if (!entries.try_emplace(key).second) continue;
    ++taken;
    const auto known = entries_.find(key);
    if (known != entries_.end() && known->second != nullptr) {
      entries[key] = std::move(known->second);
      continue;
    }
    entries[key] = std::make_unique<Entry>(key, options_, random_);
    if (given_up_.count(key.url) == 0) Put(*entries[key]);
  }
}

// It will be asked after its wait.
void Multitracker::Put(Entry& entry) {
  entry.due = clock_.Now() + entry.schedule.wait();
  due_.emplace(entry.due, &entry);
}

// It will not be asked any more, unless it is put again.
void Multitracker::Remove(Entry& entry) {
  due_.erase({entry.due, &entry});
  if (entry.question == nullptr) return;
  --under_way_;
  parts_.Close(std::move(entry.question));
}

void Multitracker::AskDue() {
  const Instant now = clock_.Now();
  while (!closing_ && under_way_ < std::max<std::size_t>(options_.max_under_way, 1) &&
         !due_.empty() && due_.begin()->first <= now) {
    Entry& entry = *due_.begin()->second;
    due_.erase(due_.begin());
    Ask(entry);
  }
}

void Multitracker::Ask(Entry& entry) {
  Say(LogLevel::kInfo, entry, "asking");
  ++under_way_;
  entry.question = TrackerQuestion::Ask(
      loop_, *TrackerUrl::Parse(entry.key.url),
      {.info_hash = entry.key.info_hash,
       .tracker_id = tracker_id_,
       .key = key_,
       .numwant = entry.schedule.numwant()},
      {.timeout = options_.timeout}, Random(random_.Next()),
      [this, &entry](const absl::StatusOr<TrackerReply>& reply) { OnAnswer(entry, reply); });
}

void Multitracker::OnAnswer(Entry& entry, const absl::StatusOr<TrackerReply>& reply) {
  --under_way_;
  parts_.Close(std::move(entry.question));
  (reply.ok() ? counters_.trackers_answered : counters_.trackers_failed).Add();
  if (!reply.ok()) {
    entry.schedule.OnError();
    Say(LogLevel::kWarning, entry, FromAbsl(reply.status().message()));
    return Put(entry);
  }
  const TrackerSchedule::Verdict verdict = entry.schedule.OnReply(*reply);
  if (!reply->failure.empty()) Say(LogLevel::kWarning, entry, "refused: " + reply->failure);
  switch (verdict) {
    case TrackerSchedule::Verdict::kGoOn:
      Put(entry);
      break;
    case TrackerSchedule::Verdict::kGiveUpTorrent:
      return Say(LogLevel::kWarning, entry, "given up for this torrent");
    case TrackerSchedule::Verdict::kGiveUpTracker:
      Say(LogLevel::kWarning, entry, "given up for all torrents");
      return GiveUpTracker(entry.key.url);
  }
  if (reply->failure.empty()) TakePeers(entry, *reply);
}

void Multitracker::TakePeers(Entry& entry, const TrackerReply& reply) {
  std::vector<Endpoint> peers;
  for (const Endpoint& peer : reply.peers) {
    const AddressScope scope = ScopeOf(peer.address());
    if (scope == AddressScope::kPublic ||
        (scope == AddressScope::kPrivate && options_.allow_private)) {
      peers.push_back(peer);
    }
  }
  counters_.foreign_peers.Add(peers.size());
  Say(LogLevel::kInfo, entry, absl::StrCat("gave ", peers.size(), " peers"));
  if (!peers.empty()) harvested_(entry.key.info_hash, peers);  // may close this
}

void Multitracker::GiveUpTracker(const std::string& url) {
  given_up_.insert(url);
  for (const auto& [key, entry] : entries_) {
    if (key.url == url) Remove(*entry);
  }
}

void Multitracker::Say(LogLevel level, const Entry& entry, std::string_view what) {
  if (log_ == nullptr) return;
  log_->Log(level, absl::StrCat("tracker ", entry.key.url, ", torrent ",
                                entry.key.info_hash.ToHex(), ": ", ToAbsl(what)));
}

}  // namespace muster
