// SPDX-License-Identifier: Apache-2.0
#include "muster/info_hashes.h"

#include "absl/status/status.h"
#include "base/hex.h"

namespace muster {

absl::StatusOr<InfoHashV2> InfoHashV2::FromHex(std::string_view hex) {
  InfoHashV2 hash;
  if (!HexDecode(hex, absl::MakeSpan(hash.bytes_))) {
    return absl::InvalidArgumentError("expected 64 hexadecimal digits");
  }
  return hash;
}

std::string InfoHashV2::ToHex() const { return HexEncode(bytes_); }

}  // namespace muster
