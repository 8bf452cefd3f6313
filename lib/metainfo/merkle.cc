// SPDX-License-Identifier: Apache-2.0
#include "metainfo/merkle.h"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace muster {
namespace {

constexpr std::size_t kNode = std::tuple_size_v<Sha256Digest>;

// The node of a level over zero leaves alone.
Sha256Digest PadNode(unsigned level) {
  static const std::vector<Sha256Digest> nodes = [] {
    std::vector<Sha256Digest> all(1);  // level 0: zeros
    Sha256Hasher hasher;
    for (int i = 0; i < 63; ++i) {
      std::array<std::uint8_t, 2 * kNode> both;
      std::copy_n(all.back().begin(), kNode, both.begin());
      std::copy_n(all.back().begin(), kNode, both.begin() + kNode);
      all.push_back(hasher.Hash(both));
    }
    return all;
  }();
  return nodes.at(level);
}

}  // namespace

unsigned PieceLevel(std::int64_t piece_length) {
  return static_cast<unsigned>(
      std::countr_zero(static_cast<std::uint64_t>(piece_length / kBlockSize)));
}

void MerkleTree::Climb() {
  above_.resize(row_.size() / 2);
  hasher_.HashBlocks(row_, 2 * kNode, above_.data());
  row_.swap(above_);
}

Sha256Digest MerkleTree::Root(absl::Span<const std::uint8_t> nodes, unsigned level) {
  return NodeAbove(nodes, level, static_cast<unsigned>(std::bit_width(nodes.size() / kNode - 1)));
}

Sha256Digest MerkleTree::NodeAbove(absl::Span<const std::uint8_t> nodes, unsigned level,
                                   unsigned height) {
  row_.assign(nodes.begin(), nodes.end());
  for (; height > 0; --height, ++level) {
    if (row_.size() / kNode % 2 == 1) {
      const Sha256Digest pad = PadNode(level);
      row_.insert(row_.end(), pad.begin(), pad.end());
    }
    Climb();
  }
  Sha256Digest root;
  std::copy_n(row_.begin(), kNode, root.begin());
  return root;
}

void MerkleTree::Roots(absl::Span<const std::uint8_t> rows, std::size_t width,
                       std::uint8_t* roots) {
  row_.assign(rows.begin(), rows.end());
  for (; width > 1; width /= 2) Climb();
  std::copy(row_.begin(), row_.end(), roots);
}

Sha256Digest MerkleRoot(absl::Span<const std::uint8_t> nodes, unsigned level) {
  return MerkleTree().Root(nodes, level);
}

}  // namespace muster
