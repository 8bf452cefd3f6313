// SPDX-License-Identifier: Apache-2.0
//
// Glob: a pattern over paths, as TreeOptions explains it. Reentrant. Matches() takes time
// proportional to the pattern times the path, and a byte of memory for each byte of the pattern.
#ifndef MUSTER_LIB_METAINFO_GLOB_H_
#define MUSTER_LIB_METAINFO_GLOB_H_

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace muster {

class Glob {
 public:
  // Bytes of a pattern.
  static constexpr std::size_t kMaxSize = 4096;

  // InvalidArgument for an empty pattern, one too long, a set or a backslash that does not end.
  static absl::StatusOr<Glob> Parse(std::string_view pattern);

  // `path` has slashes between its names.
  bool Matches(std::string_view path) const;

 private:
  using Bytes = std::bitset<256>;
  enum class Kind : std::uint8_t {
    kOne,          // a byte of the set
    kAny,          // any number of bytes of the set
    kFolders,      // "**/": passes over the next step too, or takes a byte
    kFolderBytes,  // behind it: any bytes, up to a slash
  };
  struct Step {
    Kind kind;
    Bytes bytes;
  };
  class Parser;

  // Names need not begin with the path.
  bool is_for_name_ = false;
  std::vector<Step> steps_;
};

}  // namespace muster

#endif  // MUSTER_LIB_METAINFO_GLOB_H_
