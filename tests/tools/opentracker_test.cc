// SPDX-License-Identifier: Apache-2.0
#include "musterd/opentracker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "helpers.h"

namespace musterd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Files that -f finds.
using Files = std::map<std::string, std::string>;
using Words = std::vector<std::string>;

absl::StatusOr<OpentrackerLine> ParseConf(const Words& arguments, const Files& files = {},
                                          bool ipv6 = true) {
  return ParseOpentracker(
      arguments,
      [&](const std::string& path) -> absl::StatusOr<std::string> {
        const auto file = files.find(path);
        if (file == files.end()) return absl::NotFoundError("cannot read '" + path + "'");
        return file->second;
      },
      [](const std::string& name) { return !name.empty() && name.find("unknown") == name.npos; },
      ipv6);
}

// What a tracker with these arguments does.
Settings StartedWith(const Words& arguments, const Files& files = {}, bool ipv6 = true) {
  const auto parsed = ParseConf(arguments, files, ipv6);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  if (!parsed.ok()) return {};
  const auto settings = Resolve(parsed->line.WithFile());
  EXPECT_TRUE(settings.ok()) << settings.status();
  return settings.ok() ? *settings : Settings();
}
Settings Configured(const std::string& text, bool ipv6 = true) {
  return StartedWith({"-f", "o.conf"}, {{"o.conf", text}}, ipv6);
}
Words NotesOf(const std::string& text) {
  const auto parsed = ParseConf({"-f", "o.conf"}, {{"o.conf", text}});
  return parsed.ok() ? parsed->notes : Words{"refused"};
}

Words Shown(const std::vector<muster::Endpoint>& endpoints) {
  Words shown;
  for (const muster::Endpoint& endpoint : endpoints) shown.push_back(endpoint.ToString());
  return shown;
}
Words Shown(const std::vector<muster::Cidr>& networks) {
  Words shown;
  for (const muster::Cidr& network : networks) shown.push_back(network.ToString());
  return shown;
}

TEST(Opentracker, ListensOnPort6969OfEveryAddressByDefault) {
  for (const bool ipv6 : {true, false})
    EXPECT_TRUE(UsesDefaultListeners(StartedWith({}, {}, ipv6))) << "as musterd does";
}

TEST(Opentracker, ListensOnTheLastAddressWhereNoPortIsGiven) {
  const Settings settings = StartedWith({"-i", "192.0.2.1", "-i", "2001:db8::1"});
  EXPECT_THAT(Shown(settings.udp_listeners), ElementsAre("[2001:db8::1]:6969"));
  EXPECT_THAT(Shown(settings.http_listeners), ElementsAre("[2001:db8::1]:6969"));
}

TEST(Opentracker, BindsPortsOnTheAddressBeforeThem) {
  const Settings settings = StartedWith(
      {"-p", "80", "-i", "192.0.2.1", "-p", "81", "-P82", "-i", "2001:db8::1", "-P", "83"});
  EXPECT_THAT(Shown(settings.http_listeners), ElementsAre("0.0.0.0:80", "[::]:80", "192.0.2.1:81"));
  EXPECT_THAT(Shown(settings.udp_listeners), ElementsAre("192.0.2.1:82", "[2001:db8::1]:83"));
}

TEST(Opentracker, CarriesOutAFileWhereItStands) {
  const Settings settings = StartedWith(
      {"-i", "192.0.2.1", "-u", "first", "-f", "a", "-p", "80", "-f", "b", "-u", "last"},
      {{"a", "listen.tcp 192.0.2.9:79\ntracker.user second\n"}, {"b", "listen.tcp ::1\n"}});
  EXPECT_THAT(Shown(settings.http_listeners),
              ElementsAre("192.0.2.9:79", "192.0.2.1:80", "[::1]:6969"));
  EXPECT_EQ(settings.privileges.user, "last");
}

TEST(Opentracker, HasDefaultsOfItsOwn) {
  const Settings settings = StartedWith({});
  EXPECT_EQ(settings.privileges.user, "nobody");
  EXPECT_FALSE(settings.access.require);
  // Those that are musterd's as well.
  EXPECT_EQ(settings.tracker.interval, muster::Seconds(1800));
  EXPECT_EQ(settings.tracker.interval_spread, muster::Seconds(180));
  EXPECT_EQ(settings.tracker.peer_timeout, muster::Seconds(45 * 60));
  EXPECT_EQ(settings.tracker.default_numwant, 50u);
  EXPECT_EQ(settings.tracker.max_numwant, 200u);
  EXPECT_EQ(settings.udp.default_numwant, 200u);
  EXPECT_EQ(settings.store.keep_completed, muster::Seconds(24 * 60 * 60));
}

TEST(OpentrackerOptions, ReachTheirSettings) {
  EXPECT_EQ(StartedWith({"-d", "/srv/t"}).privileges.root_directory, "/srv/t");
  EXPECT_EQ(StartedWith({"-u", "tracker"}).privileges.user, "tracker");
  EXPECT_EQ(StartedWith({"-r", "http://t/"}).http.info_page_redirect, "http://t/");
  EXPECT_EQ(StartedWith({"-w", "white"}).access.whitelist, "white");
  EXPECT_EQ(StartedWith({"-b", "black"}).access.blacklist, "black");
  EXPECT_THAT(Shown(StartedWith({"-A", "10.0.0.0/8", "-A", "::1"}).http.trusted_proxies),
              ElementsAre("10.0.0.0/8", "::1/128"));
}

TEST(OpentrackerOptions, LoadAStateAndJoinACluster) {
  EXPECT_EQ(StartedWith({"-l", "dump"}).state.load, "dump");
  const Settings joined = StartedWith({"-A", "10.0.0.1", "-i", "192.0.2.1", "-s", "9697"});
  EXPECT_THAT(Shown(joined.cluster.listen), ElementsAre("192.0.2.1:9697"));
  EXPECT_THAT(Shown(joined.cluster.nodes), ElementsAre("10.0.0.1/32"));
  EXPECT_THAT(StartedWith({"-A", "10.0.0.1"}).cluster.nodes, IsEmpty());
}

TEST(OpentrackerOptions, BlessedNetworksSeeStatisticsAndNobodyElse) {
  EXPECT_THAT(Shown(StartedWith({"-A", "10.0.0.0/8"}).statistics_for), ElementsAre("10.0.0.0/8"));
  EXPECT_THAT(Shown(StartedWith({}).statistics_for), ElementsAre("0.0.0.0/0", "::/0"));
}

TEST(Opentracker, GivesFullScrapesToEverybody) {
  EXPECT_THAT(Shown(StartedWith({"-A", "10.0.0.0/8"}).full_scrape_for),
              ElementsAre("0.0.0.0/0", "::/0"));
  EXPECT_TRUE(StartedWith({}).http.loose_requests);
  EXPECT_TRUE(StartedWith({}).log_full_scrapes);
}

TEST(OpentrackerOptions, ThatMakeNoSenseAreRefused) {
  for (const Words& arguments : {Words{"-x"},
                                 Words{"now"},
                                 Words{"-"},
                                 Words{"-p"},
                                 Words{"-p", "x"},
                                 Words{"-p", "65536"},
                                 Words{"-P", "-1"},
                                 Words{"-s", "9696"},
                                 Words{"-i", "::1", "-s", "9696"},
                                 Words{"-i", "10.0.0.1", "-s", "x"},
                                 Words{"-i", "host"},
                                 Words{"-i", "192.0.2.1:80"},
                                 Words{"-i", ""},
                                 Words{"-A", "10.0.0.0/33"},
                                 Words{"-A", "x"},
                                 Words{"--wrokers", "2"},
                                 Words{"-u", ""},
                                 Words{"-w", ""},
                                 Words{"-b", ""},
                                 Words{"-d", ""},
                                 Words{""}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseConf(arguments).status())) << arguments[0];
  }
}

TEST(OpentrackerOptions, AskForHelpAndVersionWhereverTheyStand) {
  EXPECT_TRUE(ParseConf({"-h"})->wants_help);
  EXPECT_TRUE(ParseConf({"-p", "80", "-v"})->wants_version);
  EXPECT_FALSE(ParseConf({"-w", "-h"})->wants_help);  // the name of a file
}

TEST(OpentrackerOptions, MayBeFollowedByThoseOfMusterd) {
  const auto parsed = ParseConf({"-u", "--odd", "-p", "80", "--workers", "3", "--print-config"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->line.action, Action::kPrintConfig);
  const auto settings = Resolve(parsed->line.WithFile());
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings->workers, 3u);
  EXPECT_EQ(settings->privileges.user, "--odd");
  EXPECT_THAT(Shown(settings->http_listeners), ElementsAre("0.0.0.0:80", "[::]:80"));
}

TEST(OpentrackerConf, ListensWhereItSays) {
  const Settings settings = Configured(
      "listen.tcp_udp 192.0.2.1\n"
      "listen.tcp 192.0.2.2:80\n"
      "listen.udp\t[2001:db8::1]:81  \n"
      "  listen.tcp 2001:db8::2.82\r\n"
      "listen.udp 2001:db8::3\n"
      "listen.tcp [2001:db8::4]\n");
  EXPECT_THAT(Shown(settings.udp_listeners),
              ElementsAre("192.0.2.1:6969", "[2001:db8::1]:81", "[2001:db8::3]:6969"));
  EXPECT_THAT(
      Shown(settings.http_listeners),
      ElementsAre("192.0.2.1:6969", "192.0.2.2:80", "[2001:db8::2]:82", "[2001:db8::4]:6969"));
}

TEST(OpentrackerConf, MeansBothFamiliesByTheAnyAddressOfIpv6) {
  EXPECT_THAT(Shown(Configured("listen.tcp ::\n").http_listeners),
              ElementsAre("0.0.0.0:6969", "[::]:6969"));
  EXPECT_THAT(Shown(Configured("listen.tcp 0.0.0.0\n").http_listeners),
              ElementsAre("0.0.0.0:6969"));
  EXPECT_THAT(Shown(Configured("listen.tcp 0.0.0.0\nlisten.tcp ::\n").http_listeners),
              ElementsAre("0.0.0.0:6969", "[::]:6969"));
}

TEST(OpentrackerConf, ReachesTheSettingsOfEveryOtherKey) {
  EXPECT_EQ(Configured("listen.udp.workers 4\n").workers, 4u);
  EXPECT_EQ(Configured("listen.udp.workers 0\n").workers, 0u);
  EXPECT_EQ(Configured("access.whitelist ./white list\n").access.whitelist, "./white list");
  EXPECT_EQ(Configured("access.blacklist black\n").access.blacklist, "black");
  EXPECT_THAT(
      Shown(Configured("access.proxy 10.0.0.1\naccess.proxy 2001:db8::/32\n").http.trusted_proxies),
      ElementsAre("10.0.0.1/32", "2001:db8::/32"));
  EXPECT_EQ(Configured("tracker.rootdir /srv\n").privileges.root_directory, "/srv");
  EXPECT_EQ(Configured("tracker.user  tracker \n").privileges.user, "tracker");
}

TEST(OpentrackerConf, UsesItsPipesForTheListThatThereIs) {
  const std::string pipes = "access.fifo_add add\naccess.fifo_delete delete\n";
  const Settings white = Configured(pipes + "access.whitelist w\n");
  EXPECT_EQ(white.access.whitelist_add_fifo, "add");
  EXPECT_EQ(white.access.whitelist_delete_fifo, "delete");
  EXPECT_EQ(white.access.blacklist_add_fifo, "");
  const Settings black = Configured("access.blacklist b\n" + pipes);
  EXPECT_EQ(black.access.blacklist_add_fifo, "add");
  EXPECT_EQ(black.access.blacklist_delete_fifo, "delete");
  EXPECT_EQ(black.access.whitelist_add_fifo, "");
}

TEST(OpentrackerConf, SaysWhichListItsPipesAreTakenForWhereThereIsNone) {
  for (const char* pipe : {"access.fifo_add p\n", "access.fifo_delete p\n"}) {
    EXPECT_THAT(NotesOf(pipe), ElementsAre(HasSubstr("taken for those of a whitelist"))) << pipe;
    EXPECT_THAT(NotesOf(std::string("access.whitelist w\n") + pipe), IsEmpty());
    EXPECT_THAT(NotesOf(std::string(pipe) + "access.blacklist b\n"), IsEmpty());
  }
}

TEST(OpentrackerConf, SaysWhatHasNoEffect) {
  EXPECT_THAT(NotesOf("\nbatchsync.cluster.admin_ip 192.0.2.1\n"),
              ElementsAre(HasSubstr("o.conf:2: ")));
  EXPECT_THAT(NotesOf("livesync.cluster.node_ip 192.0.2.1\n"),
              ElementsAre(HasSubstr("without livesync.cluster.listen")));
}

TEST(OpentrackerConf, JoinsACluster) {
  const Settings settings = Configured(
      "livesync.cluster.listen 192.0.2.1\nlivesync.cluster.node_ip 192.0.2.4\n"
      "livesync.cluster.node_ip 192.0.2.128/28\n");
  EXPECT_THAT(Shown(settings.cluster.listen), ElementsAre("192.0.2.1:9696"));
  EXPECT_THAT(Shown(settings.cluster.nodes), ElementsAre("192.0.2.4/32", "192.0.2.128/28"));
  EXPECT_THAT(Shown(Configured("livesync.cluster.listen 192.0.2.1:77\n").cluster.listen),
              ElementsAre("192.0.2.1:77"));
}

TEST(OpentrackerOptions, JoinNoClusterOnEveryInterface) {
  EXPECT_THAT(StartedWith({"-i", "0.0.0.0", "-s", "9696"}).cluster.listen, IsEmpty());
}

TEST(OpentrackerConf, JoinsNoClusterByALineThatHasNoEffect) {
  const std::string bad = "livesync.cluster.listen 0.0.0.0\n";
  EXPECT_THAT(NotesOf(bad), ElementsAre(HasSubstr("the line has no effect")));
  EXPECT_THAT(Configured(bad).cluster.listen, IsEmpty());
  const std::string good = "livesync.cluster.listen 192.0.2.1\n";
  EXPECT_THAT(NotesOf(good + bad), ElementsAre(HasSubstr("o.conf:2: ")));
  EXPECT_THAT(Shown(Configured(good + bad).cluster.listen), ElementsAre("192.0.2.1:9696"));
}

TEST(OpentrackerConf, SetsWhatConcernsPages) {
  EXPECT_THAT(Shown(Configured("access.stats 192.0.2.0/24\n").statistics_for),
              ElementsAre("192.0.2.0/24"));
  EXPECT_EQ(Configured("access.stats_path hidden\n").http.statistics_path, "hidden");
  EXPECT_EQ(Configured("tracker.redirect_url https://t.example/\n").http.info_page_redirect,
            "https://t.example/");
}

TEST(OpentrackerConf, NamesUnknownKeysAndBadValuesWithTheirLine) {
  EXPECT_THAT(NotesOf("# comment\n\naccess.whitlist x\n"),
              ElementsAre("o.conf:3: unknown key 'access.whitlist'; did you mean "
                          "'access.whitelist'?; the line has no effect"));
  EXPECT_THAT(
      NotesOf("listen.tcp host:80\nlisten.tcp 192.0.2.1:80\n"),
      ElementsAre("o.conf:1: listen.tcp: cannot understand 'host:80'; the line has no effect"));
  EXPECT_THAT(NotesOf("tracker.user\n"),
              ElementsAre("o.conf:1: tracker.user needs a value; the line has no effect"));
  EXPECT_THAT(NotesOf("listen.tcp_udpx 1.2.3.4\n"), ElementsAre(HasSubstr("unknown key")));
  EXPECT_THAT(NotesOf(std::string(600, 'x') + "\n"), ElementsAre(HasSubstr("longer than 511")));
  for (const char* line :
       {"livesync.cluster.listen ::1", "livesync.cluster.listen x", "livesync.cluster.node_ip x",
        "listen.udp.workers many", "access.proxy 10.0.0.0/33", "listen.udp.workers 5000"}) {
    EXPECT_THAT(NotesOf(line), ElementsAre(HasSubstr("o.conf:1: "))) << line;
  }
}

TEST(OpentrackerOptions, ThatNameAnUnknownUserAreForNobodyOfMinus2) {
  for (const Words& arguments :
       {Words{"-u", "unknown"}, Words{"-f", "o.conf"}, Words{"--user", "unknown"},
        Words{"-u", "tracker", "--user", "unknown"}}) {
    const Files files{{"o.conf", "tracker.user unknown\n"}};
    EXPECT_EQ(StartedWith(arguments, files).privileges.user, "4294967294") << arguments[0];
    EXPECT_THAT(ParseConf(arguments, files)->notes,
                ElementsAre(HasSubstr(": there is no user 'unknown'; it becomes 4294967294")));
  }
  const Words last{"-u", "unknown", "--user", "tracker"};
  EXPECT_EQ(StartedWith(last).privileges.user, "tracker");
  EXPECT_THAT(ParseConf(last)->notes, IsEmpty());
}

TEST(OpentrackerOptions, ThatKeepItRootAreWarnedOf) {
  EXPECT_THAT(ParseConf({"--user", ""})->notes,
              ElementsAre("--user: it stays root, as opentracker never does"));
}

TEST(OpentrackerConf, ShowsStatisticsToNobodyByALineThatMakesNoSense) {
  for (const std::string& line :
       {std::string("access.stats 10.0.0.0/33"), std::string("access.stats"),
        std::string("access.stats localhost"), std::string("access.stats_path"),
        "access.stats 10.0.0.1 " + std::string(500, 'x')}) {
    EXPECT_THAT(Configured(line).statistics_for, IsEmpty()) << line;
    EXPECT_THAT(NotesOf("\n" + line), ElementsAre(testing::StartsWith("o.conf:2: "))) << line;
    EXPECT_THAT(NotesOf(line), ElementsAre(HasSubstr("it shows the statistics to nobody")));
    for (const std::string& both :
         {line + "\naccess.stats 192.0.2.1", "access.stats 192.0.2.1\n" + line}) {
      EXPECT_THAT(Shown(Configured(both).statistics_for), ElementsAre("192.0.2.1/32")) << both;
    }
  }
}

TEST(OpentrackerConf, OpensNoOtherPortWhereALineNamesOneInVain) {
  for (const std::string line : {"listen.tcp 192.0.2.1:65536", "listen.udp [::1",
                                 "listen.tcp [1.2.3.4]:1", "listen.tcp_udp localhost:6969"}) {
    const auto parsed = ParseConf({"-f", "o.conf"}, {{"o.conf", "tracker.user x\n" + line}});
    EXPECT_THAT(std::string(parsed.status().message()), testing::StartsWith("o.conf:2: listen."))
        << line;
    // Others are enough.
    const Settings settings = Configured(line + "\nlisten.udp 192.0.2.1:80\n");
    EXPECT_THAT(Shown(settings.udp_listeners), ElementsAre("192.0.2.1:80"));
    EXPECT_THAT(settings.http_listeners, IsEmpty());
    EXPECT_TRUE(ParseConf({"-f", "o.conf", "--http", "192.0.2.1:80"}, {{"o.conf", line}}).ok());
  }
}

TEST(OpentrackerConf, MayBeginWithAByteOrderMark) {
  EXPECT_EQ(Configured("\xef\xbb\xbf"
                       "access.whitelist w\n")
                .access.whitelist,
            "w");
}

TEST(OpentrackerConf, IsLessThanAFileOfMusterds) {
  const auto parsed = ParseConf({"-A", "192.0.2.1", "--workers", "3"});
  ASSERT_TRUE(parsed.ok());
  const Setting* const stats = FindSetting("stats-access");
  const std::vector<Assignment> file = {
      {stats, *ParseValue(*stats, "10.0.0.0/8"), "x.toml:1"},
      {FindSetting("workers"), *ParseValue(*FindSetting("workers"), "5"), "x.toml:2"},
      {FindSetting("user"), std::string("daemon"), "x.toml:3"}};
  const auto settings = Resolve(parsed->line.WithFile(file));
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_THAT(Shown(settings->statistics_for), ElementsAre("10.0.0.0/8"));
  EXPECT_EQ(settings->privileges.user, "daemon");
  EXPECT_EQ(settings->workers, 3u) << "an option";
}

TEST(OpentrackerConf, HasItsPipesForTheListThatMusterdsOptionsName) {
  const Settings settings =
      StartedWith({"-f", "o.conf", "--blacklist", "b"}, {{"o.conf", "access.fifo_add p\n"}});
  EXPECT_EQ(settings.access.blacklist_add_fifo, "p");
  EXPECT_EQ(settings.access.whitelist_add_fifo, "");
}

TEST(OpentrackerConf, DoesNotStartWithoutAListThatItNames) {
  for (const std::string key : {"access.whitelist", "access.blacklist", "access.fifo_add",
                                "access.fifo_delete", "tracker.rootdir"}) {
    for (const std::string& line : {key, key + " ", key + " " + std::string(510, 'x')}) {
      const auto parsed =
          ParseConf({"-f", "o.conf"}, {{"o.conf", "access.whitelist w\n" + line + "\n"}});
      EXPECT_TRUE(absl::IsInvalidArgument(parsed.status())) << line;
      EXPECT_THAT(std::string(parsed.status().message()), testing::StartsWith("o.conf:2: "))
          << line;
    }
  }
}

TEST(OpentrackerConf, IsNotReadInPart) {
  std::string text;
  while (text.size() <= 1024 * 1024) text += "# nothing\n";
  const auto parsed = ParseConf({"-f", "o.conf"}, {{"o.conf", text}});
  EXPECT_TRUE(absl::IsInvalidArgument(parsed.status()));
  EXPECT_THAT(std::string(parsed.status().message()), HasSubstr("'o.conf' is longer than 1 MiB"));
}

TEST(OpentrackerConf, GoesOnAfterWhatItCannotUnderstand) {
  EXPECT_EQ(Configured("nonsense\naccess.proxy x\ntracker.user tracker\n").privileges.user,
            "tracker");
}

TEST(OpentrackerConf, ThatCannotBeReadIsOnlyANote) {
  const auto parsed = ParseConf({"-f", "missing"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_THAT(parsed->notes, ElementsAre(HasSubstr("cannot read 'missing'")));
}

TEST(OpentrackerConf, MaySayNothing) {
  EXPECT_THAT(NotesOf("# only\n\n   \n#comments"), IsEmpty());
}

}  // namespace
}  // namespace musterd
