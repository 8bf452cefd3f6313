// SPDX-License-Identifier: Apache-2.0
#include "muster/torrent_catalog.h"

#include <algorithm>
#include <atomic>
#include <tuple>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "base/published.h"

namespace muster {

TorrentList::TorrentList(std::vector<std::shared_ptr<const CatalogTorrent>> torrents)
    : torrents_(std::move(torrents)) {
  rows_.reserve(torrents_.size());
  for (const auto& torrent : torrents_) {
    const InfoHashes& hashes = torrent->info_hashes;
    if (hashes.v1) rows_.push_back({*hashes.v1, torrent.get()});
    if (hashes.v2) rows_.push_back({hashes.v2->Truncated(), torrent.get()});
    has_refusals_ = has_refusals_ || !torrent->refusal.empty();
    has_warnings_ = has_warnings_ || !torrent->warning.empty();
    length_ += std::min(torrent->length, ~std::uint64_t{0} - length_);
  }
  std::stable_sort(rows_.begin(), rows_.end(),
                   [](const Row& a, const Row& b) { return a.info_hash < b.info_hash; });
  rows_.erase(std::unique(rows_.begin(), rows_.end(),
                          [](const Row& a, const Row& b) { return a.info_hash == b.info_hash; }),
              rows_.end());
  rows_by_name_ = rows_;
  std::sort(rows_by_name_.begin(), rows_by_name_.end(), [](const Row& a, const Row& b) {
    return std::tie(a.torrent->name, a.info_hash) < std::tie(b.torrent->name, b.info_hash);
  });
}

const CatalogTorrent* TorrentList::Find(const InfoHash& info_hash) const {
  const auto row =
      std::lower_bound(rows_.begin(), rows_.end(), info_hash,
                       [](const Row& r, const InfoHash& hash) { return r.info_hash < hash; });
  return row == rows_.end() || row->info_hash != info_hash ? nullptr : row->torrent;
}

class TorrentCatalog::Impl {
 public:
  void Replace(std::shared_ptr<const TorrentList> list) {
    const MutexLock lock(&replacing);
    // Whoever still goes through an old list must not be the one to free it.
    retired.erase(std::remove_if(retired.begin(), retired.end(),
                                 [](const auto& old) { return old.use_count() == 1; }),
                  retired.end());
    retired.push_back(*published.Read());
    const bool refusals = list->has_refusals();
    const bool warnings = list->has_warnings();
    published.Publish(std::make_unique<std::shared_ptr<const TorrentList>>(std::move(list)));
    has_refusals.store(refusals, std::memory_order_release);
    has_warnings.store(warnings, std::memory_order_release);
  }
  std::string Message(const InfoHash& info_hash, const std::atomic<bool>& any,
                      std::string CatalogTorrent::*message) const {
    if (!any.load(std::memory_order_acquire)) return {};
    const auto reading = published.Read();
    const CatalogTorrent* const torrent = (*reading)->Find(info_hash);
    return torrent == nullptr ? std::string() : torrent->*message;
  }

  Published<std::shared_ptr<const TorrentList>> published{
      std::make_unique<std::shared_ptr<const TorrentList>>(std::make_shared<TorrentList>())};
  Mutex replacing;
  std::vector<std::shared_ptr<const TorrentList>> retired ABSL_GUARDED_BY(replacing);
  // Most trackers have none.
  std::atomic<bool> has_refusals{false};
  std::atomic<bool> has_warnings{false};
};

TorrentCatalog::TorrentCatalog() : impl_(std::make_unique<Impl>()) {}
TorrentCatalog::~TorrentCatalog() = default;

void TorrentCatalog::Replace(std::vector<std::shared_ptr<const CatalogTorrent>> torrents) {
  impl_->Replace(std::make_shared<const TorrentList>(std::move(torrents)));
}

std::shared_ptr<const TorrentList> TorrentCatalog::list() const { return *impl_->published.Read(); }

std::string TorrentCatalog::RefusalOf(const InfoHash& info_hash) const {
  return impl_->Message(info_hash, impl_->has_refusals, &CatalogTorrent::refusal);
}

std::string TorrentCatalog::WarningOf(const InfoHash& info_hash) const {
  return impl_->Message(info_hash, impl_->has_warnings, &CatalogTorrent::warning);
}

}  // namespace muster
