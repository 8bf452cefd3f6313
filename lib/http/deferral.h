// SPDX-License-Identifier: Apache-2.0
//
// HttpDeferral: the answer to a request that comes later, perhaps from another thread, while its
// connection waits. Whoever answers makes one, puts it into the exchange, keeps it, and calls
// Finish() when he knows; the connection gets what he says, or gives up before.
//
//   exchange.deferral = std::make_shared<HttpDeferral>();
//   pool.Run([deferral = exchange.deferral] { deferral->Finish(Work()); });
//
// Thread-safe.
#ifndef MUSTER_LIB_HTTP_DEFERRAL_H_
#define MUSTER_LIB_HTTP_DEFERRAL_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "http/body.h"

namespace muster {

struct HttpReply {
  // The whole response, or its head where a body follows.
  std::string text;
  std::unique_ptr<HttpBody> body = nullptr;
  // What the head says of the connection.
  bool keep_alive = false;
};

class HttpDeferral {
 public:
  // --- for who answers ---

  // The first time only; nothing comes of it when nobody waits any more.
  void Finish(HttpReply reply);
  // Nobody waits any more: the work need not be done.
  bool is_cancelled() const;

  // --- for the connection ---

  // The reply, if it is there. If not, `arrived` is called when it is, once, in the thread that
  // brings it; then Take() has it.
  std::optional<HttpReply> TakeOr(std::function<void()> arrived);
  std::optional<HttpReply> Take();
  // `arrived` is not called any more, but may be under way.
  void Cancel();

 private:
  mutable Mutex mu_;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<HttpReply> reply_ ABSL_GUARDED_BY(mu_);
  std::function<void()> arrived_ ABSL_GUARDED_BY(mu_);
};

}  // namespace muster

#endif  // MUSTER_LIB_HTTP_DEFERRAL_H_
