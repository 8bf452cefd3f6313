// SPDX-License-Identifier: Apache-2.0
#include "http/request.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/text.h"

namespace muster {
namespace {

constexpr std::size_t kMaxRequestBytes = std::size_t{1}
                                         << 30;  // offsets of fields are 32 bits wide

// As http-parser says that there was no Content-Length.
constexpr std::uint64_t kNoLength = std::numeric_limits<std::uint64_t>::max();

// Where the target that goes on at `i` ends: at the first blank or control character, or at the end
// of `text`.
std::size_t FindTargetEnd(std::string_view text, std::size_t i) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  // Eight bytes at once. A byte below 0x21 borrows into its high bit; what the borrow does to the
  // bytes above it does not matter, as only the lowest one found is used.
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    const std::uint64_t found = (word - kOnes * 0x21) & ~word & (kOnes * 0x80);
    if (found != 0) return i + static_cast<std::size_t>(__builtin_ctzll(found)) / 8;
  }
  while (i < text.size() && static_cast<unsigned char>(text[i]) > 0x20) ++i;
  return i;
}

std::string_view TrimBlanksAtEnd(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Blanks and HTTP/1.0 or its like, as the parser takes them.
bool IsVersion1(std::string_view text) {
  constexpr std::string_view kBegin = "HTTP/1.";
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text.size() == kBegin.size() + 1 && text.substr(0, kBegin.size()) == kBegin &&
         absl::ascii_isdigit(static_cast<unsigned char>(text.back()));
}

}  // namespace

std::string_view HttpRequest::Header(std::string_view name) const {
  for (const Field& field : fields) {
    if (field.name_size == name.size() &&
        absl::EqualsIgnoreCase(ToAbsl(bytes.substr(field.name, field.name_size)), ToAbsl(name))) {
      return TrimBlanksAtEnd(bytes.substr(field.value, field.value_size));
    }
  }
  return {};
}

HttpRequestParser::HttpRequestParser(const HttpLimits& limits) : limits_(limits) {
  limits_.max_request_bytes = std::min(limits_.max_request_bytes, kMaxRequestBytes);
  Reset();
}

void HttpRequestParser::Reset() {
  http_parser_init(&parser_, HTTP_REQUEST);
  phase_ = Phase::kMethod;
  in_value_ = true;
  malformed_ = false;
  too_many_fields_ = false;
  seen_ = 0;
  body_ = {};
  fields_.clear();
}

HttpRequestParser::Result HttpRequestParser::Parse(std::string_view received) {
  received_ = received.substr(0, limits_.max_request_bytes);
  parser_.data = this;  // here and not in Reset(), so that a parser may be moved
  if (phase_ == Phase::kMethod) ParseMethod();
  if (phase_ == Phase::kTarget) ParseTarget();
  if (phase_ == Phase::kFields) ParseFields();
  if (phase_ == Phase::kBody && received_.size() >= consumed_) phase_ = Phase::kDone;
  if (phase_ == Phase::kDone) {
    BuildRequest(received);
    return Result::kDone;
  }
  if (phase_ != Phase::kBad && received_.size() == limits_.max_request_bytes) {
    Fail(phase_ <= Phase::kTarget ? 414 : 431);
  }
  return phase_ == Phase::kBad ? Result::kBad : Result::kNeedMore;
}

void HttpRequestParser::ParseMethod() {
  const std::size_t blank = received_.find(' ', seen_);
  const std::size_t end = blank == std::string_view::npos ? received_.size() : blank + 1;
  if (!Feed(received_.substr(seen_, end - seen_))) return;
  seen_ = end;
  if (blank == std::string_view::npos) return;
  target_ = seen_;
  phase_ = Phase::kTarget;
}

// The target is not shown to http-parser, whose state machine for URLs takes more time than
// everything else that is done for an announce: it gets a "/" in its place. What it would check
// there is checked here.
void HttpRequestParser::ParseTarget() {
  while (true) {
    seen_ = FindTargetEnd(received_, seen_);
    if (seen_ == received_.size()) return;
    if (!limits_.loose_request_line || received_[seen_] != ' ') break;
    if (received_.substr(target_, seen_ - target_).find('?') != std::string_view::npos) break;
    const std::size_t next = received_.find_first_not_of(' ', seen_);
    if (next == std::string_view::npos) return;
    if (received_[next] != '?') break;
    seen_ = next;
  }
  target_end_ = seen_;
  std::string_view version;  // in place of what stands there
  if (limits_.loose_request_line) {
    const std::size_t line_end = received_.find_first_of("\r\n", seen_);
    if (line_end == std::string_view::npos) return;
    if (!IsVersion1(received_.substr(seen_, line_end - seen_))) {
      version = " HTTP/1.0";
      seen_ = line_end;
    }
  }
  const bool ends_well = received_[target_end_] == ' ' || !version.empty();
  if (!ends_well || !SplitTarget(received_.substr(target_, target_end_ - target_))) {
    return Fail(400);
  }
  if (Feed("/") && Feed(version)) phase_ = Phase::kFields;
}

// RFC 9112, 3.2: origin-form or absolute-form. False for anything else.
bool HttpRequestParser::SplitTarget(std::string_view target) {
  std::size_t path = 0;
  if (target.empty()) return false;
  if (target[0] != '/') {
    if (absl::StartsWithIgnoreCase(ToAbsl(target), "http://")) {
      path = 7;
    } else if (absl::StartsWithIgnoreCase(ToAbsl(target), "https://")) {
      path = 8;
    } else {
      return false;
    }
    path = std::min(target.find_first_of("/?", path), target.size());
  }
  path_ = target_ + path;
  const std::size_t mark = std::min(target.find('?', path), target.size());
  query_ = target_ + std::min(mark + 1, target.size());
  path_end_ = target_ + mark;
  while (path_end_ > path_ && received_[path_end_ - 1] == ' ') --path_end_;
  return true;
}

void HttpRequestParser::ParseFields() {
  const std::string_view rest = received_.substr(seen_);
  if (!Feed(rest)) return;
  if (HTTP_PARSER_ERRNO(&parser_) == HPE_PAUSED) FinishHead();
}

// The whole head is there. All that is refused for another reason than http-parser's is refused
// here, at its end, so that the pieces in which it came make no difference.
void HttpRequestParser::FinishHead() {
  if (malformed_) return Fail(400);
  if (too_many_fields_) return Fail(431);
  if (parser_.http_major != 1) return Fail(505);
  request_.bytes = received_;
  request_.fields = fields_;
  if (limits_.max_body_bytes > 0) return FinishHeadBeforeBody();
  if ((parser_.flags & F_CHUNKED) != 0 || CountFields("Transfer-Encoding") > 0) return Fail(501);
  const std::uint64_t body = parser_.content_length == kNoLength ? 0 : parser_.content_length;
  if (body > limits_.max_request_bytes - seen_) return Fail(413);
  consumed_ = seen_ + static_cast<std::size_t>(body);
  phase_ = Phase::kBody;
}

std::size_t HttpRequestParser::CountFields(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields_.begin(), fields_.end(), [&](const HttpRequest::Field& field) {
        return absl::EqualsIgnoreCase(ToAbsl(received_.substr(field.name, field.name_size)),
                                      ToAbsl(name));
      }));
}

// The body is read by somebody else.
void HttpRequestParser::FinishHeadBeforeBody() {
  using Kind = HttpBodyFraming::Kind;
  const std::string_view coding = request_.Header("Transfer-Encoding");
  const std::size_t codings = CountFields("Transfer-Encoding");
  const std::uint64_t length = parser_.content_length == kNoLength ? 0 : parser_.content_length;
  if (codings > 0) {
    // With both, or one twice, two readers may take the end of the request for two places.
    if (codings > 1 || !request_.Header("Content-Length").empty() || parser_.http_minor == 0) {
      return Fail(400);
    }
    if (!absl::EqualsIgnoreCase(ToAbsl(coding), "chunked")) return Fail(501);
    body_ = {Kind::kChunked, 0};
  } else if (length > limits_.max_body_bytes) {
    return Fail(413);
  } else if (length > 0) {
    body_ = {Kind::kLength, static_cast<std::size_t>(length)};
  }
  consumed_ = seen_;
  phase_ = Phase::kBody;
}

void HttpRequestParser::BuildRequest(std::string_view received) {
  switch (parser_.method) {
    case HTTP_GET:
      request_.method = HttpMethod::kGet;
      break;
    case HTTP_HEAD:
      request_.method = HttpMethod::kHead;
      break;
    case HTTP_POST:
      request_.method = HttpMethod::kPost;
      break;
    default:
      request_.method = HttpMethod::kOther;
  }
  request_.target = received.substr(target_, target_end_ - target_);
  request_.path = path_ == path_end_ ? "/" : received.substr(path_, path_end_ - path_);
  request_.query = received.substr(query_, target_end_ - query_);
  request_.url = received.substr(path_, target_end_ - path_);
  request_.minor_version = parser_.http_minor == 0 ? 0 : 1;
  request_.keep_alive = http_should_keep_alive(&parser_) != 0;
  request_.bytes = received.substr(0, consumed_);
  request_.fields = fields_;
  request_.body = {};
}

// Shows bytes to http-parser; false after Fail().
bool HttpRequestParser::Feed(std::string_view bytes) {
  if (bytes.empty()) return true;  // no bytes would mean the end of the connection
  const std::size_t eaten = http_parser_execute(&parser_, &Settings(), bytes.data(), bytes.size());
  if (phase_ == Phase::kFields) seen_ += eaten;
  const http_errno error = HTTP_PARSER_ERRNO(&parser_);
  if (error == HPE_OK || error == HPE_PAUSED) return true;
  Fail(error == HPE_HEADER_OVERFLOW ? 431 : 400);
  return false;
}

void HttpRequestParser::Fail(int status) {
  phase_ = Phase::kBad;
  error_status_ = status;
}

const http_parser_settings& HttpRequestParser::Settings() {
  static const http_parser_settings settings = [] {
    http_parser_settings s;
    http_parser_settings_init(&s);
    s.on_header_field = [](http_parser* p, const char* at, std::size_t size) {
      static_cast<HttpRequestParser*>(p->data)->OnName(at, size);
      return 0;
    };
    s.on_header_value = [](http_parser* p, const char* at, std::size_t size) {
      static_cast<HttpRequestParser*>(p->data)->OnValue(at, size);
      return 0;
    };
    // 1: there is no body to parse, so the message is complete. That is where it stops.
    s.on_headers_complete = [](http_parser*) { return 1; };
    s.on_message_complete = [](http_parser* p) {
      http_parser_pause(p, 1);
      return 0;
    };
    return s;
  }();
  return settings;
}

// Names and values come in pieces when the bytes do.
void HttpRequestParser::OnName(const char* at, std::size_t size) {
  if (std::memchr(at, ' ', size) != nullptr) malformed_ = true;  // http-parser lets them pass
  if (!in_value_) {
    fields_.back().name_size += static_cast<std::uint32_t>(size);
    return;
  }
  if (fields_.size() == limits_.max_headers) {
    too_many_fields_ = true;
    return;
  }
  in_value_ = false;
  fields_.push_back(
      {static_cast<std::uint32_t>(at - received_.data()), static_cast<std::uint32_t>(size), 0, 0});
}

void HttpRequestParser::OnValue(const char* at, std::size_t size) {
  if (too_many_fields_) return;
  HttpRequest::Field& field = fields_.back();
  const auto value = static_cast<std::uint32_t>(at - received_.data());
  if (!in_value_) {
    in_value_ = true;
    if (size == 0) return;  // an empty one, found to be that on the next line
    field.value = value;
    const std::string_view gap = received_.substr(field.name, value - field.name);
    if (gap.find('\n') != std::string_view::npos) malformed_ = true;  // folded before its value
  } else if (field.value + field.value_size != value) {
    malformed_ = true;  // folded
  }
  field.value_size += static_cast<std::uint32_t>(size);
}

}  // namespace muster
