// SPDX-License-Identifier: Apache-2.0
#include "muster/refusal.h"

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace muster {
namespace {

constexpr char kRetryPayload[] = "muster.retry-in";

}  // namespace

absl::Status Refuse(std::string_view reason) { return absl::PermissionDeniedError(ToAbsl(reason)); }

absl::Status Refuse(std::string_view reason, RetryIn retry_in) {
  absl::Status status = Refuse(reason);
  // An empty payload says "never".
  status.SetPayload(kRetryPayload, absl::Cord(retry_in.after ? absl::StrCat(retry_in.after->count())
                                                             : std::string()));
  return status;
}

std::optional<RetryIn> RetryInOf(const absl::Status& refusal) {
  const absl::optional<absl::Cord> payload = refusal.GetPayload(kRetryPayload);
  if (!payload) return std::nullopt;
  std::int64_t minutes = 0;
  if (!absl::SimpleAtoi(std::string(*payload), &minutes)) return RetryIn{};
  return RetryIn{std::chrono::minutes(minutes)};
}

std::string_view ClientText(const absl::Status& status) {
  constexpr std::size_t kMaxClientText = 200;
  if (!absl::IsPermissionDenied(status) && !absl::IsInvalidArgument(status))
    return "internal error";
  std::string_view text = FromAbsl(status.message());
  if (text.size() <= kMaxClientText) return text;
  // Cut before a character, never inside one: at most three UTF-8 continuation bytes (10xxxxxx)
  // lead back to its first.
  std::size_t end = kMaxClientText;
  while (end > kMaxClientText - 3 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace muster
