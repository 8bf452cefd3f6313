// SPDX-License-Identifier: Apache-2.0
//
// A connection that has answered a few announces answers further ones without allocating.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include "service/http_service.h"

namespace {

thread_local std::size_t allocations = 0;

}  // namespace

// Where g++ inlines one of these and not the other, it warns that free() is no match for new.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  std::abort();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace muster {
namespace {

class HttpAllocationTest : public testing::Test {
 protected:
  HttpAllocationTest()
      : tracker_(
            Tracker::Create(TrackerOptions(), NewMemoryStore({.keep_peer_ids = true})).value()),
        book_(1, Instant()),
        site_(tracker_.get(), &book_, HttpOptions()),
        service_(tracker_.get(), HttpOptions(), Random(1), &book_.worker(0), &site_),
        parser_({}) {}

  void Send(const std::string& bytes) {
    parser_.Reset();
    ASSERT_EQ(parser_.Parse(bytes), HttpRequestParser::Result::kDone);
    out_.clear();
    HttpExchange exchange{&parser_.request(), &from_, /*keep_alive=*/true};
    service_.Answer(absl::MakeSpan(&exchange, 1), InstantFromUnixSeconds(1'700'000'000), out_);
  }

  // How often the third sending of the same request allocates.
  std::size_t AllocationsOf(const std::string& url) {
    const std::string bytes = "GET " + url + " HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n";
    Send(bytes);
    Send(bytes);
    const std::size_t before = allocations;
    Send(bytes);
    return allocations - before;
  }

  std::unique_ptr<Tracker> tracker_;
  CounterBook book_;
  HttpSite site_;
  HttpService service_;
  HttpRequestParser parser_;
  IpAddress from_;
  std::string out_;
};

const std::string kTorrent = "info_hash=%00%01%02aaaaaaaaaaaaaaaaa";

TEST_F(HttpAllocationTest, AnnouncesDoNotAllocate) {
  const std::string url = "/announce?" + kTorrent + "&peer_id=aaaaaaaaaaaaaaaaaaaa&left=1&port=";
  for (int port = 1; port < 40; ++port)
    Send("GET " + url + std::to_string(port) + " HTTP/1.1\r\n\r\n");
  EXPECT_EQ(AllocationsOf(url + "50"), 0u);
  EXPECT_EQ(AllocationsOf(url + "50&compact=0"), 0u);
  EXPECT_EQ(AllocationsOf(url + "50&event=stopped&key=secret"), 0u);
}

TEST_F(HttpAllocationTest, ScrapesDoNotAllocate) {
  EXPECT_EQ(AllocationsOf("/scrape?" + kTorrent + "&" + kTorrent), 0u);
}

TEST_F(HttpAllocationTest, TheCounterCounts) {
  const std::size_t before = allocations;
  delete new std::string(100, 'x');
  EXPECT_GT(allocations, before);
}

}  // namespace
}  // namespace muster
