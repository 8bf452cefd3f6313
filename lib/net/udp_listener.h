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
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/datagram.h"
#include "muster/log_sink.h"
#include "net/closing.h"
#include "net/socket.h"

namespace muster {

class UdpListener {
 public:
  // Longer requests are dropped. An announce is 98 bytes and the URL of BEP 41, a scrape of 74
  // torrents 1496.
  static constexpr std::size_t kMaxRequest = 2048;
  // The space that each answer gets: what fits the smallest IPv6 packet (1280 bytes) without its
  // headers.
  static constexpr std::size_t kMaxAnswer = 1232;
  // Datagrams in a batch. Beyond this a system call more or less no longer shows.
  static constexpr std::size_t kBatch = 64;

  // Fills in the answers of a batch, which is in order of arrival. Answers leave in the same order.
  using Handler = absl::AnyInvocable<void(absl::Span<UdpDatagram>)>;

  struct Counters {
    std::uint64_t received = 0;
    std::uint64_t answered = 0;
    // Answers that the socket's send buffer had no room for.
    std::uint64_t unsent = 0;
    // Answers that the kernel refused to send.
    std::uint64_t refused = 0;
  };

  ~UdpListener();

  // `socket` as BindUdp() makes it. `log` may be null.
  static absl::StatusOr<ClosingPtr<UdpListener>> Start(uv_loop_t* loop, UniqueFd socket,
                                                       Handler handler, LogSink* log);

  // Answers what the socket holds already, then closes; the handler is not called after this
  // returns.
  void Close(Closed closed);

  const Counters& counters() const { return counters_; }

 private:
  struct Buffers;

  UdpListener(UniqueFd socket, const Endpoint& local, Handler handler, LogSink* log);

  static void OnReadable(uv_poll_t* handle, int status, int events);
  void Drain();
  void AnswerBatch(std::size_t received);
  void Send(std::size_t count);

  uv_poll_t poll_;
  UniqueFd socket_;
  const std::unique_ptr<Buffers> buffers_;
  Handler handler_;
  LogSink* const log_;
  Counters counters_;
  Closed closed_;
};

}  // namespace muster

#endif  // MUSTER_LIB_NET_UDP_LISTENER_H_
