// SPDX-License-Identifier: Apache-2.0
//
// Requests as clients send them, for tests that go through sockets.
#ifndef MUSTER_TESTS_SERVER_ANNOUNCE_H_
#define MUSTER_TESTS_SERVER_ANNOUNCE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "muster/ids.h"
#include "net/client.h"

namespace muster {

inline InfoHash Hash(std::uint8_t n) {
  const std::string text(20, static_cast<char>(n));
  return *InfoHash::FromText(text);
}

// --- UDP, BEP 15 ---

inline std::string UdpConnect() {
  std::uint8_t packet[16];
  StoreBig64(packet, 0x41727101980);
  StoreBig32(packet + 8, 0);
  StoreBig32(packet + 12, 0x12345678);
  return std::string(TextOf(packet));
}

inline std::string UdpAnnounce(std::uint64_t connection_id, const InfoHash& hash,
                               std::uint16_t port) {
  std::uint8_t packet[98] = {};
  StoreBig64(packet, connection_id);
  StoreBig32(packet + 8, 1);
  StoreBig32(packet + 12, 0x12345678);
  std::copy_n(hash.data(), 20, packet + 16);
  StoreBig64(packet + 64, 1000);        // left
  StoreBig32(packet + 92, 0xffffffff);  // numwant
  StoreBig16(packet + 96, port);
  return std::string(TextOf(packet));
}

// A connection id, or 0 when none came.
inline std::uint64_t AskConnectionId(Client& client, const Endpoint& server) {
  client.SendTo(server, UdpConnect());
  const auto answer = client.Receive();
  if (!answer.has_value() || answer->bytes.size() != 16) return 0;
  return LoadBig64(BytesOf(answer->bytes).data() + 8);
}

// The compact peers of an announce's answer; nothing when there was none or it was an error.
inline std::optional<std::string> AnnounceByUdp(Client& client, const Endpoint& server,
                                                std::uint64_t connection_id, const InfoHash& hash,
                                                std::uint16_t port) {
  client.SendTo(server, UdpAnnounce(connection_id, hash, port));
  const auto answer = client.Receive();
  if (!answer.has_value() || answer->bytes.size() < 20) return std::nullopt;
  if (LoadBig32(BytesOf(answer->bytes).data()) != 1) return std::nullopt;
  return answer->bytes.substr(20);
}

// --- HTTP ---

inline std::string HttpAnnounce(const InfoHash& hash, std::uint16_t port,
                                std::string_view more = "") {
  std::string escaped;
  const std::string hex = hash.ToHex();
  for (std::size_t i = 0; i < hex.size(); i += 2) escaped += "%" + hex.substr(i, 2);
  return "GET /announce?info_hash=" + escaped +
         "&peer_id=-TS0001-abcdefghijkl&port=" + std::to_string(port) +
         "&uploaded=0&downloaded=0&left=1000&compact=1&event=started" + std::string(more) +
         " HTTP/1.1\r\nHost: x\r\n\r\n";
}

}  // namespace muster

#endif  // MUSTER_TESTS_SERVER_ANNOUNCE_H_
