// SPDX-License-Identifier: Apache-2.0
#include "wire/http_scrape.h"

#include <algorithm>

#include "http/query.h"
#include "muster/bencode.h"
#include "wire/http_parameter.h"

namespace muster {

absl::Status DecodeHttpScrape(std::string_view query, std::size_t max_torrents,
                              TooManyTorrents too_many, std::vector<InfoHash>& info_hashes) {
  info_hashes.clear();
  QueryReader reader(query);
  while (reader.Next()) {
    if (!IsParameter(reader.name(), "info_hash")) continue;
    if (info_hashes.size() == max_torrents) {
      if (too_many == TooManyTorrents::kLeftOut) break;
      return absl::InvalidArgumentError("too many torrents in one scrape");
    }
    if (!DecodeId(reader.value(), info_hashes.emplace_back())) {
      return absl::InvalidArgumentError("info_hash is not 20 percent-encoded bytes");
    }
  }
  std::sort(info_hashes.begin(), info_hashes.end());
  info_hashes.erase(std::unique(info_hashes.begin(), info_hashes.end()), info_hashes.end());
  return absl::OkStatus();
}

void EncodeHttpScrape(absl::Span<const InfoHash> info_hashes,
                      absl::Span<const std::optional<SwarmCounts>> rows, const HttpScrapeForm& form,
                      NameOfTorrent name_of, std::string& out) {
  BencodeWriter writer(&out);
  writer.BeginDict().Key("files").BeginDict();
  for (std::size_t i = 0; i < info_hashes.size(); ++i) {
    if (!rows[i]) continue;
    writer.Key(info_hashes[i].text()).BeginDict();
    writer.Key("complete").Int(rows[i]->complete());
    writer.Key("downloaded").Int(rows[i]->completed);
    if (form.min_request_interval) writer.Key("downloaders").Int(rows[i]->downloaders);
    writer.Key("incomplete").Int(rows[i]->incomplete());
    const std::string_view name = name_of(info_hashes[i]);
    if (!name.empty()) writer.Key("name").String(name);
    writer.End();
  }
  writer.End();
  if (form.min_request_interval) {
    writer.Key("flags").BeginDict();
    writer.Key("min_request_interval").Int(form.min_request_interval->count());
    writer.End();
  }
  writer.End();
  writer.Finish().IgnoreError();  // the shape is fixed, and the hashes are in order
}

}  // namespace muster
