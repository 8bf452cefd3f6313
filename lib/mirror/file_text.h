// SPDX-License-Identifier: Apache-2.0
//
// Small files as a whole. Reentrant.
#ifndef MUSTER_LIB_MIRROR_FILE_TEXT_H_
#define MUSTER_LIB_MIRROR_FILE_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace muster {

// All that `fd` gives from where it stands. `path` is for the error; ResourceExhausted when there
// are more than `max_size` bytes.
absl::StatusOr<std::string> ReadText(int fd, std::size_t max_size, std::string_view path);

// Writes all of `text` to a new file beside `path` and puts it in its place, so that whoever reads
// sees the old one or all of the new one. Nothing remains when it fails. After a crash of the
// system, which this does not wait for, it may be neither.
absl::Status ReplaceFile(int folder, const std::string& path, std::string_view text);

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_FILE_TEXT_H_
