// SPDX-License-Identifier: Apache-2.0
//
// The values of settings as text: read, held against their range, written, explained.
#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

#include "musterd/settings.h"
#include "musterd/text.h"
#include "musterd/units.h"

namespace musterd {
namespace {

using std::chrono::milliseconds;

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};
// The largest first: a value is written in the first that divides it.
constexpr Unit kTimeUnits[] = {
    {"d", kDay}, {"h", kHour}, {"m", kMinute}, {"s", kSecond}, {"ms", 1}};
constexpr Unit kByteUnits[] = {{"M", 1024 * 1024}, {"K", 1024}, {"", 1}};

// Nothing for anything but up to 18 digits: every number that a setting takes has less.
std::optional<std::uint64_t> ParseDigits(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::uint64_t number = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return number;
}

// Digits and one of the units; digits alone count in `plain`. Saturates instead of overflowing.
std::optional<std::uint64_t> ParseWithUnit(std::string_view text, absl::Span<const Unit> units,
                                           std::uint64_t plain) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<std::uint64_t> number = ParseDigits(text.substr(0, digits));
  if (!number) return std::nullopt;
  std::uint64_t factor = plain;
  if (digits < text.size()) {
    const auto* unit = std::find_if(units.begin(), units.end(),
                                    [&](const Unit& u) { return u.suffix == text.substr(digits); });
    if (unit == units.end()) return std::nullopt;
    factor = unit->factor;
  }
  constexpr std::uint64_t kMost = INT64_MAX;
  return *number > kMost / factor ? kMost : *number * factor;
}

std::string FormatWithUnit(std::uint64_t number, absl::Span<const Unit> units,
                           std::string_view zero) {
  if (number == 0) return std::string(zero);
  const auto* unit = std::find_if(units.begin(), units.end(),
                                  [&](const Unit& u) { return number % u.factor == 0; });
  return Concat({std::to_string(number / unit->factor), unit->suffix});
}

// Whether `text` is UTF-8 without control characters, so that it can stand in a file and a message.
bool IsPlainText(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i++]);
    if (first < 0x20 || first == 0x7f) return false;
    if (first < 0x80) continue;
    const std::size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || text.size() - i < more) return false;
    std::uint32_t point = first & (0x3fu >> more);
    for (const std::size_t end = i + more; i < end; ++i) {
      const auto next = static_cast<unsigned char>(text[i]);
      if ((next & 0xc0) != 0x80) return false;
      point = point << 6 | (next & 0x3fu);
    }
    constexpr std::uint32_t kLeast[] = {0x80, 0x800, 0x10000};
    if (point < kLeast[more - 1] || point > 0x10ffff) return false;  // longer than need be
    if (point < 0xa0 || (point >= 0xd800 && point < 0xe000)) return false;
  }
  return true;
}

// A list as TOML, one of strings.
template <typename Elements>
std::string FormatList(const Elements& elements) {
  std::string list = "[";
  for (const auto& element : elements) {
    if (list.size() > 1) list += ", ";
    list += Concat({"\"", element.ToString(), "\""});
  }
  return list + "]";
}

// A number of the setting, as a message or a help text shows it.
std::string FormatNumber(const Setting& setting, std::uint64_t number) {
  switch (setting.kind) {
    case Kind::kSeconds:
    case Kind::kMilliseconds:
      return FormatWithUnit(number, kTimeUnits, "0s");
    case Kind::kBytes:
      return FormatWithUnit(number, kByteUnits, "0");
    default:
      return std::to_string(number);
  }
}

}  // namespace

void Append(const Value& more, Value& list) {
  std::visit(
      [&list](const auto& elements) {
        using List = std::decay_t<decltype(elements)>;
        if constexpr (std::is_same_v<List, std::vector<muster::Endpoint>> ||
                      std::is_same_v<List, std::vector<muster::Cidr>>) {
          List& all = std::get<List>(list);
          all.insert(all.end(), elements.begin(), elements.end());
        }
      },
      more);
}

absl::StatusOr<Value> ParseValue(const Setting& setting, std::string_view text) {
  switch (setting.kind) {
    case Kind::kFlag:
      if (text == "true") return true;
      if (text == "false") return false;
      return Invalid({"expected true or false, not ", Quoted(text)});
    case Kind::kCount:
      if (const auto number = ParseDigits(text)) return *number;
      return Invalid({"expected a whole number, not ", Quoted(text)});
    case Kind::kBytes:
      if (const auto number = ParseWithUnit(text, kByteUnits, 1)) return *number;
      return Invalid({"expected a number of bytes such as 65536, 64K or 4M, not ", Quoted(text)});
    case Kind::kSeconds:
    case Kind::kMilliseconds:
      if (const auto number = ParseWithUnit(text, kTimeUnits, kSecond)) {
        return milliseconds(*number);
      }
      return Invalid({"expected a time such as 90s, 30m, 2h, 1d or 500ms, not ", Quoted(text)});
    case Kind::kChoice: {
      const auto* found = std::find(setting.choices.begin(), setting.choices.end(), text);
      if (found != setting.choices.end()) {
        return static_cast<std::uint64_t>(found - setting.choices.begin());
      }
      return Invalid({"expected ", Placeholder(setting), ", not ", Quoted(text)});
    }
    case Kind::kText:
      if (IsPlainText(text)) return std::string(text);
      return Invalid({"expected text in UTF-8 without control characters, not ", Quoted(text)});
    case Kind::kNetworks:
      if (auto network = muster::Cidr::Parse(text); network.ok()) {
        return std::vector<muster::Cidr>{*network};
      }
      return Invalid(
          {"expected a network such as 192.0.2.0/24, or an address, not ", Quoted(text)});
    case Kind::kEndpoints:
      if (auto endpoint = muster::Endpoint::Parse(text); endpoint.ok()) {
        return std::vector<muster::Endpoint>{*endpoint};
      }
      return Invalid(
          {"expected ADDRESS:PORT such as 0.0.0.0:6969 or [::]:6969, not ", Quoted(text)});
  }
  return absl::InternalError("unknown kind of setting");
}

absl::Status CheckRange(const Setting& setting, const Value& value) {
  if (setting.kind == Kind::kFlag || setting.kind == Kind::kChoice) return absl::OkStatus();
  std::uint64_t number = 0;
  if (const auto* endpoints = std::get_if<std::vector<muster::Endpoint>>(&value)) {
    if (endpoints->size() <= setting.max) return absl::OkStatus();
    return Invalid({"at most ", std::to_string(setting.max), " addresses can be listened on"});
  }
  if (const auto* networks = std::get_if<std::vector<muster::Cidr>>(&value)) {
    if (networks->size() <= setting.max) return absl::OkStatus();
    return Invalid({"at most ", std::to_string(setting.max), " networks can be given"});
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (text->size() <= setting.max) return absl::OkStatus();
    return Invalid({"longer than ", std::to_string(setting.max), " bytes"});
  }
  if (const auto* time = std::get_if<milliseconds>(&value)) {
    number = static_cast<std::uint64_t>(time->count());
  } else {
    number = std::get<std::uint64_t>(value);
  }
  if (number < setting.min || number > setting.max) {
    return Invalid({FormatNumber(setting, number), " is out of range, ",
                    FormatNumber(setting, setting.min), " to ",
                    FormatNumber(setting, setting.max)});
  }
  if (setting.kind == Kind::kSeconds && number % kSecond != 0) {
    return Invalid({FormatNumber(setting, number), " is not a whole number of seconds"});
  }
  return absl::OkStatus();
}

std::string FormatValue(const Setting& setting, const Value& value) {
  switch (setting.kind) {
    case Kind::kFlag:
      return std::get<bool>(value) ? "true" : "false";
    case Kind::kCount:
      return std::to_string(std::get<std::uint64_t>(value));
    case Kind::kBytes: {
      const std::string text = FormatNumber(setting, std::get<std::uint64_t>(value));
      return text.find_first_not_of("0123456789") == text.npos ? text : Concat({"\"", text, "\""});
    }
    case Kind::kSeconds:
    case Kind::kMilliseconds: {
      const auto number = static_cast<std::uint64_t>(std::get<milliseconds>(value).count());
      return Concat({"\"", FormatNumber(setting, number), "\""});
    }
    case Kind::kChoice:
      return Concat({"\"", setting.choices[std::get<std::uint64_t>(value)], "\""});
    case Kind::kText: {
      std::string text = "\"";
      for (char c : std::get<std::string>(value)) {
        if (c == '"' || c == '\\') text += '\\';
        text += c;
      }
      return text + "\"";
    }
    case Kind::kEndpoints:
      return FormatList(std::get<std::vector<muster::Endpoint>>(value));
    case Kind::kNetworks:
      return FormatList(std::get<std::vector<muster::Cidr>>(value));
  }
  return "";
}

std::string Placeholder(const Setting& setting) {
  switch (setting.kind) {
    case Kind::kFlag:
      return "";
    case Kind::kCount:
      return "NUMBER";
    case Kind::kBytes:
      return "BYTES";
    case Kind::kSeconds:
    case Kind::kMilliseconds:
      return "TIME";
    case Kind::kChoice: {
      std::string names;
      for (std::string_view choice : setting.choices) {
        names += Concat({names.empty() ? "" : "|", choice});
      }
      return names;
    }
    case Kind::kText:
      return std::string(setting.placeholder);
    case Kind::kEndpoints:
      return "ADDRESS:PORT";
    case Kind::kNetworks:
      return "NETWORK";
  }
  return "";
}

std::string DefaultAndRange(const Setting& setting) {
  if (setting.kind == Kind::kEndpoints) return "Several addresses may be given.";
  if (setting.kind == Kind::kNetworks) {
    const std::string_view several = "Several networks may be given.";
    if (setting.follows.empty()) return std::string(several);
    return Concat({"Default: ", setting.follows, ". ", several});
  }
  if (setting.kind == Kind::kText) {
    const std::string text = std::get<std::string>(setting.get(Settings()));
    return Concat({"Default: ", text.empty() ? "none" : text, "."});
  }
  const Value value = setting.get(Settings());
  if (setting.kind == Kind::kText && std::get<std::string>(value).empty()) return "Default: none.";
  std::string text = FormatValue(setting, value);
  text.erase(std::remove(text.begin(), text.end(), '"'), text.end());
  if (setting.kind == Kind::kFlag) text = std::get<bool>(value) ? "on" : "off";
  if (!setting.follows.empty()) text = std::string(setting.follows);
  text = Concat({"Default: ", text, "."});
  if (setting.max > 0 && setting.max < kUnlimited) {
    text += Concat({" From ", FormatNumber(setting, setting.min), " to ",
                    FormatNumber(setting, setting.max), "."});
  }
  return text;
}

}  // namespace musterd
