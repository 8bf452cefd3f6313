// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as opentracker's dump: reading ends, in the same way whatever the chunks, and what is
// read is written and read again as what it was.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "muster/state_formats.h"
#include "state/bytes.h"

namespace {

using namespace muster;

std::size_t ReadAll(std::string_view bytes, std::size_t chunk, std::vector<SavedTorrent>& all) {
  StringSource source(bytes, chunk);
  const auto reader = NewOpentrackerReader(&source, {});
  std::size_t errors = 0;
  SavedTorrent torrent;
  while (true) {
    const absl::StatusOr<bool> more = reader->Next(torrent);
    if (more.ok() && !*more) return errors;
    if (more.ok()) all.push_back(torrent);
    if (!more.ok()) ++errors;
    Require(all.size() + errors <= bytes.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::vector<SavedTorrent> all, small, again;
  const std::size_t errors = ReadAll(bytes, bytes.size() + 1, all);
  Require(ReadAll(bytes, 1, small) == errors && small == all);
  if (errors == 0 && !all.empty() && bytes.size() <= kStateLookahead) {
    Require(DetectStateFormat(bytes) == StateFormat::kOpentracker);
  }
  // Lines of one torrent behind one another are its parts, and become one line.
  all.erase(std::unique(all.begin(), all.end(),
                        [](const auto& a, const auto& b) { return a.info_hash == b.info_hash; }),
            all.end());
  StringSink sink;
  const auto writer = NewOpentrackerWriter(&sink, {});
  for (const SavedTorrent& torrent : all) Require(writer->Add(torrent).ok());
  Require(writer->Finish().ok());
  Require(ReadAll(sink.text, 10, again) == 0 && again == all);
  return 0;
}
