// SPDX-License-Identifier: Apache-2.0
#include "metainfo/merkle.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hex.h"

namespace muster {
namespace {

std::string Hash(const std::string& bytes) { return std::string(TextOf(Sha256Of(bytes))); }

// The root over all leaves, written out: every leaf there is, and zeros to `width` leaves.
std::string PlainRoot(std::vector<std::string> leaves, std::size_t width) {
  leaves.resize(width, std::string(32, '\0'));
  while (leaves.size() > 1) {
    std::vector<std::string> parents;
    for (std::size_t i = 0; i < leaves.size(); i += 2) {
      parents.push_back(Hash(leaves[i] + leaves[i + 1]));
    }
    leaves = parents;
  }
  return leaves[0];
}

std::string RootOf(const std::vector<std::string>& nodes, unsigned level) {
  std::string row;
  for (const std::string& node : nodes) row += node;
  return std::string(TextOf(MerkleRoot(BytesOf(row), level)));
}

TEST(Digest, IsThePublishedOne) {
  EXPECT_EQ(HexEncode(Sha1Of("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(HexEncode(Sha256Of("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256Hasher hasher;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(hasher.Hash(BytesOf("abc")), Sha256Of("abc"));
}

TEST(MerkleTree, OfOneLeafIsTheLeaf) {
  EXPECT_EQ(RootOf({Hash("a")}, 0), Hash("a"));
  EXPECT_EQ(RootOf({Hash("a")}, 5), Hash("a"));
}

TEST(MerkleTree, FillsLeavesWithZerosToAPowerOfTwo) {
  std::vector<std::string> leaves;
  for (std::size_t n = 1; n <= 33; ++n) {
    leaves.push_back(Hash(std::to_string(n)));
    std::size_t width = 1;
    while (width < n) width *= 2;
    EXPECT_EQ(RootOf(leaves, 0), PlainRoot(leaves, width)) << n;
  }
}

TEST(MerkleTree, OverALayerIsThatOverItsLeaves) {
  std::vector<std::string> leaves;
  for (std::size_t n = 1; n <= 40; ++n) {
    leaves.push_back(Hash(std::to_string(n)));
    if (n <= 4) continue;            // a file of one piece has no layer
    std::vector<std::string> layer;  // of pieces of four blocks
    for (std::size_t i = 0; i < n; i += 4) {
      layer.push_back(PlainRoot({leaves.begin() + static_cast<std::ptrdiff_t>(i),
                                 leaves.begin() + static_cast<std::ptrdiff_t>(std::min(i + 4, n))},
                                4));
    }
    std::size_t width = 1;
    while (width < n) width *= 2;
    EXPECT_EQ(RootOf(layer, 2), PlainRoot(leaves, width)) << n;
  }
}

}  // namespace
}  // namespace muster
