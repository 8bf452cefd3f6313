// SPDX-License-Identifier: Apache-2.0
//
// A peer that says anything, plain or encrypted, behind a proper key exchange or not: the outcome
// does not depend on the pieces, no more is answered than a handshake has, and reachable is only
// who has said the info hash. The first byte says which of these; the rest is what the peer says.
#include "outbound/peer_handshake.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "outbound/mse_peer.h"

namespace {

using muster::InfoHash;
using muster::NatOutcome;
using muster::PeerHandshake;

void Require(bool holds) {
  if (!holds) std::abort();
}

std::optional<NatOutcome> Run(const InfoHash& hash, const std::optional<muster::MseChance>& chance,
                              std::string_view said, std::size_t piece) {
  PeerHandshake handshake(hash, std::nullopt, chance);
  std::string out;
  for (std::size_t i = 0; i < said.size(); i += piece) {
    const auto outcome = handshake.Receive(said.substr(i, piece), out);
    Require(out.size() <= 40 + 16 + 48);
    if (outcome) return outcome;
  }
  return std::nullopt;
}

// What an encrypted peer sends in all, with `said` in the place of PadD, the handshake and the rest.
std::string Encrypted(const InfoHash& hash, const muster::MseChance& chance, std::string_view said,
                      std::uint32_t select, std::size_t pad_b) {
  muster::MsePeer peer({.skey = hash,
                        .select = select,
                        .pad_b = pad_b,
                        .pad_d = 0,
                        .claimed_pad_d = said.size() % 7 == 0 ? 600 : said.size() % 5,
                        .said = std::string(said)});
  muster::MseInitiator we(hash, chance, "x");
  std::string to_peer, all, unused;
  we.Begin(to_peer);
  for (int turn = 0; turn < 2; ++turn) {
    const std::string answer = peer.Receive(to_peer);
    to_peer.clear();
    we.Receive(answer, to_peer, unused);
    all += answer;
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 4096) return 0;
  const std::string_view said(reinterpret_cast<const char*>(data) + 1, size - 1);
  const InfoHash hash = *InfoHash::FromText("aaaaaaaaaaaaaaaaaaaa");
  std::optional<muster::MseChance> chance;
  std::string all(said);
  if ((data[0] & 3) != 0) {
    chance.emplace();
    chance->private_key.fill(9);
  }
  if ((data[0] & 3) > 1) {
    all = Encrypted(hash, *chance, said, (data[0] >> 2) & 3, data[0] >> 4);
  }
  const auto whole = Run(hash, chance, all, all.size() + 1);
  Require(Run(hash, chance, all, 7) == whole);
  if ((data[0] & 3) == 0) Require(Run(hash, chance, all, 1) == whole);
  if (whole == NatOutcome::kReachable && (data[0] & 3) == 0)
    Require(said.substr(28, 20) == hash.text());
  return 0;
}
