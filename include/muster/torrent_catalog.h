// SPDX-License-Identifier: Apache-2.0
//
// TorrentCatalog: what a tracker knows of torrents beside their swarms: what they are called, how
// large they are, and what whoever made them wants clients to be told.
//
//   muster::TorrentCatalog catalog;                      // outlives the server
//   catalog.Replace({entry, another});                   // any thread; nobody waits for it
//   rules.SetCatalog(&catalog);                          // refuses what an entry refuses
//   options.http.catalog = &catalog;                     // names in scrapes and on the page
//
// TorrentCatalog is thread-safe, TorrentList immutable and reentrant.
#ifndef MUSTER_TORRENT_CATALOG_H_
#define MUSTER_TORRENT_CATALOG_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "muster/export.h"
#include "muster/ids.h"
#include "muster/info_hashes.h"

namespace muster {

struct CatalogTorrent {
  // A hybrid torrent is found by both.
  InfoHashes info_hashes = {};
  // Bytes, usually UTF-8.
  std::string name = {};
  // Bytes of all files together, and how many there are.
  std::uint64_t length = 0;
  std::uint32_t files = 0;
  // Where the torrent's file lies; empty where there is none to be had.
  std::string path = {};
  // Why announces are refused; empty where they are not.
  std::string refusal = {};
  // Announce URLs of all tiers of its `announce-list`, our own may be among them. Not that of its
  // `announce` where it stands alone.
  std::vector<std::string> trackers = {};
  // What answers to announces say as well; empty for nothing.
  std::string warning = {};
};

class MUSTER_EXPORT TorrentList {
 public:
  // As trackers know it: the v1 hash, or the first 20 bytes of the v2 hash.
  struct Row {
    InfoHash info_hash;
    const CatalogTorrent* torrent;
  };

  TorrentList() = default;
  // Where two torrents have one hash, the first one has it.
  explicit TorrentList(std::vector<std::shared_ptr<const CatalogTorrent>> torrents);

  // Null for a torrent that is not there.
  const CatalogTorrent* Find(const InfoHash& info_hash) const;
  // Every hash, in ascending order; a hybrid torrent has two.
  absl::Span<const Row> rows() const { return rows_; }
  // The same by name, and those of one name by hash.
  absl::Span<const Row> rows_by_name() const { return rows_by_name_; }
  std::size_t size() const { return torrents_.size(); }
  // Bytes of all torrents together; as many as there can be where they are more.
  std::uint64_t length() const { return length_; }

  bool has_refusals() const { return has_refusals_; }
  bool has_warnings() const { return has_warnings_; }

 private:
  std::vector<std::shared_ptr<const CatalogTorrent>> torrents_;
  std::vector<Row> rows_;
  std::vector<Row> rows_by_name_;
  std::uint64_t length_ = 0;
  bool has_refusals_ = false;
  bool has_warnings_ = false;
};

class MUSTER_EXPORT TorrentCatalog {
 public:
  // Nothing in it.
  TorrentCatalog();
  ~TorrentCatalog();
  TorrentCatalog(const TorrentCatalog&) = delete;
  TorrentCatalog& operator=(const TorrentCatalog&) = delete;

  // Takes the place of everything. Takes as long as sorting the torrents; meanwhile everybody has
  // the old list.
  void Replace(std::vector<std::shared_ptr<const CatalogTorrent>> torrents);

  // The list in force, which stays as it is; for those who go through it.
  std::shared_ptr<const TorrentList> list() const;

  // What a torrent says to those who announce it; empty for nothing. Never waits, and costs next to
  // nothing where no torrent says anything.
  std::string RefusalOf(const InfoHash& info_hash) const;
  std::string WarningOf(const InfoHash& info_hash) const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace muster

#endif  // MUSTER_TORRENT_CATALOG_H_
