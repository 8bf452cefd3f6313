// SPDX-License-Identifier: Apache-2.0
#include "musterd/toml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace musterd {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string ErrorOf(std::string_view text) {
  const auto assignments = ReadToml(text, "m.toml");
  EXPECT_FALSE(assignments.ok()) << text;
  return std::string(assignments.status().message());
}

TEST(ReadToml, TakesAnEmptyFileAndComments) {
  for (const char* text : {"", "\n\n", "# nothing\n", "\xef\xbb\xbf# with a mark\r\n"}) {
    const auto assignments = ReadToml(text, "m.toml");
    ASSERT_TRUE(assignments.ok()) << assignments.status();
    EXPECT_TRUE(assignments->empty());
  }
}

TEST(ReadToml, SaysWhereEachSettingStands) {
  const auto assignments = ReadToml("workers = 1\n\n  interval = 60\n", "m.toml");
  ASSERT_TRUE(assignments.ok());
  ASSERT_EQ(assignments->size(), 2u);
  EXPECT_EQ((*assignments)[0].where, "m.toml:1:1");
  EXPECT_EQ((*assignments)[1].where, "m.toml:3:3");
  EXPECT_EQ((*assignments)[1].setting, FindSetting("interval"));
}

TEST(ReadToml, NamesTheSettingThatWasMeant) {
  EXPECT_EQ(ErrorOf("workers = 1\nintervall = 60"),
            "m.toml:2:1: unknown setting 'intervall'; did you mean 'interval'?");
  EXPECT_EQ(ErrorOf("Peer_Timeout = 60"),
            "m.toml:1:1: unknown setting 'Peer_Timeout'; did you mean 'peer-timeout'?");
  EXPECT_EQ(ErrorOf("max-conections = 60"),
            "m.toml:1:1: unknown setting 'max-conections'; did you mean 'http-max-connections'?");
  EXPECT_EQ(ErrorOf("colour = 'blue'"), "m.toml:1:1: unknown setting 'colour'");
  EXPECT_EQ(ErrorOf("\"\" = 1"), "m.toml:1:1: unknown setting ''");
}

TEST(ReadToml, SaysThatThereAreNoTables) {
  EXPECT_EQ(ErrorOf("workers = 1\n[tracker]\ninterval = 60"),
            "m.toml:2:2: unknown setting 'tracker'; settings are not grouped in tables");
  EXPECT_THAT(ErrorOf("[http]\nmax-connections = 60"),
              StartsWith("m.toml:1:1: http: expected a list"));
  EXPECT_THAT(ErrorOf("interval.spread = 60"), StartsWith("m.toml:1:1: interval: expected a time"));
}

struct Wrong {
  const char* text;
  const char* message;
};

TEST(ReadToml, RefusesAWrongType) {
  const Wrong cases[] = {
      {"workers = '4'", "m.toml:1:11: workers: expected a whole number, found a string"},
      {"workers = 4.0", "m.toml:1:11: workers: expected a whole number, found a fraction"},
      {"workers = true", "m.toml:1:11: workers: expected a whole number, found true or false"},
      {"peer-ids = 1", "m.toml:1:12: peer-ids: expected true or false, found a whole number"},
      {"peer-ids = 'true'", "m.toml:1:12: peer-ids: expected true or false, found a string"},
      {"interval = 0.5",
       "m.toml:1:12: interval: expected a time such as \"30m\", or a whole number of seconds, "
       "found a "
       "fraction"},
      {"interval = 10:00:00",
       "m.toml:1:12: interval: expected a time such as \"30m\", or a whole number of seconds, "
       "found a "
       "date or time"},
      {"log-level = 1", "m.toml:1:13: log-level: expected a string, found a whole number"},
      {"http = '0.0.0.0:1'",
       "m.toml:1:8: http: expected a list such as [\"0.0.0.0:6969\", \"[::]:6969\"], found a "
       "string"},
      {"udp-socket-buffer = []",
       "m.toml:1:21: udp-socket-buffer: expected a number of bytes such as 65536 or \"64K\", found "
       "a "
       "list"},
  };
  for (const Wrong& wrong : cases) EXPECT_EQ(ErrorOf(wrong.text), wrong.message);
}

TEST(ReadToml, RefusesAWrongValueAndPointsAtIt) {
  const Wrong cases[] = {
      {"interval = '30x'",
       "m.toml:1:12: interval: expected a time such as 90s, 30m, 2h, 1d or 500ms, not '30x'"},
      {"interval = -1",
       "m.toml:1:12: interval: expected a time such as 90s, 30m, 2h, 1d or 500ms, not '-1'"},
      {"interval = '2d'", "m.toml:1:12: interval: 2d is out of range, 1s to 1d"},
      {"max-numwant = 1001", "m.toml:1:15: max-numwant: 1001 is out of range, 0 to 1000"},
      {"max-numwant = -9223372036854775808",
       "m.toml:1:15: max-numwant: expected a whole number, not '-9223372036854775808'"},
      {"log-level = 'debug'", "m.toml:1:13: log-level: expected info|warning|error, not 'debug'"},
      {"udp = [\n  '127.0.0.1:1',\n  'localhost:2',\n]",
       "m.toml:3:3: udp: expected ADDRESS:PORT such as 0.0.0.0:6969 or [::]:6969, not "
       "'localhost:2'"},
      {"udp = ['127.0.0.1:1', 2]",
       "m.toml:1:23: udp: expected ADDRESS:PORT in quotes, found a whole number"},
  };
  for (const Wrong& wrong : cases) EXPECT_EQ(ErrorOf(wrong.text), wrong.message);
}

TEST(ReadToml, ReportsTheFirstMistakeOfTheFile) {
  EXPECT_THAT(ErrorOf("zzz = 1\naaa = 1"), StartsWith("m.toml:1:1: unknown setting 'zzz'"));
}

TEST(ReadToml, PointsAtBrokenSyntax) {
  EXPECT_THAT(ErrorOf("workers = 1\nhttp = [\n"), StartsWith("m.toml:2:"));
  EXPECT_THAT(ErrorOf("workers = 1\nworkers = 2\n"), StartsWith("m.toml:2:"));
  EXPECT_THAT(ErrorOf("workers 1"), StartsWith("m.toml:1:"));
  EXPECT_THAT(ErrorOf("a = '\x01'"), StartsWith("m.toml:1:"));
  EXPECT_THAT(ErrorOf("a = '\xff'"), StartsWith("m.toml:1:"));
}

TEST(ReadToml, TakesLettersBeyondAsciiInCommentsAndQuotes) {
  EXPECT_TRUE(ReadToml("# \u00e4\u00f6\u00fc\nworkers = 1 # '\u20ac\n", "m.toml").ok());
  EXPECT_THAT(ErrorOf("log-level = '\u00fc'"), HasSubstr("not '\u00fc'"));
  EXPECT_THAT(ErrorOf("workers = 1\nw\u00f6rkers = 2"), StartsWith("m.toml:2:2: "));
  EXPECT_THAT(ErrorOf("workers = \u00fc"), StartsWith("m.toml:1:11: "));
}

TEST(ReadToml, RefusesWhatIsTooLargeOrTooDeep) {
  EXPECT_EQ(ErrorOf(std::string(kMaxTomlBytes + 1, '\n')),
            "m.toml:1:1: longer than 1 MiB: not a configuration file");
  EXPECT_TRUE(ReadToml(std::string(kMaxTomlBytes, '\n'), "m.toml").ok());
  EXPECT_EQ(ErrorOf("\n#" + std::string(kMaxTomlLine, 'x')),
            "m.toml:2:1: a line of more than 4096 bytes");
  std::string deep = "a";
  while (deep.size() < kMaxTomlLine - 10) deep += ".a";
  EXPECT_THAT(ErrorOf(deep + " = 1"), HasSubstr("unknown setting 'a'"));
  EXPECT_THAT(ErrorOf("udp = " + std::string(1000, '[')), StartsWith("m.toml:1:"));
}

TEST(ReadToml, RefusesTooManyListeners) {
  std::string text = "udp = [\n";
  for (int i = 0; i < 257; ++i) text += "'127.0.0.1:0',\n";
  EXPECT_EQ(ErrorOf(text + "]"), "m.toml:1:7: udp: at most 256 addresses can be listened on");
}

TEST(WriteToml, ExplainsEverySettingInLinesThatFitATerminal) {
  const std::string text = WriteToml(*Resolve({}));
  for (const Setting& setting : AllSettings()) {
    const std::string words(setting.help.substr(0, 20));
    EXPECT_THAT(text, HasSubstr("\n# " + words)) << setting.name;
    EXPECT_THAT(text, HasSubstr("\n" + std::string(setting.name) + " = "));
  }
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    EXPECT_LE(end - begin, 80u) << text.substr(begin, end - begin);
    begin = end + 1;
  }
}

}  // namespace
}  // namespace musterd
