// SPDX-License-Identifier: Apache-2.0
//
// Opening a path below a folder without leaving it, in the two ways that Root has. Reentrant.
#ifndef MUSTER_LIB_MIRROR_BENEATH_H_
#define MUSTER_LIB_MIRROR_BENEATH_H_

#include <string>

#include "base/unique_fd.h"

namespace muster {

// Both return a descriptor, or one of -1 with `error` set to an errno: EXDEV for a path that leaves
// the folder, ELOOP for too many links. `flags` are those of open(), without O_CREAT; the folder
// itself is ".".

// By openat2; ENOSYS where there is none (Linux before 5.6, some sandboxes).
UniqueFd OpenBeneathByKernel(int folder, const std::string& path, int flags, int& error);
// The same without waiting for a disk: EAGAIN where the kernel does not have all names of the path in
// memory, or cannot tell (Linux before 5.12).
UniqueFd OpenBeneathAtHand(int folder, const std::string& path, int flags, int& error);

// Name by name, holding every folder on the way, so that ".." in a link leads back to the folder
// that it was come from, whatever was moved meanwhile.
UniqueFd OpenBeneathByName(int folder, const std::string& path, int flags, int& error);

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_BENEATH_H_
