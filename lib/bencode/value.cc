// SPDX-License-Identifier: Apache-2.0
//
// The tree. Whatever walks it keeps a stack of its own: the tree may be deeper than the machine's.
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "muster/bencode.h"

namespace muster {

BencodeValue BencodeValue::From(const BencodeView& view) {
  BencodeValue root;
  if (!view) return root;
  // The open lists and dictionaries. Only the innermost grows, so the others stay where they are.
  std::vector<BencodeValue*> open;
  BencodeView at = view;
  do {
    if (!at) {  // the end of the innermost
      open.pop_back();
      at = at.next();
      continue;
    }
    BencodeValue* to = &root;
    if (!open.empty()) {
      if (List* list = open.back()->AsList()) {
        to = &list->emplace_back();
      } else {
        const std::string_view key = at.StringOr("");
        at = at.next();
        const auto [entry, is_new] = open.back()->AsDict()->try_emplace(std::string(key));
        if (!is_new) {
          at = at.next();
          continue;
        }
        to = &entry->second;
      }
    }
    if (at.type() == BencodeType::kList || at.type() == BencodeType::kDict) {
      *to = at.type() == BencodeType::kList ? BencodeValue(List()) : BencodeValue(Dict());
      open.push_back(to);
      at = at.first();
    } else {
      *to = at.type() == BencodeType::kInt ? BencodeValue(at.IntOr(0))
                                           : BencodeValue(at.StringOr(""));
      at = at.next();
    }
  } while (!open.empty());
  return root;
}

BencodeValue::BencodeValue(BencodeValue&& other) noexcept = default;
BencodeValue& BencodeValue::operator=(BencodeValue&& other) noexcept = default;

BencodeValue::~BencodeValue() {
  // Takes every list and dictionary out of the one that holds it before that one goes.
  std::vector<BencodeValue> doomed;
  const auto take = [&doomed](BencodeValue& child) {
    const bool holds = (child.AsList() != nullptr && !child.AsList()->empty()) ||
                       (child.AsDict() != nullptr && !child.AsDict()->empty());
    if (holds) doomed.emplace_back().data_.swap(child.data_);
  };
  const auto take_from = [&take](BencodeValue& value) {
    if (List* list = value.AsList()) {
      for (BencodeValue& item : *list) take(item);
    } else if (Dict* dict = value.AsDict()) {
      for (auto& [key, item] : *dict) take(item);
    }
  };
  take_from(*this);
  while (!doomed.empty()) {
    BencodeValue emptied = std::move(doomed.back());
    doomed.pop_back();
    take_from(emptied);
  }
}

std::string BencodeValue::Encode() const {
  std::string out;
  AppendTo(&out);
  return out;
}

void BencodeValue::AppendTo(std::string* out) const {
  // An open list or dictionary, and what is still to be written of it.
  struct Open {
    bool is_dict;
    List::const_iterator item, items_end;
    Dict::const_iterator entry, entries_end;
  };
  const auto append_string = [out](std::string_view text) {
    absl::StrAppend(out, text.size(), ":", ToAbsl(text));
  };
  std::vector<Open> open;
  const BencodeValue* value = this;
  while (value != nullptr) {
    if (const std::int64_t* number = value->AsInt()) {
      absl::StrAppend(out, "i", *number, "e");
    } else if (const std::string* text = value->AsString()) {
      append_string(*text);
    } else if (const List* list = value->AsList()) {
      out->push_back('l');
      open.push_back({false, list->begin(), list->end(), {}, {}});
    } else if (const Dict* dict = value->AsDict()) {
      out->push_back('d');
      open.push_back({true, {}, {}, dict->begin(), dict->end()});
    }
    // The next value: of the innermost that still has one.
    value = nullptr;
    while (value == nullptr && !open.empty()) {
      Open& last = open.back();
      if (last.is_dict && last.entry != last.entries_end) {
        append_string(last.entry->first);
        value = &(last.entry++)->second;
      } else if (!last.is_dict && last.item != last.items_end) {
        value = &*last.item++;
      } else {
        out->push_back('e');
        open.pop_back();
      }
    }
  }
}

}  // namespace muster
