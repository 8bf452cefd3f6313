// SPDX-License-Identifier: Apache-2.0
#include "musterd/access_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <utility>

#include "musterd/text.h"

namespace musterd {
namespace {

// What waits is written early when it is more than this; and no more than this is kept of what
// cannot be written.
constexpr std::size_t kMaxWaiting = 256 * 1024;
// Of a request line or a header, in a line.
constexpr std::size_t kMaxField = 4096;

void AppendQuoted(std::string_view text, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += '"';
  if (text.empty()) out += '-';
  for (const char c : text.substr(0, kMaxField)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      out += c;
    }
  }
  out += '"';
}

// The size of a parameter's name and '=' as they were sent, where it is this name, some letters of
// which may be percent-encoded; else 0.
std::size_t SizeOfName(std::string_view parameter, std::string_view name) {
  std::size_t at = 0;
  for (const char wanted : name) {
    if (at >= parameter.size()) return 0;
    unsigned char sent = static_cast<unsigned char>(parameter[at]);
    std::size_t size = 1;
    if (sent == '%' && parameter.size() - at > 2) {
      const char* const digits = parameter.data() + at + 1;
      if (std::from_chars(digits, digits + 2, sent, 16).ptr == digits + 2) size = 3;
    }
    if (sent != static_cast<unsigned char>(wanted)) return 0;
    at += size;
  }
  return at < parameter.size() && parameter[at] == '=' ? at + 1 : 0;
}

// A request's target, with dots in the place of what only some may know.
std::string WithoutSecrets(std::string_view target) {
  constexpr std::array<std::string_view, 2> kSecrets = {"password", "seed_id"};
  std::size_t at = std::min(target.find('?'), target.size() - 1) + 1;
  std::string text(target.substr(0, at));
  while (at < target.size()) {
    const std::size_t end = std::min(target.find('&', at), target.size() - 1) + 1;
    std::string_view part = target.substr(at, end - at);
    for (const std::string_view secret : kSecrets) {
      const std::size_t name = SizeOfName(part, secret);
      if (name == 0) continue;
      text += Concat({part.substr(0, name), "..."});
      part = part.back() == '&' ? "&" : "";
    }
    text += part;
    at = end;
  }
  return text;
}

std::string TimeText(const char* format, const std::tm& time) {
  std::array<char, 64> text;
  return {text.data(), std::strftime(text.data(), text.size(), format, &time)};
}

// "21/Nov/2026:16:12:00", whatever the locale is called.
std::string LocalTime(std::time_t time) {
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm local{};
  localtime_r(&time, &local);
  return Concat({TimeText("%d/", local), kMonths[static_cast<std::size_t>(local.tm_mon) % 12],
                 TimeText("/%Y:%H:%M:%S", local)});
}

std::string PercentEncoded(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "-_.";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       kPlain.find(c) != kPlain.npos;
    if (plain) {
      text += c;
    } else {
      text += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return text;
}

int OpenLog(const std::string& path) {
  if (path == "-") return STDOUT_FILENO;
  return open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
}

}  // namespace

std::string AccessLogLine(const muster::HttpLogEntry& entry, std::time_t time) {
  std::string line = Concat(
      {entry.from.ToString(), entry.compressed ? " gzip - [" : " - - [", LocalTime(time), "] "});
  const std::string version = Concat({" HTTP/1.", std::to_string(entry.minor_version)});
  const std::string target = WithoutSecrets(entry.target.substr(0, kMaxField - 100));
  AppendQuoted(Concat({entry.method, " ", target, version}), line);
  line += Concat({" ", std::to_string(entry.status), " ", std::to_string(entry.bytes), " "});
  AppendQuoted(entry.referer, line);
  line += ' ';
  AppendQuoted(entry.user_agent, line);
  return line + "\n";
}

std::string NatCheckLine(const muster::NatChecked& checked, bool known, std::time_t time) {
  const bool reachable = checked.outcome == muster::NatOutcome::kReachable;
  return Concat({checked.peer.address().ToString(), " - ", PercentEncoded(checked.peer_id.text()),
                 " [", LocalTime(time), "] \"!natcheck-", checked.peer.ToString(), "\" ",
                 known ? (reachable ? "200" : "503") : "404", " 0 - -\n"});
}

absl::StatusOr<std::unique_ptr<AccessLog>> AccessLog::Open(const std::string& path,
                                                           const std::string& reopen_path,
                                                           std::chrono::milliseconds flush_interval,
                                                           muster::LogSink* trouble) {
  const int fd = OpenLog(path);
  if (fd < 0) return Invalid({"cannot write ", Quoted(path), ": ", std::strerror(errno)});
  return std::unique_ptr<AccessLog>(
      new AccessLog(path == "-" ? path : reopen_path, fd, flush_interval, trouble));
}

AccessLog::AccessLog(std::string path, int fd, std::chrono::milliseconds flush_interval,
                     muster::LogSink* trouble)
    : path_(std::move(path)),
      flush_interval_(flush_interval),
      trouble_(trouble),
      fd_(fd),
      written_at_(std::chrono::steady_clock::now()) {
  if (path_ == "-") return;
  AppendNote("Log Started: ");
  Write();
}

AccessLog::~AccessLog() {
  Write();
  if (path_ != "-") close(fd_);
}

void AccessLog::AppendNote(std::string_view what) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  waiting_ += Concat({"# ", what, " ", TimeText("%Y-%m-%d %H:%M UTC", utc), "\n"});
}

void AccessLog::OnAnswered(const muster::HttpLogEntry& entry) {
  AppendLine(AccessLogLine(entry, std::time(nullptr)));
}

void AccessLog::OnNatCheck(const muster::NatChecked& checked, bool known) {
  AppendLine(NatCheckLine(checked, known, std::time(nullptr)));
}

void AccessLog::AppendLine(std::string_view line) {
  const std::lock_guard lock(mu_);
  if (waiting_.size() + line.size() > kMaxWaiting) Write();
  if (waiting_.size() + line.size() > kMaxWaiting) {
    ++lost_lines_;
    return;
  }
  waiting_ += line;
  if (std::chrono::steady_clock::now() - written_at_ >= flush_interval_) Write();
}

void AccessLog::SayEnd() {
  const std::lock_guard lock(mu_);
  AppendNote("Shutting down: ");
}

void AccessLog::Flush() {
  const std::lock_guard lock(mu_);
  Write();
}

absl::Status AccessLog::Reopen() {
  if (path_ == "-") return absl::OkStatus();
  const int fd = OpenLog(path_);
  if (fd < 0) return Invalid({"cannot write ", Quoted(path_), ": ", std::strerror(errno)});
  const std::lock_guard lock(mu_);
  Write();
  close(std::exchange(fd_, fd));
  AppendNote("Log reopened: ");
  Write();
  return absl::OkStatus();
}

void AccessLog::Complain(int error) {
  constexpr std::chrono::minutes kRemindInterval{1};
  const auto now = std::chrono::steady_clock::now();
  if (trouble_ == nullptr || (complained_at_ && now - *complained_at_ < kRemindInterval)) return;
  complained_at_ = now;
  trouble_->Log(muster::LogLevel::kWarning,
                Concat({"access-log: cannot write ", Quoted(path_), ": ", std::strerror(error)}));
}

// Whole lines as far as they go; the rest waits.
void AccessLog::Write() {
  written_at_ = std::chrono::steady_clock::now();
  std::size_t done = 0;
  while (done < waiting_.size()) {
    const ssize_t n = write(fd_, waiting_.data() + done, waiting_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      Complain(errno);
      break;
    }
    done += static_cast<std::size_t>(n);
  }
  waiting_.erase(0, done);
  if (!waiting_.empty() || lost_lines_ == 0) return;
  waiting_ = Concat({"**warning** ", std::to_string(std::exchange(lost_lines_, 0)),
                     " lines could not be written\n"});
}

}  // namespace musterd
