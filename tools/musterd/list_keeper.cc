// SPDX-License-Identifier: Apache-2.0
#include "musterd/list_keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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
#include "musterd/text.h"
#include "musterd/thread.h"

namespace musterd {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How long changes are collected before they are written into a file.
constexpr milliseconds kSaveDelay{500};
// Until a file that could not be written is tried again.
constexpr milliseconds kSaveAgain{60'000};
// An announce that was allowed just before a list changed is in the store long before this.
constexpr milliseconds kForgetAgain{100};
constexpr std::size_t kPipeRead = 64 * 1024;

// A file whose changes are looked for. One that is being written is read when it stays the same
// from one look to the next.
class WatchedFile {
 public:
  explicit WatchedFile(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  void Loaded(const FileStamp& stamp) { loaded_ = seen_ = stamp; }
  const FileStamp& loaded() const { return loaded_; }
  // Whether it is to be read now.
  bool Look() {
    const FileStamp now = FileStamp::Of(path_);
    const bool settled = now == seen_;
    seen_ = now;
    return settled && now != loaded_ && now != failed_ && now != FileStamp();
  }
  // It could not be read as it is now; no use trying before it changes again.
  void Failed() { failed_ = FileStamp::Of(path_); }

 private:
  const std::string path_;
  FileStamp loaded_;
  FileStamp seen_;
  FileStamp failed_;
};

// A named pipe that hashes come through.
struct Pipe {
  Descriptor descriptor;
  std::string path;
  bool listed;  // what a hash becomes
  muster::HashListReader reader;
};

// One list of hashes: its file, its pipes, and what is not saved yet.
struct HashListSource {
  HashListSource(std::string_view list_name, std::string path, muster::HashList* to)
      : name(list_name), file(std::move(path)), list(to) {}

  std::string_view name;
  WatchedFile file;
  muster::HashList* list;
  std::vector<Pipe> pipes;
  std::map<muster::InfoHash, bool> unsaved;
  Clock::time_point save_at = Clock::time_point::max();
};

struct IpListSource {
  std::string_view name;
  WatchedFile file;
  muster::IpListFormat format;
  std::function<void(muster::IpSet)> set;
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
  void Wake(std::atomic<bool>& flag) {
    flag = true;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t ignored = write(wake_.get(), &one, sizeof one);
  }
  bool keeps_any() const { return !hash_lists_.empty() || !ip_lists_.empty(); }
  std::atomic<bool> reload{false};

 private:
  void AddHashList(std::string_view name, const std::string& path, const std::string& add,
                   const std::string& remove, muster::HashList* list);
  void OpenPipe(HashListSource& source, const std::string& path, bool listed);
  absl::Status Load(HashListSource& source);
  absl::Status Load(IpListSource& source);
  template <typename Sources>
  absl::Status LoadAll(Sources& sources);
  void LoadChanged();
  // What there is, once the start cannot fail any more for what there is not.
  void Say(std::string text) {
    if (!started_) return to_say_.push_back(std::move(text));
    log_->Log(muster::LogLevel::kInfo, text);
  }
  void WarnOfBadLines(std::string_view name, const std::string& path, std::size_t bad,
                      std::size_t first);
  void ReadPipe(HashListSource& source, Pipe& pipe);
  void SaveDue(Clock::time_point now);
  void Save(HashListSource& source);
  void ForgetRefused();
  void ForgetRefused(absl::Span<const muster::InfoHash> hashes);
  void ForgetAgain();
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
  std::atomic<bool> stop_{false};
  Clock::time_point look_at_ = Clock::time_point::max();
  // What is to be forgotten once more, and when.
  Clock::time_point forget_at_ = Clock::time_point::max();
  bool forget_all_again_ = false;
  std::vector<muster::InfoHash> forget_again_;
  std::thread thread_;
};

absl::Status ListKeeper::Impl::Open() {
  if (wake_.get() < 0) {
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
    ip_lists_.push_back({"allowed-ips", WatchedFile(s.allowed_ips), muster::IpListFormat::kNetworks,
                         [this](muster::IpSet set) { rules_->SetAllowedIps(std::move(set)); }});
  }
  if (!s.banned_ips.empty()) {
    ip_lists_.push_back({"banned-ips", WatchedFile(s.banned_ips), s.banned_ips_format,
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
  hash_lists_.push_back(std::make_unique<HashListSource>(name, path, list));
  if (!add.empty()) OpenPipe(*hash_lists_.back(), add, true);
  if (!remove.empty()) OpenPipe(*hash_lists_.back(), remove, false);
}

void ListKeeper::Impl::OpenPipe(HashListSource& source, const std::string& path, bool listed) {
  const auto cannot = [&](std::string_view why) {
    log_->Log(muster::LogLevel::kError,
              Concat({source.name, ": cannot use the pipe ", Quoted(path), ": ", why}));
  };
  if (mkfifo(path.c_str(), 0600) != 0 && errno != EEXIST) return cannot(std::strerror(errno));
  // Open for writing as well, so that it does not end with its last writer.
  Descriptor descriptor(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (descriptor.get() < 0) return cannot(std::strerror(errno));
  struct stat status;
  if (fstat(descriptor.get(), &status) != 0 || !S_ISFIFO(status.st_mode)) {
    return cannot("it is no named pipe");
  }
  source.pipes.push_back({std::move(descriptor), path, listed, muster::HashListReader()});
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
    // What came through its pipes is until then, with a file or without.
    source.list->Replace({});
    return absl::OkStatus();
  }
  if (!source.unsaved.empty()) Save(source);
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
  source.list->Replace(std::move(result.hashes));
  // What could not be saved stays in force.
  std::vector<muster::HashChange> changes;
  for (const auto& [hash, listed] : source.unsaved) changes.push_back({hash, listed});
  if (!changes.empty()) source.list->Change(changes);
  source.file.Loaded(*stamp);
  Say(Concat(
      {source.name, ": ", source.file.path(), " has ", Number(source.list->size()), " torrents"}));
  return absl::OkStatus();
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
  source.file.Loaded(*stamp);
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
    const absl::Status status = Load(source);
    if (status.ok()) continue;
    source.file.Failed();
    const bool starting = !thread_.joinable();
    if (!starting || !settings_.require) {
      log_->Log(muster::LogLevel::kWarning, Concat({source.name, ": ", MessageOf(status)}));
    }
    if (first.ok()) first = Invalid({source.name, ": ", MessageOf(status)});
  }
  return first;
}

void ListKeeper::Impl::LoadChanged() {
  bool changed = false;
  for (const auto& source : hash_lists_) {
    if (source->file.path().empty() || !source->file.Look()) continue;
    const absl::Status status = Load(*source);
    changed = changed || status.ok();
    if (status.ok()) continue;
    source->file.Failed();
    log_->Log(muster::LogLevel::kWarning, Concat({source->name, ": ", MessageOf(status)}));
  }
  for (IpListSource& source : ip_lists_) {
    if (!source.file.Look()) continue;
    const absl::Status status = Load(source);
    if (status.ok()) continue;
    source.file.Failed();
    log_->Log(muster::LogLevel::kWarning, Concat({source.name, ": ", MessageOf(status)}));
  }
  if (changed) ForgetRefused();
}

void ListKeeper::Impl::ForgetRefused() {
  if (!settings_.forget_refused) return;
  rules_->ForgetRefused(*store_);
  forget_all_again_ = true;
  forget_at_ = Clock::now() + kForgetAgain;
}

void ListKeeper::Impl::ForgetRefused(absl::Span<const muster::InfoHash> hashes) {
  if (!settings_.forget_refused) return;
  rules_->ForgetRefused(*store_, hashes);
  forget_again_.insert(forget_again_.end(), hashes.begin(), hashes.end());
  forget_at_ = Clock::now() + kForgetAgain;
}

void ListKeeper::Impl::ForgetAgain() {
  if (forget_all_again_) {
    rules_->ForgetRefused(*store_);
  } else {
    rules_->ForgetRefused(*store_, forget_again_);
  }
  forget_all_again_ = false;
  forget_again_.clear();
  forget_at_ = Clock::time_point::max();
}

void ListKeeper::Impl::ReadPipe(HashListSource& source, Pipe& pipe) {
  std::vector<char> piece(kPipeRead);
  const ssize_t n = read(pipe.descriptor.get(), piece.data(), piece.size());
  if (n <= 0) return;
  pipe.reader.Add({piece.data(), static_cast<std::size_t>(n)});
  const muster::HashListReader::Result result = pipe.reader.TakeLines();
  WarnOfBadLines(source.name, pipe.path, result.bad_lines, result.first_bad_line);
  if (result.hashes.empty()) return;
  std::vector<muster::HashChange> changes;
  for (const muster::InfoHash& hash : result.hashes) changes.push_back({hash, pipe.listed});
  source.list->Change(changes);
  ForgetRefused(result.hashes);
  log_->Log(muster::LogLevel::kInfo, Concat({source.name, ": ", Number(result.hashes.size()),
                                             pipe.listed ? " added" : " deleted"}));
  if (!settings_.save_changes || source.file.path().empty()) return;
  for (const muster::HashChange& change : changes) {
    source.unsaved[change.info_hash] = change.listed;
  }
  source.save_at = std::min(source.save_at, Clock::now() + kSaveDelay);
}

void ListKeeper::Impl::SaveDue(Clock::time_point now) {
  for (const auto& source : hash_lists_) {
    if (source->save_at <= now) Save(*source);
  }
}

void ListKeeper::Impl::Save(HashListSource& source) {
  const absl::StatusOr<SavedList> saved = SaveHashes(source.file.path(), source.unsaved);
  if (!saved.ok()) {
    log_->Log(muster::LogLevel::kError, Concat({source.name, ": ", MessageOf(saved.status())}));
    source.save_at = Clock::now() + kSaveAgain;
    return;
  }
  source.unsaved.clear();
  source.save_at = Clock::time_point::max();
  // Somebody else's changes are still to be read.
  if (saved->before == source.file.loaded()) source.file.Loaded(saved->after);
}

int ListKeeper::Impl::TimeToWait(Clock::time_point now) const {
  Clock::time_point until = std::min(look_at_, forget_at_);
  for (const auto& source : hash_lists_) until = std::min(until, source->save_at);
  if (until == Clock::time_point::max()) return -1;
  const auto wait = std::chrono::ceil<milliseconds>(until - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(wait, 0, 3'600'000));
}

void ListKeeper::Impl::Loop() {
  std::vector<pollfd> polled{{wake_.get(), POLLIN, 0}};
  std::vector<std::pair<HashListSource*, Pipe*>> pipes;
  for (const auto& source : hash_lists_) {
    for (Pipe& pipe : source->pipes) {
      polled.push_back({pipe.descriptor.get(), POLLIN, 0});
      pipes.emplace_back(source.get(), &pipe);
    }
  }
  const bool looks = settings_.check_interval.count() > 0;
  if (looks) look_at_ = Clock::now() + settings_.check_interval;
  while (!stop_) {
    poll(polled.data(), polled.size(), TimeToWait(Clock::now()));
    std::uint64_t woken;
    [[maybe_unused]] const ssize_t ignored = read(wake_.get(), &woken, sizeof woken);
    for (std::size_t i = 0; i < pipes.size(); ++i) {
      if (polled[i + 1].revents & POLLIN) ReadPipe(*pipes[i].first, *pipes[i].second);
    }
    const Clock::time_point now = Clock::now();
    if (reload.exchange(false)) {
      (void)LoadAll(hash_lists_);
      (void)LoadAll(ip_lists_);
      ForgetRefused();
    } else if (look_at_ <= now) {
      LoadChanged();
    }
    if (looks && look_at_ <= now) look_at_ = Clock::now() + settings_.check_interval;
    if (forget_at_ <= now) ForgetAgain();
    SaveDue(now);
  }
  for (const auto& source : hash_lists_) {
    if (!source->unsaved.empty()) Save(*source);
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
void ListKeeper::Reload() { impl_->Wake(impl_->reload); }

}  // namespace musterd
