// SPDX-License-Identifier: Apache-2.0
//
// Any sequence of datagrams from a few senders: nobody unproven is sent more than he sent, noise
// gets silence, every answer fits and belongs to its request, and a batch is answered as its
// packets would be one by one.
//
//   input   | what | size | bytes ... | what | size | bytes ... |
//   what    bits 0-1 the sender, bit 2 IPv6, bit 3 a good connection id is put in, bit 4 the batch
//           ends here, bits 5-6 the action is put in (3: left as it is)
#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "fuzz/require.h"
#include "service/udp_service.h"
#include "wire/udp_testing.h"

namespace {

using muster::Require;
using muster::testing_udp::Bytes;
using muster::testing_udp::ConnectPacket;
using muster::testing_udp::Exact;
using muster::testing_udp::Get;

constexpr muster::Instant kNow = muster::InstantFromUnixSeconds(1'800'000'000);

// A tracker and its service, of which all copies do the same.
class Service {
 public:
  Service() {
    muster::MemoryStoreOptions store_options;
    store_options.hash_seed = 1;
    tracker_ = *muster::Tracker::Create({}, muster::NewMemoryStore(store_options));
    service_ = std::make_unique<muster::UdpService>(tracker_.get(), muster::UdpOptions{},
                                                    muster::ConnectionIdKey{{1, 2, 3}},
                                                    muster::Random(1), &counters_);
  }
  std::vector<Bytes> Answer(const std::vector<std::pair<Bytes, muster::Endpoint>>& packets) {
    std::vector<Exact> requests;
    std::vector<std::unique_ptr<std::uint8_t[]>> space;
    std::vector<muster::UdpDatagram> batch;
    for (const auto& [bytes, from] : packets) {
      requests.emplace_back(bytes);
      space.push_back(std::make_unique<std::uint8_t[]>(muster::kMaxUdpAnswer));
      batch.push_back({requests.back().span(), from, {space.back().get(), muster::kMaxUdpAnswer}});
    }
    service_->Answer(absl::MakeSpan(batch), kNow);
    std::vector<Bytes> answers;
    for (const muster::UdpDatagram& datagram : batch)
      answers.emplace_back(datagram.answer.begin(), datagram.answer.end());
    return answers;
  }

 private:
  std::unique_ptr<muster::Tracker> tracker_;
  muster::WorkerCounters counters_;
  std::unique_ptr<muster::UdpService> service_;
};

muster::Endpoint SenderOf(std::uint8_t what) {
  const std::uint8_t compact[18] = {10, 0, 0, static_cast<std::uint8_t>(what & 3), 0xc0, what};
  return muster::Endpoint::FromCompact(
      (what & 4) != 0 ? muster::AddressFamily::kIpv6 : muster::AddressFamily::kIpv4, compact);
}

void Check(const Bytes& packet, const muster::Endpoint& from, std::uint64_t good_id,
           const Bytes& answer) {
  const muster::UdpHeader header = muster::DecodeUdpHeader(packet);
  Require(answer.size() <= muster::kMaxUdpAnswer);
  if (header.kind == muster::UdpKind::kNoise) {
    Require(answer.empty());
    return;
  }
  const bool proven = header.connection_id == good_id;
  if (!proven) Require(answer.size() <= packet.size());
  if (answer.empty()) {
    Require(!proven && header.kind == muster::UdpKind::kMalformed);
    return;
  }
  Require(answer.size() >= 8 && Get(answer, 4, 4) == header.transaction_id);
  switch (Get(answer, 0, 4)) {
    case 0:
      Require(header.kind == muster::UdpKind::kConnect && answer.size() == 16);
      Require(Get(answer, 8, 8) == good_id);
      break;
    case 1: {
      Require(proven && header.kind == muster::UdpKind::kAnnounce && answer.size() >= 20);
      const std::size_t width = muster::CompactSize(from.family());
      Require((answer.size() - 20) % width == 0);
      muster::Endpoint self = from;
      self.set_port(static_cast<std::uint16_t>(Get(packet, 96, 2)));
      for (std::size_t at = 20; at < answer.size(); at += width)
        Require(muster::Endpoint::FromCompact(from.family(), &answer[at]) != self);
      break;
    }
    case 2:
      Require(proven && header.kind == muster::UdpKind::kScrape);
      Require(answer.size() == 8 + (packet.size() - 16) / 20 * 12);
      break;
    case 3:
      Require(header.kind != muster::UdpKind::kConnect && answer.size() <= packet.size());
      break;
    default:
      Require(false);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Service together, single;
  std::vector<std::pair<Bytes, muster::Endpoint>> batch;
  std::vector<std::uint64_t> good_ids;
  const auto flush = [&] {
    const std::vector<Bytes> answers = together.Answer(batch);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      Check(batch[i].first, batch[i].second, good_ids[i], answers[i]);
      Require(single.Answer({batch[i]})[0] == answers[i]);
    }
    batch.clear();
    good_ids.clear();
  };
  for (std::size_t at = 0; at + 2 <= size;) {
    const std::uint8_t what = data[at++];
    const std::size_t wanted = data[at++];
    const std::size_t length = std::min(wanted, size - at);
    Bytes packet(data + at, data + at + length);
    at += length;
    const muster::Endpoint from = SenderOf(what);
    const std::uint64_t good_id = Get(single.Answer({{ConnectPacket(0), from}})[0], 8, 8);
    if ((what & 8) != 0 && packet.size() >= 8) {
      for (int i = 0; i < 8; ++i)
        packet[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(good_id >> (56 - 8 * i));
    }
    if ((what >> 5 & 3) != 3 && packet.size() >= 12) {
      std::fill(packet.begin() + 8, packet.begin() + 11, std::uint8_t{0});
      packet[11] = what >> 5 & 3;
    }
    batch.emplace_back(std::move(packet), from);
    good_ids.push_back(good_id);
    if ((what & 16) != 0 || batch.size() == 100) flush();
  }
  flush();
  return 0;
}
