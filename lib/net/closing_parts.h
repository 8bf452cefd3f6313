// SPDX-License-Identifier: Apache-2.0
//
// ClosingParts: counts the parts of an object (connections, timers) that are closing, so that the
// object itself goes after the last of them. Loop-bound; must outlive its parts.
#ifndef MUSTER_LIB_NET_CLOSING_PARTS_H_
#define MUSTER_LIB_NET_CLOSING_PARTS_H_

#include <cstddef>
#include <utility>

#include "net/closing.h"

namespace muster {

class ClosingParts {
 public:
  // Begins to close `part`, which may be null.
  template <typename T>
  void Close(ClosingPtr<T> part) {
    if (part == nullptr) return;
    ++open_;
    part.release()->Close([this] {
      --open_;
      CallIfLast();
    });
  }

  // Calls `then` once no part is left: now, or when the last one has closed. It may destroy this.
  void Then(Closed then) {
    then_ = std::move(then);
    CallIfLast();
  }

 private:
  void CallIfLast() {
    if (open_ > 0 || !then_) return;
    Closed then = std::exchange(then_, nullptr);
    then();
  }

  std::size_t open_ = 0;
  Closed then_;
};

}  // namespace muster

#endif  // MUSTER_LIB_NET_CLOSING_PARTS_H_
