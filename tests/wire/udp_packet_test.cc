// SPDX-License-Identifier: Apache-2.0
#include "wire/udp_packet.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "wire/udp_testing.h"

namespace muster {
namespace {

using testing_udp::AnnounceFields;
using testing_udp::AnnouncePacket;
using testing_udp::Bytes;
using testing_udp::ConnectPacket;
using testing_udp::Exact;
using testing_udp::Hex;
using testing_udp::ScrapePacket;

const Endpoint kFrom = Endpoint::Parse("192.0.2.1:50000").value();

// An answer as its encoder writes it, in memory of its own with a guard behind the limit.
template <typename Encode>
Bytes Encoded(const Encode& encode) {
  Bytes to(kMaxUdpAnswer + 16, 0xee);
  const std::size_t size = encode(to.data());
  EXPECT_LE(size, kMaxUdpAnswer);
  for (std::size_t i = size; i < to.size(); ++i) EXPECT_EQ(to[i], 0xee) << "written behind the end";
  to.resize(size);
  return to;
}

// --- golden packets, byte by byte as BEP 15 draws them ---

TEST(UdpPacket, ReadsAConnect) {
  const UdpHeader header = DecodeUdpHeader(Hex("00000417 27101980 00000000 deadbeef"));
  EXPECT_EQ(header.kind, UdpKind::kConnect);
  EXPECT_EQ(header.transaction_id, 0xdeadbeef);
}

TEST(UdpPacket, WritesAConnectAnswer) {
  EXPECT_EQ(Encoded([](std::uint8_t* to) {
              return EncodeUdpConnect(0xdeadbeef, 0x0123456789abcdef, to);
            }),
            Hex("00000000 deadbeef 01234567 89abcdef"));
}

constexpr std::string_view kAnnounce =
    "0123456789abcdef 00000001 cafebabe"
    "000102030405060708090a0b0c0d0e0f10111213"            // info hash
    "2d5452343030302d6162636465666768696a6b6c"            // -TR4000-abcdefghijkl
    "0000000000001000 0000000000002000 0000000000003000"  // downloaded, left, uploaded
    "00000002 7f000001 a1b2c3d4 00000032 1ae1";           // started, ip, key, numwant, port

TEST(UdpPacket, ReadsAnAnnounce) {
  const Bytes packet = Hex(kAnnounce);
  ASSERT_EQ(packet.size(), 98u);
  const UdpHeader header = DecodeUdpHeader(packet);
  EXPECT_EQ(header.kind, UdpKind::kAnnounce);
  EXPECT_EQ(header.connection_id, 0x0123456789abcdef);
  EXPECT_EQ(header.transaction_id, 0xcafebabe);
  AnnounceRequest request;
  request.url = "left over from before";
  std::string url;
  ASSERT_TRUE(DecodeUdpAnnounce(packet, kFrom, request, url));
  EXPECT_EQ(request.info_hash.ToHex(), "000102030405060708090a0b0c0d0e0f10111213");
  EXPECT_EQ(request.peer_id.text(), "-TR4000-abcdefghijkl");
  EXPECT_EQ(request.downloaded, 0x1000u);
  EXPECT_EQ(request.left, 0x2000u);
  EXPECT_EQ(request.uploaded, 0x3000u);
  EXPECT_EQ(request.event, Event::kStarted);
  EXPECT_EQ(request.key, 0xa1b2c3d4);
  EXPECT_EQ(request.numwant, 50);
  EXPECT_EQ(request.peer.ToString(), "192.0.2.1:6881")
      << "the sender's address with the packet's port, whatever ip the packet names";
  EXPECT_EQ(request.url, "");
}

TEST(UdpPacket, ReadsAnAnnounceFromIpv6) {
  AnnounceRequest request;
  std::string url;
  ASSERT_TRUE(
      DecodeUdpAnnounce(Hex(kAnnounce), Endpoint::Parse("[2001:db8::1]:9").value(), request, url));
  EXPECT_EQ(request.peer.ToString(), "[2001:db8::1]:6881");
}

TEST(UdpPacket, WritesAnAnnounceAnswersHeader) {
  AnnounceAnswer answer;
  answer.counts = {.seeders = 0x102, .partial_seeders = 1, .downloaders = 0x20, .completed = 77};
  answer.interval = Seconds(1800);
  answer.min_interval = Seconds(900);
  EXPECT_EQ(
      Encoded([&](std::uint8_t* to) { return EncodeUdpAnnounceHeader(0xcafebabe, answer, to); }),
      Hex("00000001 cafebabe 00000708 00000021 00000102"));
  EXPECT_EQ(kUdpAnnounceHeader, 20u);
}

TEST(UdpPacket, ReadsAScrape) {
  const Bytes packet =
      Hex("0123456789abcdef 00000002 11223344"
          "000102030405060708090a0b0c0d0e0f10111213 ffffffffffffffffffffffffffffffffffffffff");
  const UdpHeader header = DecodeUdpHeader(packet);
  EXPECT_EQ(header.kind, UdpKind::kScrape);
  EXPECT_EQ(header.connection_id, 0x0123456789abcdef);
  EXPECT_EQ(header.transaction_id, 0x11223344u);
  const absl::Span<const std::uint8_t> hashes = UdpScrapeHashes(packet);
  ASSERT_EQ(hashes.size(), 40u);
  EXPECT_EQ(hashes.data(), packet.data() + 16);
}

TEST(UdpPacket, WritesAScrapeAnswer) {
  EXPECT_EQ(
      Encoded([](std::uint8_t* to) {
        std::size_t size = EncodeUdpScrapeHeader(0x11223344, to);
        size += EncodeUdpScrapeRow(
            SwarmCounts{.seeders = 3, .partial_seeders = 1, .downloaders = 4, .completed = 0x10000},
            to + size);
        return size + EncodeUdpScrapeRow(std::nullopt, to + size);
      }),
      Hex("00000002 11223344"
          "00000003 00010000 00000005"
          "00000000 00000000 00000000"));
}

TEST(UdpPacket, WritesAnError) {
  EXPECT_EQ(Encoded([](std::uint8_t* to) { return EncodeUdpError(0x11223344, "no", 98, to); }),
            Hex("00000003 11223344 6e6f"));
  EXPECT_EQ(Encoded([](std::uint8_t* to) { return EncodeUdpError(0x11223344, "", 16, to); }),
            Hex("00000003 11223344"));
}

TEST(UdpPacket, CutsAnErrorToItsLimit) {
  const std::string text(5000, 'x');
  for (const std::size_t limit : {8u, 9u, 16u, 98u, 1231u, 1232u, 1233u, 65535u}) {
    EXPECT_EQ(Encoded([&](std::uint8_t* to) { return EncodeUdpError(1, text, limit, to); }).size(),
              std::min<std::size_t>(limit, kMaxUdpAnswer));
  }
}

// --- what the header says of a packet ---

TEST(UdpPacket, TellsNoiseFromWhatMayBeAnswered) {
  // Every length, for every action.
  for (std::uint32_t action = 0; action < 6; ++action) {
    for (std::size_t size = 0; size <= 140; ++size) {
      Bytes packet(size, 0);
      if (size >= 8) packet = Hex("0123456789abcdef");
      packet.resize(size, 0);
      if (size >= 12) packet[11] = static_cast<std::uint8_t>(action);
      const UdpKind kind = DecodeUdpHeader(Exact(packet).span()).kind;
      UdpKind expected = UdpKind::kNoise;
      if (size >= 16 && action == 1)
        expected = size < 98 ? UdpKind::kMalformed : UdpKind::kAnnounce;
      if (size >= 16 && action == 2) expected = size < 36 ? UdpKind::kMalformed : UdpKind::kScrape;
      EXPECT_EQ(kind, expected) << "action " << action << ", size " << size;
    }
  }
}

TEST(UdpPacket, TakesAConnectOnlyWithTheProtocolsNumber) {
  EXPECT_EQ(DecodeUdpHeader(ConnectPacket(1)).kind, UdpKind::kConnect);
  for (int bit = 0; bit < 64; ++bit) {
    EXPECT_EQ(
        DecodeUdpHeader(ConnectPacket(1, testing_udp::kProtocolId ^ std::uint64_t{1} << bit)).kind,
        UdpKind::kNoise);
  }
  Bytes longer = ConnectPacket(1);
  longer.push_back(0);
  EXPECT_EQ(DecodeUdpHeader(longer).kind, UdpKind::kConnect) << "what comes behind may be new";
  for (std::size_t size = 0; size < 16; ++size) {
    EXPECT_EQ(DecodeUdpHeader(Exact(absl::MakeConstSpan(ConnectPacket(1)).first(size)).span()).kind,
              UdpKind::kNoise);
  }
}

TEST(UdpPacket, TakesOnlyWholeActions) {
  for (const std::uint32_t action : {0x100u, 0x10001u, 0x80000001u, 0xffffffffu}) {
    Bytes packet = Hex(kAnnounce);
    for (int i = 0; i < 4; ++i)
      packet[8 + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(action >> (24 - 8 * i));
    EXPECT_EQ(DecodeUdpHeader(packet).kind, UdpKind::kNoise) << action;
  }
}

TEST(UdpPacket, LeavesOutAnIncompleteLastHashOfAScrape) {
  const InfoHash hashes[4];
  const Bytes whole = ScrapePacket(1, 2, hashes);
  for (std::size_t size = 36; size <= whole.size(); ++size) {
    const Exact packet(absl::MakeConstSpan(whole).first(size));
    EXPECT_EQ(UdpScrapeHashes(packet.span()).size(), (size - 16) / 20 * 20) << size;
  }
}

// --- fields ---

AnnounceRequest Decoded(const AnnounceFields& fields) {
  AnnounceRequest request;
  std::string url;
  EXPECT_TRUE(DecodeUdpAnnounce(Exact(AnnouncePacket(fields)).span(), kFrom, request, url));
  return request;
}

TEST(UdpPacket, ReadsEveryEvent) {
  const std::pair<std::uint32_t, Event> events[] = {
      {0, Event::kNone},     {1, Event::kCompleted},    {2, Event::kStarted},
      {3, Event::kStopped},  {4, Event::kPaused},       {5, Event::kNone},
      {0x100, Event::kNone}, {0xffffffff, Event::kNone}};
  for (const auto& [number, event] : events) EXPECT_EQ(Decoded({.event = number}).event, event);
}

TEST(UdpPacket, ReadsFieldsOverTheirWholeRange) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(Decoded({.left = 0}).left, 0u);
  EXPECT_EQ(Decoded({.left = kMost}).left, AnnounceRequest::kUnknownLeft);
  EXPECT_EQ(Decoded({.downloaded = kMost}).downloaded, kMost);
  EXPECT_EQ(Decoded({.uploaded = kMost}).uploaded, kMost);
  for (const std::int32_t numwant : {std::numeric_limits<std::int32_t>::min(), -1, 0, 1,
                                     std::numeric_limits<std::int32_t>::max()})
    EXPECT_EQ(Decoded({.numwant = numwant}).numwant, numwant);
  for (const std::uint16_t port : {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{65535}})
    EXPECT_EQ(Decoded({.port = port}).peer.port(), port);
  EXPECT_EQ(Decoded({.key = 0xffffffff}).key, 0xffffffff);
}

// --- options (BEP 41) ---

struct OptionsCase {
  const char* what;
  Bytes options;
  std::optional<std::string> url;  // nothing: run over the end
};

TEST(UdpPacket, ReadsTheOptionsBehindAnAnnounce) {
  const auto text = [](std::string_view s) { return Bytes(s.begin(), s.end()); };
  const auto join = [](std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  };
  const auto url_data = [&](std::string_view s) {
    return join({{2, static_cast<std::uint8_t>(s.size())}, text(s)});
  };
  const std::string long_url(255, 'u');
  const std::string longer_url = long_url + long_url + "/announce?x=1";
  const OptionsCase cases[] = {
      {"none", {}, ""},
      {"an end", {0}, ""},
      {"a URL", url_data("/announce?key=abc"), "/announce?key=abc"},
      {"a URL and an end", join({url_data("/a"), {0}}), "/a"},
      {"NOPs around it", join({{1, 1, 1}, url_data("/a"), {1}}), "/a"},
      {"an empty URL", {2, 0}, ""},
      {"a URL in two options", join({url_data("/announce"), url_data("?key=abc")}),
       "/announce?key=abc"},
      {"a URL in three, with NOPs between",
       join({url_data("/a"), {1}, url_data("b"), {1, 1}, url_data("c"), {0}}), "/abc"},
      {"a URL in many, some empty",
       join({url_data(""), url_data("/"), url_data(""), url_data("x"), url_data("")}), "/x"},
      {"a URL longer than an option can be",
       join({url_data(long_url), url_data(long_url), url_data("/announce?x=1")}), longer_url},
      {"what stands behind the end is nothing", join({url_data("/a"), {0}, url_data("/b")}), "/a"},
      {"rubbish behind the end", join({{0, 2, 200}, text("xy")}), ""},
      {"an option that is not known yet", join({{7, 3}, text("abc"), url_data("/a")}), "/a"},
      {"the last option there can be", join({{255, 0}, url_data("/a")}), "/a"},
      {"a URL with a zero byte in it", {2, 3, 'a', 0, 'b'}, std::string("a\0b", 3)},
      {"a URL that runs over the end", {2, 5, 'a', 'b', 'c', 'd'}, std::nullopt},
      {"a URL without its length", {2}, std::nullopt},
      {"a second part that runs over the end", join({url_data("/a"), {2, 1}}), std::nullopt},
      {"an unknown option that runs over the end", {9, 1}, std::nullopt},
      {"an unknown option without its length", {9}, std::nullopt},
      {"the longest claim", {2, 255}, std::nullopt},
  };
  std::string scratch = "what the packet before left";
  for (const OptionsCase& c : cases) {
    SCOPED_TRACE(c.what);
    const Exact packet(join({Hex(kAnnounce), c.options}));
    ASSERT_EQ(DecodeUdpHeader(packet.span()).kind, UdpKind::kAnnounce);
    AnnounceRequest request;
    const bool ok = DecodeUdpAnnounce(packet.span(), kFrom, request, scratch);
    EXPECT_EQ(ok, c.url.has_value());
    if (ok) {
      EXPECT_EQ(request.url, *c.url);
    }
    EXPECT_EQ(request.peer.ToString(), "192.0.2.1:6881");
  }
}

TEST(UdpPacket, BorrowsAUrlThatStandsInOnePiece) {
  Bytes packet = Hex(kAnnounce);
  for (const char c : {'\2', '\2', '/', 'a'}) packet.push_back(static_cast<std::uint8_t>(c));
  AnnounceRequest request;
  std::string url;
  ASSERT_TRUE(DecodeUdpAnnounce(packet, kFrom, request, url));
  EXPECT_EQ(static_cast<const void*>(request.url.data()), packet.data() + 100);
  EXPECT_TRUE(url.empty());
}

TEST(UdpPacket, IsCutAnywhereWithoutHarm) {
  Bytes whole = Hex(kAnnounce);
  const Bytes options = Hex("02 04 2f616263 01 02 03 646566 09 02 0000 00");
  whole.insert(whole.end(), options.begin(), options.end());
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const Exact packet(absl::MakeConstSpan(whole).first(size));
    if (DecodeUdpHeader(packet.span()).kind != UdpKind::kAnnounce) {
      EXPECT_LT(size, 98u);
      continue;
    }
    AnnounceRequest request;
    std::string url;
    if (DecodeUdpAnnounce(packet.span(), kFrom, request, url)) {
      EXPECT_EQ(request.url, std::string("/abcdef").substr(0, size < 104 ? 0 : size < 110 ? 4 : 7));
    }
  }
}

}  // namespace
}  // namespace muster
