// SPDX-License-Identifier: Apache-2.0
//
// GivenHashes: the torrents that a mirror has given out, for trackers to allow: those of this process,
// and a file of them for others. Thread-safe.
#ifndef MUSTER_TOOLS_MUSTER_TORRENTD_GIVEN_HASHES_H_
#define MUSTER_TOOLS_MUSTER_TORRENTD_GIVEN_HASHES_H_

#include <cstdio>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "muster/hash_list.h"
#include "muster/info_hashes.h"

namespace torrentd {

class GivenHashes {
 public:
  // Goes on with a file of earlier: what is in it is allowed already. Called at most once, before
  // Add().
  absl::Status OpenFile(const std::string& path);

  // `list` gets all that come, and those of the file. Not owned.
  void Feed(muster::HashList* list);

  void Add(const muster::InfoHashes& hashes, std::string_view name);

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  std::mutex mu_;
  std::set<muster::InfoHash> given_;  // guarded by mu_
  muster::HashList* list_ = nullptr;
  std::unique_ptr<std::FILE, CloseFile> file_;
};

}  // namespace torrentd

#endif  // MUSTER_TOOLS_MUSTER_TORRENTD_GIVEN_HASHES_H_
