// SPDX-License-Identifier: Apache-2.0
//
// UdpQuestion: one announce to a UDP tracker from the side that asks (BEP 15): datagrams in,
// datagrams out. No sockets and no clock.
//
//   connect ->   <- connection id   announce ->   <- peers
#ifndef MUSTER_LIB_OUTBOUND_UDP_QUESTION_H_
#define MUSTER_LIB_OUTBOUND_UDP_QUESTION_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "muster/random.h"
#include "wire/tracker_query.h"

namespace muster {

// Thread-compatible.
class UdpQuestion {
 public:
  // `target` of the announce URL, may be empty; `family` of the tracker's address.
  UdpQuestion(const TrackerQuery& query, std::string_view target, AddressFamily family,
              Random random);

  // What is to be sent now, and again when no answer comes: the connect, later the announce. A
  // connection id is good for a minute at least, so the whole should not take longer.
  const std::string& datagram() const { return datagram_; }

  // What a datagram from the tracker means. After kSend datagram() is another one and is to be sent;
  // after kDone reply() is there. Anything that does not answer what was sent last is kIgnored.
  enum class Result : std::uint8_t { kIgnored, kSend, kDone };
  Result Receive(std::string_view datagram);
  const TrackerReply& reply() const { return reply_; }

 private:
  std::uint32_t NewTransaction();

  const TrackerQuery query_;
  const std::string target_;
  const AddressFamily family_;
  Random random_;
  bool connected_ = false;
  std::uint32_t transaction_ = 0;
  std::string datagram_;
  TrackerReply reply_;
};

}  // namespace muster

#endif  // MUSTER_LIB_OUTBOUND_UDP_QUESTION_H_
