// SPDX-License-Identifier: Apache-2.0
//
// UdpListener: datagrams in batches between one socket and a handler. libuv only tells when the
// socket is readable; the bytes go by recvmmsg and sendmmsg through buffers that are allocated
// once. Loop-bound.
#ifndef MUSTER_LIB_NET_UDP_LISTENER_H_
#define MUSTER_LIB_NET_UDP_LISTENER_H_

#include <sys/socket.h>
#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/datagram.h"
#include "muster/log_sink.h"
#include "net/closing.h"
#include "net/socket.h"
#include "statistics/counters.h"

namespace muster {

class UdpListener {
 public:
  // Longer requests are dropped. An announce is 98 bytes and the URL of BEP 41, a scrape of 101
  // torrents 2036; a header of the PROXY protocol before it 52, and more where it says more.
  static constexpr std::size_t kMaxRequest = 2048 + 128;
  // The space that each answer gets: what fits the smallest IPv6 packet (1280 bytes) without its
  // headers.
  static constexpr std::size_t kMaxAnswer = 1232;
  // Datagrams in a batch. Beyond this a system call more or less no longer shows.
  static constexpr std::size_t kBatch = 64;

  // Fills in the answers of a batch, which is in order of arrival. Answers leave in the same order.
  using Handler = absl::AnyInvocable<void(absl::Span<UdpDatagram>)>;

  ~UdpListener();

  // Whether an address is that of a proxy that is believed.
  using Proxies = std::function<bool(const IpAddress&)>;

  // `socket` as BindUdp() makes it. `counters` may be shared with other listeners of the loop, and
  // must outlive this. `log` may be null. Where there are `proxies`, each datagram has to come from
  // one of them and to begin with a header of the PROXY protocol: the request is what follows, from
  // the address that it says, and its answer goes back to the proxy.
  static absl::StatusOr<ClosingPtr<UdpListener>> Start(uv_loop_t* loop, UniqueFd socket,
                                                       Handler handler, UdpCounters* counters,
                                                       LogSink* log, Proxies proxies = nullptr);

  // Answers what the socket holds already, or as much of it as is answered at a time, then closes;
  // the handler is not called after this returns.
  void Close(Closed closed);

 private:
  struct Buffers;

  UdpListener(UniqueFd socket, const Endpoint& local, Handler handler, UdpCounters* counters,
              LogSink* log, Proxies proxies);

  static void OnReadable(uv_poll_t* handle, int status, int events);
  void Drain();
  void AnswerBatch(std::size_t received);
  bool TakePreamble(UdpDatagram& datagram) const;
  void Send(std::size_t count);
  void CountDrops();

  uv_poll_t poll_;
  UniqueFd socket_;
  const std::unique_ptr<Buffers> buffers_;
  Handler handler_;
  const Proxies proxies_;
  LogSink* const log_;
  UdpCounters& counters_;
  // Of all batches, so that some can be timed.
  std::uint32_t batches_ = 0;
  // When the kernel was last asked what it dropped, in milliseconds of the loop.
  std::uint64_t asked_drops_at_ = 0;
  // What the kernel said last, which wraps around.
  std::uint32_t kernel_drops_ = 0;
  Closed closed_;
};

}  // namespace muster

#endif  // MUSTER_LIB_NET_UDP_LISTENER_H_
