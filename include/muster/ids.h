// SPDX-License-Identifier: Apache-2.0
//
// InfoHash and PeerId: the two 20-byte names of the protocol, each a type of its own, so that one
// cannot be passed for the other. Both are plain values: copy them freely, use them from any
// thread.
//
//   auto hash = muster::InfoHash::FromHex("aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d");
//   if (hash.ok()) std::puts(hash->ToHex().c_str());
#ifndef MUSTER_IDS_H_
#define MUSTER_IDS_H_

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "muster/export.h"

namespace muster {

// Twenty bytes with a meaning given by `Tag`. Zero when default constructed; ordered as unsigned
// bytes, which is the order of keys in a bencoded dictionary.
template <typename Tag>
class Id20 {
 public:
  static constexpr std::size_t kSize = 20;

  constexpr Id20() = default;

  // Copies exactly kSize bytes.
  static Id20 FromBytes(const std::uint8_t* bytes) {
    Id20 id;
    std::copy_n(bytes, kSize, id.bytes_.begin());
    return id;
  }
  // The bytes of `text`; nothing else than 20 of them is accepted.
  static absl::StatusOr<Id20> FromText(std::string_view text);
  // 40 hexadecimal digits of either case; InvalidArgument for anything else.
  static absl::StatusOr<Id20> FromHex(std::string_view hex);

  const std::uint8_t* data() const { return bytes_.data(); }
  absl::Span<const std::uint8_t> bytes() const { return bytes_; }
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes_.data()), kSize}; }
  // 40 lower-case hexadecimal digits.
  std::string ToHex() const;

  auto operator<=>(const Id20&) const = default;

  template <typename H>
  friend H AbslHashValue(H h, const Id20& id) {
    return H::combine(std::move(h), id.bytes_);
  }

 private:
  std::array<std::uint8_t, kSize> bytes_{};
};

struct InfoHashTag;
struct PeerIdTag;

// Names a torrent: the SHA-1 of a v1 info dictionary, or the first 20 bytes of the SHA-256 of a v2
// one (BEP 3, BEP 52).
using InfoHash = Id20<InfoHashTag>;
// Names a client within a swarm; chosen by the client (BEP 3, BEP 20).
using PeerId = Id20<PeerIdTag>;

extern template class MUSTER_EXPORT Id20<InfoHashTag>;
extern template class MUSTER_EXPORT Id20<PeerIdTag>;

}  // namespace muster

#endif  // MUSTER_IDS_H_
