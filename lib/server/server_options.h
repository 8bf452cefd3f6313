// SPDX-License-Identifier: Apache-2.0
//
// Are the options of a server ones that it can work with?
#ifndef MUSTER_LIB_SERVER_SERVER_OPTIONS_H_
#define MUSTER_LIB_SERVER_SERVER_OPTIONS_H_

#include <cstdint>
#include <limits>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "muster/server.h"

namespace muster {

// InvalidArgument with the option's name and its range.
absl::Status CheckServerOptions(const ServerOptions& options);

// A number among options, and what it may be.
struct OptionRange {
  const char* name;
  std::int64_t value;
  std::int64_t least;
  std::int64_t most = kNoLimit;

  static constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
};
// InvalidArgument, with its name, for the first that is out of its range.
absl::Status CheckRanges(absl::Span<const OptionRange> ranges);

}  // namespace muster

#endif  // MUSTER_LIB_SERVER_SERVER_OPTIONS_H_
