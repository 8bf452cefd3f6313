// SPDX-License-Identifier: Apache-2.0
#include "web/named_scrape.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "web/served_torrents.h"

namespace muster {
namespace {

class NamedScrape final : public HttpBody {
 public:
  NamedScrape(const SwarmStore& store, const NamedScrapeOptions& options)
      : torrents_(TorrentsByHash(store, options.policy, options.torrents)),
        show_names_(options.show_names),
        show_dead_(options.show_dead) {}

  Progress Produce(std::size_t budget, std::string& out) override {
    const std::size_t begin = out.size();
    if (!std::exchange(begun_, true)) out += "d5:filesd";
    ServedTorrent served;
    for (std::size_t visits = 0; out.size() < begin + budget && visits * kBytesAVisit <= budget;
         ++visits) {
      const SwarmCursor::Step step = torrents_->Next(served);
      if (step == SwarmCursor::Step::kPrepared) break;
      if (step == SwarmCursor::Step::kEnd) {
        out += "ee";
        return Progress::kEnd;
      }
      if (!served.hidden && (show_dead_ || !served.is_dead())) Append(served, out);
    }
    return Progress::kMore;
  }

 private:
  void Append(const ServedTorrent& served, std::string& out) const {
    absl::StrAppend(&out, "20:", ToAbsl(served.info_hash.text()), "d8:completei",
                    served.counts.complete(), "e10:downloadedi", served.counts.completed,
                    "e10:incompletei", served.counts.incomplete(), "e");
    if (show_names_ && served.torrent != nullptr && !served.torrent->name.empty()) {
      const std::string& name = served.torrent->name;
      absl::StrAppend(&out, "4:name", name.size(), ":", name);
    }
    out += 'e';
  }

  const std::unique_ptr<ServedTorrents> torrents_;
  const bool show_names_;
  const bool show_dead_;
  bool begun_ = false;
};

}  // namespace

std::unique_ptr<HttpBody> NewNamedScrape(const SwarmStore& store,
                                         const NamedScrapeOptions& options) {
  return std::make_unique<NamedScrape>(store, options);
}

}  // namespace muster
