// SPDX-License-Identifier: Apache-2.0
#include "outbound/udp_question.h"

#include <utility>

namespace muster {

UdpQuestion::UdpQuestion(const TrackerQuery& query, std::string_view target, AddressFamily family,
                         Random random)
    : query_(query), target_(target), family_(family), random_(random) {
  datagram_ = EncodeUdpConnectQuery(NewTransaction());
}

std::uint32_t UdpQuestion::NewTransaction() {
  transaction_ = static_cast<std::uint32_t>(random_.Next());
  return transaction_;
}

UdpQuestion::Result UdpQuestion::Receive(std::string_view datagram) {
  UdpTrackerReply answer = DecodeUdpTrackerReply(datagram, family_, query_.numwant);
  if (answer.transaction_id != transaction_) return Result::kIgnored;
  switch (answer.kind) {
    case UdpTrackerReply::Kind::kNoise:
      return Result::kIgnored;
    case UdpTrackerReply::Kind::kConnect:
      if (connected_) return Result::kIgnored;
      connected_ = true;
      datagram_ = EncodeUdpTrackerQuery(answer.connection_id, NewTransaction(), query_, target_);
      return Result::kSend;
    case UdpTrackerReply::Kind::kAnnounce:
      if (!connected_) return Result::kIgnored;
      break;
    case UdpTrackerReply::Kind::kError:
      break;
  }
  reply_ = std::move(answer.reply);
  return Result::kDone;
}

}  // namespace muster
