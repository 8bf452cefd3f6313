// SPDX-License-Identifier: Apache-2.0
//
// The decoder: one pass, no stack. While a list or dictionary is open, its token's extent tells how
// far back the token of the one around it stands; closing it puts the true extent there.
#include <algorithm>
#include <limits>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "muster/bencode.h"

namespace muster {
namespace {

using bencode_internal::Token;

constexpr char kPositionPayload[] = "muster.bencode-position";
// What a token can say.
constexpr std::size_t kMaxSize = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kMaxTokens = (std::size_t{1} << 28) - 1;
// The digits of the greatest number; so many fit 64 bits without a sign, whatever they are.
constexpr std::size_t kMaxDigits = 19;
constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

class Decoder {
 public:
  Decoder(std::string_view bytes, BencodeMode mode, const BencodeLimits& limits,
          std::vector<Token>& tokens)
      : bytes_(bytes),
        strict_(mode == BencodeMode::kStrict),
        max_size_(std::min(limits.max_size, kMaxSize)),
        max_tokens_(std::min(limits.max_tokens, kMaxTokens)),
        max_depth_(limits.max_depth),
        tokens_(tokens),
        room_(std::min(tokens.capacity(), max_tokens_)) {}

  bool Run() {
    if (bytes_.size() > max_size_) {
      return Fail(absl::StrCat("more than ", max_size_, " bytes"), max_size_);
    }
    do {
      if (!Step()) return false;
    } while (open_ != kNone);
    if (strict_ && at_ != bytes_.size()) return Fail("more after the end of the value", at_);
    return Push(BencodeType::kNone, at_, 0);
  }

  absl::Status error() const { return BencodeError(error_, error_at_); }

 private:
  // Reads a key, a number, a string, or the beginning or end of a list or dictionary.
  bool Step() {
    if (at_ == bytes_.size()) return FailHere("a value");
    const char c = bytes_[at_];
    if (c == 'e' && open_ != kNone) return Close();
    if (expects_key_) return Key();
    expects_key_ = in_dict_;
    if (IsDigit(c)) {
      std::string_view text;
      return String(text);
    }
    if (c == 'i') return Int();
    if (c == 'l') return Open(BencodeType::kList);
    if (c == 'd') return Open(BencodeType::kDict);
    return FailHere("a value");
  }

  bool Open(BencodeType type) {
    if (depth_ == max_depth_) return Fail(absl::StrCat("nested deeper than ", max_depth_), at_);
    ++depth_;
    const std::size_t self = tokens_.size();
    if (!Push(type, at_, open_ == kNone ? 0 : self - open_)) return false;
    ++at_;
    open_ = self;
    in_dict_ = expects_key_ = type == BencodeType::kDict;
    last_key_ = {};
    return true;
  }

  bool Close() {
    if (in_dict_ && !expects_key_) return Fail("a key without a value", at_);
    if (!Push(BencodeType::kNone, at_, 0)) return false;
    ++at_;
    --depth_;
    const std::size_t self = open_;
    const std::size_t back = tokens_[self].extent;
    tokens_[self].extent = static_cast<std::uint32_t>(tokens_.size() - self);
    if (back == 0) {
      open_ = kNone;
      return true;
    }
    open_ = self - back;
    if (!tokens_[self].canonical) tokens_[open_].canonical = false;
    in_dict_ = expects_key_ = tokens_[open_].type == BencodeType::kDict;
    if (in_dict_) {
      // The token before a value is its key.
      const Token& key = tokens_[self - 1];
      const std::size_t begin = key.offset + key.extent;
      last_key_ = bytes_.substr(begin, tokens_[self].offset - begin);
    }
    return true;
  }

  bool Key() {
    const std::size_t begin = at_;
    std::string_view key;
    if (!String(key)) return false;
    if (last_key_.data() != nullptr && key <= last_key_) {
      if (strict_) return Fail(key == last_key_ ? "a double key" : "a key out of order", begin);
      tokens_[open_].canonical = false;
    }
    last_key_ = key;
    expects_key_ = false;
    return true;
  }

  bool String(std::string_view& text) {
    const std::size_t begin = at_;
    std::uint64_t size;
    if (!Number(size, expects_key_ ? "a key" : "the length of a string")) return false;
    if (at_ == bytes_.size() || bytes_[at_] != ':') return FailHere("':'");
    ++at_;
    if (size > bytes_.size() - at_)
      return Fail("a string that goes on after the end of input", begin);
    if (!Push(BencodeType::kString, begin, at_ - begin)) return false;
    text = bytes_.substr(at_, size);
    at_ += size;
    return true;
  }

  bool Int() {
    const std::size_t begin = at_++;
    const bool negative = at_ < bytes_.size() && bytes_[at_] == '-';
    if (negative) ++at_;
    const std::size_t digits = at_;
    std::uint64_t number;
    if (!Number(number, "a digit")) return false;
    constexpr std::uint64_t kGreatest = std::numeric_limits<std::int64_t>::max();
    if (number > kGreatest + (negative ? 1 : 0)) return Fail("a number over 64 bits", digits);
    if (negative && number == 0 && !Deviates("-0", digits - 1)) return false;
    if (at_ == bytes_.size() || bytes_[at_] != 'e') return FailHere("the 'e' of a number");
    if (!Push(BencodeType::kInt, begin, 0)) return false;
    ++at_;
    return true;
  }

  // One or more digits.
  bool Number(std::uint64_t& number, const char* expected) {
    const std::size_t begin = at_;
    number = 0;
    for (; at_ < bytes_.size() && IsDigit(bytes_[at_]); ++at_) {
      if (at_ - begin == kMaxDigits) return Fail("a number of more than 19 digits", begin);
      number = number * 10 + static_cast<std::uint64_t>(bytes_[at_] - '0');
    }
    if (at_ == begin) return FailHere(expected);
    if (bytes_[begin] == '0' && at_ - begin > 1) return Deviates("a leading zero", begin);
    return true;
  }

  // Appends a token for what begins at `offset`.
  bool Push(BencodeType type, std::size_t offset, std::size_t extent) {
    if (tokens_.size() >= room_ && !Grow(offset)) return false;
    if (!canonical_ && open_ != kNone) tokens_[open_].canonical = false;
    Token token;
    token.offset = static_cast<std::uint32_t>(offset);
    token.type = type;
    token.canonical = canonical_;
    token.extent = static_cast<std::uint32_t>(extent);
    tokens_.push_back(token);
    canonical_ = true;
    return true;
  }

  // Doubles the memory, within the limit.
  bool Grow(std::size_t offset) {
    if (room_ == max_tokens_)
      return Fail(absl::StrCat("more than ", max_tokens_, " tokens"), offset);
    tokens_.reserve(std::min(std::max(2 * room_, std::size_t{64}), max_tokens_));
    room_ = std::min(tokens_.capacity(), max_tokens_);
    return true;
  }

  // What the lenient mode accepts, in the value that is being read.
  bool Deviates(const char* what, std::size_t at) {
    if (strict_) return Fail(what, at);
    canonical_ = false;
    return true;
  }

  bool Fail(std::string what, std::size_t at) {
    error_ = std::move(what);
    error_at_ = at;
    return false;
  }

  bool FailHere(const char* expected) {
    if (at_ == bytes_.size()) return Fail("the input ends too early", at_);
    return Fail(absl::StrCat("expected ", expected), at_);
  }

  const std::string_view bytes_;
  const bool strict_;
  const std::size_t max_size_;
  const std::size_t max_tokens_;
  const std::size_t max_depth_;

  std::vector<Token>& tokens_;
  std::size_t room_;  // tokens that may be had without asking Grow()
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  bool canonical_ = true;  // the value that is being read, so far

  // The innermost open list or dictionary, by its token, and where in it we are.
  std::size_t open_ = kNone;
  bool in_dict_ = false;
  bool expects_key_ = false;
  std::string_view last_key_;  // without data before the first key

  std::string error_;
  std::size_t error_at_ = 0;
};

}  // namespace

absl::Status BencodeError(std::string_view what, std::size_t position) {
  absl::Status status =
      absl::InvalidArgumentError(absl::StrCat("bencode: ", ToAbsl(what), " at byte ", position));
  status.SetPayload(kPositionPayload, absl::Cord(absl::StrCat(position)));
  return status;
}

std::optional<std::size_t> BencodeErrorPosition(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPositionPayload);
  std::uint64_t position = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &position)) return std::nullopt;
  return position;
}

absl::Status BencodeDocument::Decode(std::string_view bytes, BencodeMode mode,
                                     const BencodeLimits& limits) {
  bytes_ = bytes.data();
  tokens_.clear();
  Decoder decoder(bytes, mode, limits, tokens_);
  if (decoder.Run()) return absl::OkStatus();
  tokens_.clear();
  return decoder.error();
}

std::optional<std::int64_t> BencodeView::AsInt() const {
  if (type() != BencodeType::kInt) return std::nullopt;
  // The decoder has checked it: "i-12e", within 64 bits.
  const char* digit = bytes_ + token_->offset + 1;
  const bool negative = *digit == '-';
  if (negative) ++digit;
  std::uint64_t number = 0;
  for (; *digit != 'e'; ++digit) number = number * 10 + static_cast<std::uint64_t>(*digit - '0');
  return static_cast<std::int64_t>(negative ? 0 - number : number);
}

BencodeView BencodeView::Find(std::string_view key) const {
  for (const BencodeEntry& entry : entries()) {
    const int order = entry.key.compare(key);
    if (order == 0) return entry.value;
    if (order > 0 && is_canonical()) break;  // sorted: it will not come any more
  }
  return {};
}

}  // namespace muster
