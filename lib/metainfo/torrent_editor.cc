// SPDX-License-Identifier: Apache-2.0
#include "muster/torrent_editor.h"

#include <deque>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "metainfo/torrent_writer.h"
#include "muster/bencode.h"

namespace muster {
namespace {

class TorrentEditor {
 public:
  explicit TorrentEditor(BencodeView torrent) {
    for (const BencodeEntry& entry : torrent.entries()) {
      values_.emplace(entry.key, entry.value.source());
    }
  }

  void Apply(const TorrentEdit& edit) {
    if (edit.trackers) SetTrackers(*edit.trackers);
    if (edit.web_seeds) SetList("url-list", *edit.web_seeds);
    if (edit.http_seeds) SetList("httpseeds", *edit.http_seeds);
    if (edit.nodes) SetNodes(*edit.nodes);
    if (edit.comment) SetText("comment", *edit.comment);
    if (edit.created_by) SetText("created by", *edit.created_by);
    if (edit.removes_creation_date) values_.erase("creation date");
    if (edit.creation_date) Set("creation date", *edit.creation_date);
  }

  std::string Write() const {
    std::string out = "d";
    for (const auto& [key, value] : values_) {
      absl::StrAppend(&out, key.size(), ":", ToAbsl(key), ToAbsl(value));
    }
    return out += 'e';
  }

 private:
  void Set(std::string_view key, BencodeValue value) {
    values_[key] = made_.emplace_back(value.Encode());
  }
  void SetText(std::string_view key, const std::string& text) {
    // The same text once more, as some creators write it, would say otherwise now.
    values_.erase(made_.emplace_back(absl::StrCat(ToAbsl(key), ".utf-8")));
    values_.erase(key);
    if (!text.empty()) Set(key, text);
  }
  void SetList(std::string_view key, const std::vector<std::string>& texts) {
    values_.erase(key);
    if (!texts.empty()) Set(key, ListOf(texts));
  }
  void SetNodes(const std::vector<HostPort>& nodes) {
    values_.erase("nodes");
    if (nodes.empty()) return;
    BencodeValue::List list;
    for (const HostPort& node : nodes) {
      BencodeValue::List pair;
      pair.emplace_back(node.host);
      pair.emplace_back(std::int64_t{node.port});
      list.emplace_back(std::move(pair));
    }
    Set("nodes", std::move(list));
  }
  void SetTrackers(const std::vector<std::vector<std::string>>& tiers) {
    values_.erase("announce");
    values_.erase("announce-list");
    BencodeValue::List list;
    std::size_t count = 0;
    const std::string* first = nullptr;
    for (const auto& tier : tiers) {
      if (tier.empty()) continue;
      if (first == nullptr) first = &tier.front();
      count += tier.size();
      list.emplace_back(ListOf(tier));
    }
    if (first == nullptr) return;
    Set("announce", *first);
    if (count > 1) Set("announce-list", std::move(list));
  }
  static BencodeValue::List ListOf(const std::vector<std::string>& texts) {
    BencodeValue::List list;
    for (const std::string& text : texts) list.emplace_back(text);
    return list;
  }

  // Encoded values, in the torrent's bytes or in made_.
  std::map<std::string_view, std::string_view> values_;
  std::deque<std::string> made_;
};

absl::Status Check(const TorrentEdit& edit) {
  TorrentDetails details;
  if (edit.trackers) details.trackers = *edit.trackers;
  if (edit.web_seeds) details.web_seeds = *edit.web_seeds;
  if (edit.http_seeds) details.http_seeds = *edit.http_seeds;
  if (edit.nodes) details.nodes = *edit.nodes;
  return CheckDetails(details);
}

}  // namespace

absl::StatusOr<std::string> EditTorrent(std::string_view bytes, const TorrentEdit& edit,
                                        const MetainfoOptions& options) {
  if (absl::Status status = Check(edit); !status.ok()) return status;
  const absl::StatusOr<Metainfo> torrent = Metainfo::Parse(std::string(bytes), options);
  if (!torrent.ok()) return torrent.status();
  BencodeDocument document;
  absl::Status status = document.Decode(
      bytes, options.strict ? BencodeMode::kStrict : BencodeMode::kLenient, options.limits.bencode);
  if (!status.ok()) return status;
  TorrentEditor editor(document.root());
  editor.Apply(edit);
  return editor.Write();
}

}  // namespace muster
