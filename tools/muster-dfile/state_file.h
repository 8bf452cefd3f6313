// SPDX-License-Identifier: Apache-2.0
//
// States in files: one to read torrent by torrent, and one to write.
//
// Thread-compatible.
#ifndef MUSTER_TOOLS_MUSTER_DFILE_STATE_FILE_H_
#define MUSTER_TOOLS_MUSTER_DFILE_STATE_FILE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "muster-dfile/files.h"
#include "muster-dfile/row_sorter.h"
#include "muster/journaled_state.h"
#include "muster/state_formats.h"

namespace muster_dfile {

// What is the matter with a state: a message that begins with its name.
absl::Status AboutFile(const std::string& name, const absl::Status& status);

// Torrents come in the order of the file; those of an opentracker dump, which may have any, are
// sorted first. A snapshot of muster's comes with the journals beside it, unless it is read
// from standard input: the state as a restart would find it. Where the tracker has not written one yet,
// the journals are all there is.
class StateInput {
 public:
  // `format` is taken for granted unless kUnknown.
  static absl::StatusOr<std::unique_ptr<StateInput>> Open(
      const std::string& path, muster::StateFormat format = muster::StateFormat::kUnknown);

  // Called with each damage that is passed over. Without it damage is an error.
  void OnDamage(std::function<void(const absl::Status&)> told) { on_damage_ = std::move(told); }

  // The next torrent or part of one; false at the end.
  absl::StatusOr<bool> NextPart(muster::SavedTorrent& torrent);
  // The next torrent with all of its peers, each once: see KeepNewestPeers(). FailedPrecondition when
  // torrents do not ascend.
  absl::StatusOr<bool> NextWhole(muster::SavedTorrent& torrent);

  std::string_view side() const { return reader().side(); }
  muster::StateFormat format() const { return state_.format; }
  // The one to write it in, where nothing else is asked for.
  muster::StateFormat format_to_write() const {
    return format() == muster::StateFormat::kJournal ? muster::StateFormat::kMuster : format();
  }
  // When it was written: what it says itself, or its file; of journals when the last one was.
  muster::Instant written() const { return written_; }
  const std::string& name() const { return name_; }
  // Of the state without its journals; of those where there are journals alone.
  std::uint64_t bytes() const;
  // Once the first torrent has been read.
  absl::Span<const muster::JournalInfo> journals() const;

 private:
  using Files = std::vector<std::unique_ptr<InputFile>>;

  static constexpr std::size_t kDumpMemory = 40'000'000;

  StateInput(std::string name, std::unique_ptr<InputFile> file, muster::OpenedState state,
             Files journal_files);
  // Null when the tracker was replacing it meanwhile.
  static absl::StatusOr<std::unique_ptr<StateInput>> TryOpen(const std::string& path,
                                                             muster::StateFormat format);

  muster::StateReader& reader() const { return journaled_ ? *journaled_ : *state_.reader; }
  absl::StatusOr<bool> Read(muster::SavedTorrent& torrent);
  absl::Status SortLines();
  absl::StatusOr<bool> NextLine(muster::SavedTorrent& torrent);
  // The next torrent of a dump. One that is there twice becomes one, with the greatest count and the
  // latest time.
  absl::StatusOr<bool> NextOfDump(muster::SavedTorrent& torrent);

  const std::string name_;
  const std::unique_ptr<InputFile> file_;  // null where there are journals alone
  const muster::OpenedState state_;
  const Files journal_files_;
  std::unique_ptr<muster::JournaledReader> journaled_;  // null without journals beside it
  muster::Instant written_;
  bool sorted_ = false;
  RowSorter lines_{kDumpMemory};  // of a dump
  std::optional<muster::SavedTorrent> line_ahead_;
  std::function<void(const absl::Status&)> on_damage_;
  std::optional<muster::SavedTorrent> ahead_;
  std::optional<muster::InfoHash> last_;
};

// Of the peers with one name (muster::NameOfSavedPeer()) the newest stays, the last of them if they are
// equally new. So does, of one that is known by its endpoint and those there that are known by their
// ids, the one if it is newer than all of those, which stay otherwise. Sorted by endpoint.
void KeepNewestPeers(std::vector<muster::SavedPeer>& peers);

class StateOutput {
 public:
  // FailedPrecondition when `path` is one of `inputs`, whether forced or not.
  static absl::StatusOr<std::unique_ptr<StateOutput>> Create(const std::string& path, bool force,
                                                             muster::StateFormat format,
                                                             muster::Instant written,
                                                             absl::Span<const std::string> inputs);
  absl::Status Add(const muster::SavedTorrent& torrent) { return writer_->Add(torrent); }
  // Ends the state and puts the file into its place.
  absl::Status Finish(std::string_view side);

 private:
  std::unique_ptr<OutputFile> file_;
  std::unique_ptr<muster::StateWriter> writer_;
};

}  // namespace muster_dfile

#endif  // MUSTER_TOOLS_MUSTER_DFILE_STATE_FILE_H_
