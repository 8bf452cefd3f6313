// SPDX-License-Identifier: Apache-2.0
//
// Any bytes: an error has a position within the input; what the strict mode accepts, the lenient
// mode reads alike, and both encoders give the same bytes for it again; what the lenient mode
// accepts encodes canonically; limits hold.
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "muster/bencode.h"

namespace {

using muster::BencodeDocument;
using muster::BencodeEntry;
using muster::BencodeLimits;
using muster::BencodeMode;
using muster::BencodeType;
using muster::BencodeValue;
using muster::BencodeView;
using muster::BencodeWriter;
using muster::Require;

// Recursion is bounded by the decoder's limit on depth.
void Write(BencodeView value, BencodeWriter& writer) {
  switch (value.type()) {
    case BencodeType::kNone:
      Require(false);
      break;
    case BencodeType::kInt:
      writer.Int(value.AsInt().value());
      break;
    case BencodeType::kString:
      writer.String(value.AsString().value());
      break;
    case BencodeType::kList:
      writer.BeginList();
      for (BencodeView item : value.items()) Write(item, writer);
      writer.End();
      break;
    case BencodeType::kDict:
      writer.BeginDict();
      for (const BencodeEntry& entry : value.entries()) {
        Require(value.Find(entry.key).source() == entry.value.source());
        writer.Key(entry.key);
        Write(entry.value, writer);
      }
      writer.End();
      break;
  }
}

// The same tokens in both.
void RequireAlike(const BencodeDocument& a, const BencodeDocument& b) {
  Require(a.tokens().size() == b.tokens().size());
  for (std::size_t i = 0; i < a.tokens().size(); ++i) {
    const auto& x = a.tokens()[i];
    const auto& y = b.tokens()[i];
    Require(x.offset == y.offset && x.type == y.type && x.canonical == y.canonical &&
            x.extent == y.extent);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  BencodeDocument strict;
  BencodeDocument lenient;
  const absl::Status strict_status = strict.Decode(bytes);
  const absl::Status lenient_status = lenient.Decode(bytes, BencodeMode::kLenient);
  for (const absl::Status& status : {strict_status, lenient_status}) {
    if (!status.ok()) Require(muster::BencodeErrorPosition(status).value() <= size);
  }

  if (strict_status.ok()) {
    Require(lenient_status.ok());
    RequireAlike(strict, lenient);
    Require(strict.root().is_canonical() && strict.root().source() == bytes);
    std::string written;
    BencodeWriter writer(&written);
    Write(strict.root(), writer);
    Require(writer.Finish().ok() && written == bytes);
    Require(BencodeValue::From(strict.root()).Encode() == bytes);
  }

  if (lenient_status.ok()) {
    const std::string_view taken = bytes.substr(0, lenient.size());
    const std::string encoded = BencodeValue::From(lenient.root()).Encode();
    Require(lenient.root().is_canonical() == (encoded == taken));
    Require(strict.Decode(encoded).ok());
    Require(strict.Decode(taken).ok() == lenient.root().is_canonical());
  }

  const BencodeLimits small{.max_size = 1000, .max_tokens = 20, .max_depth = 3};
  BencodeDocument limited;
  const bool within = limited.Decode(bytes, BencodeMode::kLenient, small).ok();
  Require(limited.token_capacity() <= small.max_tokens);
  if (within) {
    Require(lenient_status.ok() && size <= small.max_size);
    RequireAlike(limited, lenient);
  } else if (lenient_status.ok()) {
    std::size_t depth = 0, deepest = 0;
    for (const auto& token : lenient.tokens()) {
      if (token.type == BencodeType::kList || token.type == BencodeType::kDict) ++depth;
      if (token.type == BencodeType::kNone && depth > 0) --depth;
      deepest = depth > deepest ? depth : deepest;
    }
    Require(size > small.max_size || lenient.tokens().size() > small.max_tokens ||
            deepest > small.max_depth);
  }
  return 0;
}
