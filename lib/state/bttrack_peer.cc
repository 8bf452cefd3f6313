// SPDX-License-Identifier: Apache-2.0
#include "state/bttrack_peer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "muster/bencode.h"
#include "muster/nat_record.h"
#include "muster/state_formats.h"
#include "swarm/peer_name.h"

namespace muster {
namespace {

using Kind = BencodeTokens::Kind;

// What a peer's dictionary has said so far, beside its side record.
struct Fields {
  std::string ip;
  std::optional<std::int64_t> port;
  std::optional<std::int64_t> left;
  const char* error = nullptr;
};

bool IsOneOf(std::string_view key, std::initializer_list<std::string_view> keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// Takes the value that was read in, whose bytes are `raw`. Returns whether it goes to the side.
bool Take(std::string_view key, const BencodeTokens& tokens, Fields& fields) {
  const bool is_int = tokens.kind() == Kind::kInt;
  const bool is_text = tokens.kind() == Kind::kString;
  if (key == "ip") {
    constexpr std::size_t kLongestIp = 64;
    if (!is_text || tokens.text().size() > kLongestIp) fields.error = "a peer's ip is no address";
    if (is_text) fields.ip.assign(tokens.text().substr(0, kLongestIp));
    return false;
  }
  if (key == "port") {
    if (is_int) fields.port = tokens.number();
    if (!is_int) fields.error = "a peer's port is no number";
    return false;
  }
  if (key == "left") {
    if (is_int) fields.left = tokens.number();
    if (!is_int || tokens.number() < 0) fields.error = "a peer's left is no number from 0 on";
    return is_int && tokens.number() != 0;
  }
  if (IsOneOf(key, {"requirecrypto", "supportcrypto"})) {
    if (!is_int) fields.error = "a peer's crypto flag is no number";
    return is_int && tokens.number() != 0;
  }
  if (key == "nat" && !is_int) fields.error = "a peer's nat is no number";
  if (IsOneOf(key, {"given ip", "key"}) && !is_text) fields.error = "a peer's key is no text";
  return true;
}

// Puts what the fields say into the peer; null, or what is wrong with them.
const char* Finish(const Fields& fields, SavedPeer& peer) {
  if (fields.error != nullptr) return fields.error;
  if (fields.ip.empty()) return "a peer without an ip";
  if (!fields.port) return "a peer without a port";
  if (*fields.port < 0 || *fields.port > 65535) return "a peer's port is not one from 0 to 65535";
  if (!fields.left) return "a peer without left";
  const absl::StatusOr<IpAddress> address = IpAddress::Parse(fields.ip);
  if (!address.ok()) return "a peer's ip is no address";
  peer.peer = Endpoint(*address, static_cast<std::uint16_t>(*fields.port));
  peer.state = *fields.left == 0 ? PeerState::kSeeder : PeerState::kDownloader;
  peer.completed = false;
  return nullptr;
}

// Written another way than muster does it, such as ::ffff:192.0.2.1, the address goes to the side
// too, at its place: behind "given ip".
void KeepSpelling(const std::string& ip, SavedPeer& peer) {
  if (peer.peer.address().ToString() == ip) return;
  std::string entry = "2:ip";
  AppendBencodeString(ip, entry);
  std::size_t at = 1;
  BencodeDocument document;
  const std::string ended = peer.side + "e";
  if (document.Decode(ended).ok()) {
    for (const BencodeEntry& other : document.root().entries()) {
      if (other.key < "ip") at = other.value.offset() + other.value.source().size();
    }
  }
  peer.side.insert(at, entry);
}

}  // namespace

void AppendBencodeString(std::string_view text, std::string& to) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, text.size());
  to.append(digits, end).append(1, ':').append(text);
}

void AppendBencodeInt(std::int64_t number, std::string& to) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  to.append(1, 'i').append(digits, end).append(1, 'e');
}

bool ReadBttrackPeer(BencodeTokens& tokens, SavedPeer& peer, const char*& error) {
  error = nullptr;
  peer.side = "d";
  if (!tokens.Next()) return false;
  if (tokens.kind() != Kind::kDict) {
    error = "a peer that is no dictionary";
    return false;
  }
  Fields fields;
  std::string key;
  while (tokens.Next()) {
    if (tokens.kind() == Kind::kEnd) {
      error = Finish(fields, peer);
      if (error != nullptr) return false;
      KeepSpelling(fields.ip, peer);
      peer.side += 'e';
      return true;
    }
    key.assign(tokens.text());
    const std::size_t before = peer.side.size();
    AppendBencodeString(key, peer.side);
    tokens.CaptureTo(&peer.side, kMaxPeerSide);
    if (!tokens.Next()) return false;
    const bool goes_to_side = Take(key, tokens, fields);
    if (!tokens.FinishValue()) return false;
    tokens.CaptureTo(nullptr);
    if (!goes_to_side) peer.side.resize(before);
  }
  return false;
}

void AppendBttrackPeer(const SavedPeer& peer, bool taken_for_reachable, std::string& to) {
  BencodeDocument document;
  const bool has_side = !peer.side.empty() && document.Decode(peer.side).ok();
  const BencodeView side = has_side ? document.root() : BencodeView();
  const IpAddress address = peer.peer.address();

  // The keys that are always there, in their order, each with its value encoded; and `nat`, without
  // a value where nothing is known.
  std::array<std::pair<std::string_view, std::string>, 6> own{{{"ip", {}},
                                                               {"left", {}},
                                                               {"nat", {}},
                                                               {"port", {}},
                                                               {"requirecrypto", "i0e"},
                                                               {"supportcrypto", "i0e"}}};
  AppendBencodeString(address.ToString(), own[0].second);
  AppendBencodeInt(peer.state == PeerState::kSeeder ? 0 : 1, own[1].second);
  if (taken_for_reachable) {
    AppendBencodeInt(peer.peer.port() == 0 ? NatRecord::kNeverNumber : 0, own[2].second);
  }
  AppendBencodeInt(peer.peer.port(), own[3].second);

  // What the side says of them, as long as it is still true.
  const auto still_true = [&](const BencodeEntry& entry) {
    if (entry.key == "ip") {
      const absl::StatusOr<IpAddress> spelled = IpAddress::Parse(entry.value.StringOr(""));
      return spelled.ok() && *spelled == address;
    }
    if (entry.key == "left") return peer.state != PeerState::kSeeder && entry.value.IntOr(0) > 0;
    if (entry.key == "port") return false;
    return entry.key == "requirecrypto" || entry.key == "supportcrypto"
               ? entry.value.AsInt().has_value()
               : true;
  };
  to += 'd';
  std::size_t next = 0;
  const auto own_before = [&](std::string_view key) {
    for (; next < own.size() && own[next].first < key; ++next) {
      if (own[next].second.empty()) continue;
      AppendBencodeString(own[next].first, to);
      to += own[next].second;
    }
  };
  for (const BencodeEntry& entry : side.entries()) {
    if (!still_true(entry)) continue;
    own_before(entry.key);
    if (next < own.size() && own[next].first == entry.key) ++next;
    AppendBencodeString(entry.key, to);
    to += entry.value.source();
  }
  own_before("\xff");
  to += 'e';
}

PeerDetails PeerDetailsOf(const SavedPeer& peer) { return DetailsOfSide(peer.side, peer.state); }

PeerDetails DetailsOfSide(std::string_view text, PeerState state) {
  PeerDetails details;
  if (state == PeerState::kSeeder) details.left = 0;
  BencodeDocument document;
  if (text.empty() || !document.Decode(text).ok()) return details;
  const BencodeView side = document.root();
  if (const auto left = side.Find("left").AsInt();
      left && *left > 0 && state != PeerState::kSeeder) {
    details.left = static_cast<std::uint64_t>(*left);
  }
  details.key = side.Find("key").StringOr("");
  details.nat = side.Find("nat").AsInt();
  details.supports_crypto = side.Find("supportcrypto").IntOr(0) != 0;
  details.requires_crypto = side.Find("requirecrypto").IntOr(0) != 0;
  details.given_ip = side.Find("given ip").StringOr("");
  return details;
}

std::string PeerSideOf(const PeerDetails& details, PeerState state) {
  std::string side = "d";
  const auto text = [&](std::string_view key, std::string_view value) {
    if (value.empty()) return;
    AppendBencodeString(key, side);
    AppendBencodeString(value, side);
  };
  const auto number = [&](std::string_view key, std::int64_t value) {
    AppendBencodeString(key, side);
    AppendBencodeInt(value, side);
  };
  text("given ip", details.given_ip);
  text("key", details.key);
  if (state != PeerState::kSeeder && details.left.value_or(0) > 0)
    number("left", static_cast<std::int64_t>(*details.left));
  if (details.nat) number("nat", *details.nat);
  if (details.requires_crypto) number("requirecrypto", 1);
  if (details.supports_crypto) number("supportcrypto", 1);
  side += 'e';
  return side;
}

SavedPeerName NameOfSavedPeer(const SavedPeer& peer) {
  if (peer.side.empty()) return {.endpoint = peer.peer, .id = {}, .family = {}};
  const Endpoint reached = ReachedAt(peer.peer, PeerDetailsOf(peer).given_ip);
  const PeerName name = NameOfPeer(peer.peer_id ? &*peer.peer_id : nullptr, reached);
  return {.endpoint = std::nullopt, .id = name.id, .family = name.family};
}

}  // namespace muster
