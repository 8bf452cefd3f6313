// SPDX-License-Identifier: Apache-2.0
#include "musterd/serve.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

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
#include "musterd/daemon_log.h"
#include "musterd/list_keeper.h"
#include "musterd/load_state.h"
#include "musterd/privileges.h"
#include "musterd/process.h"
#include "musterd/text.h"
#include "musterd/torrent_keeper.h"
#include "musterd/tracker_list.h"

namespace musterd {
namespace {

using std::chrono::steady_clock;

constexpr std::string_view kProgram = "musterd";

// A line for the log, once there is something to say it of.
struct LogLine {
  muster::LogLevel level;
  std::string text;
};

// Limits the connections of each worker to what `limit` files allow, so that those beyond are turned
// away at once and leave files to everything else. Returns how many may be open, and what to do about
// it where that is fewer than were wanted.
LogLine FitConnections(rlim_t limit, std::size_t workers, muster::ServerOptions& options) {
  constexpr rlim_t kOthers = 64;   // standard streams, lists and pipes, logs, the state
  constexpr rlim_t kOfWorker = 8;  // its loop, and a connection that is being turned away
  constexpr rlim_t kAtLeast = 4;   // connections of a worker, however few files there are
  const bool serves_http =
      std::any_of(options.listeners.begin(), options.listeners.end(),
                  [](const auto& l) { return l.protocol == muster::Protocol::kHttp; });
  const rlim_t wanted = serves_http ? workers * options.http.max_connections : 0;
  const muster::OutboundOptions& outbound = options.outbound;
  const rlim_t outgoing =
      (outbound.nat_check ? outbound.nat_check->max_under_way : 0) +
      (outbound.multitracker ? outbound.multitracker->max_under_way : 0) +
      (outbound.aggregate_forward ? outbound.aggregate_forward->connections : 0);
  const rlim_t others = outgoing + workers * (options.listeners.size() + kOfWorker) + kOthers;
  const std::string allowed = FileLimitText(limit);
  if (limit >= wanted + others) {
    return {muster::LogLevel::kInfo,
            Concat({allowed, "; ", std::to_string(wanted), " HTTP connections may be open"})};
  }
  if (serves_http) {
    const rlim_t each = limit > others ? (limit - others) / workers : 0;
    options.http.max_connections =
        std::min<std::size_t>(options.http.max_connections, std::max(each, kAtLeast));
  }
  const rlim_t possible = serves_http ? workers * options.http.max_connections : 0;
  return {muster::LogLevel::kWarning,
          Concat({allowed, ", but ", std::to_string(wanted), " HTTP connections need ",
                  std::to_string(wanted + others), ": only ", std::to_string(possible),
                  " may be open; for more raise the limit (ulimit -Hn, LimitNOFILE= of systemd)"})};
}

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

// Null where there is to be none.
absl::StatusOr<std::unique_ptr<AccessLog>> OpenAccessLog(const AccessLogSettings& settings,
                                                         const Identity& identity,
                                                         muster::LogSink* trouble) {
  if (settings.path.empty()) return nullptr;
  auto log = AccessLog::Open(settings.path, identity, settings.flush_interval, trouble);
  if (!log.ok()) return Invalid({"access-log: ", MessageOf(log.status())});
  return log;
}

void SayNatCheck(const muster::NatChecked& checked, bool known, muster::LogSink& log) {
  log.Log(
      muster::LogLevel::kInfo,
      Concat({"NAT check of ", checked.peer.ToString(), ", torrent ", checked.info_hash.ToHex(),
              ", peer id ", checked.peer_id.ToHex(), ": ", muster::NatOutcomeText(checked.outcome),
              known ? "" : "; it has gone or moved meanwhile"}));
}

// As opentracker says it: with the minutes since it was started.
void SayFullScrape(const muster::IpAddress& from, steady_clock::duration uptime,
                   muster::LogSink& log) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(uptime).count();
  std::array<char, 24> text;
  std::snprintf(text.data(), text.size(), "[%08lld]", static_cast<long long>(minutes));
  log.Log(muster::LogLevel::kInfo,
          Concat({text.data(), " scrp:  ", from.ToString(), " - FULL SCRAPE"}));
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

// One run of the daemon. What serves is destroyed before what it uses.
class Daemon {
 public:
  Daemon(const Settings& settings, const ExitStatuses& statuses)
      : settings_(settings),
        statuses_(statuses),
        log_(kProgram, settings.log_level),
        woodpeckers_(settings.tracker.interval) {}

  int Run() {
    absl::StatusOr<Identity> identity = LookUpIdentity(settings_.privileges);
    if (!identity.ok()) return Fail(statuses_.nobody_to_be, identity.status());
    identity_ = *std::move(identity);
    if (absl::Status status = RenounceNewPrivileges(identity_); !status.ok())
      return Fail(kFailed, status);
    // Before there is another thread, such as that of the access log, which may have something to say.
    if (absl::Status status = log_.WriteByThread(); !status.ok()) return Fail(kFailed, status);
    if (absl::Status status = Prepare(); !status.ok()) return Fail(kBadUsage, status);
    signals_.emplace();
    const LogLine files = FitConnections(RaiseFileLimit(), workers_, options_);
    if (absl::Status status = Connect(); !status.ok()) return Fail(kFailed, status);
    auto server =
        muster::ServerThreads::Start(tracker_.get(), options_, workers_,
                                     [this](auto& starting) { return BeforeServing(starting); });
    if (!server.ok())
      return Fail(is_preparing_ ? statuses_.cannot_prepare : kFailed, server.status());
    server_ = *std::move(server);
    feed_.Attach([this](auto torrents) { server_->SetTorrentTrackers(std::move(torrents)); });
    log_.Log(files.level, files.text);
    log_.WaitUntilWritten();
    SayListeners();
    WorkUntilToldToStop();
    return Stop();
  }

 private:
  int Fail(int exit_status, const absl::Status& status) {
    log_.Say(MessageOf(status));
    return exit_status;
  }

  absl::Status Prepare();
  absl::Status PrepareOptions();
  absl::Status Connect();
  absl::Status BeforeServing(muster::ServerThreads& server);
  absl::Status OpenLists();
  absl::Status OpenState();
  absl::Status StartLists();
  void SayListeners();
  void WorkUntilToldToStop();
  void Reload();
  int Stop();

  // bttrack shows what a list allows, also without peers.
  bool ShowsList() const {
    return settings_.http.answers == muster::HttpAnswers::kBttrack &&
           !settings_.access.whitelist.empty();
  }

  const Settings& settings_;
  const ExitStatuses statuses_;
  DaemonLog log_;
  Identity identity_;
  muster::AccessRules rules_;
  muster::TorrentCatalog catalog_;
  // Who only looks on must outlive the tracker.
  muster::Woodpeckers woodpeckers_;
  std::unique_ptr<CompletionLog> completions_;
  std::unique_ptr<muster::Tracker> tracker_;
  muster::ServerOptions options_;
  std::size_t workers_ = 1;
  const steady_clock::time_point started_ = steady_clock::now();
  std::unique_ptr<AccessLog> access_log_;
  TrackerFeed feed_;
  std::optional<Signals> signals_;
  std::unique_ptr<muster::LiveSync> cluster_;
  std::unique_ptr<muster::StateKeeper> keeper_;
  std::unique_ptr<ListKeeper> lists_;
  std::unique_ptr<TorrentKeeper> torrents_;
  // What is read as whom the daemon becomes is being read.
  bool is_preparing_ = false;
  std::unique_ptr<muster::ServerThreads> server_;
};

// What goes wrong here is a mistake in the settings, or in the files that they name.
absl::Status Daemon::Prepare() {
  auto tracker = muster::Tracker::Create(settings_.tracker, StoreOf(settings_));
  if (!tracker.ok()) return tracker.status();
  tracker_ = *std::move(tracker);
  if (absl::Status status = PrepareOptions(); !status.ok()) return status;
  auto listed = ReadTrackerListFile(settings_.trackers.list);
  if (!listed.ok()) return listed.status();
  feed_.Set(TrackerFeed::Source::kList, *std::move(listed));
  workers_ =
      settings_.workers > 0 ? settings_.workers : std::max(1u, std::thread::hardware_concurrency());
  return absl::OkStatus();
}

absl::Status Daemon::PrepareOptions() {
  const bool ipv6 = SystemHasIpv6();
  if (!ipv6 && UsesDefaultListeners(settings_)) {
    log_.Log(muster::LogLevel::kWarning, "this system has no IPv6: listening on IPv4 only");
  }
  options_ = ServerOptionsOf(settings_, ipv6);
  options_.log = &log_;
  if (!settings_.favicon.empty()) {
    absl::StatusOr<std::string> icon = ReadSmallFile(settings_.favicon);
    if (!icon.ok()) return Invalid({"favicon: ", MessageOf(icon.status())});
    options_.http.favicon = *std::move(icon);
  }
  if (!settings_.access.torrents.empty() || ShowsList()) options_.http.catalog = &catalog_;
  if (ShowsList()) options_.http.show_names = false;
  auto access_log = OpenAccessLog(settings_.access_log, identity_, &log_);
  if (!access_log.ok()) return access_log.status();
  access_log_ = *std::move(access_log);
  options_.http.log = access_log_.get();
  if (settings_.peers.log_nat_checks) {
    options_.outbound.on_nat_check = [this](const muster::NatChecked& checked, bool known) {
      access_log_ == nullptr ? SayNatCheck(checked, known, log_)
                             : access_log_->OnNatCheck(checked, known);
    };
  }
  if (settings_.log_full_scrapes) {
    options_.http.on_full_scrape = [this](const muster::IpAddress& from) {
      SayFullScrape(from, steady_clock::now() - started_, log_);
    };
  }
  if (settings_.spot_woodpeckers) {
    tracker_->AddObserver(&woodpeckers_);
    options_.http.woodpeckers = &woodpeckers_;
  }
  return absl::OkStatus();
}

// What the system may refuse.
absl::Status Daemon::Connect() {
  absl::StatusOr<std::unique_ptr<muster::LiveSync>> joined = JoinCluster(settings_.cluster, log_);
  if (!joined.ok()) return joined.status();
  cluster_ = *std::move(joined);
  if (cluster_ != nullptr) tracker_->AddObserver(cluster_.get());
  options_.live_sync = cluster_.get();
  if (!settings_.syslog_completed) return absl::OkStatus();
  auto connected = CompletionLog::Start();
  if (!connected.ok()) return connected.status();
  completions_ = *std::move(connected);
  tracker_->AddObserver(completions_.get());
  return absl::OkStatus();
}

// When the sockets are bound, root is given up; then the lists and the state are read, so that
// whoever may read and write them now may do so later: the lists first, so that one that cannot be
// read leaves the state's files as they are. What the lists refuse of the state goes; then it serves.
absl::Status Daemon::BeforeServing(muster::ServerThreads& server) {
  is_preparing_ = true;
  if (absl::Status status = Become(identity_); !status.ok()) return status;
  if (absl::Status status = OpenLists(); !status.ok()) return status;
  if (absl::Status status = OpenState(); !status.ok()) return status;
  if (absl::Status status = StartLists(); !status.ok()) return status;
  server.SetTorrentTrackers(feed_.All());
  is_preparing_ = false;
  // What was loaded was no announce, so that no journal has it; nor what the lists refused of it.
  if (keeper_ != nullptr && !settings_.state.load.empty())
    (void)keeper_->Save();  // logs what fails
  return cluster_ == nullptr ? absl::OkStatus() : cluster_->Start(tracker_.get());
}

absl::Status Daemon::OpenLists() {
  const AccessSettings access = Within(identity_, settings_.access);
  muster::SwarmStore& store = tracker_->store();
  auto lists = ListKeeper::Open(access, &rules_, &store, &log_, ShowsList() ? &catalog_ : nullptr);
  if (!lists.ok()) return lists.status();
  lists_ = *std::move(lists);
  if (!access.torrents.empty()) {
    auto torrents = TorrentKeeper::Open(access, &rules_, &catalog_, &store, &log_, [this] {
      if (AsksOrAnswersTrackers(settings_.trackers))
        feed_.Set(TrackerFeed::Source::kDirectory, WithTrackers(catalog_));
    });
    if (!torrents.ok()) return torrents.status();
    torrents_ = *std::move(torrents);
  }
  if (lists_->keeps_any() || torrents_ != nullptr) tracker_->SetPolicy(&rules_);
  return absl::OkStatus();
}

absl::Status Daemon::OpenState() {
  auto keeper = KeepState(settings_, identity_, *tracker_, log_);
  if (!keeper.ok()) return keeper.status();
  keeper_ = *std::move(keeper);
  if (settings_.state.load.empty()) return absl::OkStatus();
  return LoadInitialState(PathWithin(identity_, settings_.state.load), settings_.access.require,
                          tracker_->store(), log_);
}

absl::Status Daemon::StartLists() {
  if (absl::Status status = lists_->Start(); !status.ok()) return status;
  return torrents_ == nullptr ? absl::OkStatus() : torrents_->Start();
}

void Daemon::SayListeners() {
  for (const muster::Listener& listener : server_->listeners()) {
    std::printf("listening on %s\n", listener.AnnounceUrl().c_str());
    std::fflush(stdout);
  }
  if (cluster_ != nullptr)
    log_.Log(muster::LogLevel::kInfo, Concat({"live sync on ", cluster_->listen().ToString()}));
}

void Daemon::WorkUntilToldToStop() {
  while (signals_->Wait() == SIGHUP) Reload();
}

void Daemon::Reload() {
  lists_->Reload();
  if (torrents_ != nullptr) torrents_->Reload();
  // At first it was read before the process was confined.
  if (const std::string& list = settings_.trackers.list; !list.empty())
    ReloadTrackerList(PathWithin(identity_, list), feed_, log_);
  if (access_log_ == nullptr || !settings_.access_log.reopen) return;
  if (absl::Status status = access_log_->Reopen(); !status.ok())
    log_.Log(muster::LogLevel::kError, Concat({"access-log: ", MessageOf(status)}));
}

int Daemon::Stop() {
  signals_->Release();
  torrents_.reset();  // its thread tells the server
  server_->Stop();
  if (cluster_ != nullptr) cluster_->Stop();
  if (access_log_ != nullptr) access_log_->SayEnd();
  // What fails here the log has been told.
  return keeper_ == nullptr || keeper_->Close().ok() ? kGood : kFailed;
}

}  // namespace

void Complain(std::string_view text) { ComplainAs(kProgram, text); }

int Serve(const Settings& settings, const ExitStatuses& statuses) {
  return Daemon(settings, statuses).Run();
}

}  // namespace musterd
