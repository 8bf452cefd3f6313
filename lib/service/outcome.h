// SPDX-License-Identifier: Apache-2.0
//
// How a status counts. Reentrant.
#ifndef MUSTER_LIB_SERVICE_OUTCOME_H_
#define MUSTER_LIB_SERVICE_OUTCOME_H_

#include "absl/status/status.h"
#include "muster/statistics.h"

namespace muster {

// As ClientText() tells them apart; see refusal.h.
inline Outcome OutcomeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return Outcome::kAnswered;
    case absl::StatusCode::kPermissionDenied:
      return Outcome::kRefused;
    case absl::StatusCode::kInvalidArgument:
      return Outcome::kInvalid;
    default:
      return Outcome::kFailed;
  }
}

}  // namespace muster

#endif  // MUSTER_LIB_SERVICE_OUTCOME_H_
