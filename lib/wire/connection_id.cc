// SPDX-License-Identifier: Apache-2.0
#include "wire/connection_id.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstdlib>

#include "base/bytes.h"
#include "base/divide.h"

namespace muster {
namespace {

// The cipher cannot fail on a whole number of blocks with a key set; if it does, the process must
// not go on giving out ids.
void Require(int openssl_result) {
  if (openssl_result != 1) std::abort();
}

}  // namespace

ConnectionIdKey ConnectionIdKey::FromSystem() {
  ConnectionIdKey key;
  Require(RAND_bytes(key.bytes.data(), static_cast<int>(key.bytes.size())));
  return key;
}

ConnectionIds::ConnectionIds(const ConnectionIdKey& key, Seconds lifetime)
    : slot_seconds_(
          std::max<std::int64_t>(1, (lifetime.count() + kSlotsOfLife - 1) / kSlotsOfLife)),
      cipher_(EVP_CIPHER_CTX_new()) {
  Require(cipher_ != nullptr);
  Require(EVP_EncryptInit_ex(cipher_, EVP_aes_128_ecb(), nullptr, key.bytes.data(), nullptr));
  Require(EVP_CIPHER_CTX_set_padding(cipher_, 0));
}

ConnectionIds::~ConnectionIds() { EVP_CIPHER_CTX_free(cipher_); }

void ConnectionIds::Resolve(absl::Span<Claim> claims, Instant now) {
  const std::int64_t current = DivideDown(now.time_since_epoch().count(), slot_seconds_);
  blocks_.resize(claims.size());
  for (std::size_t i = 0; i < claims.size(); ++i) {
    Claim& claim = claims[i];
    // How long ago the id was given, in slots; a slot of the future looks very old.
    const std::int64_t age =
        claim.wants_new ? 0 : (current - static_cast<std::int64_t>(claim.id >> 56)) & 0xff;
    claim.good = age <= kSlotsOfLife;
    Block& block = blocks_[i];
    block = SlotBlock(claim.from->family(), claim.good ? current - age : current);
    const absl::Span<const std::uint8_t> compact = claim.from->compact();
    for (std::size_t b = 0; b + 2 < compact.size(); ++b) block[b] ^= compact[b];
  }
  Encrypt(blocks_.data(), claims.size());
  for (std::size_t i = 0; i < claims.size(); ++i) {
    Claim& claim = claims[i];
    const std::uint64_t mac = LoadBig64(blocks_[i].data()) >> 8;
    if (claim.wants_new) {
      claim.id = static_cast<std::uint64_t>(current & 0xff) << 56 | mac;
    } else {
      claim.good &= (claim.id & ~(std::uint64_t{0xff} << 56)) == mac;
    }
  }
}

const ConnectionIds::Block& ConnectionIds::SlotBlock(AddressFamily family, std::int64_t slot) {
  CachedSlot& cached = slot_blocks_[static_cast<int>(family)][static_cast<std::size_t>(slot) % 16];
  if (cached.slot != slot) {
    cached.block = {static_cast<std::uint8_t>(family)};
    StoreBig64(cached.block.data() + 8, static_cast<std::uint64_t>(slot));
    Encrypt(&cached.block, 1);
    cached.slot = slot;
  }
  return cached.block;
}

void ConnectionIds::Encrypt(Block* blocks, std::size_t n) {
  if (n == 0) return;
  int written = 0;
  Require(EVP_EncryptUpdate(cipher_, blocks->data(), &written, blocks->data(),
                            static_cast<int>(n * 16)));
}

}  // namespace muster
