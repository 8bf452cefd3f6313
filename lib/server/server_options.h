// SPDX-License-Identifier: Apache-2.0
//
// Are the options of a server ones that it can work with?
#ifndef MUSTER_LIB_SERVER_SERVER_OPTIONS_H_
#define MUSTER_LIB_SERVER_SERVER_OPTIONS_H_

#include "absl/status/status.h"
#include "muster/server.h"

namespace muster {

// InvalidArgument with the option's name and its range.
absl::Status CheckServerOptions(const ServerOptions& options);

}  // namespace muster

#endif  // MUSTER_LIB_SERVER_SERVER_OPTIONS_H_
