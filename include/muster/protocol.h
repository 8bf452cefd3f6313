// SPDX-License-Identifier: Apache-2.0
//
// Protocol: what clients speak with a server.
#ifndef MUSTER_PROTOCOL_H_
#define MUSTER_PROTOCOL_H_

#include <cstdint>

namespace muster {

enum class Protocol : std::uint8_t { kUdp, kHttp };

}  // namespace muster

#endif  // MUSTER_PROTOCOL_H_
