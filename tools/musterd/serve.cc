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

#include "muster/server.h"
#include "muster/state_keeper.h"
#include "muster/swarm_store.h"
#include "muster/tracker.h"
#include "musterd/text.h"

namespace musterd {
namespace {

// Whether an IPv6 socket can be had and bound at all: a kernel may be built or started without.
bool SystemHasIpv6() {
  const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  const bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0;
  close(fd);
  return bound;
}

// Lets the process open as many files as its connections may need; warns the log when the system
// does not allow that many.
void RaiseFileLimit(const muster::ServerOptions& options, std::size_t workers) {
  constexpr rlim_t kOthers = 64;  // standard streams, loops, the spare one to refuse with
  const bool serves_http =
      std::any_of(options.listeners.begin(), options.listeners.end(),
                  [](const auto& l) { return l.protocol == muster::Protocol::kHttp; });
  const rlim_t connections = serves_http ? workers * options.http.max_connections : 0;
  const rlim_t needed = connections + workers * (options.listeners.size() + 8) + kOthers;
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return;
  limit.rlim_cur = std::min(needed, limit.rlim_max);
  const bool raised = setrlimit(RLIMIT_NOFILE, &limit) == 0;
  if (raised && limit.rlim_cur == needed) return;
  options.log->Log(
      muster::LogLevel::kWarning,
      Concat({"the system allows ", std::to_string(limit.rlim_max), " open files, but ",
              std::to_string(connections), " HTTP connections need ", std::to_string(needed),
              ": lower http-max-connections or raise the limit (ulimit -Hn)"}));
}

// SIGINT and SIGTERM as something to wait for. While it lives they are blocked, in threads started
// meanwhile too.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  ~StopSignals() { Release(); }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  void Wait() {
    int signal_number;
    sigwait(&set_, &signal_number);
  }
  // From now on the signals end the process, even where they were ignored when it started.
  void Release() {
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
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

}  // namespace

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
  auto tracker = muster::Tracker::Create(settings.tracker, muster::NewMemoryStore(settings.store));
  if (!tracker.ok()) {
    Complain(MessageOf(tracker.status()));
    return kBadUsage;
  }
  std::unique_ptr<muster::StateKeeper> keeper;
  if (!settings.state.dfile.empty()) {
    muster::StateKeeperOptions state_options = StateOptionsOf(settings);
    state_options.log = &log;
    auto opened =
        muster::StateKeeper::Open(settings.state.dfile, &(*tracker)->store(), state_options);
    if (!opened.ok()) {
      Complain(MessageOf(opened.status()));
      return kFailed;
    }
    keeper = *std::move(opened);
    (*tracker)->AddObserver(keeper.get());
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
  const std::size_t workers =
      settings.workers > 0 ? settings.workers : std::max(1u, std::thread::hardware_concurrency());
  RaiseFileLimit(options, workers);

  signal(SIGPIPE, SIG_IGN);
  StopSignals signals;
  auto server = muster::ServerThreads::Start(tracker->get(), options, workers);
  if (!server.ok()) {
    Complain(MessageOf(server.status()));
    return kFailed;
  }
  for (const muster::Listener& listener : (*server)->listeners()) {
    std::printf("listening on %s\n", listener.AnnounceUrl().c_str());
    std::fflush(stdout);
  }
  signals.Wait();
  signals.Release();
  (*server)->Stop();
  // What fails here the log has been told.
  return keeper == nullptr || keeper->Close().ok() ? kGood : kFailed;
}

}  // namespace musterd
