// SPDX-License-Identifier: Apache-2.0
//
// From one state into a new one: as it is, or what can be saved of it.
#include <memory>
#include <optional>
#include <string>

#include "muster-dfile/commands.h"
#include "muster-dfile/side.h"
#include "muster-dfile/state_file.h"
#include "muster-dfile/text.h"

namespace muster_dfile {
namespace {

using muster::SavedTorrent;
using muster::StateFormat;

absl::StatusOr<std::unique_ptr<StateOutput>> CreateOutput(const Input& input, const Output& output,
                                                          const StateInput& state) {
  const StateFormat format =
      output.format == StateFormat::kUnknown ? state.format_to_write() : output.format;
  return StateOutput::Create(output.file, output.force, format, state.written(), input.files);
}

}  // namespace

absl::StatusOr<int> Convert(const Input& input, const Output& output) {
  absl::StatusOr<std::unique_ptr<StateInput>> state =
      StateInput::Open(input.files[0], input.format);
  if (!state.ok()) return state.status();
  absl::StatusOr<std::unique_ptr<StateOutput>> to = CreateOutput(input, output, **state);
  if (!to.ok()) return to.status();
  SavedTorrent part;
  while (true) {
    const absl::StatusOr<bool> more = (*state)->NextPart(part);
    if (absl::IsDataLoss(more.status())) {
      return absl::DataLossError(
          Concat({std::string(more.status().message()), "; 'repair' saves what can be read"}));
    }
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (absl::Status status = (*to)->Add(part); !status.ok()) return status;
  }
  if (absl::Status status = (*to)->Finish((*state)->side()); !status.ok()) return status;
  return kGood;
}

namespace {

// What could be read of a damaged state.
struct Saved {
  std::uint64_t torrents = 0, peers = 0, faults = 0;
};

// Behind damage torrents may stand out of order, which only bttrack's writer sorts.
absl::StatusOr<Saved> Save(StateInput& state, StateOutput& to) {
  Saved saved;
  constexpr std::uint64_t kShown = 20;
  state.OnDamage([&](const absl::Status& damage) {
    if (++saved.faults <= kShown) Complain(std::string(damage.message()));
    if (saved.faults == kShown + 1) Complain("more damage is not shown");
  });
  std::optional<muster::InfoHash> last;
  SavedTorrent part;
  while (true) {
    const absl::StatusOr<bool> more = state.NextPart(part);
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (part.info_hash != last) ++saved.torrents;
    last = part.info_hash;
    saved.peers += part.peers.size();
    if (absl::Status status = to.Add(part); !status.ok()) return status;
  }
  std::string side(state.side());
  bool is_good = true;
  CheckSide(side, [&](std::string_view) { is_good = false; });
  if (!is_good) {
    Complain("the allowed torrents are left out, which contradict each other");
    side = WithoutAllowed(side);
  }
  if (absl::Status status = to.Finish(side); !status.ok()) return status;
  return saved;
}

}  // namespace

absl::StatusOr<int> Repair(const Input& input, const Output& output) {
  absl::StatusOr<std::unique_ptr<StateInput>> state =
      StateInput::Open(input.files[0], input.format);
  if (!state.ok()) return state.status();
  absl::StatusOr<std::unique_ptr<StateOutput>> to = CreateOutput(input, output, **state);
  if (!to.ok()) return to.status();
  const absl::StatusOr<Saved> saved = Save(**state, **to);
  if (!saved.ok()) return saved.status();
  Complain(Concat({"saved ", CountText(saved->torrents), " torrents, ", CountText(saved->peers),
                   " peers; damaged in ", CountText(saved->faults), " places"}));
  return kGood;
}

}  // namespace muster_dfile
