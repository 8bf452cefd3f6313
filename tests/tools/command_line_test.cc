// SPDX-License-Identifier: Apache-2.0
#include "musterd/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "helpers.h"

namespace musterd {
namespace {

using testing::HasSubstr;

using Arguments = std::vector<std::string>;

std::string ErrorOf(const Arguments& arguments) {
  const auto line = ParseCommandLine(arguments);
  EXPECT_FALSE(line.ok()) << testing::PrintToString(arguments);
  return std::string(line.status().message());
}

CommandLine Parsed(const Arguments& arguments) {
  const auto line = ParseCommandLine(arguments);
  EXPECT_TRUE(line.ok()) << line.status();
  return line.ok() ? *line : CommandLine();
}

TEST(CommandLine, ServesWithDefaultsWithoutArguments) {
  const CommandLine line = Parsed({});
  EXPECT_EQ(line.action, Action::kServe);
  EXPECT_FALSE(line.config_file.has_value());
  EXPECT_TRUE(line.assignments.empty());
}

TEST(CommandLine, ChoosesTheAction) {
  EXPECT_EQ(Parsed({"--help"}).action, Action::kHelp);
  EXPECT_EQ(Parsed({"-h"}).action, Action::kHelp);
  EXPECT_EQ(Parsed({"--version"}).action, Action::kVersion);
  EXPECT_EQ(Parsed({"-V"}).action, Action::kVersion);
  EXPECT_EQ(Parsed({"--check-config"}).action, Action::kCheckConfig);
  EXPECT_EQ(Parsed({"--print-config"}).action, Action::kPrintConfig);
  EXPECT_EQ(Parsed({"--print-config", "--help"}).action, Action::kHelp);
}

TEST(CommandLine, TakesTheConfigurationFile) {
  EXPECT_EQ(Parsed({"--config", "a b.toml"}).config_file, "a b.toml");
  EXPECT_EQ(Parsed({"--config=x", "--config=y"}).config_file, "y");
}

TEST(CommandLine, AddsUpAddressesInTheirOrder) {
  const CommandLine line =
      Parsed({"--udp", "127.0.0.1:1", "--http", "[::1]:2", "--udp=[::]:3", "--http=0.0.0.0:0"});
  ASSERT_EQ(line.assignments.size(), 2u);
  EXPECT_EQ(line.assignments[0].value, Value(std::vector{At("127.0.0.1:1"), At("[::]:3")}));
  EXPECT_EQ(line.assignments[1].value, Value(std::vector{At("[::1]:2"), At("0.0.0.0:0")}));
  EXPECT_EQ(line.assignments[1].where, "--http");
}

TEST(CommandLine, LetsTheLastOfOtherOptionsCount) {
  EXPECT_EQ(Parsed({"--workers", "1", "--workers", "2"}).assignments.at(0).value,
            Value(std::uint64_t{2}));
  EXPECT_EQ(Parsed({"--peer-ids", "--no-peer-ids"}).assignments.at(0).value, Value(false));
  EXPECT_EQ(Parsed({"--no-peer-ids", "--peer-ids"}).assignments.at(0).value, Value(true));
}

TEST(CommandLine, RefusesOneAddressTooMany) {
  Arguments arguments;
  for (int i = 0; i < 257; ++i) arguments.insert(arguments.end(), {"--udp", "127.0.0.1:0"});
  EXPECT_EQ(ErrorOf(arguments), "--udp: at most 256 addresses can be listened on");
}

TEST(CommandLine, NamesTheOptionThatWasMeant) {
  EXPECT_EQ(ErrorOf({"--intervall", "30m"}),
            "unknown option '--intervall'; did you mean '--interval'?");
  EXPECT_EQ(ErrorOf({"--max_peers=3"}),
            "unknown option '--max_peers'; did you mean '--max-peers'?");
  EXPECT_EQ(ErrorOf({"--no-peer-id"}),
            "unknown option '--no-peer-id'; did you mean '--no-peer-ids'?");
  EXPECT_EQ(ErrorOf({"--chekc-config"}),
            "unknown option '--chekc-config'; did you mean '--check-config'?");
  EXPECT_EQ(ErrorOf({"--colour"}), "unknown option '--colour'");
  EXPECT_EQ(ErrorOf({"-x"}), "unknown option '-x'");
}

TEST(CommandLine, RefusesStrayWords) {
  EXPECT_EQ(ErrorOf({"serve"}), "unexpected argument 'serve'");
  EXPECT_EQ(ErrorOf({"--workers", "1", "2"}), "unexpected argument '2'");
  EXPECT_EQ(ErrorOf({"--udp", "127.0.0.1:1", "127.0.0.1:2"}), "unexpected argument '127.0.0.1:2'");
}

TEST(CommandLine, NamesTheOptionWhoseValueIsWrong) {
  EXPECT_EQ(ErrorOf({"--workers", "many"}), "--workers: expected a whole number, not 'many'");
  EXPECT_EQ(ErrorOf({"--workers=-1"}), "--workers: expected a whole number, not '-1'");
  EXPECT_EQ(ErrorOf({"--max-numwant", "5000"}), "--max-numwant: 5000 is out of range, 0 to 1000");
  EXPECT_EQ(ErrorOf({"--peer-ids=maybe"}), "--peer-ids: expected true or false, not 'maybe'");
  EXPECT_THAT(ErrorOf({"--udp", "[::1]:1", "--udp", "x"}),
              HasSubstr("--udp: expected ADDRESS:PORT"));
}

TEST(CommandLine, NamesTheOptionWhoseValueIsMissing) {
  EXPECT_EQ(ErrorOf({"--workers"}), "--workers needs a value");
  EXPECT_EQ(ErrorOf({"--workers="}), "--workers needs a value");
  EXPECT_EQ(ErrorOf({"--check-config", "--config"}), "--config needs a value");
}

TEST(HelpText, ExplainsEveryOption) {
  const std::string text = HelpText();
  for (const Setting& setting : AllSettings()) {
    EXPECT_THAT(text, HasSubstr("\n  " + Spelling(setting) + "\n")) << setting.name;
    EXPECT_THAT(text, HasSubstr(std::string(setting.help.substr(0, 20)))) << setting.name;
  }
  for (const PlainOption& option : PlainOptions()) {
    EXPECT_THAT(text, HasSubstr("\n  " + Spelling(option) + "\n")) << option.name;
  }
}

}  // namespace
}  // namespace musterd
