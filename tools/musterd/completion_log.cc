// SPDX-License-Identifier: Apache-2.0
#include "musterd/completion_log.h"

#include <syslog.h>

#include <array>
#include <ctime>
#include <string_view>
#include <utility>

#include "musterd/text.h"
#include "musterd/thread.h"

namespace musterd {
namespace {

std::string UpperHex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

}  // namespace

std::string CompletionLine(const muster::SwarmDelta& delta) {
  const std::time_t time = delta.time.time_since_epoch().count();
  std::tm local{};
  localtime_r(&time, &local);
  std::array<char, 64> text;
  const std::string_view when(
      text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S%z", &local));
  const bool has_id = delta.peer_id != muster::PeerId();
  return Concat({"time=", when, " event=completed info_hash=", UpperHex(delta.info_hash.text()),
                 " peer_id=", has_id ? UpperHex(delta.peer_id.text()) : "",
                 " ip=", delta.peer.address().ToString()});
}

absl::StatusOr<std::unique_ptr<CompletionLog>> CompletionLog::Start() {
  openlog("musterd", LOG_NDELAY, LOG_USER);
  std::unique_ptr<CompletionLog> log(new CompletionLog);
  absl::Status status = StartThread([self = log.get()] { self->Loop(); }, log->thread_);
  if (!status.ok()) return status;
  return log;
}

CompletionLog::~CompletionLog() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mu_);
      stop_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  closelog();
}

void CompletionLog::OnDelta(const muster::SwarmDelta& delta) {
  // Another tracker's are in its own log.
  if (!delta.completed || delta.replicated) return;
  std::string line = CompletionLine(delta);
  const std::lock_guard lock(mu_);
  if (waiting_.size() >= kMaxWaiting) {
    ++lost_;
    return;
  }
  waiting_.push_back(std::move(line));
  if (waiting_.size() == 1) changed_.notify_one();
}

void CompletionLog::Loop() {
  std::unique_lock lock(mu_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::vector<std::string> lines = std::exchange(waiting_, {});
    const std::uint64_t lost = std::exchange(lost_, 0);
    lock.unlock();
    for (const std::string& line : lines) syslog(LOG_INFO, "%s", line.c_str());
    if (lost > 0)
      syslog(LOG_WARNING, "%llu finished downloads have no line: the log was too slow",
             static_cast<unsigned long long>(lost));
    lock.lock();
  }
}

}  // namespace musterd
