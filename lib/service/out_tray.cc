// SPDX-License-Identifier: Apache-2.0
#include "service/out_tray.h"

#include <utility>

namespace muster {

void OutTray::Wake() {
  if (!woken_ && wake_) wake_();
  woken_ = true;
}

template <typename T>
bool OutTray::Put(std::vector<T>& to, T what, std::size_t limit, Counter& left) {
  if (!wake_ || to.size() >= limit) {
    left.Add();
    return false;
  }
  to.push_back(std::move(what));
  Wake();
  return true;
}

bool OutTray::PutCheck(const NatCheckRequest& check) {
  MutexLock lock(&mu_);
  return Put(contents_.checks, check, limits_.checks, counters_.checks_left);
}

bool OutTray::PutCopy(std::string_view query, const IpAddress& peer) {
  Copy copy{std::string(query), peer};
  MutexLock lock(&mu_);
  return Put(contents_.copies, std::move(copy), limits_.copies, counters_.copies_left);
}

void OutTray::PutTorrents() {
  MutexLock lock(&mu_);
  contents_.torrents = true;
  Wake();
}

void OutTray::Attach(std::function<void()> wake) {
  MutexLock lock(&mu_);
  wake_ = std::move(wake);
  woken_ = false;
  if (contents_.torrents) Wake();
}

OutTray::Contents OutTray::Take() {
  MutexLock lock(&mu_);
  woken_ = false;
  return std::exchange(contents_, {});
}

}  // namespace muster
