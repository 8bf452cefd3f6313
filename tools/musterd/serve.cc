// SPDX-License-Identifier: Apache-2.0
#include "musterd/serve.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>

#include "muster/access_rules.h"
#include "muster/live_sync.h"
#include "muster/server.h"
#include "muster/state_keeper.h"
#include "muster/swarm_store.h"
#include "muster/tracker.h"
#include "musterd/list_keeper.h"
#include "musterd/load_state.h"
#include "musterd/privileges.h"
#include "musterd/text.h"
#include "musterd/tracker_list.h"

namespace musterd {
namespace {

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

  // The next one.
  int Wait() {
    int signal_number = 0;
    sigwait(&set_, &signal_number);
    return signal_number;
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
        &access.allowed_ips, &access.banned_ips}) {
    *path = PathWithin(identity, *path);
  }
  return access;
}

void SayNatCheck(const muster::NatChecked& checked, bool known, muster::LogSink& log) {
  log.Log(
      muster::LogLevel::kInfo,
      Concat({"NAT check of ", checked.peer.ToString(), ", torrent ", checked.info_hash.ToHex(),
              ", peer id ", checked.peer_id.ToHex(), ": ", muster::NatOutcomeText(checked.outcome),
              known ? "" : "; it has gone or moved meanwhile"}));
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

bool SystemHasIpv6() {
  const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  const bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0;
  close(fd);
  return bound;
}

void Complain(std::string_view text) {
  std::fprintf(stderr, "musterd: %.*s\n", static_cast<int>(text.size()), text.data());
}

void StderrLog::Log(muster::LogLevel level, std::string_view text) {
  if (level < least_) return;
  constexpr std::string_view kPrefixes[] = {"", "warning: ", "error: "};
  Complain(Concat({kPrefixes[static_cast<std::size_t>(level)], text}));
}

int Serve(const Settings& settings) {
  StderrLog log(settings.log_level);
  const absl::StatusOr<Identity> identity = LookUpIdentity(settings.privileges);
  if (!identity.ok()) {
    Complain(MessageOf(identity.status()));
    return kBadUsage;
  }
  muster::AccessRules rules;
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
  if (settings.peers.log_nat_checks) {
    options.outbound.on_nat_check = [&log](const muster::NatChecked& checked, bool known) {
      SayNatCheck(checked, known, log);
    };
  }
  auto torrents = ReadTrackerListFile(settings.trackers.list);
  if (!torrents.ok()) {
    Complain(MessageOf(torrents.status()));
    return kBadUsage;
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
  std::unique_ptr<muster::StateKeeper> keeper;
  std::unique_ptr<ListKeeper> lists;
  // When the sockets are bound, root is given up; then the state and the lists are read, so that
  // whoever may read and write them now may do so later, and what the lists refuse goes; then it
  // serves.
  const auto before_serving = [&]() -> absl::Status {
    if (absl::Status status = Become(*identity); !status.ok()) return status;
    auto opened = KeepState(settings, *identity, **tracker, log);
    if (!opened.ok()) return opened.status();
    keeper = *std::move(opened);
    if (!settings.state.load.empty()) {
      absl::Status loaded = LoadInitialState(PathWithin(*identity, settings.state.load),
                                             settings.access.require, (*tracker)->store(), log);
      if (!loaded.ok()) return loaded;
    }
    auto started =
        ListKeeper::Start(Within(*identity, settings.access), &rules, &(*tracker)->store(), &log);
    if (!started.ok()) return started.status();
    lists = *std::move(started);
    if (lists->keeps_any()) (*tracker)->SetPolicy(&rules);
    // What was loaded was no announce, so that no journal has it; nor what the lists refused of it.
    if (keeper != nullptr && !settings.state.load.empty()) (void)keeper->Save();  // logs what fails
    return cluster == nullptr ? absl::OkStatus() : cluster->Start(tracker->get());
  };
  auto server = muster::ServerThreads::Start(tracker->get(), options, workers, before_serving);
  if (!server.ok()) {
    Complain(MessageOf(server.status()));
    return kFailed;
  }
  SayFileLimit(options, workers);
  for (const muster::Listener& listener : (*server)->listeners()) {
    std::printf("listening on %s\n", listener.AnnounceUrl().c_str());
    std::fflush(stdout);
  }
  if (cluster != nullptr)
    log.Log(muster::LogLevel::kInfo, Concat({"live sync on ", cluster->listen().ToString()}));
  TrackerFeed feed(
      [&](TrackerFeed::Torrents all) { (*server)->SetTorrentTrackers(std::move(all)); });
  feed.Set(TrackerFeed::Source::kList, *std::move(torrents));
  // It was read before the process was confined.
  const std::string tracker_list =
      settings.trackers.list.empty() ? "" : PathWithin(*identity, settings.trackers.list);
  while (signals.Wait() == SIGHUP) {
    lists->Reload();
    ReloadTrackerList(tracker_list, feed, log);
  }
  signals.Release();
  (*server)->Stop();
  if (cluster != nullptr) cluster->Stop();
  // What fails here the log has been told.
  return keeper == nullptr || keeper->Close().ok() ? kGood : kFailed;
}

}  // namespace musterd
