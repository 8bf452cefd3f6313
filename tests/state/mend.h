// SPDX-License-Identifier: Apache-2.0
//
// Right checksums for wrong bytes, so that what lies behind them is tested.
#ifndef MUSTER_TESTS_STATE_MEND_H_
#define MUSTER_TESTS_STATE_MEND_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/crc32c.h"

namespace muster::testing_state {

// Of the file's header, and of all blocks' headers and payloads, as far as there are any.
inline void MendChecksums(std::string& text) {
  const auto store = [&](std::size_t at, std::uint32_t crc) {
    StoreBig32(reinterpret_cast<std::uint8_t*>(text.data()) + at, crc);
  };
  if (text.size() >= 32) store(28, Crc32c(std::string_view(text).substr(0, 28)));
  for (std::size_t at = 0; (at = text.find("mBlk", at)) != std::string::npos; at += 28) {
    if (text.size() - at < 28) return;
    const std::uint32_t stored =
        LoadBig32(reinterpret_cast<const std::uint8_t*>(text.data()) + at + 12);
    store(at + 20, Crc32c(std::string_view(text).substr(at + 28, stored)));
    store(at + 24, Crc32c(std::string_view(text).substr(at, 24)));
  }
}

}  // namespace muster::testing_state

#endif  // MUSTER_TESTS_STATE_MEND_H_
