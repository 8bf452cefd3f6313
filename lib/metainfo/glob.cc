// SPDX-License-Identifier: Apache-2.0
#include "metainfo/glob.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "metainfo/faults.h"

namespace muster {

class Glob::Parser {
 public:
  explicit Parser(std::string_view pattern) : rest_(pattern) {}

  absl::StatusOr<Glob> Parse() {
    const std::string_view whole = rest_;
    const auto wrong = [&](const char* what) {
      return absl::InvalidArgumentError(absl::StrCat("the pattern ", Quoted(whole), ": ", what));
    };
    if (rest_.size() > kMaxSize) return wrong("too long");
    while (!rest_.empty() && rest_.back() == '/') rest_.remove_suffix(1);
    glob_.is_for_name_ = rest_.find('/') == rest_.npos;
    while (!rest_.empty() && rest_.front() == '/') rest_.remove_prefix(1);
    if (rest_.empty()) return wrong("empty");
    while (!rest_.empty()) {
      if (const char* fault = ReadStep()) return wrong(fault);
    }
    return std::move(glob_);
  }

 private:
  static std::size_t ByteOf(char c) { return static_cast<unsigned char>(c); }
  static Bytes AllBut(char c) { return Bytes().set().reset(ByteOf(c)); }

  bool Take(std::string_view prefix) {
    if (rest_.substr(0, prefix.size()) != prefix) return false;
    rest_.remove_prefix(prefix.size());
    return true;
  }
  void Add(Kind kind, const Bytes& bytes) { glob_.steps_.push_back({kind, bytes}); }

  // What is wrong; null when nothing is.
  const char* ReadStep() {
    const bool begins_name = begins_name_;
    begins_name_ = false;
    if (begins_name && Take("**/")) {
      Add(Kind::kFolders, AllBut('/'));
      Add(Kind::kFolderBytes, Bytes().set());
      begins_name_ = true;
    } else if (Take("**")) {
      Add(Kind::kAny, Bytes().set());
    } else if (Take("*")) {
      Add(Kind::kAny, AllBut('/'));
    } else if (Take("?")) {
      Add(Kind::kOne, AllBut('/'));
    } else if (Take("[")) {
      return ReadSet();
    } else {
      if (Take("\\") && rest_.empty()) return "a backslash at its end";
      begins_name_ = rest_.front() == '/';
      Add(Kind::kOne, Bytes().set(ByteOf(rest_.front())));
      rest_.remove_prefix(1);
    }
    return nullptr;
  }

  // Behind its '['. A ']' that comes first is one of the set.
  const char* ReadSet() {
    constexpr const char* kOpen = "a '[' without its ']'";
    const bool others = Take("!") || Take("^");
    Bytes bytes;
    for (bool is_first = true;; is_first = false) {
      if (rest_.empty()) return kOpen;
      if (!is_first && Take("]")) break;
      char low = 0, high = 0;
      if (!ReadByte(low)) return kOpen;
      high = low;
      if (rest_.size() >= 2 && rest_[0] == '-' && rest_[1] != ']') {
        rest_.remove_prefix(1);
        if (!ReadByte(high)) return kOpen;
      }
      if (ByteOf(low) > ByteOf(high)) return "a range that goes backwards";
      for (std::size_t i = ByteOf(low); i <= ByteOf(high); ++i) bytes.set(i);
    }
    if (others) bytes.flip();
    Add(Kind::kOne, bytes.reset(ByteOf('/')));
    return nullptr;
  }
  bool ReadByte(char& byte) {
    if (Take("\\") && rest_.empty()) return false;
    byte = rest_.front();
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view rest_;
  Glob glob_;
  bool begins_name_ = true;
};

absl::StatusOr<Glob> Glob::Parse(std::string_view pattern) { return Parser(pattern).Parse(); }

// All ways through the pattern at once: `here` has those of its steps that may take the next byte,
// the end among them.
bool Glob::Matches(std::string_view path) const {
  if (is_for_name_) path.remove_prefix(path.rfind('/') + 1);
  const std::size_t end = steps_.size();
  std::vector<bool> here(end + 1), next(end + 1);
  here[0] = true;
  // Steps that may take nothing let the one behind them go on as well.
  const auto pass_on = [&](std::vector<bool>& states) {
    for (std::size_t i = 0; i < end; ++i) {
      if (!states[i]) continue;
      if (steps_[i].kind == Kind::kAny) states[i + 1] = true;
      if (steps_[i].kind == Kind::kFolders) states[i + 2] = true;
    }
  };
  pass_on(here);
  for (const char c : path) {
    std::fill(next.begin(), next.end(), false);
    bool lives = false;
    for (std::size_t i = 0; i < end; ++i) {
      if (!here[i] || !steps_[i].bytes[static_cast<unsigned char>(c)]) continue;
      lives = true;
      if (steps_[i].kind == Kind::kAny || steps_[i].kind == Kind::kFolderBytes) next[i] = true;
      if (steps_[i].kind == Kind::kOne || steps_[i].kind == Kind::kFolders) next[i + 1] = true;
      if (steps_[i].kind == Kind::kFolderBytes && c == '/') next[i + 1] = true;
    }
    if (!lives) return false;
    pass_on(next);
    here.swap(next);
  }
  return here[end];
}

}  // namespace muster
