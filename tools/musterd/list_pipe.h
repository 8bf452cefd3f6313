// SPDX-License-Identifier: Apache-2.0
//
// ListPipe: a named pipe that info hashes come through, on lines like those of a list's file. It is
// made where there is none, opened when it stands at its path, and opened again when another one does.
// Thread-compatible.
#ifndef MUSTER_TOOLS_MUSTERD_LIST_PIPE_H_
#define MUSTER_TOOLS_MUSTERD_LIST_PIPE_H_

#include <sys/stat.h>

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "muster/hash_list.h"
#include "musterd/descriptor.h"
#include "musterd/list_file.h"

namespace musterd {

class ListPipe {
 public:
  // `listed`: what a hash that comes through it becomes.
  ListPipe(std::string path, bool listed) : path_(std::move(path)), listed_(listed) {}

  const std::string& path() const { return path_; }
  bool listed() const { return listed_; }

  // Looks at the path, and opens what is there unless it is open; `events`, an epoll, hears of it from
  // then on. True where it has taken the place of another pipe, of which what was left is read. The
  // status says why it cannot be used.
  absl::StatusOr<bool> Look(int events);
  // Reads some of what there is; whether there may be more.
  bool Read();
  // What has come on whole lines. A writer that ends has ended his line.
  muster::HashListReader::Result TakeLines() { return reader_.TakeLines(); }

  // For the log: whether it is to be told that the pipe cannot be used for this reason, or can again.
  bool TroubleBegins(std::string why) { return trouble_.Begins(std::move(why)); }
  bool TroubleEnds() { return trouble_.Ends(); }

 private:
  // `there` is what was found at the path.
  absl::StatusOr<bool> Open(struct stat there, int events);
  void EndLine();

  const std::string path_;
  const bool listed_;
  Descriptor descriptor_;
  // Which pipe that is, to see when another one has taken its place.
  std::pair<dev_t, ino_t> id_;
  muster::HashListReader reader_;
  bool in_line_ = false;  // the end of a line is still to come
  Trouble trouble_;
};

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_LIST_PIPE_H_
