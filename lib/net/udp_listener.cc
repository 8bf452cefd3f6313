// SPDX-License-Identifier: Apache-2.0
#include "net/udp_listener.h"

#include <linux/sock_diag.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "base/cache_line.h"
#include "net/proxy_protocol.h"

namespace muster {
namespace {

// Batches answered before the loop gets its turn again: about a millisecond of work, so that a
// flood of datagrams does not starve the loop's other handles.
constexpr int kMaxRounds = 8;

// One batch in so many is timed: reading the clock costs more than an announce.
constexpr std::uint32_t kTimedEvery = 32;
// As does asking the kernel what it dropped, which is done after so many milliseconds.
constexpr std::uint64_t kAskDropsAfter = 1000;

}  // namespace

struct UdpListener::Buffers {
  // All that belongs to one datagram. An odd number of cache lines, so that the slots' beginnings,
  // which every datagram touches, spread over all sets of the first-level cache.
  struct alignas(kCacheLine) Slot {
    SocketAddress from;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in6_pktinfo))];
    std::uint8_t request[kMaxRequest];
    std::uint8_t answer[kMaxAnswer];
  };
  static_assert(sizeof(Slot) / kCacheLine % 2 == 1);

  explicit Buffers(const Endpoint& local) : control_size(0) {
    if (local.address().is_unspecified()) control_size = sizeof Slot::control;
    const socklen_t address_size = SocketAddress(local).size;
    for (std::size_t i = 0; i < kBatch; ++i) {
      Slot& slot = slots[i];
      in_bytes[i] = {slot.request, sizeof slot.request};
      in[i].msg_hdr.msg_iov = &in_bytes[i];
      in[i].msg_hdr.msg_name = &slot.from.any;
      in[i].msg_hdr.msg_control = control_size > 0 ? slot.control : nullptr;
      in[i].msg_hdr.msg_controllen = control_size;
      out[i].msg_hdr.msg_iov = &out_bytes[i];
      // The sockets take one family each, so the kernel leaves the address's size at what it is.
      for (mmsghdr* message : {&in[i], &out[i]}) {
        message->msg_hdr.msg_iovlen = 1;
        message->msg_hdr.msg_namelen = address_size;
      }
    }
  }

  Slot slots[kBatch];
  mmsghdr in[kBatch] = {};
  iovec in_bytes[kBatch] = {};
  mmsghdr out[kBatch] = {};
  iovec out_bytes[kBatch] = {};
  UdpDatagram batch[kBatch];
  // The message in `in` that each datagram of the batch came as.
  const msghdr* came_as[kBatch] = {};
  // On a wildcard socket, room for the address that was asked; else 0.
  std::size_t control_size;
};

namespace {

// Turns "it came to this address through that interface" into "send it from this address, the way
// the routes go". Only a link-local address means nothing without its interface.
void AnswerFromWhereItCame(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      reinterpret_cast<in_pktinfo*>(CMSG_DATA(c))->ipi_ifindex = 0;
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      auto* info = reinterpret_cast<in6_pktinfo*>(CMSG_DATA(c));
      if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr)) info->ipi6_ifindex = 0;
    }
  }
}

}  // namespace

UdpListener::UdpListener(UniqueFd socket, const Endpoint& local, Handler handler,
                         UdpCounters* counters, LogSink* log, Proxies proxies)
    : socket_(std::move(socket)),
      buffers_(std::make_unique<Buffers>(local)),
      handler_(std::move(handler)),
      proxies_(std::move(proxies)),
      log_(log),
      counters_(*counters) {}

UdpListener::~UdpListener() = default;

absl::StatusOr<ClosingPtr<UdpListener>> UdpListener::Start(uv_loop_t* loop, UniqueFd socket,
                                                           Handler handler, UdpCounters* counters,
                                                           LogSink* log, Proxies proxies) {
  const absl::StatusOr<Endpoint> local = LocalEndpoint(socket.get());
  if (!local.ok()) return local.status();
  auto* listener = new UdpListener(std::move(socket), *local, std::move(handler), counters, log,
                                   std::move(proxies));
  const int error = uv_poll_init(loop, &listener->poll_, listener->socket_.get());
  if (error != 0) {
    delete listener;
    return absl::InternalError(uv_strerror(error));
  }
  listener->poll_.data = listener;
  uv_poll_start(&listener->poll_, UV_READABLE, &OnReadable);
  return ClosingPtr<UdpListener>(listener);
}

void UdpListener::Close(Closed closed) {
  Drain();
  closed_ = std::move(closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
    auto* self = static_cast<UdpListener*>(handle->data);
    FreeThenCall(self, std::move(self->closed_));
  });
  socket_.reset();
}

void UdpListener::OnReadable(uv_poll_t* handle, int status, int /*events*/) {
  auto* self = static_cast<UdpListener*>(handle->data);
  if (status < 0) {
    // The socket holds an error. Fetching it clears it; libuv has stopped polling.
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(self->socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (self->log_ != nullptr) {
      self->log_->Log(LogLevel::kWarning,
                      std::string("a UDP socket reports: ") + std::strerror(error));
    }
    uv_poll_start(handle, UV_READABLE, &OnReadable);
  }
  self->Drain();
}

void UdpListener::Drain() {
  for (int round = 0; round < kMaxRounds; ++round) {
    const int n = recvmmsg(socket_.get(), buffers_->in, kBatch, MSG_DONTWAIT, nullptr);
    // Nothing there, or out of memory for the moment: the loop comes back to it.
    if (n <= 0) return;
    const auto received = static_cast<std::size_t>(n);
    if (++batches_ % kTimedEvery == 0) {
      const std::uint64_t before = uv_hrtime();
      AnswerBatch(received);
      counters_.latency.Record(uv_hrtime() - before, received);
    } else {
      AnswerBatch(received);
    }
    // The kernel drops when we fall behind; then batches are full, unless its buffer is small.
    const bool last = received < kBatch || round + 1 == kMaxRounds;
    const bool behind = last && (round > 0 || received == kBatch);
    if (behind || uv_now(poll_.loop) - asked_drops_at_ >= kAskDropsAfter) CountDrops();
    if (last) return;
  }
}

void UdpListener::CountDrops() {
  asked_drops_at_ = uv_now(poll_.loop);
  std::uint32_t memory[SK_MEMINFO_VARS] = {};
  socklen_t size = sizeof memory;
  if (getsockopt(socket_.get(), SOL_SOCKET, SO_MEMINFO, memory, &size) != 0) return;
  counters_.kernel_drops.Add(memory[SK_MEMINFO_DROPS] - kernel_drops_);
  kernel_drops_ = memory[SK_MEMINFO_DROPS];
}

void UdpListener::AnswerBatch(std::size_t received) {
  Buffers& b = *buffers_;
  counters_.received.Add(received);
  std::size_t count = 0;
  for (std::size_t i = 0; i < received; ++i) {
    const Buffers::Slot& slot = b.slots[i];
    const Endpoint from = slot.from.endpoint();
    // Cut short by our buffer, or nowhere to answer to.
    if ((b.in[i].msg_hdr.msg_flags & MSG_TRUNC) != 0 || from.port() == 0) {
      counters_.noise.Add();
      continue;
    }
    b.batch[count] = {{slot.request, b.in[i].msg_len}, from, absl::MakeSpan(b.slots[i].answer)};
    if (proxies_ && !TakePreamble(b.batch[count])) {
      counters_.noise.Add();
      continue;
    }
    b.came_as[count++] = &b.in[i].msg_hdr;
  }
  if (count > 0) {
    handler_(absl::MakeSpan(b.batch, count));
    Send(count);
  }
  if (b.control_size > 0) {  // the kernel cut it to what it filled in
    for (std::size_t i = 0; i < received; ++i) b.in[i].msg_hdr.msg_controllen = b.control_size;
  }
}

// False where it comes from nobody who is believed, or has none. Nothing depends on the sender's port,
// which stays that of the proxy.
bool UdpListener::TakePreamble(UdpDatagram& datagram) const {
  if (!proxies_(datagram.from.address())) return false;
  const ProxyPreamble preamble = ParseProxyDatagram(
      {reinterpret_cast<const char*>(datagram.request.data()), datagram.request.size()});
  if (preamble.result != ProxyPreamble::Result::kDone) return false;
  if (!preamble.client.has_value() && !preamble.is_local)
    return false;  // it does not know for whom
  datagram.request.remove_prefix(preamble.size);
  if (preamble.client.has_value()) datagram.from = Endpoint(*preamble.client, datagram.from.port());
  return true;
}

void UdpListener::Send(std::size_t count) {
  Buffers& b = *buffers_;
  std::size_t answers = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const absl::Span<std::uint8_t> answer = b.batch[i].answer;
    if (answer.empty()) continue;
    msghdr& message = b.out[answers].msg_hdr;
    b.out_bytes[answers++] = {answer.data(), answer.size()};
    message.msg_name = b.came_as[i]->msg_name;
    if (b.control_size > 0) {
      message.msg_control = b.came_as[i]->msg_control;
      message.msg_controllen = b.came_as[i]->msg_controllen;
      AnswerFromWhereItCame(message);
    }
  }
  for (std::size_t sent = 0; sent < answers;) {
    const int n = sendmmsg(socket_.get(), b.out + sent, static_cast<unsigned>(answers - sent),
                           MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) {
      sent += static_cast<std::size_t>(n);
      counters_.answered.Add(static_cast<std::uint64_t>(n));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
      // Whoever is not answered asks again; waiting would only hold up those who come next.
      counters_.unsent.Add(answers - sent);
      return;
    } else if (errno != EINTR) {
      // An address that cannot be sent to, say: this answer's own trouble, not that of the others.
      counters_.send_failed.Add();
      ++sent;
    }
  }
}

}  // namespace muster
