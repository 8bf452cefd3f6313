// SPDX-License-Identifier: Apache-2.0
//
//   OnDelta ─► a packet for each family ─► the group            on announcing threads, when it is full
//                                     └──► the group            on the thread, when its time has come
//   the group ─► records ─► Tracker::Replicate                  on the thread
#include "muster/live_sync.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "muster/announce.h"
#include "muster/ip_set.h"
#include "muster/random.h"
#include "net/multicast.h"
#include "net/socket.h"
#include "wire/live_sync_packet.h"

namespace muster {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr std::uint8_t kGroup[4] = {224, 0, 23, 5};

// A known peer is sent again when it was last seen more than so many minutes ago.
constexpr std::int32_t kResendMinutes = 10;

// Packets read before the thread looks whether it is to send or to stop.
constexpr int kMostAtOnce = 256;

class LiveSyncImpl final : public LiveSync {
 public:
  LiveSyncImpl(const LiveSyncOptions& options, const Endpoint& listen, UniqueFd receiver,
               UniqueFd sender, UniqueFd wake)
      : options_(options),
        listen_(listen),
        nodes_(absl::MakeConstSpan(options.nodes)),
        tracker_id_(static_cast<std::uint32_t>(Random::FromSystem().Next())),
        receiver_(std::move(receiver)),
        sender_(std::move(sender)),
        wake_(std::move(wake)) {}
  ~LiveSyncImpl() override { Stop(); }

  absl::Status Start(Tracker* tracker) override;
  void Stop() override;
  const Endpoint& listen() const override { return listen_; }
  LiveSyncStatistics Statistics() const override;
  void OnDelta(const SwarmDelta& delta) override;

 private:
  void Run();
  void Receive();
  void Apply(std::string_view bytes, const Endpoint& from);
  void Send(LiveSyncBuilder& packet) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SendAll();
  // As a server has it: the system's clock once, and steady time from then on.
  Instant Now() const {
    if (options_.clock) return options_.clock();
    return std::chrono::floor<Seconds>(opened_at_ + (std::chrono::steady_clock::now() - steady_));
  }

  const LiveSyncOptions options_;
  const std::chrono::system_clock::time_point opened_at_ = std::chrono::system_clock::now();
  const std::chrono::steady_clock::time_point steady_ = std::chrono::steady_clock::now();
  const Endpoint listen_;
  const IpSet nodes_;
  const std::uint32_t tracker_id_;
  const UniqueFd receiver_;
  const UniqueFd sender_;
  const UniqueFd wake_;  // readable: stop
  Tracker* tracker_ = nullptr;
  std::thread thread_;
  std::atomic<bool> running_{false};

  // Of what came, written by the thread alone.
  std::atomic<std::uint64_t> received_records_{0};
  std::atomic<std::uint64_t> received_packets_{0};
  std::atomic<std::uint64_t> dropped_packets_{0};

  mutable Mutex mu_;
  LiveSyncBuilder ipv4_ ABSL_GUARDED_BY(mu_){tracker_id_, AddressFamily::kIpv4};
  LiveSyncBuilder ipv6_ ABSL_GUARDED_BY(mu_){tracker_id_, AddressFamily::kIpv6};
  std::uint64_t sent_records_ ABSL_GUARDED_BY(mu_) = 0;
  std::uint64_t sent_packets_ ABSL_GUARDED_BY(mu_) = 0;
  std::uint64_t send_errors_ ABSL_GUARDED_BY(mu_) = 0;
};

// --- sending ---

void LiveSyncImpl::OnDelta(const SwarmDelta& delta) {
  if (delta.replicated || !running_.load(std::memory_order_relaxed)) return;
  const bool stopped = delta.state == PeerState::kStopped;
  const bool is_known = delta.minutes_since_seen >= 0;
  if (is_known && !stopped && !delta.completed && delta.minutes_since_seen <= kResendMinutes)
    return;
  MutexLock lock(&mu_);
  LiveSyncBuilder& packet = delta.peer.family() == AddressFamily::kIpv4 ? ipv4_ : ipv6_;
  packet.Add({.info_hash = delta.info_hash,
              .peer = delta.peer,
              .seeds = delta.state == PeerState::kSeeder,
              .completed = delta.counted,
              .stopped = stopped});
  if (!packet.has_room()) Send(packet);
}

void LiveSyncImpl::Send(LiveSyncBuilder& packet) {
  if (packet.records() == 0) return;
  const SocketAddress to(Endpoint(IpAddress::FromIpv4(kGroup), listen_.port()));
  const std::string_view bytes = packet.packet();
  if (sendto(sender_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL, &to.any,
             to.size) == static_cast<ssize_t>(bytes.size())) {
    ++sent_packets_;
    sent_records_ += packet.records();
  } else if (send_errors_++ == 0 && options_.log != nullptr) {
    options_.log->Log(LogLevel::kWarning,
                      absl::StrCat("live sync: cannot send to the cluster: ", strerror(errno),
                                   "; the statistics count how often that happens"));
  }
  packet.Clear();
}

void LiveSyncImpl::SendAll() {
  MutexLock lock(&mu_);
  Send(ipv4_);
  Send(ipv6_);
}

// --- receiving ---

void LiveSyncImpl::Apply(std::string_view bytes, const Endpoint& from) {
  const std::optional<LiveSyncPacket> packet =
      nodes_.Contains(from.address()) ? LiveSyncPacket::Parse(bytes) : std::nullopt;
  if (!packet.has_value()) {
    dropped_packets_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (packet->tracker_id() == tracker_id_) return;  // our own, come back
  const Instant now = Now();
  std::uint64_t applied = 0;
  for (std::size_t i = 0; i < packet->size(); ++i) {
    const LiveSyncRecord record = packet->record(i);
    AnnounceRequest request;
    request.info_hash = record.info_hash;
    request.peer = record.peer;
    request.left = record.seeds ? 0 : 1;
    if (record.completed && record.seeds) request.event = Event::kCompleted;
    if (record.stopped) request.event = Event::kStopped;
    // What the policy refuses here it refuses from others, too.
    if (!record.peer.address().is_unspecified() && tracker_->Replicate(request, now).ok())
      ++applied;
  }
  received_packets_.fetch_add(1, std::memory_order_relaxed);
  received_records_.fetch_add(applied, std::memory_order_relaxed);
}

void LiveSyncImpl::Receive() {
  char bytes[LiveSyncPacket::kMaxSize + 1];
  for (int i = 0; i < kMostAtOnce; ++i) {
    SocketAddress from;
    const ssize_t n =
        recvfrom(receiver_.get(), bytes, sizeof bytes, MSG_DONTWAIT, &from.any, &from.size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;
    Apply({bytes, static_cast<std::size_t>(n)}, from.endpoint());
  }
}

void LiveSyncImpl::Run() {
  Steady::time_point due = Steady::now() + options_.max_delay;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(due - Steady::now()).count();
    pollfd polled[2] = {{receiver_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    poll(polled, 2, left > 0 ? static_cast<int>(left) : 0);
    if (polled[0].revents != 0) Receive();
    if (polled[1].revents != 0) return;
    if (Steady::now() < due) continue;
    SendAll();
    due = Steady::now() + options_.max_delay;
  }
}

// --- beginning and end ---

absl::Status LiveSyncImpl::Start(Tracker* tracker) {
  tracker_ = tracker;
  absl::StatusOr<std::thread> thread = StartThread("muster-sync", [this] { Run(); });
  if (!thread.ok()) return thread.status();
  thread_ = *std::move(thread);
  running_ = true;
  return absl::OkStatus();
}

void LiveSyncImpl::Stop() {
  if (!thread_.joinable()) return;
  running_ = false;
  const std::uint64_t one = 1;
  while (write(wake_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
  thread_.join();
  SendAll();
}

LiveSyncStatistics LiveSyncImpl::Statistics() const {
  LiveSyncStatistics s;
  s.received_records = received_records_.load(std::memory_order_relaxed);
  s.received_packets = received_packets_.load(std::memory_order_relaxed);
  s.dropped_packets = dropped_packets_.load(std::memory_order_relaxed);
  MutexLock lock(&mu_);
  s.sent_records = sent_records_;
  s.sent_packets = sent_packets_;
  s.send_errors = send_errors_;
  return s;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LiveSync>> LiveSync::Open(const LiveSyncOptions& options) {
  constexpr milliseconds kLongestDelay(60 * 60 * 1000);
  if (options.max_delay < milliseconds(1) || options.max_delay > kLongestDelay)
    return absl::InvalidArgumentError("max_delay must be from a millisecond to an hour");
  const auto about = [&options](const absl::Status& status) {
    return absl::Status(status.code(), absl::StrCat("live sync on ", options.listen.ToString(),
                                                    ": ", status.message()));
  };
  const IpAddress interface = options.listen.address();
  const Endpoint group(IpAddress::FromIpv4(kGroup), options.listen.port());
  absl::StatusOr<UniqueFd> receiver = ListenMulticast(group, interface);
  if (!receiver.ok()) return about(receiver.status());
  absl::StatusOr<UniqueFd> sender = MulticastSender(interface);
  if (!sender.ok()) return about(sender.status());
  const absl::StatusOr<Endpoint> bound = LocalEndpoint(receiver->get());
  if (!bound.ok()) return about(bound.status());
  UniqueFd wake(eventfd(0, EFD_CLOEXEC));
  if (wake.get() < 0) return about(absl::ErrnoToStatus(errno, "eventfd"));
  return std::make_unique<LiveSyncImpl>(options, Endpoint(interface, bound->port()),
                                        *std::move(receiver), *std::move(sender), std::move(wake));
}

}  // namespace muster
