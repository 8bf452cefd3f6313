// SPDX-License-Identifier: Apache-2.0
//
// The order of info hashes, as `<` has it, for those who compare millions: the first 8 bytes hardly
// ever agree.
#ifndef MUSTER_LIB_MODEL_INFO_HASH_ORDER_H_
#define MUSTER_LIB_MODEL_INFO_HASH_ORDER_H_

#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "muster/ids.h"

namespace muster {

// Of the 20 bytes each that these point to.
inline bool IsBefore(const std::uint8_t* a, const std::uint8_t* b) {
  const std::uint64_t first_a = LoadBig64(a);
  const std::uint64_t first_b = LoadBig64(b);
  if (first_a != first_b) return first_a < first_b;
  return std::memcmp(a + 8, b + 8, InfoHash::kSize - 8) < 0;
}

inline bool IsBefore(const InfoHash& a, const InfoHash& b) { return IsBefore(a.data(), b.data()); }

}  // namespace muster

#endif  // MUSTER_LIB_MODEL_INFO_HASH_ORDER_H_
