// SPDX-License-Identifier: Apache-2.0
#include "muster-dfile/state_file.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>

#include "muster-dfile/text.h"

namespace muster_dfile {

using muster::SavedPeer;
using muster::SavedTorrent;

absl::Status AboutFile(const std::string& name, const absl::Status& status) {
  const std::string message(status.message());
  if (message.find(name) != message.npos) return status;
  return absl::Status(status.code(), Concat({name, ": ", message}));
}

// --- what is opened ---

namespace {

// A tracker replaces its files every few minutes; opening them takes a moment.
constexpr int kMostAttempts = 10;

// The number of "NAME.journal.N"; nothing for another name.
std::optional<std::uint64_t> JournalNumber(std::string_view file, std::string_view state) {
  constexpr std::string_view kInfix = ".journal.";
  if (file.substr(0, state.size()) != state) return std::nullopt;
  file.remove_prefix(state.size());
  if (file.substr(0, kInfix.size()) != kInfix) return std::nullopt;
  file.remove_prefix(kInfix.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(file.data(), file.data() + file.size(), number);
  if (file.empty() || error != std::errc() || end != file.data() + file.size()) return std::nullopt;
  return number;
}

// The journals beside `path` from `sequence` on, in their order; those that are gone meanwhile are
// left out.
absl::StatusOr<std::vector<std::unique_ptr<InputFile>>> OpenJournals(const std::string& path,
                                                                     std::uint64_t sequence) {
  const std::filesystem::path state(path);
  const std::filesystem::path folder = state.has_parent_path() ? state.parent_path() : ".";
  std::map<std::uint64_t, std::string> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::optional<std::uint64_t> number =
        JournalNumber(entry->path().filename().string(), state.filename().string());
    if (number && *number >= sequence) {
      found[*number] = Concat({path, ".journal.", std::to_string(*number)});
    }
  }
  std::vector<std::unique_ptr<InputFile>> journals;
  for (const auto& [number, name] : found) {
    absl::StatusOr<std::unique_ptr<InputFile>> file = InputFile::Open(name);
    if (absl::IsNotFound(file.status())) continue;
    if (!file.ok()) return file.status();
    journals.push_back(*std::move(file));
  }
  return journals;
}

}  // namespace

StateInput::StateInput(std::string name, std::unique_ptr<InputFile> file, muster::OpenedState state,
                       Files journal_files)
    : name_(std::move(name)),
      file_(std::move(file)),
      state_(std::move(state)),
      journal_files_(std::move(journal_files)),
      written_(state_.written ? *state_.written
               : file_        ? file_->written()
                              : muster::Instant()) {
  if (journal_files_.empty()) return;
  std::vector<muster::JournalSource> sources;
  for (const std::unique_ptr<InputFile>& journal : journal_files_) {
    sources.push_back({journal->name(), journal.get()});
    written_ = std::max(written_, journal->written());
  }
  journaled_ = muster::NewJournaledReader(state_.reader.get(), std::move(sources),
                                          {.spool_folder = TemporaryFolder()});
}

absl::StatusOr<std::unique_ptr<StateInput>> StateInput::TryOpen(const std::string& path,
                                                                muster::StateFormat format) {
  const bool is_stream = path == "-";
  absl::StatusOr<std::unique_ptr<InputFile>> file = InputFile::Open(path);
  if (is_stream || !absl::IsNotFound(file.status())) {
    if (!file.ok()) return file.status();
  } else {
    auto journals = OpenJournals(path, 0);
    if (!journals.ok()) return journals.status();
    if (journals->empty()) return file.status();
    muster::OpenedState none;
    none.format = muster::StateFormat::kJournal;
    return std::unique_ptr<StateInput>(
        new StateInput(path, nullptr, std::move(none), *std::move(journals)));
  }
  muster::StateReadOptions options;
  options.time = (*file)->written();
  options.journaled.spool_folder = TemporaryFolder();
  const std::string name = (*file)->name();
  absl::StatusOr<muster::OpenedState> state = muster::OpenState(file->get(), options, format);
  if (!state.ok()) return AboutFile(name, state.status());
  Files journals;
  if (!is_stream && state->format == muster::StateFormat::kMuster) {
    auto opened = OpenJournals(path, state->sequence);
    if (!opened.ok()) return opened.status();
    journals = *std::move(opened);
    // A tracker that has put a new snapshot there removes the journals before it.
    if (!(*file)->IsAt(path)) return nullptr;
  }
  if (state->format == muster::StateFormat::kJournal && !state->written) {
    state->written = (*file)->written();
  }
  return std::unique_ptr<StateInput>(
      new StateInput(name, *std::move(file), *std::move(state), std::move(journals)));
}

absl::StatusOr<std::unique_ptr<StateInput>> StateInput::Open(const std::string& path,
                                                             muster::StateFormat format) {
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    absl::StatusOr<std::unique_ptr<StateInput>> input = TryOpen(path, format);
    if (!input.ok() || *input != nullptr) return input;
  }
  return absl::UnavailableError(Concat({path, " is replaced all the time"}));
}

std::uint64_t StateInput::bytes() const {
  if (file_ != nullptr) return file_->read();
  std::uint64_t bytes = 0;
  for (const std::unique_ptr<InputFile>& journal : journal_files_) bytes += journal->read();
  return bytes;
}

absl::Span<const muster::JournalInfo> StateInput::journals() const {
  if (journaled_) return journaled_->journals();
  return state_.journaled != nullptr ? state_.journaled->journals()
                                     : absl::Span<const muster::JournalInfo>();
}

// --- what is read ---

absl::StatusOr<bool> StateInput::NextPart(SavedTorrent& torrent) {
  return format() == muster::StateFormat::kOpentracker ? NextOfDump(torrent) : Read(torrent);
}

absl::Status StateInput::SortLines() {
  SavedTorrent line;
  while (true) {
    const absl::StatusOr<bool> more = Read(line);
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
    const muster::Instant last = line.last_active.value_or(written_);
    const std::int64_t numbers[] = {static_cast<std::int64_t>(line.completed),
                                    last.time_since_epoch().count()};
    absl::Status status =
        lines_.Add(line.info_hash.text(), {reinterpret_cast<const char*>(numbers), sizeof numbers});
    if (!status.ok()) return status;
  }
}

absl::StatusOr<bool> StateInput::NextLine(SavedTorrent& torrent) {
  RowSorter::Row row;
  absl::StatusOr<bool> more = lines_.Next(row);
  if (!more.ok() || !*more) return more;
  std::int64_t numbers[2];
  std::memcpy(numbers, row.text.data(), sizeof numbers);
  torrent = SavedTorrent();
  torrent.info_hash =
      muster::InfoHash::FromBytes(reinterpret_cast<const std::uint8_t*>(row.key.data()));
  torrent.completed = static_cast<std::uint64_t>(numbers[0]);
  torrent.last_active = muster::InstantFromUnixSeconds(numbers[1]);
  return true;
}

absl::StatusOr<bool> StateInput::NextOfDump(SavedTorrent& torrent) {
  if (!std::exchange(sorted_, true)) {
    if (absl::Status status = SortLines(); !status.ok()) return status;
  }
  if (line_ahead_) {
    torrent = *std::exchange(line_ahead_, std::nullopt);
  } else {
    absl::StatusOr<bool> more = NextLine(torrent);
    if (!more.ok() || !*more) return more;
  }
  SavedTorrent next;
  while (true) {
    absl::StatusOr<bool> more = NextLine(next);
    if (!more.ok()) return more;
    if (!*more) return true;
    if (next.info_hash != torrent.info_hash) {
      line_ahead_ = std::move(next);
      return true;
    }
    torrent.completed = std::max(torrent.completed, next.completed);
    torrent.last_active = std::max(torrent.last_active, next.last_active);
  }
}

absl::StatusOr<bool> StateInput::Read(SavedTorrent& torrent) {
  while (true) {
    absl::StatusOr<bool> more = reader().Next(torrent);
    if (more.ok()) return more;
    if (on_damage_ == nullptr || !absl::IsDataLoss(more.status())) {
      return AboutFile(name(), more.status());
    }
    on_damage_(AboutFile(name(), more.status()));
  }
}

absl::StatusOr<bool> StateInput::NextWhole(SavedTorrent& torrent) {
  if (ahead_) {
    torrent = std::move(*ahead_);
    ahead_.reset();
  } else {
    absl::StatusOr<bool> more = NextPart(torrent);
    if (!more.ok() || !*more) return more;
  }
  if (last_ && torrent.info_hash <= *last_) {
    return absl::FailedPreconditionError(Concat(
        {name(), ": torrents do not ascend; convert it to bttrack first, which sorts them"}));
  }
  last_ = torrent.info_hash;
  SavedTorrent next;
  while (true) {
    absl::StatusOr<bool> more = NextPart(next);
    if (!more.ok()) return more;
    if (!*more) break;
    if (next.info_hash != torrent.info_hash) {
      ahead_ = std::move(next);
      break;
    }
    torrent.peers.insert(torrent.peers.end(), std::make_move_iterator(next.peers.begin()),
                         std::make_move_iterator(next.peers.end()));
  }
  KeepNewestPeers(torrent.peers);
  return true;
}

namespace {

struct Named {
  muster::SavedPeerName name;
  SavedPeer peer;

  bool is_known_by_id() const { return !name.endpoint.has_value(); }
};

}  // namespace

void KeepNewestPeers(std::vector<SavedPeer>& peers) {
  std::vector<Named> named;
  named.reserve(peers.size());
  for (SavedPeer& peer : peers) {
    muster::SavedPeerName name = muster::NameOfSavedPeer(peer);
    named.push_back({name, std::move(peer)});
  }
  peers.clear();
  std::stable_sort(named.begin(), named.end(), [](const Named& a, const Named& b) {
    return a.name != b.name ? a.name < b.name : a.peer.last_seen < b.peer.last_seen;
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < named.size(); ++i) {
    if (kept > 0 && named[kept - 1].name == named[i].name) --kept;
    if (kept != i) named[kept] = std::move(named[i]);
    ++kept;
  }
  named.resize(kept);
  // At an endpoint the one that is known by it comes last where it is the newest, otherwise first.
  std::stable_sort(named.begin(), named.end(), [](const Named& a, const Named& b) {
    if (a.peer.peer != b.peer.peer) return a.peer.peer < b.peer.peer;
    if (a.peer.last_seen != b.peer.last_seen) return a.peer.last_seen < b.peer.last_seen;
    return !a.is_known_by_id() && b.is_known_by_id();
  });
  for (auto begin = named.begin(); begin != named.end();) {
    const auto end = std::find_if(begin, named.end(), [&](const Named& other) {
      return other.peer.peer != begin->peer.peer;
    });
    const bool endpoint_wins = !std::prev(end)->is_known_by_id();
    for (; begin != end; ++begin) {
      const bool stays = endpoint_wins ? begin == std::prev(end) : begin->is_known_by_id();
      if (stays) peers.push_back(std::move(begin->peer));
    }
  }
}

absl::StatusOr<std::unique_ptr<StateOutput>> StateOutput::Create(
    const std::string& path, bool force, muster::StateFormat format, muster::Instant written,
    absl::Span<const std::string> inputs) {
  absl::StatusOr<std::unique_ptr<OutputFile>> file = OutputFile::Create(path, force, inputs);
  if (!file.ok()) return file.status();
  muster::StateWriteOptions options;
  options.spool_folder = (*file)->folder();
  options.time = written;
  auto writer = muster::NewStateWriter(format, file->get(), options);
  if (!writer.ok()) return writer.status();
  auto output = std::make_unique<StateOutput>();
  output->file_ = *std::move(file);
  output->writer_ = *std::move(writer);
  return output;
}

absl::Status StateOutput::Finish(std::string_view side) {
  if (absl::Status status = writer_->SetSide(side); !status.ok()) return status;
  if (absl::Status status = writer_->Finish(); !status.ok()) return status;
  return file_->Commit();
}

}  // namespace muster_dfile
