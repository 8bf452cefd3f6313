// SPDX-License-Identifier: Apache-2.0
#include "muster/refusal.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "absl/strings/string_view.h"

namespace muster {
namespace {

using std::chrono::minutes;

TEST(Refusal, IsAPermissionDeniedWithItsReason) {
  const absl::Status status = Refuse("not on the list");
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_EQ(ClientText(status), "not on the list");
  EXPECT_FALSE(RetryInOf(status).has_value());
}

TEST(Refusal, SaysWhenToComeBack) {
  for (int after : {0, 1, 60, 1'000'000}) {
    const absl::Status status = Refuse("busy", RetryIn{minutes(after)});
    EXPECT_TRUE(absl::IsPermissionDenied(status));
    EXPECT_EQ(ClientText(status), "busy");
    ASSERT_TRUE(RetryInOf(status).has_value());
    EXPECT_EQ(RetryInOf(status)->after, minutes(after));
  }
}

TEST(Refusal, SaysNeverToComeBack) {
  const absl::Status status = Refuse("gone", RetryIn{});
  ASSERT_TRUE(RetryInOf(status).has_value());
  EXPECT_FALSE(RetryInOf(status)->after.has_value());
}

TEST(Refusal, IsSilentAboutComingBackInOtherStatuses) {
  EXPECT_FALSE(RetryInOf(absl::OkStatus()).has_value());
  EXPECT_FALSE(RetryInOf(absl::InvalidArgumentError("x")).has_value());
}

TEST(ClientText, ShowsOnlyWhatIsTheClientsBusiness) {
  EXPECT_EQ(ClientText(absl::InvalidArgumentError("no info_hash")), "no info_hash");
  EXPECT_EQ(ClientText(absl::PermissionDeniedError("banned")), "banned");
  EXPECT_EQ(ClientText(absl::InternalError("/var/lib/secret")), "internal error");
  EXPECT_EQ(ClientText(absl::NotFoundError("secret")), "internal error");
  EXPECT_EQ(ClientText(absl::FailedPreconditionError("secret")), "internal error");
  EXPECT_EQ(ClientText(absl::UnknownError("")), "internal error");
}

TEST(ClientText, HoldsAtMost200Bytes) {
  const std::string text(200, 'x');
  const absl::Status fits = Refuse(text);
  EXPECT_EQ(ClientText(fits), text);
  const absl::Status longer = Refuse(text + "y");
  EXPECT_EQ(ClientText(longer), text);
}

TEST(ClientText, IsCutBeforeACharacterNeverInsideOne) {
  const std::string characters[] = {"\xc3\xa9", "\xe2\x82\xac",
                                    "\xf0\x9f\x8c\x8d"};  // 2, 3, 4 bytes
  for (const std::string& character : characters) {
    for (std::size_t before = 190; before <= 200; ++before) {
      const std::string head(before, 'x');
      std::string text = head;
      while (text.size() <= 200) text += character;
      std::size_t whole = before;
      while (whole + character.size() <= 200) whole += character.size();
      const absl::Status status = Refuse(text);
      EXPECT_EQ(ClientText(status), text.substr(0, whole)) << before << " " << character.size();
    }
  }
}

TEST(ClientText, OfBytesThatAreNoTextIsStillCut) {
  const absl::Status status = Refuse(std::string(500, '\x80'));
  EXPECT_GE(ClientText(status).size(), 197u);
  EXPECT_LE(ClientText(status).size(), 200u);
}

}  // namespace
}  // namespace muster
