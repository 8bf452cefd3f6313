// SPDX-License-Identifier: Apache-2.0
#include "musterd/tracker_list.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "muster/tracker_url.h"
#include "musterd/text.h"

namespace musterd {
namespace {

constexpr std::string_view kBetweenWords = " \t\r\v\f";

// The next word of a line, which is taken off; empty at its end.
std::string_view TakeWord(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBetweenWords), line.size()));
  if (!line.empty() && line.front() == '#') line = {};
  const std::string_view word = line.substr(0, line.find_first_of(kBetweenWords));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

absl::StatusOr<std::vector<muster::MultitrackerTorrent>> ReadTrackerList(std::string_view text,
                                                                         std::string_view name) {
  std::vector<muster::MultitrackerTorrent> torrents;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto bad = [&](std::string_view what) {
      return Invalid({name, ":", std::to_string(number), ": ", what});
    };
    const std::string_view hash = TakeWord(line);
    if (hash.empty()) continue;
    const auto info_hash = muster::InfoHash::FromHex(hash);
    if (!info_hash.ok()) return bad(Concat({Quoted(hash), " is no info hash of 40 digits"}));
    muster::MultitrackerTorrent torrent{*info_hash, {}};
    for (std::string_view url = TakeWord(line); !url.empty(); url = TakeWord(line)) {
      const auto parsed = muster::TrackerUrl::Parse(url);
      if (!parsed.ok()) return bad(MessageOf(parsed.status()));
      torrent.trackers.emplace_back(url);
    }
    torrents.push_back(std::move(torrent));
  }
  return torrents;
}

absl::StatusOr<std::vector<muster::MultitrackerTorrent>> ReadTrackerListFile(
    const std::string& path) {
  if (path.empty()) return std::vector<muster::MultitrackerTorrent>();
  const auto cannot = [&] {
    return Invalid({"cannot read ", Quoted(path), ": ", std::strerror(errno)});
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             std::fclose);
  if (file == nullptr) return cannot();
  std::string text;
  char chunk[65536];
  while (const std::size_t size = std::fread(chunk, 1, sizeof chunk, file.get())) {
    text.append(chunk, size);
    if (text.size() > kMaxTrackerListBytes)
      return Invalid({Quoted(path), " is larger than 256 MiB"});
  }
  if (std::ferror(file.get())) return cannot();
  return ReadTrackerList(text, path);
}

TrackerFeed::Torrents TrackerFeed::AllLocked() const {
  Torrents all;
  for (const Torrents& part : torrents_) all.insert(all.end(), part.begin(), part.end());
  return all;
}

TrackerFeed::Torrents TrackerFeed::All() {
  const std::lock_guard<std::mutex> lock(mu_);
  return AllLocked();
}

void TrackerFeed::Set(Source source, Torrents torrents) {
  const std::lock_guard<std::mutex> lock(mu_);
  torrents_[static_cast<std::size_t>(source)] = std::move(torrents);
  if (server_) server_(AllLocked());
}

void TrackerFeed::Attach(std::function<void(Torrents)> server) {
  const std::lock_guard<std::mutex> lock(mu_);
  server_ = std::move(server);
  server_(AllLocked());
}

}  // namespace musterd
