// SPDX-License-Identifier: Apache-2.0
//
// CRC-32C (Castagnoli; RFC 3720, B.4): finds every single damaged bit, and all but one in four
// thousand million others. By the processor's own instruction where it has one. Reentrant.
#ifndef MUSTER_LIB_BASE_CRC32C_H_
#define MUSTER_LIB_BASE_CRC32C_H_

#include <cstdint>
#include <string_view>

namespace muster {

// Of `bytes`; or of what `before` is the checksum of and `bytes` together.
std::uint32_t Crc32c(std::string_view bytes, std::uint32_t before = 0);

// The same by tables alone, whatever the processor has; for the tests.
std::uint32_t Crc32cByTables(std::string_view bytes, std::uint32_t before = 0);

}  // namespace muster

#endif  // MUSTER_LIB_BASE_CRC32C_H_
