// SPDX-License-Identifier: Apache-2.0
//
// A mirror's files themselves, and the zeros between them, with ranges and conditions. Reentrant.
#ifndef MUSTER_LIB_MIRROR_SERVED_FILE_H_
#define MUSTER_LIB_MIRROR_SERVED_FILE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "http/conditions.h"
#include "mirror/mirror_answer.h"
#include "mirror/root.h"
#include "muster/instant.h"

namespace muster {

// `path` is decoded, with its first slash.
MirrorAnswer ServeFile(const Root& root, const std::string& path, const FileConditions& conditions);
// The same without waiting for a disk; nothing where that may be needed.
std::optional<MirrorAnswer> ServeFileAtHand(const Root& root, const std::string& path,
                                            const FileConditions& conditions);

// 403 when there are more than `max_size`.
MirrorAnswer ServeZeros(std::int64_t size, std::int64_t max_size, const FileConditions& conditions,
                        Instant now);

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_SERVED_FILE_H_
