// SPDX-License-Identifier: Apache-2.0
//
// A query's parameters lie within it, in order; encoding every byte of one does not change what it
// decodes to.
#include "http/query.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

void Check(bool ok) {
  if (!ok) std::abort();
}

void CheckDecode(std::string_view text) {
  std::vector<std::uint8_t> bytes(text.size());
  const std::optional<std::size_t> size = muster::PercentDecode(text, absl::MakeSpan(bytes));
  if (!size) {
    Check(text.find('%') != std::string_view::npos);
    return;
  }
  Check(*size <= text.size());
  bytes.resize(*size);
  std::string encoded;
  for (const std::uint8_t byte : bytes) {
    encoded += {'%', "0123456789abcdef"[byte >> 4], "0123456789ABCDEF"[byte & 15]};
  }
  std::vector<std::uint8_t> again(bytes.size());
  Check(muster::PercentDecode(encoded, absl::MakeSpan(again)) == bytes.size() && again == bytes);
  if (bytes.empty()) return;
  again.pop_back();
  Check(!muster::PercentDecode(encoded, absl::MakeSpan(again)));
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
    Check(name >= at && name + reader.name().size() <= size);
    for (; at < name; ++at) Check(text[at] == '&');
    Check(!reader.name().empty() || text[at] == '=');
    at += reader.name().size();
    if (at < size && text[at] == '=') {
      ++at;
      Check(reader.value().data() == text.data() + at);
    } else {
      Check(reader.value().empty());
    }
    at += reader.value().size();
    Check(reader.value().find('&') == std::string_view::npos);
    Check(at == size || text[at] == '&');
    ++separators;
    CheckDecode(reader.name());
    CheckDecode(reader.value());
  }
  for (; at < size; ++at) Check(text[at] == '&');
  Check(separators <= size);
  Check(!reader.Next());
  return 0;
}
