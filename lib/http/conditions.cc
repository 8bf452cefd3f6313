// SPDX-License-Identifier: Apache-2.0
#include "http/conditions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/text.h"

namespace muster {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::string_view Trimmed(std::string_view text) {
  return FromAbsl(absl::StripAsciiWhitespace(ToAbsl(text)));
}

// All of `text` as a number without a sign.
std::optional<std::int64_t> Number(std::string_view text) {
  std::int64_t number = 0;
  if (text.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(text.front()))) {
    return std::nullopt;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size() || error != std::errc()) return std::nullopt;
  return number;
}

// Whether a list of tags has `etag`. Those that are marked as weak count only where that is enough.
bool HasTag(std::string_view list, std::string_view etag, bool weak_too) {
  if (Trimmed(list) == "*") return true;
  while (!list.empty()) {
    std::string_view tag = Trimmed(list.substr(0, list.find(',')));
    list.remove_prefix(std::min(list.find(','), list.size() - 1) + 1);
    if (weak_too && tag.substr(0, 2) == "W/") tag.remove_prefix(2);
    if (tag == etag) return true;
  }
  return false;
}

enum class RangeResult : std::uint8_t { kNone, kSome, kUnsatisfiable };

// One of the ranges in a list.
RangeResult ParseOne(std::string_view text, std::int64_t size, ByteRange& range) {
  const std::size_t dash = text.find('-');
  if (dash == text.npos) return RangeResult::kNone;
  const std::optional<std::int64_t> first = Number(Trimmed(text.substr(0, dash)));
  const std::optional<std::int64_t> last = Number(Trimmed(text.substr(dash + 1)));
  if ((!first && dash != 0) || (!last && dash + 1 != text.size())) return RangeResult::kNone;
  if (!first && !last) return RangeResult::kNone;
  if (!first) {
    if (*last == 0 || size == 0) return RangeResult::kUnsatisfiable;
    range.size = std::min(*last, size);
    range.first = size - range.size;
    return RangeResult::kSome;
  }
  if (last && *last < *first) return RangeResult::kNone;
  if (*first >= size) return RangeResult::kUnsatisfiable;
  range.first = *first;
  range.size = std::min(last.value_or(size - 1), size - 1) - *first + 1;
  return RangeResult::kSome;
}

// Those of a Range header; kNone also for one that is to be passed over.
RangeResult ParseRanges(std::string_view text, std::int64_t size, std::vector<ByteRange>& ranges) {
  constexpr std::string_view kUnit = "bytes=";
  if (!absl::StartsWithIgnoreCase(ToAbsl(text), ToAbsl(kUnit))) return RangeResult::kNone;
  text.remove_prefix(kUnit.size());
  std::size_t count = 0;
  std::int64_t bytes = 0;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    ByteRange range;
    const RangeResult result = ParseOne(Trimmed(part), size, range);
    if (result == RangeResult::kNone || ++count > kMaxRanges) return RangeResult::kNone;
    if (result == RangeResult::kUnsatisfiable) continue;
    // Overlapping ones would make a small file a large answer.
    if (range.size > size - bytes) return RangeResult::kNone;
    bytes += range.size;
    ranges.push_back(range);
  }
  if (!ranges.empty()) return RangeResult::kSome;
  return count > 0 ? RangeResult::kUnsatisfiable : RangeResult::kNone;
}

// What the conditions say, before any range: 200, 304 or 412.
int Precondition(const FileConditions& conditions, std::string_view etag, Instant modified) {
  if (!conditions.if_match.empty()) {
    if (!HasTag(conditions.if_match, etag, /*weak_too=*/false)) return 412;
  } else if (const auto since = ParseHttpDate(conditions.if_unmodified_since)) {
    if (modified > *since) return 412;
  }
  if (!conditions.if_none_match.empty()) {
    if (HasTag(conditions.if_none_match, etag, /*weak_too=*/true)) return 304;
  } else if (const auto since = ParseHttpDate(conditions.if_modified_since)) {
    if (modified <= *since) return 304;
  }
  return 200;
}

// If-Range: whether the client's part is one of this file.
bool IsSame(std::string_view condition, std::string_view etag, Instant modified) {
  if (condition.empty() || condition == etag) return true;
  return ParseHttpDate(condition) == modified;
}

}  // namespace

std::string HttpDate(Instant time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
                kDays[std::chrono::weekday(day).c_encoding()].data(), unsigned{date.day()},
                kMonths[unsigned{date.month()} - 1].data(), int{date.year()},
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

std::optional<Instant> ParseHttpDate(std::string_view text) {
  constexpr std::string_view kForm = "Sun, 06 Nov 1994 08:49:37 GMT";
  if (text.size() != kForm.size()) return std::nullopt;
  const auto number = [text](std::size_t at, std::size_t size) {
    return Number(text.substr(at, size)).value_or(-1);
  };
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  if (month == kMonths.end()) return std::nullopt;
  const std::chrono::year_month_day date(
      std::chrono::year(static_cast<int>(number(12, 4))),
      std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
      std::chrono::day(static_cast<unsigned>(number(5, 2))));
  const std::int64_t hours = number(17, 2), minutes = number(20, 2), seconds = number(23, 2);
  if (number(12, 4) < 1 || number(5, 2) < 1 || !date.ok() || hours < 0 || hours > 23 ||
      minutes < 0 || minutes > 59 || seconds < 0 || seconds > 60) {
    return std::nullopt;
  }
  const Instant time = std::chrono::sys_days(date) + std::chrono::hours(hours) +
                       std::chrono::minutes(minutes) + Seconds(seconds);
  // What stands between the numbers, and the day of the week, must be right as well.
  return seconds == 60 || HttpDate(time) == text ? std::optional(time) : std::nullopt;
}

FileConditions FileConditions::Of(const HttpRequest& request) {
  const auto header = [&request](std::string_view name) {
    return std::string(request.Header(name));
  };
  return {.is_get = request.method == HttpMethod::kGet,
          .if_match = header("If-Match"),
          .if_unmodified_since = header("If-Unmodified-Since"),
          .if_none_match = header("If-None-Match"),
          .if_modified_since = header("If-Modified-Since"),
          .if_range = header("If-Range"),
          .range = header("Range")};
}

Selection Select(const FileConditions& conditions, std::string_view etag, Instant modified,
                 std::int64_t size) {
  Selection selection{Precondition(conditions, etag, modified), {{0, size}}};
  if (selection.status != 200 || conditions.range.empty() || !conditions.is_get ||
      !IsSame(conditions.if_range, etag, modified)) {
    return selection;
  }
  std::vector<ByteRange> ranges;
  switch (ParseRanges(conditions.range, size, ranges)) {
    case RangeResult::kNone:
      break;
    case RangeResult::kSome:
      return {206, std::move(ranges)};
    case RangeResult::kUnsatisfiable:
      selection.status = 416;
      break;
  }
  return selection;
}

}  // namespace muster
