// SPDX-License-Identifier: Apache-2.0
#include "muster/mirror_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/folder.h"
#include "muster/metainfo.h"
#include "net/client.h"

namespace muster {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

class MirrorServerTest : public ::testing::Test {
 protected:
  static constexpr Instant kNow = InstantFromUnixSeconds(1'700'000'000);
  static constexpr int kPatienceMs = 10'000;

  MirrorServerTest() {
    tree_.Write("yum/a.rpm", std::string(300'000, 'a'));
    tree_.Write("yum/b.rpm", "b");
  }

  void Start(const std::function<void(MirrorServerOptions&)>& change = nullptr) {
    server_.reset();
    auto mirror = Mirror::Create({.root = tree_.path(), .threads = 1}, kNow);
    ASSERT_TRUE(mirror.ok()) << mirror.status();
    mirror_ = *std::move(mirror);
    MirrorServerOptions options{.listeners = {E("127.0.0.1:0"), E("[::1]:0")},
                                .pages_for = IsAnybody,
                                .drain_timeout = milliseconds(50)};
    if (change) change(options);
    auto server = MirrorServer::Start(mirror_.get(), options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  Client Connect(std::size_t listener = 0) { return Client::Tcp(server_->listeners()[listener]); }
  static void Send(Client& client, std::string_view line) {
    EXPECT_TRUE(client.Send(
        absl::StrCat(absl::string_view(line.data(), line.size()), " HTTP/1.1\r\nHost: m\r\n\r\n")));
  }
  void AwaitFlight() {
    while (mirror_->Statistics().flights == 0) std::this_thread::yield();
  }
  // Takes minutes to be hashed.
  void WriteHuge() {
    tree_.Write("yum/huge", "");
    std::filesystem::resize_file(tree_.path("yum/huge"), std::uintmax_t{1} << 40);
  }

  const Folder tree_;
  std::unique_ptr<Mirror> mirror_;
  std::unique_ptr<MirrorServer> server_;
};

TEST_F(MirrorServerTest, FilesTorrentsAndMistakesShareAConnection) {
  Start([](MirrorServerOptions& o) { o.workers = 2; });
  for (const std::size_t listener : {0u, 1u}) {
    Client client = Connect(listener);
    Send(client, "GET /yum/a.rpm");
    auto response = client.ReceiveResponse();
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->body, std::string(300'000, 'a'));
    EXPECT_THAT(response->head, HasSubstr("\r\nDate: "));
    EXPECT_THAT(response->head, HasSubstr("\r\nConnection: keep-alive\r\n"));
    Send(client, "HEAD /yum/a.rpm");
    response = client.ReceiveResponse(/*head_only=*/true);
    EXPECT_THAT(response->head, HasSubstr("\r\nContent-Length: 300000\r\n"));
    Send(client, "GET /y/torrent_service/nullfile/70000_0");
    EXPECT_EQ(client.ReceiveResponse()->body, std::string(70'000, '\0'));
    Send(client, "GET /yum/torrent_service/single/yum/*");
    const auto torrent = Metainfo::Parse(client.ReceiveResponse()->body);
    ASSERT_TRUE(torrent.ok()) << torrent.status();
    EXPECT_EQ(torrent->name(), "yum");
    Send(client, "GET /none");
    EXPECT_EQ(client.ReceiveResponse()->status, 404);
    Send(client, "DELETE /none");
    response = client.ReceiveResponse();
    EXPECT_EQ(response->status, 405);
    EXPECT_THAT(response->head, HasSubstr("\r\nAllow: GET, HEAD, POST\r\n"));
    Send(client, "GET /metrics");
    EXPECT_EQ(client.ReceiveResponse()->status, 200);
    EXPECT_TRUE(client.Send("nonsense\r\n\r\n"));
    EXPECT_EQ(client.ReceiveResponse()->status, 400);
    EXPECT_EQ(client.ReceiveMore(), Client::Got::kEnd);
  }
}

TEST_F(MirrorServerTest, EachLimitOfRequestsIsInForce) {
  using O = MirrorServerOptions&;
  const auto status = [this](const std::string& request) {
    Client client = Connect();
    EXPECT_TRUE(client.Send(request));
    const auto response = client.ReceiveResponse();
    return response.has_value() ? response->status : 0;
  };
  Start([](O o) { o.max_request_bytes = 300; });
  const std::string get = "GET /yum/b.rpm HTTP/1.1\r\nX: ";
  EXPECT_EQ(status(get + std::string(200, 'x') + "\r\n\r\n"), 200);
  EXPECT_EQ(status(get + std::string(300, 'x') + "\r\n\r\n"), 431);

  const std::string part = "POST /y/torrent_service/digest/" + std::string(40, '0') +
                           " HTTP/1.1\r\nHost: m\r\nContent-Length: 5000\r\n\r\n" +
                           std::string(2000, 'x');
  Start([](O o) { o.max_receiving_bytes = 1000; });
  EXPECT_EQ(status(part), 503);
  Start([](O o) { o.request_timeout = milliseconds(30); });
  EXPECT_EQ(status(part), 0);

  Start([](O o) { o.max_requests_per_connection = 2; });
  Client client = Connect();
  Send(client, "GET /yum/b.rpm");
  EXPECT_THAT(client.ReceiveResponse()->head, HasSubstr("Connection: keep-alive"));
  Send(client, "GET /yum/b.rpm");
  EXPECT_THAT(client.ReceiveResponse()->head, HasSubstr("Connection: close"));

  Start([](O o) { o.pages_for = [](const IpAddress&) { return false; }; });
  EXPECT_EQ(status("GET /metrics HTTP/1.1\r\n\r\n"), 403);
}

TEST_F(MirrorServerTest, EachLimitOfConnectionsIsInForce) {
  using O = MirrorServerOptions&;
  WriteHuge();
  Start([](O o) { o.idle_timeout = milliseconds(30); });
  Client idle = Connect();
  Send(idle, "GET /yum/b.rpm");
  EXPECT_EQ(idle.ReceiveResponse()->status, 200);
  EXPECT_EQ(idle.ReceiveMore(), Client::Got::kEnd);

  Start([](O o) { o.answer_timeout = milliseconds(30); });
  Client waits = Connect();
  Send(waits, "GET /yum/torrent_service/single/yum/huge");
  EXPECT_EQ(waits.ReceiveResponse()->status, 503);

  // Nobody takes it.
  Start([](O o) { o.write_timeout = milliseconds(30); });
  Client slow = Connect();
  Send(slow, "GET /yum/huge");
  pollfd end{slow.fd(), 0, 0};  // a reset alone
  EXPECT_EQ(::poll(&end, 1, kPatienceMs), 1);

  Start([](O o) { o.transfer_timeout = milliseconds(30); });
  Client takes = Connect();
  Send(takes, "GET /yum/huge");
  std::string scratch(1 << 20, '\0');
  while (::recv(takes.fd(), scratch.data(), scratch.size(), 0) > 0) {
  }
  EXPECT_EQ(errno, ECONNRESET);

  Start([](O o) { o.max_connections = 1; });
  Client first = Connect();
  Send(first, "GET /yum/b.rpm");
  EXPECT_EQ(first.ReceiveResponse()->status, 200);
  Client second = Connect();
  EXPECT_NE(second.ReceiveMore(), Client::Got::kNothingInTime);
}

TEST_F(MirrorServerTest, ItEndsWhileATorrentIsMade) {
  WriteHuge();
  Start();
  Client client = Connect();
  Send(client, "GET /yum/torrent_service/single/yum/huge");
  AwaitFlight();
  server_->Stop();
  EXPECT_EQ(client.ReceiveToEnd(), Client::Got::kEnd);
  EXPECT_EQ(client.received(), "");
  mirror_.reset();
}

TEST_F(MirrorServerTest, WhoeverWaitsForATorrentHearsThatItIsGivenUp) {
  WriteHuge();
  Start();
  Client client = Connect();
  Client second = Connect();
  Client gone = Connect();
  Send(client, "GET /yum/torrent_service/single/yum/huge");
  AwaitFlight();
  Send(second, "GET /yum/torrent_service/single/yum/huge");
  Send(gone, "GET /yum/torrent_service/single/yum/huge");
  while (mirror_->Statistics().waiting < 3) std::this_thread::yield();
  gone.Close();
  mirror_->Stop();
  EXPECT_EQ(client.ReceiveResponse()->status, 503);
  EXPECT_EQ(second.ReceiveResponse()->status, 503);
}

TEST_F(MirrorServerTest, WhatCannotBeIsAnError) {
  Start();
  const auto starts = [this](const MirrorServerOptions& options) {
    return MirrorServer::Start(mirror_.get(), options).status();
  };
  EXPECT_THAT(starts({.listeners = {server_->listeners()[0]}}).ToString(),
              HasSubstr("address already in use"));
  EXPECT_THAT(starts({}).ToString(), HasSubstr("listeners: 0 is not at least 1"));
  EXPECT_THAT(starts({.listeners = {E("127.0.0.1:0")}, .max_request_bytes = 100}).ToString(),
              HasSubstr("max_request_bytes: 100 is not 256 to 65536"));
  EXPECT_EQ(MirrorServer::Start(mirror_.get(), {.listeners = {E("127.0.0.1:0")}},
                                [] { return absl::CancelledError("no"); })
                .status(),
            absl::CancelledError("no"));
}

}  // namespace
}  // namespace muster
