// SPDX-License-Identifier: Apache-2.0
//
// A state that the daemon begins with.
#ifndef MUSTER_TOOLS_MUSTERD_LOAD_STATE_H_
#define MUSTER_TOOLS_MUSTERD_LOAD_STATE_H_

#include <string>

#include "absl/status/statusor.h"
#include "muster/snapshot.h"
#include "muster/swarm_store.h"

namespace musterd {

// Puts a state in a file, in whatever format, into the store. The status says which file, and why it
// cannot be read.
absl::StatusOr<muster::LoadReport> LoadStateFile(const std::string& path,
                                                 muster::SwarmStore& store);

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_LOAD_STATE_H_
