// SPDX-License-Identifier: Apache-2.0
#include "outbound/peer_handshake.h"

#include <algorithm>

namespace muster {
namespace {

constexpr std::string_view kProtocol(
    "\x13"
    "BitTorrent protocol");
constexpr std::size_t kReserved = 8;
constexpr std::size_t kInfoHashAt = kProtocol.size() + kReserved;
constexpr std::size_t kPeerIdAt = kInfoHashAt + InfoHash::kSize;
constexpr std::size_t kSize = kPeerIdAt + PeerId::kSize;

std::string Opening(const InfoHash& info_hash) {
  return std::string(kProtocol).append(kReserved, '\0').append(info_hash.text());
}

// Whether what there is of `text` from `at` on is how `wanted` begins.
bool MayBe(std::string_view text, std::size_t at, std::string_view wanted) {
  const std::string_view part = text.substr(std::min(at, text.size()), wanted.size());
  return part == wanted.substr(0, part.size());
}

}  // namespace

PeerHandshake::PeerHandshake(const InfoHash& info_hash, const std::optional<PeerId>& peer_id,
                             const std::optional<MseChance>& chance)
    : info_hash_(info_hash), peer_id_(peer_id) {
  if (chance) mse_.emplace(info_hash, *chance, Opening(info_hash));
}

void PeerHandshake::Begin(std::string& out) const {
  if (mse_) {
    mse_->Begin(out);
  } else {
    out.append(Opening(info_hash_));
  }
}

std::optional<NatOutcome> PeerHandshake::Receive(std::string_view bytes, std::string& out) {
  if (!mse_) {
    said_.append(bytes);
  } else if (mse_->Receive(bytes, out, said_) == MseInitiator::Result::kFailed) {
    return NatOutcome::kNoEncryption;
  }
  return Judge();
}

std::optional<NatOutcome> PeerHandshake::Judge() const {
  if (!MayBe(said_, 0, kProtocol)) return NatOutcome::kNotBitTorrent;
  if (!MayBe(said_, kInfoHashAt, info_hash_.text())) return NatOutcome::kOtherInfoHash;
  if (peer_id_ && !MayBe(said_, kPeerIdAt, peer_id_->text())) return NatOutcome::kOtherPeerId;
  if (said_.size() < kSize) return std::nullopt;
  return NatOutcome::kReachable;
}

}  // namespace muster
