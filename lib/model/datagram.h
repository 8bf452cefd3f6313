// SPDX-License-Identifier: Apache-2.0
//
// UdpDatagram: one request and its answer, as net hands it to the service. Borrows both; a plain
// value.
#ifndef MUSTER_LIB_MODEL_DATAGRAM_H_
#define MUSTER_LIB_MODEL_DATAGRAM_H_

#include <cstdint>

#include "absl/types/span.h"
#include "muster/endpoint.h"

namespace muster {

struct UdpDatagram {
  absl::Span<const std::uint8_t> request;
  Endpoint from;
  // In: the space for the answer. Out: the answer within that space, empty for silence.
  absl::Span<std::uint8_t> answer;
};

}  // namespace muster

#endif  // MUSTER_LIB_MODEL_DATAGRAM_H_
