// SPDX-License-Identifier: Apache-2.0
//
// A MirrorService over a temporary tree, asked as a client asks it.
#ifndef MUSTER_TESTS_MIRROR_SERVICE_TESTING_H_
#define MUSTER_TESTS_MIRROR_SERVICE_TESTING_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/folder.h"
#include "http/http_text.h"
#include "mirror/mirror_service.h"

namespace muster {

class MirrorServiceTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t kPiece = 16384;
  static constexpr Instant kNow = InstantFromUnixSeconds(1'700'000'000);

  MirrorServiceTest() {
    tree_.Write("root/yum/os/a.rpm", Bytes(20'000, 1));
    tree_.Write("root/yum/os/b.rpm", Bytes(2 * kPiece, 2));
    tree_.Write("root/yum/os/c.rpm", Bytes(20'000, 3));
    tree_.Write("root/yum/os/d e.rpm", "small");
    tree_.Write("trackers", "http://a/announce\nhttp://b/announce\n");
    options_.root = tree_.path("root");
    options_.trackers_file = tree_.path("trackers");
    options_.cache_folder = tree_.path("cache");
    options_.piece_length = kPiece;
    options_.threads = 1;
  }

  static std::string Bytes(std::size_t size, unsigned seed) {
    std::string bytes(size, '\0');
    for (char& c : bytes) {
      seed = seed * 1664525 + 1013904223;
      c = static_cast<char>(seed >> 24);
    }
    return bytes;
  }

  static void Now(const std::function<void()>& work) { work(); }

  // A new one, which knows what the cache's folder has.
  void Start(MirrorService::Run make = Now, MirrorService::Run read = Now) {
    service_.reset();
    auto service = MirrorService::Create(options_, std::move(make), std::move(read), kNow);
    ASSERT_TRUE(service.ok()) << service.status();
    service_ = *std::move(service);
  }

  // Status 0: no answer came so far.
  MirrorAnswer Ask(const std::string& line, const std::string& headers = "",
                   const std::string& body = "", Instant now = kNow) {
    if (service_ == nullptr) Start();
    const HttpText text(line + " HTTP/1.1\r\nHost: m.example:80\r\n" + headers, body);
    EXPECT_TRUE(text.is_good()) << line;
    // The answer may come when this has long returned.
    const auto answer = std::make_shared<std::optional<MirrorAnswer>>();
    service_->Answer(text.request(), may_see_pages_, now, [answer](MirrorAnswer given) {
      EXPECT_FALSE(answer->has_value());
      *answer = std::move(given);
    });
    if (!*answer) return {.status = 0};
    return std::move(**answer);
  }

  static std::string UrlOf(const std::vector<std::string>& paths) {
    return "/yum/torrent_service/digest/" + DigestOfPaths(paths);
  }
  static std::string FormOf(const std::vector<std::string>& paths) {
    std::string form;
    for (std::string path : paths) {
      for (std::size_t at; (at = path.find(' ')) != path.npos;) path[at] = '+';
      form += (form.empty() ? "p=" : "&p=") + path;
    }
    return form;
  }
  MirrorAnswer Post(const std::vector<std::string>& paths, Instant now = kNow) {
    return Ask("POST " + UrlOf(paths), "", FormOf(paths), now);
  }

  // What is sent after the head of an answer.
  static std::string BodyOf(const MirrorAnswer& answer) {
    std::string body(static_cast<std::size_t>(answer.zeros), '\0');
    for (const FilePart& part : answer.parts) {
      body += part.before;
      std::string bytes(static_cast<std::size_t>(part.size), '\0');
      EXPECT_EQ(::pread(answer.file.get(), bytes.data(), bytes.size(), part.offset),
                static_cast<ssize_t>(bytes.size()));
      body += bytes;
    }
    body += answer.text;
    EXPECT_EQ(answer.length(), static_cast<std::int64_t>(body.size()));
    return body;
  }

  const Folder tree_;
  MirrorOptions options_;
  bool may_see_pages_ = false;
  std::unique_ptr<MirrorService> service_;
};

}  // namespace muster

#endif  // MUSTER_TESTS_MIRROR_SERVICE_TESTING_H_
