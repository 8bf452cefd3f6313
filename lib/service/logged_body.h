// SPDX-License-Identifier: Apache-2.0
//
// LoggedBody: tells the log of a request when the last of its body is made, or when nobody wants the
// rest. Thread-compatible; the log must outlive it.
#ifndef MUSTER_LIB_SERVICE_LOGGED_BODY_H_
#define MUSTER_LIB_SERVICE_LOGGED_BODY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/body.h"
#include "http/exchange.h"
#include "muster/endpoint.h"
#include "muster/server.h"

namespace muster {

// "GET"; "POST"; "-" for what is neither these nor HEAD.
std::string_view MethodName(HttpMethod method);

class LoggedBody final : public HttpBody {
 public:
  LoggedBody(std::unique_ptr<HttpBody> body, const HttpExchange& exchange, int status,
             bool compressed, HttpLog* log);
  ~LoggedBody() override;
  LoggedBody(const LoggedBody&) = delete;
  LoggedBody& operator=(const LoggedBody&) = delete;

  Progress Produce(std::size_t budget, std::string& out) override;

 private:
  const std::unique_ptr<HttpBody> body_;
  // What the log is told, copied from the request, which does not last as long.
  const IpAddress from_;
  const HttpMethod method_;
  const std::string target_;
  const int minor_version_;
  const int status_;
  const bool compressed_;
  const std::string referer_;
  const std::string user_agent_;
  HttpLog* const log_;
  std::uint64_t bytes_ = 0;
};

}  // namespace muster

#endif  // MUSTER_LIB_SERVICE_LOGGED_BODY_H_
