// SPDX-License-Identifier: Apache-2.0
#include "musterd/access_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include "helpers.h"

namespace musterd {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const muster::IpAddress kFrom = *muster::IpAddress::Parse("192.0.2.7");

muster::HttpLogEntry Entry(std::string_view target) {
  return {kFrom, "GET", target, 1, 200, 123, false, "", ""};
}

std::string FileText(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(AccessLogLine, IsThatOfTheOriginal) {
  setenv("TZ", "UTC", 1);
  tzset();
  EXPECT_EQ(
      AccessLogLine({kFrom, "GET", "/scrape", 0, 400, 9, true, "http://r/", "C/1"}, 1'700'000'000),
      "192.0.2.7 gzip - [14/Nov/2023:22:13:20] \"GET /scrape HTTP/1.0\" 400 9 \"http://r/\" "
      "\"C/1\"\n");
  EXPECT_THAT(AccessLogLine(Entry("/"), 0), EndsWith("\"GET / HTTP/1.1\" 200 123 \"-\" \"-\"\n"));
}

TEST(AccessLogLine, StaysOneLineWhateverAClientSends) {
  const std::string line =
      AccessLogLine({kFrom, "GET", "/a\"b", 1, 200, 0, false, "x\\\"\n[", "\x01\x7f"}, 0);
  EXPECT_THAT(line, HasSubstr(R"("GET /a\"b HTTP/1.1" 200 0 "x\\\"\x0a[" "\x01\x7f")"));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const std::string long_line = AccessLogLine(Entry(std::string(100'000, 'a')), 0);
  EXPECT_LT(long_line.size(), 5000u);
  EXPECT_THAT(long_line, HasSubstr("a HTTP/1.1\" 200"));
}

TEST(AccessLogLine, KeepsSecretsToItself) {
  const auto target = [](std::string_view said) {
    const std::string line = AccessLogLine(Entry(said), 0);
    const std::size_t begin = line.find("\"GET ") + 5;
    return line.substr(begin, line.find(" HTTP/") - begin);
  };
  EXPECT_EQ(target("/announce?password=p%20w&port=1"), "/announce?password=...&port=1");
  EXPECT_EQ(target("/announce?port=1&seed_id=word&password="),
            "/announce?port=1&seed_id=...&password=...");
  EXPECT_EQ(target("/announce?password=a?b"), "/announce?password=...");
  EXPECT_EQ(target("/announce?%70assw%6Frd=a&seed%5fid=b&port=1"),
            "/announce?%70assw%6Frd=...&seed%5fid=...&port=1");
  EXPECT_EQ(target("/announce?%7=a&%zz=b&p%61ssw=c&passwor%64%3d=d"),
            "/announce?%7=a&%zz=b&p%61ssw=c&passwor%64%3d=d");
  EXPECT_EQ(target("/password=a&password=b?my_password=b&"),
            "/password=a&password=b?my_password=b&");
}

TEST(AccessLogLine, OfANatCheckSaysWhoWasReached) {
  setenv("TZ", "UTC", 1);
  tzset();
  muster::NatChecked checked{
      .info_hash = {},
      .peer_id = *muster::PeerId::FromText(std::string("-XX0001-\0\xff \"12345678", 20)),
      .peer = *muster::Endpoint::Parse("192.0.2.7:6881"),
      .outcome = muster::NatOutcome::kReachable};
  EXPECT_EQ(NatCheckLine(checked, /*known=*/true, 1'700'000'000),
            "192.0.2.7 - -XX0001-%00%FF%20%2212345678 [14/Nov/2023:22:13:20] "
            "\"!natcheck-192.0.2.7:6881\" 200 0 - -\n");
  EXPECT_THAT(NatCheckLine(checked, /*known=*/false, 0), HasSubstr("\" 404 0 - -"));
  checked.outcome = muster::NatOutcome::kTimeout;
  checked.peer = *muster::Endpoint::Parse("[2001:db8::1]:1");
  EXPECT_THAT(NatCheckLine(checked, /*known=*/true, 0),
              HasSubstr("2001:db8::1 - -XX0001-%00%FF%20%2212345678 [01/Jan/1970:00:00:00] "
                        "\"!natcheck-[2001:db8::1]:1\" 503 0 - -"));
}

class AccessLogTest : public testing::Test {
 protected:
  ~AccessLogTest() override {
    unlink(path_.c_str());
    unlink((path_ + ".old").c_str());
  }
  std::unique_ptr<AccessLog> Open(const std::string& path, milliseconds interval,
                                  muster::LogSink* trouble = nullptr) {
    auto log = AccessLog::Open(path, Identity(), interval, trouble);
    EXPECT_TRUE(log.ok()) << log.status();
    return log.ok() ? *std::move(log) : nullptr;
  }
  const std::string path_ = testing::TempDir() + "access-log-" + std::to_string(getpid());
};

TEST_F(AccessLogTest, AppendsAndWritesWhatWaitsInTheEnd) {
  std::ofstream(path_) << "before\n";
  {
    const auto log = Open(path_, milliseconds(3'600'000));
    log->OnAnswered(Entry("/waits"));
    EXPECT_EQ(FileText(path_), "before\n");
    log->SayEnd();
  }
  const std::string text = FileText(path_);
  EXPECT_THAT(text, StartsWith("before\n# Log Started:  "));
  EXPECT_THAT(text, HasSubstr("/waits"));
  EXPECT_LT(text.find("/waits"), text.find("# Shutting down:  "));
}

TEST_F(AccessLogTest, WritesEachLineWhereItMayNotWait) {
  const auto log = Open(path_, milliseconds(0));
  log->OnAnswered(Entry("/now"));
  EXPECT_TRUE(Eventually([&] { return FileText(path_).find("/now") != std::string::npos; }));
}

TEST_F(AccessLogTest, IsOpenedAgain) {
  const auto log = Open(path_, milliseconds(3'600'000));
  log->OnAnswered(Entry("/old"));
  ASSERT_EQ(rename(path_.c_str(), (path_ + ".old").c_str()), 0);
  ASSERT_TRUE(log->Reopen().ok());
  EXPECT_TRUE(Eventually([&] { return FileText(path_).substr(0, 17) == "# Log reopened:  "; }));
  EXPECT_THAT(FileText(path_ + ".old"), HasSubstr("/old"));
}

TEST_F(AccessLogTest, SaysWhyItCannotBeWritten) {
  const absl::Status status =
      AccessLog::Open("/nowhere/log", Identity(), milliseconds(0), nullptr).status();
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("cannot write '/nowhere/log': No such file"));
}

TEST_F(AccessLogTest, DoesNotWaitForWhoReadsAPipe) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const absl::Status status = AccessLog::Open(path_, Identity(), milliseconds(0), nullptr).status();
  EXPECT_THAT(std::string(status.message()),
              EndsWith("': No such device or address (nobody reads the pipe)"));
}

TEST_F(AccessLogTest, SaysOnceWhatFails) {
  Heard heard;
  {
    const auto log = Open("/dev/full", milliseconds(0), &heard);
    for (int i = 0; i < 5; ++i) log->OnAnswered(Entry("/"));
    EXPECT_TRUE(Eventually([&] { return !heard.texts().empty(); }));
  }
  EXPECT_THAT(
      heard.texts(),
      ElementsAre(
          "access-log: cannot write '/dev/full': No space left on device",
          "access-log: cannot write '/dev/full': No space left on device; 6 lines were lost"));
}

}  // namespace
}  // namespace musterd
