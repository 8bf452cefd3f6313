// SPDX-License-Identifier: Apache-2.0
#include "muster/tracker.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "muster/refusal.h"
#include "tracker/tracker_testing.h"

namespace muster {
namespace {

Endpoint PeerOf(std::uint32_t n, bool ipv6 = false) {
  const auto low = static_cast<std::uint8_t>(n);
  const auto high = static_cast<std::uint8_t>(n >> 8);
  if (ipv6) {
    const std::uint8_t compact[18] = {0x20, 1, 0xd, 0xb8, 0, 0,    0,   0,    0,
                                      0,    0, 0,   0,    0, high, low, 0x1a, 0xe1};
    return Endpoint::FromCompact(AddressFamily::kIpv6, compact);
  }
  const std::uint8_t compact[6] = {10, 0, high, low, 0x1a, 0xe1};
  return Endpoint::FromCompact(AddressFamily::kIpv4, compact);
}

AnnounceRequest RequestOf(std::uint32_t peer, Event event = Event::kNone, std::uint64_t left = 1) {
  AnnounceRequest request;
  request.info_hash = HashOf(1);
  request.peer = PeerOf(peer);
  request.event = event;
  request.left = left;
  return request;
}

std::unique_ptr<Tracker> NewTracker(const TrackerOptions& options = {},
                                    std::unique_ptr<SwarmStore> store = nullptr) {
  auto tracker = Tracker::Create(options, std::move(store));
  EXPECT_TRUE(tracker.ok()) << tracker.status();
  return tracker.ok() ? *std::move(tracker) : nullptr;
}

// --- event and left become one state ---

TEST(PeerStateOf, IsAsTheTableSays) {
  constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();
  static_assert(AnnounceRequest::kUnknownLeft == kHuge);
  struct Row {
    Event event;
    PeerState with_nothing_left, with_something_left;
  };
  constexpr Row kTable[] = {
      {Event::kNone, PeerState::kSeeder, PeerState::kDownloader},
      {Event::kStarted, PeerState::kSeeder, PeerState::kDownloader},
      // "completed" with something left is no completion: the peer wants more.
      {Event::kCompleted, PeerState::kSeeder, PeerState::kDownloader},
      {Event::kStopped, PeerState::kStopped, PeerState::kStopped},
      {Event::kPaused, PeerState::kSeeder, PeerState::kPartialSeeder},
  };
  for (const Row& row : kTable) {
    SCOPED_TRACE(static_cast<int>(row.event));
    EXPECT_EQ(PeerStateOf(row.event, 0), row.with_nothing_left);
    for (const std::uint64_t left : {std::uint64_t{1}, std::uint64_t{1} << 40, kHuge - 1, kHuge})
      EXPECT_EQ(PeerStateOf(row.event, left), row.with_something_left);
  }
}

TEST(Tracker, PutsAPeerIntoTheStateOfItsEventAndLeft) {
  const auto tracker = NewTracker();
  Random random(1);
  const auto counts = [&](Event event, std::uint64_t left) {
    const auto response = tracker->Announce(RequestOf(1, event, left), kStart, random);
    EXPECT_TRUE(response.ok());
    return response->answer.counts;
  };
  EXPECT_EQ(counts(Event::kStarted, 10), (SwarmCounts{.downloaders = 1}));
  EXPECT_EQ(counts(Event::kNone, AnnounceRequest::kUnknownLeft), (SwarmCounts{.downloaders = 1}));
  EXPECT_EQ(counts(Event::kPaused, 10), (SwarmCounts{.partial_seeders = 1}));
  EXPECT_EQ(counts(Event::kNone, 10), (SwarmCounts{.downloaders = 1}));
  EXPECT_EQ(counts(Event::kCompleted, 10), (SwarmCounts{.downloaders = 1}));
  EXPECT_EQ(counts(Event::kCompleted, 0), (SwarmCounts{.seeders = 1, .completed = 1}));
  EXPECT_EQ(counts(Event::kCompleted, 0), (SwarmCounts{.seeders = 1, .completed = 1}));
  EXPECT_EQ(counts(Event::kNone, 0), (SwarmCounts{.seeders = 1, .completed = 1}));
  EXPECT_EQ(counts(Event::kStopped, 0), (SwarmCounts{.completed = 1}));
  EXPECT_EQ(counts(Event::kStarted, 0), (SwarmCounts{.seeders = 1, .completed = 1}))
      << "a seeder that comes has not just completed";
}

// --- numwant ---

TEST(Tracker, GivesAsManyPeersAsAreWantedWithinItsCaps) {
  TrackerOptions options;
  options.default_numwant = 20;
  options.max_numwant = 30;
  const auto tracker = NewTracker(options);
  Random random(1);
  for (std::uint32_t n = 0; n < 100; ++n)
    ASSERT_TRUE(tracker->Announce(RequestOf(n), kStart, random).ok());
  const std::map<std::int32_t, std::size_t> expected = {
      {AnnounceRequest::kDefaultNumwant, 20},
      {std::numeric_limits<std::int32_t>::min(), 20},
      {-50, 20},
      {0, 0},
      {1, 1},
      {29, 29},
      {30, 30},
      {31, 30},
      {1'000'000, 30},
      {std::numeric_limits<std::int32_t>::max(), 30},
  };
  for (const auto& [numwant, peers] : expected) {
    AnnounceRequest request = RequestOf(0);
    request.numwant = numwant;
    EXPECT_EQ(tracker->Announce(request, kStart, random)->peers.size(), peers) << numwant;
    std::uint8_t room[100 * 6];
    PeerBatch batch(absl::MakeSpan(room), {});
    ASSERT_TRUE(tracker->Announce(request, kStart, random, batch).ok());
    EXPECT_EQ(batch.size(), peers) << numwant;
  }
}

TEST(Tracker, CapsItsOwnDefaultNumwant) {
  TrackerOptions options;
  options.default_numwant = 80;
  options.max_numwant = 30;
  const auto tracker = NewTracker(options);
  Random random(1);
  for (std::uint32_t n = 0; n < 100; ++n) {
    EXPECT_EQ(tracker->Announce(RequestOf(n), kStart, random)->peers.size(), std::min(n, 30u));
  }
}

TEST(Tracker, GivesNoPeersToOneThatStops) {
  const auto tracker = NewTracker();
  Random random(1);
  for (std::uint32_t n = 0; n < 10; ++n)
    ASSERT_TRUE(tracker->Announce(RequestOf(n), kStart, random).ok());
  for (const std::int32_t numwant : {-1, 5, 50}) {
    AnnounceRequest request = RequestOf(0, Event::kStopped);
    request.numwant = numwant;
    const auto response = tracker->Announce(request, kStart, random);
    EXPECT_TRUE(response->peers.empty());
    EXPECT_EQ(response->answer.counts.downloaders, 9u);
  }
}

TEST(Tracker, GivesTheVectorWhatItGivesTheBatch) {
  // Two trackers that are told the same, with equal chance.
  MemoryStoreOptions store_options;
  store_options.hash_seed = 7;
  const auto one = NewTracker({}, NewMemoryStore(store_options));
  const auto two = NewTracker({}, NewMemoryStore(store_options));
  Random random_one(5), random_two(5);
  for (std::uint32_t n = 0; n < 300; ++n) {
    AnnounceRequest request = RequestOf(n % 100, n % 7 == 0 ? Event::kPaused : Event::kNone);
    if (n % 3 == 0) request.peer = PeerOf(n % 100, true);
    const auto response = one->Announce(request, kStart, random_one);
    std::uint8_t room4[50 * 6], room6[50 * 18];
    PeerBatch batch(absl::MakeSpan(room4), absl::MakeSpan(room6));
    const auto answer = two->Announce(request, kStart, random_two, batch);
    ASSERT_TRUE(response.ok() && answer.ok());
    EXPECT_EQ(response->answer.counts, answer->counts);
    EXPECT_EQ(response->answer.interval, answer->interval);
    EXPECT_EQ(response->answer.min_interval, answer->min_interval);
    std::vector<Endpoint> peers;
    for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
      for (std::size_t i = 0; i < batch.size(family); ++i) peers.push_back(batch.peer(family, i));
    }
    EXPECT_EQ(response->peers, peers);
  }
}

// --- intervals ---

TEST(Tracker, SpreadsIntervalsEvenlyOverTheirWholeRange) {
  TrackerOptions options;
  options.interval = Seconds(1800);
  options.interval_spread = Seconds(5);
  options.min_interval = Seconds(900);
  const auto tracker = NewTracker(options);
  Random random(1);
  std::map<std::int64_t, int> drawn;
  constexpr int kDraws = 11'000;
  for (int i = 0; i < kDraws; ++i) {
    const auto response = tracker->Announce(RequestOf(1), kStart, random);
    ++drawn[response->answer.interval.count()];
    EXPECT_EQ(response->answer.min_interval, Seconds(900));
  }
  ASSERT_EQ(drawn.size(), 11u) << "from 1795 to 1805";
  EXPECT_EQ(drawn.begin()->first, 1795);
  EXPECT_EQ(drawn.rbegin()->first, 1805);
  for (const auto& [interval, times] : drawn) EXPECT_NEAR(times, 1000, 160) << interval;
}

TEST(Tracker, GivesOneIntervalWhenThereIsNoSpread) {
  TrackerOptions options;
  options.interval = Seconds(60);
  options.interval_spread = Seconds(0);
  options.min_interval = Seconds(60);
  const auto tracker = NewTracker(options);
  Random random(1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(tracker->Announce(RequestOf(1), kStart, random)->answer.interval, Seconds(60));
  }
}

// --- what no client should send ---

TEST(Tracker, RefusesPortZeroUnlessThePeerStops) {
  const auto tracker = NewTracker();
  Random random(1);
  for (const Event event : {Event::kNone, Event::kStarted, Event::kCompleted, Event::kPaused}) {
    for (const std::uint64_t left : {0u, 1u}) {
      AnnounceRequest request = RequestOf(1, event, left);
      request.peer.set_port(0);
      const auto response = tracker->Announce(request, kStart, random);
      EXPECT_EQ(response.status().code(), absl::StatusCode::kInvalidArgument);
      EXPECT_NE(ClientText(response.status()).find("port 0"), std::string_view::npos);
    }
  }
  EXPECT_EQ(tracker->store().Totals().torrents, 0u);
  AnnounceRequest stop = RequestOf(1, Event::kStopped);
  stop.peer.set_port(0);
  EXPECT_TRUE(tracker->Announce(stop, kStart, random).ok());
}

// --- policy ---

class OnePolicy final : public Policy {
 public:
  absl::Status AllowAnnounce(const AnnounceRequest& request, Instant now) override {
    asked.push_back(request.info_hash);
    times.push_back(now);
    return request.info_hash == HashOf(13) ? Refuse("not this one", {std::nullopt})
                                           : absl::OkStatus();
  }
  absl::Status AllowScrape(const InfoHash& info_hash, const IpAddress& from, Instant now) override {
    asked.push_back(info_hash);
    froms.push_back(from);
    times.push_back(now);
    return info_hash == HashOf(13) ? Refuse("no looking either") : absl::OkStatus();
  }
  std::vector<InfoHash> asked;
  std::vector<IpAddress> froms;
  std::vector<Instant> times;
};

TEST(Tracker, LetsThePolicyRefuseAnAnnounceBeforeAnythingIsStored) {
  const auto tracker = NewTracker();
  OnePolicy policy;
  tracker->SetPolicy(&policy);
  Random random(1);
  AnnounceRequest request = RequestOf(1);
  EXPECT_TRUE(tracker->Announce(request, kStart, random).ok());
  request.info_hash = HashOf(13);
  const auto refused = tracker->Announce(request, kStart + Seconds(5), random);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ClientText(refused.status()), "not this one");
  EXPECT_EQ(RetryInOf(refused.status())->after, std::nullopt);
  EXPECT_EQ(tracker->store().Count(HashOf(13)), std::nullopt);
  EXPECT_EQ(policy.asked, (std::vector<InfoHash>{HashOf(1), HashOf(13)}));
  EXPECT_EQ(policy.times, (std::vector<Instant>{kStart, kStart + Seconds(5)}));
  tracker->SetPolicy(nullptr);
  EXPECT_TRUE(tracker->Announce(request, kStart, random).ok());
}

TEST(Tracker, LetsThePolicyRefuseAWholeScrape) {
  const auto tracker = NewTracker();
  OnePolicy policy;
  tracker->SetPolicy(&policy);
  const IpAddress from = IpAddress::Parse("2001:db8::5").value();
  const InfoHash good[] = {HashOf(1), HashOf(2)};
  EXPECT_TRUE(tracker->Scrape(good, from, kStart).ok());
  const InfoHash mixed[] = {HashOf(1), HashOf(13), HashOf(2)};
  const auto refused = tracker->Scrape(mixed, from, kStart);
  EXPECT_EQ(ClientText(refused.status()), "no looking either");
  EXPECT_EQ(policy.froms, (std::vector<IpAddress>(4, from))) << "none was asked after the refusal";
  std::optional<SwarmCounts> rows[3];
  EXPECT_FALSE(tracker->Scrape(mixed, from, kStart, absl::MakeSpan(rows)).ok());
}

// --- scrape ---

TEST(Tracker, ScrapesInTheOrderAskedAndTellsUnknownTorrentsFromEmptyOnes) {
  const auto tracker = NewTracker();
  Random random(1);
  for (std::uint32_t n = 0; n < 5; ++n)
    ASSERT_TRUE(tracker->Announce(RequestOf(n), kStart, random).ok());
  AnnounceRequest done = RequestOf(9, Event::kCompleted, 0);
  done.info_hash = HashOf(2);
  ASSERT_TRUE(tracker->Announce(done, kStart, random).ok());
  done.event = Event::kStopped;
  ASSERT_TRUE(tracker->Announce(done, kStart, random).ok());

  const InfoHash asked[] = {HashOf(2), HashOf(3), HashOf(1), HashOf(2)};
  const auto rows = tracker->Scrape(asked, IpAddress(), kStart);
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ((*rows)[i].info_hash, asked[i]);
  EXPECT_EQ((*rows)[0].counts, (SwarmCounts{.completed = 1}));
  EXPECT_EQ((*rows)[1].counts, std::nullopt);
  EXPECT_EQ((*rows)[2].counts, (SwarmCounts{.downloaders = 5}));
  EXPECT_EQ((*rows)[3].counts, (*rows)[0].counts);
  EXPECT_TRUE(tracker->Scrape({}, IpAddress(), kStart)->empty());
}

// --- observers and expiry ---

class DeltaLog final : public SwarmObserver {
 public:
  void OnDelta(const SwarmDelta& delta) override { deltas.push_back(delta); }
  void OnRemove(const InfoHash& info_hash) override { removed.push_back(info_hash); }
  std::vector<SwarmDelta> deltas;
  std::vector<InfoHash> removed;
};

TEST(Tracker, TellsAllObserversOfASwarmThatIsRemoved) {
  const auto tracker = NewTracker();
  DeltaLog one, two;
  tracker->AddObserver(&one);
  tracker->AddObserver(&two);
  Random random(1);
  AnnounceRequest request;
  request.info_hash = HashOf(7);
  request.peer = *Endpoint::Parse("192.0.2.1:1");
  ASSERT_TRUE(tracker->Announce(request, kStart, random).ok());
  EXPECT_TRUE(tracker->store().Remove(HashOf(7)));
  EXPECT_EQ(one.removed, std::vector<InfoHash>{HashOf(7)});
  EXPECT_EQ(two.removed, one.removed);
}

TEST(Tracker, TellsAllObserversOfEachAcceptedChange) {
  const auto tracker = NewTracker();
  DeltaLog one, two;
  tracker->AddObserver(&one);
  tracker->AddObserver(&two);
  Random random(1);
  AnnounceRequest request = RequestOf(1, Event::kCompleted, 0);
  request.peer_id = PeerId::FromText("-MS0001-abcdefghijkl").value();
  ASSERT_TRUE(tracker->Announce(request, kStart, random).ok());
  ASSERT_TRUE(tracker->Announce(RequestOf(2, Event::kStopped), kStart, random).ok());
  AnnounceRequest bad = RequestOf(3);
  bad.peer.set_port(0);
  ASSERT_FALSE(tracker->Announce(bad, kStart, random).ok());
  for (const DeltaLog* log : {&one, &two}) {
    ASSERT_EQ(log->deltas.size(), 1u) << "a stop of a stranger and a bad request change nothing";
    EXPECT_EQ(log->deltas[0].info_hash, request.info_hash);
    EXPECT_EQ(log->deltas[0].peer, request.peer);
    EXPECT_EQ(log->deltas[0].peer_id, request.peer_id);
    EXPECT_EQ(log->deltas[0].state, PeerState::kSeeder);
    EXPECT_TRUE(log->deltas[0].completed);
    EXPECT_EQ(log->deltas[0].time, kStart);
  }
}

TEST(Tracker, ForgetsPeersThatHaveNotAnnouncedForThePeerTimeout) {
  TrackerOptions options;
  options.peer_timeout = Seconds(50 * 60);
  const auto tracker = NewTracker(options);
  Random random(1);
  ASSERT_TRUE(tracker->Announce(RequestOf(1), kStart, random).ok());
  ASSERT_TRUE(tracker->Announce(RequestOf(2), kStart + Seconds(20 * 60), random).ok());
  const auto peers = [&] { return tracker->store().Totals().peers; };
  EXPECT_EQ(tracker->Expire(kStart + Seconds(49 * 60), 10'000), 0u);
  EXPECT_EQ(peers(), 2u);
  EXPECT_EQ(tracker->Expire(kStart + Seconds(52 * 60), 10'000), 1u);
  EXPECT_EQ(peers(), 1u);
  EXPECT_EQ(tracker->Expire(kStart + Seconds(69 * 60), 10'000), 0u);
  EXPECT_EQ(tracker->Expire(kStart + Seconds(72 * 60), 10'000), 1u);
  EXPECT_EQ(tracker->store().Totals().torrents, 0u);
}

TEST(Tracker, MakesAStoreThatFitsALongPeerTimeout) {
  TrackerOptions options;
  options.interval = Seconds(12 * 3600);
  options.peer_timeout = Seconds(24 * 3600);
  const auto tracker = NewTracker(options);
  Random random(1);
  ASSERT_TRUE(tracker->Announce(RequestOf(1), kStart, random).ok());
  EXPECT_EQ(tracker->Expire(kStart + Seconds(23 * 3600), 10'000), 0u);
  EXPECT_EQ(tracker->Expire(kStart + Seconds(25 * 3600), 10'000), 1u);
}

}  // namespace
}  // namespace muster
