// SPDX-License-Identifier: Apache-2.0
#include "load/run.h"

#include <netdb.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/text.h"

namespace muster::load {
namespace {

constexpr int kSocketBuffer = 4 << 20;

bool IsLoopback(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0;
}

absl::Status Errno(const char* what) { return absl::ErrnoToStatus(errno, what); }

}  // namespace

absl::StatusOr<Target> Target::FromUrl(std::string_view url, bool allow_remote) {
  Target target;
  const auto bad = [&](const char* why) {
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(url), ": ", why));
  };
  std::string_view rest = url;
  if (rest.starts_with("udp://")) {
    rest.remove_prefix(6);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    target.udp = false;
  } else {
    return bad("a target is udp://HOST:PORT or http://HOST:PORT/announce");
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  target.path = rest.substr(slash);
  if (target.path.empty()) target.path = "/announce";
  target.host = rest.substr(0, slash);

  std::string host = target.host;
  std::string port = target.udp ? "" : "80";
  if (const std::size_t colon = host.rfind(':');
      colon != std::string::npos && host.find(']', colon) == std::string::npos) {
    port = host.substr(colon + 1);
    host.resize(colon);
  }
  if (port.empty()) return bad("a port is needed");
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (host == "localhost") host = "127.0.0.1";
  addrinfo hints = {};
  hints.ai_flags = AI_NUMERICSERV | (allow_remote ? 0 : AI_NUMERICHOST);
  hints.ai_socktype = target.udp ? SOCK_DGRAM : SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int rc = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); rc != 0) {
    return bad(gai_strerror(rc));
  }
  std::memcpy(&target.address, found->ai_addr, found->ai_addrlen);
  target.address_size = found->ai_addrlen;
  target.family = found->ai_family == AF_INET ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  freeaddrinfo(found);
  target.loopback = IsLoopback(target.address);
  if (!target.loopback && !allow_remote) {
    return bad("not an address of this machine's loopback; --allow-remote if you may load it");
  }
  return target;
}

std::uint64_t Tally::wrong() const {
  return std::accumulate(faults.begin(), faults.end(), std::uint64_t{0});
}

void Tally::Merge(const Tally& other) {
  sent += other.sent;
  lost += other.lost;
  again += other.again;
  late += other.late;
  reopened += other.reopened;
  judged += other.judged;
  inspected += other.inspected;
  peers += other.peers;
  bytes += other.bytes;
  for (std::size_t i = 0; i < kActions; ++i) answered[i] += other.answered[i];
  for (std::size_t i = 0; i < kFaults; ++i) faults[i] += other.faults[i];
  if (example.empty()) example = other.example;
  latency.Merge(other.latency);
  seconds = std::max(seconds, other.seconds);
}

std::uint64_t NowNs() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(t.tv_nsec);
}

absl::StatusOr<int> OpenSource(int type, const Target& target, const Plan& plan,
                               std::uint32_t source) {
  const int fd = socket(target.address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Errno("socket");
  if (type == SOCK_DGRAM) {
    // As large as we may; a smaller one only loses answers under a larger window, which is seen and
    // counted.
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBuffer, sizeof kSocketBuffer) != 0) {
      setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kSocketBuffer, sizeof kSocketBuffer);
    }
  }
  if (plan.options().own_addresses) {
    // The kernel picks the port at connect(), so that ports are used once per pair of ends, not
    // once per address.
    const int on = 1;
    setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in own = {};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(kFirstSource + source);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) {
      const absl::Status status = Errno("bind");
      close(fd);
      return status;
    }
  }
  if (connect(fd, reinterpret_cast<const sockaddr*>(&target.address), target.address_size) != 0 &&
      errno != EINPROGRESS) {
    const absl::Status status = Errno("connect");
    close(fd);
    return status;
  }
  return fd;
}

Endpoint OwnEndpoint(const Target& target, const Plan& plan, std::uint32_t source,
                     std::uint16_t port) {
  if (plan.options().own_addresses) {
    std::uint8_t bytes[4];
    StoreBig32(bytes, kFirstSource + source);
    return Endpoint(IpAddress::FromIpv4(bytes), port);
  }
  // All sources share the address that the kernel chooses towards this target.
  static const IpAddress own = [&target] {
    const int fd = socket(target.address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_storage name = {};
    socklen_t size = sizeof name;
    connect(fd, reinterpret_cast<const sockaddr*>(&target.address), target.address_size);
    getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
    close(fd);
    if (name.ss_family == AF_INET) {
      const auto& v4 = reinterpret_cast<const sockaddr_in&>(name);
      return IpAddress::FromIpv4(reinterpret_cast<const std::uint8_t*>(&v4.sin_addr));
    }
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(name);
    return IpAddress::FromIpv6(v6.sin6_addr.s6_addr);
  }();
  return Endpoint(own, port);
}

Fault JudgeScrape(Fault read, const ScrapeView& view, const Asked& asked, Phase phase) {
  return read != Fault::kNone ? read : CheckScrape(view, asked, phase == Phase::kCheck);
}

Fault JudgeAnnounce(Fault read, const AnnounceView& view, const Asked& asked, const Endpoint& own,
                    const RunOptions& options, Tally& tally) {
  const Fault fault = read == Fault::kNone ? CheckAnnounce(view, asked) : read;
  if (fault != Fault::kNone) return fault;
  tally.peers += view.peers.size() / CompactSize(asked.family);
  if (++tally.judged % options.verify_every != 0) return Fault::kNone;
  ++tally.inspected;
  return CheckPeers(view, asked, own);
}

}  // namespace muster::load
