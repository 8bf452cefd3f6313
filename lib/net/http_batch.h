// SPDX-License-Identifier: Apache-2.0
//
// HttpBatch: the connections that have received something since the loop last asked the kernel.
// They are answered together, in three turns: all that has come is parsed, all requests are
// answered, all answers are sent. So the code of each turn, the kernel's too, stays in the
// processor's cache, and the memory of all swarms is fetched at once. Loop-bound.
#ifndef MUSTER_LIB_NET_HTTP_BATCH_H_
#define MUSTER_LIB_NET_HTTP_BATCH_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/types/span.h"
#include "http/exchange.h"

namespace muster {

class HttpConnection;

// Appends the whole response to each request of a batch, in order.
using HttpAnswer = absl::AnyInvocable<void(absl::Span<HttpExchange> batch, std::string& out)>;

class HttpBatch {
 public:
  static constexpr std::size_t kNowhere = ~std::size_t{0};

  // `room` bytes can be received at any time.
  explicit HttpBatch(std::size_t room);

  // Where to receive the next bytes; also for whoever needs a buffer for a moment.
  char* room() { return input_.get() + used_; }
  std::size_t room_size() const { return room_; }

  // The first `size` bytes of the room are this connection's. True when the batch is full and has
  // to be served before anything else is received.
  bool Add(HttpConnection* connection, std::size_t size);
  // The connection is gone.
  void Remove(HttpConnection* connection);

  bool empty() const { return waiting_.empty(); }
  // Answers all of it. Returns how many requests there were.
  std::size_t Serve(HttpAnswer& answer);

 private:
  struct Waiting {
    HttpConnection* connection;  // null when it is gone
    std::string_view received;
    std::size_t exchange;  // of exchanges_, or kNowhere
  };

  const std::size_t room_;
  const std::unique_ptr<char[]> input_;
  std::size_t used_ = 0;
  std::vector<Waiting> waiting_;
  // Scratch while it is served.
  std::vector<HttpExchange> exchanges_;
  std::string output_;
};

}  // namespace muster

#endif  // MUSTER_LIB_NET_HTTP_BATCH_H_
