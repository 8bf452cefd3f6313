// SPDX-License-Identifier: Apache-2.0
#include "wire/http_announce.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "muster/refusal.h"
#include "wire/bttrack_announce.h"

namespace muster {
namespace {

constexpr char kHash[] = "aaaaaaaaaaaaaaaaaaaa";
constexpr char kId[] = "-TR3000-0123456789ab";
const std::string kRequired = std::string("info_hash=") + kHash + "&peer_id=" + kId + "&port=6881";

IpAddress Ip(std::string_view text) { return *IpAddress::Parse(text); }

absl::StatusOr<HttpAnnounce> Decode(const std::string& query, std::string_view from = "192.0.2.1") {
  return DecodeHttpAnnounce(query, Ip(from));
}

// The announce of a query that adds `more` to what is required.
HttpAnnounce With(const std::string& more) {
  const absl::StatusOr<HttpAnnounce> announce = Decode(kRequired + "&" + more);
  EXPECT_TRUE(announce.ok()) << more << ": " << announce.status();
  return announce.value_or(HttpAnnounce());
}

std::string ErrorOf(const std::string& query) {
  const absl::StatusOr<HttpAnnounce> announce = Decode(query);
  EXPECT_TRUE(absl::IsInvalidArgument(announce.status())) << query;
  return std::string(ClientText(announce.status()));
}

std::string ErrorWith(const std::string& more) { return ErrorOf(kRequired + "&" + more); }

TEST(DecodeHttpAnnounce, ReadsWhatTransmissionSends) {
  const absl::StatusOr<HttpAnnounce> announce = Decode(
      "info_hash=%AA%F4%C6%1D%DC%C5%E8%A2%DA%BE%DE%0FK%2C%D9%AE%A9CM%25&peer_id=-TR3000-"
      "vxfe6jcbxpp9"
      "&port=51413&uploaded=1&downloaded=2&left=3&numwant=80&key=6d9a4f1e&compact=1&supportcrypto=1"
      "&event=started&ipv6=%5B2001%3Adb8%3A%3A1%5D%3A51413");
  ASSERT_TRUE(announce.ok()) << announce.status();
  const AnnounceRequest& request = announce->request;
  EXPECT_EQ(request.info_hash.ToHex(), "aaf4c61ddcc5e8a2dabede0f4b2cd9aea9434d25");
  EXPECT_EQ(request.peer_id.text(), "-TR3000-vxfe6jcbxpp9");
  EXPECT_EQ(request.peer.ToString(), "192.0.2.1:51413");
  EXPECT_EQ(request.uploaded, 1u);
  EXPECT_EQ(request.downloaded, 2u);
  EXPECT_EQ(request.left, 3u);
  EXPECT_EQ(request.numwant, 80);
  EXPECT_EQ(request.key, 0x6d9a4f1eu);
  EXPECT_EQ(request.event, Event::kStarted);
  EXPECT_TRUE(announce->compact);
  EXPECT_FALSE(announce->no_peer_id);
}

TEST(DecodeHttpAnnounce, HasDefaultsForAllThatIsNotRequired) {
  const HttpAnnounce announce = With("");
  EXPECT_EQ(announce.request.left, AnnounceRequest::kUnknownLeft);
  EXPECT_EQ(announce.request.numwant, AnnounceRequest::kDefaultNumwant);
  EXPECT_EQ(announce.request.event, Event::kNone);
  EXPECT_EQ(announce.request.key, 0u);
  EXPECT_TRUE(announce.compact);
}

TEST(DecodeHttpAnnounce, TakesEmptyValuesForAbsentOnes) {
  const HttpAnnounce announce = With("left=&numwant=&event=&key=&compact=&no_peer_id&uploaded=");
  EXPECT_EQ(announce.request.left, AnnounceRequest::kUnknownLeft);
  EXPECT_EQ(announce.request.numwant, AnnounceRequest::kDefaultNumwant);
  EXPECT_TRUE(announce.compact);
  EXPECT_FALSE(announce.no_peer_id);
  EXPECT_EQ(ErrorOf("info_hash=&peer_id=&port="), "info_hash is missing");
}

TEST(DecodeHttpAnnounce, TakesEveryByteOfAnInfoHashInEveryForm) {
  for (int c = 0; c < 256; ++c) {
    const std::string byte(1, static_cast<char>(c));
    std::vector<std::string> forms;
    for (const char* digits : {"0123456789abcdef", "0123456789ABCDEF"}) {
      forms.push_back(std::string{'%', digits[c >> 4], digits[c & 15]});
    }
    if (byte != "%" && byte != "&") forms.push_back(byte);
    for (const std::string& form : forms) {
      const absl::StatusOr<HttpAnnounce> announce =
          Decode("info_hash=aaaaaaaaaaaaaaaaaaa" + form + "&peer_id=" + kId + "&port=1");
      ASSERT_TRUE(announce.ok()) << c << ' ' << form;
      EXPECT_EQ(announce->request.info_hash.text(), "aaaaaaaaaaaaaaaaaaa" + byte);
    }
  }
}

TEST(DecodeHttpAnnounce, WantsInfoHashPeerIdAndPort) {
  EXPECT_EQ(ErrorOf(""), "info_hash is missing");
  EXPECT_EQ(ErrorOf(std::string("peer_id=") + kId + "&port=1"), "info_hash is missing");
  EXPECT_EQ(ErrorOf(std::string("info_hash=") + kHash + "&port=1"), "peer_id is missing");
  const auto without = DecodeHttpAnnounce(std::string("info_hash=") + kHash + "&port=1",
                                          Ip("192.0.2.1"), PeerIdIs::kOptional);
  ASSERT_TRUE(without.ok()) << without.status();
  EXPECT_EQ(without->request.peer_id, PeerId());
  EXPECT_FALSE(DecodeHttpAnnounce(std::string("info_hash=") + kHash + "&port=1&peer_id=short",
                                  Ip("192.0.2.1"), PeerIdIs::kOptional)
                   .ok());
  EXPECT_EQ(ErrorOf(std::string("info_hash=") + kHash + "&peer_id=" + kId), "port is missing");
}

TEST(DecodeHttpAnnounce, RefusesIdsOfAnotherLength) {
  const std::string hash_error = "info_hash is not 20 percent-encoded bytes";
  EXPECT_EQ(ErrorOf("info_hash=aaaaaaaaaaaaaaaaaaa"), hash_error);
  EXPECT_EQ(ErrorOf("info_hash=aaaaaaaaaaaaaaaaaaaaa"), hash_error);
  EXPECT_EQ(ErrorOf("info_hash=aaaaaaaaaaaaaaaaaaa%4"), hash_error);
  EXPECT_EQ(ErrorOf("info_hash=aaaaaaaaaaaaaaaaaaa%zz"), hash_error);
  EXPECT_EQ(ErrorOf("info_hash=aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"), hash_error);
  EXPECT_EQ(ErrorOf("peer_id=short"), "peer_id is not 20 percent-encoded bytes");
}

TEST(DecodeHttpAnnounce, RefusesTwoInfoHashes) {
  EXPECT_EQ(ErrorWith(std::string("info_hash=") + kHash), "info_hash is given twice");
}

TEST(DecodeHttpAnnounce, TakesThePeersAddressFromTheConnection) {
  const absl::StatusOr<HttpAnnounce> announce =
      Decode(kRequired + "&ip=198.51.100.9&ipv4=198.51.100.9%3A1&ipv6=2001:db8::9", "2001:db8::1");
  ASSERT_TRUE(announce.ok());
  EXPECT_EQ(announce->request.peer.ToString(), "[2001:db8::1]:6881");
}

TEST(DecodeHttpAnnounce, TakesPortsThatExist) {
  EXPECT_EQ(With("port=0").request.peer.port(), 0);
  EXPECT_EQ(With("port=65535").request.peer.port(), 65535);
  EXPECT_EQ(With("port=%38%30").request.peer.port(), 80);
  for (const char* port : {"65536", "-1", "x", "1x", "99999999999999999999999", "1%2"}) {
    EXPECT_EQ(ErrorWith(std::string("port=") + port), "port is not a number from 0 to 65535")
        << port;
  }
}

TEST(DecodeHttpAnnounce, ReadsWhatIsLeft) {
  EXPECT_EQ(With("left=0").request.left, 0u);
  EXPECT_EQ(With("left=000").request.left, 0u);
  EXPECT_EQ(With("left=4294967296").request.left, 4294967296u);
  EXPECT_EQ(With("left=18446744073709551615").request.left, AnnounceRequest::kUnknownLeft);
  EXPECT_EQ(With("left=18446744073709551616").request.left, AnnounceRequest::kUnknownLeft);
  EXPECT_EQ(With("left=-1").request.left, AnnounceRequest::kUnknownLeft);
  EXPECT_EQ(With("left=-99999999999999999999").request.left, AnnounceRequest::kUnknownLeft);
  for (const char* left : {"x", "1x", "-", "--1", "+1", "0x10", "1.5",
                           "%20"
                           "1",
                           "1%"}) {
    EXPECT_EQ(ErrorWith(std::string("left=") + left), "left is not a number") << left;
  }
}

TEST(DecodeHttpAnnounce, MakesNothingOfOddByteCounts) {
  const AnnounceRequest request = With("uploaded=-5&downloaded=lots").request;
  EXPECT_EQ(request.uploaded, 0u);
  EXPECT_EQ(request.downloaded, 0u);
}

TEST(DecodeHttpAnnounce, KnowsTheEvents) {
  EXPECT_EQ(With("event=started").request.event, Event::kStarted);
  EXPECT_EQ(With("event=completed").request.event, Event::kCompleted);
  EXPECT_EQ(With("event=stopped").request.event, Event::kStopped);
  EXPECT_EQ(With("event=paused").request.event, Event::kPaused);
  EXPECT_EQ(With("event=st%6fpped").request.event, Event::kStopped);
  EXPECT_EQ(With("event=Stopped").request.event, Event::kNone);
  EXPECT_EQ(With("event=snooped").request.event, Event::kNone);
  EXPECT_EQ(With("event=a%2").request.event, Event::kNone);
}

TEST(DecodeHttpAnnounce, ReadsNumwant) {
  EXPECT_EQ(With("numwant=0").request.numwant, 0);
  EXPECT_EQ(With("numwant=200").request.numwant, 200);
  EXPECT_EQ(With("numwant=-1").request.numwant, AnnounceRequest::kDefaultNumwant);
  constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();
  EXPECT_EQ(With("numwant=2147483648").request.numwant, kMost);
  EXPECT_EQ(With("numwant=99999999999999999999999").request.numwant, kMost);
  EXPECT_EQ(ErrorWith("numwant=many"), "numwant is not a number");
}

TEST(DecodeHttpAnnounce, ReadsTheFormOfTheAnswer) {
  EXPECT_FALSE(With("compact=0").compact);
  EXPECT_TRUE(With("compact=1").compact);
  EXPECT_TRUE(With("compact=yes").compact);
  EXPECT_TRUE(With("no_peer_id=1").no_peer_id);
  EXPECT_FALSE(With("no_peer_id=0").no_peer_id);
}

TEST(DecodeHttpAnnounce, ReadsKeysAsTheUdpProtocolHasThem) {
  EXPECT_EQ(With("key=0").request.key, 0u);
  EXPECT_EQ(With("key=DEADbeef").request.key, 0xdeadbeefu);
  EXPECT_EQ(With("key=a").request.key, 10u);
}

TEST(DecodeHttpAnnounce, HashesKeysThatAreText) {
  const std::uint32_t key = With("key=deadbeef0").request.key;
  EXPECT_NE(key, 0u);
  EXPECT_EQ(With("key=deadbeef%30").request.key, key);
  EXPECT_NE(With("key=deadbeef1").request.key, key);
  EXPECT_NE(With("key=secret").request.key, 0u);
  EXPECT_EQ(ErrorWith("key=" + std::string(65, 'x')), "key is malformed or longer than 64 bytes");
  EXPECT_EQ(ErrorWith("key=%x"), "key is malformed or longer than 64 bytes");
}

TEST(DecodeHttpAnnounce, TakesTheLastOfRepeatedParameters) {
  EXPECT_EQ(With("left=1&left=2").request.left, 2u);
}

TEST(DecodeHttpAnnounce, SkipsUnknownParametersWhateverTheyHold) {
  EXPECT_EQ(With("x=%&%zz=1&=&==&left2=5&lef=6&%00=1&left=7").request.left, 7u);
}

TEST(DecodeHttpAnnounce, DecodesNames) {
  EXPECT_EQ(With("l%65ft=5").request.left, 5u);
  EXPECT_EQ(With("%6C%65%66%74=5").request.left, 5u);
}

TEST(DecodeHttpAnnounce, TakesAPlusForAPlus) {
  const absl::StatusOr<HttpAnnounce> announce =
      Decode(std::string("info_hash=aaaaaaaaaaaaaaaaaaa+&port=1&peer_id=") + kId);
  ASSERT_TRUE(announce.ok());
  EXPECT_EQ(announce->request.info_hash.text().back(), '+');
}

TEST(DecodeHttpAnnounce, HoldsTheLimitOfParameters) {
  std::string query = kRequired;
  for (std::size_t i = 3; i < kMaxAnnounceParameters; ++i) query += "&x=1";
  EXPECT_TRUE(Decode(query).ok());
  EXPECT_EQ(ErrorOf(query + "&x=1"), "too many parameters");
}

// --- answers ---

const AnnounceAnswer kAnswer{
    .counts = {.seeders = 1, .partial_seeders = 2, .downloaders = 3, .completed = 4},
    .interval = Seconds(1800),
    .min_interval = Seconds(900)};

// A batch with the given peers in it.
struct Peers {
  explicit Peers(const std::vector<std::string>& all, bool with_ids = false)
      : batch(absl::MakeSpan(ipv4), absl::MakeSpan(ipv6)) {
    if (with_ids) batch.WantPeerIds(ids4.data(), ids6.data());
    for (const std::string& text : all) {
      const Endpoint peer = *Endpoint::Parse(text);
      batch.Append(peer.family(), peer.compact().data(), reinterpret_cast<const std::uint8_t*>(kId),
                   1);
    }
  }
  std::array<std::uint8_t, 5 * 6> ipv4;
  std::array<std::uint8_t, 5 * 18> ipv6;
  std::array<PeerId, 5> ids4;
  std::array<PeerId, 5> ids6;
  PeerBatch batch;
};

std::string Encode(const Peers& peers, const std::string& more, std::string_view from = "1.2.3.4") {
  const absl::StatusOr<HttpAnnounce> announce = Decode(kRequired + "&" + more, from);
  std::string out;
  EncodeHttpAnnounce(kAnswer, peers.batch, announce.value(), out);
  return out;
}

const std::string kCounts =
    "d8:completei1e10:downloadedi4e11:external ip4:\x01\x02\x03\x04"
    "10:incompletei5e";
const std::string kCounts6 = "d8:completei1e10:downloadedi4e11:external ip16:" +
                             std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07", 16) +
                             "10:incompletei5e";
const std::string kTimes = "8:intervali1800e12:min intervali900e";

TEST(EncodeHttpAnnounce, AlwaysHasPeers) {
  EXPECT_EQ(Encode(Peers({}), ""), kCounts + kTimes + "5:peers0:e");
  EXPECT_EQ(Encode(Peers({}), "compact=0"), kCounts + kTimes + "5:peerslee");
}

TEST(EncodeHttpAnnounce, WritesCompactPeersOfBothFamilies) {
  EXPECT_EQ(Encode(Peers({"5.6.7.8:258", "9.9.9.9:1", "[2001:db8::8]:258"}), ""),
            kCounts + kTimes +
                "5:peers12:" + std::string("\x05\x06\x07\x08\x01\x02\x09\x09\x09\x09\x00\x01", 12) +
                "6:peers618:" +
                std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x08\x01\x02", 18) + "e");
}

TEST(EncodeHttpAnnounce, TellsAnIpv6ClientThatThereAreNoIpv6Peers) {
  EXPECT_EQ(Encode(Peers({}), "", "2001:db8::7"), kCounts6 + kTimes + "5:peers0:6:peers60:e");
}

TEST(EncodeHttpAnnounce, WritesDictionariesOfBothFamilies) {
  EXPECT_EQ(Encode(Peers({"5.6.7.8:258", "[2001:db8::8]:80"}, true), "compact=0"),
            kCounts + kTimes + "5:peersld2:ip7:5.6.7.87:peer id20:" + kId +
                "4:porti258eed2:ip11:2001:db8::87:peer id20:" + kId + "4:porti80eeee");
}

TEST(EncodeHttpAnnounce, LeavesPeerIdsOutWhereTheyAreNotWantedOrNotKept) {
  const std::string without = kCounts + kTimes + "5:peersld2:ip7:5.6.7.84:porti258eeee";
  EXPECT_EQ(Encode(Peers({"5.6.7.8:258"}, true), "compact=0&no_peer_id=1"), without);
  EXPECT_EQ(Encode(Peers({"5.6.7.8:258"}, false), "compact=0"), without);
}

// --- what only some trackers ask ---

HttpAnnounceMore More(const std::string& more, std::uint16_t* port = nullptr) {
  HttpAnnounceMore read;
  const auto announce = DecodeHttpAnnounce(kRequired + "&" + more, Ip("192.0.2.1"), read);
  EXPECT_TRUE(announce.ok()) << announce.status();
  if (port != nullptr) *port = announce->request.peer.port();
  return read;
}

TEST(DecodeHttpAnnounceMore, ReadsWhatIsThere) {
  std::uint16_t port = 0;
  EXPECT_EQ(More("key=A%20b&ip=203.0.113.5&supportcrypto=1&requirecrypto=1&cryptoport=99&tracker=1"
                 "&password=p%26w&seed_id=s&check_seeded=1&scrape=1",
                 &port),
            (HttpAnnounceMore{.key = "A b",
                              .ip = Ip("203.0.113.5"),
                              .supports_crypto = true,
                              .requires_crypto = true,
                              .wants_crypto = true,
                              .is_tracker = true,
                              .password = "p&w",
                              .seed_id = "s",
                              .check_seeded = true,
                              .wants_scrape = true}));
  EXPECT_EQ(port, 99);
  EXPECT_EQ(More("ip=2001%3adb8%3a%3a1").ip, Ip("2001:db8::1"));
}

TEST(DecodeHttpAnnounceMore, RequirecryptoAloneSaysWhichPeersAreWanted) {
  HttpAnnounceMore more;
  more.wants_crypto = true;
  EXPECT_EQ(More("requirecrypto=1"), more);
}

TEST(DecodeHttpAnnounceMore, APortThatIsReplacedMayBeAnything) {
  HttpAnnounceMore more;
  const auto decode = [&](const std::string& query) {
    const auto announce =
        DecodeHttpAnnounce("info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=bbbbbbbbbbbbbbbbbbbb&" + query,
                           Ip("192.0.2.1"), more);
    return announce.ok() ? std::to_string(announce->request.peer.port())
                         : std::string(announce.status().message());
  };
  EXPECT_EQ(decode("port=x&cryptoport=99"), "99");
  EXPECT_EQ(decode("cryptoport=99&port=65536"), "99");
  EXPECT_EQ(decode("cryptoport=99"), "99");
  EXPECT_EQ(decode("port=x"), "port is not a number from 0 to 65535");
  EXPECT_EQ(decode("port=-1&cryptoport=x"), "port is not a number from 0 to 65535");
  EXPECT_EQ(decode("cryptoport="), "port is missing");
}

TEST(DecodeHttpAnnounceMore, TakesTheFirstOfRepeatedParameters) {
  HttpAnnounceMore more;
  const std::string other = "info_hash=cccccccccccccccccccc&peer_id=dddddddddddddddddddd";
  const auto announce = DecodeHttpAnnounce(
      kRequired + "&" + other +
          "&port=7777&left=5&left=0&l%65ft=0&event=started&event=stopped&numwant=3&numwant=9"
          "&key=a&key=b&compact=1&compact=0&no_peer_id=0&no_peer_id=1&uploaded=1&uploaded=x"
          "&downloaded=&downloaded=2&ip=203.0.113.5&ip=203.0.113.6&tracker=0&tracker=1"
          "&password=p&password=q&seed_id=s&seed_id=&check_seeded=0&check_seeded=1"
          "&supportcrypto=1&supportcrypto=0&requirecrypto=0&requirecrypto=1&scrape=0&scrape=1",
      Ip("192.0.2.1"), more);
  ASSERT_TRUE(announce.ok()) << announce.status();
  const AnnounceRequest& request = announce->request;
  EXPECT_EQ(request.info_hash.text(), kHash);
  EXPECT_EQ(request.peer_id.text(), kId);
  EXPECT_EQ(request.peer.port(), 6881);
  EXPECT_EQ(request.left, 5u);
  EXPECT_EQ(request.event, Event::kStarted);
  EXPECT_EQ(request.numwant, 3);
  EXPECT_EQ(request.key, 10u);
  EXPECT_EQ(request.uploaded, 1u);
  EXPECT_EQ(request.downloaded, 0u) << "an empty one is the first as well";
  EXPECT_TRUE(announce->asks_for_compact);
  EXPECT_FALSE(announce->no_peer_id);
  EXPECT_EQ(more, (HttpAnnounceMore{.key = "a",
                                    .ip = Ip("203.0.113.5"),
                                    .supports_crypto = true,
                                    .password = "p",
                                    .seed_id = "s"}));
  std::uint16_t port = 0;
  More("cryptoport=99&cryptoport=98", &port);
  EXPECT_EQ(port, 99);
}

TEST(CheckBttrackAnnounce, LooksAtTheFirstOfRepeatedParameters) {
  std::optional<InfoHash> info_hash;
  const auto text = [&](const std::string& query) {
    info_hash.reset();
    return std::string(CheckBttrackAnnounce(query, info_hash).message());
  };
  EXPECT_EQ(text(kRequired + "&left=1&left=x&port=x&event=&info_hash=x"), "invalid event");
  EXPECT_EQ(text(kRequired + "&left=1&left=x&port=x&peer_id=x&info_hash=x"), "");
  EXPECT_EQ(info_hash->text(), kHash);
  EXPECT_EQ(text("info_hash=short&" + kRequired + "&left=1"), "no info hash");
  EXPECT_EQ(info_hash, std::nullopt);
}

TEST(DecodeHttpAnnounceMore, WhatIsMalformedCountsAsAbsent) {
  const std::string long_text(65, 'x');
  std::uint16_t port = 0;
  EXPECT_EQ(
      More("ip=host.example&supportcrypto=0&requirecrypto=0&cryptoport=x&tracker=0&password=" +
               long_text + "&seed_id=%zz&check_seeded=0&scrape=0",
           &port),
      HttpAnnounceMore());
  EXPECT_EQ(port, 6881);
  EXPECT_EQ(More("cryptoport=65536", &port), HttpAnnounceMore());
  EXPECT_EQ(port, 6881);
}

TEST(DecodeHttpAnnounceMore, KeysAreOfAnyLengthAndWhatIsTooLongIsCutOff) {
  const std::string start(63, 'x');
  HttpAnnounceMore more;
  const auto number = [&](const std::string& key) {
    const auto announce = DecodeHttpAnnounce(kRequired + "&key=" + key, Ip("192.0.2.1"), more);
    EXPECT_TRUE(announce.ok()) << announce.status();
    return announce.ok() ? announce->request.key : 0;
  };
  const std::uint32_t kept = number(start + "%41");
  EXPECT_EQ(more.key, start + "A");
  for (const char* rest : {"Ab", "%41b", "%41%62", "A%zz", "A%"}) {
    EXPECT_EQ(number(start + rest), kept) << rest;
    EXPECT_EQ(more.key, start + "A") << rest;
  }
  EXPECT_EQ(number(std::string(20000, 'x')), number(start + "x"));
  EXPECT_NE(number(start + "B" + start), kept);
  for (const std::string& malformed : {std::string("%x"), "%zz" + start + start, start + "%4"}) {
    EXPECT_EQ(number(malformed), 0u);
    EXPECT_EQ(more.key, "");
  }
}

TEST(DecodeHttpAnnounceMore, AnnouncesThatSayNoMoreAreReadTheSame) {
  HttpAnnounceMore more;
  more.key = "of the one before";
  const std::string query = kRequired + "&key=a&left=5&event=started";
  const auto plain = DecodeHttpAnnounce(query, Ip("192.0.2.1"));
  const auto read = DecodeHttpAnnounce(query, Ip("192.0.2.1"), more);
  EXPECT_EQ(read->request.left, plain->request.left);
  EXPECT_EQ(read->request.peer, plain->request.peer);
  HttpAnnounceMore expected;
  expected.key = "a";
  EXPECT_EQ(more, expected);
}

TEST(EncodeHttpAnnounce, HasCryptoFlagsAndTheSeedInTheirPlaces) {
  const absl::StatusOr<HttpAnnounce> announce = Decode(kRequired, "1.2.3.4");
  const std::uint8_t flags[] = {0, 1};
  std::string out;
  const Peers peers({"5.6.7.8:258", "9.9.9.9:1"});
  EncodeHttpAnnounce(kAnswer, peers.batch, *announce, out, {.crypto_flags = flags, .seeded = true});
  EXPECT_EQ(out, "d8:completei1e12:crypto_flags2:" + std::string("\0\1", 2) +
                     kCounts.substr(std::string("d8:completei1e").size()) + kTimes + "5:peers12:" +
                     std::string("\x05\x06\x07\x08\x01\x02\x09\x09\x09\x09\x00\x01", 12) +
                     "6:seededi1ee");
}

TEST(EncodeHttpAnnounce, AsBttrackHasTheCountsOfAScrapeWhereTheyAreWanted) {
  const absl::StatusOr<HttpAnnounce> announce = Decode(kRequired, "1.2.3.4");
  const Peers peers({});
  std::string out;
  EncodeHttpAnnounce(kAnswer, peers.batch, *announce, out,
                     {.seeded = true, .as_bttrack = true, .has_scrape = true});
  EXPECT_EQ(out,
            "d8:completei1e10:incompletei5e8:intervali1800e5:peersle"
            "6:scraped8:completei1e10:downloadedi4e10:incompletei5ee6:seededi1ee");
}

TEST(EncodeHttpAnnounce, AsBttrackHasNoPeersInOneOfTwoWays) {
  const absl::StatusOr<HttpAnnounce> announce = Decode(kRequired, "2001:db8::7");
  const auto encode = [&](const Peers& peers, bool leaves_out) {
    std::string out;
    EncodeHttpAnnounce(kAnswer, peers.batch, *announce, out,
                       {.as_bttrack = true, .leaves_out_no_peers = leaves_out});
    return out;
  };
  const std::string rest = "d8:completei1e10:incompletei5e8:intervali1800e";
  EXPECT_EQ(encode(Peers({}), false), rest + "5:peerslee");
  EXPECT_EQ(encode(Peers({}), true), rest + "e");
  EXPECT_EQ(encode(Peers({"5.6.7.8:258"}), true), rest + "5:peers6:\x05\x06\x07\x08\x01\x02" + "e");
}

TEST(EncodeHttpFailure, SaysWhyAndWhenToComeBack) {
  const auto encode = [](const absl::Status& status) {
    std::string out;
    EncodeHttpFailure(status, out);
    return out;
  };
  EXPECT_EQ(encode(Refuse("no")), "d14:failure reason2:noe");
  EXPECT_EQ(encode(Refuse("no", {std::chrono::minutes(5)})),
            "d14:failure reason2:no8:retry ini5ee");
  EXPECT_EQ(encode(Refuse("no", {})), "d14:failure reason2:no8:retry in5:nevere");
  EXPECT_EQ(encode(absl::InternalError("disk on fire")), "d14:failure reason14:internal errore");
}

}  // namespace
}  // namespace muster
