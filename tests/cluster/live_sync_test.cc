// SPDX-License-Identifier: Apache-2.0
//
// Trackers in one process that share their peers over the loopback interface.
#include "muster/live_sync.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "muster/access_rules.h"
#include "net/multicast.h"
#include "wire/live_sync_packet.h"

namespace muster {
namespace {

using std::chrono::milliseconds;

constexpr Instant kStart = InstantFromUnixSeconds(1'700'000'000);

InfoHash HashOf(char c) { return *InfoHash::FromText(std::string(20, c)); }
Endpoint E(std::string_view text) { return *Endpoint::Parse(text); }

// --- packets ---

TEST(LiveSyncPacket, IsLaidOutAsOpentrackersIs) {
  LiveSyncBuilder ipv4(0x01020304, AddressFamily::kIpv4);
  ipv4.Add({.info_hash = HashOf('a'), .peer = E("192.0.2.1:258"), .seeds = true});
  ipv4.Add(
      {.info_hash = HashOf('b'), .peer = E("192.0.2.2:1"), .completed = true, .stopped = true});
  EXPECT_EQ(ipv4.packet(), std::string("\1\2\3\4\0\0\0\0", 8) + std::string(20, 'a') +
                               std::string("\xc0\0\2\1\1\2\x80\0", 8) + std::string(20, 'b') +
                               std::string("\xc0\0\2\2\0\1\x60\0", 8));
  LiveSyncBuilder ipv6(0xffffffff, AddressFamily::kIpv6);
  ipv6.Add({.info_hash = HashOf('c'), .peer = E("[2001:db8::1]:80")});
  EXPECT_EQ(ipv6.packet(), std::string("\xff\xff\xff\xff\0\0\0\1", 8) + std::string(20, 'c') +
                               std::string("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\x50\0\0", 20));
}

TEST(LiveSyncPacket, GivesBackWhatItWasMadeOf) {
  for (const auto& [family, text, most] :
       {std::tuple(AddressFamily::kIpv4, "192.0.2.1:7", 52u),
        std::tuple(AddressFamily::kIpv6, "[2001:db8::1]:7", 36u)}) {
    LiveSyncBuilder builder(7, family);
    std::vector<LiveSyncRecord> records;
    for (unsigned i = 0; builder.has_room(); ++i) {
      records.push_back({.info_hash = HashOf(static_cast<char>('a' + i % 26)),
                         .peer = E(text),
                         .seeds = (i & 1) != 0,
                         .completed = (i & 2) != 0,
                         .stopped = (i & 4) != 0});
      builder.Add(records.back());
    }
    EXPECT_EQ(records.size(), most);
    EXPECT_EQ(builder.records(), most);
    const auto packet = LiveSyncPacket::Parse(builder.packet());
    ASSERT_TRUE(packet.has_value());
    EXPECT_EQ(packet->tracker_id(), 7u);
    ASSERT_EQ(packet->size(), most);
    for (std::size_t i = 0; i < most; ++i) EXPECT_EQ(packet->record(i), records[i]);
    builder.Clear();
    EXPECT_EQ(LiveSyncPacket::Parse(builder.packet())->size(), 0u);
  }
}

TEST(LiveSyncPacket, IsNoneWithAWrongKindOrSize) {
  const std::string header("\1\2\3\4\0\0\0\0", 8);
  EXPECT_TRUE(LiveSyncPacket::Parse(header + std::string(28, 'x')).has_value());
  for (const std::string& bytes :
       {std::string(), header.substr(1), header + "x", header + std::string(27, 'x'),
        header + std::string(40, 'x'), std::string("\1\2\3\4\0\0\0\2", 8) + std::string(28, 'x'),
        header + std::string(28 * 53, 'x')})
    EXPECT_FALSE(LiveSyncPacket::Parse(bytes).has_value()) << bytes.size();
}

// --- trackers ---

// A tracker of a cluster, and what it was told of.
class Node final : public SwarmObserver {
 public:
  explicit Node(const Endpoint& listen, std::vector<Cidr> nodes = {*Cidr::Parse("127.0.0.1")}) {
    tracker_ = *Tracker::Create({});
    LiveSyncOptions options;
    options.listen = listen;
    options.nodes = std::move(nodes);
    options.max_delay = milliseconds(5);
    options.clock = [] { return kStart; };
    auto opened = LiveSync::Open(options);
    EXPECT_TRUE(opened.ok()) << opened.status();
    sync_ = *std::move(opened);
    tracker_->AddObserver(sync_.get());
    tracker_->AddObserver(this);
  }
  ~Node() override { sync_->Stop(); }
  void Start() { EXPECT_TRUE(sync_->Start(tracker_.get()).ok()); }

  void Announce(char hash, std::string_view peer, Event event = Event::kStarted,
                std::uint64_t left = 1, Instant now = kStart) {
    AnnounceRequest request;
    request.info_hash = HashOf(hash);
    request.peer = E(peer);
    request.event = event;
    request.left = left;
    EXPECT_TRUE(tracker_->Announce(request, now, random_).ok());
  }
  SwarmCounts Counts(char hash) const {
    return tracker_->store().Count(HashOf(hash)).value_or(SwarmCounts());
  }
  // Waits until so many records have been applied.
  void Await(std::size_t records) {
    std::unique_lock<std::mutex> lock(mu_);
    EXPECT_TRUE(
        changed_.wait_for(lock, std::chrono::seconds(30), [&] { return replicated_ >= records; }));
  }
  void OnDelta(const SwarmDelta& delta) override {
    const std::lock_guard<std::mutex> lock(mu_);
    replicated_ += delta.replicated ? 1 : 0;
    changed_.notify_all();
  }

  LiveSync& sync() { return *sync_; }
  Tracker& tracker() { return *tracker_; }

 private:
  Random random_{1};
  std::unique_ptr<Tracker> tracker_;
  std::unique_ptr<LiveSync> sync_;
  std::mutex mu_;
  std::condition_variable changed_;
  std::size_t replicated_ = 0;
};

TEST(LiveSync, TrackersSeeEachOthersPeersAndSendNothingOn) {
  Node a(E("127.0.0.1:0"));
  Node b(a.sync().listen());
  Node c(a.sync().listen());
  for (Node* node : {&a, &b, &c}) node->Start();
  a.Announce('x', "192.0.2.1:1");
  a.Announce('x', "[2001:db8::1]:1", Event::kCompleted, 0);
  b.Await(2);
  c.Await(2);
  b.Announce('x', "192.0.2.2:2", Event::kStarted, 0);
  a.Await(1);
  c.Await(3);
  const SwarmCounts all{.seeders = 2, .downloaders = 1, .completed = 1};
  for (Node* node : {&a, &b, &c}) EXPECT_EQ(node->Counts('x'), all);
  b.Announce('x', "192.0.2.2:2", Event::kStopped);
  a.Await(2);
  EXPECT_EQ(a.Counts('x'), (SwarmCounts{.seeders = 1, .downloaders = 1, .completed = 1}));
  c.Await(4);
  // What they have heard, nobody has repeated; what they have said, nobody has heard himself.
  EXPECT_EQ(a.sync().Statistics().sent_records, 2u);
  EXPECT_EQ(b.sync().Statistics().sent_records, 2u);
  EXPECT_EQ(c.sync().Statistics().sent_records, 0u);
  EXPECT_EQ(c.sync().Statistics().received_records, 4u);
}

TEST(LiveSync, SendsAKnownPeerAgainAfterTenMinutesOnly) {
  Node a(E("127.0.0.1:0"));
  Node b(a.sync().listen());
  a.Start();
  b.Start();
  a.Announce('x', "192.0.2.1:1");
  a.Announce('x', "192.0.2.1:1", Event::kNone, 1, kStart + Seconds(10 * 60));
  a.Announce('x', "192.0.2.1:1", Event::kNone, 1, kStart + Seconds(21 * 60));
  a.Announce('x', "192.0.2.1:1", Event::kNone, 1, kStart + Seconds(22 * 60));
  a.Announce('x', "192.0.2.1:1", Event::kCompleted, 0, kStart + Seconds(23 * 60));
  a.Announce('x', "192.0.2.1:1", Event::kStopped, 0, kStart + Seconds(23 * 60));
  b.Await(4);
  EXPECT_EQ(b.Counts('x'), (SwarmCounts{.completed = 1}));
  a.sync().Stop();
  EXPECT_EQ(a.sync().Statistics().sent_records, 4u);
}

TEST(LiveSync, SendsWhatFillsAPacketAtOnceAndTheRestAtTheEnd) {
  Node a(E("127.0.0.1:0"));
  Node b(a.sync().listen());
  a.Start();
  b.Start();
  for (int i = 1; i <= 1000; ++i) a.Announce('x', "192.0.2.1:" + std::to_string(i));
  a.sync().Stop();
  a.sync().Stop();
  b.Await(1000);
  EXPECT_EQ(b.Counts('x').downloaders, 1000u);
  EXPECT_EQ(a.sync().Statistics().sent_records, 1000u);
  EXPECT_GE(a.sync().Statistics().sent_packets, 1000u / 52);
  EXPECT_EQ(b.sync().Statistics().received_packets, a.sync().Statistics().sent_packets);
}

TEST(LiveSync, BelievesNodesOnlyAndNoNonsense) {
  Node a(E("127.0.0.1:0"));
  Node strict(a.sync().listen(), {*Cidr::Parse("192.0.2.0/24"), *Cidr::Parse("::/0")});
  Node deaf(a.sync().listen(), {});
  Node b(a.sync().listen());
  for (Node* node : {&a, &strict, &deaf, &b}) node->Start();
  a.Announce('x', "192.0.2.1:1");
  b.Await(1);
  const auto until_dropped = [](Node& node, std::uint64_t packets) {
    while (node.sync().Statistics().dropped_packets < packets) std::this_thread::yield();
  };
  until_dropped(strict, 1);
  until_dropped(deaf, 1);
  EXPECT_EQ(strict.Counts('x'), SwarmCounts());
  EXPECT_EQ(deaf.Counts('x'), SwarmCounts());
  const auto sender = MulticastSender(E("127.0.0.1:0").address());
  ASSERT_TRUE(sender.ok()) << sender.status();
  const SocketAddress to(Endpoint(E("224.0.23.5:1").address(), a.sync().listen().port()));
  ASSERT_EQ(sendto(sender->get(), "nonsense", 8, 0, &to.any, to.size), 8);
  // As a packet of nobody it would be none: no records.
  ASSERT_EQ(sendto(sender->get(), "nonsense!", 9, 0, &to.any, to.size), 9);
  until_dropped(b, 2);
}

TEST(LiveSync, WhatThePolicyRefusesItRefusesFromOthersToo) {
  Node a(E("127.0.0.1:0"));
  Node b(a.sync().listen());
  class RefuseX final : public Policy {
    absl::Status AllowAnnounce(const AnnounceRequest& request, Instant) override {
      return request.info_hash == HashOf('x') ? Refuse("not this one") : absl::OkStatus();
    }
    absl::Status AllowScrape(const InfoHash&, const IpAddress&, Instant) override {
      return absl::OkStatus();
    }
  } refuse_x;
  b.tracker().SetPolicy(&refuse_x);
  a.Start();
  b.Start();
  a.Announce('x', "192.0.2.1:1");
  a.Announce('y', "192.0.2.1:1");
  b.Await(1);
  EXPECT_EQ(b.Counts('x'), SwarmCounts());
  EXPECT_EQ(b.Counts('y').downloaders, 1u);
}

TEST(LiveSync, NeedsAnInterfaceAndSaysWhatIsWrong) {
  const auto status = [](std::string_view listen) {
    LiveSyncOptions options;
    options.listen = E(listen);
    return LiveSync::Open(options).status();
  };
  EXPECT_TRUE(absl::IsInvalidArgument(status("[::1]:9696")));
  EXPECT_TRUE(absl::IsInvalidArgument(status("0.0.0.0:9696")));
  const absl::Status elsewhere = status("192.0.2.1:9696");
  EXPECT_FALSE(elsewhere.ok());
  EXPECT_NE(elsewhere.message().find("live sync on 192.0.2.1:9696: cannot"),
            absl::string_view::npos)
      << elsewhere;
}

}  // namespace
}  // namespace muster
