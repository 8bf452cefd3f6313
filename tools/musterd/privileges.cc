// SPDX-License-Identifier: Apache-2.0
#include "musterd/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>

#include "musterd/text.h"

namespace musterd {
namespace {

std::optional<unsigned> NumberOf(std::string_view text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // -1 stands for "do not change" in the system's calls.
  if (error != std::errc() || end != text.data() + text.size() || number == ~0u)
    return std::nullopt;
  return number;
}

absl::Status Cannot(std::string_view what, std::string_view name) {
  const int error = errno;
  return absl::FailedPreconditionError(
      Concat({"cannot ", what, " ", Quoted(name), ": ", std::strerror(error)}));
}

}  // namespace

absl::StatusOr<Identity> LookUpIdentity(const PrivilegeSettings& settings) {
  Identity identity;
  identity.root_directory = settings.root_directory;
  const bool is_root = geteuid() == 0;
  identity.confine = is_root && !settings.root_directory.empty();
  if (settings.user.empty() || !is_root) {
    if (settings.user.empty() && !settings.group.empty()) {
      return Invalid({"group: there is no user to become along with it"});
    }
    return identity;
  }
  const std::optional<unsigned> number = NumberOf(settings.user);
  const passwd* user = number ? getpwuid(*number) : getpwnam(settings.user.c_str());
  if (user == nullptr && !number)
    return Invalid({"user: there is no user ", Quoted(settings.user)});
  Identity::Ids ids{user != nullptr ? user->pw_uid : *number,
                    user != nullptr ? user->pw_gid : *number};
  if (ids.user == 0) return Invalid({"user: ", Quoted(settings.user), " is root"});
  if (!settings.group.empty()) {
    const std::optional<unsigned> group_number = NumberOf(settings.group);
    const group* found = group_number ? nullptr : getgrnam(settings.group.c_str());
    if (!group_number && found == nullptr) {
      return Invalid({"group: there is no group ", Quoted(settings.group)});
    }
    ids.group = group_number ? *group_number : found->gr_gid;
  }
  identity.become = ids;
  return identity;
}

bool HasUser(const std::string& name) {
  return NumberOf(name).has_value() || getpwnam(name.c_str()) != nullptr;
}

absl::Status Become(const Identity& identity) {
  // Local times are those of outside, whose files are out of reach in another directory.
  tzset();
  const std::string& directory = identity.root_directory;
  if (!directory.empty()) {
    if (chdir(directory.c_str()) != 0) return Cannot("go into", directory);
    if (identity.confine && (chroot(".") != 0 || chdir("/") != 0)) {
      return Cannot("be confined to", directory);
    }
  }
  if (!identity.become) return absl::OkStatus();
  const auto [user, group] = *identity.become;
  if (setgroups(0, nullptr) != 0) return Cannot("leave the groups of", "root");
  if (setresgid(group, group, group) != 0) return Cannot("belong to group", std::to_string(group));
  if (setresuid(user, user, user) != 0) return Cannot("become user", std::to_string(user));
  uid_t real, effective, saved;
  if (getresuid(&real, &effective, &saved) != 0 || real != user || effective != user ||
      saved != user || setuid(0) == 0 || seteuid(0) == 0) {
    return absl::FailedPreconditionError("still root after becoming somebody else: not going on");
  }
  return absl::OkStatus();
}

absl::Status RenounceNewPrivileges(const Identity& identity) {
  if (identity.become && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return Cannot("renounce", "new privileges");
  return absl::OkStatus();
}

std::string PathWithin(const Identity& identity, std::string_view path) {
  std::string_view root = identity.root_directory;
  while (!root.empty() && root.back() == '/') root.remove_suffix(1);
  if (identity.confine && path.size() > root.size() && path.substr(0, root.size()) == root &&
      path[root.size()] == '/') {
    path.remove_prefix(root.size());
  }
  return std::string(path);
}

}  // namespace musterd
