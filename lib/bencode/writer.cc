// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "muster/bencode.h"

namespace muster {
namespace {

// 'i' or nothing, up to 20 characters, and 'e' or ':'.
constexpr std::size_t kLongestNumber = 22;
// Longer texts go into the string at once.
constexpr std::size_t kLongestHeld = 64;

// The first 8 bytes of a key as a number, with zeros behind a shorter one: in the order of the keys
// as far as they go.
std::uint64_t BeginOf(std::string_view key) {
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(key.data());
  if (key.size() >= 8) return LoadBig64(bytes);
  if (key.size() >= 4) {  // the last four bytes, shifted to where they belong, over the first four
    const std::uint64_t last = LoadBig32(bytes + key.size() - 4);
    return std::uint64_t{LoadBig32(bytes)} << 32 | last << 8 * (8 - key.size());
  }
  std::uint64_t begin = 0;
  for (std::size_t i = 0; i < key.size(); ++i) begin |= std::uint64_t{bytes[i]} << (56 - 8 * i);
  return begin;
}

// As memcpy(), but without a call for what keys are.
void CopyShort(std::string_view text, char* to) {
  const std::size_t n = text.size();
  const char* const from = text.data();
  if (n > 16) {
    std::memcpy(to, from, n);
  } else if (n >= 8) {  // its first and its last bytes, which may be the same
    std::memcpy(to, from, 8);
    std::memcpy(to + n - 8, from + n - 8, 8);
  } else if (n >= 4) {
    std::memcpy(to, from, 4);
    std::memcpy(to + n - 4, from + n - 4, 4);
  } else {
    for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
  }
}

}  // namespace

BencodeWriter& BencodeWriter::Begin(char type) {
  if (!TakesValue()) return *this;
  if (depth_ == kMaxDepth) return Mistake("nested too deep");
  Append(type);
  levels_[depth_++] = {0, kNoKey, 0, type == 'd'};
  ExpectNext();
  return *this;
}

BencodeWriter& BencodeWriter::End() {
  if (mistake_ != nullptr) return *this;
  if (depth_ == 0) return Mistake("End() with nothing open");
  if (levels_[depth_ - 1].is_dict && expects_ == Expects::kValue) {
    return Mistake("End() after a key without a value");
  }
  Append('e');
  --depth_;
  ExpectNext();
  return *this;
}

BencodeWriter& BencodeWriter::Key(std::string_view key) {
  if (mistake_ != nullptr) return *this;
  if (expects_ != Expects::kKey) return Mistake("Key() where no key belongs");
  Level& level = levels_[depth_ - 1];
  const std::uint64_t begin = BeginOf(key);
  if (!IsInOrder(level, begin, key)) return Mistake("keys out of order, or one of them twice");
  AppendString(key);
  level = {begin, out_->size() + held_ - key.size(), key.size(), true};
  expects_ = Expects::kValue;
  return *this;
}

BencodeWriter& BencodeWriter::Int(std::int64_t number) {
  if (!TakesValue()) return *this;
  if (held_ + kLongestNumber > kHeld) Flush();
  char* end = hold_.data() + held_;
  *end++ = 'i';
  end = std::to_chars(end, hold_.data() + kHeld, number).ptr;
  *end++ = 'e';
  held_ = static_cast<std::size_t>(end - hold_.data());
  ExpectNext();
  return *this;
}

BencodeWriter& BencodeWriter::String(std::string_view text) {
  if (!TakesValue()) return *this;
  AppendString(text);
  ExpectNext();
  return *this;
}

BencodeWriter& BencodeWriter::Splice(const BencodeView& value) {
  if (!TakesValue()) return *this;
  if (!value.is_canonical())
    return Mistake("Splice() of nothing, or of a value that is not canonical");
  Flush();
  out_->append(value.source());
  ExpectNext();
  return *this;
}

absl::Status BencodeWriter::Finish() {
  if (expects_ != Expects::kNothing) Mistake("Finish() before the document is complete");
  if (mistake_ != nullptr) {
    if (out_ != nullptr) out_->resize(start_);
    out_ = nullptr;
    return absl::FailedPreconditionError(absl::StrCat("bencode writer: ", mistake_));
  }
  Flush();
  out_ = nullptr;
  mistake_ = "a call after Finish()";
  return absl::OkStatus();
}

bool BencodeWriter::TakesValue() {
  if (mistake_ != nullptr) return false;
  if (expects_ == Expects::kValue) return true;
  Mistake(expects_ == Expects::kKey ? "a value without a key" : "more than one value");
  return false;
}

BencodeWriter& BencodeWriter::Mistake(const char* what) {
  if (mistake_ == nullptr) mistake_ = what;
  return *this;
}

// Whether `key` may follow the level's last one.
bool BencodeWriter::IsInOrder(const Level& level, std::uint64_t key_begin, std::string_view key) {
  if (level.key_at == kNoKey || level.key_begin < key_begin) return true;
  if (level.key_begin > key_begin) return false;
  Flush();
  return std::string_view(*out_).substr(level.key_at, level.key_size) < key;
}

void BencodeWriter::AppendString(std::string_view text) {
  if (held_ + kLongestNumber + kLongestHeld > kHeld) Flush();
  char* end = hold_.data() + held_;
  if (text.size() < 10) {  // as most keys are
    *end++ = static_cast<char>('0' + text.size());
  } else {
    end = std::to_chars(end, hold_.data() + kHeld, text.size()).ptr;
  }
  *end++ = ':';
  held_ = static_cast<std::size_t>(end - hold_.data());
  if (text.size() > kLongestHeld) {
    Flush();
    out_->append(text);
    return;
  }
  CopyShort(text, end);
  held_ += text.size();
}

void BencodeWriter::Flush() {
  out_->append(hold_.data(), held_);
  held_ = 0;
}

}  // namespace muster
