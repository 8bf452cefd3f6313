// SPDX-License-Identifier: Apache-2.0
#include "web/state_dump.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "web/served_torrents.h"

namespace muster {
namespace {

// Visited at a time; swarms near a huge one do not wait for all of it.
constexpr std::size_t kPeersAVisit = 4096;
// A visited peer counts like so many bytes of the dump, so that a piece takes no longer for them.
constexpr std::size_t kBytesAPeer = 4;

class StateDump final : public HttpBody {
 public:
  StateDump(const SwarmStore& store, const Policy* policy, Instant now)
      : cursor_(store.Walk(kPeersAVisit)), policy_(policy), now_(now) {}

  Progress Produce(std::size_t budget, std::string& out) override {
    auto step = SwarmCursor::Step::kVisited;
    for (std::size_t work = 0; step == SwarmCursor::Step::kVisited && work < budget;) {
      const std::size_t size = out.size();
      std::size_t visit = 0;
      step = cursor_->Next([&](const SwarmView& part) { visit = Visit(part, out); });
      work += out.size() - size + visit + 1;
    }
    if (step != SwarmCursor::Step::kEnd) return Progress::kMore;
    AppendLine(out);
    return Progress::kEnd;
  }

 private:
  // How much work it was, in bytes of the dump.
  std::size_t Visit(const SwarmView& part, std::string& out) {
    if (hash_ != part.info_hash()) {
      AppendLine(out);
      hash_.reset();
      if (IsHidden(policy_, part.info_hash())) return kBytesAVisit;
      hash_ = part.info_hash();
      last_active_ = part.empty_since();
    }
    completed_ = part.counts().completed;
    std::size_t peers = 0;
    part.ForEachPeer([&](const PeerRecord& peer) {
      ++peers;
      last_active_ = std::max(last_active_.value_or(peer.last_seen), peer.last_seen);
    });
    return kBytesAPeer * peers;
  }
  // Of the torrent that was visited.
  void AppendLine(std::string& out) const {
    if (!hash_.has_value()) return;
    const auto minute =
        std::chrono::floor<std::chrono::minutes>(last_active_.value_or(now_).time_since_epoch());
    absl::StrAppend(&out, absl::AsciiStrToUpper(hash_->ToHex()), ":",
                    std::max<std::int64_t>(minute.count(), 0), ":", completed_, "\n");
  }

  const std::unique_ptr<SwarmCursor> cursor_;
  const Policy* const policy_;
  const Instant now_;
  // The torrent whose parts are visited.
  std::optional<InfoHash> hash_;
  std::uint32_t completed_ = 0;
  std::optional<Instant> last_active_;
};

}  // namespace

std::unique_ptr<HttpBody> NewStateDump(const SwarmStore& store, const Policy* policy, Instant now) {
  return std::make_unique<StateDump>(store, policy, now);
}

}  // namespace muster
