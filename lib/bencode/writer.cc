// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "absl/strings/str_cat.h"
#include "muster/bencode.h"

namespace muster {
namespace {

// Most keys differ in their first byte: then nothing is called.
bool IsLess(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty() || a[0] == b[0]) return a < b;
  return static_cast<unsigned char>(a[0]) < static_cast<unsigned char>(b[0]);
}

}  // namespace

BencodeWriter& BencodeWriter::Begin(char type) {
  if (!TakesValue()) return *this;
  if (depth_ == kMaxDepth) return Mistake("nested too deep");
  out_->push_back(type);
  levels_[depth_++] = {kNoKey, 0, type == 'd'};
  ExpectNext();
  return *this;
}

BencodeWriter& BencodeWriter::End() {
  if (mistake_ != nullptr) return *this;
  if (depth_ == 0) return Mistake("End() with nothing open");
  if (levels_[depth_ - 1].is_dict && expects_ == Expects::kValue) {
    return Mistake("End() after a key without a value");
  }
  out_->push_back('e');
  --depth_;
  ExpectNext();
  return *this;
}

BencodeWriter& BencodeWriter::Key(std::string_view key) {
  if (mistake_ != nullptr) return *this;
  if (expects_ != Expects::kKey) return Mistake("Key() where no key belongs");
  Level& level = levels_[depth_ - 1];
  if (level.key_at != kNoKey &&
      !IsLess(std::string_view(*out_).substr(level.key_at, level.key_size), key)) {
    return Mistake("keys out of order, or one of them twice");
  }
  AppendString(key);
  level.key_at = out_->size() - key.size();
  level.key_size = key.size();
  expects_ = Expects::kValue;
  return *this;
}

BencodeWriter& BencodeWriter::Int(std::int64_t number) {
  if (!TakesValue()) return *this;
  char text[24] = {'i'};  // 'i', up to 20 characters, 'e'
  char* end = std::to_chars(text + 1, text + sizeof text, number).ptr;
  *end++ = 'e';
  out_->append(text, static_cast<std::size_t>(end - text));
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

void BencodeWriter::AppendString(std::string_view text) {
  if (text.size() < 10) {  // as most keys are
    out_->push_back(static_cast<char>('0' + text.size()));
    out_->push_back(':');
    out_->append(text);
    return;
  }
  char size[24];  // up to 20 digits and ':'
  char* end = std::to_chars(size, size + sizeof size, text.size()).ptr;
  *end++ = ':';
  out_->append(size, static_cast<std::size_t>(end - size)).append(text);
}

}  // namespace muster
