// SPDX-License-Identifier: Apache-2.0
//
// A file as the body of a response, read piece by piece. Thread-compatible.
#ifndef MUSTER_LIB_HTTP_FILE_BODY_H_
#define MUSTER_LIB_HTTP_FILE_BODY_H_

#include <memory>
#include <string>

#include "http/body.h"

namespace muster {

// Null where there is no plain file at `path` that can be read. Its end is where it was when it was
// opened; a file that becomes shorter meanwhile is cut off.
std::unique_ptr<HttpBody> NewFileBody(const std::string& path);

}  // namespace muster

#endif  // MUSTER_LIB_HTTP_FILE_BODY_H_
