// SPDX-License-Identifier: Apache-2.0
//
// Opening a file that lines are appended to.
//
// A daemon that is going to become somebody else opens its log before that, when it may still do
// more than that somebody, who could have put a link in the file's place: to have root write
// elsewhere, or hand over what is not the user's. So the file is opened in two ways:
//
//  1. With the rights of the user alone, who makes it where it is missing. Links lead nowhere that
//     the user may not go, and nothing is given away.
//  2. Only where the user may not: as root, in a place that nobody but root can have prepared.
//     Each directory on the way belongs to root, and nobody else may change it; but one that is
//     sticky, as /tmp, may be open to all, and the last one to its group, as /var/log may be.
//     Symbolic links are followed only where nobody but root can have made them. A file that is
//     missing is made (O_EXCL) and given to the user, by its descriptor. One that is there must be
//     a regular file with one name, root's or the user's, and stays whose it is.
//
// A process that stays who it is opens the file as any program does.
#ifndef MUSTER_TOOLS_MUSTERD_LOG_FILE_H_
#define MUSTER_TOOLS_MUSTERD_LOG_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "musterd/descriptor.h"
#include "musterd/privileges.h"

namespace musterd {

// "-", /dev/stdout and /dev/stderr are the streams that the process was started with, whoever they
// belong to; they are not opened again.
bool IsStandardStream(std::string_view path);

// A pipe that nobody reads is an error, for both. They do not wait.
//
// For who is still who started it. Meanwhile all threads may have the rights of the user alone, so
// that there are none but such as use what is open already: the threads of logs.
absl::StatusOr<Descriptor> OpenLogFile(const std::string& path, const Identity& identity);

// `path` as ReopenLogFile() is to be told it after Become(): one that is relative counts from where
// the process is now.
std::string ReopenPath(const std::string& path, const Identity& identity);

// With the rights that the process has now. Not for standard streams. Any thread may call.
absl::StatusOr<Descriptor> ReopenLogFile(const std::string& path);

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_LOG_FILE_H_
