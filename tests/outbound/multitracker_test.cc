// SPDX-License-Identifier: Apache-2.0
#include "outbound/multitracker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "net/client.h"
#include "net/fake_server.h"
#include "net/loop_thread.h"
#include "outbound/outbound_testing.h"
#include "wire/udp_packet.h"

namespace muster {
namespace {

using std::chrono::milliseconds;
using std::string_literals::operator""s;

const InfoHash kOther = *InfoHash::FromText("bbbbbbbbbbbbbbbbbbbb");
const PeerId kTracker = *PeerId::FromText("-MU0100-T-1234567890");

const std::string kTwoPeers = "d8:intervali1e5:peers12:\x01\2\3\4\0\7\x7f\0\0\1\0\7e"s;

// A tracker that answers each request with the same body, and keeps the requests.
FakeServer::Serve Answers(std::string body, std::vector<std::string>* requests = nullptr) {
  return [body, requests](FakeConnection& c) {
    const std::string request = c.ReceiveUntil("\r\n\r\n");
    if (requests != nullptr) requests->push_back(request.substr(0, request.find(" HTTP")));
    c.Send(HttpReplyText(body));
  };
}

class MultitrackerTest : public testing::Test {
 protected:
  ~MultitrackerTest() override {
    loop_.Run([this] { multitracker_.reset(); });
  }

  void Start(std::vector<MultitrackerTorrent> torrents, MultitrackerOptions options = {}) {
    options.interval = Seconds(1);
    loop_.Run([&] {
      multitracker_ = Multitracker::Start(
          loop_.loop(), options, kTracker, Random(5),
          [this](const InfoHash& hash, absl::Span<const Endpoint> peers) {
            for (const Endpoint& peer : peers) harvested_[hash].push_back(peer.ToString());
          },
          &log_, &counters_);
      multitracker_->SetTorrents(torrents);
    });
  }
  void Set(const std::vector<MultitrackerTorrent>& torrents) {
    loop_.Run([&] { multitracker_->SetTorrents(torrents); });
  }
  static std::string Url(const FakeServer& server, std::string_view target = "/announce") {
    return "http://" + server.endpoint().ToString() + std::string(target);
  }

  LogLines log_;
  OutboundCounters counters_;
  std::map<InfoHash, std::vector<std::string>> harvested_;
  LoopThread loop_;
  ClosingPtr<Multitracker> multitracker_;
};

TEST_F(MultitrackerTest, AsksTheTrackersOfATorrentAndTakesTheirPublicPeers) {
  std::vector<std::string> requests;
  FakeServer server(Answers(kTwoPeers, &requests));
  Start({{kHash, {"https://not.spoken/", Url(server), Url(server), "nonsense"}}});
  loop_.Run([&] { EXPECT_EQ(multitracker_->scheduled(), 1u); });
  loop_.RunUntil([&] { return harvested_[kHash].size() >= 2; });  // asked twice
  loop_.Run([&] {
    EXPECT_EQ(harvested_[kHash][0], "1.2.3.4:7");
    EXPECT_EQ(harvested_[kHash][1], "1.2.3.4:7");
    EXPECT_TRUE(log_.Has("gave 1 peers"));
    EXPECT_EQ(counters_.foreign_peers.value(), harvested_[kHash].size());
    EXPECT_EQ(counters_.trackers_answered.value(), harvested_[kHash].size());
    EXPECT_EQ(counters_.trackers_failed.value(), 0u);
    multitracker_.reset();
  });
  EXPECT_NE(requests[0].find("&tracker=1&numwant=20"), std::string::npos);
  EXPECT_NE(requests[0].find("peer_id=-MU0100-T-"), std::string::npos);
}

TEST_F(MultitrackerTest, PrivatePeersAreTakenWhenAllowed) {
  FakeServer server(Answers(kTwoPeers));
  Start({{kHash, {Url(server)}}}, {.allow_private = true});
  loop_.RunUntil([&] { return !harvested_[kHash].empty(); });
  loop_.Run([&] { EXPECT_EQ(harvested_[kHash][1], "127.0.0.1:7"); });
}

TEST_F(MultitrackerTest, OurselvesAreGivenUpForAllTorrentsUntilNoneNamesThem) {
  FakeServer server(Answers("d14:failure reason10:disallowede"));
  const std::string url = Url(server);
  Start({{kHash, {url}}, {kOther, {url}}});
  loop_.RunUntil([&] { return multitracker_->scheduled() == 0; });
  loop_.Run([&] { EXPECT_TRUE(log_.Has("given up for all torrents")); });
  Set({{kHash, {url}}, {*InfoHash::FromText("cccccccccccccccccccc"), {url}}});
  loop_.Run([&] { EXPECT_EQ(multitracker_->scheduled(), 0u); });
  Set({});
  Set({{kHash, {url}}});
  loop_.Run([&] { EXPECT_EQ(multitracker_->scheduled(), 1u); });
}

TEST_F(MultitrackerTest, ATrackerThatFailsIsAskedAgain) {
  Start({{kHash, {"http://" + ClosedPort().ToString() + "/announce"}}});
  loop_.RunUntil([&] { return log_.Has("connection refused"); });
  loop_.Run([&] { EXPECT_EQ(multitracker_->scheduled(), 1u); });
}

TEST_F(MultitrackerTest, ATorrentThatGoesIsNotAskedAboutAndOneThatStaysKeepsItsPlace) {
  FakeServer silent([](FakeConnection& c) { c.WaitForEnd(); });
  const MultitrackerTorrent stays{kHash, {Url(silent)}};
  Start({stays, {kOther, {Url(silent)}}});
  loop_.RunUntil([&] { return multitracker_->under_way() == 2; });
  Set({stays});
  loop_.Run([&] {
    EXPECT_EQ(multitracker_->under_way(), 1u);
    EXPECT_EQ(multitracker_->scheduled(), 1u);
  });
}

TEST_F(MultitrackerTest, NoMoreQuestionsAtATimeThanSetAndNoMoreTrackersOfATorrent) {
  FakeServer silent([](FakeConnection& c) { c.WaitForEnd(); });
  Start({{kHash, {Url(silent, "/1"), Url(silent, "/2"), Url(silent, "/3")}},
         {kOther, {Url(silent, "/1"), Url(silent, "/2"), Url(silent, "/3")}}},
        {.max_under_way = 1, .max_trackers = 2});
  loop_.Run([&] { EXPECT_EQ(multitracker_->scheduled(), 4u); });
  loop_.RunUntil([&] { return multitracker_->under_way() > 0; });
  loop_.Run([&] { EXPECT_EQ(multitracker_->under_way(), 1u); });
}

TEST_F(MultitrackerTest, AsksByUdpToo) {
  Client tracker = Client::Udp();
  tracker.SetTimeout(std::chrono::seconds(30));
  const std::string url = "udp://" + tracker.local().ToString() + "/announce";
  std::thread answers([&] {
    std::uint8_t bytes[kMaxUdpAnswer];
    for (int i = 0; i < 2; ++i) {
      const auto asked = tracker.Receive();
      if (!asked) return;
      const UdpHeader header = DecodeUdpHeader(BytesOf(asked->bytes));
      const std::size_t size = header.kind == UdpKind::kConnect
                                   ? EncodeUdpConnect(header.transaction_id, 7, bytes)
                                   : EncodeUdpAnnounceHeader(header.transaction_id, {}, bytes);
      std::string answer(TextOf({bytes, size}));
      if (header.kind == UdpKind::kAnnounce) answer += std::string("\1\2\3\4\0\7", 6);
      tracker.SendTo(asked->from, answer);
    }
  });
  Start({{kHash, {url}}});
  loop_.RunUntil([&] { return !harvested_[kHash].empty(); });
  answers.join();
  loop_.Run([&] { EXPECT_EQ(harvested_[kHash][0], "1.2.3.4:7"); });
}

class TrackerQuestionTest : public testing::Test {
 protected:
  absl::StatusOr<TrackerReply> Ask(const std::string& url, const TrackerQuestionOptions& options) {
    std::promise<absl::StatusOr<TrackerReply>> answer;
    ClosingPtr<TrackerQuestion> question;
    loop_.Run([&] {
      question = TrackerQuestion::Ask(
          loop_.loop(), *TrackerUrl::Parse(url), {.info_hash = kHash, .numwant = 5}, options,
          Random(3), [&](absl::StatusOr<TrackerReply> r) { answer.set_value(std::move(r)); });
    });
    auto got = answer.get_future().get();
    loop_.Run([&] { question.reset(); });
    return got;
  }

  LoopThread loop_;
};

TEST_F(TrackerQuestionTest, ADatagramThatIsLostIsSentAgainAndAnEndComes) {
  Client silent = Client::Udp();
  const auto answer = Ask("udp://" + silent.local().ToString(),
                          {.timeout = milliseconds(100), .udp_retry = milliseconds(20)});
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kDeadlineExceeded);
  silent.SetTimeout(milliseconds(10));
  int datagrams = 0;
  while (silent.Receive()) ++datagrams;
  EXPECT_EQ(datagrams, 3);  // at 0, 20 and 60
}

TEST_F(TrackerQuestionTest, AStatusThatIsNoneOfATrackerIsAnErrorUnlessItRefuses) {
  const auto with = [](std::string_view body) {
    return [text = "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n" +
                   std::string(body)](FakeConnection& c) {
      c.ReceiveUntil("\r\n\r\n");
      c.Send(text);
    };
  };
  FakeServer plain(with("<html>"));
  EXPECT_FALSE(Ask("http://" + plain.endpoint().ToString(), {}).ok());
  FakeServer empty(with("de"));
  EXPECT_FALSE(Ask("http://" + empty.endpoint().ToString(), {}).ok());
  FakeServer refuses(with("d14:failure reason2:noe"));
  EXPECT_EQ(Ask("http://" + refuses.endpoint().ToString(), {})->failure, "no");
}

TEST_F(TrackerQuestionTest, ANameThatIsNoneIsAnError) {
  EXPECT_EQ(Ask("udp://no-such-host.invalid:1", {}).status().code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace muster
