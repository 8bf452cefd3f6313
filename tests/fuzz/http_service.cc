// SPDX-License-Identifier: Apache-2.0
//
// Any request, on any path that there is, gets one response that says how long it is; bodies that
// are made while they are sent come to an end.
#include "service/http_service.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

namespace {

constexpr muster::Instant kNow = muster::InstantFromUnixSeconds(1'700'000'000);

class World {
 public:
  World() : tracker_(*muster::Tracker::Create({}, muster::NewMemoryStore({.hash_seed = 1}))) {
    options_.full_scrape_for = muster::IsAnybody;
    options_.statistics_for = muster::IsAnybody;
    options_.info_page = true;
    options_.favicon = "icon";
    site_ = std::make_unique<muster::HttpSite>(tracker_.get(), &book_, options_);
    service_ = std::make_unique<muster::HttpService>(tracker_.get(), options_, muster::Random(1),
                                                     &book_.worker(0), site_.get());
  }

  void Ask(const std::string& bytes) {
    muster::HttpRequestParser parser({});
    if (parser.Parse(bytes) != muster::HttpRequestParser::Result::kDone) return;
    const muster::IpAddress from;
    muster::HttpExchange exchange{&parser.request(), &from, /*keep_alive=*/true};
    std::string out;
    service_->Answer(absl::MakeSpan(&exchange, 1), kNow, out);
    if (out.rfind("HTTP/1.1 ", 0) != 0 || exchange.end != out.size()) std::abort();
    const std::size_t head = out.find("\r\n\r\n");
    if (head == std::string::npos) std::abort();
    const bool chunked = out.find("\r\nTransfer-Encoding: chunked\r\n") < head;
    const bool sized = out.find("\r\nContent-Length: ") < head;
    const bool closes = out.find("\r\nConnection: close\r\n") < head;
    if (chunked && sized) std::abort();
    if (!chunked && !sized && !closes) std::abort();
    if (exchange.body == nullptr) return;
    if (sized || out.size() != head + 4) std::abort();
    std::string body;
    for (int piece = 0; piece < 10'000; ++piece) {
      switch (exchange.body->Produce(1000, body)) {
        case muster::HttpBody::Progress::kMore:
          continue;
        case muster::HttpBody::Progress::kFailed:
          std::abort();
        case muster::HttpBody::Progress::kEnd:
          if (chunked && body.substr(body.size() - 5) != "0\r\n\r\n") std::abort();
          return;
      }
    }
    std::abort();
  }

 private:
  muster::HttpOptions options_;
  muster::CounterBook book_{1, kNow};
  const std::unique_ptr<muster::Tracker> tracker_;
  std::unique_ptr<muster::HttpSite> site_;
  std::unique_ptr<muster::HttpService> service_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  World world;
  // So that lists are not empty.
  world.Ask(
      "GET /announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=aaaaaaaaaaaaaaaaaaaa&port=1&left=0 "
      "HTTP/1.1\r\n\r\n");
  world.Ask(input);
  // What the input has as a request's target alone.
  if (input.find_first_of(" \r\n") == std::string::npos) {
    world.Ask("GET /" + input + " HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n");
    world.Ask("GET /stats?" + input + " HTTP/1.0\r\n\r\n");
    world.Ask("GET /scrape?" + input + " HTTP/1.1\r\n\r\n");
  }
  return 0;
}
