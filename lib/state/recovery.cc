// SPDX-License-Identifier: Apache-2.0
#include "state/recovery.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "state/blocks.h"
#include "state/journal.h"

namespace muster {
namespace {

constexpr std::string_view kJournalSuffix = ".journal.";
// Far beyond any that is reached; what is higher was not given by us.
constexpr std::uint64_t kLastSequence = std::uint64_t{1} << 62;
constexpr int kMostSetAside = 10'000;
constexpr std::size_t kMostDamagesLogged = 20;

// Of a name that begins with `prefix`, the number that follows.
std::optional<std::uint64_t> NumberBehind(std::string_view prefix, std::string_view name) {
  std::uint64_t number;
  if (name.substr(0, prefix.size()) != prefix) return std::nullopt;
  name.remove_prefix(prefix.size());
  if (name.empty() || name.find_first_not_of("0123456789") != std::string_view::npos ||
      !absl::SimpleAtoi(ToAbsl(name), &number) || number > kLastSequence)
    return std::nullopt;
  return number;
}

}  // namespace

std::string JournalPath(const std::string& path, std::uint64_t sequence) {
  return absl::StrCat(path, ToAbsl(kJournalSuffix), sequence);
}

absl::StatusOr<std::map<std::uint64_t, std::string>> ListJournals(FileSystem& files,
                                                                  const std::string& path) {
  absl::StatusOr<std::vector<std::string>> names = files.List(FolderOf(path));
  if (!names.ok()) return names.status();
  const std::string prefix = absl::StrCat(NameOf(path), ToAbsl(kJournalSuffix));
  std::map<std::uint64_t, std::string> journals;
  for (const std::string& name : *names) {
    const std::optional<std::uint64_t> sequence = NumberBehind(prefix, name);
    if (sequence.has_value() && JournalPath(NameOf(path), *sequence) == name)
      journals[*sequence] = JournalPath(path, *sequence);
  }
  return journals;
}

void Recovery::NoteDamage(const std::string& file, const absl::Status& damage) {
  std::string text = absl::StrCat(file, ": ", damage.message());
  if (report_.damages.size() < kMostDamagesLogged) Log(LogLevel::kError, text);
  if (report_.damages.size() == kMostDamagesLogged)
    Log(LogLevel::kError, absl::StrCat(path_, ": further damage is not listed"));
  report_.damages.push_back(std::move(text));
}

absl::Status Recovery::SetAside(const std::string& file, bool keep, std::string_view why) {
  for (int n = 1; n <= kMostSetAside; ++n) {
    const std::string aside = absl::StrCat(file, ".", ToAbsl(why), ".", n);
    absl::Status status = files_.Link(file, aside);
    if (absl::IsAlreadyExists(status)) continue;
    if (status.ok() && !keep) {
      status = files_.Remove(file);
    } else if (!status.ok()) {
      status = files_.Rename(file, aside);  // a disk without second names; nothing is at `aside`
    }
    if (!status.ok()) {
      return absl::Status(status.code(), absl::StrCat(file,
                                                      " is damaged or none of muster's, and "
                                                      "cannot be set aside: ",
                                                      status.message()));
    }
    report_.set_aside.push_back(aside);
    Log(why == "damaged" ? LogLevel::kWarning : LogLevel::kInfo,
        absl::StrCat(file, " is kept as ", aside));
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(absl::StrCat("too many damaged copies of ", file));
}

absl::Status Recovery::TidyTemporary() {
  const std::string temporary = path_ + ".tmp";
  absl::StatusOr<std::unique_ptr<File>> file = files_.Open(temporary);
  if (!file.ok()) return absl::OkStatus();  // none; or Create() will say what is wrong
  char begin[kSnapshotMagic.size()];
  const absl::StatusOr<std::size_t> n = (*file)->Read(begin);
  if (n.ok() && std::string_view(begin, *n) == kSnapshotMagic.substr(0, *n)) {
    (void)files_.Remove(temporary);  // a snapshot that was not finished
    return absl::OkStatus();
  }
  return SetAside(temporary, /*keep=*/false);
}

absl::StatusOr<StateFormat> Recovery::DetectFormat() {
  absl::StatusOr<std::unique_ptr<File>> file = files_.Open(path_);
  if (absl::IsNotFound(file.status())) return StateFormat::kUnknown;
  if (!file.ok()) return file.status();
  char begin[kStateLookahead];
  std::size_t size = 0;
  while (size < sizeof begin) {
    const absl::StatusOr<std::size_t> n = (*file)->Read(absl::MakeSpan(begin).subspan(size));
    if (!n.ok()) return n.status();
    if (*n == 0) break;
    size += *n;
  }
  return DetectStateFormat({begin, size});
}

absl::Status Recovery::TakeOver(StateFormat format, Instant now) {
  absl::StatusOr<std::unique_ptr<File>> file = files_.Open(path_);
  if (!file.ok()) return file.status();
  FileSource source(file->get());
  // Formats without times say nothing of who is old: everybody has a peer's time to come back.
  absl::StatusOr<OpenedState> state = OpenState(&source, {.time = now}, format);
  if (!state.ok()) return state.status();
  absl::StatusOr<LoadReport> loaded = LoadState(*state->reader, store_, now);
  if (!loaded.ok()) {
    return absl::Status(loaded.status().code(),
                        absl::StrCat(path_, ": ", loaded.status().message()));
  }
  report_.torrents = loaded->torrents;
  report_.peers = loaded->peers;
  report_.written = state->written.value_or(now);
  for (const absl::Status& damage : loaded->damages) NoteDamage(path_, damage);
  wants_snapshot_ = true;
  const std::string name(StateFormatName(format));
  Log(LogLevel::kInfo, absl::StrCat(path_, ": a state of ", name, ", which is taken over"));
  return SetAside(path_, /*keep=*/true, name);
}

absl::Status Recovery::ReadSnapshotFile(Instant now) {
  const absl::StatusOr<StateFormat> format = DetectFormat();
  if (!format.ok()) return format.status();
  if (*format == StateFormat::kBttrack || *format == StateFormat::kOpentracker)
    return TakeOver(*format, now);
  absl::StatusOr<std::unique_ptr<File>> file = files_.Open(path_);
  if (absl::IsNotFound(file.status())) return absl::OkStatus();
  if (!file.ok()) return file.status();
  FileSource source(file->get());
  absl::StatusOr<std::unique_ptr<SnapshotReader>> reader = NewSnapshotReader(&source);
  if (!reader.ok()) {
    return absl::Status(reader.status().code(),
                        absl::StrCat(path_, ": ", reader.status().message()));
  }
  absl::StatusOr<LoadReport> loaded = LoadState(**reader, store_, now);
  if (absl::IsInvalidArgument(loaded.status())) {
    NoteDamage(path_, loaded.status());
    wants_snapshot_ = true;
    return SetAside(path_, /*keep=*/false);
  }
  if (!loaded.ok()) {
    return absl::Status(loaded.status().code(),
                        absl::StrCat(path_, ": ", loaded.status().message()));
  }
  report_.torrents = loaded->torrents;
  report_.peers = loaded->peers;
  const SnapshotInfo& info = (*reader)->info();
  report_.written = info.written;
  snapshot_sequence_ = std::min(info.sequence, kLastSequence);
  next_sequence_ = snapshot_sequence_ + 1;
  if (loaded->damages.empty()) return absl::OkStatus();
  for (const absl::Status& damage : loaded->damages) NoteDamage(path_, damage);
  wants_snapshot_ = true;
  return SetAside(path_, /*keep=*/true);
}

absl::Status Recovery::ReadJournal(const std::string& name, Instant now) {
  absl::StatusOr<std::unique_ptr<File>> file = files_.Open(name);
  if (!file.ok()) return file.status();
  FileSource source(file->get());
  absl::StatusOr<ReplayReport> replayed = ReplayJournal(&source, store_, now);
  if (!replayed.ok()) {
    return absl::Status(replayed.status().code(),
                        absl::StrCat(name, ": ", replayed.status().message()));
  }
  report_.deltas += replayed->deltas;
  if (replayed->deltas > 0) wants_snapshot_ = true;
  if (!replayed->is_journal && replayed->bytes >= FileHeader::kSize)
    replayed->damages.push_back(absl::DataLossError("not a journal of muster's"));
  if (!replayed->torn_end.ok()) {
    Log(LogLevel::kInfo, absl::StrCat(name, ": what was being written when it ended is left out: ",
                                      replayed->torn_end.message()));
  }
  if (replayed->damages.empty()) return absl::OkStatus();
  for (const absl::Status& damage : replayed->damages) NoteDamage(name, damage);
  wants_snapshot_ = true;
  return SetAside(name, /*keep=*/true);
}

absl::Status Recovery::Run(Instant now) {
  absl::StatusOr<std::map<std::uint64_t, std::string>> journals = ListJournals(files_, path_);
  if (!journals.ok()) return journals.status();
  if (absl::Status status = TidyTemporary(); !status.ok()) return status;
  if (absl::Status status = ReadSnapshotFile(now); !status.ok()) return status;
  for (const auto& [sequence, file] : *journals) {
    next_sequence_ = std::max(next_sequence_, sequence + 1);
    if (sequence < snapshot_sequence_) continue;  // the snapshot has all of it
    if (absl::Status status = ReadJournal(file, now); !status.ok()) return status;
  }
  if (report_.torrents > 0 || report_.deltas > 0) {
    Log(LogLevel::kInfo,
        absl::StrCat(path_, ": ", report_.torrents, " torrents with ", report_.peers,
                     " peers, and ", report_.deltas, " changes since"));
  }
  return absl::OkStatus();
}

}  // namespace muster
