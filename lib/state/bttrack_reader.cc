// SPDX-License-Identifier: Apache-2.0
//
// The reader of bttrack's dfile. One pass: the counts, which come before the peers, wait in memory
// until their torrents come.
//
//   d 7:allowed d ... e  9:completed d 20:HASH i7e ... e  5:peers d 20:HASH d 20:ID d ... e ... e ... e e
//     `--- side ---'                 `--- counts ---'              `--- torrents, their peers ---'
//
// There are no checksums, so damage is what cannot be read. The search for the next place where
// reading can go on starts right behind the beginning of the record that is damaged, not where the
// damage showed: a wrong length may have swallowed the beginning of the next torrent, and its peers
// must not go to the wrong one.
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "model/made_up_id.h"
#include "muster/bencode.h"
#include "muster/state_formats.h"
#include "state/bttrack_peer.h"
#include "state/bttrack_tokens.h"

namespace muster {
namespace {

using Kind = BencodeTokens::Kind;

constexpr std::size_t kPeersInAPart = 1024;

// The records that a search looks for. Each needs no more than kRecordBytes to be told.
constexpr std::size_t kRecordBytes = 64;

bool BeginsId(std::string_view at) { return at.size() > 23 && at.starts_with("20:"); }
bool BeginsPeer(std::string_view at) {
  if (!BeginsId(at)) return false;
  const std::string_view value = at.substr(23);
  return value.starts_with("d2:ip") || value.starts_with("d8:given ip");
}
bool BeginsTorrent(std::string_view at) {
  return BeginsId(at) && at[23] == 'd' && BeginsPeer(at.substr(24));
}
bool BeginsCount(std::string_view at) {
  if (!BeginsId(at) || at[23] != 'i') return false;
  const std::size_t end = at.find_first_not_of("-0123456789", 24);
  return end != at.npos && at[end] == 'e' && end > 24;
}

// What a SavedTorrent does not say otherwise: a count below 0, an empty entry under `peers`, none
// under `completed`. A usual torrent has none of that.
std::string TorrentSide(std::int64_t completed, bool is_empty, bool has_count) {
  if (completed >= 0 && !is_empty && has_count) return {};
  std::string side;
  BencodeWriter writer(&side);
  writer.BeginDict();
  if (completed < 0) writer.Key(kSideCompleted).Int(completed);
  if (is_empty) writer.Key(kSideEmpty).Int(1);
  if (!has_count) writer.Key(kSideUncounted).Int(1);
  const bool fine = writer.End().Finish().ok();
  return fine ? side : std::string();
}

class BttrackReader final : public StateReader {
 public:
  BttrackReader(ByteSource* source, const StateReadOptions& options)
      : tokens_(source), options_(options) {}

  absl::StatusOr<bool> Next(SavedTorrent& torrent) override;
  std::string_view side() const override {
    return place_ == Place::kEnd && side_.size() > 2 ? side_ : std::string_view();
  }

 private:
  // Where the reading position is, always before a key or an end.
  enum class Place : std::uint8_t { kStart, kRoot, kCounts, kTorrents, kPeers, kEnd };

  struct Count {
    InfoHash info_hash;
    std::int64_t completed;
  };
  static constexpr std::size_t kNone = ~std::size_t{0};

  // What Next() does at each place; false on an error.
  bool Start();
  bool ReadRootKey();
  bool ReadCount();
  bool BeginTorrent();
  bool BeginTorrentOfKey();
  bool ReadPeers(SavedTorrent& torrent);
  bool ReadPeer(SavedPeer& peer);
  bool IsMisnamed();
  bool ReadSide();
  bool End();

  // A mistake that is none of the bencoding.
  bool Damage(std::string_view what);
  // Finds the next place from which to go on.
  absl::Status Recover();
  bool RecoverAt(std::string_view at, bool peers_too);
  void ResumeAt(Place place, std::size_t behind);

  // The next count of which no torrent was seen, before `limit` if there is one.
  bool GiveLoneCount(const InfoHash* limit, SavedTorrent& torrent);
  std::size_t FindCount(const InfoHash& info_hash) const;
  // The hash and the count, which from now on is given; `is_empty`: under `peers`, without any.
  void FillHead(const InfoHash& info_hash, std::size_t count, bool is_empty, SavedTorrent& torrent);

  BencodeTokens tokens_;
  const StateReadOptions options_;
  Place place_ = Place::kStart;
  bool old_form_ = false;
  std::uint64_t record_at_ = 0;  // where the record that is being read begins
  std::string root_key_;         // the last one

  absl::Status error_;  // until it is recovered from
  bool error_is_told_ = false;
  bool is_out_of_order_ = false;  // the error is
  bool was_damaged_ = false;

  std::string side_ = "d";
  std::string side_key_;       // the last one in it
  std::vector<Count> counts_;  // ascending
  enum class Given : std::uint8_t { kNot, kAlone, kWithTorrent };
  std::vector<Given> given_;  // beside counts_
  std::size_t next_count_ = 0;

  // The torrent whose peers are being read.
  InfoHash info_hash_;
  std::size_t count_ = kNone;  // its index in counts_
  bool is_new_ = false;        // nothing of it was given yet
};

absl::StatusOr<bool> BttrackReader::Next(SavedTorrent& torrent) {
  torrent.completed = 0;
  torrent.peers.clear();
  torrent.last_active.reset();
  torrent.side.clear();
  if (!error_.ok()) {
    if (!std::exchange(error_is_told_, true)) return error_;
    if (error_.code() != absl::StatusCode::kDataLoss) return error_;
    if (absl::Status status = Recover(); !status.ok()) return status;
  }
  while (place_ != Place::kEnd) {
    bool fine = true;
    bool gives = false;
    switch (place_) {
      case Place::kStart:
        fine = Start();
        break;
      case Place::kRoot:
        fine = ReadRootKey();
        break;
      case Place::kCounts:
        fine = ReadCount();
        break;
      case Place::kTorrents:
        fine = BeginTorrent();
        break;
      case Place::kPeers:
        // In a damaged document the order says nothing, so lone counts come last.
        if (is_new_ && !was_damaged_ && GiveLoneCount(&info_hash_, torrent)) return true;
        fine = ReadPeers(torrent);
        gives = fine ? is_new_ || !torrent.peers.empty() : !torrent.peers.empty();
        break;
      case Place::kEnd:
        break;
    }
    if (!fine) {
      is_out_of_order_ = place_ == Place::kTorrents && absl::IsDataLoss(tokens_.status()) &&
                         tokens_.position() == record_at_;
      if (!tokens_.status().ok()) error_ = tokens_.status();
      error_is_told_ = !gives;
      was_damaged_ = true;
    }
    if (gives) {
      FillHead(info_hash_, count_, is_new_ && torrent.peers.empty(), torrent);
      is_new_ = false;
      return true;
    }
    if (!fine) return error_;
  }
  return GiveLoneCount(nullptr, torrent);
}

bool BttrackReader::Start() {
  if (!tokens_.Next()) return false;
  if (tokens_.kind() != Kind::kDict) return Damage("expected a dictionary");
  place_ = Place::kRoot;
  return true;
}

bool BttrackReader::ReadRootKey() {
  record_at_ = tokens_.reading_position();
  if (!tokens_.Next()) return false;
  if (tokens_.kind() == Kind::kEnd) return End();
  if (root_key_.empty() && tokens_.text().size() == InfoHash::kSize) {
    old_form_ = true;
    return BeginTorrentOfKey();
  }
  if (!root_key_.empty() && tokens_.text() <= root_key_) return Damage("a key out of order");
  root_key_.assign(tokens_.text());
  if (root_key_ != "completed" && root_key_ != "peers") {
    return IsMisnamed() ? Damage("peers or counts under another name") : ReadSide();
  }
  if (!tokens_.Next()) return false;
  if (tokens_.kind() != Kind::kDict) return Damage(absl::StrCat(root_key_, " is no dictionary"));
  place_ = root_key_ == "peers" ? Place::kTorrents : Place::kCounts;
  return true;
}

// Whether what follows a key of another name is what a damaged name stood for. An allowed_list looks
// like counts.
bool BttrackReader::IsMisnamed() {
  const std::string_view value = tokens_.Peek(kRecordBytes + 1);
  if (!value.starts_with("d")) return false;
  const bool are_counts = root_key_ != "allowed_list" && BeginsCount(value.substr(1));
  if (are_counts) place_ = Place::kCounts;
  return are_counts || BeginsTorrent(value.substr(1));
}

bool BttrackReader::ReadSide() {
  if (root_key_ <= side_key_) return Damage("a key out of order");
  const std::size_t before = side_.size();
  AppendBencodeString(root_key_, side_);
  tokens_.CaptureTo(&side_, options_.max_side);
  const bool fine = tokens_.SkipValue();
  tokens_.CaptureTo(nullptr);
  if (fine) side_key_ = root_key_;
  if (!fine) side_.resize(before);
  return fine;
}

bool BttrackReader::ReadCount() {
  record_at_ = tokens_.reading_position();
  if (!tokens_.Next()) return false;
  if (tokens_.kind() == Kind::kEnd) {
    place_ = Place::kRoot;
    return true;
  }
  const absl::StatusOr<InfoHash> info_hash = InfoHash::FromText(tokens_.text());
  if (!info_hash.ok()) return Damage("an info hash that is not of 20 bytes");
  if (!tokens_.Next()) return false;
  if (tokens_.kind() != Kind::kInt) return Damage("a count that is no number");
  if (!counts_.empty() && *info_hash <= counts_.back().info_hash) {
    return Damage("a key out of order");
  }
  if (counts_.size() >= options_.max_torrents) {
    error_ = absl::ResourceExhaustedError(
        absl::StrCat("more than ", options_.max_torrents, " torrents with counts"));
    return false;
  }
  counts_.push_back({*info_hash, tokens_.number()});
  given_.push_back(Given::kNot);
  return true;
}

bool BttrackReader::BeginTorrent() {
  record_at_ = tokens_.reading_position();
  if (!tokens_.Next()) return false;
  if (tokens_.kind() == Kind::kKey) return BeginTorrentOfKey();
  if (old_form_) return End();
  place_ = Place::kRoot;
  root_key_ = "peers";
  return true;
}

bool BttrackReader::BeginTorrentOfKey() {
  place_ = Place::kTorrents;
  const absl::StatusOr<InfoHash> info_hash = InfoHash::FromText(tokens_.text());
  if (!info_hash.ok()) return Damage("an info hash that is not of 20 bytes");
  if (!tokens_.Next()) return false;
  if (tokens_.kind() != Kind::kDict) return Damage("a torrent that is no dictionary of peers");
  info_hash_ = *info_hash;
  count_ = FindCount(info_hash_);
  if (count_ != kNone && given_[count_] == Given::kWithTorrent)
    return Damage("a torrent for the second time");
  is_new_ = true;
  place_ = Place::kPeers;
  return true;
}

bool BttrackReader::ReadPeers(SavedTorrent& torrent) {
  while (torrent.peers.size() < kPeersInAPart) {
    record_at_ = tokens_.reading_position();
    if (!tokens_.Next()) return false;
    if (tokens_.kind() == Kind::kEnd) {
      place_ = Place::kTorrents;
      return true;
    }
    if (!ReadPeer(torrent.peers.emplace_back())) {
      torrent.peers.pop_back();
      return false;
    }
  }
  return true;
}

bool BttrackReader::ReadPeer(SavedPeer& peer) {
  const absl::StatusOr<PeerId> id = PeerId::FromText(tokens_.text());
  if (!id.ok()) return Damage("a peer id that is not of 20 bytes");
  const char* what;
  if (!ReadBttrackPeer(tokens_, peer, what)) {
    if (what != nullptr) return Damage(what);
    if (absl::IsResourceExhausted(tokens_.status())) {
      return Damage(absl::StrCat("a peer of more than ", kMaxPeerSide, " bytes"));
    }
    return false;
  }
  peer.last_seen = options_.time;
  if (*id != MadeUpPeerId(peer.peer)) peer.peer_id = *id;
  return true;
}

// After the last token.
bool BttrackReader::End() {
  record_at_ = tokens_.reading_position();
  if (!tokens_.AtEnd()) return tokens_.status().ok() && Damage("more after the end");
  place_ = Place::kEnd;
  side_ += 'e';
  return true;
}

bool BttrackReader::Damage(std::string_view what) {
  // A record that is damaged is not worth the bencoding's own error.
  tokens_.Resume(0);
  error_ = absl::DataLossError(absl::StrCat("byte ", record_at_, ": ", ToAbsl(what)));
  return false;
}

absl::Status BttrackReader::Recover() {
  error_ = absl::OkStatus();
  tokens_.Resume(0);
  const bool has_record = tokens_.Rewind(record_at_);
  const bool peers_too = place_ == Place::kPeers && has_record;
  // What was no peer may be a torrent, if the end of the one before it was damaged. Of two torrents
  // in the wrong order it may be the first that is wrong. Otherwise the record is not to be found
  // again.
  if ((peers_too || is_out_of_order_) && BeginsTorrent(tokens_.Peek(kRecordBytes))) {
    ResumeAt(Place::kTorrents, 0);
    return absl::OkStatus();
  }
  if (has_record && !tokens_.Peek(1).empty()) tokens_.Pass(1);
  while (true) {
    constexpr std::size_t kWindow = 4096;
    const std::string_view window = tokens_.Peek(kWindow);
    if (!tokens_.status().ok()) return error_ = tokens_.status();
    const bool is_last = window.size() < kWindow;
    const std::size_t positions = is_last ? window.size() : window.size() - kRecordBytes;
    for (std::size_t i = 0; i < positions; ++i) {
      const char c = window[i];
      if (c != '2' && c != '5' && c != '9') continue;
      tokens_.Pass(i);
      if (RecoverAt(window.substr(i), peers_too)) return absl::OkStatus();
      tokens_.Rewind(tokens_.reading_position() - i);
    }
    tokens_.Pass(positions);
    if (is_last) break;
  }
  place_ = Place::kEnd;
  side_ += 'e';
  return absl::OkStatus();
}

bool BttrackReader::RecoverAt(std::string_view at, bool peers_too) {
  constexpr std::string_view kPeersKey = "5:peersd";
  constexpr std::string_view kCountsKey = "9:completedd";
  const auto resume = [this](Place place, std::size_t behind) {
    ResumeAt(place, behind);
    return true;
  };
  if (BeginsTorrent(at)) return resume(Place::kTorrents, 0);
  if (peers_too && BeginsPeer(at)) return resume(Place::kPeers, 0);
  if (place_ > Place::kCounts) return false;
  if (at.starts_with(kPeersKey) && BeginsTorrent(at.substr(kPeersKey.size()))) {
    return resume(Place::kTorrents, kPeersKey.size());
  }
  if (at.starts_with(kCountsKey) && BeginsCount(at.substr(kCountsKey.size()))) {
    return resume(Place::kCounts, kCountsKey.size());
  }
  return place_ == Place::kCounts && BeginsCount(at) && resume(Place::kCounts, 0);
}

void BttrackReader::ResumeAt(Place place, std::size_t behind) {
  tokens_.Pass(behind);
  const std::size_t torrents = old_form_ ? 1 : 2;
  tokens_.Resume(place == Place::kPeers ? torrents + 1 : torrents);
  place_ = place;
  if (place == Place::kCounts) root_key_ = "completed";
}

bool BttrackReader::GiveLoneCount(const InfoHash* limit, SavedTorrent& torrent) {
  for (; next_count_ < counts_.size(); ++next_count_) {
    if (given_[next_count_] != Given::kNot) continue;
    if (limit != nullptr && counts_[next_count_].info_hash >= *limit) return false;
    FillHead(counts_[next_count_].info_hash, next_count_, false, torrent);
    given_[next_count_] = Given::kAlone;
    return true;
  }
  return false;
}

void BttrackReader::FillHead(const InfoHash& info_hash, std::size_t count, bool is_empty,
                             SavedTorrent& torrent) {
  torrent.info_hash = info_hash;
  const std::int64_t completed = count == kNone ? 0 : counts_[count].completed;
  torrent.completed = static_cast<std::uint64_t>(std::max<std::int64_t>(completed, 0));
  if (count != kNone) given_[count] = Given::kWithTorrent;
  torrent.side = TorrentSide(completed, is_empty, count != kNone);
}

std::size_t BttrackReader::FindCount(const InfoHash& info_hash) const {
  const auto found = std::lower_bound(
      counts_.begin(), counts_.end(), info_hash,
      [](const Count& count, const InfoHash& hash) { return count.info_hash < hash; });
  if (found == counts_.end() || found->info_hash != info_hash) return kNone;
  return static_cast<std::size_t>(found - counts_.begin());
}

}  // namespace

std::unique_ptr<StateReader> NewBttrackReader(ByteSource* source, const StateReadOptions& options) {
  return std::make_unique<BttrackReader>(source, options);
}

}  // namespace muster
