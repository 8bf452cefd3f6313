// SPDX-License-Identifier: Apache-2.0
#include "musterd/torrent_keeper.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "musterd/descriptor.h"
#include "musterd/text.h"
#include "musterd/thread.h"
#include "musterd/torrent_folder.h"

namespace musterd {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A directory that is being filled is looked at when nothing has happened for this long, or at last
// after that.
constexpr milliseconds kQuiet{200};
constexpr milliseconds kAtLast{2'000};
// An announce that was allowed just before the torrents changed is in the store long before this.
constexpr milliseconds kForgetLate{100};
// Directories that are watched; the others are found changed at the interval.
constexpr std::size_t kMaxWatched = 1'000;

}  // namespace

class TorrentKeeper::Impl {
 public:
  Impl(const AccessSettings& settings, muster::AccessRules* rules, muster::TorrentCatalog* catalog,
       muster::SwarmStore* store, muster::LogSink* log, std::function<void()> on_change)
      : path_(settings.torrents),
        interval_(settings.check_interval),
        require_(settings.require),
        forget_refused_(settings.forget_refused),
        folder_(settings.torrents, settings.torrent_messages, log),
        rules_(rules),
        catalog_(catalog),
        store_(store),
        log_(log),
        on_change_(std::move(on_change)) {}
  ~Impl() {
    if (!thread_.joinable()) return;
    Wake(stop_);
    thread_.join();
  }

  absl::Status Open();
  absl::Status Start();
  void Wake(std::atomic<bool>& flag) {
    flag = true;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t ignored = write(wake_.get(), &one, sizeof one);
  }
  std::atomic<bool> reload{false};

 private:
  absl::Status Read();
  void SayWhatThereIs();
  void ForgetRefused() {
    if (forget_refused_) rules_->ForgetRefused(*store_);
  }
  void Watch();
  bool TakeEvents();
  void Loop();

  const std::string path_;
  const milliseconds interval_;
  const bool require_;
  const bool forget_refused_;
  bool started_ = false;  // set before there is a thread
  TorrentFolder folder_;
  muster::AccessRules* const rules_;
  muster::TorrentCatalog* const catalog_;
  muster::SwarmStore* const store_;
  muster::LogSink* const log_;
  const std::function<void()> on_change_;

  const Descriptor wake_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  // Where the system has none to give, the interval has to do.
  const Descriptor inotify_{inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  std::map<std::string, int> watched_;
  // The log has been told that the directory cannot be read.
  bool failed_ = false;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

absl::Status TorrentKeeper::Impl::Open() {
  if (wake_.get() < 0) {
    return absl::UnavailableError(Concat({"cannot watch torrents: ", std::strerror(errno)}));
  }
  rules_->EnforceWhitelist(true);
  rules_->SetCatalog(catalog_);
  Watch();  // before it is read, so that nothing is missed
  const absl::Status status = Read();
  Watch();
  if (!status.ok() && require_) return Invalid({"allowed-torrents: ", MessageOf(status)});
  return absl::OkStatus();
}

absl::Status TorrentKeeper::Impl::Read() {
  const absl::StatusOr<bool> changed = folder_.Read();
  if (!changed.ok()) {
    if (!std::exchange(failed_, true) && (started_ || !require_)) {
      log_->Log(muster::LogLevel::kWarning,
                Concat({"allowed-torrents: ", MessageOf(changed.status())}));
    }
    return changed.status();
  }
  const bool failed = std::exchange(failed_, false);
  if (!*changed && started_) {
    if (failed) SayWhatThereIs();
    return absl::OkStatus();
  }
  std::vector<std::shared_ptr<const muster::CatalogTorrent>> torrents = folder_.torrents();
  std::vector<muster::InfoHash> hashes;
  for (const auto& torrent : torrents) {
    if (torrent->info_hashes.v1) hashes.push_back(*torrent->info_hashes.v1);
    if (torrent->info_hashes.v2) hashes.push_back(torrent->info_hashes.v2->Truncated());
  }
  // Who is allowed is known by name already.
  catalog_->Replace(std::move(torrents));
  rules_->whitelist().Replace(std::move(hashes));
  if (started_) ForgetRefused();
  on_change_();
  if (started_) SayWhatThereIs();
  return absl::OkStatus();
}

void TorrentKeeper::Impl::SayWhatThereIs() {
  log_->Log(muster::LogLevel::kInfo,
            Concat({"allowed-torrents: ", path_, " has ", std::to_string(catalog_->list()->size()),
                    " torrents in ", std::to_string(folder_.files()), " files"}));
}

// Directories come and go; those that are watched already stay so.
void TorrentKeeper::Impl::Watch() {
  if (inotify_.get() < 0) return;
  constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                    IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  std::map<std::string, int> now;
  const auto add = [&](const std::string& path) {
    if (now.size() >= kMaxWatched) return;
    const int watch = inotify_add_watch(inotify_.get(), path.c_str(), kEvents);
    if (watch >= 0) now.emplace(path, watch);
  };
  add(path_);
  for (const std::string& folder : folder_.folders()) add(folder);
  for (const auto& [path, watch] : watched_) {
    const bool kept = std::any_of(now.begin(), now.end(), [&, kept_watch = watch](const auto& one) {
      return one.second == kept_watch;
    });
    if (!kept) inotify_rm_watch(inotify_.get(), watch);
  }
  watched_ = std::move(now);
}

// Whether anything has happened. What, the directory tells when it is read.
bool TorrentKeeper::Impl::TakeEvents() {
  alignas(inotify_event) std::array<char, 16 * 1024> events;
  bool any = false;
  while (read(inotify_.get(), events.data(), events.size()) > 0) any = true;
  return any;
}

void TorrentKeeper::Impl::Loop() {
  constexpr Clock::time_point kNever = Clock::time_point::max();
  const bool looks = interval_.count() > 0;
  Clock::time_point look_at = looks ? Clock::now() + interval_ : kNever;
  Clock::time_point quiet_at = kNever;  // something has happened, and is over then
  Clock::time_point at_last = kNever;
  Clock::time_point forget_at = kNever;
  std::array<pollfd, 2> polled{pollfd{wake_.get(), POLLIN, 0},
                               pollfd{looks ? inotify_.get() : -1, POLLIN, 0}};
  while (!stop_) {
    const Clock::time_point until = std::min({look_at, quiet_at, at_last, forget_at});
    const auto wait =
        until == kNever ? -1 : std::chrono::ceil<milliseconds>(until - Clock::now()).count();
    poll(polled.data(), polled.size(),
         static_cast<int>(until == kNever ? -1 : std::clamp<std::int64_t>(wait, 0, 3'600'000)));
    std::uint64_t woken;
    [[maybe_unused]] const ssize_t ignored = read(wake_.get(), &woken, sizeof woken);
    const Clock::time_point now = Clock::now();
    if (polled[1].revents != 0 && TakeEvents()) {
      quiet_at = now + kQuiet;
      if (at_last == kNever) at_last = now + kAtLast;
    }
    if (stop_) break;
    if (reload.exchange(false) || std::min({look_at, quiet_at, at_last}) <= now) {
      quiet_at = at_last = kNever;
      Read().IgnoreError();  // the log has been told
      Watch();
      look_at = looks ? Clock::now() + interval_ : kNever;
      forget_at = Clock::now() + kForgetLate;
    }
    if (forget_at <= now) {
      ForgetRefused();
      forget_at = kNever;
    }
  }
}

absl::Status TorrentKeeper::Impl::Start() {
  started_ = true;
  if (!failed_) SayWhatThereIs();
  ForgetRefused();
  return StartThread([this] { Loop(); }, thread_);
}

absl::StatusOr<std::unique_ptr<TorrentKeeper>> TorrentKeeper::Open(
    const AccessSettings& settings, muster::AccessRules* rules, muster::TorrentCatalog* catalog,
    muster::SwarmStore* store, muster::LogSink* log, std::function<void()> on_change) {
  auto impl = std::make_unique<Impl>(settings, rules, catalog, store, log, std::move(on_change));
  if (absl::Status status = impl->Open(); !status.ok()) return status;
  return std::unique_ptr<TorrentKeeper>(new TorrentKeeper(std::move(impl)));
}

TorrentKeeper::TorrentKeeper(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TorrentKeeper::~TorrentKeeper() = default;
absl::Status TorrentKeeper::Start() { return impl_->Start(); }
void TorrentKeeper::Reload() { impl_->Wake(impl_->reload); }

}  // namespace musterd
