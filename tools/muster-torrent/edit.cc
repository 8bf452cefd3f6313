// SPDX-License-Identifier: Apache-2.0
//
// muster-torrent edit: what stands around the info dictionary; the info hashes remain.
#include <CLI/CLI.hpp>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>

#include "muster-torrent/commands.h"
#include "muster-torrent/files.h"
#include "muster-torrent/text.h"
#include "muster/torrent_editor.h"

namespace muster_torrent {
namespace {

struct EditOptions {
  std::string torrent, output;
  std::vector<std::string> trackers, add_trackers, web_seeds, http_seeds, nodes;
  bool no_trackers = false, no_web_seeds = false, no_http_seeds = false, no_nodes = false;
  std::string comment, created_by, date;
  CLI::Option* has_comment = nullptr;
  CLI::Option* has_created_by = nullptr;
  bool in_place = false, force = false, json = false, quiet = false;
};

absl::StatusOr<muster::TorrentEdit> EditOf(const EditOptions& options,
                                           const muster::Metainfo& torrent) {
  muster::TorrentEdit edit;
  if (!options.trackers.empty() || options.no_trackers) edit.trackers = TiersOf(options.trackers);
  if (!options.add_trackers.empty()) {
    if (!edit.trackers) {
      edit.trackers.emplace();
      for (const auto& tier : torrent.trackers()) {
        edit.trackers->emplace_back(tier.begin(), tier.end());
      }
    }
    for (auto& tier : TiersOf(options.add_trackers)) edit.trackers->push_back(std::move(tier));
  }
  if (!options.web_seeds.empty() || options.no_web_seeds) edit.web_seeds = options.web_seeds;
  if (!options.http_seeds.empty() || options.no_http_seeds) edit.http_seeds = options.http_seeds;
  if (!options.nodes.empty() || options.no_nodes) edit.nodes.emplace();
  for (const std::string& text : options.nodes) {
    absl::StatusOr<muster::HostPort> node = muster::HostPort::Parse(text);
    if (!node.ok()) return absl::InvalidArgumentError("--node " + text + ": not HOST:PORT");
    edit.nodes->push_back(*std::move(node));
  }
  if (options.has_comment->count() > 0) edit.comment = options.comment;
  if (options.has_created_by->count() > 0) edit.created_by = options.created_by;
  if (options.date == "none") {
    edit.removes_creation_date = true;
  } else if (!options.date.empty()) {
    std::int64_t seconds = 0;
    const char* const end = options.date.data() + options.date.size();
    const auto [stop, error] = std::from_chars(options.date.data(), end, seconds);
    if (error != std::errc() || stop != end || seconds < 0) {
      return absl::InvalidArgumentError("--date: not none or seconds since 1970: " + options.date);
    }
    edit.creation_date = seconds;
  }
  return edit;
}

int Edit(const EditOptions& options) {
  if (options.output.empty() != options.in_place) {
    Complain("edit needs either --output or --in-place");
    return kBadUsage;
  }
  const absl::StatusOr<muster::Metainfo> torrent = ReadTorrent(options.torrent, false);
  if (!torrent.ok()) {
    Complain(torrent.status());
    return kFailed;
  }
  const absl::StatusOr<muster::TorrentEdit> edit = EditOf(options, *torrent);
  const absl::StatusOr<std::string> edited =
      edit.ok() ? muster::EditTorrent(torrent->bytes(), *edit) : edit.status();
  if (!edited.ok()) {
    Complain(edited.status());
    return kBadUsage;
  }
  const std::string& path = options.in_place ? options.torrent : options.output;
  absl::Status status = WriteFile(path, *edited, options.in_place || options.force);
  if (!status.ok()) {
    Complain(status);
    return kFailed;
  }
  if (path == "-" || options.quiet) return kGood;
  if (!options.json) {
    return Print("torrent       " + Printable(path) + "\n" + InfoHashLines(torrent->info_hashes()));
  }
  nlohmann::json json = {{"file", path}};
  AddInfoHashes(torrent->info_hashes(), json);
  return PrintJson(json);
}

}  // namespace

void AddEdit(CLI::App& app, Action& action) {
  CLI::App& command = *app.add_subcommand(
      "edit", "Change trackers, seeds and words of a torrent, whose info hashes remain.");
  const auto options = std::make_shared<EditOptions>();
  command.add_option("TORRENT", options->torrent, "A torrent file; - for standard input.")
      ->required();
  const auto many = [&](const char* name, std::vector<std::string>& texts, const char* help) {
    command.add_option(name, texts, help)->allow_extra_args(false);
  };
  many("-t,--tracker", options->trackers,
       "A tier of trackers, with commas between, in the place of all that are there. May be "
       "repeated.");
  many("--add-tracker", options->add_trackers, "A tier of trackers behind them. May be repeated.");
  command.add_flag("--no-trackers", options->no_trackers, "Take all trackers away.");
  many("-w,--web-seed", options->web_seeds,
       "A web seed, in the place of all that are there. May be repeated.");
  command.add_flag("--no-web-seeds", options->no_web_seeds, "Take all web seeds away.");
  many("--http-seed", options->http_seeds,
       "An HTTP seed, in the place of all that are there. May be repeated.");
  command.add_flag("--no-http-seeds", options->no_http_seeds, "Take all HTTP seeds away.");
  many("--node", options->nodes,
       "A node of the DHT, in the place of all that are there. May be repeated.");
  command.add_flag("--no-nodes", options->no_nodes, "Take all nodes away.");
  options->has_comment =
      command.add_option("--comment", options->comment, "The comment; empty for none.");
  options->has_created_by =
      command.add_option("--created-by", options->created_by, "The creator; empty for none.");
  command.add_option("--date", options->date, "When it was created: none, or seconds since 1970.");
  command.add_option("-o,--output", options->output,
                     "Write the torrent there; - for standard output.");
  command.add_flag("-i,--in-place", options->in_place, "Replace the torrent file.");
  command.add_flag("-f,--force", options->force, "Replace the output when it exists.");
  command.add_flag("--json", options->json, "Print JSON.");
  command.add_flag("-q,--quiet", options->quiet, "Print nothing but errors.");
  command.callback([options, &action] { action = [options] { return Edit(*options); }; });
}

}  // namespace muster_torrent
