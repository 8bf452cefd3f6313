// SPDX-License-Identifier: Apache-2.0
//
// muster-dfile: looks into, checks, converts, joins and mends saved states. See muster-dfile(1).
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "muster-dfile/commands.h"
#include "muster-dfile/text.h"
#include "muster/version.h"
#include "start/program_start.h"

namespace muster_dfile {
namespace {

using muster::StateFormat;

template <typename Value>
using Choices = std::vector<std::pair<std::string_view, Value>>;

const Choices<StateFormat> kFormats = {{"muster", StateFormat::kMuster},
                                       {"bttrack", StateFormat::kBttrack},
                                       {"opentracker", StateFormat::kOpentracker}};
const Choices<StateFormat> kInputFormats = {{"muster", StateFormat::kMuster},
                                            {"journal", StateFormat::kJournal},
                                            {"bttrack", StateFormat::kBttrack},
                                            {"opentracker", StateFormat::kOpentracker}};
const Choices<SortKey> kSortKeys = {
    {"hash", SortKey::kHash},           {"peers", SortKey::kPeers}, {"seeders", SortKey::kSeeders},
    {"completed", SortKey::kCompleted}, {"age", SortKey::kAge},     {"client", SortKey::kClient}};
const Choices<Counts> kCounts = {{"max", Counts::kMax}, {"sum", Counts::kSum}};

// Everything that a command line can say.
struct Options {
  Input input;
  Output output;
  ShowOptions show;
  ListOptions list;
  EditOptions edit;
  Counts counts = Counts::kMax;
  DiffOptions diff;
  PlotOptions plot;
  bool json = false, csv = false;
};

std::string Lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// For CLI11: an empty text when `text` is fine, otherwise what is wrong.
std::string CheckPrefix(const std::string& text) {
  const bool fine = !text.empty() && text.size() <= 40 &&
                    Lower(text).find_first_not_of("0123456789abcdef") == text.npos;
  return fine ? "" : "expected up to 40 hexadecimal digits";
}
std::string CheckAge(const std::string& text) {
  return ParseAge(text) ? "" : "expected a time such as 90, 30m, 2h or 1d";
}
std::string CheckPeer(const std::string& text) {
  const bool fine = muster::IpAddress::Parse(text).ok() || muster::Endpoint::Parse(text).ok();
  return fine ? "" : "expected ADDRESS or ADDRESS:PORT";
}
// Hash and count of "HASH=COUNT".
std::optional<std::pair<muster::InfoHash, std::uint64_t>> ParseCount(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos) return std::nullopt;
  const auto hash = muster::InfoHash::FromHex(std::string_view(text).substr(0, equals));
  std::uint64_t count;
  const char* const end = text.data() + text.size();
  const auto [behind, error] = std::from_chars(text.data() + equals + 1, end, count);
  constexpr std::uint64_t kGreatest = INT64_MAX;
  if (!hash.ok() || error != std::errc() || behind != end || count > kGreatest) {
    return std::nullopt;
  }
  return std::pair(*hash, count);
}
std::string CheckCount(const std::string& text) {
  return ParseCount(text) ? "" : "expected INFO-HASH=COUNT";
}

std::string CheckNumber(const std::string& text) {
  const bool fine =
      !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == text.npos;
  return fine ? "" : "expected a number";
}

// An option whose value is one of a few words. `choices` outlives it.
template <typename Value>
void AddChoice(CLI::App* command, const char* name, const Choices<Value>& choices, Value& to,
               const std::string& help, const char* type) {
  const auto find = [&choices](const std::string& text) {
    return std::find_if(choices.begin(), choices.end(),
                        [&](const auto& choice) { return choice.first == text; });
  };
  std::string words;
  for (const auto& choice : choices) words += Concat({words.empty() ? "" : ", ", choice.first});
  command
      ->add_option_function<std::string>(
          name, [&to, find](const std::string& text) { to = find(text)->second; }, help)
      ->check([&choices, find, words](const std::string& text) {
        return find(text) != choices.end() ? "" : "expected one of " + words;
      })
      ->type_name(type);
}

void AddInput(CLI::App* command, Options& options) {
  CLI::Option* file =
      command->add_option("FILE", options.input.files, "A saved state; - is standard input.");
  file->required();
  file->expected(1, 1 << 20)->take_all();  // how many there may be is said by Contradiction()
  AddChoice(
      command, "--from", kInputFormats, options.input.format,
      "Take this for the format, whatever the content: muster, journal, bttrack, opentracker.",
      "FORMAT");
}

void AddOutput(CLI::App* command, Options& options) {
  command
      ->add_option("-o,--output", options.output.file, "The state to write; - is standard output.")
      ->required()
      ->type_name("FILE");
  AddChoice(command, "--to", kFormats, options.output.format,
            "The format to write: muster, bttrack, opentracker. Default: that of the input.",
            "FORMAT");
  command->add_flag("--force", options.output.force, "Replace an output file that exists.");
}

void AddList(CLI::App* list, Options& options) {
  AddInput(list, options);
  ListOptions& to = options.list;
  list->add_flag("--peers", to.peers, "Peers, not torrents.");
  list->add_option_function<std::string>(
          "--hash", [&to](const std::string& text) { to.filter.hash_prefix = Lower(text); },
          "Only torrents whose info hash begins with these digits.")
      ->check(CheckPrefix)
      ->type_name("PREFIX");
  list->add_option("--min-peers", to.filter.min_peers, "Only torrents with at least so many peers.")
      ->check(CheckNumber)
      ->type_name("NUMBER");
  list->add_option("--max-peers", to.filter.max_peers, "Only torrents with at most so many peers.")
      ->check(CheckNumber)
      ->type_name("NUMBER");
  list->add_option_function<std::string>(
          "--min-age", [&to](const std::string& text) { to.filter.min_age = *ParseAge(text); },
          "Only what was last seen at least so long before the state was written.")
      ->check(CheckAge)
      ->type_name("TIME");
  list->add_option_function<std::string>(
          "--max-age", [&to](const std::string& text) { to.filter.max_age = *ParseAge(text); },
          "Only what was last seen at most so long before the state was written.")
      ->check(CheckAge)
      ->type_name("TIME");
  list->add_option(
          "--client", to.filter.client,
          "Only peers whose id begins so, such as -TR; only torrents that have such peers.")
      ->type_name("TEXT");
  AddChoice(list, "--sort", kSortKeys, to.sort,
            "hash (the order of the file), peers, seeders, completed: the greatest first; age: the "
            "youngest first. Peers: hash, age, client.",
            "KEY");
  list->add_flag("--reverse", to.reverse, "The other way round.");
  list->add_option("--limit", to.limit, "Only the first so many rows.")
      ->check(CheckNumber)
      ->type_name("NUMBER");
  CLI::Option* json = list->add_flag("--json", options.json, "A JSON object for each row.");
  list->add_flag("--csv", options.csv, "Comma-separated values, with a header.")->excludes(json);
}

void AddEdit(CLI::App* edit, Options& options) {
  AddInput(edit, options);
  AddOutput(edit, options);
  EditOptions& to = options.edit;
  edit->add_option("--remove-torrent", to.remove_torrents,
                   "Leave out torrents whose info hash begins with these digits.")
      ->check(CheckPrefix)
      ->type_name("PREFIX")
      ->take_all()
      ->allow_extra_args(false);
  edit->add_option("--remove-peer", to.remove_peers,
                   "Leave out peers of this address, or endpoint.")
      ->check(CheckPeer)
      ->type_name("ADDRESS[:PORT]")
      ->take_all()
      ->allow_extra_args(false);
  edit->add_option_function<std::vector<std::string>>(
          "--set-completed",
          [&to](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) to.set_completed.push_back(*ParseCount(text));
          },
          "Set the count of finished downloads of a torrent.")
      ->check(CheckCount)
      ->type_name("HASH=COUNT")
      ->take_all()
      ->allow_extra_args(false);
}

void AddCommands(CLI::App& app, Options& options) {
  CLI::App* show = app.add_subcommand(
      "show", "What it is, when it was written, and what is in it; the largest swarms.");
  AddInput(show, options);
  show->add_option("--top", options.show.top, "So many of the largest swarms. Default: 10.")
      ->check(CheckNumber)
      ->type_name("NUMBER");
  show->add_flag("--json", options.show.json, "As a JSON object.");

  AddList(app.add_subcommand("list", "Its torrents, or their peers."), options);

  AddInput(app.add_subcommand("check", "Read all of it, and tell every place that is wrong."),
           options);

  CLI::App* convert = app.add_subcommand("convert", "Write it in another format.");
  AddInput(convert, options);
  AddOutput(convert, options);

  CLI::App* merge =
      app.add_subcommand("merge", "Join several into one; of a peer the newest wins.");
  AddInput(merge, options);
  AddOutput(merge, options);
  AddChoice(merge, "--counts", kCounts, options.counts,
            "Of a torrent's counts of finished downloads the greatest (max, the default: states of "
            "one tracker), or their sum (of trackers side by side).",
            "max|sum");

  CLI::App* diff = app.add_subcommand(
      "diff", "What came, went and changed between two; exit status 1 when anything did.");
  AddInput(diff, options);
  diff->add_flag("--peers", options.diff.peers, "Each peer, too.");
  diff->add_flag("--json", options.diff.json, "A JSON object for each change.");

  CLI::App* repair = app.add_subcommand("repair", "Write what can be read of a damaged one.");
  AddInput(repair, options);
  AddOutput(repair, options);

  AddEdit(app.add_subcommand("edit", "Write it with changes."), options);

  CLI::App* plot = app.add_subcommand("plot", "How large swarms and how old peers are, as bars.");
  AddInput(plot, options);
  plot->add_option("--svg", options.plot.svg,
                   "Write the bars to this file as well; - is standard output, instead of text.")
      ->type_name("FILE");
  plot->add_flag("--force", options.plot.force, "Replace a file that exists.");
}

// Nothing, or what is wrong with options that are right one by one.
std::string_view Contradiction(const std::string& command, const Options& options) {
  const std::size_t files = options.input.files.size();
  if (command == "diff" && files != 2) return "diff needs two files";
  const bool takes_many = command == "diff" || command == "merge" || command == "check";
  if (!takes_many && files != 1) return "only one FILE can be read";
  const auto inputs = std::count(options.input.files.begin(), options.input.files.end(), "-");
  if (inputs > 1) return "standard input can be read only once";
  const ListOptions& list = options.list;
  if (command != "list") return {};
  if (!list.peers) return list.sort == SortKey::kClient ? "only peers are sorted by client" : "";
  if (list.filter.min_peers != 0 || list.filter.max_peers != Filter().max_peers) {
    return "--min-peers and --max-peers are for torrents, not with --peers";
  }
  if (list.sort != SortKey::kHash && list.sort != SortKey::kAge && list.sort != SortKey::kClient) {
    return "peers are sorted by hash, age or client";
  }
  return {};
}

bool IsCommand(CLI::App& app, std::string_view name) {
  return !app.get_subcommands([&](const CLI::App* command) { return command->get_name() == name; })
              .empty();
}

absl::StatusOr<int> RunCommand(const std::string& command, Options& options) {
  if (options.json) options.list.style = Style::kJson;
  if (options.csv) options.list.style = Style::kCsv;
  for (std::string& prefix : options.edit.remove_torrents) prefix = Lower(prefix);
  if (command == "show") return Show(options.input, options.show);
  if (command == "list") return List(options.input, options.list);
  if (command == "check") return Check(options.input);
  if (command == "convert") return Convert(options.input, options.output);
  if (command == "merge") return Merge(options.input, options.output, options.counts);
  if (command == "diff") return Diff(options.input, options.diff);
  if (command == "repair") return Repair(options.input, options.output);
  if (command == "edit") return Edit(options.input, options.output, options.edit);
  return Plot(options.input, options.plot);
}

int Run(int argc, char** argv) {
  Options options;
  CLI::App app("Looks into, checks, converts, joins and mends saved states of trackers.");
  app.name("muster-dfile");
  app.require_subcommand(1);
  app.set_version_flag("-V,--version", Concat({"muster-dfile ", muster::Version()}));
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  AddCommands(app, options);
  if (argc > 1 && argv[1][0] != '-' && !IsCommand(app, argv[1])) {
    Complain(Concat({"unknown command '", PlainText(argv[1]), "'; see --help"}));
    return kBadUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    app.exit(wanted);
    const absl::Status status = Flush();
    if (!status.ok()) Complain(std::string(status.message()));
    return status.ok() ? kGood : kFailed;
  } catch (const CLI::ParseError& error) {
    std::string text = argc > 1 ? error.what() : "a command is needed; see --help";
    std::replace(text.begin(), text.end(), '\n', ' ');
    Complain(text);
    return kBadUsage;
  }
  const std::string command = app.get_subcommands()[0]->get_name();
  if (const std::string_view wrong = Contradiction(command, options); !wrong.empty()) {
    Complain(wrong);
    return kBadUsage;
  }
  const absl::StatusOr<int> result = RunCommand(command, options);
  const absl::Status status = result.ok() ? Flush() : result.status();
  if (!result.ok()) Flush().IgnoreError();
  if (status.ok()) return *result;
  Complain(std::string(status.message()));
  return kFailed;
}

}  // namespace
}  // namespace muster_dfile

int main(int argc, char** argv) {
  muster_tools::StartProgram();
  try {
    return muster_dfile::Run(argc, argv);
  } catch (const std::exception& error) {
    muster_dfile::Complain(error.what());
    return muster_dfile::kFailed;
  }
}
