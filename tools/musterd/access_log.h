// SPDX-License-Identifier: Apache-2.0
//
// AccessLog: a line for each HTTP request that was answered, in the common format of web servers
// with referer and user agent, and one for each NAT check, as bttrack writes them:
//
//   192.0.2.7 - - [21/Nov/2026:16:12:00] "GET /scrape HTTP/1.1" 200 123 "-" "Client/1.0"
//   192.0.2.7 - -XX0001-%01%02 [21/Nov/2026:16:12:05] "!natcheck-192.0.2.7:6881" 200 0 - -
//
// A check's third field is the peer id; its status is 200 when the peer is reachable, 503 when it is
// not, 404 when it has gone or moved meanwhile.
// The second field is "gzip" where the body was compressed; the time is local. What a client sends
// is escaped where it could be taken for another field or another line (\" \\ \xHH), and the values of
// password and seed_id in a query are left out.
//
// Lines are gathered and written together by a thread of its own, see line_writer.h: neither a slow
// reader of a pipe nor a full disk ever holds up the tracker. 4 MiB of lines may wait; what has no
// room is lost, which the log says in the place of the lines, and the daemon's own log as well. How
// the file is opened, for a daemon that gives up root, is in log_file.h.
// Thread-safe.
#ifndef MUSTER_TOOLS_MUSTERD_ACCESS_LOG_H_
#define MUSTER_TOOLS_MUSTERD_ACCESS_LOG_H_

#include <chrono>
#include <ctime>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "muster/log_sink.h"
#include "muster/server.h"
#include "muster/swarm_store.h"
#include "musterd/line_writer.h"
#include "musterd/privileges.h"

namespace musterd {

// The line of a request at `time`, with its newline.
std::string AccessLogLine(const muster::HttpLogEntry& entry, std::time_t time);

// The line of a NAT check that ended at `time`, with its newline; `known`: the peer is still there.
std::string NatCheckLine(const muster::NatChecked& checked, bool known, std::time_t time);

class AccessLog final : public muster::HttpLog {
 public:
  // Appends to the file at `path`, as whoever starts the daemon, which is going to be `identity`; "-"
  // is standard output. A line waits for `flush_interval` at most before it is written. The status
  // says why the file cannot be written. `trouble`, which may be null and outlives the log, hears of
  // what fails later. The thread starts here: see RenounceNewPrivileges().
  static absl::StatusOr<std::unique_ptr<AccessLog>> Open(const std::string& path,
                                                         const Identity& identity,
                                                         std::chrono::milliseconds flush_interval,
                                                         muster::LogSink* trouble);

  // Both only leave a line to be written.
  void OnAnswered(const muster::HttpLogEntry& entry) override;
  // See OutboundOptions::on_nat_check.
  void OnNatCheck(const muster::NatChecked& checked, bool known);
  // Says that the tracker ends. What waits is written when the log is destroyed, which takes 5 s at
  // most.
  void SayEnd();
  // Opens the file again, under the same name as it is found by whom the daemon has become, and
  // goes on there when the lines so far are written to the old one. Where that fails the old one
  // stays. Nothing for standard output.
  absl::Status Reopen();

 private:
  AccessLog(std::string reopen_path, std::unique_ptr<LineWriter> writer);

  // Empty for what is not opened again.
  const std::string reopen_path_;
  const std::unique_ptr<LineWriter> writer_;
};

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_ACCESS_LOG_H_
