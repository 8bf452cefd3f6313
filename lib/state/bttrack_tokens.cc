// SPDX-License-Identifier: Apache-2.0
#include "state/bttrack_tokens.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/text.h"

namespace muster {
namespace {

constexpr std::size_t kRead = std::size_t{64} << 10;
// The digits of the greatest number; so many fit 64 bits without a sign, whatever they are.
constexpr std::size_t kMaxDigits = 19;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool BencodeTokens::Next() {
  if (!status_.ok()) return false;
  position_ = base_ + at_;
  if (!Need(1)) return FailHere("a value");
  const char c = buffer_[at_];
  Level* const level = depth_ > 0 ? &levels_[depth_ - 1] : nullptr;
  if (c == 'e' && level != nullptr) return Close();
  if (level != nullptr && level->is_dict) {
    if (level->expects_key) return Key();
    level->expects_key = true;  // behind the value that comes now
  }
  if (IsDigit(c)) return String();
  if (c == 'i') return Int();
  if (c == 'l') return Open(Kind::kList);
  if (c == 'd') return Open(Kind::kDict);
  return FailHere("a value");
}

bool BencodeTokens::FinishValue() {
  if (kind_ != Kind::kList && kind_ != Kind::kDict) return true;
  const std::size_t outside = depth_ - 1;
  while (depth_ > outside) {
    if (!Next()) return false;
  }
  return true;
}

bool BencodeTokens::Open(Kind kind) {
  if (depth_ == kMaxDepth) return Fail(absl::StrCat("nested deeper than ", kMaxDepth));
  Level& level = levels_[depth_++];
  level.is_dict = level.expects_key = kind == Kind::kDict;
  level.has_key = false;
  return Took(kind, 1);
}

bool BencodeTokens::Close() {
  const Level& level = levels_[depth_ - 1];
  if (level.is_dict && !level.expects_key) return Fail("a key without a value");
  --depth_;
  return Took(Kind::kEnd, 1);
}

bool BencodeTokens::Key() {
  if (!String()) return false;
  Level& level = levels_[depth_ - 1];
  if (level.has_key && text_ <= level.key) {
    return Fail(text_ == level.key ? "a double key" : "a key out of order");
  }
  level.has_key = true;
  level.key.assign(text_);
  level.expects_key = false;
  kind_ = Kind::kKey;
  return true;
}

bool BencodeTokens::String() {
  std::uint64_t size;
  if (!Digits(size, "a key")) return false;
  // The buffer may have moved, but what lies so near before the reading position is still in it.
  const std::size_t digits = static_cast<std::size_t>(base_ + at_ - position_);
  if (!Need(1) || buffer_[at_] != ':') return FailHere("':'");
  if (size > kMaxString) return Fail(absl::StrCat("a string of more than ", kMaxString, " bytes"));
  const std::size_t whole = digits + 1 + static_cast<std::size_t>(size);
  at_ -= digits;
  if (!Need(whole)) {
    if (status_.ok()) return Fail("a string that goes on after the end");
    return false;
  }
  text_ = {buffer_.data() + at_ + digits + 1, static_cast<std::size_t>(size)};
  return Took(Kind::kString, whole);
}

bool BencodeTokens::Int() {
  ++at_;
  const bool negative = Need(1) && buffer_[at_] == '-';
  if (negative) ++at_;
  std::uint64_t number;
  if (!Digits(number, "a digit")) return false;
  constexpr std::uint64_t kGreatest = std::numeric_limits<std::int64_t>::max();
  if (number > kGreatest + (negative ? 1 : 0)) return Fail("a number over 64 bits");
  if (negative && number == 0) return Fail("-0");
  if (!Need(1) || buffer_[at_] != 'e') return FailHere("the 'e' of a number");
  number_ = static_cast<std::int64_t>(negative ? 0 - number : number);
  const std::size_t size = static_cast<std::size_t>(base_ + at_ - position_) + 1;
  at_ -= size - 1;
  return Took(Kind::kInt, size);
}

bool BencodeTokens::Digits(std::uint64_t& number, const char* expected) {
  number = 0;
  std::size_t digits = 0;
  char first = 0;
  for (; Need(1) && IsDigit(buffer_[at_]); ++at_) {
    if (digits == kMaxDigits) return Fail("a number of more than 19 digits");
    if (digits++ == 0) first = buffer_[at_];
    number = number * 10 + static_cast<std::uint64_t>(buffer_[at_] - '0');
  }
  if (digits == 0) return FailHere(expected);
  if (first == '0' && digits > 1) return Fail("a leading zero");
  return true;
}

bool BencodeTokens::Took(Kind kind, std::size_t size) {
  if (capture_ != nullptr) {
    if (capture_->size() + size > capture_max_) {
      status_ = absl::ResourceExhaustedError(
          absl::StrCat("byte ", position_, ": over the limit of ", capture_max_, " bytes"));
      return false;
    }
    capture_->append(buffer_, at_, size);
  }
  at_ += size;
  kind_ = kind;
  return true;
}

bool BencodeTokens::Fail(std::string_view what) {
  if (status_.ok()) {
    status_ = absl::DataLossError(absl::StrCat("byte ", position_, ": ", ToAbsl(what)));
  }
  return false;
}

bool BencodeTokens::FailHere(std::string_view expected) {
  position_ = base_ + at_;
  if (at_ == end_) return Fail("the data ends too early");
  return Fail(absl::StrCat("expected ", ToAbsl(expected)));
}

bool BencodeTokens::Fill(std::size_t n) {
  while (end_ - at_ < n && !source_ended_) {
    if (buffer_.size() - end_ < kRead) {
      // What is older than kKeep goes; a buffer that is too small for the rest grows.
      const std::size_t go = at_ > kKeep ? at_ - kKeep : 0;
      std::memmove(buffer_.data(), buffer_.data() + go, end_ - go);
      base_ += go;
      at_ -= go;
      end_ -= go;
      if (buffer_.size() - end_ < kRead) buffer_.resize(std::max(end_ + kRead, 2 * buffer_.size()));
    }
    const absl::StatusOr<std::size_t> got =
        source_->Read(absl::MakeSpan(buffer_.data() + end_, buffer_.size() - end_));
    if (!got.ok()) {
      status_ = got.status();
      source_ended_ = true;
      return false;
    }
    source_ended_ = *got == 0;
    end_ += *got;
  }
  return end_ - at_ >= n;
}

bool BencodeTokens::Rewind(std::uint64_t position) {
  at_ = position <= base_ ? 0 : std::min(end_, static_cast<std::size_t>(position - base_));
  return base_ + at_ == position;
}

void BencodeTokens::Resume(std::size_t depth) {
  status_ = absl::OkStatus();
  capture_ = nullptr;
  depth_ = depth;
  for (std::size_t i = 0; i < depth; ++i) {
    levels_[i].is_dict = levels_[i].expects_key = true;
    levels_[i].has_key = false;
  }
}

}  // namespace muster
