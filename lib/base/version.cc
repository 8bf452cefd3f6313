// SPDX-License-Identifier: Apache-2.0
#include "muster/version.h"

namespace muster {

std::string_view Version() { return MUSTER_VERSION; }

}  // namespace muster
