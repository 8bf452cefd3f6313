// SPDX-License-Identifier: Apache-2.0
//
// muster-torrent show, files and magnet: what a torrent says.
#include <CLI/CLI.hpp>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>

#include "muster-torrent/commands.h"
#include "muster-torrent/files.h"
#include "muster-torrent/text.h"
#include "muster/magnet.h"

namespace muster_torrent {
namespace {

using muster::Metainfo;
using muster::MetainfoFile;

struct ShowOptions {
  std::string torrent;
  bool strict = false, json = false, no_trackers = false;
};

template <typename Texts>
nlohmann::json ListOf(const Texts& texts) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& text : texts) list.push_back(text);
  return list;
}

nlohmann::json Json(const Metainfo& torrent) {
  nlohmann::json json = {{"name", torrent.name()},
                         {"kind", KindText(torrent.info_hashes())},
                         {"content_length", torrent.content_length()},
                         {"total_length", torrent.total_length()},
                         {"piece_length", torrent.piece_length()},
                         {"pieces", torrent.piece_count()},
                         {"files", torrent.files().size()},
                         {"single_file", torrent.is_single_file()},
                         {"private", torrent.is_private()},
                         {"source", torrent.source()},
                         {"web_seeds", ListOf(torrent.web_seeds())},
                         {"http_seeds", ListOf(torrent.http_seeds())},
                         {"collections", ListOf(torrent.collections())},
                         {"comment", torrent.comment()},
                         {"created_by", torrent.created_by()},
                         {"remarks", ListOf(torrent.remarks())}};
  AddInfoHashes(torrent.info_hashes(), json);
  json["trackers"] = nlohmann::json::array();
  for (const auto& tier : torrent.trackers()) json["trackers"].push_back(ListOf(tier));
  json["nodes"] = nlohmann::json::array();
  for (const muster::HostPort& node : torrent.nodes()) json["nodes"].push_back(node.ToString());
  json["similar"] = nlohmann::json::array();
  for (const muster::InfoHash& hash : torrent.similar()) json["similar"].push_back(hash.ToHex());
  if (torrent.creation_date()) json["creation_date"] = *torrent.creation_date();
  return json;
}

std::string DateText(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  char text[64];
  if (::gmtime_r(&time, &parts) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) {
    return std::to_string(seconds);
  }
  return text;
}

std::string Text(const Metainfo& torrent) {
  std::string text;
  const auto line = [&text](std::string label, std::string_view value) {
    if (value.empty()) return;
    label.resize(14, ' ');
    text += label + Printable(value) + "\n";
  };
  line("name", torrent.name());
  line("kind", KindText(torrent.info_hashes()));
  text += InfoHashLines(torrent.info_hashes());
  std::size_t files = 0;
  for (const MetainfoFile& file : torrent.files()) files += file.is_pad ? 0 : 1;
  line("content", SizeText(torrent.content_length()) + " (" +
                      std::to_string(torrent.content_length()) + " bytes) in " +
                      std::to_string(files) + (files == 1 ? " file" : " files"));
  line("pieces", std::to_string(torrent.piece_count()) + " of " + SizeText(torrent.piece_length()));
  if (torrent.is_private()) line("private", "yes");
  line("source", torrent.source());
  for (std::size_t i = 0; i < torrent.trackers().size(); ++i) {
    for (const std::string_view url : torrent.trackers()[i]) {
      line("tier " + std::to_string(i + 1), url);
    }
  }
  for (const std::string_view url : torrent.web_seeds()) line("web seed", url);
  for (const std::string_view url : torrent.http_seeds()) line("HTTP seed", url);
  for (const muster::HostPort& node : torrent.nodes()) line("DHT node", node.ToString());
  for (const muster::InfoHash& hash : torrent.similar()) line("similar", hash.ToHex());
  for (const std::string_view name : torrent.collections()) line("collection", name);
  line("comment", torrent.comment());
  line("created by", torrent.created_by());
  if (torrent.creation_date()) line("created", DateText(*torrent.creation_date()));
  for (const std::string& remark : torrent.remarks()) line("remark", remark);
  return text;
}

std::string Joined(absl::Span<const std::string_view> names) {
  std::string path;
  for (const std::string_view name : names) {
    if (!path.empty()) path += '/';
    path += name;
  }
  return path;
}

std::string Attributes(const MetainfoFile& file) {
  std::string text;
  if (file.is_pad) text += 'p';
  if (file.is_hidden) text += 'h';
  if (file.is_executable) text += 'x';
  if (file.is_symlink) text += 'l';
  return text;
}

int ShowFiles(const Metainfo& torrent, bool json) {
  nlohmann::json list = nlohmann::json::array();
  std::string text;
  for (const MetainfoFile& file : torrent.files()) {
    if (json) {
      nlohmann::json entry = {{"path", file.PathText()},
                              {"length", file.length},
                              {"offset", file.offset},
                              {"attributes", Attributes(file)}};
      if (file.is_symlink) entry["symlink"] = Joined(file.symlink_path);
      if (!file.pieces_root.empty()) {
        entry["pieces_root"] = muster::InfoHashV2::FromBytes(
                                   reinterpret_cast<const std::uint8_t*>(file.pieces_root.data()))
                                   .ToHex();
      }
      list.push_back(std::move(entry));
    } else if (!file.is_pad) {
      text += std::to_string(file.length) + "\t" + Printable(file.PathText());
      if (file.is_symlink) text += " -> " + Printable(Joined(file.symlink_path));
      text += "\n";
    }
  }
  return json ? PrintJson(list) : Print(text);
}

nlohmann::json MagnetJson(const muster::Magnet& magnet) {
  nlohmann::json json = {{"magnet", magnet.ToString()},
                         {"name", magnet.name},
                         {"trackers", ListOf(magnet.trackers)},
                         {"web_seeds", ListOf(magnet.web_seeds)}};
  AddInfoHashes(magnet.info_hashes, json);
  if (magnet.length) json["length"] = *magnet.length;
  json["peers"] = nlohmann::json::array();
  for (const muster::HostPort& peer : magnet.peers) json["peers"].push_back(peer.ToString());
  return json;
}

int ShowMagnet(const ShowOptions& options) {
  absl::StatusOr<muster::Magnet> magnet = absl::UnknownError("");
  if (options.torrent.rfind("magnet:", 0) == 0) {
    magnet = muster::Magnet::Parse(options.torrent);
  } else {
    const absl::StatusOr<Metainfo> torrent = ReadTorrent(options.torrent, options.strict);
    magnet = torrent.ok() ? absl::StatusOr<muster::Magnet>(muster::Magnet::Of(*torrent))
                          : torrent.status();
  }
  if (!magnet.ok()) {
    Complain(magnet.status());
    return kFailed;
  }
  if (options.no_trackers) magnet->trackers.clear();
  return options.json ? PrintJson(MagnetJson(*magnet)) : Print(magnet->ToString() + "\n");
}

std::shared_ptr<ShowOptions> AddOptions(CLI::App& command, const char* help) {
  auto options = std::make_shared<ShowOptions>();
  command.add_option("TORRENT", options->torrent, help)->required();
  command.add_flag("--strict", options->strict, "Refuse whatever deviates from the BEPs.");
  command.add_flag("--json", options->json, "Print JSON.");
  return options;
}

// A command over a torrent that was read.
void AddReader(CLI::App& app, Action& action, const char* name, const char* help,
               int (*show)(const Metainfo& torrent, bool json)) {
  CLI::App& command = *app.add_subcommand(name, help);
  const auto options = AddOptions(command, "A torrent file; - for standard input.");
  command.callback([options, &action, show] {
    action = [options, show]() -> int {
      const absl::StatusOr<Metainfo> torrent = ReadTorrent(options->torrent, options->strict);
      if (torrent.ok()) return show(*torrent, options->json);
      Complain(torrent.status());
      return kFailed;
    };
  });
}

}  // namespace

void AddShow(CLI::App& app, Action& action) {
  AddReader(app, action, "show", "Say what a torrent is.", [](const Metainfo& torrent, bool json) {
    return json ? PrintJson(Json(torrent)) : Print(Text(torrent));
  });
}

void AddFiles(CLI::App& app, Action& action) {
  AddReader(app, action, "files", "List a torrent's files.", ShowFiles);
}

void AddMagnet(CLI::App& app, Action& action) {
  CLI::App& command = *app.add_subcommand("magnet", "Print a torrent's magnet link.");
  const auto options =
      AddOptions(command, "A torrent file, - for standard input, or a magnet link to be checked.");
  command.add_flag("--no-trackers", options->no_trackers, "Leave the trackers out.");
  command.callback([options, &action] { action = [options] { return ShowMagnet(*options); }; });
}

}  // namespace muster_torrent
