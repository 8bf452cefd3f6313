// SPDX-License-Identifier: Apache-2.0
//
// Mirror::Impl: the service, and the threads that make its torrents.
#ifndef MUSTER_LIB_MIRROR_MIRROR_IMPL_H_
#define MUSTER_LIB_MIRROR_MIRROR_IMPL_H_

#include <memory>

#include "mirror/mirror_service.h"
#include "mirror/work_pool.h"
#include "muster/mirror.h"

namespace muster {

class Mirror::Impl {
 public:
  ~Impl() {
    if (service != nullptr) service->Stop();
  }

  std::unique_ptr<MirrorService> service;
  // Goes first: what it drops is answered by the service.
  std::unique_ptr<WorkPool> pool;
};

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_MIRROR_IMPL_H_
