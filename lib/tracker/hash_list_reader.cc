// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/hex.h"
#include "muster/hash_list.h"

namespace muster {
namespace {

constexpr std::size_t kV1Digits = 40;
constexpr std::size_t kV2Digits = 64;
// The least that a hash takes of a file: its digits and a line end.
constexpr std::size_t kMinLine = kV1Digits + 1;
// What is set aside for a file of unlikely size: more than any list has had.
constexpr std::size_t kMaxReserved = 256 * 1024 * 1024;

// Hexadecimal digits by their characters; kNoDigit for all others.
constexpr std::uint8_t kNoDigit = 0xff;
constexpr std::array<std::uint8_t, 256> kDigits = [] {
  std::array<std::uint8_t, 256> digits{};
  for (int c = 0; c < 256; ++c) {
    const int value = HexDigitValue(static_cast<char>(c));
    digits[static_cast<std::size_t>(c)] = value < 0 ? kNoDigit : static_cast<std::uint8_t>(value);
  }
  return digits;
}();

std::uint8_t Digit(char c) { return kDigits[static_cast<unsigned char>(c)]; }

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

}  // namespace

std::optional<InfoHash> HashOfLine(std::string_view line) {
  if (line.size() < kV1Digits) return std::nullopt;
  std::array<std::uint8_t, InfoHash::kSize> bytes;
  unsigned wrong = 0;  // has its upper bits set when any digit was none
  for (std::size_t i = 0; i < InfoHash::kSize; ++i) {
    const unsigned high = Digit(line[2 * i]);
    const unsigned low = Digit(line[2 * i + 1]);
    wrong |= high | low;
    bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  if (wrong > 15) return std::nullopt;
  std::size_t digits = kV1Digits;
  while (digits < line.size() && digits <= kV2Digits && Digit(line[digits]) != kNoDigit) ++digits;
  if (digits != kV1Digits && digits != kV2Digits) return std::nullopt;
  return InfoHash::FromBytes(bytes.data());
}

HashListReader::HashListReader(std::size_t expected_bytes) {
  if (expected_bytes > 0) {
    result_.hashes.reserve(std::min(expected_bytes / kMinLine + 1, kMaxReserved));
  }
}

void HashListReader::Add(std::string_view piece) {
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    if (begun_size_ == 0 && end != piece.npos) {
      AddLine(part);
    } else {
      const std::size_t kept = std::min(part.size(), kKept - begun_size_);
      std::memcpy(begun_.data() + begun_size_, part.data(), kept);
      begun_size_ += kept;
      if (end == piece.npos) return;
      AddLine({begun_.data(), std::exchange(begun_size_, 0)});
    }
    piece.remove_prefix(end + 1);
  }
}

void HashListReader::AddLine(std::string_view line) {
  ++lines_;
  line = line.substr(0, kKept);  // the same whatever pieces it came in
  if (const std::optional<InfoHash> hash = HashOfLine(line)) {
    result_.hashes.push_back(*hash);
    return;
  }
  while (!line.empty() && IsBlank(line.front())) line.remove_prefix(1);
  if (line.empty() || line.front() == '#') return;
  if (result_.bad_lines++ == 0) result_.first_bad_line = lines_;
}

HashListReader::Result HashListReader::Finish() && {
  if (begun_size_ > 0) AddLine({begun_.data(), begun_size_});
  return TakeLines();
}

HashListReader::Result HashListReader::TakeLines() { return std::exchange(result_, Result()); }

}  // namespace muster
