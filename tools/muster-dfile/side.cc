// SPDX-License-Identifier: Apache-2.0
#include "muster-dfile/side.h"

#include <map>
#include <set>

#include "muster-dfile/text.h"
#include "muster/bencode.h"
#include "muster/ids.h"

namespace muster_dfile {
namespace {

using muster::BencodeEntry;
using muster::BencodeType;
using muster::BencodeView;
using Tell = absl::FunctionRef<void(std::string_view)>;

// What a reader gave is within its own limits.
bool Decode(std::string_view side, muster::BencodeDocument& document) {
  const muster::BencodeLimits limits{.max_size = ~std::size_t{0}, .max_tokens = ~std::size_t{0}};
  return document.Decode(side, muster::BencodeMode::kStrict, limits).ok() &&
         document.root().type() == BencodeType::kDict;
}

// The torrents that bttrack found in its directory: each of `allowed` is a file of
// `allowed_dir_files`, and the other way round, once.
void CheckAllowed(BencodeView root, Tell tell) {
  const BencodeView allowed = root.Find("allowed");
  const BencodeView files = root.Find("allowed_dir_files");
  if (allowed && allowed.type() != BencodeType::kDict) tell("allowed is no dictionary");
  if (files && files.type() != BencodeType::kDict) {
    tell("allowed_dir_files is no dictionary");
  }
  std::set<std::string_view> in_files;
  for (const BencodeEntry& file : files.entries()) {
    BencodeView hash;
    for (BencodeView item : file.value.items()) hash = item;
    const auto text = hash.AsString();
    if (!text && hash.IntOr(1) != 0) {
      tell(Concat({"allowed_dir_files: ", PlainText(file.key), " has no info hash"}));
    } else if (text && !in_files.insert(*text).second) {
      tell(Concat(
          {"allowed_dir_files: ", PlainText(file.key), " has the info hash of another file"}));
    } else if (text && !allowed.Find(*text)) {
      tell(Concat(
          {"allowed_dir_files: the torrent of ", PlainText(file.key), " is not in allowed"}));
    }
  }
  for (const BencodeEntry& torrent : allowed.entries()) {
    const auto hash = muster::InfoHash::FromText(torrent.key);
    if (!hash.ok() || torrent.value.type() != BencodeType::kDict) {
      tell(Concat({"allowed: ", PlainText(torrent.key), " is no torrent"}));
    } else if (in_files.count(torrent.key) == 0) {
      tell(Concat({"allowed: torrent ", hash->ToHex(), " is not in allowed_dir_files"}));
    }
  }
  for (const BencodeEntry& torrent : root.Find("allowed_list").entries()) {
    if (torrent.key.size() != muster::InfoHash::kSize) {
      tell(Concat({"allowed_list: ", PlainText(torrent.key), " is no info hash"}));
    }
  }
}

}  // namespace

void CheckSide(std::string_view side, Tell tell) {
  if (side.empty()) return;
  muster::BencodeDocument document;
  if (!Decode(side, document)) return tell("what it says beside its torrents is no dictionary");
  CheckAllowed(document.root(), tell);
}

namespace {

using Entries = std::map<std::string_view, BencodeView>;

Entries EntriesOf(BencodeView dict) {
  Entries entries;
  for (const BencodeEntry& entry : dict.entries()) entries.emplace(entry.key, entry.value);
  return entries;
}

// The torrents that bttrack found in its directory, which are joined in two entries: of one that both
// sides have, or whose file both have, what the first says of it stays.
void JoinAllowed(BencodeView other, Entries& allowed, Entries& files) {
  const BencodeView other_allowed = other.Find("allowed");
  for (const BencodeEntry& file : other.Find("allowed_dir_files").entries()) {
    if (files.contains(file.key)) continue;
    BencodeView hash;
    for (BencodeView item : file.value.items()) hash = item;
    const auto text = hash.AsString();
    if (text) {
      const BencodeView torrent = other_allowed.Find(*text);
      if (!torrent || !allowed.emplace(*text, torrent).second) continue;
    }
    files.emplace(file.key, file.value);
  }
}

void WriteEntries(std::string_view key, const Entries& entries, muster::BencodeWriter& writer) {
  writer.Key(key).BeginDict();
  for (const auto& [name, value] : entries) writer.Key(name).Splice(value);
  writer.End();
}

}  // namespace

std::string JoinedSides(std::string_view first, std::string_view second) {
  muster::BencodeDocument one, other;
  if (second.empty() || !Decode(second, other)) return std::string(first);
  if (first.empty() || !Decode(first, one)) return std::string(second);
  Entries root = EntriesOf(one.root());
  for (const BencodeEntry& entry : other.root().entries()) root.emplace(entry.key, entry.value);
  Entries allowed = EntriesOf(one.root().Find("allowed"));
  Entries files = EntriesOf(one.root().Find("allowed_dir_files"));
  Entries list = EntriesOf(one.root().Find("allowed_list"));
  JoinAllowed(other.root(), allowed, files);
  list.merge(EntriesOf(other.root().Find("allowed_list")));
  std::string joined;
  muster::BencodeWriter writer(&joined);
  writer.BeginDict();
  for (const auto& [key, value] : root) {
    if (key == "allowed") {
      WriteEntries(key, allowed, writer);
    } else if (key == "allowed_dir_files") {
      WriteEntries(key, files, writer);
    } else if (key == "allowed_list") {
      WriteEntries(key, list, writer);
    } else {
      writer.Key(key).Splice(value);
    }
  }
  return writer.End().Finish().ok() ? joined : std::string(first);
}

std::string WithoutAllowed(std::string_view side) {
  muster::BencodeDocument document;
  if (side.empty() || !Decode(side, document)) return {};
  std::string rest;
  muster::BencodeWriter writer(&rest);
  writer.BeginDict();
  for (const BencodeEntry& entry : document.root().entries()) {
    if (entry.key == "allowed" || entry.key == "allowed_dir_files" || entry.key == "allowed_list") {
      continue;
    }
    writer.Key(entry.key).Splice(entry.value);
  }
  return writer.End().Finish().ok() ? rest : std::string();
}

std::string SideKeys(std::string_view side) {
  muster::BencodeDocument document;
  if (side.empty() || !Decode(side, document)) return {};
  std::string keys;
  for (const BencodeEntry& entry : document.root().entries()) {
    keys += Concat({keys.empty() ? "" : ", ", PlainText(entry.key)});
  }
  return keys;
}

}  // namespace muster_dfile
