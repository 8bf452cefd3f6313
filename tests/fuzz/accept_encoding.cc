// SPDX-License-Identifier: Apache-2.0
//
// Any Accept-Encoding header is understood or passed over; what it names is never what it refuses.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/coding.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string header(reinterpret_cast<const char*>(data), size);
  const muster::ContentCoding coding = muster::ChooseCoding(header);
  if (coding == muster::ContentCoding::kZstd && !muster::HasZstd()) std::abort();
  // A coding that was not named is not chosen.
  const bool any = header.find('*') != std::string::npos;
  const auto names = [&](const char* lower, const char* upper) {
    return header.find_first_of(lower) != std::string::npos ||
           header.find_first_of(upper) != std::string::npos;
  };
  if (coding == muster::ContentCoding::kGzip && !any && !names("g", "G")) std::abort();
  if (coding == muster::ContentCoding::kZstd && !names("z", "Z")) std::abort();
  // Blanks around the parts change nothing, and neither does an empty part.
  if (muster::ChooseCoding(" " + header + " ") != coding) std::abort();
  if (muster::ChooseCoding("," + header + ",") != coding) std::abort();
  return 0;
}
