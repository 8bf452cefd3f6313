// SPDX-License-Identifier: Apache-2.0
//
// What each program does before anything else.
#ifndef MUSTER_TOOLS_START_PROGRAM_START_H_
#define MUSTER_TOOLS_START_PROGRAM_START_H_

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

namespace muster_tools {

// Makes what may be wrong with files an error of the call that meets it. For the main thread.
//
// A standard stream that was closed is taken, so that no file and no socket gets its number and what
// is printed with it: by the null device, the wrong way round, so that who reads or writes it is told
// EBADF as before.
//
// A file over the size that the system allows (ulimit -f) is told EFBIG, instead of a SIGXFSZ that
// ends the process in the middle.
inline void StartProgram() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // The lowest number that is free is the one that open() gives.
    if (fcntl(stream, F_GETFD) < 0 && errno == EBADF)
      (void)open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
  signal(SIGXFSZ, SIG_IGN);
}

// Whether a stream was closed when the program started, or is one that nobody can write to.
inline bool CannotBeWritten(int stream) {
  const int flags = fcntl(stream, F_GETFL);
  return flags < 0 || (flags & O_ACCMODE) == O_RDONLY;
}

}  // namespace muster_tools

#endif  // MUSTER_TOOLS_START_PROGRAM_START_H_
