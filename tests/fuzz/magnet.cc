// SPDX-License-Identifier: Apache-2.0
//
// Any text is a link or an error; what was read is written and read as the same; limits hold.
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "muster/magnet.h"

namespace {

using muster::Require;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto link = muster::Magnet::Parse(text);
  if (!link.ok()) return 0;
  Require(link->info_hashes.v1 || link->info_hashes.v2);
  Require(link->trackers.size() + link->web_seeds.size() + link->peers.size() <= 1000);
  Require(link->files.size() <= 1000);
  for (std::size_t i = 0; i < link->files.size(); ++i) {
    Require(link->files[i].first <= link->files[i].last);
    if (i > 0) Require(link->files[i - 1].last + std::uint64_t{1} < link->files[i].first);
  }

  // Encoding makes a byte three, at most.
  const std::string written = link->ToString();
  Require(written.size() <= 3 * size + 200);
  const auto again = muster::Magnet::Parse(written, {.max_size = 4 * size + 200});
  Require(again.ok() && *again == *link && again->ToString() == written);

  if (size > 100) Require(!muster::Magnet::Parse(text, {.max_size = size - 1}).ok());
  return 0;
}
