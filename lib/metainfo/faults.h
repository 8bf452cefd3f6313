// SPDX-License-Identifier: Apache-2.0
//
// Faults: where those who read a torrent's parts say what is wrong with it, and where.
//
//   const Where info{.base = "info"};
//   if (n < 0) return faults.Fail(info.Key("length"), "a negative length", length.offset());
//
// Where is reentrant, Faults thread-compatible.
#ifndef MUSTER_LIB_METAINFO_FAULTS_H_
#define MUSTER_LIB_METAINFO_FAULTS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "muster/bencode.h"

namespace muster {

// A path of keys that becomes text only for a message: "announce", "info.files[3].path",
// "info.file tree/'dir'/'a.txt'.length". Borrows everything.
struct Where {
  std::string_view base = {};
  std::optional<std::size_t> index = std::nullopt;
  absl::Span<const std::string_view> names = {};
  std::string_view key = {};

  Where Key(std::string_view name) const { return {base, index, names, name}; }
  std::string ToString() const;
};

class Faults {
 public:
  // Appends to `remarks`, at most Metainfo::kMaxRemarks.
  Faults(bool strict, std::vector<std::string>* remarks) : strict_(strict), remarks_(remarks) {}

  // Nothing can be made of it. Returns false, as those who read do when they fail.
  bool Fail(const Where& where, std::string_view what, std::size_t at);
  // Against the rules, but it can be read: an error in the strict mode, a remark in the lenient
  // one. Returns whether to go on.
  bool Deviates(const Where& where, std::string_view what, std::size_t at);

  bool strict() const { return strict_; }
  // The first failure; OK before one.
  const absl::Status& status() const { return status_; }

 private:
  const bool strict_;
  std::vector<std::string>* const remarks_;
  absl::Status status_;
};

// The value of `key` in `dict` when it has the wanted type; nothing when it has not, or is not
// there. Another type deviates; then `ok` becomes false when that is an error.
BencodeView FindTyped(BencodeView dict, std::string_view key, BencodeType type, const Where& where,
                      Faults& faults, bool& ok);

// A key or name of the input for a message: what is not printable is escaped, what is long is cut.
std::string Quoted(std::string_view name);

}  // namespace muster

#endif  // MUSTER_LIB_METAINFO_FAULTS_H_
