// SPDX-License-Identifier: Apache-2.0
//
// What a tracker and its clients do with bencode: announce answers in and out, and torrents of many
// files.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "muster/bencode.h"

namespace muster {
namespace {

constexpr std::size_t kPeers = 50;
constexpr int kFiles = 10'000;

void AppendAnnounceAnswer(std::string_view peers, std::string* out) {
  BencodeWriter writer(out);
  writer.BeginDict()
      .Key("complete")
      .Int(12)
      .Key("incomplete")
      .Int(345)
      .Key("interval")
      .Int(1800)
      .Key("min interval")
      .Int(900)
      .Key("peers")
      .String(peers)
      .End();
  if (!writer.Finish().ok()) std::abort();
}

std::string CompactPeers() { return std::string(kPeers * 6, 'p'); }

std::string AnnounceAnswer() {
  std::string answer;
  AppendAnnounceAnswer(CompactPeers(), &answer);
  return answer;
}

// The same peers as dictionaries (BEP 3 without BEP 23).
std::string AnnounceAnswerOfDictionaries() {
  std::string answer;
  BencodeWriter writer(&answer);
  writer.BeginDict().Key("interval").Int(1800).Key("peers").BeginList();
  for (std::size_t i = 0; i < kPeers; ++i) {
    writer.BeginDict()
        .Key("ip")
        .String("198.51.100.77")
        .Key("peer id")
        .String("-TR3000-abcdefghijkl");
    writer.Key("port").Int(51413).End();
  }
  writer.End().End();
  if (!writer.Finish().ok()) std::abort();
  return answer;
}

// 10,000 files in 100 folders, with 32,768 pieces.
BencodeValue Torrent() {
  BencodeValue::List files;
  for (int i = 0; i < kFiles; ++i) {
    BencodeValue::List path;
    path.push_back("folder-" + std::to_string(i % 100));
    path.push_back("file-" + std::to_string(i) + ".rpm");
    BencodeValue::Dict file;
    file["length"] = 1'000'000 + i;
    file["path"] = std::move(path);
    files.push_back(std::move(file));
  }
  BencodeValue::Dict info;
  info["files"] = std::move(files);
  info["name"] = "repository";
  info["piece length"] = 1 << 18;
  info["pieces"] = std::string(20 * 32'768, 'h');
  BencodeValue::Dict torrent;
  torrent["announce"] = "http://tracker.example.org:6969/announce";
  torrent["info"] = std::move(info);
  return BencodeValue(std::move(torrent));
}

void Decode(benchmark::State& state, const std::string& bytes) {
  BencodeDocument document;
  for (auto _ : state) {
    if (!document.Decode(bytes).ok()) std::abort();
    benchmark::DoNotOptimize(document.root());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes.size()) * state.iterations());
  state.counters["tokens"] = static_cast<double>(document.tokens().size());
}

void DecodeAnnounceAnswer(benchmark::State& state) { Decode(state, AnnounceAnswer()); }
BENCHMARK(DecodeAnnounceAnswer);

void DecodeAnnounceAnswerOfDictionaries(benchmark::State& state) {
  Decode(state, AnnounceAnswerOfDictionaries());
}
BENCHMARK(DecodeAnnounceAnswerOfDictionaries);

void DecodeTorrentOf10000Files(benchmark::State& state) { Decode(state, Torrent().Encode()); }
BENCHMARK(DecodeTorrentOf10000Files);

// As a client reads an answer.
void DecodeAnnounceAnswerAndLookUp(benchmark::State& state) {
  const std::string bytes = AnnounceAnswer();
  BencodeDocument document;
  for (auto _ : state) {
    if (!document.Decode(bytes).ok()) std::abort();
    const BencodeView root = document.root();
    benchmark::DoNotOptimize(root.Find("interval").IntOr(0));
    benchmark::DoNotOptimize(root.Find("peers").StringOr(""));
  }
}
BENCHMARK(DecodeAnnounceAnswerAndLookUp);

void WalkTorrentOf10000Files(benchmark::State& state) {
  const std::string bytes = Torrent().Encode();
  BencodeDocument document;
  if (!document.Decode(bytes).ok()) std::abort();
  for (auto _ : state) {
    std::int64_t total = 0;
    for (BencodeView file : document.root().Find("info").Find("files").items()) {
      total += file.Find("length").IntOr(0);
    }
    benchmark::DoNotOptimize(total);
  }
}
BENCHMARK(WalkTorrentOf10000Files);

void WriteAnnounceAnswer(benchmark::State& state) {
  const std::string peers = CompactPeers();
  std::string out;
  for (auto _ : state) {
    out.clear();
    AppendAnnounceAnswer(peers, &out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(out.size()) * state.iterations());
}
BENCHMARK(WriteAnnounceAnswer);

void EncodeTorrentOf10000Files(benchmark::State& state) {
  const BencodeValue torrent = Torrent();
  std::string out;
  for (auto _ : state) {
    out.clear();
    torrent.AppendTo(&out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(out.size()) * state.iterations());
}
BENCHMARK(EncodeTorrentOf10000Files);

void BuildTorrentOf10000Files(benchmark::State& state) {
  const std::string bytes = Torrent().Encode();
  BencodeDocument document;
  if (!document.Decode(bytes).ok()) std::abort();
  for (auto _ : state) benchmark::DoNotOptimize(BencodeValue::From(document.root()));
}
BENCHMARK(BuildTorrentOf10000Files);

}  // namespace
}  // namespace muster

BENCHMARK_MAIN();
