// SPDX-License-Identifier: Apache-2.0
#include "metainfo/faults.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "muster/metainfo.h"

namespace muster {
namespace {

const char* NameOf(BencodeType type) {
  switch (type) {
    case BencodeType::kInt:
      return "a number";
    case BencodeType::kString:
      return "a string";
    case BencodeType::kList:
      return "a list";
    case BencodeType::kDict:
      return "a dictionary";
    case BencodeType::kNone:
      break;
  }
  return "nothing";
}

}  // namespace

std::string Where::ToString() const {
  std::string text(base);
  if (index) absl::StrAppend(&text, "[", *index, "]");
  // The innermost names tell enough.
  constexpr std::size_t kMaxNames = 8;
  const std::size_t hidden = names.size() > kMaxNames ? names.size() - kMaxNames : 0;
  if (hidden > 0) text.append("/...");
  for (const std::string_view name : names.subspan(hidden)) {
    absl::StrAppend(&text, "/", Quoted(name));
  }
  if (!key.empty()) absl::StrAppend(&text, text.empty() ? "" : ".", ToAbsl(key));
  return text;
}

bool Faults::Fail(const Where& where, std::string_view what, std::size_t at) {
  if (status_.ok()) {
    status_ = BencodeError(absl::StrCat(where.ToString(), ": ", ToAbsl(what)), at);
  }
  return false;
}

bool Faults::Deviates(const Where& where, std::string_view what, std::size_t at) {
  if (strict_) return Fail(where, what, at);
  if (remarks_->size() < Metainfo::kMaxRemarks) {
    remarks_->push_back(absl::StrCat(where.ToString(), ": ", ToAbsl(what), " at byte ", at));
  }
  return true;
}

BencodeView FindTyped(BencodeView dict, std::string_view key, BencodeType type, const Where& where,
                      Faults& faults, bool& ok) {
  const BencodeView value = dict.Find(key);
  if (!value || value.type() == type) return value;
  ok = faults.Deviates(where.Key(key), absl::StrCat("not ", NameOf(type)), value.offset()) && ok;
  return {};
}

std::string Quoted(std::string_view name) {
  constexpr std::size_t kMax = 60;
  const bool is_cut = name.size() > kMax;
  return absl::StrCat("'", absl::CHexEscape(ToAbsl(name.substr(0, kMax))), is_cut ? "...'" : "'");
}

}  // namespace muster
