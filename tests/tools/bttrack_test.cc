// SPDX-License-Identifier: Apache-2.0
#include "musterd/bttrack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "helpers.h"
#include "musterd/settings.h"

namespace musterd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Words = std::vector<std::string>;

absl::StatusOr<BttrackLine> Parse(const Words& arguments, bool ipv6 = true) {
  return ParseBttrack(
      arguments,
      [](const std::string& host) -> absl::StatusOr<std::vector<muster::IpAddress>> {
        if (host == "both.example") {
          return std::vector{*muster::IpAddress::Parse("192.0.2.9"),
                             *muster::IpAddress::Parse("2001:db8::9")};
        }
        const auto address = muster::IpAddress::Parse(host);
        if (!address.ok()) return absl::NotFoundError("no such host");
        return std::vector{*address};
      },
      ipv6);
}

absl::StatusOr<Settings> Started(Words arguments, bool ipv6 = true) {
  arguments.insert(arguments.begin(), {"--dfile", "d"});
  const auto parsed = Parse(arguments, ipv6);
  if (!parsed.ok()) return parsed.status();
  return Resolve(parsed->line.WithFile());
}

Words NotesOf(Words arguments, bool ipv6 = true) {
  arguments.insert(arguments.begin(), {"--dfile", "d"});
  const auto parsed = Parse(arguments, ipv6);
  return parsed.ok() ? parsed->notes : Words{"refused: " + std::string(parsed.status().message())};
}

std::string In(const Settings& settings, std::string_view name) {
  const Setting& setting = *FindSetting(name);
  return FormatValue(setting, setting.get(settings));
}

Words SettingsOf(const BttrackOption& option) {
  std::istringstream words{std::string(option.settings)};
  return {std::istream_iterator<std::string>(words), {}};
}

const std::string kLocalNetworks =
    R"(["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", )"
    R"("::1/128", "fc00::/7", "fe80::/10", "fec0::/10"])";

struct OptionCase {
  std::string option;
  // What it is set to, beside what else; and the setting that shows it, with its value.
  Words arguments;
  std::string setting;
  std::string becomes;
  // The same setting by default.
  std::string initially;
};

const OptionCase kOptionCases[] = {
    {"port", {"--port", "6969"}, "http", R"(["0.0.0.0:6969"])", R"(["0.0.0.0:80"])"},
    {"port", {"--port=6969"}, "udp", R"(["0.0.0.0:6969"])", R"(["0.0.0.0:80"])"},
    {"dfile", {"--dfile", "/var/state"}, "dfile", R"("/var/state")", R"("d")"},
    {"dfile_format", {"--dfile_format", "bttrack"}, "dfile-format", R"("bttrack")", R"("muster")"},
    {"dfile_format", {"--dfile_format=bttrack"}, "dfile-format", R"("bttrack")", R"("muster")"},
    {"bind",
     {"--bind", "192.0.2.1,both.example"},
     "http",
     R"(["192.0.2.1:80", "192.0.2.9:80"])",
     R"(["0.0.0.0:80"])"},
    {"ipv6_enabled",
     {"--ipv6_enabled", "1"},
     "http",
     R"(["0.0.0.0:80", "[::]:80"])",
     R"(["0.0.0.0:80"])"},
    {"socket_timeout", {"--socket_timeout", "7"}, "http-idle-timeout", R"("7s")", R"("15s")"},
    {"socket_timeout", {"--socket_timeout", "7"}, "http-request-timeout", R"("7s")", R"("15s")"},
    {"socket_timeout", {"--socket_timeout", "7"}, "http-write-timeout", R"("7s")", R"("15s")"},
    {"socket_timeout", {"--socket_timeout", "7"}, "nat-check-timeout", R"("7s")", R"("15s")"},
    {"save_dfile_interval",
     {"--save_dfile_interval", "60"},
     "save-dfile-interval",
     R"("1m")",
     R"("5m")"},
    {"timeout_downloaders_interval",
     {"--timeout_downloaders_interval", "3600"},
     "peer-timeout",
     R"("1h")",
     R"("45m")"},
    {"reannounce_interval", {"--reannounce_interval", "600"}, "interval", R"("10m")", R"("30m")"},
    {"response_size", {"--response_size", "20"}, "max-numwant", "20", "50"},
    {"response_size", {"--response_size", "20"}, "default-numwant", "20", "50"},
    {"nat_check", {"--nat_check", "0"}, "nat-check", "0", "3"},
    {"log_nat_checks", {"--log_nat_checks", "1"}, "log-nat-checks", "true", "false"},
    {"min_time_between_log_flushes",
     {"--min_time_between_log_flushes", "0.25"},
     "access-log-flush-interval",
     R"("250ms")",
     R"("3s")"},
    {"allowed_dir", {"--allowed_dir", "torrents"}, "allowed-torrents", R"("torrents")", R"("")"},
    {"allowed_list", {"--allowed_list", "hashes"}, "whitelist", R"("hashes")", R"("")"},
    {"allowed_controls",
     {"--allowed_dir", "t", "--allowed_controls", "1"},
     "torrent-messages",
     "true",
     "false"},
    {"multitracker_enabled",
     {"--allowed_dir", "t", "--multitracker_enabled", "1"},
     "multitracker",
     "true",
     "false"},
    {"multitracker_allowed",
     {"--multitracker_allowed", "all"},
     "multitracker-allowed",
     R"("all")",
     R"("none")"},
    {"multitracker_reannounce_interval",
     {"--multitracker_reannounce_interval", "60"},
     "multitracker-reannounce-interval",
     R"("1m")",
     R"("2m")"},
    {"multitracker_maxpeers", {"--multitracker_maxpeers", "9"}, "multitracker-maxpeers", "9", "20"},
    {"aggregate_forward",
     {"--aggregate_forward", "http://a.example/,word"},
     "aggregate-forward",
     R"("http://a.example/,word")",
     R"("")"},
    {"only_local_override_ip",
     {"--only_local_override_ip", "1"},
     "given-ip-from",
     kLocalNetworks,
     R"(["0.0.0.0/0", "::/0"])"},
    {"aggregator", {"--aggregator", "1"}, "aggregator", "true", "false"},
    {"aggregator", {"--aggregator", "word"}, "aggregator-password", R"("word")", R"("")"},
    {"hupmonitor", {"--hupmonitor", "1"}, "access-log-reopen", "true", "false"},
    {"http_timeout", {"--http_timeout", "9"}, "outgoing-timeout", R"("9s")", R"("1m")"},
    {"parse_dir_interval",
     {"--parse_dir_interval", "9"},
     "list-check-interval",
     R"("9s")",
     R"("1m")"},
    {"show_infopage", {"--show_infopage", "0"}, "info-page", "false", "true"},
    {"infopage_redirect",
     {"--infopage_redirect", "http://a.example/"},
     "redirect-url",
     R"("http://a.example/")",
     R"("")"},
    {"show_names", {"--show_names", "0"}, "show-names", "false", "true"},
    {"favicon", {"--favicon", "icon"}, "favicon", R"("icon")", R"("")"},
    {"allowed_ips", {"--allowed_ips", "a"}, "allowed-ips", R"("a")", R"("")"},
    {"banned_ips", {"--banned_ips", "b"}, "banned-ips", R"("b")", R"("")"},
    {"logfile", {"--logfile", "log"}, "access-log", R"("log")", R"("-")"},
    {"allow_get", {"--allow_get", "1"}, "serve-torrents", "true", "false"},
    {"keep_dead", {"--keep_dead", "1"}, "keep-dead", "true", "false"},
    {"keep_dead", {"--keep_dead", "1"}, "show-dead", "true", "false"},
    {"scrape_allowed", {"--scrape_allowed", "specific"}, "scrape", R"("specific")", R"("full")"},
    {"dedicated_seed_id", {"--dedicated_seed_id", "s"}, "dedicated-seed-id", R"("s")", R"("")"},
    {"compact_reqd", {"--compact_reqd", "0"}, "require-compact", "false", "true"},
};

TEST(Bttrack, EveryOptionReachesASettingThatThereIs) {
  Words without_sense;
  for (const BttrackOption& option : BttrackOptions()) {
    if (option.settings.empty()) without_sense.emplace_back(option.name);
    for (const std::string& setting : SettingsOf(option))
      EXPECT_NE(FindSetting(setting), nullptr) << setting;
  }
  EXPECT_THAT(without_sense, ElementsAre("ipv6_binds_v4", "timeout_check_interval",
                                         "min_time_between_cache_refreshes"));
}

TEST(Bttrack, EveryOptionHasACaseHere) {
  for (const BttrackOption& option : BttrackOptions()) {
    if (option.settings.empty()) continue;
    EXPECT_TRUE(std::any_of(std::begin(kOptionCases), std::end(kOptionCases),
                            [&](const OptionCase& one) { return one.option == option.name; }))
        << option.name;
  }
  EXPECT_EQ(BttrackOptions().size(), 41u);
}

TEST(Bttrack, EveryOptionChangesItsSetting) {
  const auto defaults = Started({});
  ASSERT_TRUE(defaults.ok()) << defaults.status();
  for (const OptionCase& one : kOptionCases) {
    const auto settings = Started(one.arguments);
    ASSERT_TRUE(settings.ok()) << one.option << ": " << settings.status();
    EXPECT_EQ(In(*settings, one.setting), one.becomes) << one.option;
    EXPECT_EQ(In(*defaults, one.setting), one.initially) << one.option;
  }
}

TEST(Bttrack, SaysNothingOfItsDefaults) { EXPECT_THAT(NotesOf({}), IsEmpty()); }

TEST(Bttrack, AnswersAsBttrackDoes) {
  const auto settings = Started({});
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(In(*settings, "answers"), R"("bttrack")");
  EXPECT_EQ(In(*settings, "interval-spread"), R"("0s")");
  EXPECT_EQ(In(*settings, "forget-refused"), "false");
  EXPECT_EQ(In(*settings, "full-scrape-for"), R"(["0.0.0.0/0", "::/0"])");
  EXPECT_EQ(In(*settings, "banned-ips-format"), R"("named-ranges")");
  EXPECT_EQ(In(*settings, "peer-ids"), "true");
  EXPECT_EQ(In(*settings, "http-max-request-bytes"), R"("64K")");
  EXPECT_EQ(In(*settings, "http-max-scrape-torrents"), "10000");
}

TEST(Bttrack, LeadsNobodyAwayFromAPageThatIsNotThere) {
  const auto settings =
      Started({"--infopage_redirect", "http://a.example/", "--show_infopage", "0"});
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(In(*settings, "info-page"), "false");
  EXPECT_EQ(In(*settings, "redirect-url"), R"("")");
}

TEST(Bttrack, TakesOptionsInBothFormsAndTheLastOneWins) {
  EXPECT_EQ(In(*Started({"--port", "81", "--port=82"}), "udp"), R"(["0.0.0.0:82"])");
  EXPECT_EQ(In(*Started({"--logfile=a=b"}), "access-log"), R"("a=b")");
  EXPECT_EQ(In(*Started({"--favicon="}), "favicon"), R"("")");
  // A value may look like an option.
  EXPECT_EQ(In(*Started({"--favicon", "--port"}), "favicon"), R"("--port")");
}

TEST(Bttrack, RefusesWhatMakesNoSense) {
  for (const Words& arguments :
       {Words{"--prot", "80"}, Words{"now"}, Words{"-p", "80"}, Words{"--port"},
        Words{"--port", "x"}, Words{"--port", "-1"}, Words{"--port", "65536"}, Words{"--port", ""},
        Words{"--min_time_between_log_flushes", "3.x"}, Words{"--reannounce_interval", "0"},
        Words{"--scrape_allowed", "some"}, Words{"--dfile_format", "opentracker"},
        Words{"--bind", "nowhere.example"}, Words{"--bind", "2001:db8::1"},
        Words{"--ipv6_enabled", "yes"}, Words{""}, Words{"--", "--wrokers", "2"}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Started(arguments).status()))
        << testing::PrintToString(arguments);
  }
  EXPECT_THAT(std::string(Started({"--prot", "80"}).status().message()),
              HasSubstr("did you mean '--port'?"));
}

TEST(Bttrack, WantsADfile) {
  EXPECT_THAT(std::string(Parse({"--port", "80"}).status().message()), HasSubstr("--dfile"));
}

TEST(Bttrack, ShowsEveryOptionWithoutArguments) {
  EXPECT_TRUE(Parse({})->wants_help);
  EXPECT_TRUE(Parse({"--port", "80", "--help"})->wants_help);
  const std::string text = BttrackHelpText();
  for (const BttrackOption& option : BttrackOptions()) {
    EXPECT_THAT(text, HasSubstr("\n--" + std::string(option.name) + " VALUE\n"));
  }
}

TEST(Bttrack, TakesOptionsOfMusterdBehindALoneDash) {
  const auto parsed = Parse({"--dfile", "d", "--print-config", "--", "--workers", "3"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->line.action, Action::kPrintConfig);
  EXPECT_EQ(Resolve(parsed->line.WithFile())->workers, 3u);
}

TEST(Bttrack, ListensOnIpv6OnlyWhereThereIsAny) {
  EXPECT_EQ(In(*Started({"--ipv6_enabled", "1"}, /*ipv6=*/false), "http"), R"(["0.0.0.0:80"])");
  EXPECT_THAT(NotesOf({"--ipv6_enabled", "1"}, /*ipv6=*/false), ElementsAre(HasSubstr("no IPv6")));
  EXPECT_EQ(In(*Started({"--ipv6_enabled", "1", "--bind", "both.example,::1"}), "http"),
            R"(["192.0.2.9:80", "[2001:db8::9]:80", "[::1]:80"])");
}

TEST(Bttrack, RemembersPeersForLongerThanTheInterval) {
  const Words arguments = {"--reannounce_interval", "1800", "--timeout_downloaders_interval",
                           "900"};
  EXPECT_EQ(In(*Started(arguments), "peer-timeout"), R"("2701s")");
  EXPECT_THAT(NotesOf(arguments), ElementsAre(HasSubstr("2701 seconds")));
}

TEST(Bttrack, SetsWhatIsMoreThanASettingAllowsToTheMostAndSaysSo) {
  const struct {
    Words arguments;
    std::string setting;
    std::string becomes;
    std::string note;
  } kCases[] = {
      {{"--response_size", "5000"}, "max-numwant", "1000", "max-numwant is set to 1000,"},
      {{"--save_dfile_interval", "100000"}, "save-dfile-interval", R"("1d")", "86400 seconds"},
      {{"--timeout_downloaders_interval", "9999999"}, "peer-timeout", R"("30d")", "2592000 sec"},
      {{"--reannounce_interval", "90000", "--timeout_downloaders_interval", "100000"},
       "interval",
       R"("1d")",
       "86400 seconds"},
      {{"--parse_dir_interval", "100000"}, "list-check-interval", R"("1d")", "86400 seconds"},
      {{"--socket_timeout", "4000"}, "nat-check-timeout", R"("1h")", "nat-check-timeout"},
      {{"--http_timeout", "4000"}, "outgoing-timeout", R"("1h")", "3600 seconds"},
      {{"--multitracker_maxpeers", "500"}, "multitracker-maxpeers", "200", "set to 200"},
      {{"--multitracker_reannounce_interval", "100000"},
       "multitracker-reannounce-interval",
       R"("1d")",
       "86400 seconds"},
      {{"--min_time_between_log_flushes", "3600.5"},
       "access-log-flush-interval",
       R"("1h")",
       "3600 seconds"},
      {{"--nat_check", "1000"}, "nat-check", "250", "--nat_check: nat-check is set to 250,"},
      {{"--http_timeout", "99999999999999999"}, "outgoing-timeout", R"("1h")", "3600 seconds"},
  };
  for (const auto& [arguments, setting, becomes, note] : kCases) {
    const auto settings = Started(arguments);
    ASSERT_TRUE(settings.ok()) << arguments[0] << ": " << settings.status();
    EXPECT_EQ(In(*settings, setting), becomes) << arguments[0];
    EXPECT_THAT(NotesOf(arguments), ElementsAre(HasSubstr(note)));
  }
  EXPECT_EQ(In(*Started({"--socket_timeout", "4000"}), "http-idle-timeout"), R"("4000s")");
}

TEST(Bttrack, GivesNoPeersWhereThatIsSet) {
  const auto settings = Started({"--response_size", "0"});
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(In(*settings, "max-numwant"), "0");
}

TEST(Bttrack, TakesSecondsThatBeginWithAPoint) {
  EXPECT_EQ(In(*Started({"--min_time_between_log_flushes", ".5"}), "access-log-flush-interval"),
            R"("500ms")");
  EXPECT_FALSE(Started({"--min_time_between_log_flushes", "."}).ok());
}

TEST(Bttrack, TakesTheListWhereADirectoryIsGivenAsWell) {
  const Words arguments = {"--allowed_dir", "d", "--allowed_list", "l", "--allowed_controls", "1"};
  const auto settings = Started(arguments);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(In(*settings, "allowed-torrents"), R"("")");
  EXPECT_EQ(In(*settings, "whitelist"), R"("l")");
  EXPECT_EQ(In(*settings, "torrent-messages"), "false");
  EXPECT_EQ(NotesOf(arguments).size(), 2u);
}

TEST(Bttrack, TakesTheWordOfLocalNetworksWhereNobodyIsChecked) {
  EXPECT_EQ(In(*Started({"--only_local_override_ip", "2", "--nat_check", "0"}), "given-ip-from"),
            kLocalNetworks);
  EXPECT_EQ(In(*Started({"--only_local_override_ip", "0", "--nat_check", "0"}), "given-ip-from"),
            R"(["0.0.0.0/0", "::/0"])");
}

}  // namespace
}  // namespace musterd
