// SPDX-License-Identifier: Apache-2.0
//
// TrackerQuestion: asks one tracker about one torrent, by HTTP or UDP as its URL says. Loop-bound.
#ifndef MUSTER_LIB_OUTBOUND_TRACKER_QUESTION_H_
#define MUSTER_LIB_OUTBOUND_TRACKER_QUESTION_H_

#include <chrono>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "muster/random.h"
#include "muster/tracker_url.h"
#include "net/closing_parts.h"
#include "net/http_client.h"
#include "net/name_lookup.h"
#include "net/timer.h"
#include "net/udp_client.h"
#include "outbound/udp_question.h"
#include "wire/tracker_query.h"

namespace muster {

struct TrackerQuestionOptions {
  std::chrono::milliseconds timeout{60'000};
  // Until a datagram without an answer is sent again; twice as long each time (BEP 15).
  std::chrono::milliseconds udp_retry{15'000};
};

class TrackerQuestion {
 public:
  // The tracker's answer, which may be a failure reason, or why there is none.
  using Done = absl::AnyInvocable<void(absl::StatusOr<TrackerReply>)>;

  // `done` is called once, from the loop, unless Close() is called first; it may call Close().
  static ClosingPtr<TrackerQuestion> Ask(uv_loop_t* loop, const TrackerUrl& url,
                                         const TrackerQuery& query,
                                         const TrackerQuestionOptions& options, Random random,
                                         Done done);
  void Close(Closed closed);

 private:
  TrackerQuestion(uv_loop_t* loop, const TrackerUrl& url, const TrackerQuery& query,
                  const TrackerQuestionOptions& options, Random random, Done done);
  void AskHttp();
  void AskUdp(const std::vector<Endpoint>& addresses);
  std::chrono::milliseconds OnTick();
  void OnHttpReply(absl::StatusOr<ReceivedReply> reply);
  void OnDatagram(std::string_view datagram);
  void Finish(absl::StatusOr<TrackerReply> reply);

  uv_loop_t* const loop_;
  const TrackerUrl url_;
  const TrackerQuery query_;
  const TrackerQuestionOptions options_;
  const Random random_;
  Done done_;
  ClosingPtr<HttpClient> http_;
  ClosingPtr<NameLookup> lookup_;
  ClosingPtr<UdpClient> udp_;
  ClosingPtr<Timer> timer_;
  std::optional<UdpQuestion> question_;
  std::chrono::milliseconds retry_;
  std::chrono::milliseconds left_;      // of the timeout, when the timer was set
  std::chrono::milliseconds slept_{0};  // what the timer was set to
  ClosingParts parts_;
};

}  // namespace muster

#endif  // MUSTER_LIB_OUTBOUND_TRACKER_QUESTION_H_
