// SPDX-License-Identifier: Apache-2.0
//
// `piece layers` (BEP 52): by the root of a file's tree, the hashes of its pieces. It stands outside
// of the info dictionary, so nothing but the root vouches for it. Peers have layers too: where one is
// missing or bad, the lenient mode goes without.
#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "metainfo/file_table.h"
#include "metainfo/merkle.h"

namespace muster {
namespace {

constexpr std::size_t kHash = std::tuple_size_v<Sha256Digest>;
constexpr Where kWhere{.base = "piece layers"};

struct Layer {
  std::string_view root;
  BencodeView hashes;
  enum { kUnknown, kGood, kBad } state = kUnknown;
};

// All of them, by root.
bool ReadLayers(BencodeView dict, std::vector<Layer>& layers, Faults& faults) {
  if (dict && dict.type() != BencodeType::kDict) {
    return faults.Deviates(kWhere, "not a dictionary", dict.offset());
  }
  for (const BencodeEntry& entry : dict.entries()) {
    const std::size_t at = entry.value.offset();
    if (entry.key.size() == kHash && entry.value.type() == BencodeType::kString) {
      layers.push_back({entry.key, entry.value});
    } else if (!faults.Deviates(kWhere, "not hashes by a root of 32 bytes", at)) {
      return false;
    }
  }
  std::stable_sort(layers.begin(), layers.end(),
                   [](const Layer& a, const Layer& b) { return a.root < b.root; });
  return true;
}

}  // namespace

bool ReadPieceLayers(BencodeView torrent, std::int64_t piece_length, FileTable& table,
                     Faults& faults) {
  std::vector<Layer> layers;
  if (!ReadLayers(torrent.Find("piece layers"), layers, faults)) return false;

  const auto level = static_cast<unsigned>(
      std::countr_zero(static_cast<std::uint64_t>(piece_length / kBlockSize)));
  for (FileDraft& draft : table.files) {
    if (draft.file.pieces_root.empty() || draft.file.length <= piece_length) continue;
    const Where where{.base = "piece layers", .names = table.PathOf(draft)};
    const auto layer = std::lower_bound(
        layers.begin(), layers.end(), draft.file.pieces_root,
        [](const Layer& entry, std::string_view root) { return entry.root < root; });
    if (layer == layers.end() || layer->root != draft.file.pieces_root) {
      if (!faults.Deviates(where, "no layer for a file larger than a piece", draft.at))
        return false;
      continue;
    }
    const std::string_view hashes = layer->hashes.StringOr("");
    const std::size_t at = layer->hashes.offset();
    const auto pieces = static_cast<std::uint64_t>((draft.file.length - 1) / piece_length) + 1;
    if (hashes.size() % kHash != 0 || hashes.size() / kHash != pieces) {
      layer->state = Layer::kBad;
      const std::string what =
          absl::StrCat("a layer of ", hashes.size(), " bytes for ", pieces, " pieces");
      if (!faults.Deviates(where, what, at)) return false;
      continue;
    }
    // Files of the same content share their layer, which is verified once.
    if (layer->state == Layer::kUnknown) {
      const Sha256Digest root = MerkleRoot(BytesOf(hashes), level);
      layer->state = TextOf(root) == layer->root ? Layer::kGood : Layer::kBad;
    }
    if (layer->state == Layer::kGood) {
      draft.file.piece_layer = hashes;
    } else if (!faults.Deviates(where, "a layer that does not belong to its root", at)) {
      return false;
    }
  }

  for (const Layer& layer : layers) {
    if (layer.state == Layer::kUnknown &&
        !faults.Deviates(kWhere, "a layer of no file", layer.hashes.offset())) {
      return false;
    }
  }
  return true;
}

}  // namespace muster
