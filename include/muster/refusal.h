// SPDX-License-Identifier: Apache-2.0
//
// Refusals: how a policy says no in words that the client may read, and when it may come back
// (BEP 31).
//
// A refusal is an ordinary absl::Status with code kPermissionDenied. What it says reaches the
// client as `failure reason` (HTTP) or as an error packet (UDP); statuses of any other code than
// kPermissionDenied and kInvalidArgument are our own trouble, and the client is told "internal
// error" only.
#ifndef MUSTER_REFUSAL_H_
#define MUSTER_REFUSAL_H_

#include <chrono>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "muster/export.h"

namespace muster {

// When a refused client may ask again (BEP 31 `retry in`).
struct RetryIn {
  // Nothing: the client is told never to come back.
  std::optional<std::chrono::minutes> after;
};

// `reason` is shown to the user of the client; UTF-8, at most 200 bytes are sent.
MUSTER_EXPORT absl::Status Refuse(std::string_view reason);
MUSTER_EXPORT absl::Status Refuse(std::string_view reason, RetryIn retry_in);

// What a refusal says about coming back; nothing when it says nothing.
MUSTER_EXPORT std::optional<RetryIn> RetryInOf(const absl::Status& refusal);

// The text of `status` that a client may see: the one place that decides.
MUSTER_EXPORT std::string_view ClientText(const absl::Status& status);

}  // namespace muster

#endif  // MUSTER_REFUSAL_H_
