// SPDX-License-Identifier: Apache-2.0
//
// InfoHashV2, the 32-byte name of a v2 torrent, and InfoHashes, the one or two names that a torrent
// has. Plain values: copy them freely, use them from any thread.
#ifndef MUSTER_INFO_HASHES_H_
#define MUSTER_INFO_HASHES_H_

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "muster/export.h"
#include "muster/ids.h"

namespace muster {

// The SHA-256 of a v2 info dictionary (BEP 52). Zero when default constructed; ordered as unsigned
// bytes.
class MUSTER_EXPORT InfoHashV2 {
 public:
  static constexpr std::size_t kSize = 32;

  constexpr InfoHashV2() = default;

  // Copies exactly kSize bytes.
  static InfoHashV2 FromBytes(const std::uint8_t* bytes) {
    InfoHashV2 hash;
    std::copy_n(bytes, kSize, hash.bytes_.begin());
    return hash;
  }
  // 64 hexadecimal digits of either case; InvalidArgument for anything else.
  static absl::StatusOr<InfoHashV2> FromHex(std::string_view hex);

  const std::uint8_t* data() const { return bytes_.data(); }
  absl::Span<const std::uint8_t> bytes() const { return bytes_; }
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes_.data()), kSize}; }
  // 64 lower-case hexadecimal digits.
  std::string ToHex() const;
  // The first 20 bytes: what trackers and the DHT know the torrent by.
  InfoHash Truncated() const { return InfoHash::FromBytes(bytes_.data()); }

  auto operator<=>(const InfoHashV2&) const = default;

 private:
  std::array<std::uint8_t, kSize> bytes_{};
};

// A v1 torrent has the first, a v2 torrent the second, a hybrid both.
struct InfoHashes {
  std::optional<InfoHash> v1 = std::nullopt;
  std::optional<InfoHashV2> v2 = std::nullopt;

  bool operator==(const InfoHashes&) const = default;
};

}  // namespace muster

#endif  // MUSTER_INFO_HASHES_H_
