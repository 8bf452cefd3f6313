// SPDX-License-Identifier: Apache-2.0
//
// Giving up root: who to become is looked up while the system's files can be read, and done when
// every socket is bound.
#ifndef MUSTER_TOOLS_MUSTERD_PRIVILEGES_H_
#define MUSTER_TOOLS_MUSTERD_PRIVILEGES_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "musterd/settings.h"

namespace musterd {

// What is to be done, with names looked up.
struct Identity {
  struct Ids {
    uid_t user;
    gid_t group;
  };
  // Nothing to stay who it is.
  std::optional<Ids> become;
  // Where to go; empty to stay.
  std::string root_directory;
  // For root, that directory becomes the whole file system.
  bool confine = false;
};

// InvalidArgument when there is no such user or group, or when the user is root itself. Somebody
// who is not root cannot become anybody: then only the directory remains.
absl::StatusOr<Identity> LookUpIdentity(const PrivilegeSettings& settings);

// Whether there is somebody of this name or number.
bool HasUser(const std::string& name);

// Goes into the directory (chroot for root), leaves all groups, and becomes the group and the user,
// in this order; makes sure that there is no way back to root. All threads of the process go along.
// The zone of local times is read before, where that has not been done.
absl::Status Become(const Identity& identity);

// For who is going to become somebody else: from now on there is no way to other rights through a
// program that is installed to give them. Holds for the thread that calls and those that it starts,
// so that it comes before any other is started.
absl::Status RenounceNewPrivileges(const Identity& identity);

// `path` as it is to be opened after Become(): where that confines it to a directory, a path that
// begins with the directory's name counts from there.
std::string PathWithin(const Identity& identity, std::string_view path);

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_PRIVILEGES_H_
