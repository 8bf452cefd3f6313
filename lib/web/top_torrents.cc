// SPDX-License-Identifier: Apache-2.0
#include "web/top_torrents.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "web/served_torrents.h"

namespace muster {
namespace {

class Ranking {
 public:
  explicit Ranking(std::size_t places) : places_(places) {}

  void Enter(std::uint32_t count, const InfoHash& hash) {
    if (count == 0 || (ranks_.size() == places_ && count <= ranks_.back().count)) return;
    if (ranks_.size() == places_) ranks_.pop_back();
    const auto place =
        std::find_if(ranks_.begin(), ranks_.end(), [=](const Rank& r) { return r.count < count; });
    ranks_.insert(place, {count, hash});
  }
  void AppendTo(absl::string_view by, std::string& out) const {
    absl::StrAppend(&out, "Top ", places_, " torrents by ", by, ":\n");
    for (const Rank& rank : ranks_) {
      absl::StrAppend(&out, "\t", rank.count, "\t", absl::AsciiStrToUpper(rank.hash.ToHex()), "\n");
    }
  }

 private:
  struct Rank {
    std::uint32_t count;
    InfoHash hash;
  };
  const std::size_t places_;
  std::vector<Rank> ranks_;
};

class TopTorrents final : public HttpBody {
 public:
  TopTorrents(const SwarmStore& store, const Policy* policy, std::size_t places)
      : cursor_(store.Walk(SwarmStore::kWholeSwarms)),
        policy_(policy),
        by_peers_(places),
        by_seeds_(places) {}

  Progress Produce(std::size_t budget, std::string& out) override {
    for (std::size_t visits = 0; visits * kBytesAVisit <= budget; ++visits) {
      const SwarmCursor::Step step = cursor_->Next([&](const SwarmView& swarm) {
        if (IsHidden(policy_, swarm.info_hash())) return;
        const SwarmCounts counts = swarm.counts();
        by_peers_.Enter(counts.peers(), swarm.info_hash());
        by_seeds_.Enter(counts.seeders, swarm.info_hash());
      });
      if (step == SwarmCursor::Step::kVisited) continue;
      if (step == SwarmCursor::Step::kPrepared) break;
      by_peers_.AppendTo("peers", out);
      by_seeds_.AppendTo("seeds", out);
      return Progress::kEnd;
    }
    return Progress::kMore;
  }

 private:
  const std::unique_ptr<SwarmCursor> cursor_;
  const Policy* const policy_;
  Ranking by_peers_;
  Ranking by_seeds_;
};

}  // namespace

std::unique_ptr<HttpBody> NewTopTorrents(const SwarmStore& store, const Policy* policy,
                                         std::size_t places) {
  return std::make_unique<TopTorrents>(store, policy, places);
}

}  // namespace muster
