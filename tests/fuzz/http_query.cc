// SPDX-License-Identifier: Apache-2.0
//
// A query's parameters lie within it, in order; encoding every byte of one does not change what it
// decodes to.
#include "http/query.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"

namespace {

using muster::Require;

void CheckDecode(std::string_view text) {
  std::vector<std::uint8_t> bytes(text.size());
  const std::optional<std::size_t> size = muster::PercentDecode(text, absl::MakeSpan(bytes));
  if (!size) {
    Require(text.find('%') != std::string_view::npos);
    return;
  }
  Require(*size <= text.size());
  bytes.resize(*size);
  std::string encoded;
  for (const std::uint8_t byte : bytes) {
    encoded += {'%', "0123456789abcdef"[byte >> 4], "0123456789ABCDEF"[byte & 15]};
  }
  std::vector<std::uint8_t> again(bytes.size());
  Require(muster::PercentDecode(encoded, absl::MakeSpan(again)) == bytes.size() && again == bytes);
  if (bytes.empty()) return;
  again.pop_back();
  Require(!muster::PercentDecode(encoded, absl::MakeSpan(again)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<char> query(data,
                                data + size);  // exactly as long, so that a read beyond it is seen
  const std::string_view text(query.data(), query.size());
  std::size_t at = 0;
  std::size_t separators = 0;
  muster::QueryReader reader(text);
  while (reader.Next()) {
    const auto name = static_cast<std::size_t>(reader.name().data() - text.data());
    Require(name >= at && name + reader.name().size() <= size);
    for (; at < name; ++at) Require(text[at] == '&');
    Require(!reader.name().empty() || text[at] == '=');
    at += reader.name().size();
    if (at < size && text[at] == '=') {
      ++at;
      Require(reader.value().data() == text.data() + at);
    } else {
      Require(reader.value().empty());
    }
    at += reader.value().size();
    Require(reader.value().find('&') == std::string_view::npos);
    Require(at == size || text[at] == '&');
    ++separators;
    CheckDecode(reader.name());
    CheckDecode(reader.value());
  }
  for (; at < size; ++at) Require(text[at] == '&');
  Require(separators <= size);
  Require(!reader.Next());
  return 0;
}
