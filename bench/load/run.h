// SPDX-License-Identifier: Apache-2.0
//
// One phase of load against one target, by UDP or HTTP, from one thread. Each function returns when
// its work is done, its time or number is used up, or nothing answers any more; it never waits
// without bound.
#ifndef MUSTER_BENCH_LOAD_RUN_H_
#define MUSTER_BENCH_LOAD_RUN_H_

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "load/histogram.h"
#include "load/messages.h"
#include "load/plan.h"
#include "load/workload.h"

namespace muster::load {

struct Target {
  bool udp = true;
  sockaddr_storage address = {};
  socklen_t address_size = 0;
  AddressFamily family = AddressFamily::kIpv4;
  bool loopback = true;
  std::string host;  // as in the URL, with the port
  std::string path;  // of the announce (HTTP)

  // "udp://HOST:PORT[/announce]" or "http://HOST[:PORT]/announce[?...]". A host name is looked up
  // only if `allow_remote`, and an address that is not of this machine's loopback is an error
  // without it.
  static absl::StatusOr<Target> FromUrl(std::string_view url, bool allow_remote);
};

struct RunOptions {
  Target target;
  Mix mix;
  std::uint32_t numwant = 30;
  std::uint32_t window = 16;   // UDP: questions under way per source; HTTP: connections per source
  double seconds = 10;         // the longest a phase asks for
  std::uint64_t requests = 0;  // 0: no limit; shared out among threads by the caller
  double rate = 0;             // questions a second of this thread; 0: as fast as answers come
  double timeout = 1;          // seconds after which a question counts as lost
  // Fill and check: how often a question is asked before it is given up. Any phase ends when there
  // was no answer at all for tries * timeout.
  int tries = 8;
  bool keep_alive = false;  // HTTP
  bool at_once = false;     // HTTP: a request follows its connect() without a look at what it gave
  bool verify = true;
  std::uint32_t verify_every = 64;  // one answer of so many is looked at peer by peer
  bool allow_self = false;
  std::uint32_t samples = 1000;  // torrents that the check scrapes
};

struct Tally {
  std::uint64_t sent = 0;  // questions, with those asked again
  std::array<std::uint64_t, kActions> answered = {};
  std::uint64_t lost = 0;       // given up
  std::uint64_t again = 0;      // asked again
  std::uint64_t late = 0;       // answers to questions that were given up or asked again
  std::uint64_t reopened = 0;   // kept connections that the server closed (HTTP)
  std::uint64_t judged = 0;     // announces whose answer could be read
  std::uint64_t inspected = 0;  // of those, looked at peer by peer
  std::uint64_t peers = 0;      // handed out by announces
  std::uint64_t bytes = 0;      // of announce answers
  std::array<std::uint64_t, kFaults> faults = {};
  std::string example;  // of what was wrong: the first
  Histogram latency;    // of announces and scrapes, ns
  double seconds = 0;   // from the first question to the last answer

  std::uint64_t all_answered() const { return answered[0] + answered[1] + answered[2]; }
  std::uint64_t wrong() const;
  void Merge(const Tally& other);  // of a thread at the same time
};

// `sources` are those of the plan's that this thread plays.
absl::StatusOr<Tally> RunUdp(Phase phase, const RunOptions& options, const Plan& plan,
                             const std::vector<std::uint32_t>& sources);
absl::StatusOr<Tally> RunHttp(Phase phase, const RunOptions& options, const Plan& plan,
                              const std::vector<std::uint32_t>& sources);

// Below: what both runs share.

std::uint64_t NowNs();
// A non-blocking socket of the target's family, bound to the source's own address where the plan
// has them.
absl::StatusOr<int> OpenSource(int type, const Target& target, const Plan& plan,
                               std::uint32_t source);
// The peer that a tracker sees announcing `port` through the socket.
Endpoint OwnEndpoint(const Target& target, const Plan& plan, std::uint32_t source,
                     std::uint16_t port);

// An answer that could be read, against what was asked: `read` is what reading it gave. Looks at
// each peer of one answer in so many; `own` is where the asking peer is.
Fault JudgeScrape(Fault read, const ScrapeView& view, const Asked& asked, Phase phase);
Fault JudgeAnnounce(Fault read, const AnnounceView& view, const Asked& asked, const Endpoint& own,
                    const RunOptions& options, Tally& tally);

// How many questions may be asked now: by number, time and rate.
class Allowance {
 public:
  Allowance(Phase phase, const RunOptions& options, std::uint64_t start)
      : steady_(phase == Phase::kSteady),
        requests_(options.requests),
        rate_(options.rate),
        start_(start),
        end_(start + static_cast<std::uint64_t>(options.seconds * 1e9)) {}

  bool over(std::uint64_t now) const {
    return now >= end_ || (steady_ && requests_ > 0 && asked_ >= requests_);
  }
  std::uint64_t Left(std::uint64_t now) const {
    if (over(now)) return 0;
    std::uint64_t left = ~std::uint64_t{0};
    if (steady_ && requests_ > 0) left = requests_ - asked_;
    if (rate_ > 0) {
      const auto due = static_cast<std::uint64_t>(static_cast<double>(now - start_) * 1e-9 * rate_);
      left = std::min(left, due > asked_ ? due - asked_ : 0);
    }
    return left;
  }
  // When the rate allows the next question; the past where no rate is set.
  std::uint64_t NextAt() const {
    if (rate_ <= 0) return 0;
    return start_ + static_cast<std::uint64_t>(static_cast<double>(asked_ + 1) * 1e9 / rate_);
  }
  void Asked(std::uint64_t n) { asked_ += n; }

 private:
  const bool steady_;
  const std::uint64_t requests_;
  const double rate_;
  const std::uint64_t start_, end_;
  std::uint64_t asked_ = 0;
};

}  // namespace muster::load

#endif  // MUSTER_BENCH_LOAD_RUN_H_
