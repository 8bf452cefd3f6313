// SPDX-License-Identifier: Apache-2.0
//
// Connection ids of the UDP protocol (BEP 15): proof that a sender receives what is sent to its
// address. Stateless: an id is a keyed function of the address and of the time slot it was given
// in, so nothing has to be remembered for it.
//
//    63      56 55                                  0
//   +----------+-------------------------------------+
//   | slot mod |  AES-128(key, AES-128(key, family,  |    a CBC-MAC over two blocks
//   |   256    |  slot) xor address), first 56 bits  |
//   +----------+-------------------------------------+
//
// The slot travels in the id, so checking costs one block cipher call whatever the lifetime is, and
// the calls of a whole batch are made as one, which lets the processor overlap them.
#ifndef MUSTER_LIB_WIRE_CONNECTION_ID_H_
#define MUSTER_LIB_WIRE_CONNECTION_ID_H_

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "muster/endpoint.h"
#include "muster/instant.h"

struct evp_cipher_ctx_st;

namespace muster {

struct ConnectionIdKey {
  std::array<std::uint8_t, 16> bytes;

  // From the operating system's generator.
  static ConnectionIdKey FromSystem();
};

// Thread-compatible: one for each worker, all with the same key.
class ConnectionIds {
 public:
  // An id is good for `lifetime` at least and an eighth more at most; `lifetime` is at least 8
  // seconds.
  ConnectionIds(const ConnectionIdKey& key, Seconds lifetime);
  ~ConnectionIds();
  ConnectionIds(const ConnectionIds&) = delete;
  ConnectionIds& operator=(const ConnectionIds&) = delete;

  // One packet's question.
  struct Claim {
    const Endpoint* from = nullptr;  // only the address counts, not the port
    bool wants_new =
        false;  // in: a connect, which asks for an id; else `id` was presented and is to be checked
    std::uint64_t id = 0;  // in: the id presented; out: the new one
    bool good = false;     // out: `id` belongs to `from` and is not outdated
  };
  void Resolve(absl::Span<Claim> claims, Instant now);

 private:
  using Block = std::array<std::uint8_t, 16>;
  // An id is accepted in the slot it was given in and in this many after it.
  static constexpr std::int64_t kSlotsOfLife = 8;

  // The first cipher block of a slot, which all addresses of a family share.
  const Block& SlotBlock(AddressFamily family, std::int64_t slot);
  void Encrypt(Block* blocks, std::size_t n);

  struct CachedSlot {
    std::int64_t slot = std::numeric_limits<std::int64_t>::min();  // none yet
    Block block;
  };

  const std::int64_t slot_seconds_;
  evp_cipher_ctx_st* const cipher_;
  std::array<CachedSlot, 16> slot_blocks_[2];  // by family and slot mod 16
  std::vector<Block> blocks_;                  // one for each claim of the batch
};

}  // namespace muster

#endif  // MUSTER_LIB_WIRE_CONNECTION_ID_H_
