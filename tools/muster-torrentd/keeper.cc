// SPDX-License-Identifier: Apache-2.0
#include "muster-torrentd/keeper.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "musterd/text.h"

namespace torrentd {
namespace {

using musterd::Concat;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How long files must be left alone before they are hashed: one that is being copied is not hashed
// over and over.
constexpr milliseconds kSettle{1'000};

// Directories that are watched; beyond, changes are found by looking.
constexpr std::size_t kMaxWatches = 100'000;

constexpr steady_clock::time_point kNever = steady_clock::time_point::max();

// What makes a file another one, or a new one.
constexpr std::uint32_t kChanges =
    IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;

muster::Instant Now() {
  return std::chrono::floor<muster::Seconds>(std::chrono::system_clock::now());
}

// The directories of a pattern before its first wildcard: "yum/os" of "/yum/os/*.rpm".
std::string FixedFolder(const std::string& pattern) {
  const std::string fixed = pattern.substr(0, pattern.find_first_of("*?["));
  return fixed.substr(0, fixed.rfind('/'));
}

}  // namespace

class Keeper::Impl {
 public:
  Impl(const KeeperOptions& options, muster::Mirror* mirror, muster::LogSink* log)
      : options_(options), mirror_(*mirror), log_(*log) {}
  ~Impl() {
    ending_ = true;
    Wake();
    if (thread_.joinable()) thread_.join();
    if (hashing_.joinable()) hashing_.join();
    for (const int fd : {wake_, trackers_watch_, files_watch_}) {
      if (fd >= 0) close(fd);
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  absl::Status Start() {
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    trackers_watch_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (wake_ < 0) return absl::ErrnoToStatus(errno, "eventfd");
    WatchTrackers();
    next_clean_ = steady_clock::now();
    next_hash_ = next_clean_;
    settled_ = kNever;
    try {
      thread_ = std::thread([this] { Run(); });
    } catch (const std::system_error& error) {
      return absl::ResourceExhaustedError(error.what());
    }
    return absl::OkStatus();
  }

  void LookNow() {
    look_now_ = true;
    Wake();
  }

 private:
  void Wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t ignored = write(wake_, &one, sizeof one);
  }
  void Warn(std::string_view text) { log_.Log(muster::LogLevel::kWarning, text); }

  // Its folder, as it may be replaced by another file of that name.
  void WatchTrackers() const {
    if (options_.trackers_file.empty() || trackers_watch_ < 0) return;
    const std::filesystem::path folder =
        std::filesystem::path(options_.trackers_file).parent_path();
    // Not when it is made, as it may be empty then.
    inotify_add_watch(trackers_watch_, folder.empty() ? "." : folder.c_str(),
                      IN_CLOSE_WRITE | IN_MOVED_TO);
  }

  void Run() {
    while (!ending_) {
      if (std::exchange(trackers_changed_, false)) ReadTrackers();
      const auto now = steady_clock::now();
      if (now >= next_clean_) {
        mirror_.CleanCaches(Now());
        next_clean_ = steady_clock::now() + options_.clean_interval;
      }
      if (!is_hashing_) {
        if (next_hash_ == kNever) next_hash_ = now + options_.hash_interval;  // it has ended
        if (!options_.hash_ahead.empty() && now >= std::min(next_hash_, settled_)) HashAhead();
      }
      Await();
    }
  }

  void ReadTrackers() {
    const absl::Status status = mirror_.LookAtTrackers(Now());
    if (!status.ok()) {
      Warn(Concat({"the trackers stay as they were: ", musterd::MessageOf(status)}));
    } else {
      log_.Log(muster::LogLevel::kInfo,
               Concat({"trackers: ", std::to_string(mirror_.tracker_count(Now()))}));
    }
  }

  // In a thread of its own, as it may take hours, and trackers and caches must not wait for it.
  void HashAhead() {
    settled_ = next_hash_ = kNever;
    // What changes from here on is told.
    WatchFiles();
    if (hashing_.joinable()) hashing_.join();
    is_hashing_ = true;
    try {
      hashing_ = std::thread([this] {
        const absl::Status status = mirror_.HashAhead(options_.hash_ahead, Now());
        if (!status.ok() && !absl::IsCancelled(status)) {
          Warn(Concat({"hashing ahead: ", musterd::MessageOf(status)}));
        }
        is_hashing_ = false;
        Wake();
      });
    } catch (const std::system_error& error) {
      Warn(Concat({"hashing ahead: ", error.what()}));
      is_hashing_ = false;
    }
  }

  // Every directory that a pattern may mean files in.
  void WatchFiles() {
    if (files_watch_ >= 0) close(files_watch_);
    files_watch_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (files_watch_ < 0) return;
    std::size_t watches = 0;
    for (const std::string& pattern : options_.hash_ahead) {
      const std::string top = options_.root + FixedFolder(pattern);
      inotify_add_watch(files_watch_, top.c_str(), kChanges);
      std::error_code error;
      for (std::filesystem::recursive_directory_iterator
               it(top, std::filesystem::directory_options::skip_permission_denied, error),
           end;
           !error && it != end && !ending_; it.increment(error)) {
        if (it->path().filename().native().front() == '.') {
          it.disable_recursion_pending();
        } else if (it->is_directory(error) && !it->is_symlink(error)) {
          if (++watches > kMaxWatches ||
              inotify_add_watch(files_watch_, it->path().c_str(), kChanges) < 0) {
            if (!std::exchange(told_, true)) {
              Warn("not all directories can be watched: changes are found by looking");
            }
            return;
          }
        }
      }
    }
  }

  // Until something is due or was told.
  void Await() {
    auto due = next_clean_;
    if (!options_.hash_ahead.empty() && !is_hashing_) due = std::min({due, next_hash_, settled_});
    const auto left = std::chrono::ceil<milliseconds>(due - steady_clock::now());
    std::array<pollfd, 3> fds = {
        {{wake_, POLLIN, 0}, {trackers_watch_, POLLIN, 0}, {files_watch_, POLLIN, 0}}};
    const auto time = std::clamp<std::int64_t>(left.count(), 0, 60 * 60 * 1000);
    if (poll(fds.data(), fds.size(), static_cast<int>(time)) <= 0) return;
    if (fds[0].revents != 0) {
      std::uint64_t count;
      [[maybe_unused]] const ssize_t ignored = read(wake_, &count, sizeof count);
    }
    if (look_now_.exchange(false)) {
      trackers_changed_ = true;
      next_hash_ = steady_clock::now();
    }
    if (fds[1].revents != 0) trackers_changed_ |= NamesTrackers();
    if (fds[2].revents != 0) {
      Drain(files_watch_);
      settled_ = steady_clock::now() + kSettle;
    }
  }

  // Takes all that was told, and whether it was about the trackers file.
  bool NamesTrackers() const {
    const std::string name = std::filesystem::path(options_.trackers_file).filename();
    bool found = false;
    alignas(inotify_event) std::array<char, 4096> bytes;
    for (ssize_t n; (n = read(trackers_watch_, bytes.data(), bytes.size())) > 0;) {
      for (ssize_t at = 0; at < n;) {
        const auto* event = reinterpret_cast<const inotify_event*>(bytes.data() + at);
        found |= (event->mask & IN_Q_OVERFLOW) != 0 || (event->len > 0 && name == event->name);
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      }
    }
    return found;
  }

  static void Drain(int fd) {
    std::array<char, 4096> bytes;
    while (read(fd, bytes.data(), bytes.size()) > 0) {
    }
  }

  const KeeperOptions options_;
  muster::Mirror& mirror_;
  muster::LogSink& log_;
  int wake_ = -1;
  int trackers_watch_ = -1;
  int files_watch_ = -1;
  std::atomic<bool> ending_{false};
  std::atomic<bool> look_now_{false};
  std::atomic<bool> is_hashing_{false};
  // Of the first thread.
  bool trackers_changed_ = false;
  bool told_ = false;
  steady_clock::time_point next_clean_;
  // Never while it hashes.
  steady_clock::time_point next_hash_;
  // When what was told of has been left alone for long enough.
  steady_clock::time_point settled_;
  std::thread hashing_;
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<Keeper>> Keeper::Start(const KeeperOptions& options,
                                                      muster::Mirror* mirror,
                                                      muster::LogSink* log) {
  auto impl = std::make_unique<Impl>(options, mirror, log);
  if (absl::Status status = impl->Start(); !status.ok()) return status;
  return std::unique_ptr<Keeper>(new Keeper(std::move(impl)));
}

Keeper::Keeper(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Keeper::~Keeper() = default;
void Keeper::LookNow() { impl_->LookNow(); }

}  // namespace torrentd
