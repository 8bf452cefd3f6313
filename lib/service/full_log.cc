// SPDX-License-Identifier: Apache-2.0
#include "service/full_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace muster {

bool FullLog::Add(std::string_view network) {
  const absl::StatusOr<Cidr> cidr = Cidr::Parse(network);
  if (!cidr.ok()) return false;
  const MutexLock lock(&mu_);
  if (std::find(networks_.begin(), networks_.end(), *cidr) != networks_.end()) return true;
  if (!enabled() || networks_.size() == kMaxNetworks) return false;
  networks_.push_back(*cidr);
  any_ = true;
  return true;
}

bool FullLog::Forget() {
  const MutexLock lock(&mu_);
  networks_.clear();
  any_ = false;
  return true;
}

void FullLog::Record(const IpAddress& from, std::string_view request, Instant now) {
  if (!any_.load(std::memory_order_relaxed)) return;
  const MutexLock lock(&mu_);
  const bool wanted = std::any_of(networks_.begin(), networks_.end(),
                                  [&](const Cidr& network) { return network.Contains(from); });
  if (!wanted) return;
  const std::string head =
      absl::StrCat(now.time_since_epoch().count(), ": ", from.ToString(), "\n");
  constexpr std::string_view kEnd = "\n*\n";
  if (requests_.size() + head.size() + request.size() + kEnd.size() > max_bytes_) {
    ++left_out_;
    return;
  }
  absl::StrAppend(&requests_, head, ToAbsl(request), ToAbsl(kEnd));
}

std::string FullLog::Take() {
  const MutexLock lock(&mu_);
  std::string requests = std::exchange(requests_, {});
  if (const std::size_t n = std::exchange(left_out_, 0); n > 0)
    absl::StrAppend(&requests, n, " further requests had no room\n");
  return requests;
}

}  // namespace muster
