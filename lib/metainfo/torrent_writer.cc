// SPDX-License-Identifier: Apache-2.0
#include "metainfo/torrent_writer.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/text.h"
#include "metainfo/faults.h"
#include "muster/bencode.h"

namespace muster {
namespace {

// Calls with each name of a path.
template <typename Call>
void ForNames(std::string_view path, const Call& call) {
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    call(name);
    path.remove_prefix(std::min(name.size() + 1, path.size()));
  }
}

std::vector<std::string_view> NamesOf(std::string_view path) {
  std::vector<std::string_view> names;
  ForNames(path, [&names](std::string_view name) { names.push_back(name); });
  return names;
}

class TorrentWriter {
 public:
  TorrentWriter(const HashedTorrent& torrent, std::string_view name, const TorrentDetails& details)
      : torrent_(torrent),
        plan_(torrent.layout.plan),
        name_(name),
        details_(details),
        has_v1_(torrent.kind != TorrentKind::kV2),
        has_v2_(torrent.kind != TorrentKind::kV1) {}

  absl::StatusOr<std::string> Write() {
    writer_.BeginDict();
    WriteTrackers();
    WriteText("comment", details_.comment);
    WriteText("created by", details_.created_by);
    if (details_.creation_date) writer_.Key("creation date").Int(*details_.creation_date);
    WriteList("httpseeds", details_.http_seeds);
    writer_.Key("info");
    WriteInfo();
    WriteNodes();
    if (has_v2_) WritePieceLayers();
    WriteList("url-list", details_.web_seeds);
    writer_.End();
    if (absl::Status status = writer_.Finish(); !status.ok()) return status;
    return std::move(out_);
  }

 private:
  void WriteText(std::string_view key, std::string_view text) {
    if (!text.empty()) writer_.Key(key).String(text);
  }
  void WriteList(std::string_view key, const std::vector<std::string>& texts) {
    if (texts.empty()) return;
    writer_.Key(key).BeginList();
    for (const std::string& text : texts) writer_.String(text);
    writer_.End();
  }

  void WriteTrackers() {
    std::size_t count = 0;
    const std::string* first = nullptr;
    for (const auto& tier : details_.trackers) {
      if (first == nullptr && !tier.empty()) first = &tier.front();
      count += tier.size();
    }
    if (first == nullptr) return;
    writer_.Key("announce").String(*first);
    if (count == 1) return;
    writer_.Key("announce-list").BeginList();
    for (const auto& tier : details_.trackers) {
      if (tier.empty()) continue;
      writer_.BeginList();
      for (const std::string& url : tier) writer_.String(url);
      writer_.End();
    }
    writer_.End();
  }

  void WriteNodes() {
    if (details_.nodes.empty()) return;
    writer_.Key("nodes").BeginList();
    for (const HostPort& node : details_.nodes) {
      writer_.BeginList().String(node.host).Int(node.port).End();
    }
    writer_.End();
  }

  void WriteInfo() {
    writer_.BeginDict();
    const bool is_v1_file = has_v1_ && torrent_.is_single_file;
    if (is_v1_file) WriteAttributes(torrent_.files[0]);
    WriteList("collections", details_.collections);
    if (has_v2_) WriteFileTree();
    if (has_v1_ && !torrent_.is_single_file) WriteFileList();
    if (is_v1_file) writer_.Key("length").Int(torrent_.files[0].length);
    if (has_v2_) writer_.Key("meta version").Int(2);
    writer_.Key("name").String(name_);
    writer_.Key("piece length").Int(plan_.piece_length);
    if (has_v1_) writer_.Key("pieces").String(TextOf(torrent_.hashes.v1));
    if (details_.is_private) writer_.Key("private").Int(1);
    if (!details_.similar.empty()) {
      writer_.Key("similar").BeginList();
      for (const InfoHash& hash : details_.similar) writer_.String(TextOf(hash.bytes()));
      writer_.End();
    }
    WriteText("source", details_.source);
    writer_.End();
  }

  void WriteAttributes(const ContentFile& file) {
    std::string attributes;
    if (file.is_hidden) attributes += 'h';
    if (file.is_executable) attributes += 'x';
    if (file.is_symlink()) attributes += 'l';
    WriteText("attr", attributes);
  }
  void WritePath(std::string_view key, std::string_view path) {
    writer_.Key(key).BeginList();
    ForNames(path, [this](std::string_view name) { writer_.String(name); });
    writer_.End();
  }

  void WriteFileList() {
    writer_.Key("files").BeginList();
    for (const std::size_t i : torrent_.layout.order) {
      const ContentFile& file = torrent_.files[i];
      writer_.BeginDict();
      WriteAttributes(file);
      writer_.Key("length").Int(file.length);
      WritePath("path", file.path);
      if (file.is_symlink()) WritePath("symlink path", file.symlink_path);
      writer_.End();
      if (const std::int64_t pad = torrent_.layout.PadAfter(file.length); pad > 0) {
        writer_.BeginDict().Key("attr").String("p").Key("length").Int(pad);
        writer_.Key("path").BeginList().String(".pad").String(absl::StrCat(pad)).End();
        writer_.End();
      }
    }
    writer_.End();
  }

  // Files come in the order of paths, so a folder is open until the first file outside of it.
  void WriteFileTree() {
    writer_.Key("file tree").BeginDict();
    std::vector<std::string_view> open;
    for (const std::size_t i : torrent_.layout.order) {
      const ContentFile& file = torrent_.files[i];
      const std::vector<std::string_view> names =
          torrent_.is_single_file ? std::vector{name_} : NamesOf(file.path);
      const auto [common, unused] =
          std::mismatch(open.begin(), open.end(), names.begin(), names.end() - 1);
      for (auto left = open.end() - common; left > 0; --left) writer_.End();
      open.erase(common, open.end());
      while (open.size() + 1 < names.size()) {
        writer_.Key(names[open.size()]).BeginDict();
        open.push_back(names[open.size()]);
      }
      writer_.Key(names.back()).BeginDict().Key("").BeginDict();
      WriteAttributes(file);
      if (file.is_symlink()) {
        WritePath("symlink path", file.symlink_path);
      } else {
        writer_.Key("length").Int(file.length);
      }
      if (file.length > 0) writer_.Key("pieces root").String(TextOf(torrent_.roots[i]));
      writer_.End().End();
    }
    for (std::size_t i = 0; i < open.size(); ++i) writer_.End();
    writer_.End();
  }

  void WritePieceLayers() {
    constexpr std::size_t kHash = std::tuple_size_v<Sha256Digest>;
    // Files of the same content have the same layer.
    std::map<std::string_view, std::string_view> layers;
    const std::string_view nodes = TextOf(torrent_.hashes.v2);
    for (const PieceExtent& extent : plan_.extents) {
      if (extent.length <= plan_.piece_length) continue;
      const auto first = static_cast<std::size_t>(extent.offset / plan_.piece_length);
      const auto count = static_cast<std::size_t>((extent.length - 1) / plan_.piece_length + 1);
      layers[TextOf(torrent_.roots[extent.file])] = nodes.substr(first * kHash, count * kHash);
    }
    writer_.Key("piece layers").BeginDict();
    for (const auto& [root, layer] : layers) writer_.Key(root).String(layer);
    writer_.End();
  }

  const HashedTorrent& torrent_;
  const PiecePlan& plan_;
  const std::string_view name_;
  const TorrentDetails& details_;
  const bool has_v1_;
  const bool has_v2_;
  std::string out_;
  BencodeWriter writer_{&out_};
};

}  // namespace

absl::Status CheckUrl(std::string_view what, std::string_view url) {
  const auto is_bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
  if (url.empty() || std::any_of(url.begin(), url.end(), is_bad)) {
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(what), ": not a URL: ", Quoted(url)));
  }
  return absl::OkStatus();
}

absl::Status CheckDetails(const TorrentDetails& details) {
  const auto check = [](std::string_view what, const std::vector<std::string>& urls) {
    for (const std::string& url : urls) {
      if (absl::Status status = CheckUrl(what, url); !status.ok()) return status;
    }
    return absl::OkStatus();
  };
  for (const auto& tier : details.trackers) {
    if (absl::Status status = check("trackers", tier); !status.ok()) return status;
  }
  if (absl::Status status = check("web seeds", details.web_seeds); !status.ok()) return status;
  if (absl::Status status = check("HTTP seeds", details.http_seeds); !status.ok()) return status;
  for (const HostPort& node : details.nodes) {
    if (!IsHost(node.host) || node.port == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("nodes: not a host and a port: ", Quoted(node.ToString())));
    }
  }
  for (const std::string& name : details.collections) {
    if (name.empty()) return absl::InvalidArgumentError("collections: an empty name");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> WriteTorrent(const HashedTorrent& torrent, std::string_view name,
                                         const TorrentDetails& details) {
  return TorrentWriter(torrent, name, details).Write();
}

}  // namespace muster
