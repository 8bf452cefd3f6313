// SPDX-License-Identifier: Apache-2.0
//
// What the dimensions of the counters are called in JSON and in metrics.
#ifndef MUSTER_LIB_WEB_NAMES_H_
#define MUSTER_LIB_WEB_NAMES_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "muster/statistics.h"

namespace muster {

inline constexpr std::array<absl::string_view, 2> kProtocolNames = {"udp", "http"};
inline constexpr std::array<absl::string_view, 2> kFamilyNames = {"ipv4", "ipv6"};
inline constexpr std::array<absl::string_view, kRequestKinds> kKindNames = {
    "connect", "announce", "scrape", "full_scrape", "statistics", "page"};
inline constexpr std::array<absl::string_view, kOutcomes> kOutcomeNames = {
    "answered", "refused", "invalid", "stale", "failed"};

inline constexpr std::array<absl::string_view, kNatOutcomes> kNatOutcomeNames = {
    "reachable",   "refused",        "unreachable",   "connect_timeout", "timeout",
    "closed",      "not_bittorrent", "no_encryption", "other_info_hash", "other_peer_id",
    "not_allowed", "too_many",       "no_resources",  "cancelled"};

// Connecting and wrong connection ids are of UDP alone; what people and scripts ask is of HTTP.
inline bool Occurs(Protocol protocol, RequestKind kind, Outcome outcome) {
  if (protocol == Protocol::kUdp) {
    if (kind == RequestKind::kConnect) return outcome == Outcome::kAnswered;
    return kind == RequestKind::kAnnounce || kind == RequestKind::kScrape;
  }
  return kind != RequestKind::kConnect && outcome != Outcome::kStale;
}

// "12.000345678": more digits than a number with a fraction has.
inline std::string SecondsText(std::uint64_t ns) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  return absl::StrCat(ns / kSecond, ".", absl::Dec(ns % kSecond, absl::kZeroPad9));
}

// Calls visit(protocol, family, kind, outcome, count) for every counter that can be other than 0.
template <typename Visit>
void ForEachRequestCounter(const ServerStatistics& statistics, const Visit& visit) {
  for (std::size_t p = 0; p < 2; ++p) {
    for (std::size_t f = 0; f < 2; ++f) {
      for (std::size_t k = 0; k < kRequestKinds; ++k) {
        for (std::size_t o = 0; o < kOutcomes; ++o) {
          if (!Occurs(static_cast<Protocol>(p), static_cast<RequestKind>(k),
                      static_cast<Outcome>(o)))
            continue;
          visit(p, f, k, o, statistics.requests[p][f][k][o]);
        }
      }
    }
  }
}

}  // namespace muster

#endif  // MUSTER_LIB_WEB_NAMES_H_
