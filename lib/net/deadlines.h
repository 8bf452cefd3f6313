// SPDX-License-Identifier: Apache-2.0
//
// Deadlines: thousands of timeouts on one uv_timer. There are few kinds of timeout, and all of a
// kind last equally long, so a queue per kind is always in order of time: starting, stopping and
// expiring one is a few pointers moved. The timer is set for the earliest and left alone when that
// one is stopped; it then wakes up once for nothing. Loop-bound.
#ifndef MUSTER_LIB_NET_DEADLINES_H_
#define MUSTER_LIB_NET_DEADLINES_H_

#include <uv.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "net/closing.h"

namespace muster {

class Deadlines {
  // Place in a ring that goes through the queue's own link; null when not queued.
  struct Link {
    Link* next = nullptr;
    Link* previous = nullptr;
  };

 public:
  // Something that may have a deadline, one at a time. Must be stopped before it goes away.
  class Entry : private Link {
   public:
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   protected:
    Entry() = default;
    virtual ~Entry() = default;
    // Time is up. The entry is stopped already, and may be started again or destroyed.
    virtual void OnDeadline() = 0;

   private:
    friend class Deadlines;
    std::uint64_t due_ = 0;
  };

  // kinds[k] is how long deadlines of kind k last.
  static ClosingPtr<Deadlines> New(uv_loop_t* loop,
                                   absl::Span<const std::chrono::milliseconds> kinds);

  // Nothing expires any more, nothing may be started any more; stopping is still fine until
  // `closed` is called.
  void Close(Closed closed);

  // From now on; anew if it was started already.
  void Start(Entry& entry, std::size_t kind);
  void Stop(Entry& entry);

 private:
  struct Queue {
    std::uint64_t length_ms;
    Link head;
  };

  explicit Deadlines(std::size_t kinds) : queues_(kinds) {}

  void Arm(std::uint64_t due);
  void Expire();

  uv_timer_t timer_;
  std::vector<Queue> queues_;  // never grows: the rings point into it
  Closed closed_;
};

}  // namespace muster

#endif  // MUSTER_LIB_NET_DEADLINES_H_
