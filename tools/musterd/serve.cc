// SPDX-License-Identifier: Apache-2.0
#include "musterd/serve.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>

#include "muster/access_rules.h"
#include "muster/live_sync.h"
#include "muster/server.h"
#include "muster/state_keeper.h"
#include "muster/swarm_store.h"
#include "muster/torrent_catalog.h"
#include "muster/tracker.h"
#include "muster/woodpeckers.h"
#include "musterd/access_log.h"
#include "musterd/completion_log.h"
#include "musterd/list_keeper.h"
#include "musterd/load_state.h"
#include "musterd/privileges.h"
#include "musterd/text.h"
#include "musterd/torrent_keeper.h"
#include "musterd/tracker_list.h"

namespace musterd {
namespace {

using std::chrono::milliseconds;

// Lets the process open as many files as the system allows.
void RaiseFileLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Says how many files it may open; warns where its connections may need more.
void SayFileLimit(const muster::ServerOptions& options, std::size_t workers) {
  constexpr rlim_t kOthers = 64;  // standard streams, loops, lists, the spare one to refuse with
  const bool serves_http =
      std::any_of(options.listeners.begin(), options.listeners.end(),
                  [](const auto& l) { return l.protocol == muster::Protocol::kHttp; });
  const rlim_t connections = serves_http ? workers * options.http.max_connections : 0;
  const muster::OutboundOptions& outbound = options.outbound;
  const rlim_t outgoing =
      (outbound.nat_check ? outbound.nat_check->max_under_way : 0) +
      (outbound.multitracker ? outbound.multitracker->max_under_way : 0) +
      (outbound.aggregate_forward ? outbound.aggregate_forward->connections : 0);
  const rlim_t needed = connections + outgoing + workers * (options.listeners.size() + 8) + kOthers;
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const std::string allowed =
      Concat({"the system allows ",
              limit.rlim_cur == RLIM_INFINITY ? "any number of" : std::to_string(limit.rlim_cur),
              " open files"});
  if (limit.rlim_cur >= needed) {
    options.log->Log(muster::LogLevel::kInfo, Concat({allowed, "; ", std::to_string(connections),
                                                      " HTTP connections may be open"}));
    return;
  }
  options.log->Log(muster::LogLevel::kWarning,
                   Concat({allowed, ", but ", std::to_string(connections),
                           " HTTP connections need ", std::to_string(needed),
                           ": lower http-max-connections or raise the limit (ulimit -Hn)"}));
}

// SIGINT, SIGTERM and SIGHUP as something to wait for. While it lives they are blocked, in threads
// started meanwhile too.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  ~Signals() { Release(); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // The next one; 0 when none has come for so long. No time: for as long as it takes.
  int Wait(std::chrono::milliseconds time) {
    const timespec wait{.tv_sec = time.count() / 1000, .tv_nsec = time.count() % 1000 * 1'000'000};
    siginfo_t info;
    while (true) {
      const int number = sigtimedwait(&set_, &info, time.count() > 0 ? &wait : nullptr);
      if (number > 0) return number;
      if (errno == EAGAIN) return 0;
    }
  }
  // From now on SIGINT and SIGTERM end the process, even where they were ignored when it started;
  // there is nothing left to do on SIGHUP.
  void Release() {
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_IGN);
    pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
  }

 private:
  sigset_t set_;
};

// The bytes of a small file; the reason when it cannot be read.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  constexpr std::size_t kMaxSize = 1024 * 1024;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             std::fclose);
  if (file == nullptr) return Invalid({"cannot read ", Quoted(path), ": ", std::strerror(errno)});
  std::string bytes(kMaxSize + 1, '\0');
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
  if (std::ferror(file.get()))
    return Invalid({"cannot read ", Quoted(path), ": ", std::strerror(errno)});
  if (bytes.size() > kMaxSize) return Invalid({Quoted(path), " is larger than 1 MiB"});
  return bytes;
}

// The files of lists as they are found once the process is confined.
AccessSettings Within(const Identity& identity, AccessSettings access) {
  for (std::string* path :
       {&access.whitelist, &access.blacklist, &access.whitelist_add_fifo,
        &access.whitelist_delete_fifo, &access.blacklist_add_fifo, &access.blacklist_delete_fifo,
        &access.allowed_ips, &access.banned_ips, &access.torrents}) {
    *path = PathWithin(identity, *path);
  }
  return access;
}

// Null where there is to be none. Opened as whoever starts the daemon, and given to whom it becomes,
// so that it can be opened again.
absl::StatusOr<std::unique_ptr<AccessLog>> OpenAccessLog(const AccessLogSettings& settings,
                                                         const Identity& identity) {
  if (settings.path.empty()) return nullptr;
  auto log =
      AccessLog::Open(settings.path, PathWithin(identity, settings.path), settings.flush_interval);
  if (!log.ok()) return Invalid({"access-log: ", MessageOf(log.status())});
  if (identity.become && settings.path != "-") {
    [[maybe_unused]] const int ignored =
        chown(settings.path.c_str(), identity.become->user, identity.become->group);
  }
  return log;
}

void SayNatCheck(const muster::NatChecked& checked, bool known, muster::LogSink& log) {
  log.Log(
      muster::LogLevel::kInfo,
      Concat({"NAT check of ", checked.peer.ToString(), ", torrent ", checked.info_hash.ToHex(),
              ", peer id ", checked.peer_id.ToHex(), ": ", muster::NatOutcomeText(checked.outcome),
              known ? "" : "; it has gone or moved meanwhile"}));
}

// Whether it matters which torrents have other trackers.
bool AsksOrAnswersTrackers(const OtherTrackerSettings& trackers) {
  return trackers.multitracker || trackers.allowed == muster::TrackerQueries::kAutodetect;
}

// Those of the catalog that have other trackers.
TrackerFeed::Torrents WithTrackers(const muster::TorrentCatalog& catalog) {
  TrackerFeed::Torrents torrents;
  const std::shared_ptr<const muster::TorrentList> list = catalog.list();
  for (const muster::TorrentList::Row& row : list->rows()) {
    if (!row.torrent->trackers.empty()) torrents.push_back({row.info_hash, row.torrent->trackers});
  }
  return torrents;
}

// Where the list is not good, the one before stays.
void ReloadTrackerList(const std::string& path, TrackerFeed& feed, muster::LogSink& log) {
  if (path.empty()) return;
  auto torrents = ReadTrackerListFile(path);
  if (!torrents.ok()) {
    log.Log(muster::LogLevel::kWarning, MessageOf(torrents.status()));
    return;
  }
  log.Log(muster::LogLevel::kInfo,
          Concat({path, ": ", std::to_string(torrents->size()), " torrents with other trackers"}));
  feed.Set(TrackerFeed::Source::kList, *std::move(torrents));
}

// Puts a saved state into the tracker's store, and keeps it from then on; null where there is none to
// keep.
absl::StatusOr<std::unique_ptr<muster::StateKeeper>> KeepState(const Settings& settings,
                                                               const Identity& identity,
                                                               muster::Tracker& tracker,
                                                               muster::LogSink& log) {
  if (settings.state.dfile.empty()) return nullptr;
  muster::StateKeeperOptions options = StateOptionsOf(settings);
  options.log = &log;
  auto keeper = muster::StateKeeper::Open(PathWithin(identity, settings.state.dfile),
                                          &tracker.store(), options);
  if (keeper.ok()) tracker.AddObserver(keeper->get());
  return keeper;
}

// Puts a state of any format into the store. What cannot be read is an error, or a warning where
// files may be missing.
absl::Status LoadInitialState(const std::string& path, bool required, muster::SwarmStore& store,
                              muster::LogSink& log) {
  absl::StatusOr<muster::LoadReport> loaded = LoadStateFile(path, store);
  if (!loaded.ok() && required) return loaded.status();
  if (!loaded.ok()) {
    log.Log(muster::LogLevel::kWarning, MessageOf(loaded.status()));
    return absl::OkStatus();
  }
  for (const absl::Status& damage : loaded->damages)
    log.Log(muster::LogLevel::kWarning, Concat({path, ": ", MessageOf(damage)}));
  log.Log(muster::LogLevel::kInfo,
          Concat({path, ": ", std::to_string(loaded->torrents), " torrents with ",
                  std::to_string(loaded->peers), " peers"}));
  return absl::OkStatus();
}

// Joins the cluster, without sending or receiving yet; null where there is none.
absl::StatusOr<std::unique_ptr<muster::LiveSync>> JoinCluster(const ClusterSettings& cluster,
                                                              muster::LogSink& log) {
  if (cluster.listen.empty()) return nullptr;
  return muster::LiveSync::Open({.listen = cluster.listen[0], .nodes = cluster.nodes, .log = &log});
}

}  // namespace

void Complain(std::string_view text) {
  std::fprintf(stderr, "musterd: %.*s\n", static_cast<int>(text.size()), text.data());
}

void StderrLog::Log(muster::LogLevel level, std::string_view text) {
  if (level < least_) return;
  constexpr std::string_view kPrefixes[] = {"", "warning: ", "error: "};
  Complain(Concat({kPrefixes[static_cast<std::size_t>(level)], text}));
}

int Serve(const Settings& settings, int cannot_prepare) {
  StderrLog log(settings.log_level);
  const absl::StatusOr<Identity> identity = LookUpIdentity(settings.privileges);
  if (!identity.ok()) {
    Complain(MessageOf(identity.status()));
    return kBadUsage;
  }
  muster::AccessRules rules;
  muster::TorrentCatalog catalog;
  // Who only looks on must outlive the tracker.
  muster::Woodpeckers woodpeckers(settings.tracker.interval);
  std::unique_ptr<CompletionLog> completions;
  auto tracker = muster::Tracker::Create(settings.tracker, StoreOf(settings));
  if (!tracker.ok()) {
    Complain(MessageOf(tracker.status()));
    return kBadUsage;
  }
  const bool ipv6 = SystemHasIpv6();
  if (!ipv6 && UsesDefaultListeners(settings)) {
    log.Log(muster::LogLevel::kWarning, "this system has no IPv6: listening on IPv4 only");
  }
  muster::ServerOptions options = ServerOptionsOf(settings, ipv6);
  options.log = &log;
  if (!settings.favicon.empty()) {
    absl::StatusOr<std::string> icon = ReadSmallFile(settings.favicon);
    if (!icon.ok()) {
      Complain(Concat({"favicon: ", MessageOf(icon.status())}));
      return kBadUsage;
    }
    options.http.favicon = *std::move(icon);
  }
  // bttrack shows what a list allows, also without peers.
  const bool shows_list =
      options.http.answers == muster::HttpAnswers::kBttrack && !settings.access.whitelist.empty();
  if (!settings.access.torrents.empty() || shows_list) options.http.catalog = &catalog;
  if (shows_list) options.http.show_names = false;
  auto access_log = OpenAccessLog(settings.access_log, *identity);
  if (!access_log.ok()) {
    Complain(MessageOf(access_log.status()));
    return kBadUsage;
  }
  options.http.log = access_log->get();
  if (settings.peers.log_nat_checks) {
    options.outbound.on_nat_check = [&log, requests = access_log->get()](
                                        const muster::NatChecked& checked, bool known) {
      requests == nullptr ? SayNatCheck(checked, known, log) : requests->OnNatCheck(checked, known);
    };
  }
  auto listed = ReadTrackerListFile(settings.trackers.list);
  if (!listed.ok()) {
    Complain(MessageOf(listed.status()));
    return kBadUsage;
  }
  // The server, once it runs; what comes before, it is told then.
  std::atomic<muster::ServerThreads*> running{nullptr};
  TrackerFeed feed([&running](TrackerFeed::Torrents all) {
    if (muster::ServerThreads* const server = running) server->SetTorrentTrackers(std::move(all));
  });
  if (settings.spot_woodpeckers) {
    (*tracker)->AddObserver(&woodpeckers);
    options.http.woodpeckers = &woodpeckers;
  }
  const std::size_t workers =
      settings.workers > 0 ? settings.workers : std::max(1u, std::thread::hardware_concurrency());
  RaiseFileLimit();

  signal(SIGPIPE, SIG_IGN);
  Signals signals;
  absl::StatusOr<std::unique_ptr<muster::LiveSync>> joined = JoinCluster(settings.cluster, log);
  if (!joined.ok()) {
    Complain(MessageOf(joined.status()));
    return kFailed;
  }
  const std::unique_ptr<muster::LiveSync> cluster = *std::move(joined);
  if (cluster != nullptr) (*tracker)->AddObserver(cluster.get());
  options.live_sync = cluster.get();
  if (settings.syslog_completed) {
    auto connected = CompletionLog::Start();
    if (!connected.ok()) {
      Complain(MessageOf(connected.status()));
      return kFailed;
    }
    completions = *std::move(connected);
    (*tracker)->AddObserver(completions.get());
  }
  std::unique_ptr<muster::StateKeeper> keeper;
  std::unique_ptr<ListKeeper> lists;
  std::unique_ptr<TorrentKeeper> torrents;
  bool preparing = false;
  // When the sockets are bound, root is given up; then the state and the lists are read, so that
  // whoever may read and write them now may do so later, and what the lists refuse goes; then it
  // serves.
  const auto before_serving = [&]() -> absl::Status {
    preparing = true;
    if (absl::Status status = Become(*identity); !status.ok()) return status;
    auto opened = KeepState(settings, *identity, **tracker, log);
    if (!opened.ok()) return opened.status();
    keeper = *std::move(opened);
    const AccessSettings access = Within(*identity, settings.access);
    muster::SwarmStore& store = (*tracker)->store();
    if (!settings.state.load.empty()) {
      absl::Status loaded = LoadInitialState(PathWithin(*identity, settings.state.load),
                                             settings.access.require, store, log);
      if (!loaded.ok()) return loaded;
    }
    auto started = ListKeeper::Start(access, &rules, &store, &log, shows_list ? &catalog : nullptr);
    if (!started.ok()) return started.status();
    lists = *std::move(started);
    if (!access.torrents.empty()) {
      auto read = TorrentKeeper::Start(access, &rules, &catalog, &store, &log, [&] {
        if (AsksOrAnswersTrackers(settings.trackers))
          feed.Set(TrackerFeed::Source::kDirectory, WithTrackers(catalog));
      });
      if (!read.ok()) return read.status();
      torrents = *std::move(read);
    }
    if (lists->keeps_any() || torrents != nullptr) (*tracker)->SetPolicy(&rules);
    preparing = false;
    // What was loaded was no announce, so that no journal has it; nor what the lists refused of it.
    if (keeper != nullptr && !settings.state.load.empty()) (void)keeper->Save();  // logs what fails
    return cluster == nullptr ? absl::OkStatus() : cluster->Start(tracker->get());
  };
  auto server = muster::ServerThreads::Start(tracker->get(), options, workers, before_serving);
  if (!server.ok()) {
    Complain(MessageOf(server.status()));
    return preparing ? cannot_prepare : kFailed;
  }
  running = server->get();
  feed.Set(TrackerFeed::Source::kList, *std::move(listed));
  SayFileLimit(options, workers);
  for (const muster::Listener& listener : (*server)->listeners()) {
    std::printf("listening on %s\n", listener.AnnounceUrl().c_str());
    std::fflush(stdout);
  }
  if (cluster != nullptr)
    log.Log(muster::LogLevel::kInfo, Concat({"live sync on ", cluster->listen().ToString()}));
  // It was read before the process was confined.
  const std::string tracker_list =
      settings.trackers.list.empty() ? "" : PathWithin(*identity, settings.trackers.list);
  AccessLog* const requests = access_log->get();
  const milliseconds wake =
      requests == nullptr ? milliseconds(0) : settings.access_log.flush_interval;
  for (int signal_number = SIGHUP; signal_number == SIGHUP || signal_number == 0;) {
    signal_number = signals.Wait(wake);
    if (requests != nullptr) requests->Flush();
    if (signal_number != SIGHUP) continue;
    lists->Reload();
    if (torrents != nullptr) torrents->Reload();
    ReloadTrackerList(tracker_list, feed, log);
    if (requests == nullptr || !settings.access_log.reopen) continue;
    if (absl::Status status = requests->Reopen(); !status.ok()) {
      log.Log(muster::LogLevel::kError, Concat({"access-log: ", MessageOf(status)}));
    }
  }
  signals.Release();
  torrents.reset();  // its thread tells the server
  (*server)->Stop();
  if (cluster != nullptr) cluster->Stop();
  if (requests != nullptr) requests->SayEnd();
  // What fails here the log has been told.
  return keeper == nullptr || keeper->Close().ok() ? kGood : kFailed;
}

}  // namespace musterd
