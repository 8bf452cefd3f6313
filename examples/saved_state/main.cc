// SPDX-License-Identifier: Apache-2.0
//
// A tracker that remembers: its state is kept in a file while it runs, is there again in its next
// life, and is saved to and loaded from bytes of the program's own.
//
//   g++ -std=c++20 main.cc $(pkg-config --cflags --libs muster) -o saved_state
//   ./saved_state STATE_FILE
#include <cstdio>
#include <string>

#include "muster/muster.h"

namespace {

// A place in memory as good as any: a socket, a database, an encrypted file.
struct Bytes final : muster::ByteSink, muster::ByteSource {
  absl::Status Write(std::string_view bytes) override {
    text += bytes;
    return absl::OkStatus();
  }
  absl::StatusOr<std::size_t> Read(absl::Span<char> into) override {
    const std::size_t n = text.copy(into.data(), into.size(), read);
    read += n;
    return n;
  }
  std::string text;
  std::size_t read = 0;
};

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto tracker = muster::Tracker::Create(muster::TrackerOptions{});
  const muster::Instant now = muster::InstantFromUnixSeconds(1'700'000'000);
  muster::StateKeeperOptions options;
  options.clock = [now] { return now; };  // leave this out to have the system's

  // What the file has goes into the store; from now on every change goes into the file's journal.
  const std::string path = argc > 1 ? argv[1] : "state";
  auto keeper = muster::StateKeeper::Open(path, &(*tracker)->store(), options);
  if (!keeper.ok()) return Fail(keeper.status());
  (*tracker)->AddObserver(keeper->get());
  std::printf("%llu torrents from %s\n",
              static_cast<unsigned long long>((*tracker)->store().Totals().torrents), path.c_str());

  muster::Random random(/*seed=*/1);
  muster::AnnounceRequest request;
  request.info_hash = *muster::InfoHash::FromHex("aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d");
  request.peer = *muster::Endpoint::Parse("192.0.2.1:6881");
  const auto response = (*tracker)->Announce(request, now, random);
  if (!response.ok()) return Fail(response.status());
  // Not needed: the journal is synced once a second anyway.
  if (absl::Status status = (*keeper)->Sync(); !status.ok()) return Fail(status);

  // The whole state as bytes, and back into another store.
  Bytes bytes;
  auto writer = muster::NewSnapshotWriter(&bytes, {.written = now});
  if (!writer.ok()) return Fail(writer.status());
  if (absl::Status status = SaveState((*tracker)->store(), **writer); !status.ok())
    return Fail(status);
  const auto copy = muster::NewMemoryStore();
  auto reader = muster::NewSnapshotReader(&bytes);
  if (!reader.ok()) return Fail(reader.status());
  const auto report = LoadState(**reader, *copy, now);
  if (!report.ok()) return Fail(report.status());
  std::printf("%zu bytes hold %llu torrents with %llu peers\n", bytes.text.size(),
              static_cast<unsigned long long>(report->torrents),
              static_cast<unsigned long long>(report->peers));

  if (absl::Status status = (*keeper)->Close(); !status.ok()) return Fail(status);
}
