// SPDX-License-Identifier: Apache-2.0
//
// BencodeCodec: bencoding (BEP 3) in both directions. Nothing in it knows what a torrent is.
//
//   BencodeDocument  decodes into a flat array of tokens over the caller's bytes, without recursion
//   BencodeView      one decoded value: borrows the caller's bytes, copies nothing
//   BencodeWriter    encodes in one pass, straight into a caller's string
//   BencodeValue     encodes from a tree that is built in any order
//
// Both ways of encoding give canonical bencoding or nothing: sorted keys, no leading zeros, one
// value. What decodes in the strict mode is canonical, so encoding what it says gives the same
// bytes.
//
//   muster::BencodeDocument document;
//   absl::Status status = document.Decode(bytes);
//   if (!status.ok()) return status;  // says what is wrong, and at which byte
//   muster::BencodeView root = document.root();
//   std::int64_t interval = root.Find("interval").IntOr(1800);
//   for (muster::BencodeView peer : root.Find("peers").items()) Add(peer.Find("ip").StringOr(""));
//   std::string_view hashed = root.Find("info").source();  // the exact bytes of a value
//
//   std::string out;
//   muster::BencodeWriter writer(&out);
//   writer.BeginDict().Key("interval").Int(1800).Key("peers").String(peers).End();
//   status = writer.Finish();  // not OK when keys were out of order, say
//
// Threads: BencodeView is reentrant; the other classes are thread-compatible.
// Ownership: a document owns its tokens and borrows the bytes; a view borrows both. Keep the bytes
// and the document as long as views are in use. Decoding again with the same document ends its
// views and reuses its memory.
#ifndef MUSTER_BENCODE_H_
#define MUSTER_BENCODE_H_

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "muster/export.h"

namespace muster {

// --- Reading ---

enum class BencodeMode : std::uint8_t {
  // Canonical bencoding only, and nothing after it.
  kStrict,
  // As found in the wild: keys unsorted or double, leading zeros (up to 19 digits in all), -0,
  // bytes after the value.
  kLenient,
};

// What a decode may cost. Going over any of these is an error.
struct BencodeLimits {
  // Bytes of input. Effectively at most 4 GiB - 1.
  std::size_t max_size = std::size_t{64} << 20;
  // Tokens, at 8 bytes of memory each: one for a number, a string or a key, two for a list or a
  // dictionary, and one for the end. A torrent of 100,000 files takes about a million. Effectively
  // at most 2^28 - 1.
  std::size_t max_tokens = 3'000'000;
  // Lists and dictionaries inside one another. 0 allows only a number or a string.
  std::size_t max_depth = 100;
};

// An InvalidArgument that says "`what` at byte `position`", for decoders and for those who read a
// format on top of them.
MUSTER_EXPORT absl::Status BencodeError(std::string_view what, std::size_t position);
// The position in an error made by BencodeError(): the byte that cannot be right, or the size of an
// input that ends too early. Nothing for other statuses.
MUSTER_EXPORT std::optional<std::size_t> BencodeErrorPosition(const absl::Status& status);

enum class BencodeType : std::uint8_t { kNone, kInt, kString, kList, kDict };

namespace bencode_internal {

// A decoded document is an array of these, in the order of the bytes. Over an announce answer:
//
//   byte     0         1         2         3         4
//            01234567890123456789012345678901234567890
//            d5:peersld2:ip9:127.0.0.14:porti6881eeee
//
//   token    0     1       2     3     4     5     6     7    8     9     10    11
//   type     dict  string  list  dict  str   str   str   int  none  none  none  none
//   offset   0     1       8     9     10    14    25    31   37    38    39    40
//   extent   11    2       8     6     2     2     2     -    -     -     -     -
//
// A value ends where the token after it begins. So every list and dictionary has a `none` token at
// its final 'e', and one more stands behind the last byte.
struct Token {
  std::uint32_t offset;
  BencodeType type : 3;
  // Written in the one canonical way, it and everything in it.
  bool canonical : 1;
  // List, dictionary: tokens from here to the one behind its end. String: bytes before its text.
  std::uint32_t extent : 28;
};
static_assert(sizeof(Token) == 8);

// How many tokens further the value after this one stands.
constexpr std::size_t Width(const Token& token) {
  return token.type == BencodeType::kList || token.type == BencodeType::kDict ? token.extent : 1;
}

// What the view of nothing looks at.
inline constexpr Token kNothing[2] = {{0, BencodeType::kNone, false, 0},
                                      {0, BencodeType::kNone, false, 0}};

}  // namespace bencode_internal

struct BencodeEntry;
template <typename Element>
class BencodeRange;

// One decoded value, or nothing. Nothing has no items, no entries and no number, so a look-up
// through several levels needs one check, at its end.
class MUSTER_EXPORT BencodeView {
 public:
  // Nothing.
  constexpr BencodeView() = default;

  BencodeType type() const { return token_->type; }
  explicit operator bool() const { return type() != BencodeType::kNone; }

  // The number, or the text borrowed from the source; nothing for a value of another type.
  std::optional<std::int64_t> AsInt() const;
  std::optional<std::string_view> AsString() const {
    if (type() != BencodeType::kString) return std::nullopt;
    return source().substr(token_->extent);
  }
  std::int64_t IntOr(std::int64_t otherwise) const { return AsInt().value_or(otherwise); }
  std::string_view StringOr(std::string_view otherwise) const {
    return AsString().value_or(otherwise);
  }

  // The value of a key, in time proportional to the keys before it; nothing when it is not there or
  // this is no dictionary. Of double keys (lenient mode) the first counts.
  BencodeView Find(std::string_view key) const;

  // What a list or a dictionary holds, in the order of the source, for range-based loops. Empty for
  // a value of another type.
  BencodeRange<BencodeView> items() const;
  BencodeRange<BencodeEntry> entries() const;

  // The exact bytes of the value, and where they begin in the decoded bytes.
  std::string_view source() const {
    return {bytes_ + token_->offset, next().token_->offset - token_->offset};
  }
  std::size_t offset() const { return token_->offset; }
  // Whether encoding what this says would give source() again. Always so in the strict mode; false
  // for nothing.
  bool is_canonical() const { return token_->canonical; }

 private:
  friend class BencodeDocument;
  friend class BencodeValue;
  template <typename Element>
  friend class BencodeRange;

  BencodeView(const char* bytes, const bencode_internal::Token* token)
      : bytes_(bytes), token_(token) {}
  // What stands behind this value; nothing at the end of a list or dictionary.
  BencodeView next() const { return {bytes_, token_ + bencode_internal::Width(*token_)}; }
  // The first item or key of a list or dictionary.
  BencodeView first() const { return {bytes_, token_ + 1}; }

  const char* bytes_ = "";
  const bencode_internal::Token* token_ = bencode_internal::kNothing;
};

// One key of a dictionary.
struct BencodeEntry {
  std::string_view key;
  BencodeView value;
};

// What items() and entries() give; as long-lived as the views in it.
template <typename Element>
class BencodeRange {
 public:
  class Iterator {
   public:
    Element operator*() const {
      if constexpr (kEntries) {
        return {at_.StringOr(""), at_.next()};
      } else {
        return at_;
      }
    }
    Iterator& operator++() {
      at_ = kEntries ? at_.next().next() : at_.next();
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return !at_; }

   private:
    friend class BencodeRange;
    explicit Iterator(BencodeView at) : at_(at) {}
    BencodeView at_;
  };

  Iterator begin() const { return Iterator(first_); }
  std::default_sentinel_t end() const { return {}; }

 private:
  friend class BencodeView;
  static constexpr bool kEntries = std::is_same_v<Element, BencodeEntry>;
  explicit BencodeRange(BencodeView first) : first_(first) {}
  BencodeView first_;
};

inline BencodeRange<BencodeView> BencodeView::items() const {
  return BencodeRange<BencodeView>(type() == BencodeType::kList ? first() : BencodeView());
}
inline BencodeRange<BencodeEntry> BencodeView::entries() const {
  return BencodeRange<BencodeEntry>(type() == BencodeType::kDict ? first() : BencodeView());
}

// A decoded document, to be used again and again: a decode needs no memory when an earlier one was
// as large.
class MUSTER_EXPORT BencodeDocument {
 public:
  // Reads one value from the beginning of `bytes`, which are borrowed. An error (BencodeError())
  // leaves the document empty.
  absl::Status Decode(std::string_view bytes, BencodeMode mode = BencodeMode::kStrict,
                      const BencodeLimits& limits = {});

  // The value; nothing before the first decode.
  BencodeView root() const {
    return tokens_.empty() ? BencodeView() : BencodeView(bytes_, tokens_.data());
  }
  // How many bytes the value took. Fewer than were given when others follow it (lenient mode).
  std::size_t size() const { return root().source().size(); }

  // What limits.max_tokens counts, and how many of them there is memory for.
  absl::Span<const bencode_internal::Token> tokens() const { return tokens_; }
  std::size_t token_capacity() const { return tokens_.capacity(); }

 private:
  const char* bytes_ = "";
  std::vector<bencode_internal::Token> tokens_;
};

// --- Writing ---

// Appends one document to a string, without any other memory. Structure and order of keys are the
// caller's duty and are checked: after the first mistake nothing more is written, and Finish() says
// what it was and takes back what was appended. So does a writer that goes without Finish(). Until
// then the string is the writer's: nobody else may change or destroy it.
class MUSTER_EXPORT BencodeWriter {
 public:
  // Lists and dictionaries inside one another; as many as the decoder takes by default.
  static constexpr std::size_t kMaxDepth = 100;

  explicit BencodeWriter(std::string* out) : out_(out), start_(out->size()) {}
  ~BencodeWriter() {
    if (out_ != nullptr) out_->resize(start_);
  }
  BencodeWriter(const BencodeWriter&) = delete;
  BencodeWriter& operator=(const BencodeWriter&) = delete;

  BencodeWriter& BeginDict() { return Begin('d'); }
  BencodeWriter& BeginList() { return Begin('l'); }
  // Ends the innermost list or dictionary that is open.
  BencodeWriter& End();
  // Names the next value of a dictionary; greater than the key before it, as unsigned bytes.
  BencodeWriter& Key(std::string_view key);
  BencodeWriter& Int(std::int64_t number);
  BencodeWriter& String(std::string_view text);
  // A decoded value as it stands in its source, which must not be the string written to. It must be
  // canonical.
  BencodeWriter& Splice(const BencodeView& value);

  // Ends the document. FailedPrecondition when what was called does not make one. Calls after it do
  // nothing.
  absl::Status Finish();

 private:
  enum class Expects : std::uint8_t { kValue, kKey, kNothing };
  static constexpr std::size_t kNoKey = ~std::size_t{0};
  static constexpr std::size_t kHeld = 256;
  struct Level {
    // The last key: its first 8 bytes as a number, and where it is in the string, which it may not
    // have reached yet.
    std::uint64_t key_begin;
    std::size_t key_at;
    std::size_t key_size;
    bool is_dict;
  };

  BencodeWriter& Begin(char type);
  // Whether a value may stand here; otherwise that is the mistake.
  bool TakesValue();
  void ExpectNext() {
    expects_ = depth_ == 0                   ? Expects::kNothing
               : levels_[depth_ - 1].is_dict ? Expects::kKey
                                             : Expects::kValue;
  }
  BencodeWriter& Mistake(const char* what);
  bool IsInOrder(const Level& level, std::uint64_t key_begin, std::string_view key);
  void Append(char c) {
    if (held_ == kHeld) Flush();
    hold_[held_++] = c;
  }
  void AppendString(std::string_view text);
  void Flush();

  std::string* out_;  // null once finished
  const std::size_t start_;
  const char* mistake_ = nullptr;  // the first one
  Expects expects_ = Expects::kValue;
  std::size_t depth_ = 0;
  // What comes after what is in the string: a document is made of short pieces, and each costs more
  // to append than to write.
  std::size_t held_ = 0;
  std::array<char, kHeld> hold_;
  std::array<Level, kMaxDepth> levels_;  // the first depth_ are in use
};

// A value that is built in any order and always encodes canonically. Lists and dictionaries are
// plain containers:
//
//   muster::BencodeValue::Dict info;
//   info["piece length"] = 16384;
//   info["name"] = "example";
//   muster::BencodeValue::Dict torrent;
//   torrent["info"] = std::move(info);
//   std::string bytes = muster::BencodeValue(std::move(torrent)).Encode();
//
// It moves and does not copy; where a copy is needed, decode what Encode() gives. Any depth will
// do: encoding and destroying do not recurse.
class MUSTER_EXPORT BencodeValue {
 public:
  using List = std::vector<BencodeValue>;
  using Dict = std::map<std::string, BencodeValue, std::less<>>;

  // An empty string.
  BencodeValue() = default;
  // What a value can be converts to one: NOLINTBEGIN(google-explicit-constructor)
  // Numbers are those of std::int64_t; an integer type that holds greater ones does not convert.
  template <std::integral T>
  requires((std::is_signed_v<T> || sizeof(T) < sizeof(std::int64_t)) && !std::is_same_v<T, char>)
      BencodeValue(T number)
      : data_(std::int64_t{number}) {}
  BencodeValue(std::string text) : data_(std::move(text)) {}
  BencodeValue(std::string_view text) : data_(std::string(text)) {}
  BencodeValue(const char* text) : data_(std::string(text)) {}
  BencodeValue(List list) : data_(std::move(list)) {}
  BencodeValue(Dict dict) : data_(std::move(dict)) {}
  // NOLINTEND(google-explicit-constructor)
  // What `view` says, in memory of its own; an empty string for nothing. Of double keys the first
  // counts.
  static BencodeValue From(const BencodeView& view);

  BencodeValue(BencodeValue&& other) noexcept;
  BencodeValue& operator=(BencodeValue&& other) noexcept;
  ~BencodeValue();

  // Null for a value of another type.
  const std::int64_t* AsInt() const { return std::get_if<std::int64_t>(&data_); }
  const std::string* AsString() const { return std::get_if<std::string>(&data_); }
  const List* AsList() const { return std::get_if<List>(&data_); }
  const Dict* AsDict() const { return std::get_if<Dict>(&data_); }
  std::int64_t* AsInt() { return std::get_if<std::int64_t>(&data_); }
  std::string* AsString() { return std::get_if<std::string>(&data_); }
  List* AsList() { return std::get_if<List>(&data_); }
  Dict* AsDict() { return std::get_if<Dict>(&data_); }

  // The canonical bytes, alone or at the end of a string.
  std::string Encode() const;
  void AppendTo(std::string* out) const;

 private:
  std::variant<std::string, std::int64_t, List, Dict> data_;
};

}  // namespace muster

#endif  // MUSTER_BENCODE_H_
