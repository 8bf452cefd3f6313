// SPDX-License-Identifier: Apache-2.0
#include "muster/foreign_peers.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace muster {
namespace {

bool IsIn(const Endpoint& peer, const PeerBatch& batch) {
  const absl::Span<const std::uint8_t> there = batch.compact(peer.family());
  const absl::Span<const std::uint8_t> own = peer.compact();
  for (std::size_t at = 0; at < there.size(); at += own.size()) {
    if (std::memcmp(there.data() + at, own.data(), own.size()) == 0) return true;
  }
  return false;
}

}  // namespace

class ForeignPeers::Impl {
 public:
  Impl(std::size_t most_of_a_torrent, Seconds life) : most(most_of_a_torrent), lifetime(life) {}

  struct Peer {
    Endpoint peer;
    Instant heard_of;
  };
  // A sixteenth of the torrents; of each its peers, the latest last.
  struct Part {
    Mutex mu;
    std::map<InfoHash, std::vector<Peer>> torrents ABSL_GUARDED_BY(mu);
  };
  Part& PartOf(const InfoHash& info_hash) { return parts_[info_hash.data()[0] & 15]; }

  const std::size_t most;
  const Seconds lifetime;

 private:
  std::array<Part, 16> parts_;
};

ForeignPeers::ForeignPeers(std::size_t most, Seconds lifetime)
    : impl_(std::make_unique<Impl>(most, lifetime)) {}
ForeignPeers::~ForeignPeers() = default;

void ForeignPeers::Put(const InfoHash& info_hash, absl::Span<const Endpoint> peers, Instant now) {
  Impl::Part& part = impl_->PartOf(info_hash);
  MutexLock lock(&part.mu);
  std::vector<Impl::Peer>& known = part.torrents[info_hash];
  std::vector<Endpoint> fresh(peers.begin(), peers.end());
  std::sort(fresh.begin(), fresh.end());
  fresh.erase(std::unique(fresh.begin(), fresh.end()), fresh.end());
  known.erase(std::remove_if(known.begin(), known.end(),
                             [&](const Impl::Peer& peer) {
                               return std::binary_search(fresh.begin(), fresh.end(), peer.peer);
                             }),
              known.end());
  for (const Endpoint& peer : fresh) known.push_back({peer, now});
  if (known.size() > impl_->most)
    known.erase(known.begin(), known.end() - static_cast<std::ptrdiff_t>(impl_->most));
}

std::size_t ForeignPeers::Count(const InfoHash& info_hash, Instant now) {
  Impl::Part& part = impl_->PartOf(info_hash);
  MutexLock lock(&part.mu);
  const auto torrent = part.torrents.find(info_hash);
  if (torrent == part.torrents.end()) return 0;
  std::vector<Impl::Peer>& known = torrent->second;
  // They stand in the order in which they were heard of.
  const auto first = std::find_if(known.begin(), known.end(), [&](const Impl::Peer& peer) {
    return peer.heard_of + impl_->lifetime > now;
  });
  known.erase(known.begin(), first);
  if (!known.empty()) return known.size();
  part.torrents.erase(torrent);
  return 0;
}

void ForeignPeers::Choose(const InfoHash& info_hash, const Endpoint& asking, std::size_t wanted,
                          Random& random, PeerBatch& chosen) const {
  Impl::Part& part = impl_->PartOf(info_hash);
  MutexLock lock(&part.mu);
  const auto torrent = part.torrents.find(info_hash);
  if (torrent == part.torrents.end() || torrent->second.empty()) return;
  const std::vector<Impl::Peer>& known = torrent->second;
  std::size_t at = random.Below(static_cast<std::uint32_t>(known.size()));
  for (std::size_t i = 0; i < known.size() && wanted > 0; ++i, at = (at + 1) % known.size()) {
    const Endpoint& peer = known[at].peer;
    if (peer == asking || chosen.room(peer.family()) == 0 || IsIn(peer, chosen)) continue;
    chosen.Append(peer.family(), peer.compact().data(), nullptr, 1);
    --wanted;
  }
}

}  // namespace muster
