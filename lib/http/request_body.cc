// SPDX-License-Identifier: Apache-2.0
#include "http/request_body.h"

#include <algorithm>

namespace muster {
namespace {

// The value of a hex digit; -1 for anything else.
int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// What can be a blank or a visible byte of a line.
bool IsText(char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f); }

}  // namespace

HttpBodyReader::HttpBodyReader(const HttpBodyFraming& framing, std::size_t max_body_bytes)
    : max_body_bytes_(max_body_bytes), left_(framing.length) {
  switch (framing.kind) {
    case HttpBodyFraming::Kind::kNone:
      state_ = State::kDone;
      break;
    case HttpBodyFraming::Kind::kLength:
      state_ = left_ > 0 ? State::kLength : State::kDone;
      break;
    case HttpBodyFraming::Kind::kChunked:
      state_ = State::kSize;
      break;
  }
}

HttpBodyReader::Result HttpBodyReader::Read(std::string_view& received) {
  while (!received.empty() && state_ != State::kDone && state_ != State::kBad) {
    if (state_ == State::kLength || state_ == State::kData) {
      Take(received);
    } else {
      Byte(received.front());
      received.remove_prefix(1);
    }
  }
  if (state_ == State::kDone) return Result::kDone;
  return state_ == State::kBad ? Result::kBad : Result::kNeedMore;
}

void HttpBodyReader::Take(std::string_view& received) {
  const std::string_view part = received.substr(0, std::min(left_, received.size()));
  body_ += part;
  left_ -= part.size();
  received.remove_prefix(part.size());
  if (left_ == 0) state_ = state_ == State::kLength ? State::kDone : State::kDataReturn;
}

void HttpBodyReader::Byte(char c) {
  // The byte that has to come, and what comes after it.
  const auto expect = [this, c](char wanted, State next) {
    if (c != wanted) return Fail(400);
    state_ = next;
  };
  switch (state_) {
    case State::kSize:
      return SizeByte(c);
    case State::kExtension:
    case State::kTrailerLine:
      if (c == '\r') {
        state_ = state_ == State::kExtension ? State::kSizeEnd : State::kTrailerEnd;
      } else if (!IsText(c)) {
        Fail(400);
      } else if (IsExtraTooLong()) {
        Fail(413);
      }
      return;
    case State::kSizeEnd:
      expect('\n', State::kData);
      if (state_ == State::kData) BeginData();
      return;
    case State::kDataReturn:
      return expect('\r', State::kDataEnd);
    case State::kDataEnd:
      return expect('\n', State::kSize);
    case State::kTrailer:
      if (c == '\r') {
        state_ = State::kLastEnd;
      } else if (!IsText(c)) {
        Fail(400);
      } else if (IsExtraTooLong()) {
        Fail(413);
      } else {
        state_ = State::kTrailerLine;
      }
      return;
    case State::kTrailerEnd:
      return expect('\n', State::kTrailer);
    case State::kLastEnd:
      return expect('\n', State::kDone);
    case State::kLength:
    case State::kData:
    case State::kDone:
    case State::kBad:
      return;
  }
}

void HttpBodyReader::SizeByte(char c) {
  constexpr std::size_t kMaxDigits = 16;
  if (const int digit = HexDigit(c); digit >= 0) {
    // Zeros in front are good, but not for ever.
    if (++digits_ > kMaxDigits) return Fail(400);
    left_ = left_ * 16 + static_cast<std::size_t>(digit);
    if (left_ > max_body_bytes_) Fail(413);
    return;
  }
  const bool ends = c == '\r';
  const bool goes_on = c == ';' || c == ' ' || c == '\t';
  if (digits_ == 0 || (!ends && !goes_on)) return Fail(400);
  state_ = ends ? State::kSizeEnd : State::kExtension;
}

// The line with the size of a chunk is over.
void HttpBodyReader::BeginData() {
  digits_ = 0;
  if (left_ == 0) {
    state_ = State::kTrailer;
  } else if (left_ > max_body_bytes_ - body_.size()) {
    Fail(413);
  }
}

bool HttpBodyReader::IsExtraTooLong() { return ++extra_ > kMaxExtra; }

void HttpBodyReader::Fail(int status) {
  state_ = State::kBad;
  error_status_ = status;
}

}  // namespace muster
