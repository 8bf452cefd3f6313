// SPDX-License-Identifier: Apache-2.0
//
// Which muster this is.
#ifndef MUSTER_VERSION_H_
#define MUSTER_VERSION_H_

#include <string_view>

#include "muster/export.h"

namespace muster {

// "0.1.0": major.minor.patch of the library that is linked.
MUSTER_EXPORT std::string_view Version();

}  // namespace muster

#endif  // MUSTER_VERSION_H_
