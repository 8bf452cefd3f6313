// SPDX-License-Identifier: Apache-2.0
#include "metainfo/outside.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/bytes.h"

namespace muster {
namespace {

class OutsideReader {
 public:
  OutsideReader(MetainfoData& data, Faults& faults) : data_(data), faults_(faults) {}

  bool Read(BencodeView torrent, BencodeView info) {
    ReadTrackers(torrent);
    ReadUrls(torrent, "url-list", data_.web_seeds);
    ReadUrls(torrent, "httpseeds", data_.http_seeds);
    ReadNodes(torrent);
    for (const auto& [dict, where] : {std::pair(info, kInfo), std::pair(torrent, kTorrent)}) {
      ReadSimilar(dict, where);
      for (const BencodeView item : List(dict, "collections", where)) {
        if (const auto name = Text(item, where.Key("collections"))) {
          data_.collections.push_back(*name);
        }
      }
    }
    data_.comment = Utf8(torrent, "comment.utf-8", "comment");
    data_.created_by = Utf8(torrent, "created by.utf-8", "created by");
    data_.encoding = String(torrent, "encoding");
    data_.creation_date = Find(torrent, "creation date", BencodeType::kInt, kTorrent).AsInt();
    return ok_;
  }

 private:
  static constexpr Where kTorrent{};
  static constexpr Where kInfo{.base = "info"};

  void Deviates(const Where& where, std::string_view what, BencodeView at) {
    ok_ = faults_.Deviates(where, what, at.offset()) && ok_;
  }

  BencodeView Find(BencodeView dict, std::string_view key, BencodeType type, const Where& where) {
    return FindTyped(dict, key, type, where, faults_, ok_);
  }
  std::string_view String(BencodeView dict, std::string_view key) {
    return Find(dict, key, BencodeType::kString, kTorrent).StringOr("");
  }
  // Some creators write a text twice, in UTF-8 and in the torrent's `encoding`.
  std::string_view Utf8(BencodeView dict, std::string_view utf8_key, std::string_view key) {
    const std::string_view text = String(dict, key);
    const BencodeView utf8 = Find(dict, utf8_key, BencodeType::kString, kTorrent);
    return utf8.StringOr(text);
  }
  BencodeRange<BencodeView> List(BencodeView dict, std::string_view key, const Where& where) {
    return Find(dict, key, BencodeType::kList, where).items();
  }
  // A string that says something.
  std::optional<std::string_view> Text(BencodeView item, const Where& where) {
    std::optional<std::string_view> text = item.AsString();
    if (!text) {
      Deviates(where, "not a string", item);
    } else if (text->empty()) {
      Deviates(where, "an empty string", item);
      text = std::nullopt;
    }
    return text;
  }

  void ReadTrackers(BencodeView torrent) {
    data_.announce = String(torrent, "announce");
    const Where where{.base = "announce-list"};
    for (const BencodeView tier : List(torrent, "announce-list", kTorrent)) {
      std::vector<std::string_view> urls;
      if (tier.type() == BencodeType::kString) {
        Deviates(where, "a tier that is not a list", tier);
        if (const auto url = Text(tier, where)) urls.push_back(*url);
      } else if (tier.type() != BencodeType::kList) {
        Deviates(where, "a tier that is not a list", tier);
      }
      for (const BencodeView item : tier.items()) {
        if (const auto url = Text(item, where)) urls.push_back(*url);
      }
      if (!urls.empty()) data_.trackers.push_back(std::move(urls));
    }
    data_.has_announce_list = !data_.trackers.empty();
    if (!data_.has_announce_list && !data_.announce.empty()) {
      data_.trackers.push_back({data_.announce});
    }
  }

  void ReadUrls(BencodeView torrent, std::string_view key, std::vector<std::string_view>& urls) {
    const BencodeView value = torrent.Find(key);
    const Where where = kTorrent.Key(key);
    if (value.type() == BencodeType::kString) {
      // One may stand alone. An empty one is what many creators write for none.
      if (const std::string_view url = value.StringOr(""); !url.empty()) urls.push_back(url);
    } else if (value && value.type() != BencodeType::kList) {
      Deviates(where, "not a list", value);
    }
    for (const BencodeView item : value.items()) {
      if (const auto url = Text(item, where)) urls.push_back(*url);
    }
  }

  void ReadNodes(BencodeView torrent) {
    for (const BencodeView node : List(torrent, "nodes", kTorrent)) {
      auto part = node.items().begin();
      const BencodeView host = NextOf(part);
      const BencodeView port = NextOf(part);
      const std::int64_t number = port.IntOr(0);
      if (!IsHost(host.StringOr("")) || number < 1 ||
          number > std::numeric_limits<std::uint16_t>::max() || !(part == std::default_sentinel)) {
        Deviates(kTorrent.Key("nodes"), "not a list of a host and a port", node);
        continue;
      }
      data_.nodes.push_back({std::string(host.StringOr("")), static_cast<std::uint16_t>(number)});
    }
  }
  // What comes next in a list; nothing behind its end.
  static BencodeView NextOf(BencodeRange<BencodeView>::Iterator& at) {
    if (at == std::default_sentinel) return {};
    const BencodeView item = *at;
    ++at;
    return item;
  }

  void ReadSimilar(BencodeView dict, const Where& where) {
    for (const BencodeView item : List(dict, "similar", where)) {
      const std::string_view hash = item.StringOr("");
      if (hash.size() != InfoHash::kSize) {
        Deviates(where.Key("similar"), "not 20 bytes", item);
        continue;
      }
      data_.similar.push_back(InfoHash::FromBytes(BytesOf(hash).data()));
    }
  }

  MetainfoData& data_;
  Faults& faults_;
  bool ok_ = true;
};

}  // namespace

bool ReadOutside(BencodeView torrent, BencodeView info, MetainfoData& data, Faults& faults) {
  return OutsideReader(data, faults).Read(torrent, info);
}

}  // namespace muster
