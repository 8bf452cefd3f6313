// SPDX-License-Identifier: Apache-2.0
//
// CountedBody: adds the bytes of a body to a counter, as they are made. Thread-compatible; the counter
// must outlive it, and is of the thread that sends.
#ifndef MUSTER_LIB_SERVICE_COUNTED_BODY_H_
#define MUSTER_LIB_SERVICE_COUNTED_BODY_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "base/counter.h"
#include "http/body.h"

namespace muster {

class CountedBody final : public HttpBody {
 public:
  CountedBody(std::unique_ptr<HttpBody> body, Counter* bytes)
      : body_(std::move(body)), bytes_(*bytes) {}

  Progress Produce(std::size_t budget, std::string& out) override {
    const std::size_t begin = out.size();
    const Progress progress = body_->Produce(budget, out);
    bytes_.Add(out.size() - begin);
    return progress;
  }

 private:
  const std::unique_ptr<HttpBody> body_;
  Counter& bytes_;
};

}  // namespace muster

#endif  // MUSTER_LIB_SERVICE_COUNTED_BODY_H_
