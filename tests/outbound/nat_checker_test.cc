// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "muster/nat_check.h"
#include "net/fake_server.h"
#include "net/loop_thread.h"
#include "outbound/mse_peer.h"
#include "outbound/outbound_testing.h"

namespace muster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kOpening = 48;

std::string Handshake(char hash = 'a') {
  return "\x13"
         "BitTorrent protocol" +
         std::string(8, '\0') + std::string(20, hash) + "-XX0001-123456789012";
}

class NatCheckerTest : public testing::Test {
 protected:
  ~NatCheckerTest() override {
    loop_.Run([this] { checker_.reset(); });
  }

  void Start(NatCheckOptions options = {}) {
    options.allow_private = true;
    loop_.Run([&] { checker_ = NatChecker::Start(loop_.loop(), options); });
  }

  NatOutcome Check(const Endpoint& peer, bool encrypted = false) {
    std::promise<NatOutcome> outcome;
    loop_.Post([&] {
      checker_->Check({.peer = peer, .info_hash = kHash, .peer_id = kPeer, .encrypted = encrypted},
                      [&](NatOutcome o) { outcome.set_value(o); });
    });
    return outcome.get_future().get();
  }

  // Without waiting for its outcome, which is appended to outcomes_ on the loop's thread.
  void CheckLater(const Endpoint& peer) {
    checker_->Check({.peer = peer, .info_hash = kHash, .peer_id = kPeer},
                    [this](NatOutcome o) { outcomes_.push_back(o); });
  }

  LoopThread loop_;
  std::unique_ptr<NatChecker> checker_;
  std::vector<NatOutcome> outcomes_;
};

TEST_F(NatCheckerTest, APeerThatAnswersIsReachable) {
  Start();
  for (const char* address : {"127.0.0.1:0", "[::1]:0"}) {
    FakeServer peer(
        [](FakeConnection& c) {
          EXPECT_EQ(c.ReceiveAll(kOpening), Handshake().substr(0, kOpening));
          c.Send(Handshake());
          c.WaitForEnd();
        },
        address);
    EXPECT_EQ(Check(peer.endpoint()), NatOutcome::kReachable);
  }
}

TEST_F(NatCheckerTest, AnEncryptedPeerIsReachable) {
  Start();
  FakeServer peer([](FakeConnection& c) {
    MsePeer mse({.skey = kHash, .said = Handshake()});
    for (std::string bytes; !(bytes = c.Receive()).empty();) c.Send(mse.Receive(bytes));
    EXPECT_EQ(mse.fault, "");
  });
  EXPECT_EQ(Check(peer.endpoint(), /*encrypted=*/true), NatOutcome::kReachable);
}

TEST_F(NatCheckerTest, AClosedPortIsRefused) {
  Start();
  EXPECT_EQ(Check(ClosedPort()), NatOutcome::kRefused);
}

TEST_F(NatCheckerTest, APeerThatSaysNothingIsGivenUpInTime) {
  Start({.timeout = milliseconds(100)});
  FakeServer peer([](FakeConnection& c) { c.WaitForEnd(); });
  EXPECT_EQ(Check(peer.endpoint()), NatOutcome::kTimeout);
  EXPECT_EQ(Check(peer.endpoint(), /*encrypted=*/true), NatOutcome::kTimeout);
}

TEST_F(NatCheckerTest, BytesThatTrickleInDoNotPutOffTheEnd) {
  Start({.timeout = milliseconds(200)});
  FakeServer peer([](FakeConnection& c) {
    c.ReceiveAll(kOpening);
    for (const char byte : Handshake()) {
      if (!c.Send({&byte, 1}) || !c.Wait(20)) return;
    }
  });
  EXPECT_EQ(Check(peer.endpoint()), NatOutcome::kTimeout);
}

TEST_F(NatCheckerTest, GarbageIsNoHandshake) {
  Start();
  FakeServer peer([](FakeConnection& c) {
    c.Send(std::string(2000, 'x'));
    c.WaitForEnd();
  });
  EXPECT_EQ(Check(peer.endpoint()), NatOutcome::kNotBitTorrent);
  EXPECT_EQ(Check(peer.endpoint(), /*encrypted=*/true), NatOutcome::kNoEncryption);
}

TEST_F(NatCheckerTest, APeerThatHangsUpIsToldApart) {
  Start();
  FakeServer peer([](FakeConnection& c) { c.ReceiveAll(kOpening); });
  EXPECT_EQ(Check(peer.endpoint()), NatOutcome::kClosed);
}

TEST_F(NatCheckerTest, AnotherTorrentOrPeerIsNotTheOne) {
  Start();
  FakeServer torrent([](FakeConnection& c) {
    c.Send(Handshake('b'));
    c.WaitForEnd();
  });
  EXPECT_EQ(Check(torrent.endpoint()), NatOutcome::kOtherInfoHash);
  FakeServer other([](FakeConnection& c) {
    c.Send(Handshake().substr(0, kOpening) + "-YY0001-123456789012");
    c.WaitForEnd();
  });
  EXPECT_EQ(Check(other.endpoint()), NatOutcome::kOtherPeerId);
}

TEST_F(NatCheckerTest, AddressesThatAreNoPeersAreNotConnectedTo) {
  Start();
  EXPECT_EQ(Check(Endpoint(IpAddress(), 80)), NatOutcome::kNotAllowed);
  EXPECT_EQ(Check(*Endpoint::Parse("224.0.0.1:80")), NatOutcome::kNotAllowed);
  EXPECT_EQ(Check(*Endpoint::Parse("127.0.0.1:0")), NatOutcome::kNotAllowed);
  loop_.Run([&] { checker_ = NatChecker::Start(loop_.loop(), {}); });  // as operators have it
  EXPECT_EQ(Check(ClosedPort()), NatOutcome::kNotAllowed);
  EXPECT_EQ(Check(*Endpoint::Parse("192.168.1.1:80")), NatOutcome::kNotAllowed);
}

TEST_F(NatCheckerTest, NoMoreConnectionsThanSetAndNoMoreWaiting) {
  Start({.max_under_way = 2, .max_queued = 3, .max_per_address = 100});
  FakeServer silent([](FakeConnection& c) { c.WaitForEnd(); });
  loop_.Run([&] {
    for (int i = 0; i < 7; ++i) CheckLater(silent.endpoint());
    EXPECT_EQ(checker_->under_way(), 2u);
    EXPECT_EQ(checker_->queued(), 3u);
    EXPECT_EQ(outcomes_, std::vector<NatOutcome>(2, NatOutcome::kTooMany));
  });
}

TEST_F(NatCheckerTest, WhatWaitsHasItsTurn) {
  Start({.max_under_way = 1});
  FakeServer peer([](FakeConnection& c) { c.Send(Handshake()); });
  loop_.Run([&] {
    for (int i = 0; i < 5; ++i) CheckLater(peer.endpoint());
  });
  loop_.RunUntil([&] { return outcomes_.size() == 5; });
  EXPECT_EQ(outcomes_, std::vector<NatOutcome>(5, NatOutcome::kReachable));
}

TEST_F(NatCheckerTest, OneAddressDoesNotTakeAllPlaces) {
  Start({.max_per_address = 2});
  FakeServer silent([](FakeConnection& c) { c.WaitForEnd(); });
  FakeServer other([](FakeConnection& c) { c.Send(Handshake()); }, "[::1]:0");
  loop_.Run([&] {
    for (int i = 0; i < 3; ++i) CheckLater(silent.endpoint());
    EXPECT_EQ(outcomes_, std::vector<NatOutcome>{NatOutcome::kTooMany});
  });
  EXPECT_EQ(Check(other.endpoint()), NatOutcome::kReachable);
}

TEST_F(NatCheckerTest, AnAddressMayBeCheckedAgainWhenItsChecksAreDone) {
  Start({.max_per_address = 1});
  const Endpoint closed = ClosedPort();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Check(closed), NatOutcome::kRefused);
}

TEST_F(NatCheckerTest, NoMoreBeginInASecondThanSet) {
  Start({.max_per_second = 2, .max_per_address = 100});
  const Endpoint closed = ClosedPort();
  const auto begin = std::chrono::steady_clock::now();
  loop_.Run([&] {
    for (int i = 0; i < 3; ++i) CheckLater(closed);
    EXPECT_EQ(checker_->under_way(), 2u);
    EXPECT_EQ(checker_->queued(), 1u);
  });
  loop_.RunUntil([&] { return outcomes_.size() == 3; });
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(990));
}

TEST_F(NatCheckerTest, ClosingCancelsWhatIsNotDone) {
  Start({.max_under_way = 1});
  FakeServer silent([](FakeConnection& c) { c.WaitForEnd(); });
  std::promise<void> closed;
  loop_.Run([&] {
    CheckLater(silent.endpoint());
    CheckLater(silent.endpoint());
    checker_->Close([&] { closed.set_value(); });
    EXPECT_EQ(outcomes_, std::vector<NatOutcome>(2, NatOutcome::kCancelled));
    CheckLater(silent.endpoint());
    EXPECT_EQ(outcomes_.size(), 3u);
  });
  closed.get_future().wait();
}

TEST_F(NatCheckerTest, AnOutcomeMayDestroyTheChecker) {
  Start({.max_under_way = 2});
  const Endpoint closed = ClosedPort();
  std::promise<void> done;
  int told = 0;
  loop_.Run([&] {
    for (int i = 0; i < 4; ++i) {
      checker_->Check({.peer = closed, .info_hash = kHash}, [&](NatOutcome) {
        ++told;
        checker_.reset();
        done.set_value();
      });
    }
  });
  done.get_future().wait();
  loop_.Run([&] { EXPECT_EQ(told, 1); });
}

TEST_F(NatCheckerTest, AFileDescriptorThatIsMissingIsNotThePeersFault) {
  Start();
  std::vector<UniqueFd> all;
  const Endpoint closed = ClosedPort();
  for (int fd; (fd = dup(0)) >= 0 && all.size() < 1'000'000;) all.emplace_back(fd);
  EXPECT_EQ(Check(closed), NatOutcome::kNoResources);
}

}  // namespace
}  // namespace muster
