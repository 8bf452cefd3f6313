// SPDX-License-Identifier: Apache-2.0
#include "service/logged_body.h"

#include <utility>

namespace muster {

std::string_view MethodName(HttpMethod method) {
  switch (method) {
    case HttpMethod::kGet:
      return "GET";
    case HttpMethod::kHead:
      return "HEAD";
    case HttpMethod::kPost:
      return "POST";
    case HttpMethod::kOther:
      break;
  }
  return "-";
}

LoggedBody::LoggedBody(std::unique_ptr<HttpBody> body, const HttpExchange& exchange, int status,
                       bool compressed, HttpLog* log)
    : body_(std::move(body)),
      from_(*exchange.from),
      method_(exchange.request->method),
      target_(exchange.request->target),
      minor_version_(exchange.request->minor_version),
      status_(status),
      compressed_(compressed),
      referer_(exchange.request->Header("Referer")),
      user_agent_(exchange.request->Header("User-Agent")),
      log_(log) {}

LoggedBody::~LoggedBody() {
  log_->OnAnswered({from_, MethodName(method_), target_, minor_version_, status_, bytes_,
                    compressed_, referer_, user_agent_});
}

HttpBody::Progress LoggedBody::Produce(std::size_t budget, std::string& out) {
  const std::size_t begin = out.size();
  const Progress progress = body_->Produce(budget, out);
  bytes_ += out.size() - begin;
  return progress;
}

}  // namespace muster
