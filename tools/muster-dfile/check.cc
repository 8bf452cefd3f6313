// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "muster-dfile/commands.h"
#include "muster-dfile/side.h"
#include "muster-dfile/state_file.h"
#include "muster-dfile/text.h"

namespace muster_dfile {
namespace {

// Prints what is wrong, the first hundred of it.
class Faults {
 public:
  explicit Faults(std::string name) : name_(std::move(name)) {}
  void Add(std::string_view what) {
    constexpr std::uint64_t kMost = 100;
    if (++count_ > kMost) return;
    Print(what.find(name_) == what.npos ? Concat({name_, ": ", what, "\n"}) : Concat({what, "\n"}));
    if (count_ == kMost) Print(Concat({name_, ": more of them are not shown\n"}));
  }
  std::uint64_t count() const { return count_; }

 private:
  const std::string name_;
  std::uint64_t count_ = 0;
};

// Of one torrent, part by part.
class Torrents {
 public:
  explicit Torrents(Faults& faults) : faults_(faults) {}

  void Add(const muster::SavedTorrent& part, muster::StateFormat format) {
    if (count_ == 0 || part.info_hash != info_hash_) {
      if (count_ > 0 && part.info_hash < info_hash_) {
        faults_.Add(
            Concat({"torrent ", part.info_hash.ToHex(), " comes after ", info_hash_.ToHex()}));
      }
      End();
      info_hash_ = part.info_hash;
      ++count_;
    }
    peers_ += part.peers.size();
    // In a bttrack dfile they are the keys of a dictionary, which the reader holds to their order.
    if (format != muster::StateFormat::kMuster) return;
    for (const muster::SavedPeer& peer : part.peers) {
      named_.push_back({muster::NameOfSavedPeer(peer), peer.peer, peer.peer_id});
    }
  }

  void End() {
    std::sort(named_.begin(), named_.end());
    const auto twice = std::adjacent_find(named_.begin(), named_.end(), IsTwice);
    if (twice != named_.end()) {
      const std::string id =
          twice->name.endpoint || !twice->id ? "" : Concat({" with the id ", twice->id->ToHex()});
      faults_.Add(Concat(
          {"torrent ", info_hash_.ToHex(), " has peer ", twice->peer.ToString(), id, " twice"}));
    }
    named_.clear();
  }

  std::uint64_t count() const { return count_; }
  std::uint64_t peers() const { return peers_; }

 private:
  struct Named {
    muster::SavedPeerName name;
    muster::Endpoint peer;
    std::optional<muster::PeerId> id;

    auto operator<=>(const Named&) const = default;
  };

  // Snapshots have not always had side records that say nothing, so that of peers without one which
  // differ in their ids it cannot be told whether they are known by them.
  static bool IsTwice(const Named& a, const Named& b) {
    return a.name == b.name && (!a.name.endpoint || a.id == b.id);
  }

  Faults& faults_;
  muster::InfoHash info_hash_;
  std::uint64_t count_ = 0, peers_ = 0;
  std::vector<Named> named_;
};

absl::StatusOr<int> CheckOne(const std::string& file, muster::StateFormat format) {
  absl::StatusOr<std::unique_ptr<StateInput>> opened = StateInput::Open(file, format);
  if (!opened.ok()) return opened.status();
  StateInput& state = **opened;
  Faults faults(state.name());
  state.OnDamage([&](const absl::Status& damage) { faults.Add(std::string(damage.message())); });
  Torrents torrents(faults);
  muster::SavedTorrent part;
  while (true) {
    const absl::StatusOr<bool> more = state.NextPart(part);
    if (!more.ok()) return more.status();
    if (!*more) break;
    torrents.Add(part, state.format());
  }
  torrents.End();
  for (const muster::JournalInfo& journal : state.journals()) {
    if (journal.torn_end.empty()) continue;
    // As it is while a tracker writes it, and after a crash.
    Print(Concat({journal.name.empty() ? state.name() : journal.name,
                  ": the end is incomplete, and left out: ", journal.torn_end, "\n"}));
  }
  CheckSide(state.side(), [&](std::string_view what) { faults.Add(what); });
  std::string what =
      Concat({CountText(torrents.count()), " torrents, ", CountText(torrents.peers()), " peers"});
  if (!state.journals().empty()) {
    std::uint64_t changes = 0;
    for (const muster::JournalInfo& journal : state.journals()) changes += journal.changes;
    what += Concat({" with ", CountText(changes), " changes of journals"});
  }
  if (faults.count() == 0) {
    Print(Concat(
        {state.name(), ": good, ", muster::StateFormatName(state.format()), ", ", what, "\n"}));
    return kGood;
  }
  Print(
      Concat({state.name(), ": ", CountText(faults.count()), " faults; ", what, " can be read\n"}));
  return kFailed;
}

}  // namespace

absl::StatusOr<int> Check(const Input& input) {
  int result = kGood;
  for (const std::string& file : input.files) {
    const absl::StatusOr<int> one = CheckOne(file, input.format);
    if (!one.ok()) {
      Complain(std::string(one.status().message()));
      result = kFailed;
    } else {
      result = std::max(result, *one);
    }
  }
  return result;
}

}  // namespace muster_dfile
