// SPDX-License-Identifier: Apache-2.0
//
// Server and ServerThreads: a tracker on the network, on a libuv loop of the application's, or on
// threads of its own.
//
// Server is loop-bound: create it, call it and destroy it on the loop's thread. ServerThreads may
// be used from any one thread at a time. Neither owns the tracker, which must outlive them, and a
// Server's closing where Close() was called.
//
//   muster::ServerOptions options;
//   options.listeners = {{muster::Protocol::kUdp, *muster::Endpoint::Parse("0.0.0.0:6969")},
//                        {muster::Protocol::kHttp, *muster::Endpoint::Parse("[::]:6969")}};
//   auto server = muster::ServerThreads::Start(tracker.get(), options, /*workers=*/2);
//   if (!server.ok()) return server.status();
//   for (const muster::Listener& l : (*server)->listeners()) std::puts(l.AnnounceUrl().c_str());
//
// On a loop of one's own the handles of libuv outlive the Server object: their memory may only be
// freed in a close callback. So Close() is asynchronous, and a Server that is dropped unclosed
// closes itself; in both cases the loop has to be run until it has nothing left to do, as any libuv
// program does before uv_loop_close().
#ifndef MUSTER_SERVER_H_
#define MUSTER_SERVER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/aggregate_forward.h"
#include "muster/cidr.h"
#include "muster/endpoint.h"
#include "muster/export.h"
#include "muster/log_sink.h"
#include "muster/multitracker.h"
#include "muster/nat_check.h"
#include "muster/protocol.h"
#include "muster/statistics.h"
#include "muster/torrent_catalog.h"
#include "muster/tracker.h"

struct uv_loop_s;

namespace muster {

class LiveSync;
class Woodpeckers;

// A socket to listen on. Port 0 takes a free one; see Server::listeners() for which. An IPv6
// listener takes IPv6 only: list the IPv4 address as well to serve both.
struct Listener {
  Protocol protocol = Protocol::kUdp;
  Endpoint endpoint;
  // Every HTTP connection begins with a header of the PROXY protocol (version 1 or 2), every UDP
  // datagram with one of version 2, which says whom it is for; answers have none. Only those of
  // HttpOptions::trusted_proxies are served, and believed.
  bool proxied = false;

  // "udp://192.0.2.1:6969/announce"
  MUSTER_EXPORT std::string AnnounceUrl() const;
};

// Who may see something; empty: nobody. Thread-safe and quick: workers ask it for each request.
using AddressFilter = std::function<bool(const IpAddress&)>;
MUSTER_EXPORT bool IsLoopback(const IpAddress& address);
MUSTER_EXPORT bool IsAnybody(const IpAddress& address);
// Not part of the public internet: the loopback, private and link-local addresses, and what else is
// set aside (RFC 6890).
MUSTER_EXPORT bool IsLocalNetwork(const IpAddress& address);

// What may be scraped.
enum class ScrapeMode : std::uint8_t {
  kNone,
  kSpecific,  // torrents that the client names
  kFull,      // also all torrents at once, by HTTP and for whom HttpOptions::full_scrape_for says
};

struct UdpOptions {
  // How long a connection id is good for. BEP 15 asks for two minutes; many clients keep ids
  // longer, so a generous time spares them an error. 1 minute to 24 hours.
  Seconds connection_id_lifetime{10 * 60};
  // What a well-formed request with a wrong or outdated connection id gets: an error packet, which
  // makes clients connect again at once and is never longer than the request, or silence.
  bool answer_stale_connection_id = true;
  // Peers in an answer when the client leaves it to the tracker, by -1, and hardly any says a number.
  // 0: TrackerOptions::default_numwant; 1000 at most.
  std::uint32_t default_numwant = 0;
  // Whether there are scrapes at all.
  bool scrape = true;
  // Torrents in one scrape, 1 to 101: those that the largest request has, whose answer is never cut
  // into fragments (BEP 15 speaks of about 74).
  std::size_t max_scrape_torrents = 101;
  // Receive and send buffer asked of the kernel for each socket, in bytes; 0 leaves the system's
  // default.
  int socket_buffer = 4 * 1024 * 1024;
};

// Where reverse proxies say whom they speak for.
enum class ProxyHeader : std::uint8_t {
  kXForwardedFor,  // X-Forwarded-For: 192.0.2.1, 198.51.100.7
  kForwarded,      // Forwarded: for=192.0.2.1, for="[2001:db8::7]:4711" (RFC 7239)
};

// In what form answers are given.
enum class HttpAnswers : std::uint8_t {
  // Everything a client may want to know; what is refused, and what makes no sense, is answered 200
  // with a `failure reason`.
  kMuster,
  // As bttrack gives them: the same keys, statuses and texts, for scripts that look at them.
  kBttrack,
};

// How full scrapes, and dumps of the statistics, are compressed.
enum class FullScrapeCompression : std::uint8_t {
  kAccepted,  // by zstd or gzip, whichever the client accepts, or not
  kNone,
  kGzip,  // whatever the client says
  kZstd,  // likewise; an error where muster was built without it
};

// A request that was answered. Borrowed for the time of the call.
struct HttpLogEntry {
  const IpAddress& from;
  std::string_view method;  // "GET"
  std::string_view target;  // "/announce?info_hash=..."
  int minor_version;        // of HTTP/1
  int status;
  // Of the body, as it was sent.
  std::uint64_t bytes;
  // Whether the body was compressed.
  bool compressed;
  // Empty where the client does not say.
  std::string_view referer;
  std::string_view user_agent;
};

// Sees every request that was answered, whose address may be that behind a trusted proxy. Called by
// the workers, when the answer is made: thread-safe and quick.
class MUSTER_EXPORT HttpLog {
 public:
  virtual ~HttpLog() = default;
  virtual void OnAnswered(const HttpLogEntry& entry) = 0;
};

struct HttpOptions {
  // Connections of one worker at most; more are closed as soon as they come.
  std::size_t max_connections = 8192;
  // Request line and headers together, in bytes; a longer one is answered 414 or 431 and closed. 256
  // to 65536.
  std::size_t max_request_bytes = 8192;
  // From the first byte awaited to the end of the headers.
  std::chrono::milliseconds request_timeout{10'000};
  // A kept-alive connection without a request.
  std::chrono::milliseconds idle_timeout{30'000};
  // An answer that the client does not take.
  std::chrono::milliseconds write_timeout{30'000};
  // Requests on one connection; 1 closes after each answer.
  std::size_t max_requests_per_connection = 1000;
  ScrapeMode scrape = ScrapeMode::kFull;
  // Torrents in one scrape that names them.
  std::size_t max_scrape_torrents = 100;

  // Who may scrape all torrents, and dump them through the statistics.
  AddressFilter full_scrape_for = IsLoopback;
  // One address (of IPv6, one /64) may do it once in this time. 0: as often as it likes.
  Seconds full_scrape_interval{0};
  FullScrapeCompression full_scrape_compression = FullScrapeCompression::kAccepted;
  // Told of each full scrape that begins, and who asked for it. Called by the workers: thread-safe
  // and quick. May be empty.
  std::function<void(const IpAddress& from)> on_full_scrape = nullptr;
  // Answers that are made while they are sent (full scrapes, lists of torrents, the page): so many
  // at a time, of all workers together, and half of them (rounded up) for one address (of IPv6, one
  // /64); further ones are told to come later (503).
  std::size_t max_streams = 4;
  // How long such an answer may take. Each piece of it has the time of write_timeout.
  std::chrono::milliseconds stream_timeout{15 * 60'000};

  // Take what opentracker takes: every other path that begins with 'a' for that of announces and every
  // one that begins with "sc" for that of scrapes, blanks between path and query, any version of HTTP
  // or none, and announces without a peer_id where the tracker's store does not need them. The page
  // takes no query then, and a redirect leads from "/" alone. A scrape is of the first
  // max_scrape_torrents that it names, and tells only of those that have come up; all torrents are
  // scraped by "/scrape" alone, without even a '?'.
  bool loose_requests = false;

  // The statistics of opentracker, and as JSON (mode=json). Empty: there are none.
  std::string statistics_path = "/stats";
  // Metrics for Prometheus. Empty: there are none.
  std::string metrics_path = "/metrics";
  // Who may see either.
  AddressFilter statistics_for = IsLoopback;
  // Networks that announce too often (mode=woodpeckers). Not owned; null: that is not known.
  const Woodpeckers* woodpeckers = nullptr;
  // Memory for requests as they came (mode=fulllog), of the networks that those who may see the
  // statistics name by lognet=. When it is full, new ones are left out. 0: none are kept.
  std::size_t full_log_bytes = 0;

  // A page at "/" for people, which lists so many torrents at most.
  bool info_page = false;
  std::size_t info_page_torrents = 1000;
  // Where "/" leads instead; empty: nowhere.
  std::string info_page_redirect = {};
  // The bytes of /favicon.ico; empty: there is none.
  std::string favicon = {};
  // Reverse proxies whose word is taken on where a request comes from: the client is the last
  // address in `proxy_header` that is not one of them. From anybody else the header means nothing.
  std::vector<Cidr> trusted_proxies = {};
  // The one that the proxies write themselves. What they only pass on says whatever the client
  // likes.
  ProxyHeader proxy_header = ProxyHeader::kXForwardedFor;

  HttpAnswers answers = HttpAnswers::kMuster;
  // Clients that do not want compact answers are refused; in bttrack's form IPv4 clients that do not
  // ask for them.
  bool require_compact = false;

  // What is known of torrents. Those in it are in full scrapes and on the page with and without a
  // swarm. Not owned; may be null.
  const TorrentCatalog* catalog = nullptr;
  // Their names are told as well: in scrapes, and on the page with their sizes.
  bool show_names = true;
  // Their files are served at /file?info_hash=, with the hash as in announces or in hexadecimal
  // digits.
  bool serve_torrents = false;

  // Tell of torrents without peers, of which the count of finished downloads is kept: in full scrapes,
  // on the page, and in scrapes that name them. Those that the catalog or the policy knows are told of
  // in any case.
  bool show_dead = true;

  // Not owned; may be null.
  HttpLog* log = nullptr;
};

// Whose questions as a tracker (`tracker=1`) are answered, with peers for its own clients.
enum class TrackerQueries : std::uint8_t {
  kNone,
  kAutodetect,  // of torrents that are known to have other trackers; see SetTorrentTrackers()
  kAll,
};

// What is made of an announce beside what every tracker does.
struct AnnounceOptions {
  // Whose `ip` parameter is believed, of a tracker that keeps details; empty: nobody's. It may name
  // any address, which NAT checks then connect to.
  AddressFilter given_ip_from;
  // Whose peers are taken for reachable without a NAT check; empty: nobody's.
  AddressFilter reachable = IsLocalNetwork;
  TrackerQueries tracker_queries = TrackerQueries::kNone;
  // When a tracker is told to ask again.
  Seconds tracker_interval{120};
  // Announces come from other trackers, which want nothing but them to be counted: they are answered
  // with `response`, OK.
  bool aggregator = false;
  // What those must know; empty: nothing.
  std::string aggregator_password;
  // The secret (`seed_id`) by which the operator's own seed marks a torrent as seeded, for those who
  // ask (`check_seeded`); empty: there is none.
  std::string dedicated_seed_id;
};

// What the server sends by itself: on its loop, or beside the workers of ServerThreads on a thread of
// its own. No announce waits for any of it.
struct OutboundOptions {
  // Connect to peers to find out whether they can be reached, where the tracker's store wants to know
  // (NewDetailedStore with nat_tries). Nothing: do not, and none of those is handed out.
  std::optional<NatCheckOptions> nat_check;
  // Told of the outcome of each; `known`: false when the peer has gone or moved meanwhile. On that
  // loop's thread; may be empty.
  std::function<void(const NatChecked& checked, bool known)> on_nat_check;
  // Fetch peers from the other trackers of torrents; for a tracker with max_foreign_peers. Which
  // those are says SetTorrentTrackers().
  std::optional<MultitrackerOptions> multitracker;
  // Copy announces to another tracker, which counts for several.
  std::optional<AggregateForwardOptions> aggregate_forward;
};

struct ServerOptions {
  std::vector<Listener> listeners;
  UdpOptions udp;
  HttpOptions http;
  AnnounceOptions announce;
  OutboundOptions outbound;
  // Time that Close() gives to requests that are under way.
  std::chrono::milliseconds drain_timeout{2'000};
  // Whose figures the statistics show. Not owned; may be null.
  const LiveSync* live_sync = nullptr;
  // Not owned; may be null.
  LogSink* log = nullptr;
};

class MUSTER_EXPORT Server {
 public:
  // Binds every listener or none: the status names the one that failed and why. `loop` must outlive
  // the server and its closing. Every `peer_timeout` of the tracker is swept in small steps by a
  // timer on this loop.
  static absl::StatusOr<std::unique_ptr<Server>> Listen(uv_loop_s* loop, Tracker* tracker,
                                                        const ServerOptions& options);

  // Where Close() was not called, closes without waiting for requests that are under way, and does
  // not touch the tracker after this returns.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // What it listens on, with the ports in force, in the order of the options.
  const std::vector<Listener>& listeners() const;

  // What it has done so far. Thread-safe.
  ServerStatistics Statistics() const;

  // The torrents that have other trackers, in place of those before. Thread-safe; may be called at
  // any time, also with hundreds of thousands.
  void SetTorrentTrackers(std::vector<MultitrackerTorrent> torrents);

  // Stops accepting, answers what has already come, closes everything, then calls `done` on the
  // loop's thread. Calling it again adds another `done`. Nothing of the server is left on the loop
  // afterwards. Not to be called by the tracker's policy or observers.
  void Close(absl::AnyInvocable<void()> done);

 private:
  friend class ServerThreads;
  class Impl;
  explicit Server(Impl* impl) : impl_(impl) {}
  Impl* impl_;  // frees itself when its last handle is closed
};

class MUSTER_EXPORT ServerThreads {
 public:
  // Starts `workers` threads (at least 1), each with a loop and sockets of its own on the same
  // addresses (SO_REUSEPORT), and returns when all of them listen. An address that another program
  // listens on is an error.
  static absl::StatusOr<std::unique_ptr<ServerThreads>> Start(Tracker* tracker,
                                                              const ServerOptions& options,
                                                              std::size_t workers);
  // The same, with a step between: `before_serving` is called on this thread when every socket is
  // bound and nothing is read from one yet. That is the moment to give up privileges, and to tell the
  // server what it has to know for its first answer. What it fails with is returned, and nothing is
  // served.
  static absl::StatusOr<std::unique_ptr<ServerThreads>> Start(
      Tracker* tracker, const ServerOptions& options, std::size_t workers,
      absl::FunctionRef<absl::Status(ServerThreads& server)> before_serving);
  // As Stop().
  ~ServerThreads();
  ServerThreads(const ServerThreads&) = delete;
  ServerThreads& operator=(const ServerThreads&) = delete;

  const std::vector<Listener>& listeners() const;
  std::size_t workers() const;
  // What all workers have done so far, also after Stop(). Thread-safe.
  ServerStatistics Statistics() const;
  // As Server::SetTorrentTrackers(). Thread-safe.
  void SetTorrentTrackers(std::vector<MultitrackerTorrent> torrents);

  // Closes every server, waits for the threads, and returns. A second call does nothing.
  void Stop();

 private:
  class Impl;
  explicit ServerThreads(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster

#endif  // MUSTER_SERVER_H_
