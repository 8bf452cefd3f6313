// SPDX-License-Identifier: Apache-2.0
//
// PeerBatch: the place that chosen peers are copied to. It owns nothing: the caller lends the bytes
// of the answer that is being built, and the store copies compact peers straight into them.
// Thread-compatible.
//
//   std::uint8_t ipv4[50 * 6];
//   muster::PeerBatch peers(absl::MakeSpan(ipv4), {});   // no room for IPv6: none will be chosen
#ifndef MUSTER_PEER_BATCH_H_
#define MUSTER_PEER_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/types/span.h"
#include "muster/endpoint.h"
#include "muster/ids.h"

namespace muster {

class PeerBatch {
 public:
  // Room for ipv4.size()/6 and ipv6.size()/18 peers.
  PeerBatch(absl::Span<std::uint8_t> ipv4, absl::Span<std::uint8_t> ipv6)
      : lists_{List{ipv4.data(), nullptr, ipv4.size() / 6, 0},
               List{ipv6.data(), nullptr, ipv6.size() / 18, 0}} {}

  // Also asks for peer ids, where the store keeps them; each span has a place for every peer of its
  // family.
  void WantPeerIds(PeerId* ipv4_ids, PeerId* ipv6_ids) {
    lists_[0].ids = ipv4_ids;
    lists_[1].ids = ipv6_ids;
  }

  std::size_t size(AddressFamily family) const { return list(family).size; }
  std::size_t size() const { return lists_[0].size + lists_[1].size; }
  // How many more peers of a family fit.
  std::size_t room(AddressFamily family) const { return list(family).capacity - list(family).size; }
  // The chosen peers, 6 or 18 bytes each.
  absl::Span<const std::uint8_t> compact(AddressFamily family) const {
    return {list(family).peers, list(family).size * CompactSize(family)};
  }
  // Peer `i` of a family; `i` < size(family).
  Endpoint peer(AddressFamily family, std::size_t i) const {
    return Endpoint::FromCompact(family, list(family).peers + i * CompactSize(family));
  }
  // The peer ids in the order of compact(), zero for one that is not known; empty when they were not
  // asked for or the store keeps none.
  absl::Span<const PeerId> ids(AddressFamily family) const {
    if (!has_ids_) return {};
    return {list(family).ids, list(family).size};
  }

  // --- for stores ---

  bool wants_ids() const { return lists_[0].ids != nullptr; }
  // Appends `n` <= room(family) compact peers; `ids` holds 20 bytes for each, or is null when the
  // store keeps none.
  void Append(AddressFamily family, const std::uint8_t* peers, const std::uint8_t* ids,
              std::size_t n) {
    List& to = lists_[static_cast<int>(family)];
    std::memcpy(to.peers + to.size * CompactSize(family), peers, n * CompactSize(family));
    if (to.ids != nullptr && n > 0) {
      for (std::size_t i = 0; i < n; ++i) {
        to.ids[to.size + i] =
            ids == nullptr ? PeerId() : PeerId::FromBytes(ids + i * PeerId::kSize);
      }
      has_ids_ |= ids != nullptr;
    }
    to.size += n;
  }

 private:
  struct List {
    std::uint8_t* peers;
    PeerId* ids;
    std::size_t capacity;
    std::size_t size;
  };
  const List& list(AddressFamily family) const { return lists_[static_cast<int>(family)]; }

  List lists_[2];
  bool has_ids_ = false;
};

}  // namespace muster

#endif  // MUSTER_PEER_BATCH_H_
