// SPDX-License-Identifier: Apache-2.0
#include "musterd/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "helpers.h"
#include "musterd/toml.h"

namespace musterd {
namespace {

using std::chrono::milliseconds;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

Value Parsed(std::string_view name, std::string_view text) {
  absl::StatusOr<Value> value = ParseValue(*FindSetting(name), text);
  EXPECT_TRUE(value.ok()) << name << " " << text;
  return value.ok() ? *value : Value();
}

bool Parses(std::string_view name, std::string_view text) {
  return ParseValue(*FindSetting(name), text).ok();
}

bool InRange(std::string_view name, std::string_view text) {
  return CheckRange(*FindSetting(name), Parsed(name, text)).ok();
}

TEST(SettingsTable, NamesEverySettingOnceInOneStyle) {
  std::set<std::string_view> names;
  for (const Setting& setting : AllSettings()) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    EXPECT_EQ(setting.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), setting.name.npos);
    EXPECT_FALSE(setting.section.empty());
    EXPECT_GE(setting.help.size(), 20u) << setting.name;
    EXPECT_EQ(setting.help.back(), '.') << setting.name;
    EXPECT_EQ(FindSetting(setting.name), &setting);
  }
  EXPECT_EQ(FindSetting("no-such"), nullptr);
}

TEST(SettingsTable, HasDefaultsWithinTheirRanges) {
  for (const Setting& setting : AllSettings()) {
    EXPECT_EQ(CheckRange(setting, setting.get(Settings())), absl::OkStatus()) << setting.name;
  }
}

TEST(SettingsTable, WritesValuesAsItReadsThem) {
  for (const Setting& setting : AllSettings()) {
    if (IsList(setting.kind)) continue;
    const Value value = setting.get(Settings());
    std::string text = FormatValue(setting, value);
    std::erase(text, '"');
    EXPECT_EQ(Parsed(setting.name, text), value) << setting.name;
  }
}

TEST(SettingsValues, ReadTimesInEveryUnit) {
  EXPECT_EQ(Parsed("drain-timeout", "500ms"), Value(500ms));
  EXPECT_EQ(Parsed("drain-timeout", "90s"), Value(milliseconds(90s)));
  EXPECT_EQ(Parsed("drain-timeout", "90"), Value(milliseconds(90s)));
  EXPECT_EQ(Parsed("drain-timeout", "30m"), Value(milliseconds(30min)));
  EXPECT_EQ(Parsed("drain-timeout", "2h"), Value(milliseconds(2h)));
  EXPECT_EQ(Parsed("drain-timeout", "1d"), Value(milliseconds(24h)));
  for (const char* text : {"", "s", "-1s", "1.5h", "1h30m", "10 s", " 10", "10S", "ten", "1sec"}) {
    EXPECT_FALSE(Parses("drain-timeout", text)) << text;
  }
}

TEST(SettingsValues, WriteTimesInTheLargestUnitThatFits) {
  const Setting& setting = *FindSetting("drain-timeout");
  EXPECT_EQ(FormatValue(setting, Value(0ms)), "\"0s\"");
  EXPECT_EQ(FormatValue(setting, Value(1500ms)), "\"1500ms\"");
  EXPECT_EQ(FormatValue(setting, Value(milliseconds(90s))), "\"90s\"");
  EXPECT_EQ(FormatValue(setting, Value(milliseconds(120min))), "\"2h\"");
}

TEST(SettingsValues, ReadSizesWithAndWithoutUnit) {
  EXPECT_EQ(Parsed("udp-socket-buffer", "65536"), Value(std::uint64_t{65536}));
  EXPECT_EQ(Parsed("udp-socket-buffer", "64K"), Value(std::uint64_t{65536}));
  EXPECT_EQ(Parsed("udp-socket-buffer", "4M"), Value(std::uint64_t{4 * 1024 * 1024}));
  for (const char* text : {"", "K", "4G", "4k", "4MB", "-4", "0x10"}) {
    EXPECT_FALSE(Parses("udp-socket-buffer", text)) << text;
  }
}

TEST(SettingsValues, ReadPlainNumbersOnly) {
  EXPECT_EQ(Parsed("workers", "8"), Value(std::uint64_t{8}));
  for (const char* text : {"", "-1", "+1", "1.0", "1e3", "8K", "eight", "9999999999999999999999"}) {
    EXPECT_FALSE(Parses("workers", text)) << text;
  }
}

TEST(SettingsValues, ReadAddressesOfBothFamilies) {
  EXPECT_EQ(Parsed("udp", "[2001:db8::1]:6969"), Value(std::vector{At("[2001:db8::1]:6969")}));
  EXPECT_EQ(Parsed("http", "127.0.0.1:0"), Value(std::vector{At("127.0.0.1:0")}));
  for (const char* text : {"", "6969", ":6969", "127.0.0.1", "::1:6969", "localhost:6969", "*:80",
                           "127.0.0.1:65536", "[::1]"}) {
    EXPECT_FALSE(Parses("udp", text)) << text;
  }
}

TEST(SettingsValues, AreHeldToTheirRange) {
  EXPECT_TRUE(InRange("workers", "0"));
  EXPECT_TRUE(InRange("http-max-streams", "1"));
  EXPECT_FALSE(InRange("http-max-streams", "0"));
  EXPECT_TRUE(InRange("max-numwant", "1000"));
  EXPECT_FALSE(InRange("max-numwant", "1001"));
  EXPECT_FALSE(InRange("interval", "0"));
  EXPECT_FALSE(InRange("interval", "999999999999999999d"));  // does not wrap round
  EXPECT_FALSE(InRange("udp-socket-buffer", "999999999999999999M"));
}

TEST(SettingsValues, OfWholeSecondsRefuseFractions) {
  EXPECT_TRUE(InRange("interval", "2000ms"));
  EXPECT_FALSE(InRange("interval", "1500ms"));
  EXPECT_TRUE(InRange("http-idle-timeout", "1500ms"));
}

TEST(SettingsValues, SayWhatWasExpectedOnOneLineHoweverOddTheInput) {
  const std::string odd = "a\nb\x1b[31m" + std::string(500, 'x');
  for (const Setting& setting : AllSettings()) {
    const std::string message(ParseValue(setting, odd).status().message());
    EXPECT_THAT(message, AllOf(StartsWith("expected "), HasSubstr("'a?b?[31mxxx")));
    EXPECT_LT(message.size(), 200u);
    EXPECT_EQ(message.find('\n'), message.npos);
  }
}

TEST(Resolve, GivesTheLibrarysDefaultsForNothing) {
  const absl::StatusOr<Settings> settings = Resolve({});
  ASSERT_TRUE(settings.ok());
  for (const Setting& setting : AllSettings()) {
    EXPECT_EQ(setting.get(*settings), setting.get(Settings())) << setting.name;
  }
  EXPECT_EQ(settings->store.peer_timeout, muster::MemoryStoreOptions().peer_timeout);
}

TEST(Resolve, LetsTheLaterAssignmentWin) {
  const auto settings = Resolve({{Assign("workers", "3"), Assign("workers", "5")}});
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings->workers, 5u);
}

TEST(Resolve, LetsDefaultsFollowTheInterval) {
  const auto settings = Resolve({{Assign("interval", "10m")}});
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings->tracker.interval_spread, 1min);
  EXPECT_EQ(settings->tracker.min_interval, 5min);
  EXPECT_EQ(settings->tracker.peer_timeout, 15min);
  EXPECT_EQ(settings->store.peer_timeout, 15min);
}

TEST(Resolve, KeepsWhatIsGivenWhateverTheInterval) {
  const auto settings = Resolve({{Assign("min-interval", "2m"), Assign("interval-spread", "3m"),
                                  Assign("peer-timeout", "1h"), Assign("interval", "10m")}});
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings->tracker.interval_spread, 3min);
  EXPECT_EQ(settings->tracker.min_interval, 2min);
  EXPECT_EQ(settings->tracker.peer_timeout, 1h);
  EXPECT_EQ(settings->store.peer_timeout, 1h);
}

TEST(Resolve, FindsDefaultsThatAgreeForEveryIntervalAndSpread) {
  for (int interval : {1, 2, 3, 7, 59, 60, 1800, 86400}) {
    EXPECT_EQ(Resolve({{Assign("interval", std::to_string(interval))}}).status(), absl::OkStatus());
    for (int spread : {0, interval / 2, interval - 1}) {
      EXPECT_EQ(Resolve({{Assign("interval", std::to_string(interval)),
                          Assign("interval-spread", std::to_string(spread))}})
                    .status(),
                absl::OkStatus())
          << interval << " " << spread;
    }
  }
}

TEST(Resolve, LowersTheDefaultNumwantToTheCap) {
  const auto settings = Resolve({{Assign("max-numwant", "20")}});
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings->tracker.default_numwant, 20u);
}

struct Clash {
  std::vector<Assignment> assignments;
  const char* message;
};

TEST(Resolve, RefusesContradictionsAndSaysWhereTheyWereMade) {
  const Clash clashes[] = {
      {{Assign("interval-spread", "30m")},
       "--interval-spread: interval-spread (30m) must be shorter than interval (30m)"},
      {{Assign("min-interval", "28m")},
       "--min-interval: min-interval (28m) must be at most interval (30m) less interval-spread "
       "(3m)"},
      {{Assign("peer-timeout", "33m"), Assign("workers", "1")},
       "--peer-timeout: peer-timeout (33m) must be longer than interval (30m) and interval-spread "
       "(3m) together"},
      {{Assign("peer-timeout", "1h"), Assign("interval", "2h")},
       "--interval: peer-timeout (1h) must be longer than interval (2h) and interval-spread (12m) "
       "together"},
      {{Assign("max-numwant", "20"), Assign("default-numwant", "21")},
       "--default-numwant: default-numwant (21) must be at most max-numwant (20)"},
      {{{FindSetting("udp"), std::vector{At("[::1]:80"), At("127.0.0.1:80"), At("[::1]:80")},
         "here"}},
       "here: udp address [::1]:80 is given twice"},
      {{Assign("blacklist-add-fifo", "pipes/add"), Assign("blacklist-delete-fifo", "./pipes//add")},
       "--blacklist-delete-fifo: blacklist-add-fifo and blacklist-delete-fifo are the same pipe"},
      {{Assign("blacklist-add-fifo", "add"), Assign("whitelist-add-fifo", "add")},
       "--whitelist-add-fifo: whitelist-add-fifo and blacklist-add-fifo are the same pipe"},
  };
  for (const Clash& clash : clashes) {
    EXPECT_EQ(Resolve(clash.assignments).status(), absl::InvalidArgumentError(clash.message));
  }
}

TEST(Resolve, AllowsManyFreePortsOfOneAddressAndOneAddressForBothProtocols) {
  const std::vector free_ports{At("127.0.0.1:0"), At("127.0.0.1:0")};
  EXPECT_TRUE(Resolve({{{FindSetting("udp"), free_ports, ""}}}).ok());
  EXPECT_TRUE(Resolve({{Assign("udp", "127.0.0.1:80"), Assign("http", "127.0.0.1:80")}}).ok());
}

std::vector<std::string> Shown(const std::vector<muster::Listener>& listeners) {
  std::vector<std::string> shown;
  for (const muster::Listener& listener : listeners) {
    const bool udp = listener.protocol == muster::Protocol::kUdp;
    shown.push_back((udp ? "udp " : "http ") + listener.endpoint.ToString());
  }
  return shown;
}

TEST(Listeners, AreBothProtocolsOnEveryAddressByDefault) {
  EXPECT_TRUE(UsesDefaultListeners(Settings()));
  EXPECT_THAT(Shown(ServerOptionsOf(Settings(), true).listeners),
              testing::ElementsAre("udp 0.0.0.0:6969", "udp [::]:6969", "http 0.0.0.0:6969",
                                   "http [::]:6969"));
}

TEST(Listeners, LeaveOutIpv6ByDefaultWhereThereIsNone) {
  EXPECT_THAT(Shown(ServerOptionsOf(Settings(), false).listeners),
              testing::ElementsAre("udp 0.0.0.0:6969", "http 0.0.0.0:6969"));
}

TEST(Listeners, AreExactlyTheOnesGiven) {
  Settings settings;
  settings.http_listeners = {At("[::1]:80"), At("127.0.0.1:0")};
  EXPECT_FALSE(UsesDefaultListeners(settings));
  EXPECT_THAT(Shown(ServerOptionsOf(settings, false).listeners),
              testing::ElementsAre("http [::1]:80", "http 127.0.0.1:0"));
  settings.udp_listeners = {At("[::1]:81")};
  EXPECT_THAT(Shown(ServerOptionsOf(settings, true).listeners),
              testing::ElementsAre("udp [::1]:81", "http [::1]:80", "http 127.0.0.1:0"));
}

TEST(Settings, PeerIdsAreKeptForADfileOfBttracksFormat) {
  const auto ids = [](std::string_view text) {
    const auto assignments = ReadToml(text, "file");
    EXPECT_TRUE(assignments.ok()) << assignments.status();
    const auto settings = Resolve(*assignments);
    EXPECT_TRUE(settings.ok()) << settings.status();
    return settings->store.keep_peer_ids && StateOptionsOf(*settings).peer_ids;
  };
  EXPECT_TRUE(ids("dfile = 'd'\ndfile-format = 'bttrack'\n"));
  EXPECT_FALSE(ids("dfile = 'd'\n"));
  EXPECT_FALSE(ids("dfile-format = 'bttrack'\n"));
  EXPECT_FALSE(ids("dfile = 'd'\ndfile-format = 'bttrack'\npeer-ids = false\n"));
}

TEST(Settings, AListenerForProxiesNeedsOneThatIsTrusted) {
  const auto assignments = ReadToml("http-proxied = ['127.0.0.1:80']\n", "file");
  ASSERT_TRUE(assignments.ok());
  const auto settings = Resolve(*assignments);
  EXPECT_TRUE(absl::IsInvalidArgument(settings.status()));
  EXPECT_NE(settings.status().message().find("file:1:1: http-proxied serves nobody"),
            std::string_view::npos)
      << settings.status();
}

}  // namespace
}  // namespace musterd
