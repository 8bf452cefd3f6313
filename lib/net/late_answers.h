// SPDX-License-Identifier: Apache-2.0
//
// LateAnswers: how connections of a loop hear of answers that other threads bring. Whoever waits is
// known by his deferral; Arrived() may be called by any thread, also when nobody is there any more.
//
//   worker thread: deferral->Finish() ─► Arrived() ─► uv_async ─► loop: the connection that waits
//
// Loop-bound, but for Arrived().
#ifndef MUSTER_LIB_NET_LATE_ANSWERS_H_
#define MUSTER_LIB_NET_LATE_ANSWERS_H_

#include <uv.h>

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "http/deferral.h"
#include "net/closing.h"

namespace muster {

class LateAnswers {
 public:
  class Waiter {
   public:
    // The answer to what it waits for is there, and is its own; it does not wait any more.
    virtual void OnAnswer(HttpReply reply) = 0;

   protected:
    ~Waiter() = default;
  };

  // By itself it does not keep the loop alive.
  static absl::StatusOr<ClosingPtr<LateAnswers>> New(uv_loop_t* loop);

  // Nobody may wait any more. Frees itself when libuv lets go of it, then calls `closed`.
  void Close(Closed closed);

  // The reply if it is there already. Otherwise `waiter` gets it later, unless it gives up before.
  std::optional<HttpReply> TakeOrWait(const std::shared_ptr<HttpDeferral>& deferral,
                                      Waiter* waiter);
  void GiveUp(HttpDeferral& deferral);

 private:
  using Arrivals = std::vector<std::shared_ptr<HttpDeferral>>;

  // What outlives this: others hold it as long as they may tell of an answer.
  struct Box {
    void Arrived(std::shared_ptr<HttpDeferral> deferral);

    Mutex mu;
    // Null when the loop hears no more.
    uv_async_t* wake ABSL_GUARDED_BY(mu) = nullptr;
    Arrivals arrivals ABSL_GUARDED_BY(mu);
  };

  LateAnswers() = default;
  void Deliver();

  uv_async_t wake_;
  const std::shared_ptr<Box> box_ = std::make_shared<Box>();
  std::unordered_map<HttpDeferral*, Waiter*> waiting_;
  Closed closed_;
};

}  // namespace muster

#endif  // MUSTER_LIB_NET_LATE_ANSWERS_H_
