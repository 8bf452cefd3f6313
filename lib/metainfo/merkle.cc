// SPDX-License-Identifier: Apache-2.0
#include "metainfo/merkle.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace muster {
namespace {

constexpr std::size_t kNode = std::tuple_size_v<Sha256Digest>;

Sha256Digest Parent(const std::uint8_t* left, const std::uint8_t* right, Sha256Hasher& hasher) {
  std::array<std::uint8_t, 2 * kNode> both;
  std::copy_n(left, kNode, both.begin());
  std::copy_n(right, kNode, both.begin() + kNode);
  return hasher.Hash(both);
}

}  // namespace

Sha256Digest MerkleRoot(absl::Span<const std::uint8_t> nodes, unsigned level) {
  Sha256Hasher hasher;
  Sha256Digest pad{};
  for (unsigned i = 0; i < level; ++i) pad = Parent(pad.data(), pad.data(), hasher);

  std::vector<std::uint8_t> row(nodes.begin(), nodes.end());
  while (row.size() > kNode) {
    if (row.size() / kNode % 2 == 1) row.insert(row.end(), pad.begin(), pad.end());
    for (std::size_t at = 0; at < row.size(); at += 2 * kNode) {
      const Sha256Digest parent = Parent(&row[at], &row[at + kNode], hasher);
      std::copy(parent.begin(), parent.end(), row.begin() + static_cast<std::ptrdiff_t>(at / 2));
    }
    row.resize(row.size() / 2);
    pad = Parent(pad.data(), pad.data(), hasher);
  }
  Sha256Digest root;
  std::copy_n(row.begin(), kNode, root.begin());
  return root;
}

}  // namespace muster
