// SPDX-License-Identifier: Apache-2.0
//
// muster-torrent verify: data on disk against a torrent.
#include <sys/stat.h>
#include <CLI/CLI.hpp>

#include <memory>
#include <nlohmann/json.hpp>

#include "muster-torrent/commands.h"
#include "muster-torrent/files.h"
#include "muster-torrent/progress.h"
#include "muster-torrent/text.h"
#include "muster/torrent_verifier.h"

namespace muster_torrent {
namespace {

using muster::FileState;

struct VerifyOptions {
  std::string torrent, path;
  unsigned threads = 0;
  bool json = false, quiet = false, progress = false;
};

const char* StateText(FileState state) {
  switch (state) {
    case FileState::kGood:
      return "good";
    case FileState::kMissing:
      return "missing";
    case FileState::kWrongSize:
      return "wrong size";
    case FileState::kUnreadable:
      return "unreadable";
    case FileState::kDamaged:
      return "damaged";
    case FileState::kUnproven:
      return "unproven";
  }
  return "";
}

bool IsFolder(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// The content itself: what is given, or what has the torrent's name in the given folder.
std::string ContentPath(const muster::Metainfo& torrent, const std::string& given) {
  const std::string within = given + "/" + std::string(torrent.name());
  if (torrent.is_single_file()) return IsFolder(given) ? within : given;
  return IsFolder(within) ? within : given;
}

nlohmann::json Json(const muster::Metainfo& torrent, const muster::VerifyReport& report) {
  nlohmann::json files = nlohmann::json::array();
  for (std::size_t i = 0; i < report.files.size(); ++i) {
    const muster::MetainfoFile& file = torrent.files()[i];
    if (file.is_pad) continue;
    const muster::VerifiedFile& verified = report.files[i];
    nlohmann::json entry = {{"path", file.PathText()},
                            {"state", StateText(verified.state)},
                            {"length", file.length},
                            {"size", verified.size},
                            {"good_bytes", verified.good_bytes}};
    if (!verified.why.empty()) entry["why"] = verified.why;
    files.push_back(std::move(entry));
  }
  nlohmann::json bad = nlohmann::json::array();
  for (std::size_t i = 0; i < report.pieces.size(); ++i) {
    if (!report.pieces[i]) bad.push_back(i);
  }
  return {{"complete", report.is_complete()},
          {"pieces", report.pieces.size()},
          {"good_pieces", report.good_pieces},
          {"bad_pieces", std::move(bad)},
          {"content_length", torrent.content_length()},
          {"good_bytes", report.good_bytes},
          {"files", std::move(files)}};
}

std::string Text(const muster::Metainfo& torrent, const muster::VerifyReport& report) {
  std::string text;
  for (std::size_t i = 0; i < report.files.size(); ++i) {
    const muster::VerifiedFile& verified = report.files[i];
    if (verified.state == FileState::kGood) continue;
    std::string state = StateText(verified.state);
    state.resize(12, ' ');
    text += state + Printable(torrent.files()[i].PathText()) + "\n";
  }
  return text + std::to_string(report.good_pieces) + " of " + std::to_string(report.pieces.size()) +
         " pieces are good, " + SizeText(report.good_bytes) + " of " +
         SizeText(torrent.content_length()) + "\n";
}

int Verify(const VerifyOptions& options) {
  const absl::StatusOr<muster::Metainfo> torrent = ReadTorrent(options.torrent, false);
  if (!torrent.ok()) {
    Complain(torrent.status());
    return kFailed;
  }
  absl::StatusOr<muster::VerifyReport> report = absl::UnknownError("");
  {
    ProgressLine line(options.progress || (!options.quiet && ProgressLine::IsTerminal()));
    report = muster::VerifyTorrent(*torrent, ContentPath(*torrent, options.path),
                                   {.threads = options.threads, .progress = line.Callback()});
  }
  if (!report.ok()) {
    Complain(report.status());
    return kFailed;
  }
  int printed = kGood;
  if (options.json) {
    printed = PrintJson(Json(*torrent, *report));
  } else if (!options.quiet) {
    printed = Print(Text(*torrent, *report));
  }
  return report->is_complete() ? printed : kFailed;
}

}  // namespace

void AddVerify(CLI::App& app, Action& action) {
  CLI::App& command = *app.add_subcommand(
      "verify", "Hold data on disk against a torrent. Exit status 1 when it is not complete.");
  const auto options = std::make_shared<VerifyOptions>();
  command.add_option("TORRENT", options->torrent, "A torrent file; - for standard input.")
      ->required();
  command.add_option("PATH", options->path, "The content, or the folder that it is in.")
      ->required();
  command.add_option("--threads", options->threads, "Threads that hash; 0 for one on each core.")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  command.add_flag("--json", options->json, "Print JSON.");
  command.add_flag("-q,--quiet", options->quiet, "Print nothing but errors.");
  command.add_flag("--progress", options->progress,
                   "Show progress also where standard error is no terminal.");
  command.callback([options, &action] { action = [options] { return Verify(*options); }; });
}

}  // namespace muster_torrent
