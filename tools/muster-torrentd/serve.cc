// SPDX-License-Identifier: Apache-2.0
#include "muster-torrentd/serve.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "muster-torrentd/given_hashes.h"
#include "muster-torrentd/keeper.h"
#include "muster/access_rules.h"
#include "muster/mirror.h"
#include "muster/mirror_server.h"
#include "muster/server.h"
#include "muster/tracker.h"
#include "musterd/daemon_log.h"
#include "musterd/ipv6.h"
#include "musterd/text.h"

namespace torrentd {
namespace {

using muster::LogLevel;
using musterd::Concat;
using musterd::MessageOf;

constexpr std::string_view kProgram = "muster-torrentd";

// A connection may take two: itself, and the file that it gets.
void CheckFileLimit(const muster::MirrorServerOptions& options, muster::LogSink& log) {
  const rlim_t limit = musterd::RaiseFileLimit();
  constexpr rlim_t kOthers = 256;  // standard streams, loops, files that are hashed
  const rlim_t needed = 2 * options.workers * options.max_connections + kOthers;
  if (limit >= needed) return;
  log.Log(LogLevel::kWarning,
          Concat({musterd::FileLimitText(limit), ", but all connections with a file each need ",
                  std::to_string(needed),
                  ": lower http-max-connections or raise the limit (ulimit -Hn)"}));
}

// What is good to know before it is missed.
void SayWhatIsMissing(const Settings& settings, const muster::Mirror& mirror,
                      muster::LogSink& log) {
  if (settings.mirror.trackers_file.empty()) {
    log.Log(LogLevel::kWarning, "no trackers file: torrents are made without trackers");
  }
  if (settings.mirror.cache_folder.empty()) {
    log.Log(LogLevel::kWarning, "no cache: what is hashed is known until this process ends");
  } else if (const absl::Status status = mirror.cache_status(); !status.ok()) {
    log.Log(LogLevel::kWarning, Concat({"the cache is not used: ", MessageOf(status)}));
  }
}

// A tracker for the torrents of a mirror.
class OwnTracker {
 public:
  absl::Status Start(const Settings& settings, bool ipv6, GivenHashes& given,
                     muster::LogSink* log) {
    rules_.EnforceWhitelist(true);
    given.Feed(&rules_.whitelist());
    auto tracker = muster::Tracker::Create({});
    if (!tracker.ok()) return tracker.status();
    tracker_ = *std::move(tracker);
    tracker_->SetPolicy(&rules_);
    muster::ServerOptions options = TrackerServerOptionsOf(settings, ipv6);
    options.log = log;
    auto server = muster::ServerThreads::Start(tracker_.get(), options, /*workers=*/1);
    if (!server.ok()) return server.status();
    server_ = *std::move(server);
    return absl::OkStatus();
  }
  void PrintListeners() const {
    for (const muster::Listener& listener : server_->listeners()) {
      std::printf("tracking on %s\n", listener.AnnounceUrl().c_str());
    }
  }

 private:
  muster::AccessRules rules_;
  std::unique_ptr<muster::Tracker> tracker_;
  std::unique_ptr<muster::ServerThreads> server_;
};

int Fail(const absl::Status& status, musterd::DaemonLog& log) {
  log.Say(MessageOf(status));
  return absl::IsInvalidArgument(status) ? kBadUsage : kFailed;
}

}  // namespace

void Complain(std::string_view text) { musterd::ComplainAs(kProgram, text); }

int Serve(const Settings& settings) {
  musterd::DaemonLog log(kProgram, settings.log_level);
  if (settings.mirror.root.empty()) {
    log.Say("which directory is to be served? (--root DIRECTORY)");
    return kBadUsage;
  }
  GivenHashes given;
  if (!settings.hash_list.empty()) {
    if (absl::Status status = given.OpenFile(settings.hash_list); !status.ok()) {
      return Fail(status, log);
    }
  }
  muster::MirrorOptions mirror_options = MirrorOptionsOf(settings);
  mirror_options.log = &log;
  if (settings.tracker.enabled || !settings.hash_list.empty()) {
    mirror_options.on_torrent = [&given](const muster::InfoHashes& hashes, std::string_view name) {
      given.Add(hashes, name);
    };
  }
  const bool ipv6 = musterd::SystemHasIpv6();
  muster::MirrorServerOptions options = ServerOptionsOf(settings, ipv6);
  options.log = &log;
  if (options.workers == 0) options.workers = std::max(1u, std::thread::hardware_concurrency());

  musterd::Signals signals;
  if (absl::Status status = log.WriteByThread(); !status.ok()) return Fail(status, log);
  const auto now = std::chrono::floor<muster::Seconds>(std::chrono::system_clock::now());
  auto mirror = muster::Mirror::Create(mirror_options, now);
  if (!mirror.ok()) return Fail(mirror.status(), log);
  SayWhatIsMissing(settings, **mirror, log);
  CheckFileLimit(options, log);
  OwnTracker tracker;
  if (settings.tracker.enabled) {
    if (absl::Status status = tracker.Start(settings, ipv6, given, &log); !status.ok()) {
      return Fail(status, log);
    }
  }
  auto server = muster::MirrorServer::Start(mirror->get(), options);
  if (!server.ok()) return Fail(server.status(), log);
  auto keeper = Keeper::Start({.trackers_file = settings.mirror.trackers_file,
                               .root = settings.mirror.root,
                               .hash_ahead = Words(settings.hash_ahead),
                               .hash_interval = settings.hash_ahead_interval,
                               .clean_interval = settings.clean_interval},
                              mirror->get(), &log);
  if (!keeper.ok()) return Fail(keeper.status(), log);
  log.WaitUntilWritten();
  if (settings.tracker.enabled) tracker.PrintListeners();
  for (const muster::Endpoint& listener : (*server)->listeners()) {
    std::printf("listening on http://%s/\n", listener.ToString().c_str());
  }
  std::fflush(stdout);

  while (signals.Wait() == SIGHUP) (*keeper)->LookNow();
  signals.Release();
  (*server)->Stop();
  (*mirror)->Stop();
  return kGood;
}

}  // namespace torrentd
