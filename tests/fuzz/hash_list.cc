// SPDX-License-Identifier: Apache-2.0
//
// Any text is a list of hashes, the same whatever the pieces it comes in; what was read and nothing
// else is on the list, also after changes.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "muster/hash_list.h"

namespace {

using muster::Require;

muster::HashListReader::Result Read(std::string_view text, std::size_t piece) {
  muster::HashListReader reader(text.size());
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    reader.Add(text.substr(0, piece));
  }
  return std::move(reader).Finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] + std::size_t{1};
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = Read(text, text.size() + 1);
  const auto pieces = Read(text, piece);
  Require(pieces.hashes == whole.hashes && pieces.bad_lines == whole.bad_lines &&
          pieces.first_bad_line == whole.first_bad_line);
  Require((whole.bad_lines > 0) == (whole.first_bad_line > 0));

  std::set<muster::InfoHash> expected(whole.hashes.begin(), whole.hashes.end());
  muster::HashList list(whole.hashes);
  Require(list.size() == expected.size());
  // Takes every second one off, and as many others on.
  std::vector<muster::HashChange> changes;
  for (std::size_t i = 0; i < whole.hashes.size(); i += 2) {
    muster::InfoHash other = whole.hashes[i];
    changes.push_back({other, false});
    expected.erase(other);
    std::vector<std::uint8_t> bytes(other.bytes().begin(), other.bytes().end());
    bytes[i % bytes.size()] ^= 0x55;
    other = muster::InfoHash::FromBytes(bytes.data());
    changes.push_back({other, true});
    expected.insert(other);
  }
  list.Change(changes);
  Require(list.size() == expected.size());
  for (const auto& hash : whole.hashes) Require(list.Contains(hash) == (expected.count(hash) > 0));
  for (const auto& hash : expected) Require(list.Contains(hash));
  return 0;
}
