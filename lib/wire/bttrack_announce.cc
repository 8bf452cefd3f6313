// SPDX-License-Identifier: Apache-2.0
#include "wire/bttrack_announce.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "http/query.h"
#include "wire/http_announce.h"
#include "wire/http_parameter.h"

namespace muster {
namespace {

constexpr std::array<std::string_view, 5> kEvents = {"started", "completed", "stopped", "snooped",
                                                     "paused"};

// Whether `sent` is a whole number of at least 0 and at most `most`.
bool IsNumber(std::string_view sent, std::uint64_t most) {
  DecodedText<kMaxParameterValue> decoded;
  const std::optional<std::string_view> text = decoded.Decode(sent);
  if (!text || text->empty()) return false;
  std::uint64_t number = 0;
  const char* const end = text->data() + text->size();
  const auto [parsed, error] = std::from_chars(text->data(), end, number);
  if (parsed != end) return false;
  // More than 64 bits is a lot.
  return error == std::errc::result_out_of_range ? most == ~std::uint64_t{0} : number <= most;
}

bool IsEvent(std::string_view sent) {
  DecodedText<16> decoded;
  const std::optional<std::string_view> text = decoded.Decode(sent);
  return text && std::find(kEvents.begin(), kEvents.end(), *text) != kEvents.end();
}

absl::Status Wrong(const char* text) { return absl::InvalidArgumentError(text); }

}  // namespace

absl::Status CheckBttrackAnnounce(std::string_view query, std::optional<InfoHash>& info_hash) {
  // Of repeated ones the first counts.
  std::optional<std::string_view> hash, peer_id, event, port, cryptoport, left;
  std::size_t parameters = 0;
  QueryReader reader(query);
  while (reader.Next() && ++parameters <= kMaxAnnounceParameters) {
    const auto take = [&](std::string_view name, std::optional<std::string_view>& to) {
      if (!to && IsParameter(reader.name(), name)) to = reader.value();
    };
    take("info_hash", hash);
    take("peer_id", peer_id);
    take("event", event);
    take("port", port);
    take("cryptoport", cryptoport);
    take("left", left);
  }
  InfoHash id_of_torrent;
  if (hash && DecodeId(*hash, id_of_torrent)) info_hash = id_of_torrent;
  if (!info_hash) return Wrong("no info hash");
  PeerId id;
  if (!peer_id || !DecodeId(*peer_id, id)) return Wrong("id not of length 20");
  if (event && !IsEvent(*event)) return Wrong("invalid event");
  if (cryptoport) port = cryptoport;
  if (!port || !IsNumber(*port, 65535)) return Wrong("invalid port");
  if (!left || !IsNumber(*left, ~std::uint64_t{0})) return Wrong("invalid amount left");
  return absl::OkStatus();
}

}  // namespace muster
