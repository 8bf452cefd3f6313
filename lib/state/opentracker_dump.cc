// SPDX-License-Identifier: Apache-2.0
//
// opentracker's state dump: for each torrent the info hash in hexadecimal digits, the minutes since
// the epoch at which it was last active, and its completed count, with colons between.
//
//   aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d:29912345:17
#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "muster/state_formats.h"
#include "state/opentracker_line.h"

namespace muster {

// A minute in the year 9999 at most, so that seconds do not overflow.
constexpr std::uint64_t kMaxMinute = 4'223'371'200;

bool ParseOpentrackerLine(std::string_view line, SavedTorrent& torrent) {
  constexpr std::size_t kHexDigits = 2 * InfoHash::kSize;
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.size() < kHexDigits + 4 || line[kHexDigits] != ':') return false;
  const absl::StatusOr<InfoHash> info_hash = InfoHash::FromHex(line.substr(0, kHexDigits));
  if (!info_hash.ok()) return false;
  const char* const end = line.data() + line.size();
  std::uint64_t minute, completed;
  const auto [colon, minute_error] = std::from_chars(line.data() + kHexDigits + 1, end, minute);
  if (minute_error != std::errc() || minute > kMaxMinute || colon == end || *colon != ':') {
    return false;
  }
  const auto [behind, count_error] = std::from_chars(colon + 1, end, completed);
  if (count_error != std::errc() || behind != end) return false;
  torrent.info_hash = *info_hash;
  torrent.completed = completed;
  torrent.last_active = Instant(std::chrono::minutes(minute));
  return true;
}

namespace {

class OpentrackerReader final : public StateReader {
 public:
  explicit OpentrackerReader(ByteSource* source) : source_(source) {}

  absl::StatusOr<bool> Next(SavedTorrent& torrent) override {
    torrent = SavedTorrent();
    std::string_view line;
    do {
      absl::StatusOr<bool> more = NextLine(line);
      if (!more.ok() || !*more) return more;
    } while (line.empty());
    if (ParseOpentrackerLine(line, torrent)) return true;
    return absl::DataLossError(
        absl::StrCat("line ", line_number_, ": expected INFO-HASH:MINUTE:COUNT"));
  }

 private:
  // A line as it can be is much shorter; of a longer one this much counts.
  static constexpr std::size_t kMaxLine = 4096;

  // Without its newline; valid until the next call.
  absl::StatusOr<bool> NextLine(std::string_view& line) {
    bool too_long = false;
    while (true) {
      const std::size_t newline = buffer_.find('\n', at_);
      const bool has_end = newline != buffer_.npos || ended_;
      const std::size_t end = std::min(newline, buffer_.size());
      if (has_end && end == at_ && newline == buffer_.npos && !too_long) return false;
      if (has_end) {
        ++line_number_;
        line = too_long ? std::string_view("?") : std::string_view(buffer_).substr(at_, end - at_);
        at_ = std::min(end + 1, buffer_.size());
        return true;
      }
      buffer_.erase(0, at_);
      at_ = 0;
      if (buffer_.size() > kMaxLine) {
        too_long = true;
        buffer_.clear();
      }
      if (absl::Status status = Fill(); !status.ok()) return status;
    }
  }

  absl::Status Fill() {
    constexpr std::size_t kRead = std::size_t{64} << 10;
    const std::size_t size = buffer_.size();
    buffer_.resize(size + kRead);
    const absl::StatusOr<std::size_t> got =
        source_->Read(absl::MakeSpan(buffer_.data() + size, kRead));
    buffer_.resize(size + (got.ok() ? *got : 0));
    if (!got.ok()) return got.status();
    ended_ = *got == 0;
    return absl::OkStatus();
  }

  ByteSource* const source_;
  std::string buffer_;
  std::size_t at_ = 0;
  bool ended_ = false;
  std::uint64_t line_number_ = 0;
};

class OpentrackerWriter final : public StateWriter {
 public:
  OpentrackerWriter(ByteSink* sink, const StateWriteOptions& options)
      : sink_(sink), time_(options.time) {}

  absl::Status Add(const SavedTorrent& torrent) override {
    if (has_line_ && info_hash_ != torrent.info_hash) {
      if (absl::Status status = WriteLine(); !status.ok()) return status;
    }
    if (!has_line_) {
      info_hash_ = torrent.info_hash;
      completed_ = torrent.completed;
      last_active_ = torrent.last_active;
      has_line_ = true;
    }
    for (const SavedPeer& peer : torrent.peers) {
      last_active_ = std::max(last_active_.value_or(peer.last_seen), peer.last_seen);
    }
    return absl::OkStatus();
  }

  absl::Status Finish() override {
    if (has_line_) {
      if (absl::Status status = WriteLine(); !status.ok()) return status;
    }
    return sink_->Write(lines_);
  }

 private:
  absl::Status WriteLine() {
    has_line_ = false;
    const auto minutes =
        std::chrono::floor<std::chrono::minutes>(last_active_.value_or(time_).time_since_epoch());
    const auto minute = std::clamp<std::int64_t>(minutes.count(), 0, kMaxMinute);
    absl::StrAppend(&lines_, info_hash_.ToHex(), ":", minute, ":", completed_, "\n");
    constexpr std::size_t kEnough = std::size_t{64} << 10;
    if (lines_.size() < kEnough) return absl::OkStatus();
    absl::Status status = sink_->Write(lines_);
    lines_.clear();
    return status;
  }

  ByteSink* const sink_;
  const Instant time_;
  std::string lines_;
  bool has_line_ = false;
  InfoHash info_hash_;
  std::uint64_t completed_ = 0;
  std::optional<Instant> last_active_;
};

}  // namespace

std::unique_ptr<StateReader> NewOpentrackerReader(ByteSource* source, const StateReadOptions&) {
  return std::make_unique<OpentrackerReader>(source);
}

std::unique_ptr<StateWriter> NewOpentrackerWriter(ByteSink* sink,
                                                  const StateWriteOptions& options) {
  return std::make_unique<OpentrackerWriter>(sink, options);
}

}  // namespace muster
