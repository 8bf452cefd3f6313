// SPDX-License-Identifier: Apache-2.0
//
// BencodeTokens: a bencoded document token by token, from a source that is larger than memory. It
// takes canonical bencoding only (sorted keys, no leading zeros), as BencodeDocument in its strict
// mode, which is the one to use where the document fits into memory.
//
// Thread-compatible; borrows the source. What text() gives is valid until the next call.
#ifndef MUSTER_LIB_STATE_BTTRACK_TOKENS_H_
#define MUSTER_LIB_STATE_BTTRACK_TOKENS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "muster/state.h"

namespace muster {

class BencodeTokens {
 public:
  enum class Kind : std::uint8_t { kInt, kString, kKey, kList, kDict, kEnd };

  // The longest string. Memory for this much, and as much again, is taken when one comes.
  static constexpr std::size_t kMaxString = std::size_t{1} << 20;
  static constexpr std::size_t kMaxDepth = 32;

  explicit BencodeTokens(ByteSource* source) : source_(source) {}

  // The next token; false on an error, which status() has.
  bool Next();
  // The rest of the value whose first token was the last one.
  bool FinishValue();
  // The next value as a whole.
  bool SkipValue() { return Next() && FinishValue(); }
  // Appends to `to` the bytes of each token from now on, until `to` would be longer than `max`, which
  // is an error; null: no more.
  void CaptureTo(std::string* to, std::size_t max = 0) {
    capture_ = to;
    capture_max_ = max;
  }

  Kind kind() const { return kind_; }
  std::int64_t number() const { return number_; }
  std::string_view text() const { return text_; }
  // Lists and dictionaries that are open.
  std::size_t depth() const { return depth_; }
  // Whether nothing follows.
  bool AtEnd() { return !Need(1) && status_.ok(); }

  // The byte at which the last token began, or at which it went wrong.
  std::uint64_t position() const { return position_; }
  const absl::Status& status() const { return status_; }

  // --- To go on after an error ---

  // The last kKeep bytes before the reading position stay in memory.
  static constexpr std::size_t kKeep = std::size_t{64} << 10;
  // Sets the reading position back to `position`; to the nearest that memory still has, and false,
  // when that one has gone.
  bool Rewind(std::uint64_t position);
  std::uint64_t reading_position() const { return base_ + at_; }
  // At least `n` bytes from the reading position on, fewer only at the end.
  std::string_view Peek(std::size_t n) {
    Need(n);
    return {buffer_.data() + at_, end_ - at_};
  }
  void Pass(std::size_t n) { at_ += n; }
  // Forgets the error, and takes it that `depth` dictionaries are open, each before a key.
  void Resume(std::size_t depth);

 private:
  struct Level {
    bool is_dict = false;
    bool expects_key = false;
    bool has_key = false;
    std::string key;
  };

  bool Open(Kind kind);
  bool Close();
  bool Key();
  bool Int();
  bool String();
  bool Digits(std::uint64_t& number, const char* expected);
  bool Took(Kind kind, std::size_t size);
  bool Fail(std::string_view what);
  bool FailHere(std::string_view expected);
  // Whether `n` bytes are there; at the end of the source, and on its error, they are not.
  bool Need(std::size_t n) { return end_ - at_ >= n || Fill(n); }
  bool Fill(std::size_t n);

  ByteSource* const source_;
  std::string buffer_;
  std::size_t at_ = 0, end_ = 0;  // within buffer_
  std::uint64_t base_ = 0;        // of buffer_ within the source
  bool source_ended_ = false;

  std::array<Level, kMaxDepth> levels_;
  std::size_t depth_ = 0;

  Kind kind_ = Kind::kEnd;
  std::int64_t number_ = 0;
  std::string_view text_;
  std::uint64_t position_ = 0;
  std::string* capture_ = nullptr;
  std::size_t capture_max_ = 0;
  absl::Status status_;
};

}  // namespace muster

#endif  // MUSTER_LIB_STATE_BTTRACK_TOKENS_H_
