// SPDX-License-Identifier: Apache-2.0
//
// muster-torrent create: one hashing pass, one torrent or several.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "muster-torrent/commands.h"
#include "muster-torrent/files.h"
#include "muster-torrent/progress.h"
#include "muster-torrent/text.h"
#include "muster/magnet.h"
#include "muster/torrent_builder.h"
#include "muster/version.h"

namespace muster_torrent {
namespace {

using muster::TorrentKind;

const std::map<std::string, TorrentKind> kKinds = {
    {"v1", TorrentKind::kV1}, {"v2", TorrentKind::kV2}, {"hybrid", TorrentKind::kHybrid}};
const std::map<std::string, muster::FileOrder> kOrders = {{"path", muster::FileOrder::kByPath},
                                                          {"given", muster::FileOrder::kAsAdded}};
const std::map<std::string, muster::SymlinkPolicy> kLinks = {
    {"follow", muster::SymlinkPolicy::kFollow},
    {"keep", muster::SymlinkPolicy::kKeep},
    {"skip", muster::SymlinkPolicy::kSkip}};

struct Output {
  std::string path;
  muster::TorrentDetails details;
};

struct CreateOptions {
  std::vector<std::string> paths;
  std::string output;
  std::vector<std::string> also;
  std::string kind = "v1", order = "path", symlinks = "follow";
  std::string piece_length, date = "now";
  std::int64_t pieces = muster::TorrentBuilderOptions().wanted_pieces;
  bool align = false;
  std::vector<std::string> trackers, nodes, similar;
  muster::TorrentDetails details;
  muster::TreeOptions tree;
  bool no_executable = false;
  unsigned threads = 0;
  bool dry_run = false, force = false, json = false, quiet = false, progress = false;
};

absl::Status Wrong(const std::string& text) { return absl::InvalidArgumentError(text); }

absl::Status ReadDate(const std::string& text, std::optional<std::int64_t>& date) {
  if (text == "none") return absl::OkStatus();
  std::string seconds = text;
  if (text == "now") {
    // As reproducible builds have it.
    const char* const epoch = std::getenv("SOURCE_DATE_EPOCH");
    if (epoch == nullptr) {
      const auto now = std::chrono::system_clock::now().time_since_epoch();
      date = std::chrono::duration_cast<std::chrono::seconds>(now).count();
      return absl::OkStatus();
    }
    seconds = epoch;
  }
  if (seconds.empty() || seconds.find_first_not_of("0123456789") != seconds.npos ||
      seconds.size() > 18) {
    return Wrong("--date: not now, none or seconds since 1970: " + seconds);
  }
  date = std::stoll(seconds);
  return absl::OkStatus();
}

absl::Status ReadDetails(CreateOptions& options) {
  muster::TorrentDetails& details = options.details;
  details.trackers = TiersOf(options.trackers);
  for (const std::string& text : options.nodes) {
    absl::StatusOr<muster::HostPort> node = muster::HostPort::Parse(text);
    if (!node.ok()) return Wrong("--node " + text + ": not HOST:PORT");
    details.nodes.push_back(*std::move(node));
  }
  for (const std::string& text : options.similar) {
    absl::StatusOr<muster::InfoHash> hash = muster::InfoHash::FromHex(text);
    if (!hash.ok()) return Wrong("--similar " + text + ": not 40 hexadecimal digits");
    details.similar.push_back(*hash);
  }
  return ReadDate(options.date, details.creation_date);
}

// "FILE;key=value;...": the main torrent's details, some of them replaced.
absl::StatusOr<Output> ReadAlso(const std::string& text, const muster::TorrentDetails& main) {
  Output output{.path = text.substr(0, text.find(';')), .details = main};
  if (output.path.empty()) return Wrong("--also " + text + ": no file");
  bool has_tracker = false;
  for (std::size_t at = output.path.size(); at < text.size();) {
    const std::size_t end = std::min(text.find(';', at + 1), text.size());
    const std::string part = text.substr(at + 1, end - at - 1);
    at = end;
    const std::string key = part.substr(0, part.find('='));
    const std::string value = key.size() < part.size() ? part.substr(key.size() + 1) : "";
    muster::TorrentDetails& details = output.details;
    if (key == "kind" && kKinds.count(value) > 0) {
      details.kind = kKinds.at(value);
    } else if (key == "tracker") {
      if (!has_tracker) details.trackers.clear();
      has_tracker = true;
      if (!value.empty()) details.trackers.push_back(TiersOf({value}).front());
    } else if (key == "source") {
      details.source = value;
    } else if (key == "name") {
      details.name = value;
    } else if (key == "comment") {
      details.comment = value;
    } else if (key == "private" && (value == "yes" || value == "no")) {
      details.is_private = value == "yes";
    } else {
      std::string what = "--also ";
      what += text;
      what +=
          ": neither kind=v1|v2|hybrid, tracker=, source=, name=, comment= nor private=yes|no: ";
      what += part;
      return Wrong(what);
    }
  }
  return output;
}

// Whether a torrent can say it, before hours are spent on hashing.
absl::Status CheckOutputs(const std::vector<Output>& outputs, TorrentKind kind) {
  muster::TorrentBuilder builder({.kind = kind});
  absl::Status status = builder.AddBytes("", 1, [](std::int64_t, absl::Span<std::uint8_t> to) {
    to[0] = 0;
    return absl::OkStatus();
  });
  if (status.ok()) status = builder.Hash({.threads = 1});
  for (const Output& output : outputs) {
    if (!status.ok()) return status;
    muster::TorrentDetails details = output.details;
    if (details.name.empty()) details.name = "name";
    status = builder.Torrent(details).status();
  }
  return status;
}

absl::Status AddContent(const CreateOptions& options, muster::TorrentBuilder& builder) {
  if (options.paths.size() == 1) return builder.AddPath(options.paths.front(), options.tree);
  for (const std::string& path : options.paths) {
    muster::TorrentBuilder alone;
    // Its last name, as a torrent of it alone would have it.
    absl::Status status = alone.AddPath(path, options.tree);
    if (!status.ok()) return status;
    const absl::StatusOr<muster::TorrentPlan> plan = alone.Plan();
    if (!plan.ok()) return Wrong(path + ": " + std::string(plan.status().message()));
    const bool is_file = plan->files.size() == 1 && plan->files[0].path.empty();
    status = is_file ? builder.AddFile(path, plan->name, plan->files[0].attributes)
                     : builder.AddTree(path, plan->name, options.tree);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

nlohmann::json PlanJson(const muster::TorrentPlan& plan, const std::string& name) {
  nlohmann::json files = nlohmann::json::array();
  for (const auto& file : plan.files) {
    nlohmann::json entry = {{"path", file.path.empty() ? name : file.path},
                            {"length", file.length}};
    if (!file.symlink_path.empty()) entry["symlink"] = file.symlink_path;
    files.push_back(std::move(entry));
  }
  return {{"name", name},
          {"content_length", plan.content_length},
          {"total_length", plan.total_length},
          {"piece_length", plan.piece_length},
          {"pieces", plan.piece_count},
          {"files", std::move(files)}};
}

std::string PlanText(const muster::TorrentPlan& plan, const std::string& name) {
  std::string text = "name          " + Printable(name) + "\n";
  text += "content       " + SizeText(plan.content_length) + " in " +
          std::to_string(plan.files.size()) + " files\n";
  text += "pieces        " + std::to_string(plan.piece_count) + " of " +
          SizeText(plan.piece_length) + "\n";
  for (const auto& file : plan.files) {
    text += std::to_string(file.length) + "\t" + Printable(file.path.empty() ? name : file.path);
    if (!file.symlink_path.empty()) text += " -> " + Printable(file.symlink_path);
    text += "\n";
  }
  return text;
}

int WriteAll(const CreateOptions& options, const muster::TorrentBuilder& builder,
             const std::vector<Output>& outputs) {
  nlohmann::json written = nlohmann::json::array();
  std::string lines;
  bool uses_stdout = false;
  for (const Output& output : outputs) {
    const absl::StatusOr<std::string> bytes = builder.Torrent(output.details);
    absl::Status status = bytes.status();
    if (status.ok()) status = WriteFile(output.path, *bytes, options.force);
    if (!status.ok()) {
      Complain(status);
      return kFailed;
    }
    uses_stdout |= output.path == "-";
    // What was built is within the reader's limits, or nobody could read it.
    const muster::MetainfoLimits no_limits{
        .bencode = {.max_size = bytes->size(), .max_tokens = bytes->size(), .max_depth = 200},
        .max_pieces = bytes->size()};
    const absl::StatusOr<muster::Metainfo> torrent =
        muster::Metainfo::Parse(*bytes, {.strict = true, .limits = no_limits});
    if (!torrent.ok()) {
      Complain(output.path + ": " + std::string(torrent.status().message()));
      return kFailed;
    }
    nlohmann::json entry = {{"file", output.path},
                            {"kind", KindText(torrent->info_hashes())},
                            {"magnet", muster::Magnet::Of(*torrent).ToString()}};
    AddInfoHashes(torrent->info_hashes(), entry);
    written.push_back(std::move(entry));
    lines +=
        "torrent       " + Printable(output.path) + "\n" + InfoHashLines(torrent->info_hashes());
  }
  if (uses_stdout || options.quiet) return kGood;
  return options.json ? PrintJson({{"torrents", std::move(written)}}) : Print(lines);
}

int Create(CreateOptions& options) {
  const auto refuse = [](const absl::Status& status) {
    Complain(status);
    return kBadUsage;
  };
  if (absl::Status status = ReadDetails(options); !status.ok()) return refuse(status);
  muster::TorrentBuilderOptions how{.kind = kKinds.at(options.kind),
                                    .wanted_pieces = options.pieces,
                                    .align_files = options.align,
                                    .order = kOrders.at(options.order)};
  if (!options.piece_length.empty()) {
    const std::optional<std::int64_t> length = ParseSize(options.piece_length);
    if (!length || *length < muster::TorrentBuilder::kMinPieceLength ||
        *length > muster::TorrentBuilder::kMaxPieceLength || (*length & (*length - 1)) != 0) {
      return refuse(
          Wrong("--piece-length: not a power of two from 16K to 64M: " + options.piece_length));
    }
    how.piece_length = *length;
  }
  if (how.kind != TorrentKind::kV1 && how.order != muster::FileOrder::kByPath) {
    return refuse(Wrong("--order given is for v1 torrents"));
  }
  if (options.paths.size() > 1 && options.details.name.empty()) {
    return refuse(Wrong("--name is needed for several paths"));
  }
  options.tree.symlinks = kLinks.at(options.symlinks);
  options.tree.mark_executable = !options.no_executable;

  std::vector<Output> outputs = {{options.output, options.details}};
  for (const std::string& text : options.also) {
    absl::StatusOr<Output> output = ReadAlso(text, options.details);
    if (!output.ok()) return refuse(output.status());
    outputs.push_back(*std::move(output));
  }
  if (absl::Status status = CheckOutputs(outputs, how.kind); !status.ok()) return refuse(status);

  muster::TorrentBuilder builder(how);
  absl::Status status = AddContent(options, builder);
  const absl::StatusOr<muster::TorrentPlan> plan = status.ok() ? builder.Plan() : status;
  if (!plan.ok()) {
    Complain(plan.status());
    return kFailed;
  }
  const std::string name = options.details.name.empty() ? plan->name : options.details.name;
  if (options.dry_run) {
    return options.json ? PrintJson(PlanJson(*plan, name)) : Print(PlanText(*plan, name));
  }
  if (outputs[0].path.empty()) outputs[0].path = name + ".torrent";
  for (const Output& output : outputs) {
    if (absl::Status may = MayWrite(output.path, options.force); !may.ok()) {
      Complain(may);
      return kFailed;
    }
  }
  {
    ProgressLine line(options.progress || (!options.quiet && ProgressLine::IsTerminal()));
    status = builder.Hash({.threads = options.threads, .progress = line.Callback()});
  }
  if (!status.ok()) {
    Complain(status);
    return kFailed;
  }
  return WriteAll(options, builder, outputs);
}

template <typename Value>
CLI::IsMember OneOf(const std::map<std::string, Value>& values) {
  std::vector<std::string> names;
  names.reserve(values.size());
  for (const auto& [name, value] : values) names.push_back(name);
  return CLI::IsMember(names);
}

void AddContentOptions(CLI::App& command, CreateOptions& options) {
  command
      .add_option("PATH", options.paths,
                  "A file or a folder. Several make a folder of them; it needs --name.")
      ->required();
  command
      .add_option("--include", options.tree.include,
                  "Only files whose path matches this pattern, or that are in a folder that does. "
                  "'*' stays "
                  "within a name, '**' does not; without a slash the pattern is for the last name. "
                  "May be repeated.")
      ->allow_extra_args(false);
  command
      .add_option("--exclude", options.tree.exclude,
                  "No files or folders whose path matches this pattern. May be repeated.")
      ->allow_extra_args(false);
  command
      .add_option("--symlinks", options.symlinks,
                  "What becomes of symbolic links: follow, keep (as links, BEP 47) or skip.")
      ->transform(OneOf(kLinks))
      ->capture_default_str();
  command.add_flag("--skip-hidden", options.tree.skip_hidden,
                   "Leave out files and folders whose names begin with a dot.");
  command.add_flag("--mark-hidden", options.tree.mark_hidden,
                   "Mark files whose names begin with a dot as hidden (BEP 47).");
  command.add_flag("--no-executable", options.no_executable,
                   "Do not mark executable files (BEP 47).");
}

void AddFormOptions(CLI::App& command, CreateOptions& options) {
  command
      .add_option("--kind", options.kind,
                  "The kind of torrent: v1, v2 or hybrid. Older clients take v1 only.")
      ->transform(OneOf(kKinds))
      ->capture_default_str();
  auto* const length =
      command.add_option("--piece-length", options.piece_length,
                         "Bytes of a piece, a power of two from 16K to 64M. Default: the least "
                         "with which the content has at most --pieces.");
  command.add_option("--pieces", options.pieces, "Pieces wanted at most, as far as 64M allow.")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{4'000'000}))
      ->capture_default_str()
      ->excludes(length);
  command.add_flag("--align", options.align,
                   "v1: let every file begin a piece, with pad files between (BEP 47). The other "
                   "kinds always do.");
  command.add_option("--order", options.order, "Files by path, or (v1) as they are given.")
      ->transform(OneOf(kOrders))
      ->capture_default_str();
}

void AddDetailOptions(CLI::App& command, CreateOptions& options) {
  muster::TorrentDetails& details = options.details;
  details.created_by = "muster " + std::string(muster::Version());
  const auto many = [&](const char* name, std::vector<std::string>& texts, const char* help) {
    command.add_option(name, texts, help)->allow_extra_args(false);
  };
  many("-t,--tracker", options.trackers,
       "A tracker's announce URL; several with commas between are one tier. May be repeated: each "
       "is the next tier.");
  many("-w,--web-seed", details.web_seeds,
       "A URL that the content can be fetched from (BEP 19). May be repeated.");
  many("--http-seed", details.http_seeds, "A URL of a seed by BEP 17. May be repeated.");
  many("--node", options.nodes, "A node of the DHT, as HOST:PORT (BEP 5). May be repeated.");
  command.add_flag("--private", details.is_private, "Peers come from the trackers only (BEP 27).");
  command.add_option("--name", details.name, "The torrent's name. Default: the path's last name.");
  command.add_option("--source", details.source,
                     "A word that makes another torrent of the same content.");
  command.add_option("--comment", details.comment, "A comment.");
  command.add_option("--created-by", details.created_by, "The creator; empty for none.")
      ->capture_default_str();
  command
      .add_option("--date", options.date,
                  "When it was created: now, none, or seconds since 1970. SOURCE_DATE_EPOCH in the "
                  "environment stands for now.")
      ->capture_default_str();
  many("--similar", options.similar,
       "The info hash of a torrent that may share files (BEP 38). May be repeated.");
  many("--collection", details.collections,
       "The name of a collection that it belongs to (BEP 38). May be repeated.");
}

}  // namespace

void AddCreate(CLI::App& app, Action& action) {
  CLI::App& command = *app.add_subcommand("create", "Make a torrent of files.");
  const auto options = std::make_shared<CreateOptions>();
  AddContentOptions(command, *options);
  AddFormOptions(command, *options);
  AddDetailOptions(command, *options);
  command.add_option("-o,--output", options->output,
                     "The torrent file; - for standard output. Default: NAME.torrent.");
  command
      .add_option("--also", options->also,
                  "Another torrent from the same hashing, as 'FILE;key=value;...' with the keys "
                  "kind, tracker, source, "
                  "name, comment and private (yes or no), which replace what is said for the "
                  "first. May be repeated.")
      ->allow_extra_args(false);
  command.add_option("--threads", options->threads, "Threads that hash; 0 for one on each core.")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  command.add_flag("-n,--dry-run", options->dry_run,
                   "Say what would be hashed, and write nothing.");
  command.add_flag("-f,--force", options->force, "Replace files that exist.");
  command.add_flag("--json", options->json, "Print JSON.");
  command.add_flag("-q,--quiet", options->quiet, "Print nothing but errors.");
  command.add_flag("--progress", options->progress,
                   "Show progress also where standard error is no terminal.");
  command.callback([options, &action] { action = [options] { return Create(*options); }; });
}

}  // namespace muster_torrent
