// SPDX-License-Identifier: Apache-2.0
//
// ChunkHasher: SHA-1 and SHA-256 of a fixed number of messages that come in chunks, all at the same
// time, and are never in memory as a whole: large pieces of a file, of each of which a little is
// read at a time. Otherwise as Hasher, which is for messages that are there.
//
//   muster::ChunkHasher sha1(muster::HashKind::kSha1, 16);
//   while (Read(chunks)) sha1.Append(chunks);  // 16 chunks, the next of each piece
//   sha1.Finish(digests);                      // 16 * 20 bytes
//
// Threads: thread-compatible. Ownership: borrows everything for the time of a call. Memory: about
// 300 bytes for each message. Messages are smaller than 2^61 bytes.
#ifndef MUSTER_LIB_HASH_CHUNK_HASHER_H_
#define MUSTER_LIB_HASH_CHUNK_HASHER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "hash/engine.h"
#include "hash/lanes.h"
#include "hash/message.h"
#include "hash/stream.h"

namespace muster {

class ChunkHasher {
 public:
  // With BestEngine(), and with libcrypto for messages that are too few for all of its lanes.
  ChunkHasher(HashKind kind, std::size_t messages);
  // All with `engine`, which must be a usable one.
  ChunkHasher(HashKind kind, std::size_t messages, HashEngine engine);

  ChunkHasher(const ChunkHasher&) = delete;
  ChunkHasher& operator=(const ChunkHasher&) = delete;

  std::size_t messages() const { return in_lanes_.size() + streams_.size(); }

  // Message i goes on with chunks[i], which may be empty. As many chunks as messages. Quickest where
  // chunks are equally long, 16 KiB or more, and whole blocks of 64 bytes except for the last.
  void Append(absl::Span<const ByteSpan> chunks);

  // Writes the digests in the order of the messages, DigestSize() bytes each; new messages begin.
  void Finish(std::uint8_t* digests);

 private:
  struct Begun {
    HashState state;
    BlockRuns runs;
  };

  ChunkHasher(HashKind kind, std::size_t for_lanes, std::size_t for_stream, HashEngine engine);

  void Begin();
  // Hashes the blocks of the messages in lanes: what next_run(runs) gives, until it is false. Then
  // end(index, lane, states) takes what has come of a message.
  template <typename NextRun, typename End>
  void Run(const NextRun& next_run, const End& end);

  const HashKind kind_;
  const LaneKernel* const kernel_;
  std::vector<Begun> in_lanes_;                       // the first messages
  std::vector<std::unique_ptr<HashStream>> streams_;  // the others
};

}  // namespace muster

#endif  // MUSTER_LIB_HASH_CHUNK_HASHER_H_
