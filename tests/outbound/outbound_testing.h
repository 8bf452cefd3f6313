// SPDX-License-Identifier: Apache-2.0
//
// What tests of outbound traffic share: a torrent, a peer, an answer by HTTP, and a log.
#ifndef MUSTER_TESTS_OUTBOUND_OUTBOUND_TESTING_H_
#define MUSTER_TESTS_OUTBOUND_OUTBOUND_TESTING_H_

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "muster/ids.h"
#include "muster/log_sink.h"

namespace muster {

inline const InfoHash kHash = *InfoHash::FromText("aaaaaaaaaaaaaaaaaaaa");
inline const PeerId kPeer = *PeerId::FromText("-XX0001-123456789012");

inline std::string HttpReplyText(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

class LogLines final : public LogSink {
 public:
  void Log(LogLevel, std::string_view text) override { lines.emplace_back(text); }
  bool Has(std::string_view what) const {
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find(what) != std::string::npos;
    });
  }
  std::vector<std::string> lines;  // on the loop's thread
};

}  // namespace muster

#endif  // MUSTER_TESTS_OUTBOUND_OUTBOUND_TESTING_H_
