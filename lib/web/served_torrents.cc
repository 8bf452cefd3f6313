// SPDX-License-Identifier: Apache-2.0
#include "web/served_torrents.h"

#include <utility>

namespace muster {
namespace {

using Step = SwarmCursor::Step;

class ByHash final : public ServedTorrents {
 public:
  ByHash(const SwarmStore& store, const Policy* policy, std::shared_ptr<const TorrentList> list)
      : policy_(policy), list_(std::move(list)), cursor_(store.Walk(SwarmStore::kWholeSwarms)) {}

  Step Next(ServedTorrent& served) override {
    const Step step = Take(served);
    if (step == Step::kVisited) served.hidden = IsHidden(policy_, served.info_hash);
    return step;
  }

 private:
  Step Take(ServedTorrent& served) {
    if (next_ == Step::kPrepared) {
      next_ = cursor_->Next([&](const SwarmView& swarm) {
        swarm_ = {swarm.info_hash(), swarm.counts(), nullptr};
      });
      if (next_ == Step::kPrepared) return next_;
    }
    const bool has_swarm = next_ == Step::kVisited;
    const bool has_row = list_ != nullptr && row_ < list_->rows().size();
    if (has_row && (!has_swarm || list_->rows()[row_].info_hash < swarm_.info_hash)) {
      const TorrentList::Row& row = list_->rows()[row_++];
      served = {row.info_hash, {}, row.torrent};
      return Step::kVisited;
    }
    if (!has_swarm) return Step::kEnd;
    served = swarm_;
    if (has_row && list_->rows()[row_].info_hash == swarm_.info_hash) {
      served.torrent = list_->rows()[row_++].torrent;
    }
    next_ = Step::kPrepared;
    return Step::kVisited;
  }

  const Policy* const policy_;
  const std::shared_ptr<const TorrentList> list_;
  const std::unique_ptr<SwarmCursor> cursor_;
  std::size_t row_ = 0;
  // What the store has next: that swarm, or nothing, or it is to be asked.
  Step next_ = Step::kPrepared;
  ServedTorrent swarm_;
};

class ByName final : public ServedTorrents {
 public:
  ByName(const SwarmStore& store, const Policy* policy, std::shared_ptr<const TorrentList> list)
      : store_(store), policy_(policy), list_(std::move(list)) {}

  Step Next(ServedTorrent& served) override {
    while (row_ < list_->rows_by_name().size()) {
      const TorrentList::Row& row = list_->rows_by_name()[row_++];
      const std::optional<SwarmCounts> counts = store_.Count(row.info_hash);
      const InfoHashes& hashes = row.torrent->info_hashes;
      const bool second = hashes.v1 && hashes.v2 && row.info_hash != *hashes.v1;
      if (second && !counts) continue;
      served = {row.info_hash, counts.value_or(SwarmCounts()), row.torrent,
                IsHidden(policy_, row.info_hash)};
      return Step::kVisited;
    }
    return Step::kEnd;
  }

 private:
  const SwarmStore& store_;
  const Policy* const policy_;
  const std::shared_ptr<const TorrentList> list_;
  std::size_t row_ = 0;
};

}  // namespace

std::unique_ptr<ServedTorrents> TorrentsByHash(const SwarmStore& store, const Policy* policy,
                                               std::shared_ptr<const TorrentList> list) {
  return std::make_unique<ByHash>(store, policy, std::move(list));
}

std::unique_ptr<ServedTorrents> TorrentsByName(const SwarmStore& store, const Policy* policy,
                                               std::shared_ptr<const TorrentList> list) {
  return std::make_unique<ByName>(store, policy, std::move(list));
}

}  // namespace muster
