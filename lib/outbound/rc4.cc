// SPDX-License-Identifier: Apache-2.0
#include "outbound/rc4.h"

#include <numeric>
#include <utility>

namespace muster {

Rc4::Rc4(absl::Span<const std::uint8_t> key, std::size_t drop) {
  std::iota(state_.begin(), state_.end(), std::uint8_t{0});
  std::uint8_t j = 0;
  for (std::size_t i = 0; i < state_.size(); ++i) {
    j = static_cast<std::uint8_t>(j + state_[i] + key[i % key.size()]);
    std::swap(state_[i], state_[j]);
  }
  while (drop-- > 0) NextKeyByte();
}

std::uint8_t Rc4::NextKeyByte() {
  j_ = static_cast<std::uint8_t>(j_ + state_[++i_]);
  std::swap(state_[i_], state_[j_]);
  return state_[static_cast<std::uint8_t>(state_[i_] + state_[j_])];
}

void Rc4::Apply(char* bytes, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>(static_cast<std::uint8_t>(bytes[i]) ^ NextKeyByte());
  }
}

}  // namespace muster
