// SPDX-License-Identifier: Apache-2.0
#include "muster/ids.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/hex.h"

namespace muster {

template <typename Tag>
absl::StatusOr<Id20<Tag>> Id20<Tag>::FromText(std::string_view text) {
  if (text.size() != kSize) {
    return absl::InvalidArgumentError(absl::StrCat("expected 20 bytes, got ", text.size()));
  }
  return FromBytes(BytesOf(text).data());
}

template <typename Tag>
absl::StatusOr<Id20<Tag>> Id20<Tag>::FromHex(std::string_view hex) {
  Id20 id;
  if (!HexDecode(hex, absl::MakeSpan(id.bytes_))) {
    return absl::InvalidArgumentError("expected 40 hexadecimal digits");
  }
  return id;
}

template <typename Tag>
std::string Id20<Tag>::ToHex() const {
  return HexEncode(bytes_);
}

template class Id20<InfoHashTag>;
template class Id20<PeerIdTag>;

}  // namespace muster
