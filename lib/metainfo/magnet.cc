// SPDX-License-Identifier: Apache-2.0
#include "muster/magnet.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/hex.h"
#include "base/text.h"
#include "muster/metainfo.h"

namespace muster {
namespace {

constexpr std::string_view kScheme = "magnet:?";
constexpr std::string_view kBtih = "urn:btih:";
constexpr std::string_view kBtmh = "urn:btmh:";
// The multihash header of a SHA-256 of 32 bytes.
constexpr std::string_view kSha256Code = "1220";

absl::Status Error(std::string_view what, std::size_t at) {
  return absl::InvalidArgumentError(absl::StrCat("magnet: ", ToAbsl(what), " at byte ", at));
}

bool StartsWithIgnoringCase(std::string_view text, std::string_view prefix) {
  return absl::StartsWithIgnoreCase(ToAbsl(text), ToAbsl(prefix));
}

// What stands before the first `separator` of `text`, which is left with what stands behind it.
std::string_view TakeUntil(char separator, std::string_view& text) {
  const std::size_t at = text.find(separator);
  const std::string_view taken = text.substr(0, at);
  text = at == text.npos ? std::string_view() : text.substr(at + 1);
  return taken;
}

std::string Decode(std::string_view text, bool plus_is_blank) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::uint8_t byte;
    if (text[i] == '%' && HexDecode(text.substr(i + 1, 2), absl::MakeSpan(&byte, 1))) {
      decoded.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      decoded.push_back(plus_is_blank && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return decoded;
}

// All of `text`, in decimal digits.
template <typename Number>
bool DecodeNumber(std::string_view text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end && text[0] != '-';
}

// 32 digits of RFC 4648 base32, in either case, for 20 bytes.
std::optional<InfoHash> FromBase32(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  std::array<std::uint8_t, InfoHash::kSize> bytes;
  std::uint64_t bits = 0;
  unsigned count = 0;
  std::size_t size = 0;
  for (const char c : text) {
    const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
    const int digit = lower >= 'a' && lower <= 'z'   ? lower - 'a'
                      : lower >= '2' && lower <= '7' ? lower - '2' + 26
                                                     : -1;
    if (digit < 0) return std::nullopt;
    bits = bits << 5 | static_cast<unsigned>(digit);
    count += 5;
    if (count < 8) continue;
    count -= 8;
    bytes[size++] = static_cast<std::uint8_t>(bits >> count);
  }
  return InfoHash::FromBytes(bytes.data());
}

// "tr" of "tr", "TR" and "tr.12".
std::string ParameterName(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot != name.npos && dot + 1 < name.size() &&
      name.find_first_not_of("0123456789", dot + 1) == name.npos) {
    name = name.substr(0, dot);
  }
  return absl::AsciiStrToLower(ToAbsl(name));
}

class LinkReader {
 public:
  explicit LinkReader(const MagnetLimits& limits) : limits_(limits) {}

  absl::StatusOr<Magnet> Read(std::string_view link) {
    if (link.size() > limits_.max_size) {
      return Error(absl::StrCat("more than ", limits_.max_size, " bytes"), limits_.max_size);
    }
    if (!StartsWithIgnoringCase(link, kScheme)) return Error("expected \"magnet:?\"", 0);
    std::size_t parameters = 0;
    for (std::string_view rest = link.substr(kScheme.size()); !rest.empty();) {
      const std::size_t at = link.size() - rest.size();
      std::string_view value = TakeUntil('&', rest);
      if (value.empty()) continue;
      if (++parameters > limits_.max_parameters) {
        return Error(absl::StrCat("more than ", limits_.max_parameters, " parameters"), at);
      }
      const std::string name = ParameterName(Decode(TakeUntil('=', value), false));
      const absl::Status status = ReadParameter(name, value, at);
      if (!status.ok()) return status;
    }
    if (!magnet_.info_hashes.v1 && !magnet_.info_hashes.v2) {
      return Error("no xt with an info hash", link.size());
    }
    return std::move(magnet_);
  }

 private:
  absl::Status ReadParameter(std::string_view name, std::string_view value, std::size_t at) {
    std::string text = Decode(value, /*plus_is_blank=*/name == "dn");
    if (name == "xt") return ReadTopic(text, at);
    if (name == "so") return ReadFiles(text, at);
    if (text.empty()) return absl::OkStatus();
    if (name == "dn" && magnet_.name.empty()) {
      magnet_.name = std::move(text);
    } else if (name == "xl") {
      std::int64_t length;
      if (!magnet_.length && DecodeNumber(text, length)) magnet_.length = length;
    } else if (name == "tr") {
      magnet_.trackers.push_back(std::move(text));
    } else if (name == "ws") {
      magnet_.web_seeds.push_back(std::move(text));
    } else if (name == "x.pe") {
      if (absl::StatusOr<HostPort> peer = HostPort::Parse(text); peer.ok()) {
        magnet_.peers.push_back(*std::move(peer));
      }
    }
    return absl::OkStatus();
  }

  // A link may have topics of other networks beside ours.
  absl::Status ReadTopic(std::string_view topic, std::size_t at) {
    if (StartsWithIgnoringCase(topic, kBtih)) {
      const std::string_view digits = topic.substr(kBtih.size());
      std::optional<InfoHash> hash = FromBase32(digits);
      if (const auto hex = InfoHash::FromHex(digits); hex.ok()) hash = *hex;
      if (!hash) return Error("a btih that is neither 40 hexadecimal nor 32 base32 digits", at);
      return Take(*hash, magnet_.info_hashes.v1, at);
    }
    if (StartsWithIgnoringCase(topic, kBtmh)) {
      const std::string_view digits = topic.substr(kBtmh.size());
      const auto hash =
          InfoHashV2::FromHex(digits.substr(std::min(digits.size(), kSha256Code.size())));
      if (digits.substr(0, kSha256Code.size()) != kSha256Code || !hash.ok()) {
        return Error("a btmh that is not 1220 and 64 hexadecimal digits", at);
      }
      return Take(*hash, magnet_.info_hashes.v2, at);
    }
    return absl::OkStatus();
  }

  template <typename Hash>
  static absl::Status Take(const Hash& hash, std::optional<Hash>& to, std::size_t at) {
    if (to && *to != hash) return Error("another info hash of the same kind", at);
    to = hash;
    return absl::OkStatus();
  }

  // "0,2,4-7"
  absl::Status ReadFiles(std::string_view text, std::size_t at) {
    std::vector<Magnet::FileRange>& files = magnet_.files;
    while (!text.empty()) {
      std::string_view last = TakeUntil(',', text);
      const bool is_range = last.find('-') != last.npos;
      const std::string_view first = is_range ? TakeUntil('-', last) : last;
      Magnet::FileRange range;
      if (!DecodeNumber(first, range.first) || !DecodeNumber(last, range.last) ||
          range.last < range.first) {
        continue;
      }
      if (++ranges_ > limits_.max_parameters) {
        return Error(absl::StrCat("more than ", limits_.max_parameters, " ranges of files"), at);
      }
      files.push_back(range);
    }
    // In order, and what overlaps or touches made one.
    std::sort(files.begin(), files.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::size_t size = 0;
    for (const Magnet::FileRange& range : files) {
      if (size > 0 && range.first <= std::uint64_t{files[size - 1].last} + 1) {
        files[size - 1].last = std::max(files[size - 1].last, range.last);
      } else {
        files[size++] = range;
      }
    }
    files.resize(size);
    return absl::OkStatus();
  }

  const MagnetLimits& limits_;
  Magnet magnet_;
  std::size_t ranges_ = 0;
};

}  // namespace

absl::StatusOr<Magnet> Magnet::Parse(std::string_view link, const MagnetLimits& limits) {
  return LinkReader(limits).Read(link);
}

Magnet Magnet::Of(const Metainfo& torrent) {
  Magnet magnet;
  magnet.info_hashes = torrent.info_hashes();
  magnet.name = std::string(torrent.name());
  magnet.length = torrent.content_length();
  for (const auto& tier : torrent.trackers()) {
    magnet.trackers.insert(magnet.trackers.end(), tier.begin(), tier.end());
  }
  magnet.web_seeds.assign(torrent.web_seeds().begin(), torrent.web_seeds().end());
  return magnet;
}

std::string Magnet::ToString() const {
  std::string link = "magnet:";
  const auto begin = [&link](std::string_view key) {
    link.push_back(link.back() == ':' ? '?' : '&');
    link.append(key).push_back('=');
  };
  const auto add = [&](std::string_view key, std::string_view value) {
    begin(key);
    AppendPercentEncoded(value, link);
  };
  // The colons of topics, and the commas of ranges, stand as they are.
  if (info_hashes.v1) {
    begin("xt");
    link.append(kBtih).append(info_hashes.v1->ToHex());
  }
  if (info_hashes.v2) {
    begin("xt");
    link.append(kBtmh).append(kSha256Code).append(info_hashes.v2->ToHex());
  }
  if (!name.empty()) add("dn", name);
  if (length) add("xl", absl::StrCat(*length));
  for (const std::string& url : trackers) add("tr", url);
  for (const std::string& url : web_seeds) add("ws", url);
  for (const HostPort& peer : peers) add("x.pe", peer.ToString());
  if (!files.empty()) begin("so");
  for (const FileRange& range : files) {
    if (&range != files.data()) link.push_back(',');
    absl::StrAppend(&link, range.first);
    if (range.last != range.first) absl::StrAppend(&link, "-", range.last);
  }
  return link;
}

}  // namespace muster
