// SPDX-License-Identifier: Apache-2.0
#include "net/socket.h"

#include <fcntl.h>

#include <utility>
#include <vector>

#include "net/client.h"

namespace muster {
namespace {

TEST(SocketAddress, IsTheSameEndpointBothWays) {
  for (const char* text : {"192.0.2.1:6881", "0.0.0.0:0", "[2001:db8::1]:6969", "[::]:65535"}) {
    EXPECT_EQ(SocketAddress(E(text)).endpoint().ToString(), text);
    EXPECT_EQ(SocketAddress(E(text)).address(), E(text).address());
  }
}

TEST(SocketAddress, TurnsAMappedAddressIntoIpv4) {
  SocketAddress address(E("[2001:db8::1]:6881"));
  const std::uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
  std::memcpy(&address.v6.sin6_addr, mapped, sizeof mapped);
  EXPECT_EQ(address.endpoint(), E("192.0.2.1:6881"));
  EXPECT_EQ(address.address(), E("192.0.2.1:0").address());
}

class SocketTest : public testing::TestWithParam<absl::StatusOr<UniqueFd> (*)(
                       const Endpoint&, const SocketOptions&)> {};
INSTANTIATE_TEST_SUITE_P(UdpAndTcp, SocketTest, testing::Values(&BindUdp, &ListenTcp));

TEST_P(SocketTest, IsNonBlockingAndClosedOnExec) {
  const absl::StatusOr<UniqueFd> fd = GetParam()(E("127.0.0.1:0"), {});
  ASSERT_TRUE(fd.ok());
  EXPECT_NE(fcntl(fd->get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_P(SocketTest, SaysThatAnAddressIsTaken) {
  const absl::StatusOr<UniqueFd> first = GetParam()(E("127.0.0.1:0"), {});
  ASSERT_TRUE(first.ok());
  const Endpoint taken = *LocalEndpoint(first->get());
  for (const PortSharing sharing : {PortSharing::kNone, PortSharing::kFirst, PortSharing::kJoin}) {
    EXPECT_EQ(GetParam()(taken, {.sharing = sharing}).status().message(), "address already in use");
  }
}

TEST_P(SocketTest, SharesItsPortOnlyWithThoseThatJoin) {
  const absl::StatusOr<UniqueFd> first =
      GetParam()(E("127.0.0.1:0"), {.sharing = PortSharing::kFirst});
  ASSERT_TRUE(first.ok());
  const Endpoint shared = *LocalEndpoint(first->get());
  const absl::StatusOr<UniqueFd> second = GetParam()(shared, {.sharing = PortSharing::kJoin});
  EXPECT_TRUE(second.ok()) << second.status();
  EXPECT_FALSE(GetParam()(shared, {.sharing = PortSharing::kNone}).ok());
  EXPECT_FALSE(GetParam()(shared, {.sharing = PortSharing::kFirst}).ok());
}

TEST_P(SocketTest, OfAllAddressesStandsBesideOneThatJoins) {
  const absl::StatusOr<UniqueFd> all = GetParam()(E("0.0.0.0:0"), {.sharing = PortSharing::kFirst});
  ASSERT_TRUE(all.ok());
  const Endpoint one(*IpAddress::Parse("127.0.0.1"), LocalEndpoint(all->get())->port());
  const absl::StatusOr<UniqueFd> joined = GetParam()(one, {.sharing = PortSharing::kJoin});
  ASSERT_TRUE(joined.ok()) << joined.status();
  for (const UniqueFd* fd : {&*all, &*joined}) EXPECT_TRUE(StopSharing(fd->get()).ok());
  const Endpoint other(*IpAddress::Parse("127.0.0.2"), one.port());
  EXPECT_FALSE(GetParam()(other, {.sharing = PortSharing::kJoin}).ok());
  EXPECT_FALSE(GetParam()(one, {}).ok());
}

TEST_P(SocketTest, AnIpv6SocketLeavesIpv4Alone) {
  // Another program may have the same port of IPv4, but not each that IPv6 has free.
  std::vector<UniqueFd> held;
  bool both = false;
  while (!both && held.size() < 20) {
    absl::StatusOr<UniqueFd> six = GetParam()(E("[::]:0"), {});
    ASSERT_TRUE(six.ok());
    const Endpoint four(*IpAddress::Parse("0.0.0.0"), LocalEndpoint(six->get())->port());
    both = GetParam()(four, {}).ok();
    held.push_back(*std::move(six));
  }
  EXPECT_TRUE(both);
}

TEST_P(SocketTest, SaysThatAnAddressIsNotOurs) {
  EXPECT_EQ(GetParam()(E("192.0.2.1:0"), {}).status().message(), "cannot assign requested address");
}

TEST(UdpSocket, AsksForTheBufferItIsTold) {
  const absl::StatusOr<UniqueFd> fd = BindUdp(E("127.0.0.1:0"), {.buffer = 50'000});
  ASSERT_TRUE(fd.ok());
  for (const int option : {SO_RCVBUF, SO_SNDBUF}) {
    int size = 0;
    socklen_t length = sizeof size;
    ASSERT_EQ(getsockopt(fd->get(), SOL_SOCKET, option, &size, &length), 0);
    EXPECT_EQ(size, 100'000);  // Linux doubles it, for its own bookkeeping
  }
}

}  // namespace
}  // namespace muster
