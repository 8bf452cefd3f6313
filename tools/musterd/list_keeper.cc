// SPDX-License-Identifier: Apache-2.0
#include "musterd/list_keeper.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "muster/hash_list.h"
#include "musterd/descriptor.h"
#include "musterd/list_file.h"
#include "musterd/list_pipe.h"
#include "musterd/text.h"
#include "musterd/thread.h"
#include "musterd/watched_file.h"

namespace musterd {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How long changes are collected before they are written into a file.
constexpr milliseconds kSaveDelay{500};
// A file that took so long to write is left alone so many times as long.
constexpr int kSaveRest = 20;
// Until a file that could not be written is tried again.
constexpr milliseconds kSaveAgain{60'000};
// What comes through a pipe right after SIGHUP was sent may be taken so long before the keeper hears
// of that signal.
constexpr std::chrono::seconds kReloadLag{1};
// An announce that was allowed just before a list changed is in the store long before this.
constexpr milliseconds kForgetAgain{100};
// Hashes of a list, before others have the core.
constexpr std::size_t kTurn = 1 << 16;

// The latest of a hash that came through a pipe.
struct PipeChange {
  bool listed;
  Clock::time_point at;
};

// One list of hashes: its file, its pipes, and what is not saved yet.
struct HashListSource {
  HashListSource(std::string_view list_name, WatchedFile list_file, muster::HashList* to)
      : name(list_name), file(std::move(list_file)), list(to) {}

  std::string_view name;
  WatchedFile file;
  muster::HashList* list;
  std::vector<std::unique_ptr<ListPipe>> pipes;
  std::map<muster::InfoHash, bool> unsaved;
  // Where changes are not saved: all since SIGHUP, about 100 bytes for each hash that they name. They
  // come on top of the file whenever it is read by itself.
  std::map<muster::InfoHash, PipeChange> kept;
  Clock::time_point save_at = Clock::time_point::max();
  Clock::time_point rest_until = Clock::time_point::min();
  Trouble save_trouble;
};

struct IpListSource {
  std::string_view name;
  WatchedFile file;
  muster::IpListFormat format;
  std::function<void(muster::IpSet)> set;
};

// What is to be forgotten once more, and when: everything that is refused, or these.
struct Forgetting {
  Clock::time_point at = Clock::time_point::max();
  bool all = false;
  std::vector<muster::InfoHash> hashes;
};

std::string Number(std::size_t n) { return std::to_string(n); }

}  // namespace

class ListKeeper::Impl {
 public:
  Impl(const AccessSettings& settings, muster::AccessRules* rules, muster::SwarmStore* store,
       muster::LogSink* log, muster::TorrentCatalog* catalog)
      : settings_(settings), rules_(rules), store_(store), log_(log), catalog_(catalog) {}
  ~Impl();

  absl::Status Open();
  absl::Status Start();
  bool keeps_any() const { return !hash_lists_.empty() || !ip_lists_.empty(); }
  void Reload() {
    reload_asked_ = Clock::now();
    Wake(reload_);
  }

 private:
  void Wake(std::atomic<bool>& flag) {
    flag = true;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t ignored = write(wake_.get(), &one, sizeof one);
  }
  bool looks() const { return settings_.check_interval.count() > 0; }
  // Where only SIGHUP says when to read, a file is saved all the same.
  WatchedFile Watched(const std::string& path) const {
    return {path, looks() ? settings_.check_interval : kSaveDelay};
  }
  void AddHashList(std::string_view name, const std::string& path, const std::string& add,
                   const std::string& remove, muster::HashList* list);
  void AddPipe(HashListSource& source, const std::string& path, bool listed);
  void LookAtPipe(HashListSource& source, ListPipe& pipe);
  void LookAtPipes();
  template <typename Source>
  void Loaded(Source& source, const FileStamp& stamp) {
    if (source.file.Loaded(stamp))
      Say(Concat({source.name, ": ", source.file.path(), " can be read again"}));
  }
  absl::Status Load(HashListSource& source);
  absl::Status Load(IpListSource& source);
  std::vector<muster::InfoHash> WithPipes(HashListSource& source,
                                          std::vector<muster::InfoHash> hashes) const;
  template <typename Sources>
  absl::Status LoadAll(Sources& sources);
  template <typename Source>
  bool LoadIfChanged(Source& source);
  void LoadChanged();
  // What there is, once the start cannot fail any more for what there is not.
  void Say(std::string text) {
    if (!started_) return to_say_.push_back(std::move(text));
    log_->Log(muster::LogLevel::kInfo, text);
  }
  void WarnOfBadLines(std::string_view name, const std::string& path, std::size_t bad,
                      std::size_t first);
  // Whether there may be more to read.
  bool ReadPipes();
  void TakeLines(HashListSource& source, ListPipe& pipe);
  void SaveDue(Clock::time_point now);
  void SaveWhenSettled(HashListSource& source);
  // Over the file in that state only, or over whatever there is.
  void Save(HashListSource& source, std::optional<FileStamp> state);
  void SaveSoon(HashListSource& source) {
    source.save_at = std::max(Clock::now() + kSaveDelay, source.rest_until);
  }
  void ForgetRefused();
  void ForgetRefused(absl::Span<const muster::InfoHash> hashes);
  Forgetting& NextForgetting();
  void ForgetAgain(Clock::time_point now);
  void Loop();
  int TimeToWait(Clock::time_point now) const;

  const AccessSettings settings_;
  muster::AccessRules* const rules_;
  muster::SwarmStore* const store_;
  muster::LogSink* const log_;
  muster::TorrentCatalog* const catalog_;
  std::vector<std::unique_ptr<HashListSource>> hash_lists_;
  std::vector<IpListSource> ip_lists_;
  // Set before there is a thread.
  bool started_ = false;
  std::vector<std::string> to_say_;
  Descriptor wake_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  Descriptor events_{epoll_create1(EPOLL_CLOEXEC)};
  std::atomic<bool> stop_{false};
  std::atomic<bool> reload_{false};
  std::atomic<Clock::time_point> reload_asked_{Clock::time_point::min()};
  // Changes before that are forgotten when the file can be read.
  Clock::time_point keep_from_ = Clock::time_point::min();
  Clock::time_point look_at_ = Clock::time_point::max();
  // What comes while there is a time for `forgetting_` waits for the time after that.
  Forgetting forgetting_;
  Forgetting later_;
  std::thread thread_;
};

absl::Status ListKeeper::Impl::Open() {
  epoll_event woken{.events = EPOLLIN, .data = {}};
  if (wake_.get() < 0 || events_.get() < 0 ||
      epoll_ctl(events_.get(), EPOLL_CTL_ADD, wake_.get(), &woken) != 0) {
    return absl::UnavailableError(Concat({"cannot watch lists: ", std::strerror(errno)}));
  }
  const AccessSettings& s = settings_;
  // Before anything is served: nothing is allowed that a list will refuse.
  if (!s.whitelist.empty() || !s.whitelist_add_fifo.empty() || !s.whitelist_delete_fifo.empty()) {
    rules_->EnforceWhitelist(true);
    AddHashList("whitelist", s.whitelist, s.whitelist_add_fifo, s.whitelist_delete_fifo,
                &rules_->whitelist());
  }
  if (!s.blacklist.empty() || !s.blacklist_add_fifo.empty() || !s.blacklist_delete_fifo.empty()) {
    AddHashList("blacklist", s.blacklist, s.blacklist_add_fifo, s.blacklist_delete_fifo,
                &rules_->blacklist());
  }
  if (!s.allowed_ips.empty()) {
    rules_->SetAllowedIps(muster::IpSet());
    ip_lists_.push_back({"allowed-ips", Watched(s.allowed_ips), muster::IpListFormat::kNetworks,
                         [this](muster::IpSet set) { rules_->SetAllowedIps(std::move(set)); }});
  }
  if (!s.banned_ips.empty()) {
    ip_lists_.push_back({"banned-ips", Watched(s.banned_ips), s.banned_ips_format,
                         [this](muster::IpSet set) { rules_->SetBannedIps(std::move(set)); }});
  }
  const absl::Status hashes = LoadAll(hash_lists_);
  const absl::Status ips = LoadAll(ip_lists_);
  if (!settings_.require) return absl::OkStatus();
  return hashes.ok() ? ips : hashes;
}

void ListKeeper::Impl::AddHashList(std::string_view name, const std::string& path,
                                   const std::string& add, const std::string& remove,
                                   muster::HashList* list) {
  hash_lists_.push_back(std::make_unique<HashListSource>(name, Watched(path), list));
  if (!add.empty()) AddPipe(*hash_lists_.back(), add, true);
  if (!remove.empty()) AddPipe(*hash_lists_.back(), remove, false);
}

void ListKeeper::Impl::AddPipe(HashListSource& source, const std::string& path, bool listed) {
  source.pipes.push_back(std::make_unique<ListPipe>(path, listed));
  LookAtPipe(source, *source.pipes.back());
}

void ListKeeper::Impl::LookAtPipe(HashListSource& source, ListPipe& pipe) {
  const absl::StatusOr<bool> replaces = pipe.Look(events_.get());
  const std::string the_pipe = Concat({"the pipe ", Quoted(pipe.path())});
  if (!replaces.ok()) {
    std::string why = MessageOf(replaces.status());
    if (pipe.TroubleBegins(why)) {
      log_->Log(muster::LogLevel::kError,
                Concat({source.name, ": cannot use ", the_pipe, ": ", why}));
    }
    return;
  }
  if (*replaces) {
    TakeLines(source, pipe);
    Say(Concat({source.name, ": ", the_pipe, " is another one"}));
  }
  if (pipe.TroubleEnds()) Say(Concat({source.name, ": ", the_pipe, " is in use"}));
}

void ListKeeper::Impl::LookAtPipes() {
  for (const auto& source : hash_lists_) {
    for (const auto& pipe : source->pipes) LookAtPipe(*source, *pipe);
  }
}

void ListKeeper::Impl::WarnOfBadLines(std::string_view name, const std::string& path,
                                      std::size_t bad, std::size_t first) {
  if (bad == 0) return;
  log_->Log(muster::LogLevel::kWarning,
            Concat({name, ": ", path, ":", Number(first), ": not understood; ", Number(bad),
                    bad == 1 ? " line was passed over" : " lines were passed over"}));
}

absl::Status ListKeeper::Impl::Load(HashListSource& source) {
  if (source.file.path().empty()) {
    // SIGHUP ends what came through its pipes, with a file or without.
    source.list->Replace(WithPipes(source, {}));
    return absl::OkStatus();
  }
  std::optional<muster::HashListReader> reader;
  const absl::StatusOr<FileStamp> stamp = ReadFile(
      source.file.path(), kMaxListBytes, [&](std::size_t expected) { reader.emplace(expected); },
      [&](std::string_view piece) { reader->Add(piece); });
  if (!stamp.ok()) return stamp.status();
  muster::HashListReader::Result result = std::move(*reader).Finish();
  WarnOfBadLines(source.name, source.file.path(), result.bad_lines, result.first_bad_line);
  if (catalog_ != nullptr && source.list == &rules_->whitelist()) {
    std::vector<std::shared_ptr<const muster::CatalogTorrent>> torrents;
    for (const muster::InfoHash& hash : result.hashes) {
      torrents.push_back(std::make_shared<const muster::CatalogTorrent>(
          muster::CatalogTorrent{.info_hashes = {.v1 = hash}}));
    }
    catalog_->Replace(std::move(torrents));
  }
  source.list->Replace(WithPipes(source, std::move(result.hashes)));
  // On top of what somebody else wrote, which may not be all yet where SIGHUP had it read.
  if (!source.unsaved.empty()) SaveSoon(source);
  Loaded(source, *stamp);
  Say(Concat(
      {source.name, ": ", source.file.path(), " has ", Number(source.list->size()), " torrents"}));
  return absl::OkStatus();
}

// These of a file, with what came through pipes and is in no file: not for a moment is it not in
// force.
std::vector<muster::InfoHash> ListKeeper::Impl::WithPipes(
    HashListSource& source, std::vector<muster::InfoHash> hashes) const {
  std::erase_if(source.kept, [&](const auto& entry) { return entry.second.at < keep_from_; });
  std::map<muster::InfoHash, bool> changes = source.unsaved;
  for (const auto& [hash, change] : source.kept) changes[hash] = change.listed;
  if (changes.empty()) return hashes;
  std::size_t looked_at = 0;
  std::erase_if(hashes, [&](const muster::InfoHash& hash) {
    if (++looked_at % kTurn == 0) sched_yield();  // a large list is no reason for others to wait
    return changes.contains(hash);
  });
  for (const auto& [hash, listed] : changes) {
    if (listed) hashes.push_back(hash);
  }
  return hashes;
}

absl::Status ListKeeper::Impl::Load(IpListSource& source) {
  std::string text;
  const absl::StatusOr<FileStamp> stamp = ReadFile(
      source.file.path(), kMaxIpListBytes, [&](std::size_t expected) { text.reserve(expected); },
      [&](std::string_view piece) { text += piece; });
  if (!stamp.ok()) return stamp.status();
  muster::IpList list = muster::ParseIpList(text, source.format);
  WarnOfBadLines(source.name, source.file.path(), list.bad_lines, list.first_bad_line);
  source.set(std::move(list.set));
  Loaded(source, *stamp);
  Say(Concat({source.name, ": ", source.file.path(), " has ", Number(list.entries), " entries"}));
  return absl::OkStatus();
}

namespace {
HashListSource& SourceOf(std::unique_ptr<HashListSource>& source) { return *source; }
IpListSource& SourceOf(IpListSource& source) { return source; }
}  // namespace

// The first failure; every failure is a warning in the log, unless it ends the start.
template <typename Sources>
absl::Status ListKeeper::Impl::LoadAll(Sources& sources) {
  absl::Status first;
  for (auto& element : sources) {
    auto& source = SourceOf(element);
    const FileStamp before = FileStamp::Of(source.file.path());
    const absl::Status status = Load(source);
    if (status.ok()) continue;
    source.file.Failed(before, status);
    const bool starting = !thread_.joinable();
    if (!starting || !settings_.require) {
      log_->Log(muster::LogLevel::kWarning, Concat({source.name, ": ", MessageOf(status)}));
    }
    if (first.ok()) first = Invalid({source.name, ": ", MessageOf(status)});
  }
  return first;
}

// Whether it was changed and could be read.
template <typename Source>
bool ListKeeper::Impl::LoadIfChanged(Source& source) {
  if (source.file.path().empty() || !source.file.Look()) return false;
  const FileStamp before = FileStamp::Of(source.file.path());
  const absl::Status status = Load(source);
  if (!status.ok() && source.file.Failed(before, status))
    log_->Log(muster::LogLevel::kWarning, Concat({source.name, ": ", MessageOf(status)}));
  return status.ok();
}

void ListKeeper::Impl::LoadChanged() {
  bool changed = false;
  for (const auto& source : hash_lists_) changed = LoadIfChanged(*source) || changed;
  for (IpListSource& source : ip_lists_) LoadIfChanged(source);
  if (changed) ForgetRefused();
}

void ListKeeper::Impl::ForgetRefused() {
  if (!settings_.forget_refused) return;
  rules_->ForgetRefused(*store_);
  NextForgetting().all = true;
}

void ListKeeper::Impl::ForgetRefused(absl::Span<const muster::InfoHash> hashes) {
  if (!settings_.forget_refused) return;
  rules_->ForgetRefused(*store_, hashes);
  std::vector<muster::InfoHash>& again = NextForgetting().hashes;
  again.insert(again.end(), hashes.begin(), hashes.end());
}

// A time that is set stays: however many changes come, each is followed up.
Forgetting& ListKeeper::Impl::NextForgetting() {
  const bool is_set = forgetting_.at != Clock::time_point::max();
  Forgetting& next = is_set ? later_ : forgetting_;
  next.at = Clock::now() + kForgetAgain;
  return next;
}

void ListKeeper::Impl::ForgetAgain(Clock::time_point now) {
  if (forgetting_.at > now) return;
  if (forgetting_.all) {
    rules_->ForgetRefused(*store_);
  } else {
    rules_->ForgetRefused(*store_, forgetting_.hashes);
  }
  forgetting_ = std::exchange(later_, {});
}

// All of them, for what tells of one may come with what tells of another.
bool ListKeeper::Impl::ReadPipes() {
  bool more = false;
  for (const auto& source : hash_lists_) {
    for (const auto& pipe : source->pipes) {
      more = pipe->Read() || more;
      TakeLines(*source, *pipe);
    }
  }
  return more;
}

void ListKeeper::Impl::TakeLines(HashListSource& source, ListPipe& pipe) {
  const muster::HashListReader::Result result = pipe.TakeLines();
  WarnOfBadLines(source.name, pipe.path(), result.bad_lines, result.first_bad_line);
  if (result.hashes.empty()) return;
  std::vector<muster::HashChange> changes;
  for (const muster::InfoHash& hash : result.hashes) changes.push_back({hash, pipe.listed()});
  source.list->Change(changes);
  ForgetRefused(result.hashes);
  log_->Log(muster::LogLevel::kInfo, Concat({source.name, ": ", Number(result.hashes.size()),
                                             pipe.listed() ? " added" : " deleted"}));
  if (!settings_.save_changes || source.file.path().empty()) {
    const Clock::time_point now = Clock::now();
    for (const muster::HashChange& change : changes) {
      source.kept[change.info_hash] = {change.listed, now};
    }
    return;
  }
  for (const muster::HashChange& change : changes) {
    source.unsaved[change.info_hash] = change.listed;
  }
  source.save_at = std::min(source.save_at, std::max(Clock::now() + kSaveDelay, source.rest_until));
}

void ListKeeper::Impl::SaveDue(Clock::time_point now) {
  for (const auto& source : hash_lists_) {
    if (source->save_at <= now) SaveWhenSettled(*source);
  }
}

// Whoever writes a list would go on writing into a file that has lost its name.
void ListKeeper::Impl::SaveWhenSettled(HashListSource& source) {
  const std::optional<FileStamp> state = source.file.StateToReplace();
  if (!state) return SaveSoon(source);
  if (looks() && LoadIfChanged(source)) return ForgetRefused();  // which has it saved soon
  Save(source, state);
}

void ListKeeper::Impl::Save(HashListSource& source, std::optional<FileStamp> state) {
  const Clock::time_point begin = Clock::now();
  const std::map<muster::InfoHash, bool> changes = source.unsaved;
  // A list that is gone is still in force; a new file with these alone would take its place. What
  // comes through pipes meanwhile need not wait, but at the end, which is to come.
  const bool may_make = source.file.loaded() == FileStamp();
  const absl::StatusOr<SavedList> saved =
      SaveHashes(source.file.path(), changes, may_make, state, [&] {
        if (!stop_) ReadPipes();
      });
  const Clock::time_point end = Clock::now();
  source.rest_until = end + (end - begin) * kSaveRest;
  if (state && absl::IsAborted(saved.status())) return SaveSoon(source);
  if (!saved.ok()) {
    std::string why = MessageOf(saved.status());
    if (source.save_trouble.Begins(why))
      log_->Log(muster::LogLevel::kError, Concat({source.name, ": ", why}));
    source.save_at = std::max(end + kSaveAgain, source.rest_until);
    return;
  }
  if (source.save_trouble.Ends())
    Say(Concat({source.name, ": ", source.file.path(), " is saved again"}));
  for (const auto& [hash, listed] : changes) {
    const auto change = source.unsaved.find(hash);
    if (change->second == listed) source.unsaved.erase(change);
  }
  source.save_at = source.unsaved.empty() ? Clock::time_point::max()
                                          : std::max(end + kSaveDelay, source.rest_until);
  // Somebody else's changes are still to be read.
  if (saved->before == source.file.loaded()) Loaded(source, saved->after);
}

int ListKeeper::Impl::TimeToWait(Clock::time_point now) const {
  Clock::time_point until = std::min(look_at_, forgetting_.at);
  for (const auto& source : hash_lists_) until = std::min(until, source->save_at);
  if (until == Clock::time_point::max()) return -1;
  const auto wait = std::chrono::ceil<milliseconds>(until - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(wait, 0, 3'600'000));
}

void ListKeeper::Impl::Loop() {
  if (looks()) look_at_ = Clock::now() + settings_.check_interval;
  bool more = false;
  while (!stop_) {
    std::array<epoll_event, 8> events;
    epoll_wait(events_.get(), events.data(), events.size(), more ? 0 : TimeToWait(Clock::now()));
    std::uint64_t woken;
    [[maybe_unused]] const ssize_t ignored = read(wake_.get(), &woken, sizeof woken);
    more = ReadPipes();
    const Clock::time_point now = Clock::now();
    if (reload_.exchange(false)) {
      keep_from_ = reload_asked_.load() - kReloadLag;
      (void)LoadAll(hash_lists_);
      (void)LoadAll(ip_lists_);
      ForgetRefused();
      LookAtPipes();
    } else if (look_at_ <= now) {
      LoadChanged();
      LookAtPipes();
    }
    if (looks() && look_at_ <= now) look_at_ = Clock::now() + settings_.check_interval;
    ForgetAgain(now);
    SaveDue(now);
  }
  if (!settings_.save_changes) return;
  ReadPipes();  // whose writers have gone on
  for (const auto& source : hash_lists_) {
    if (source->unsaved.empty()) continue;
    Save(*source, std::nullopt);
    if (source->unsaved.empty()) continue;
    log_->Log(muster::LogLevel::kError, Concat({source->name, ": ", Number(source->unsaved.size()),
                                                " changes could not be saved and are lost"}));
  }
}

absl::Status ListKeeper::Impl::Start() {
  if (!keeps_any()) return absl::OkStatus();
  started_ = true;
  for (const std::string& text : std::exchange(to_say_, {})) Say(text);
  if (!hash_lists_.empty() && settings_.forget_refused) rules_->ForgetRefused(*store_);
  if (!ip_lists_.empty()) {
    const muster::Instant now = muster::InstantFromUnixSeconds(std::time(nullptr));
    if (const std::size_t peers = rules_->ForgetRefusedPeers(*store_, now); peers > 0) {
      log_->Log(muster::LogLevel::kInfo,
                Concat({Number(peers), " peers of the state are at refused addresses"}));
    }
  }
  return StartThread([this] { Loop(); }, thread_);
}

ListKeeper::Impl::~Impl() {
  if (!thread_.joinable()) return;
  Wake(stop_);
  thread_.join();
}

absl::StatusOr<std::unique_ptr<ListKeeper>> ListKeeper::Open(const AccessSettings& settings,
                                                             muster::AccessRules* rules,
                                                             muster::SwarmStore* store,
                                                             muster::LogSink* log,
                                                             muster::TorrentCatalog* catalog) {
  auto impl = std::make_unique<Impl>(settings, rules, store, log, catalog);
  if (absl::Status status = impl->Open(); !status.ok()) return status;
  return std::unique_ptr<ListKeeper>(new ListKeeper(std::move(impl)));
}

ListKeeper::ListKeeper(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ListKeeper::~ListKeeper() = default;
absl::Status ListKeeper::Start() { return impl_->Start(); }
bool ListKeeper::keeps_any() const { return impl_->keeps_any(); }
void ListKeeper::Reload() { impl_->Reload(); }

}  // namespace musterd
