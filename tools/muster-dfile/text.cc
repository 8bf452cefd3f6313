// SPDX-License-Identifier: Apache-2.0
#include "muster-dfile/text.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <limits>
#include <utility>

namespace muster_dfile {
namespace {

bool IsPlain(char c) { return c >= 0x20 && c < 0x7f; }

int output_error = 0;  // errno of the first write that failed

}  // namespace

std::string Concat(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (std::string_view part : parts) text += part;
  return text;
}

std::string CountText(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string ByteText(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return Concat({std::to_string(bytes), " bytes"});
  double number = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; number >= 1024 && unit + 1 < kUnits.size(); ++unit) number /= 1024;
  char text[40];
  std::snprintf(text, sizeof text, "%.1f %s", number, kUnits[unit]);
  return text;
}

std::string TimeText(muster::Instant time) {
  const std::time_t seconds = time.time_since_epoch().count();
  std::tm parts;
  char text[64];
  if (gmtime_r(&seconds, &parts) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) {
    return std::to_string(seconds);
  }
  return text;
}

std::string AgeText(muster::Seconds age) {
  const std::int64_t seconds = std::max<std::int64_t>(age.count(), 0);
  for (const auto& [size, unit] :
       {std::pair(86400, 'd'), std::pair(3600, 'h'), std::pair(60, 'm')}) {
    if (seconds >= 2 * size) return std::to_string(seconds / size) + unit;
  }
  return std::to_string(seconds) + "s";
}

std::optional<muster::Seconds> ParseAge(std::string_view text) {
  std::int64_t number;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const std::int64_t factor = unit.empty() || unit == "s" ? 1
                              : unit == "m"               ? 60
                              : unit == "h"               ? 3600
                              : unit == "d"               ? 86400
                                                          : 0;
  if (factor == 0 || number > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return muster::Seconds(number * factor);
}

std::string_view StateText(muster::PeerState state) {
  switch (state) {
    case muster::PeerState::kSeeder:
      return "seeder";
    case muster::PeerState::kPartialSeeder:
      return "partial seeder";
    case muster::PeerState::kDownloader:
      return "downloader";
    case muster::PeerState::kStopped:
      break;
  }
  return "stopped";
}

std::string JsonText(std::string_view bytes) {
  std::string text = "\"";
  for (char c : bytes) {
    if (IsPlain(c) && c != '"' && c != '\\') {
      text += c;
    } else {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned char>(c));
      text += escape;
    }
  }
  return text + "\"";
}

std::string PlainText(std::string_view bytes) {
  std::string text;
  for (char c : bytes) {
    if (IsPlain(c) && c != '%') {
      text += c;
    } else {
      char escape[4];
      std::snprintf(escape, sizeof escape, "%%%02X", static_cast<unsigned char>(c));
      text += escape;
    }
  }
  return text;
}

std::string CsvText(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return std::string(text);
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string ClientText(const muster::PeerId& id) { return PlainText(id.text().substr(0, 8)); }

void Print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() && output_error == 0) {
    output_error = errno;
  }
}

absl::Status Flush() {
  if (std::fflush(stdout) != 0 && output_error == 0) output_error = errno;
  if (output_error == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(output_error, "cannot write to standard output");
}

void Complain(std::string_view text) {
  std::fputs(Concat({"muster-dfile: ", text, "\n"}).c_str(), stderr);
}

}  // namespace muster_dfile
