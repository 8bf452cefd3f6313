// SPDX-License-Identifier: Apache-2.0
//
// Mirror::Impl: the service, the threads that make its torrents, and those that read.
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
  // These go first: what they drop is answered by the service.
  std::unique_ptr<WorkPool> makers;
  std::unique_ptr<WorkPool> readers;
};

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_MIRROR_IMPL_H_
