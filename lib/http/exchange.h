// SPDX-License-Identifier: Apache-2.0
//
// HttpExchange: a request and what its answer needs to know, between the connection that received
// it and the service that answers.
#ifndef MUSTER_LIB_HTTP_EXCHANGE_H_
#define MUSTER_LIB_HTTP_EXCHANGE_H_

#include <cstddef>
#include <memory>

#include "http/body.h"
#include "http/deferral.h"
#include "http/request.h"
#include "muster/endpoint.h"

namespace muster {

// Whom a request is for.
enum class OnBehalfOf : std::uint8_t {
  kSender,       // whoever it comes from, or whom the headers of a trusted proxy name
  kProxyItself,  // a proxy of the PROXY protocol, which has said so: headers mean nothing
  kNobodyKnown,  // such a proxy does not know for whom; it has not lent him its own rights
};

// Borrows what it points to until the answer is written.
struct HttpExchange {
  const HttpRequest* request;
  const IpAddress* from;
  // Whether the connection stays open after the response, which has to say so. Who answers may
  // clear it.
  bool keep_alive;
  OnBehalfOf on_behalf_of = OnBehalfOf::kSender;
  // Set by who answers: where in the output the response ends. It begins where the one before ends.
  std::size_t end = 0;
  // Set by who answers where the output holds no more than the response's head: what is sent after
  // it.
  std::unique_ptr<HttpBody> body = nullptr;
  // Set by who will answer later, and has written nothing: the connection waits for it. What is
  // borrowed is gone by then.
  std::shared_ptr<HttpDeferral> deferral = nullptr;
};

}  // namespace muster

#endif  // MUSTER_LIB_HTTP_EXCHANGE_H_
