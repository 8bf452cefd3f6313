// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "muster/journaled_state.h"
#include "muster/snapshot.h"
#include "muster/state_formats.h"
#include "state/blocks.h"
#include "state/opentracker_line.h"

namespace muster {
namespace {

constexpr std::pair<StateFormat, std::string_view> kNames[] = {
    {StateFormat::kUnknown, "unknown"}, {StateFormat::kMuster, "muster"},
    {StateFormat::kBttrack, "bttrack"}, {StateFormat::kOpentracker, "opentracker"},
    {StateFormat::kJournal, "journal"},
};

// Where the first block of a snapshot stands: enough to know one with a damaged header.
constexpr std::size_t kFirstBlock = 32;

bool IsMuster(std::string_view beginning) {
  return beginning.starts_with(kSnapshotMagic) ||
         (beginning.size() > kFirstBlock && beginning.substr(kFirstBlock).starts_with("mBlk"));
}

bool IsJournal(std::string_view beginning) {
  constexpr std::size_t kKind = kFirstBlock + 4;
  return beginning.starts_with(kJournalMagic) ||
         (IsMuster(beginning) && !beginning.starts_with(kSnapshotMagic) &&
          beginning.size() > kKind && beginning[kKind] == static_cast<char>(BlockKind::kDeltas));
}

bool IsBttrack(std::string_view beginning) {
  // The keys that a dfile may begin with; a torrent begins with others. "d20:": the older form.
  for (std::string_view start : {"d7:allowedd", "d17:allowed_dir_filesd", "d12:allowed_listd",
                                 "d9:completedd", "d5:peersd"}) {
    if (beginning.starts_with(start)) return true;
  }
  return beginning == "de" ||
         (beginning.starts_with("d20:") && beginning.size() > 24 && beginning[24] == 'd');
}

bool IsOpentracker(std::string_view beginning) {
  const std::string_view all = beginning;
  SavedTorrent torrent;
  const auto next_line = [&beginning] {
    const std::string_view line = beginning.substr(0, beginning.find('\n'));
    beginning.remove_prefix(std::min(line.size() + 1, beginning.size()));
    return line;
  };
  if (ParseOpentrackerLine(next_line(), torrent)) return true;
  // Lines of another form, such as comments, may come before, as they may come anywhere; something
  // else that is no text may have the bytes of such a line by chance.
  const auto is_binary = [](char c) {
    return static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\r' && c != '\t';
  };
  if (std::any_of(all.begin(), all.end(), is_binary)) return false;
  while (!beginning.empty()) {
    if (ParseOpentrackerLine(next_line(), torrent)) return true;
  }
  return false;
}

// The bytes that were read to tell the format, and then the rest.
class Prefixed final : public ByteSource {
 public:
  explicit Prefixed(ByteSource* source) : source_(source) {}

  absl::Status ReadPrefix() {
    prefix_.resize(kStateLookahead);
    std::size_t size = 0;
    while (size < kStateLookahead) {
      const absl::StatusOr<std::size_t> got =
          source_->Read(absl::MakeSpan(prefix_.data() + size, prefix_.size() - size));
      if (!got.ok()) return got.status();
      if (*got == 0) break;
      size += *got;
    }
    prefix_.resize(size);
    return absl::OkStatus();
  }
  std::string_view prefix() const { return prefix_; }

  absl::StatusOr<std::size_t> Read(absl::Span<char> into) override {
    if (at_ == prefix_.size()) return source_->Read(into);
    const std::size_t size = prefix_.copy(into.data(), into.size(), at_);
    at_ += size;
    return size;
  }

 private:
  ByteSource* const source_;
  std::string prefix_;
  std::size_t at_ = 0;
};

// A reader and the source that it borrows.
class Owning final : public StateReader {
 public:
  Owning(std::unique_ptr<ByteSource> source, std::unique_ptr<StateReader> reader)
      : source_(std::move(source)), reader_(std::move(reader)) {}
  absl::StatusOr<bool> Next(SavedTorrent& torrent) override { return reader_->Next(torrent); }
  std::string_view side() const override { return reader_->side(); }

 private:
  const std::unique_ptr<ByteSource> source_;
  const std::unique_ptr<StateReader> reader_;
};

absl::StatusOr<OpenedState> NewReader(StateFormat format, Prefixed* source,
                                      const StateReadOptions& options) {
  OpenedState state;
  state.format = format;
  if (format == StateFormat::kMuster) {
    absl::StatusOr<std::unique_ptr<SnapshotReader>> reader = NewSnapshotReader(source);
    if (!reader.ok()) return reader.status();
    const SnapshotInfo& info = (*reader)->info();
    if (info.version != 0) state.written = info.written;
    state.sequence = info.sequence;
    state.reader = *std::move(reader);
  } else if (format == StateFormat::kBttrack) {
    state.reader = NewBttrackReader(source, options);
  } else if (format == StateFormat::kJournal) {
    const std::optional<FileHeader> header =
        DecodeFileHeader(kJournalMagic, source->prefix().substr(0, FileHeader::kSize));
    if (header.has_value()) state.written = header->written;
    std::unique_ptr<JournaledReader> reader =
        NewJournaledReader(nullptr, {{"", source}}, options.journaled);
    state.journaled = reader.get();
    state.reader = std::move(reader);
  } else {
    state.reader = NewOpentrackerReader(source, options);
  }
  return state;
}

}  // namespace

std::string_view StateFormatName(StateFormat format) {
  for (const auto& [value, name] : kNames) {
    if (value == format) return name;
  }
  return "unknown";
}

std::optional<StateFormat> StateFormatOf(std::string_view name) {
  for (const auto& [value, text] : kNames) {
    if (text == name && value != StateFormat::kUnknown) return value;
  }
  return std::nullopt;
}

StateFormat DetectStateFormat(std::string_view beginning) {
  if (IsJournal(beginning)) return StateFormat::kJournal;
  if (IsMuster(beginning)) return StateFormat::kMuster;
  if (IsBttrack(beginning)) return StateFormat::kBttrack;
  if (IsOpentracker(beginning)) return StateFormat::kOpentracker;
  return StateFormat::kUnknown;
}

absl::StatusOr<OpenedState> OpenState(ByteSource* source, const StateReadOptions& options,
                                      StateFormat format) {
  auto prefixed = std::make_unique<Prefixed>(source);
  if (absl::Status status = prefixed->ReadPrefix(); !status.ok()) return status;
  if (format == StateFormat::kUnknown) format = DetectStateFormat(prefixed->prefix());
  if (format == StateFormat::kUnknown) {
    return absl::InvalidArgumentError(prefixed->prefix().empty() ? "it is empty"
                                                                 : "it is no saved state");
  }
  absl::StatusOr<OpenedState> state = NewReader(format, prefixed.get(), options);
  if (!state.ok()) return state;
  state->reader = std::make_unique<Owning>(std::move(prefixed), std::move(state->reader));
  return state;
}

absl::StatusOr<std::unique_ptr<StateWriter>> NewStateWriter(StateFormat format, ByteSink* sink,
                                                            const StateWriteOptions& options) {
  switch (format) {
    case StateFormat::kBttrack:
      return NewBttrackWriter(sink, options);
    case StateFormat::kOpentracker:
      return NewOpentrackerWriter(sink, options);
    case StateFormat::kMuster:
      return NewSnapshotWriter(sink, {.written = options.time});
    case StateFormat::kJournal:
    case StateFormat::kUnknown:
      break;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("a state is not written as ", ToAbsl(StateFormatName(format))));
}

}  // namespace muster
