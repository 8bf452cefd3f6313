// SPDX-License-Identifier: Apache-2.0
#include "state/blocks.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/text.h"

namespace muster {
namespace {

constexpr std::string_view kMarker = "mBlk";
constexpr std::size_t kReadAtOnce = std::size_t{256} * 1024;

absl::Span<std::uint8_t> Writable(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

bool Decompress(std::string_view stored, std::size_t plain_size, std::string& plain) {
  plain.resize(plain_size);
  uLongf size = plain_size;
  uLong taken = stored.size();
  const int result = uncompress2(reinterpret_cast<Bytef*>(plain.data()), &size,
                                 reinterpret_cast<const Bytef*>(stored.data()), &taken);
  return result == Z_OK && size == plain_size && taken == stored.size();
}

}  // namespace

std::string EncodeFileHeader(std::string_view magic, const FileHeader& header) {
  std::string bytes(FileHeader::kSize, '\0');
  ByteWriter out(Writable(bytes));
  out.Bytes(BytesOf(magic));
  out.U16(header.version);
  out.U16(0);
  out.U64(header.sequence);
  out.U64(static_cast<std::uint64_t>(header.written.time_since_epoch().count()));
  out.U32(Crc32c(std::string_view(bytes).substr(0, out.size())));
  return bytes;
}

std::optional<FileHeader> DecodeFileHeader(std::string_view magic, std::string_view bytes) {
  if (bytes.size() < FileHeader::kSize || bytes.substr(0, magic.size()) != magic)
    return std::nullopt;
  ByteReader in(BytesOf(bytes.substr(magic.size())));
  FileHeader header;
  header.version = in.U16();
  in.U16();
  header.sequence = in.U64();
  header.written = InstantFromUnixSeconds(static_cast<std::int64_t>(in.U64()));
  if (in.U32() != Crc32c(bytes.substr(0, FileHeader::kSize - 4))) return std::nullopt;
  return header;
}

std::string EncodeBlockHeader(BlockKind kind, StateCompression coding, std::uint32_t number,
                              std::string_view stored, std::size_t plain_size) {
  std::string bytes(kBlockHeaderSize, '\0');
  ByteWriter out(Writable(bytes));
  out.Bytes(BytesOf(kMarker));
  out.U8(static_cast<std::uint8_t>(kind));
  out.U8(static_cast<std::uint8_t>(coding));
  out.U16(0);
  out.U32(number);
  out.U32(static_cast<std::uint32_t>(stored.size()));
  out.U32(static_cast<std::uint32_t>(plain_size));
  out.U32(Crc32c(stored));
  out.U32(Crc32c(std::string_view(bytes).substr(0, out.size())));
  return bytes;
}

std::optional<std::string> Compress(std::string_view plain) {
  // The fastest level: what can be won is in the times and counts, and is found by it as well.
  uLongf size = compressBound(plain.size());
  std::string stored(size, '\0');
  const int result =
      compress2(reinterpret_cast<Bytef*>(stored.data()), &size,
                reinterpret_cast<const Bytef*>(plain.data()), plain.size(), Z_BEST_SPEED);
  if (result != Z_OK || size >= plain.size()) return std::nullopt;
  stored.resize(size);
  return stored;
}

std::optional<BlockScanner::Header> BlockScanner::DecodeHeader(std::string_view bytes) {
  if (bytes.size() < kBlockHeaderSize || bytes.substr(0, kMarker.size()) != kMarker)
    return std::nullopt;
  ByteReader in(BytesOf(bytes.substr(kMarker.size())));
  const std::uint8_t kind = in.U8();
  const std::uint8_t coding = in.U8();
  in.U16();
  Header header{};
  header.number = in.U32();
  header.stored_size = in.U32();
  header.plain_size = in.U32();
  header.payload_crc = in.U32();
  if (in.U32() != Crc32c(bytes.substr(0, kBlockHeaderSize - 4))) return std::nullopt;
  if (kind < 1 || kind > 4 || coding > 1 || header.stored_size > kMaxBlockPayload ||
      header.plain_size > kMaxBlockPayload)
    return std::nullopt;
  header.kind = static_cast<BlockKind>(kind);
  header.coding = static_cast<StateCompression>(coding);
  return header;
}

absl::StatusOr<std::string_view> BlockScanner::Peek(std::size_t n) {
  if (buffer_.size() - at_ < n && at_ > 0) {
    buffer_.erase(0, at_);
    buffer_offset_ += std::exchange(at_, 0);
  }
  while (buffer_.size() - at_ < n && !at_end_) {
    const std::size_t had = buffer_.size();
    buffer_.resize(std::max(n, had + kReadAtOnce));
    absl::StatusOr<std::size_t> got =
        source_->Read(absl::MakeSpan(buffer_.data() + had, buffer_.size() - had));
    buffer_.resize(had + (got.ok() ? *got : 0));
    if (!got.ok()) return got.status();
    if (*got == 0) at_end_ = true;
  }
  return std::string_view(buffer_).substr(at_, n);
}

absl::Status BlockScanner::SkipToMarker() {
  while (true) {
    absl::StatusOr<std::string_view> rest = Peek(kMarker.size());
    if (!rest.ok()) return rest.status();
    if (rest->size() < kMarker.size()) {
      at_ = buffer_.size();
      return absl::OkStatus();
    }
    const std::size_t found = std::string_view(buffer_).find(kMarker, at_);
    if (found != std::string_view::npos) {
      at_ = found;
      return absl::OkStatus();
    }
    at_ = buffer_.size() - (kMarker.size() - 1);  // what may be the beginning of one
  }
}

absl::StatusOr<bool> BlockScanner::TakeBlock(const Header& header, Block& block) {
  const std::uint64_t begin = offset();
  absl::StatusOr<std::string_view> bytes = Peek(kBlockHeaderSize + header.stored_size);
  if (!bytes.ok()) return bytes.status();
  const std::string_view stored = bytes->substr(kBlockHeaderSize);
  const char* wrong = nullptr;
  if (stored.size() < header.stored_size) {
    wrong = "is cut off";
  } else if (Crc32c(stored) != header.payload_crc) {
    wrong = "is damaged: its checksum differs";
  } else if (header.coding == StateCompression::kNone && header.plain_size != stored.size()) {
    wrong = "contradicts itself about its size";
  } else if (header.coding == StateCompression::kZlib &&
             !Decompress(stored, header.plain_size, plain_)) {
    wrong = "cannot be decompressed";
  }
  if (wrong != nullptr) {
    // What is looked for next begins right behind the header: where bytes are missing, the next
    // block is nearer than the header says.
    Skip(kBlockHeaderSize);
    silent_ = true;
    return absl::DataLossError(
        absl::StrCat("block ", header.number, " at offset ", begin, " ", wrong));
  }
  block = {header.kind, header.number, begin,
           header.coding == StateCompression::kNone ? stored : std::string_view(plain_)};
  Skip(bytes->size());
  silent_ = false;
  return true;
}

absl::StatusOr<bool> BlockScanner::Next(Block& block) {
  while (true) {
    absl::StatusOr<std::string_view> bytes = Peek(kBlockHeaderSize);
    if (!bytes.ok()) return bytes.status();
    const std::optional<Header> header = DecodeHeader(*bytes);
    if ((header.has_value() || bytes->empty()) && gap_.has_value()) {
      const std::uint64_t from = *std::exchange(gap_, std::nullopt);
      return absl::DataLossError(
          absl::StrCat("offset ", from, " to ", offset(), ": damaged, or not of this file"));
    }
    if (bytes->empty()) return false;
    if (header.has_value()) return TakeBlock(*header, block);
    if (!silent_ && !gap_.has_value()) gap_ = offset();
    Skip(1);
    if (absl::Status status = SkipToMarker(); !status.ok()) return status;
  }
}

}  // namespace muster
