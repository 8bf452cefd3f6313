// SPDX-License-Identifier: Apache-2.0
#include "load/plan.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/text.h"
#include "muster/random.h"

namespace muster::load {
namespace {

constexpr double kMixedExponent = 0.8;

// Adds `peers` to `sizes` in the proportion 1 / rank^exponent. Rounding is done on the running
// total, so that no peer is lost or made up.
void Spread(absl::Span<std::uint32_t> sizes, std::uint64_t peers, double exponent) {
  double all = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) all += std::pow(i + 1.0, -exponent);
  double sum = 0;
  std::uint64_t given = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    sum += std::pow(i + 1.0, -exponent);
    const bool last = i + 1 == sizes.size();
    const auto due = last ? peers
                          : std::min(peers, static_cast<std::uint64_t>(std::floor(
                                                static_cast<double>(peers) * sum / all)));
    sizes[i] += static_cast<std::uint32_t>(due - given);
    given = due;
  }
}

}  // namespace

absl::StatusOr<Popularity> Popularity::FromText(std::string_view text) {
  Popularity p;
  if (text == "zipf") return p;
  if (text == "uniform") return Popularity{Kind::kUniform, 0};
  if (text == "single") return Popularity{Kind::kSingle, 0};
  if (text == "mixed") return Popularity{Kind::kMixed, kMixedExponent};
  if (text == "one") return Popularity{Kind::kOne, 0};
  if (text.starts_with("zipf:") && absl::SimpleAtod(ToAbsl(text.substr(5)), &p.exponent) &&
      p.exponent >= 0 && p.exponent <= 10) {
    return p;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "popularity is zipf[:EXPONENT], uniform, single, mixed or one, not \"", ToAbsl(text), "\""));
}

absl::StatusOr<std::vector<std::uint32_t>> SwarmSizes(const Popularity& popularity,
                                                      std::uint32_t torrents, std::uint32_t peers) {
  using Kind = Popularity::Kind;
  if (torrents == 0 || peers < torrents) {
    return absl::InvalidArgumentError("every torrent has a peer: peers >= torrents >= 1");
  }
  std::vector<std::uint32_t> sizes(torrents, 1);
  const std::uint32_t rest = peers - torrents;
  switch (popularity.kind) {
    case Kind::kZipf:
      Spread(absl::MakeSpan(sizes), rest, popularity.exponent);
      break;
    case Kind::kUniform:
      for (std::uint32_t t = 0; t < torrents; ++t) {
        sizes[t] = peers / torrents + (t < peers % torrents ? 1 : 0);
      }
      break;
    case Kind::kSingle:
      if (rest > 0) return absl::InvalidArgumentError("single: as many peers as torrents");
      break;
    case Kind::kMixed: {
      const std::uint32_t shared = torrents - torrents / 2;
      if (rest < shared) return absl::InvalidArgumentError("mixed: at least 1.5 peers a torrent");
      for (std::uint32_t t = 0; t < shared; ++t) ++sizes[t];
      Spread(absl::MakeSpan(sizes).subspan(0, shared), rest - shared, popularity.exponent);
      break;
    }
    case Kind::kOne:
      if (torrents != 1) return absl::InvalidArgumentError("one: there is one torrent");
      sizes[0] = peers;
      break;
  }
  return sizes;
}

absl::StatusOr<Plan> Plan::Make(const PlanOptions& options) {
  if (options.sources == 0) return absl::InvalidArgumentError("at least one source");
  auto sizes = SwarmSizes(options.popularity, options.torrents, options.peers);
  if (!sizes.ok()) return sizes.status();
  Plan plan;
  plan.options_ = options;
  plan.sizes_ = *std::move(sizes);

  const std::uint64_t addresses = options.own_addresses ? options.sources : 1;
  if (plan.LargestSwarm() > addresses * kPorts) {
    return absl::InvalidArgumentError(
        absl::StrCat("a swarm of ", plan.LargestSwarm(), " peers needs more than ", addresses,
                     " source address(es) with ", kPorts, " ports each"));
  }
  plan.peers_.resize(options.sources);
  for (auto& list : plan.peers_) list.reserve(options.peers / options.sources + 64);
  for (std::uint32_t t = 0; t < options.torrents; ++t) {
    for (std::uint32_t k = 0; k < plan.sizes_[t]; ++k) {
      const auto port = static_cast<std::uint16_t>(kFirstPort + k / addresses);
      plan.peers_[(k + t) % options.sources].push_back({t, port, plan.IsSeeder(t, k)});
    }
  }
  Random random(options.seed);
  for (auto& list : plan.peers_) {
    for (std::size_t i = list.size(); i > 1; --i) {
      std::swap(list[i - 1], list[random.Below(static_cast<std::uint32_t>(i))]);
    }
  }
  return plan;
}

InfoHash Plan::Hash(std::uint32_t torrent) const {
  Random random(options_.seed * 0x2545f4914f6cdd1d + torrent);
  std::uint8_t bytes[24];
  for (std::size_t i = 0; i < sizeof bytes; i += 8) StoreBig64(bytes + i, random.Next());
  return InfoHash::FromBytes(bytes);
}

std::uint32_t Plan::LargestSwarm() const { return *std::max_element(sizes_.begin(), sizes_.end()); }

std::uint32_t Plan::Seeders(std::uint32_t torrent) const {
  std::uint32_t n = 0;
  for (std::uint32_t k = 0; k < sizes_[torrent]; ++k) n += IsSeeder(torrent, k) ? 1 : 0;
  return n;
}

bool Plan::Has(std::uint32_t torrent, std::uint32_t source, std::uint16_t port) const {
  if (port < kFirstPort || source >= options_.sources) return false;
  std::uint64_t k = port - kFirstPort;
  if (options_.own_addresses) {
    const std::uint32_t sources = options_.sources;
    k = k * sources + (source + sources - torrent % sources) % sources;
  }
  return k < sizes_[torrent];
}

double Plan::MeanAnswerPeers(std::uint32_t numwant) const {
  double sum = 0;
  for (const std::uint32_t size : sizes_) {
    sum += static_cast<double>(size) * std::min(numwant, size - 1);
  }
  return sum / options_.peers;
}

bool Plan::IsSeeder(std::uint32_t torrent, std::uint32_t k) const {
  Random random(options_.seed ^ (std::uint64_t{torrent} << 32 | k));
  return static_cast<double>(random.Next() >> 11) * 0x1p-53 < options_.seeders;
}

}  // namespace muster::load
