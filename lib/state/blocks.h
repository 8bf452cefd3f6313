// SPDX-License-Identifier: Apache-2.0
//
// The frame that snapshots and journals share: a header, then blocks with checksums. muster/snapshot.h
// draws it.
//
// Thread-compatible.
#ifndef MUSTER_LIB_STATE_BLOCKS_H_
#define MUSTER_LIB_STATE_BLOCKS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/instant.h"
#include "muster/journaled_state.h"
#include "muster/snapshot.h"
#include "muster/state.h"

namespace muster {

inline constexpr std::uint16_t kStateVersion = 1;

struct FileHeader {
  static constexpr std::size_t kSize = 32;

  std::uint16_t version = kStateVersion;
  std::uint64_t sequence = 0;
  Instant written = {};
};
std::string EncodeFileHeader(std::string_view magic, const FileHeader& header);
// Nothing when it is damaged or of another kind.
std::optional<FileHeader> DecodeFileHeader(std::string_view magic, std::string_view bytes);

enum class BlockKind : std::uint8_t { kTorrents = 1, kEnd = 2, kDeltas = 3, kSide = 4 };

inline constexpr std::size_t kBlockHeaderSize = 28;
inline constexpr std::size_t kMaxBlockPayload = std::size_t{8} << 20;

// The header of a block whose payload is stored as `stored`, and is `plain_size` bytes once decoded.
std::string EncodeBlockHeader(BlockKind kind, StateCompression coding, std::uint32_t number,
                              std::string_view stored, std::size_t plain_size);

// Compressed, or nothing when that fails or gains nothing.
std::optional<std::string> Compress(std::string_view plain);

// Finds the blocks of a file: those that are whole, wherever they stand.
class BlockScanner {
 public:
  struct Block {
    BlockKind kind;
    std::uint32_t number;
    std::uint64_t offset;
    std::string_view payload;  // decoded; valid until the next call
  };

  // `source` is borrowed.
  explicit BlockScanner(ByteSource* source) : source_(source) {}

  // Up to `n` bytes of what comes next, without taking them; fewer only at the end of the file.
  absl::StatusOr<std::string_view> Peek(std::size_t n);
  // Takes bytes that Peek() showed.
  void Skip(std::size_t n) { at_ += n; }
  // The next whole block; false at the end. DataLoss once for each stretch of bytes that is none,
  // with its offset: the next call goes on after it.
  absl::StatusOr<bool> Next(Block& block);

  std::uint64_t offset() const { return buffer_offset_ + at_; }

 private:
  struct Header {
    BlockKind kind;
    StateCompression coding;
    std::uint32_t number;
    std::uint32_t stored_size;
    std::uint32_t plain_size;
    std::uint32_t payload_crc;
  };
  static std::optional<Header> DecodeHeader(std::string_view bytes);

  absl::StatusOr<bool> TakeBlock(const Header& header, Block& block);
  // Moves on to what may be the next block, or to the end.
  absl::Status SkipToMarker();

  ByteSource* const source_;
  std::string buffer_;
  std::size_t at_ = 0;  // in the buffer
  std::uint64_t buffer_offset_ = 0;
  bool at_end_ = false;  // of the source
  std::string plain_;    // a decoded payload
  // The beginning of bytes that are no block and have not been told of.
  std::optional<std::uint64_t> gap_;
  // After a damaged payload, which has been told of: what follows of it is passed over in silence.
  bool silent_ = false;
};

}  // namespace muster

#endif  // MUSTER_LIB_STATE_BLOCKS_H_
