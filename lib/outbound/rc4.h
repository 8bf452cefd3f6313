// SPDX-License-Identifier: Apache-2.0
//
// Rc4: the stream cipher of message stream encryption, which no longer protects anything but is
// what peers speak. Its own code: OpenSSL 3 has it in the legacy provider only, which a machine may
// lack. Thread-compatible.
#ifndef MUSTER_LIB_OUTBOUND_RC4_H_
#define MUSTER_LIB_OUTBOUND_RC4_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/types/span.h"

namespace muster {

class Rc4 {
 public:
  // `key` of 1 to 256 bytes. The first `drop` bytes of the key stream are thrown away.
  Rc4(absl::Span<const std::uint8_t> key, std::size_t drop);

  std::uint8_t NextKeyByte();
  // Encrypts, or decrypts, in place.
  void Apply(char* bytes, std::size_t size);
  // Encrypts what stands in `text` from `from` on.
  void ApplyFrom(std::string& text, std::size_t from) {
    Apply(text.data() + from, text.size() - from);
  }

 private:
  std::array<std::uint8_t, 256> state_;
  std::uint8_t i_ = 0;
  std::uint8_t j_ = 0;
};

}  // namespace muster

#endif  // MUSTER_LIB_OUTBOUND_RC4_H_
