// SPDX-License-Identifier: Apache-2.0
//
// MseInitiator: message stream encryption (MSE, also called protocol encryption) from the side that
// connects: bytes in, bytes out. No sockets; chance is an argument.
//
//   we                                                peer
//   Ya, PadA                                     ->
//                                                <-   Yb, PadB
//   HASH('req1', S), HASH('req2', SKEY) ^ HASH('req3', S),
//   ENCRYPT(VC, crypto_provide, len(PadC), PadC, len(IA), IA)
//                                                ->
//                                                <-   ENCRYPT(VC, crypto_select, len(PadD), PadD),
//                                                     the peer's own bytes, as it has selected
//
// HASH is SHA-1, SKEY the info hash, S the common secret of a Diffie-Hellman exchange over 768 bits,
// VC eight zero bytes, ENCRYPT RC4 by SHA-1 of "keyA" (us) or "keyB" (the peer), S and SKEY, without
// the first 1024 bytes of the key stream. IA is what we have to say first. Pads have up to 512 bytes
// each; that the peer cannot be told apart from noise before its VC is the point of it all.
#ifndef MUSTER_LIB_OUTBOUND_MSE_H_
#define MUSTER_LIB_OUTBOUND_MSE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "muster/ids.h"
#include "outbound/rc4.h"

namespace muster {

inline constexpr std::size_t kMseKeySize = 96;
inline constexpr std::size_t kMseMaxPad = 512;

using MseKey = std::array<std::uint8_t, kMseKeySize>;  // a number modulo the prime, big-endian
using MsePrivateKey = std::array<std::uint8_t, 20>;

// 2 to the power of `key`.
MseKey MsePublicKey(const MsePrivateKey& key);
// `theirs` to the power of `key`. Nothing for a number that gives the secret away: 0, 1, the prime
// less one, or greater.
std::optional<MseKey> MseSecret(const MseKey& theirs, const MsePrivateKey& key);
// The stream of one direction; `name` is "keyA" for the side that connects, "keyB" for the other.
Rc4 MseStream(std::string_view name, const MseKey& secret, const InfoHash& skey);
// HASH('req1', S), and HASH('req2', SKEY) ^ HASH('req3', S), 20 bytes each.
std::string MseRequestHashes(const MseKey& secret, const InfoHash& skey);

// What must not be guessed or told apart. PadC is empty: it would hide nothing more.
struct MseChance {
  MsePrivateKey private_key;
  std::string pad;  // PadA, at most kMseMaxPad bytes

  static MseChance FromSystem();
};

// Thread-compatible.
class MseInitiator {
 public:
  enum class Result : std::uint8_t { kNeedMore, kDone, kFailed };

  // `initial` is IA; at most 65535 bytes.
  MseInitiator(const InfoHash& skey, const MseChance& chance, std::string_view initial);

  // Appends the first message.
  void Begin(std::string& out) const;
  // Takes what the peer sent, in any pieces; appends what is to be sent to `out`, and what the peer
  // says behind the handshake to `said`. Stays kFailed. Holds at most what a handshake may have.
  Result Receive(std::string_view bytes, std::string& out, std::string& said);

 private:
  enum class Phase : std::uint8_t { kKey, kSync, kSelect, kPad, kStream, kFailed };

  bool Step(std::string& out);
  bool TakeKey(std::string& out);
  bool FindVerification();
  bool TakeSelection();
  bool TakePad();
  bool Fail();

  const InfoHash skey_;
  const MseChance chance_;
  const std::string initial_;
  Phase phase_ = Phase::kKey;
  std::string input_;           // what was not looked at yet
  std::size_t pad_ = 0;         // bytes of PadD still to come
  std::size_t searched_ = 0;    // bytes of PadB passed over
  bool encrypted_ = true;       // as the peer selected
  std::array<char, 8> wanted_;  // the peer's VC, encrypted
  std::optional<Rc4> from_peer_;
};

}  // namespace muster

#endif  // MUSTER_LIB_OUTBOUND_MSE_H_
