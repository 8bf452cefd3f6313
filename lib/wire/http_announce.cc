// SPDX-License-Identifier: Apache-2.0
#include "wire/http_announce.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <system_error>

#include "base/bytes.h"
#include "http/query.h"
#include "muster/bencode.h"
#include "muster/peer_details.h"
#include "muster/refusal.h"
#include "wire/http_parameter.h"

namespace muster {
namespace {

enum class Parameter : std::uint8_t {
  kUnknown,
  kCompact,
  kCompact6,
  kDownloaded,
  kEvent,
  kInfoHash,
  kKey,
  kLeft,
  kNoPeerId,
  kNumwant,
  kPeerId,
  kPort,
  kUploaded,
  // What only some trackers ask of an announce.
  kCheckSeeded,
  kCryptoPort,
  kIp,
  kPassword,
  kRequireCrypto,
  kScrape,
  kSeedId,
  kSupportCrypto,
  kTracker,
};

// Whether `name`, which is as long as `text`, is `text`: a comparison of one or two words.
template <std::size_t kSize>
bool Is(std::string_view name, const char (&text)[kSize]) {
  return std::memcmp(name.data(), text, kSize - 1) == 0;
}

Parameter ParameterOf(std::string_view name) {
  switch (name.size()) {
    case 3:
      if (Is(name, "key")) return Parameter::kKey;
      break;
    case 4:
      if (Is(name, "port")) return Parameter::kPort;
      if (Is(name, "left")) return Parameter::kLeft;
      break;
    case 5:
      if (Is(name, "event")) return Parameter::kEvent;
      break;
    case 7:
      if (Is(name, "peer_id")) return Parameter::kPeerId;
      if (Is(name, "numwant")) return Parameter::kNumwant;
      if (Is(name, "compact")) return Parameter::kCompact;
      break;
    case 8:
      if (Is(name, "uploaded")) return Parameter::kUploaded;
      if (Is(name, "compact6")) return Parameter::kCompact6;
      break;
    case 9:
      if (Is(name, "info_hash")) return Parameter::kInfoHash;
      break;
    case 10:
      if (Is(name, "downloaded")) return Parameter::kDownloaded;
      if (Is(name, "no_peer_id")) return Parameter::kNoPeerId;
      break;
    default:
      break;
  }
  return Parameter::kUnknown;
}

Parameter ParameterOfSent(std::string_view name) {
  const Parameter parameter = ParameterOf(name);
  if (parameter != Parameter::kUnknown || name.find('%') == std::string_view::npos) {
    return parameter;
  }
  DecodedText<16> decoded;  // no name that we know is as long
  const std::optional<std::string_view> text = decoded.Decode(name);
  return text ? ParameterOf(*text) : Parameter::kUnknown;
}

Parameter MoreParameterOfSent(std::string_view name) {
  if (IsParameter(name, "cryptoport")) return Parameter::kCryptoPort;
  if (IsParameter(name, "supportcrypto")) return Parameter::kSupportCrypto;
  if (IsParameter(name, "requirecrypto")) return Parameter::kRequireCrypto;
  if (IsParameter(name, "ip")) return Parameter::kIp;
  if (IsParameter(name, "tracker")) return Parameter::kTracker;
  if (IsParameter(name, "password")) return Parameter::kPassword;
  if (IsParameter(name, "seed_id")) return Parameter::kSeedId;
  if (IsParameter(name, "check_seeded")) return Parameter::kCheckSeeded;
  if (IsParameter(name, "scrape")) return Parameter::kScrape;
  return Parameter::kUnknown;
}

// Which parameters an announce had so far.
class SeenParameters {
 public:
  // False where it had this one before.
  bool Add(Parameter parameter) {
    const std::uint32_t bit = std::uint32_t{1} << static_cast<unsigned>(parameter);
    const bool is_new = (bits_ & bit) == 0;
    bits_ |= bit;
    return is_new;
  }

 private:
  std::uint32_t bits_ = 0;
};

struct Number {
  enum Kind : std::uint8_t { kValue, kNegative, kTooBig, kNotANumber };
  Kind kind;
  std::uint64_t value = 0;
};

Number ParseNumber(std::string_view sent) {
  // Nearly all are a few plain digits.
  std::uint64_t plain = 0;
  std::size_t digits = 0;
  for (; digits < sent.size() && digits < 19; ++digits) {
    const unsigned digit = static_cast<unsigned char>(sent[digits]) - unsigned{'0'};
    if (digit > 9) break;
    plain = plain * 10 + digit;
  }
  if (digits == sent.size() && digits != 0) return {Number::kValue, plain};

  DecodedText<kMaxParameterValue> decoded;
  const std::optional<std::string_view> text = decoded.Decode(sent);
  if (!text || text->empty()) return {Number::kNotANumber};
  const bool negative = text->front() == '-';
  const char* const begin = text->data() + (negative ? 1 : 0);
  const char* const end = text->data() + text->size();
  std::uint64_t value = 0;
  const auto [parsed, error] = std::from_chars(begin, end, value);
  if (parsed == begin || parsed != end) return {Number::kNotANumber};
  if (negative) return {Number::kNegative};
  if (error == std::errc::result_out_of_range) return {Number::kTooBig};
  return {Number::kValue, value};
}

Event ParseEvent(std::string_view sent) {
  DecodedText<16> decoded;
  const std::optional<std::string_view> text = decoded.Decode(sent);
  if (text == "started") return Event::kStarted;
  if (text == "completed") return Event::kCompleted;
  if (text == "stopped") return Event::kStopped;
  if (text == "paused") return Event::kPaused;
  return Event::kNone;
}

bool IsZero(std::string_view sent) {
  const Number number = ParseNumber(sent);
  return number.kind == Number::kValue && number.value == 0;
}

bool ParseKey(std::string_view sent, std::uint32_t& key) {
  DecodedText<kMaxParameterValue> decoded;
  const std::optional<std::string_view> text = decoded.Decode(sent);
  if (!text) return false;
  key = KeyNumber(*text);
  return true;
}

// The key's first kMaxParameterValue bytes, as many as are kept of it (AnnounceDetails::kMaxKey);
// empty where they are malformed.
std::string KeyTextOf(std::string_view sent) {
  std::size_t end = 0;
  for (std::size_t n = 0; n < kMaxParameterValue && end < sent.size(); ++n)
    end += sent[end] == '%' ? 3 : 1;
  DecodedText<kMaxParameterValue> decoded;
  return std::string(decoded.Decode(sent.substr(0, end)).value_or(std::string_view()));
}

absl::Status Bad(const char* text) { return absl::InvalidArgumentError(text); }

// What is not of every announce; `crypto_port` takes the place of the port.
void TakeMore(Parameter parameter, std::string_view value, HttpAnnounceMore& more,
              std::optional<std::uint16_t>& crypto_port) {
  const auto text = [&] {
    DecodedText<kMaxParameterValue> decoded;
    return std::string(decoded.Decode(value).value_or(std::string_view()));
  };
  switch (parameter) {
    case Parameter::kCryptoPort: {
      const Number number = ParseNumber(value);
      if (number.kind == Number::kValue && number.value <= 65535)
        crypto_port = static_cast<std::uint16_t>(number.value);
      break;
    }
    case Parameter::kSupportCrypto:
      more.supports_crypto = !IsZero(value);
      break;
    case Parameter::kRequireCrypto:
      more.wants_crypto = !IsZero(value);
      break;
    case Parameter::kIp: {
      const absl::StatusOr<IpAddress> address = IpAddress::Parse(text());
      if (address.ok()) more.ip = *address;
      break;
    }
    case Parameter::kTracker:
      more.is_tracker = !IsZero(value);
      break;
    case Parameter::kPassword:
      more.password = text();
      break;
    case Parameter::kSeedId:
      more.seed_id = text();
      break;
    case Parameter::kCheckSeeded:
      more.check_seeded = !IsZero(value);
      break;
    case Parameter::kScrape:
      more.wants_scrape = !IsZero(value);
      break;
    default:
      break;
  }
}

// Reads what every tracker wants, and with more the rest, into `more`: then the first of repeated
// parameters counts, which those who want no more need not watch for.
template <bool kWithMore>
absl::StatusOr<HttpAnnounce> Decode(std::string_view query, const IpAddress& from, PeerIdIs peer_id,
                                    HttpAnnounceMore* more) {
  absl::StatusOr<HttpAnnounce> result(absl::in_place);
  HttpAnnounce& announce = *result;
  AnnounceRequest& request = announce.request;
  bool has_info_hash = false;
  bool has_peer_id = false;
  std::optional<std::uint16_t> port;
  bool bad_port = false;
  std::optional<std::uint16_t> crypto_port;
  bool refuses_compact6 = false;
  SeenParameters seen;
  std::size_t parameters = 0;
  QueryReader reader(query);
  while (reader.Next()) {
    if (++parameters > kMaxAnnounceParameters) return Bad("too many parameters");
    const std::string_view value = reader.value();
    if (!kWithMore && value.empty()) continue;
    Parameter parameter = ParameterOfSent(reader.name());
    if constexpr (kWithMore) {
      if (parameter == Parameter::kUnknown) parameter = MoreParameterOfSent(reader.name());
      if (!seen.Add(parameter) || value.empty()) continue;
    }
    switch (parameter) {
      case Parameter::kInfoHash:
        if (has_info_hash) return Bad("info_hash is given twice");
        if (!DecodeId(value, request.info_hash)) {
          return Bad("info_hash is not 20 percent-encoded bytes");
        }
        has_info_hash = true;
        break;
      case Parameter::kPeerId:
        if (!DecodeId(value, request.peer_id))
          return Bad("peer_id is not 20 percent-encoded bytes");
        has_peer_id = true;
        break;
      case Parameter::kPort: {
        const Number number = ParseNumber(value);
        bad_port = number.kind != Number::kValue || number.value > 65535;
        port = static_cast<std::uint16_t>(number.value);
        break;
      }
      case Parameter::kLeft: {
        const Number number = ParseNumber(value);
        if (number.kind == Number::kNotANumber) return Bad("left is not a number");
        request.left = number.kind == Number::kValue ? number.value : AnnounceRequest::kUnknownLeft;
        break;
      }
      case Parameter::kUploaded:
        request.uploaded = ParseNumber(value).value;
        break;
      case Parameter::kDownloaded:
        request.downloaded = ParseNumber(value).value;
        break;
      case Parameter::kEvent:
        request.event = ParseEvent(value);
        break;
      case Parameter::kNumwant: {
        const Number number = ParseNumber(value);
        if (number.kind == Number::kNotANumber) return Bad("numwant is not a number");
        constexpr std::uint64_t kMost = std::numeric_limits<std::int32_t>::max();
        request.numwant = number.kind == Number::kNegative ? AnnounceRequest::kDefaultNumwant
                          : number.kind == Number::kTooBig
                              ? static_cast<std::int32_t>(kMost)
                              : static_cast<std::int32_t>(std::min(number.value, kMost));
        break;
      }
      case Parameter::kCompact:
        announce.compact = !IsZero(value);
        announce.asks_for_compact = announce.compact;
        break;
      case Parameter::kCompact6:
        refuses_compact6 = IsZero(value);
        break;
      case Parameter::kNoPeerId:
        announce.no_peer_id = !IsZero(value);
        break;
      case Parameter::kKey:
        if constexpr (kWithMore) {
          more->key = KeyTextOf(value);
          request.key = KeyNumber(more->key);
        } else if (!ParseKey(value, request.key)) {
          return Bad("key is malformed or longer than 64 bytes");
        }
        break;
      default:
        if constexpr (kWithMore) TakeMore(parameter, value, *more, crypto_port);
        break;
    }
  }
  announce.refuses_compact = !announce.compact || refuses_compact6;
  if (!has_info_hash) return Bad("info_hash is missing");
  if (!has_peer_id && peer_id == PeerIdIs::kRequired) return Bad("peer_id is missing");
  if (crypto_port) {
    port = crypto_port;
  } else if (bad_port) {
    return Bad("port is not a number from 0 to 65535");
  }
  if (!port) return Bad("port is missing");
  request.peer = Endpoint(from, *port);
  return result;
}

}  // namespace

absl::StatusOr<HttpAnnounce> DecodeHttpAnnounce(std::string_view query, const IpAddress& from,
                                                PeerIdIs peer_id) {
  return Decode<false>(query, from, peer_id, nullptr);
}

absl::StatusOr<HttpAnnounce> DecodeHttpAnnounce(std::string_view query, const IpAddress& from,
                                                HttpAnnounceMore& more) {
  more = HttpAnnounceMore();
  absl::StatusOr<HttpAnnounce> announce = Decode<true>(query, from, PeerIdIs::kRequired, &more);
  more.requires_crypto = more.wants_crypto && more.supports_crypto;
  return announce;
}

void EncodeHttpAnnounce(const AnnounceAnswer& answer, const PeerBatch& peers,
                        const HttpAnnounce& announce, std::string& out,
                        const HttpAnswerMore& more) {
  const IpAddress asking = announce.request.peer.address();
  BencodeWriter writer(&out);
  writer.BeginDict();
  writer.Key("complete").Int(answer.counts.complete());
  if (!more.crypto_flags.empty()) writer.Key("crypto_flags").String(TextOf(more.crypto_flags));
  if (!more.as_bttrack) {
    writer.Key("downloaded").Int(answer.counts.completed);
    writer.Key("external ip").String(TextOf(asking.bytes()));
  }
  writer.Key("incomplete").Int(answer.counts.incomplete());
  writer.Key("interval").Int(answer.interval.count());
  if (!more.as_bttrack) writer.Key("min interval").Int(answer.min_interval.count());
  if (more.as_bttrack && peers.size() == 0) {
    if (!more.leaves_out_no_peers) writer.Key("peers").BeginList().End();
  } else if (announce.compact) {
    writer.Key("peers").String(TextOf(peers.compact(AddressFamily::kIpv4)));
    if (peers.size(AddressFamily::kIpv6) > 0 ||
        (asking.family() == AddressFamily::kIpv6 && !more.as_bttrack)) {
      writer.Key("peers6").String(TextOf(peers.compact(AddressFamily::kIpv6)));
    }
  } else {
    writer.Key("peers").BeginList();
    for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
      const absl::Span<const PeerId> ids = peers.ids(family);
      for (std::size_t i = 0; i < peers.size(family); ++i) {
        const Endpoint peer = peers.peer(family, i);
        writer.BeginDict().Key("ip").String(peer.address().ToString());
        if (!announce.no_peer_id && !ids.empty() && ids[i] != PeerId())
          writer.Key("peer id").String(ids[i].text());
        writer.Key("port").Int(peer.port()).End();
      }
    }
    writer.End();
  }
  if (more.has_scrape) {
    writer.Key("scrape").BeginDict();
    writer.Key("complete").Int(answer.counts.complete());
    writer.Key("downloaded").Int(answer.counts.completed);
    writer.Key("incomplete").Int(answer.counts.incomplete()).End();
  }
  if (more.seeded) writer.Key("seeded").Int(1);
  if (!more.warning.empty()) writer.Key("warning message").String(more.warning);
  writer.End();
  writer.Finish().IgnoreError();  // the shape is fixed
}

void EncodeHttpFailure(const absl::Status& status, std::string& out) {
  BencodeWriter writer(&out);
  writer.BeginDict().Key("failure reason").String(ClientText(status));
  if (const std::optional<RetryIn> retry = RetryInOf(status)) {
    writer.Key("retry in");
    if (retry->after) {
      writer.Int(retry->after->count());
    } else {
      writer.String("never");
    }
  }
  writer.End();
  writer.Finish().IgnoreError();  // the shape is fixed
}

}  // namespace muster
