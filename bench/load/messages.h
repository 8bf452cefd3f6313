// SPDX-License-Identifier: Apache-2.0
//
// What the load generator sends and what it makes of the answers: UDP packets (BEP 15) and HTTP
// requests (BEP 3, 23), both read into the same two views and judged by the same checks. Pure
// functions over the caller's bytes; reentrant.
//
// Written for the load generator alone, without the library's own codecs, so that a mistake there
// is not repeated here.
#ifndef MUSTER_BENCH_LOAD_MESSAGES_H_
#define MUSTER_BENCH_LOAD_MESSAGES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "load/plan.h"
#include "muster/endpoint.h"

namespace muster::load {

enum class Action : std::uint8_t { kConnect = 0, kAnnounce = 1, kScrape = 2 };
inline constexpr std::size_t kActions = 3;

// BEP 15's numbers.
enum class Event : std::uint8_t { kNone = 0, kCompleted = 1, kStarted = 2, kStopped = 3 };

struct Job {
  Action action = Action::kAnnounce;
  Event event = Event::kNone;
  PlannedPeer peer;  // for a scrape only its torrent counts
};

// What can be wrong with an answer.
enum class Fault : std::uint8_t {
  kNone,
  kSize,         // shorter or longer than its fields say
  kAction,       // the answer to another kind of question
  kTransaction,  // a transaction id that was never sent
  kRefused,      // an error message instead of an answer
  kStatus,       // an HTTP status other than 200
  kSyntax,       // not HTTP, not bencode, or a field missing
  kInterval,     // 0 or more than a day
  kCounts,       // counts that contradict the plan
  kTooMany,      // more peers than were asked for
  kSelf,         // the asking peer itself among the peers
  kStranger,     // a peer that is not in this swarm
  kTwice,        // the same peer two times
};
inline constexpr std::size_t kFaults = 13;
std::string_view FaultName(Fault fault);

inline constexpr std::size_t kConnectSize = 16;
inline constexpr std::size_t kAnnounceSize = 98;
inline constexpr std::size_t kScrapeSize = 36;
inline constexpr std::size_t kLargestRequest = kAnnounceSize;

// Each writes one packet to `to`, which has room for kLargestRequest bytes, and returns its size.
std::size_t WriteConnect(std::uint8_t* to, std::uint32_t transaction);
std::size_t WriteAnnounce(std::uint8_t* to, std::uint64_t connection, std::uint32_t transaction,
                          const InfoHash& hash, const Job& job, std::uint32_t numwant);
std::size_t WriteScrape(std::uint8_t* to, std::uint64_t connection, std::uint32_t transaction,
                        const InfoHash& hash);

// A GET with the query of the job, appended to `to`. `path` is the announce path; a scrape goes to
// the same with the last "announce" replaced by "scrape".
void AppendHttpRequest(std::string& to, std::string_view path, std::string_view host,
                       const InfoHash& hash, const Job& job, std::uint32_t numwant,
                       bool keep_alive);

// Counts that an answer did not give are kUnknown.
inline constexpr std::uint32_t kUnknown = ~std::uint32_t{0};

struct AnnounceView {
  std::uint32_t interval = 0;
  std::uint32_t seeders = kUnknown;
  std::uint32_t leechers = kUnknown;
  absl::Span<const std::uint8_t> peers;  // compact, in the family of the socket
};
struct ScrapeView {
  std::uint32_t seeders = kUnknown;
  std::uint32_t leechers = kUnknown;
};

// `answer` is a whole packet whose action and transaction were looked at before; `body` that of a
// response with status 200.
Fault ReadUdpAnnounce(absl::Span<const std::uint8_t> answer, AddressFamily family,
                      AnnounceView& to);
Fault ReadUdpScrape(absl::Span<const std::uint8_t> answer, ScrapeView& to);
Fault ReadHttpAnnounce(std::string_view body, AddressFamily family, AnnounceView& to);
Fault ReadHttpScrape(std::string_view body, const InfoHash& hash, ScrapeView& to);

struct HttpHead {
  int status = 0;
  std::size_t size = 0;  // of the head, with its empty line
  std::size_t body_size = kNoLength;
  bool close = false;  // the server said that it closes
  static constexpr std::size_t kNoLength = ~std::size_t{0};
};
// False until the head is complete; `to.status` is 0 when it is not HTTP.
bool ReadHttpHead(std::string_view bytes, HttpHead& to);

// The first address that sources have where each has its own: source n is 127.1.0.1 + n.
inline constexpr std::uint32_t kFirstSource = 0x7f010001;

// What the checks need to know of the question.
struct Asked {
  const Plan* plan;
  std::uint32_t source;
  Job job;
  std::uint32_t numwant;
  AddressFamily family;
  bool allow_self;  // opentracker hands a peer its own address
};

// Size, interval, counts: cheap enough for every answer.
Fault CheckAnnounce(const AnnounceView& view, const Asked& asked);
// Each peer: not the asking one, planned in this torrent, not given twice. `own` is the asking
// peer.
Fault CheckPeers(const AnnounceView& view, const Asked& asked, const Endpoint& own);
// `exact`: the whole plan was announced, nothing else, so the counts are known.
Fault CheckScrape(const ScrapeView& view, const Asked& asked, bool exact);

// One line about an answer that was judged wrong. `answer` is the packet or body.
std::string Describe(Fault fault, const Asked& asked, absl::Span<const std::uint8_t> answer);

}  // namespace muster::load

#endif  // MUSTER_BENCH_LOAD_MESSAGES_H_
