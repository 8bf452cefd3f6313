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
// Lines are gathered and written together. A file that cannot be written, or a full disk, never
// holds up the tracker for longer than the write takes; the daemon's own log hears of it, again each
// minute while it lasts, and lines that are lost are counted and said so once it works again.
// Thread-safe.
#ifndef MUSTER_TOOLS_MUSTERD_ACCESS_LOG_H_
#define MUSTER_TOOLS_MUSTERD_ACCESS_LOG_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "muster/log_sink.h"
#include "muster/server.h"
#include "muster/swarm_store.h"

namespace musterd {

// The line of a request at `time`, with its newline.
std::string AccessLogLine(const muster::HttpLogEntry& entry, std::time_t time);

// The line of a NAT check that ended at `time`, with its newline; `known`: the peer is still there.
std::string NatCheckLine(const muster::NatChecked& checked, bool known, std::time_t time);

class AccessLog final : public muster::HttpLog {
 public:
  // Appends to the file at `path`, which is at `reopen_path` when it is to be opened again (once the
  // process is confined to a directory); "-" is standard output. A line waits for `flush_interval` at
  // most before it is written, as long as there are further requests or calls of Flush(). The
  // status says why the file cannot be written. `trouble`, which may be null and outlives the log,
  // hears of what fails later.
  static absl::StatusOr<std::unique_ptr<AccessLog>> Open(const std::string& path,
                                                         const std::string& reopen_path,
                                                         std::chrono::milliseconds flush_interval,
                                                         muster::LogSink* trouble);
  // Writes what waits.
  ~AccessLog() override;
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void OnAnswered(const muster::HttpLogEntry& entry) override;
  // See OutboundOptions::on_nat_check.
  void OnNatCheck(const muster::NatChecked& checked, bool known);
  void Flush();
  // Says that the tracker ends.
  void SayEnd();
  // Closes the file and opens it again, under the same name. Where that fails the old one stays.
  absl::Status Reopen();

 private:
  AccessLog(std::string path, int fd, std::chrono::milliseconds flush_interval,
            muster::LogSink* trouble);
  void AppendLine(std::string_view line);
  void AppendNote(std::string_view what);
  void Write();
  // That the file cannot be written, unless it was said less than a minute ago.
  void Complain(int error);

  const std::string path_;
  const std::chrono::milliseconds flush_interval_;
  muster::LogSink* const trouble_;
  // Guards what follows.
  std::mutex mu_;
  int fd_;
  std::string waiting_;
  std::chrono::steady_clock::time_point written_at_;
  std::uint64_t lost_lines_ = 0;
  std::optional<std::chrono::steady_clock::time_point> complained_at_;
};

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_ACCESS_LOG_H_
