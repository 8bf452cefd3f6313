// SPDX-License-Identifier: Apache-2.0
#include "net/http_batch.h"

#include <utility>

#include "base/cache_line.h"
#include "net/http_connection.h"

namespace muster {
namespace {

// Connections answered together: enough for the caches, few enough that the first need not wait.
constexpr std::size_t kMost = 64;

// Behind this many bytes there is room for one more to receive as much as it may.
constexpr std::size_t kFull = 64 * 1024;

// A batch's answers are seldom longer; the memory of those that were is given back.
constexpr std::size_t kMaxSpareOutput = 256 * 1024;

}  // namespace

HttpBatch::HttpBatch(std::size_t room) : room_(room), input_(new char[kFull + kCacheLine + room]) {}

bool HttpBatch::Add(HttpConnection* connection, std::size_t size) {
  connection->place_in_batch = waiting_.size();
  waiting_.push_back({connection, {room(), size}, kNowhere});
  used_ += (size + kCacheLine - 1) / kCacheLine * kCacheLine;
  return used_ > kFull || waiting_.size() == kMost;
}

void HttpBatch::Remove(HttpConnection* connection) {
  if (connection->place_in_batch == kNowhere) return;
  waiting_[connection->place_in_batch].connection = nullptr;
  connection->place_in_batch = kNowhere;
}

std::size_t HttpBatch::Serve(HttpAnswer& answer) {
  exchanges_.clear();
  for (Waiting& waiting : waiting_) {
    if (waiting.connection == nullptr) continue;
    HttpExchange exchange;
    if (!waiting.connection->ParseFirst(waiting.received, exchange)) continue;
    waiting.exchange = exchanges_.size();
    exchanges_.push_back(std::move(exchange));
  }
  output_.clear();
  if (!exchanges_.empty()) answer(absl::MakeSpan(exchanges_), output_);
  for (const Waiting& waiting : waiting_) {
    if (waiting.connection == nullptr) continue;
    std::string_view text;
    HttpExchange* exchange = nullptr;
    if (waiting.exchange != kNowhere) {
      exchange = &exchanges_[waiting.exchange];
      const std::size_t begin = waiting.exchange == 0 ? 0 : exchanges_[waiting.exchange - 1].end;
      text = std::string_view(output_).substr(begin, exchange->end - begin);
    }
    waiting.connection->place_in_batch = kNowhere;
    waiting.connection->ServeAll(waiting.received, exchange, text);
  }
  const std::size_t requests = exchanges_.size();
  exchanges_.clear();  // a body of a connection that is gone goes, too
  waiting_.clear();
  used_ = 0;
  if (output_.capacity() > kMaxSpareOutput) output_ = std::string();
  return requests;
}

}  // namespace muster
