// SPDX-License-Identifier: Apache-2.0
#include "musterd/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "muster/version.h"
#include "musterd/text.h"

namespace musterd {
namespace {

constexpr PlainOption kPlainOptions[] = {
    {"dialect", 0, "NAME",
     "Understand the options that follow as another tracker does: bttrack or opentracker. It must "
     "be the first option; a program of that name does so without it."},
    {"config", 0, "FILE",
     "Read settings from a TOML file, under the names of the options; options win over it."},
    {"check-config", 0, "", "Check the options and the file, say what is wrong, and exit."},
    {"print-config", 0, "",
     "Print the settings in force as a commented configuration file, and exit."},
    {"help", 'h', "", "Print this text, and exit."},
    {"version", 'V', "", "Print the version, and exit."},
};

std::string Dashed(std::string_view name) { return Concat({"--", name}); }

// What CLI11 did not know: the first argument that is no option of ours.
absl::Status Unknown(const std::string& argument, const SettingsTable& table) {
  if (argument.empty() || argument[0] != '-') {
    return Invalid({"unexpected argument ", Quoted(argument)});
  }
  std::vector<std::string> names;
  for (const PlainOption& option : table.plain_options) names.push_back(Dashed(option.name));
  for (const Setting& setting : table.rows) {
    names.push_back(Dashed(setting.name));
    if (setting.kind == Kind::kFlag) names.push_back(Concat({"--no-", setting.name}));
  }
  const std::string option = argument.substr(0, argument.find('='));
  return Invalid({"unknown option ", Quoted(option), DidYouMean(NearestOf(option, names))});
}

// The values that the command line has for one setting, made one.
absl::StatusOr<Value> ReadValues(const Setting& setting, const std::vector<std::string>& texts) {
  if (!IsList(setting.kind)) return ParseValue(setting, texts.back());
  absl::StatusOr<Value> all = ParseValue(setting, texts.front());
  for (std::size_t i = 1; i < texts.size() && all.ok(); ++i) {
    const absl::StatusOr<Value> value = ParseValue(setting, texts[i]);
    if (!value.ok()) return value.status();
    Append(*value, *all);
  }
  return all;
}

}  // namespace

absl::Span<const PlainOption> PlainOptions() { return kPlainOptions; }

absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments,
                                             const SettingsTable& table) {
  // CLI11 finds options and their values; what a value means is the table's business, so it keeps
  // them as text.
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::map<std::string_view, CLI::Option*> options;
  for (const PlainOption& plain : table.plain_options) {
    std::string name = Dashed(plain.name);
    if (plain.letter != 0) name += {',', '-', plain.letter};
    options[plain.name] =
        plain.placeholder.empty() ? app.add_flag(name) : app.add_option(name)->expected(1);
    options[plain.name]->take_all();
  }
  for (const Setting& setting : table.rows) {
    const std::string name = Dashed(setting.name);
    options[setting.name] = setting.kind == Kind::kFlag
                                ? app.add_flag(Concat({name, ",!--no-", setting.name}))
                                : app.add_option(name)->expected(1);
    options[setting.name]->take_all()->allow_extra_args(false);
  }
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string text = error.what();  // "--workers: 1 required NUMBER missing"
    return Invalid({text.substr(0, text.find(':')), " needs a value"});
  } catch (const CLI::ParseError& error) {
    return Invalid({error.what()});
  }
  if (const auto unknown = app.remaining(); !unknown.empty()) {
    return Unknown(unknown.front(), table);
  }

  // Whoever calls has taken it off the front.
  if (options.count("dialect") > 0 && options.at("dialect")->count() > 0)
    return Invalid({"--dialect must be the first option"});
  CommandLine line;
  const auto given = [&](std::string_view name) { return options.at(name)->count() > 0; };
  if (given("check-config")) line.action = Action::kCheckConfig;
  if (given("print-config")) line.action = Action::kPrintConfig;
  if (given("version")) line.action = Action::kVersion;
  if (given("help")) line.action = Action::kHelp;
  if (given("config")) line.config_file = options.at("config")->results().back();
  for (const Setting& setting : table.rows) {
    if (!given(setting.name)) continue;
    absl::StatusOr<Value> value = ReadValues(setting, options.at(setting.name)->results());
    absl::Status status = value.ok() ? CheckRange(setting, *value) : value.status();
    if (!status.ok()) return Invalid({"--", setting.name, ": ", MessageOf(status)});
    line.assignments.push_back({&setting, *std::move(value), Dashed(setting.name)});
  }
  return line;
}

std::vector<Assignment> CommandLine::WithFile(const std::vector<Assignment>& from_file) const {
  std::vector<Assignment> all = dialect;
  all.insert(all.end(), from_file.begin(), from_file.end());
  all.insert(all.end(), assignments.begin(), assignments.end());
  return all;
}

std::string Spelling(const PlainOption& option) {
  std::string text;
  if (option.letter != 0) text = {'-', option.letter, ',', ' '};
  text += Dashed(option.name);
  if (!option.placeholder.empty()) text += Concat({" ", option.placeholder});
  return text;
}

std::string Spelling(const Setting& setting) {
  if (setting.kind == Kind::kFlag) return Concat({"--[no-]", setting.name});
  return Concat({"--", setting.name, " ", Placeholder(setting)});
}

std::string HelpText(const SettingsTable& table) {
  constexpr std::size_t kWidth = 80;
  std::string text = Concat({table.program, " ", muster::Version(), ", ", table.what,
                             "\n\nUsage: ", table.program, " [OPTION]...\n\nGeneral:\n"});
  const auto explain = [&](std::string_view spelling, std::string_view help) {
    text += Concat({"  ", spelling, "\n", Wrap(help, "      ", kWidth)});
  };
  for (const PlainOption& option : table.plain_options) explain(Spelling(option), option.help);
  std::string_view section;
  for (const Setting& setting : table.rows) {
    if (setting.section != section) {
      section = setting.section;
      text += Concat({"\n", section, ":\n"});
    }
    explain(Spelling(setting), Concat({setting.help, " ", DefaultAndRange(setting)}));
  }
  text +=
      "\nTIME is a number with d, h, m, s or ms; a plain number is seconds. BYTES is a number, "
      "also\n"
      "with K or M.\n";
  return text;
}

}  // namespace musterd
