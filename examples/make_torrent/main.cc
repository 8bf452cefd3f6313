// SPDX-License-Identifier: Apache-2.0
//
// A torrent of a file or a folder, that every client can read: v1 and v2 from one pass over the data.
// Then it is read back, and the data is held against it.
//
//   g++ -std=c++20 main.cc $(pkg-config --cflags --libs muster) -o make_torrent
//   ./make_torrent album album.torrent
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "muster/magnet.h"
#include "muster/metainfo.h"
#include "muster/torrent_builder.h"
#include "muster/torrent_verifier.h"

namespace {

// False also says to stop; this one never does.
bool Show(const muster::HashingProgress& progress) {
  std::fprintf(stderr, "\r%lld of %lld bytes", static_cast<long long>(progress.bytes),
               static_cast<long long>(progress.total_bytes));
  return true;
}

absl::Status Make(const std::string& content, const std::string& torrent_file) {
  muster::TorrentBuilder builder({.kind = muster::TorrentKind::kHybrid});
  absl::Status status = builder.AddPath(content, {.exclude = {"*.part", ".git"}});
  if (!status.ok()) return status;  // which names the file
  status = builder.Hash({.progress = Show});
  std::fprintf(stderr, "\n");
  if (!status.ok()) return status;

  const absl::StatusOr<std::string> bytes = builder.Torrent(
      {.trackers = {{"udp://tracker.example:6969", "http://tracker.example/announce"},
                    {"udp://second.example:6969"}},
       .web_seeds = {"https://mirror.example/pub/"},
       .comment = "made by an example"});
  if (!bytes.ok()) return bytes.status();
  std::ofstream out(torrent_file, std::ios::binary);
  if (!(out << *bytes).flush()) return absl::UnknownError(torrent_file + ": cannot be written");
  return absl::OkStatus();
}

absl::Status Check(const std::string& content, const std::string& torrent_file) {
  std::ifstream in(torrent_file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  const auto torrent = muster::Metainfo::Parse(bytes, {.strict = true});
  if (!torrent.ok()) return torrent.status();
  for (const muster::MetainfoFile& file : torrent->files()) {
    if (file.is_pad) continue;
    std::printf("%12lld  %s\n", static_cast<long long>(file.length), file.PathText().c_str());
  }
  std::printf("%s\n", muster::Magnet::Of(*torrent).ToString().c_str());
  const auto report = muster::VerifyTorrent(*torrent, content);
  if (!report.ok()) return report.status();
  if (!report->is_complete()) return absl::DataLossError("the data is not that of the torrent");
  std::printf("all %zu pieces are good\n", report->good_pieces);
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: make_torrent CONTENT FILE.torrent\n");
    return 2;
  }
  absl::Status status = Make(argv[1], argv[2]);
  if (status.ok()) status = Check(argv[1], argv[2]);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
