// SPDX-License-Identifier: Apache-2.0
//
// What announces and scrapes share in reading parameters. Reentrant.
#ifndef MUSTER_LIB_WIRE_HTTP_PARAMETER_H_
#define MUSTER_LIB_WIRE_HTTP_PARAMETER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/query.h"
#include "muster/ids.h"

namespace muster {

// A decoded name or value: the text itself where nothing is encoded, so that it is not copied.
template <std::size_t kMaxSize>
class DecodedText {
 public:
  // Nothing when it is malformed or longer than kMaxSize.
  std::optional<std::string_view> Decode(std::string_view text) {
    if (text.find('%') == std::string_view::npos) {
      if (text.size() > kMaxSize) return std::nullopt;
      return text;
    }
    const std::optional<std::size_t> size = PercentDecode(text, absl::MakeSpan(bytes_));
    if (!size) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(bytes_.data()), *size);
  }

 private:
  std::array<std::uint8_t, kMaxSize> bytes_;
};

// Whether `name`, as sent, is this parameter. `parameter` has less than 16 bytes.
inline bool IsParameter(std::string_view name, std::string_view parameter) {
  if (name == parameter) return true;
  return name.find('%') != std::string_view::npos && DecodedText<16>().Decode(name) == parameter;
}

// False when `text` is not 20 bytes, percent-encoded.
template <typename Id>
bool DecodeId(std::string_view text, Id& id) {
  std::array<std::uint8_t, Id::kSize> bytes;
  if (PercentDecode(text, absl::MakeSpan(bytes)) != Id::kSize) return false;
  id = Id::FromBytes(bytes.data());
  return true;
}

}  // namespace muster

#endif  // MUSTER_LIB_WIRE_HTTP_PARAMETER_H_
