// SPDX-License-Identifier: Apache-2.0
#include "mirror/mirror_request.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/hex.h"
#include "base/text.h"
#include "http/query.h"
#include "metainfo/digest.h"

namespace muster {
namespace {

using Kind = MirrorRequest::Kind;
using Format = MirrorRequest::Format;

// The bytes that percent-encoded text stands for.
std::optional<std::string> Decoded(std::string_view text) {
  std::string decoded(text.size(), '\0');
  const std::optional<std::size_t> size =
      PercentDecode(text, {reinterpret_cast<std::uint8_t*>(decoded.data()), decoded.size()});
  if (!size) return std::nullopt;
  decoded.resize(*size);
  return decoded;
}

// The same in a form, where a '+' is a blank.
std::optional<std::string> DecodedField(std::string_view text) {
  std::string plain(text);
  std::replace(plain.begin(), plain.end(), '+', ' ');
  return Decoded(plain);
}

bool IsDigest(std::string_view text) {
  constexpr std::size_t kDigits = 40;
  return text.size() == kDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// The first word of a header's value, before its parameters.
std::string_view FirstWord(std::string_view value) {
  return FromAbsl(absl::StripAsciiWhitespace(ToAbsl(value.substr(0, value.find(';')))));
}

bool PrefersNoWait(std::string_view prefer) {
  while (!prefer.empty()) {
    const std::string_view item = prefer.substr(0, prefer.find(','));
    prefer.remove_prefix(std::min(item.size() + 1, prefer.size()));
    if (absl::EqualsIgnoreCase(ToAbsl(FirstWord(item)), "respond-async")) return true;
  }
  return false;
}

// Whether a list of media types has JSON before HTML, or without it.
bool PrefersJson(std::string_view accept) {
  const std::size_t json = accept.find("application/json");
  return json != accept.npos && json < accept.find("text/html");
}

// Each step is false when it has refused the request.
class Reader {
 public:
  Reader(const HttpRequest& request, std::string_view service, std::string_view metrics,
         const MirrorRequestLimits& limits)
      : http_(request), service_(service), metrics_(metrics), limits_(limits) {}

  MirrorRequest Read() {
    read_.is_head = http_.method == HttpMethod::kHead;
    if (http_.url.size() > limits_.max_target) {
      Refuse(414, "the target is too long");
    } else if (http_.method == HttpMethod::kOther) {
      Refuse(405, "another method");
    } else if (std::optional<std::string> path = Decoded(http_.path);
               !path || path->find('\0') != path->npos) {
      Refuse(400, "a malformed path");
    } else {
      ReadPath(*std::move(path));
    }
    if (read_.refusal != 0) read_.kind = Kind::kRefused;
    return std::move(read_);
  }

 private:
  bool Refuse(int status, std::string_view reason) {
    read_.refusal = status;
    read_.reason = reason;
    return false;
  }
  bool RefuseAsNothing() { return Refuse(404, "nothing is here"); }
  bool RefuseMethod() { return Refuse(405, "another method"); }

  bool ReadPath(std::string path) {
    if (!metrics_.empty() && path == metrics_) return ReadPage(Kind::kMetrics);
    const std::optional<std::string> rest = BelowService(path);
    if (!rest) return ReadFile(std::move(path));
    const std::size_t slash = std::min(rest->find('/', 1), rest->size());
    const std::string endpoint = rest->substr(0, slash);
    const std::string argument = rest->substr(slash);
    if (endpoint == "/digest") return ReadSet(argument.substr(argument.rfind('/') + 1));
    if (endpoint == "/single") return ReadSingle(argument);
    if (endpoint == "/nullfile") return ReadNullFile(argument);
    if (*rest == "/") return ReadPage(Kind::kIndex);
    return RefuseAsNothing();
  }

  // What follows the service's name, which is not the first one; nothing when it is not there.
  std::optional<std::string> BelowService(const std::string& path) const {
    const std::string name = absl::StrCat("/", ToAbsl(service_));
    const std::size_t first = path.find_first_not_of('/');
    if (first == path.npos) return std::nullopt;
    for (std::size_t at = path.find(name, first); at != path.npos; at = path.find(name, at + 1)) {
      const std::size_t end = at + name.size();
      if (end == path.size() || path[end] == '/') return path.substr(end);
    }
    return std::nullopt;
  }

  bool ReadFile(std::string path) {
    if (http_.method == HttpMethod::kPost) return RefuseMethod();
    read_.kind = Kind::kFile;
    read_.path = std::move(path);
    return true;
  }

  bool ReadPage(Kind kind) {
    if (http_.method == HttpMethod::kPost) return RefuseMethod();
    read_.kind = kind;
    read_.wants_json = PrefersJson(http_.Header("Accept"));
    if (!ReadFields(http_.query, /*paths=*/false)) return false;
    read_.wants_json |= read_.format == Format::kJson;
    return true;
  }

  bool ReadSet(std::string digest) {
    if (!IsDigest(digest)) return RefuseAsNothing();
    read_.kind = Kind::kDigest;
    read_.digest = std::move(digest);
    read_.wants_no_wait = PrefersNoWait(http_.Header("Prefer"));
    return ReadFields(http_.query, /*paths=*/true) && ReadBody();
  }

  bool ReadBody() {
    if (http_.method != HttpMethod::kPost) return true;
    const bool has_length =
        !http_.Header("Content-Length").empty() || !http_.Header("Transfer-Encoding").empty();
    if (!has_length && read_.specs.empty()) return Refuse(411, "a form without a length");
    if (http_.body.empty()) return true;
    if (http_.body.size() > limits_.max_form) return Refuse(413, "the form is too long");
    const std::string_view type = FirstWord(http_.Header("Content-Type"));
    if (!type.empty() &&
        !absl::EqualsIgnoreCase(ToAbsl(type), "application/x-www-form-urlencoded")) {
      return Refuse(415, "a form in another coding");
    }
    return ReadFields(http_.body, /*paths=*/true);
  }

  bool ReadSingle(const std::string& path) {
    if (path.size() < 2) return RefuseAsNothing();
    read_.kind = Kind::kSingle;
    read_.specs = {path};
    read_.digest = DigestOfPaths(read_.specs);
    read_.wants_no_wait = PrefersNoWait(http_.Header("Prefer"));
    return ReadFields(http_.query, /*paths=*/false);
  }

  bool ReadNullFile(const std::string& argument) {
    const std::string_view name = std::string_view(argument).substr(argument.empty() ? 0 : 1);
    const std::string_view digits = name.substr(0, name.find('_'));
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), read_.size);
    if (error != std::errc() || end != digits.data() + digits.size() || read_.size < 0) {
      return RefuseAsNothing();
    }
    read_.kind = Kind::kNullFile;
    return true;
  }

  bool ReadFields(std::string_view fields, bool paths) {
    QueryReader reader(fields);
    while (reader.Next()) {
      if (reader.name() == "format") {
        if (!ReadFormat(reader.value())) return Refuse(400, "no such format");
      } else if (paths && reader.name() == "p") {
        std::optional<std::string> path = DecodedField(reader.value());
        if (!path) return Refuse(400, "a malformed path");
        if (read_.specs.size() == limits_.max_paths) return Refuse(413, "too many paths");
        read_.specs.push_back(*std::move(path));
      }
    }
    return true;
  }

  bool ReadFormat(std::string_view name) {
    constexpr std::pair<std::string_view, Format> kFormats[] = {
        {"torrent", Format::kTorrent}, {"magnet", Format::kMagnet}, {"json", Format::kJson}};
    for (const auto& [known, format] : kFormats) {
      if (name != known) continue;
      read_.format = format;
      return true;
    }
    return false;
  }

  const HttpRequest& http_;
  const std::string_view service_;
  const std::string_view metrics_;
  const MirrorRequestLimits& limits_;
  MirrorRequest read_;
};

}  // namespace

MirrorRequest ReadMirrorRequest(const HttpRequest& request, std::string_view service,
                                std::string_view metrics, const MirrorRequestLimits& limits) {
  return Reader(request, service, metrics, limits).Read();
}

std::string DigestOfPaths(const std::vector<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) {
    if (&path != &paths.front()) text += '\n';
    text += path;
  }
  return HexEncode(Sha1Of(text));
}

}  // namespace muster
