// SPDX-License-Identifier: Apache-2.0
//
// How the objects of this folder end. libuv lets a handle's memory be freed only in or after its
// close callback, so an object with handles in it is made on the heap and frees itself:
// Close(closed) begins that, and `closed` is called, on the loop's thread, when the object is gone
// from the loop. Whoever drops a ClosingPtr closes without waiting to hear of it.
#ifndef MUSTER_LIB_NET_CLOSING_H_
#define MUSTER_LIB_NET_CLOSING_H_

#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"

namespace muster {

using Closed = absl::AnyInvocable<void()>;

// The end of it, in the last close callback.
template <typename T>
void FreeThenCall(T* object, Closed closed) {
  delete object;
  if (closed) closed();
}

template <typename T>
struct CloseUnheard {
  void operator()(T* object) const { object->Close(nullptr); }
};
template <typename T>
using ClosingPtr = std::unique_ptr<T, CloseUnheard<T>>;

}  // namespace muster

#endif  // MUSTER_LIB_NET_CLOSING_H_
