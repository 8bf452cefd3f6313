// SPDX-License-Identifier: Apache-2.0
//
// What a client sends by UDP (BEP 15), for tests, fuzz targets and benchmarks: written here once
// more, so that the library is not its own judge.
#ifndef MUSTER_TESTS_WIRE_UDP_TESTING_H_
#define MUSTER_TESTS_WIRE_UDP_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "muster/ids.h"

namespace muster::testing_udp {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::uint64_t kProtocolId = 0x41727101980;

inline void Put(Bytes& to, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
inline std::uint64_t Get(absl::Span<const std::uint8_t> from, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | from.at(at + i);
  return value;
}

// Hexadecimal digits to bytes; blanks are for the reader.
inline Bytes Hex(std::string_view text) {
  Bytes bytes;
  int digits = 0;
  unsigned value = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\n') continue;
    value = value << 4 | static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    if (++digits % 2 == 0) bytes.push_back(static_cast<std::uint8_t>(value));
  }
  return bytes;
}

inline Bytes ConnectPacket(std::uint32_t transaction_id, std::uint64_t protocol_id = kProtocolId) {
  Bytes packet;
  Put(packet, protocol_id, 8);
  Put(packet, 0, 4);
  Put(packet, transaction_id, 4);
  return packet;
}

struct AnnounceFields {
  std::uint64_t connection_id = 0;
  std::uint32_t transaction_id = 0;
  InfoHash info_hash = {};
  PeerId peer_id = {};
  std::uint64_t downloaded = 0;
  std::uint64_t left = 1;
  std::uint64_t uploaded = 0;
  std::uint32_t event = 0;
  std::uint32_t ip = 0;
  std::uint32_t key = 0;
  std::int32_t numwant = -1;
  std::uint16_t port = 6881;
};
inline Bytes AnnouncePacket(const AnnounceFields& f) {
  Bytes packet;
  Put(packet, f.connection_id, 8);
  Put(packet, 1, 4);
  Put(packet, f.transaction_id, 4);
  packet.insert(packet.end(), f.info_hash.bytes().begin(), f.info_hash.bytes().end());
  packet.insert(packet.end(), f.peer_id.bytes().begin(), f.peer_id.bytes().end());
  Put(packet, f.downloaded, 8);
  Put(packet, f.left, 8);
  Put(packet, f.uploaded, 8);
  Put(packet, f.event, 4);
  Put(packet, f.ip, 4);
  Put(packet, f.key, 4);
  Put(packet, static_cast<std::uint32_t>(f.numwant), 4);
  Put(packet, f.port, 2);
  return packet;
}

inline Bytes ScrapePacket(std::uint64_t connection_id, std::uint32_t transaction_id,
                          absl::Span<const InfoHash> hashes) {
  Bytes packet;
  Put(packet, connection_id, 8);
  Put(packet, 2, 4);
  Put(packet, transaction_id, 4);
  for (const InfoHash& hash : hashes)
    packet.insert(packet.end(), hash.bytes().begin(), hash.bytes().end());
  return packet;
}

// A copy that ends where its memory ends, so that a sanitizer sees a read behind it.
class Exact {
 public:
  explicit Exact(absl::Span<const std::uint8_t> bytes)
      : bytes_(new std::uint8_t[bytes.size()]), size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), bytes_.get());
  }
  absl::Span<const std::uint8_t> span() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t size_;
};

}  // namespace muster::testing_udp

#endif  // MUSTER_TESTS_WIRE_UDP_TESTING_H_
