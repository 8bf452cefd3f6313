// SPDX-License-Identifier: Apache-2.0
//
// Where the time of an HTTP announce goes, step by step, and all of it in one without the store.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "http/query.h"
#include "http/request.h"
#include "http/response.h"
#include "service/http_service.h"
#include "wire/http_announce.h"

namespace muster {
namespace {

// As many requests as it takes for the branch predictor not to learn them by heart.
constexpr std::size_t kRequests = 1024;

// Twenty random bytes as clients encode them: unreserved characters are left alone.
std::string RandomId(Random& random) {
  std::string text;
  for (int i = 0; i < 20; ++i) {
    const auto c = static_cast<unsigned char>(random.Below(256));
    if (absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      text += static_cast<char>(c);
    } else {
      text += {'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
    }
  }
  return text;
}

std::vector<std::string> Queries() {
  std::vector<std::string> queries;
  Random random(1);
  for (std::size_t i = 0; i < kRequests; ++i) {
    queries.push_back("info_hash=" + RandomId(random) + "&peer_id=-TR3000-" +
                      std::to_string(100000000000 + random.Next() % 100000000000) +
                      "&port=" + std::to_string(1024 + random.Below(60000)) +
                      "&uploaded=" + std::to_string(random.Below(1 << 30)) +
                      "&downloaded=" + std::to_string(random.Below(1 << 30)) + "&left=" +
                      std::to_string(random.Below(1 << 30)) + "&numwant=50&key=6d9a4f1e&compact=1" +
                      "&supportcrypto=1" + (random.Below(4) == 0 ? "&event=started" : ""));
  }
  return queries;
}

// With the headers that libcurl sends, or with the least.
std::vector<std::string> Requests(bool full) {
  std::vector<std::string> requests;
  for (const std::string& query : Queries()) {
    requests.push_back("GET /announce?" + query + " HTTP/1.1\r\nHost: tracker.example:6969\r\n" +
                       (full ? "User-Agent: Transmission/3.00\r\nAccept: */*\r\n"
                               "Accept-Encoding: deflate, gzip, br\r\n\r\n"
                             : "\r\n"));
  }
  return requests;
}

constexpr std::size_t kPeers = 50;

// Answers every announce with the same fifty IPv4 peers, so that only the way there and back
// counts.
class NoStore : public SwarmStore {
 public:
  SwarmCounts Apply(const SwarmUpdate& update, Instant, PeerBatch& chosen) override {
    static constexpr std::array<std::uint8_t, kPeers * 6> kBytes{};
    chosen.Append(AddressFamily::kIpv4, kBytes.data(), nullptr, std::min(update.wanted, kPeers));
    return {.seeders = 10, .partial_seeders = 0, .downloaders = 100, .completed = 1000};
  }
  std::optional<SwarmCounts> Count(const InfoHash&) const override { return SwarmCounts(); }
  std::size_t Expire(Instant, std::size_t) override { return 0; }
  std::unique_ptr<SwarmCursor> Walk(std::size_t) const override { return nullptr; }
  bool Remove(const InfoHash&) override { return false; }
  StoreTotals Totals() const override { return {}; }
  void SetObserver(SwarmObserver*) override {}
};

IpAddress From() {
  constexpr std::uint8_t kBytes[] = {192, 0, 2, 1};
  return IpAddress::FromIpv4(kBytes);
}

void ParseRequest(benchmark::State& state, bool full) {
  const std::vector<std::string> requests = Requests(full);
  std::size_t i = 0;
  HttpRequestParser parser({});
  for (auto _ : state) {
    parser.Reset();
    benchmark::DoNotOptimize(parser.Parse(requests[++i % kRequests]));
    benchmark::DoNotOptimize(parser.request());
  }
}
BENCHMARK_CAPTURE(ParseRequest, full, true);
BENCHMARK_CAPTURE(ParseRequest, bare, false);

void ReadQuery(benchmark::State& state) {
  const std::vector<std::string> queries = Queries();
  std::size_t i = 0;
  for (auto _ : state) {
    QueryReader reader(queries[++i % kRequests]);
    while (reader.Next()) benchmark::DoNotOptimize(reader.value());
  }
}
BENCHMARK(ReadQuery);

void DecodeAnnounce(benchmark::State& state) {
  const std::vector<std::string> queries = Queries();
  std::size_t i = 0;
  const IpAddress from = From();
  for (auto _ : state) {
    benchmark::DoNotOptimize(DecodeHttpAnnounce(queries[++i % kRequests], from));
  }
}
BENCHMARK(DecodeAnnounce);

void EncodeAnnounce(benchmark::State& state) {
  const HttpAnnounce announce = DecodeHttpAnnounce(Queries()[0], From()).value();
  std::array<std::uint8_t, kPeers * 6> space{};
  PeerBatch peers(absl::MakeSpan(space), {});
  peers.Append(AddressFamily::kIpv4, std::array<std::uint8_t, kPeers * 6>().data(), nullptr,
               kPeers);
  const AnnounceAnswer answer{.counts = {.seeders = 10, .downloaders = 100, .completed = 1000},
                              .interval = Seconds(1800),
                              .min_interval = Seconds(900)};
  std::string out;
  for (auto _ : state) {
    out.clear();
    EncodeHttpAnnounce(answer, peers, announce, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(EncodeAnnounce);

void WriteResponse(benchmark::State& state) {
  const std::string body(450, 'x');
  std::string out;
  for (auto _ : state) {
    out.clear();
    AppendHttpResponse({.status = 200, .body = body, .keep_alive = true}, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(WriteResponse);

void WholeAnnounce(benchmark::State& state, bool full) {
  const std::vector<std::string> requests = Requests(full);
  std::size_t i = 0;
  const std::unique_ptr<Tracker> tracker =
      Tracker::Create(TrackerOptions(), std::make_unique<NoStore>()).value();
  CounterBook book(1, Instant());
  HttpSite site(tracker.get(), &book, HttpOptions());
  HttpService service(tracker.get(), HttpOptions(), Random(1), &book.worker(0), &site);
  HttpRequestParser parser({});
  const IpAddress from = From();
  const Instant now = InstantFromUnixSeconds(1'700'000'000);
  std::string out;
  for (auto _ : state) {
    out.clear();
    parser.Reset();
    const HttpRequestParser::Result result = parser.Parse(requests[++i % kRequests]);
    if (result != HttpRequestParser::Result::kDone) state.SkipWithError("not parsed");
    HttpExchange exchange{&parser.request(), &from, /*keep_alive=*/true};
    service.Answer(absl::MakeSpan(&exchange, 1), now, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK_CAPTURE(WholeAnnounce, full, true);
BENCHMARK_CAPTURE(WholeAnnounce, bare, false);

}  // namespace
}  // namespace muster

BENCHMARK_MAIN();
