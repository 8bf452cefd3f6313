// SPDX-License-Identifier: Apache-2.0
#include "musterd/access_log.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <string_view>
#include <utility>

#include "musterd/log_file.h"
#include "musterd/text.h"

namespace musterd {
namespace {

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

std::string Note(std::string_view what) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return Concat({"# ", what, " ", TimeText("%Y-%m-%d %H:%M UTC", utc), "\n"});
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
                                                           const Identity& identity,
                                                           std::chrono::milliseconds flush_interval,
                                                           muster::LogSink* trouble) {
  absl::StatusOr<Descriptor> file = OpenLogFile(path, identity);
  if (!file.ok()) return file.status();
  auto writer = LineWriter::Start(
      *std::move(file), {.trouble = trouble,
                         .trouble_text = Concat({"access-log: cannot write ", Quoted(path)}),
                         .interval = flush_interval});
  if (!writer.ok()) return writer.status();
  const bool reopens = !IsStandardStream(path);
  if (reopens) (*writer)->Append(Note("Log Started: "));
  return std::unique_ptr<AccessLog>(
      new AccessLog(reopens ? ReopenPath(path, identity) : "", *std::move(writer)));
}

AccessLog::AccessLog(std::string reopen_path, std::unique_ptr<LineWriter> writer)
    : reopen_path_(std::move(reopen_path)), writer_(std::move(writer)) {}

void AccessLog::OnAnswered(const muster::HttpLogEntry& entry) {
  writer_->Append(AccessLogLine(entry, std::time(nullptr)));
}

void AccessLog::OnNatCheck(const muster::NatChecked& checked, bool known) {
  writer_->Append(NatCheckLine(checked, known, std::time(nullptr)));
}

void AccessLog::SayEnd() { writer_->Append(Note("Shutting down: ")); }

absl::Status AccessLog::Reopen() {
  if (reopen_path_.empty()) return absl::OkStatus();
  absl::StatusOr<Descriptor> file = ReopenLogFile(reopen_path_);
  if (!file.ok()) return file.status();
  writer_->ContinueIn(*std::move(file), Note("Log reopened: "));
  return absl::OkStatus();
}

}  // namespace musterd
