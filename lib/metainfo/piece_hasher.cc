// SPDX-License-Identifier: Apache-2.0
#include "metainfo/piece_hasher.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <system_error>
#include <thread>

#include "base/mutex.h"
#include "hash/chunk_hasher.h"
#include "hash/hasher.h"
#include "metainfo/digest.h"
#include "metainfo/merkle.h"

namespace muster {
namespace {

constexpr std::size_t kBlock = static_cast<std::size_t>(kBlockSize);

// Pieces of a batch: as many as there are lanes; more where pieces are so small that the chunks
// would be, too.
constexpr std::size_t kLanes = 16;
constexpr std::size_t kMaxBatch = 64;
// Bytes of all chunks together. Half of what a core's second cache usually holds.
constexpr std::size_t kBuffer = 512 << 10;
constexpr std::size_t kZeros = 32 << 10;

// How often the caller hears of progress, in bytes of its own.
constexpr std::size_t kReportEvery = 4 << 20;

std::size_t BatchSize(const PiecePlan& plan, unsigned threads) {
  const std::size_t chunk = kBuffer / kLanes;
  std::size_t batch = kLanes;
  while (batch < kMaxBatch && plan.piece_length * static_cast<std::int64_t>(batch / kLanes) <
                                  static_cast<std::int64_t>(chunk)) {
    batch *= 2;
  }
  // The last batches should not leave a thread without one.
  const std::size_t share = (plan.piece_count() + threads - 1) / threads;
  return std::max<std::size_t>(1, std::min(batch, share));
}

// What the threads share. Thread-safe.
class HashRun {
 public:
  HashRun(const PiecePlan& all, absl::Span<const ContentFile> of, OnFailure on_failure,
          std::size_t batch_size, PieceHashes& to)
      : plan(all),
        files(of),
        batch(batch_size),
        hashes(to),
        on_failure_(on_failure),
        has_failed_(of.size()) {
    for (const PieceExtent& extent : plan.extents) total_.total_bytes += extent.length;
    total_.total_files = files.size();
    files_ = files.size() - plan.extents.size();
  }

  const PiecePlan& plan;
  const absl::Span<const ContentFile> files;
  const std::size_t batch;
  // Each piece's bytes belong to the thread that took it.
  PieceHashes& hashes;

  // The next pieces for a thread: `count` from `first` on; false when there are none, or it is over.
  bool Take(std::size_t& first, std::size_t& count) {
    if (is_over()) return false;
    first = next_.fetch_add(batch, std::memory_order_relaxed);
    if (first >= plan.piece_count()) return false;
    count = std::min(batch, plan.piece_count() - first);
    return true;
  }

  void Add(const PieceReader::Taken& taken) {
    bytes_.fetch_add(static_cast<std::int64_t>(taken.content), std::memory_order_relaxed);
    if (taken.files_ended > 0) files_.fetch_add(taken.files_ended, std::memory_order_relaxed);
  }
  HashingProgress progress() const {
    HashingProgress progress = total_;
    progress.bytes = bytes_.load(std::memory_order_relaxed);
    progress.files = files_.load(std::memory_order_relaxed);
    return progress;
  }

  // A piece could not be read, or the caller wants no more.
  void Fail(std::size_t piece, std::size_t file, absl::Status status) {
    if (on_failure_ == OnFailure::kStop) return Stop(std::move(status));
    MutexLock lock(&mu_);
    hashes.is_bad[piece] = 1;
    if (has_failed_[file]) return;
    has_failed_[file] = true;
    hashes.failures.emplace_back(file, std::move(status));
  }
  void Stop(absl::Status status) {
    MutexLock lock(&mu_);
    if (status_.ok()) status_ = std::move(status);
    is_over_.store(true, std::memory_order_relaxed);
  }
  bool is_over() const { return is_over_.load(std::memory_order_relaxed); }
  absl::Status status() {
    MutexLock lock(&mu_);
    return status_;
  }

 private:
  const OnFailure on_failure_;
  HashingProgress total_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<std::int64_t> bytes_ = 0;
  std::atomic<std::size_t> files_ = 0;
  std::atomic<bool> is_over_ = false;

  Mutex mu_;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  std::vector<bool> has_failed_ ABSL_GUARDED_BY(mu_);
};

// One thread's readers, hashers and buffers.
class PieceWorker {
 public:
  explicit PieceWorker(HashRun& run)
      : run_(run),
        plan_(run.plan),
        open_(run.files, run.batch + 1),
        zeros_(kZeros),
        readers_(run.batch, PieceReader(run.plan, run.files, open_)),
        chunks_(run.batch),
        leaves_of_each_(plan_.v2 ? static_cast<std::size_t>(plan_.piece_length) / kBlock : 0),
        leaf_counts_(run.batch),
        added_(run.batch) {
    if (plan_.v2) leaves_.resize(run.batch * leaves_of_each_ * kSha256Size);
  }

  // Until nothing is left, or `report`, called every few megabytes, says false.
  template <typename Report>
  void Work(const Report& report) {
    std::size_t first = 0, count = 0, unreported = 0;
    while (run_.Take(first, count)) {
      Begin(first, count);
      while (std::size_t stepped = Step(first, count)) {
        if (run_.is_over()) return;
        unreported += stepped;
        if (unreported < kReportEvery) continue;
        unreported = 0;
        if (!report()) return;
      }
      if (run_.is_over()) return;
      Finish(first, count);
    }
  }

 private:
  void Begin(std::size_t first, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      readers_[i].Begin(first + i);
      leaf_counts_[i] = 0;
    }
    if (plan_.v1 && (sha1_ == nullptr || sha1_->messages() != count)) {
      sha1_ = std::make_unique<ChunkHasher>(HashKind::kSha1, count);
    }
    // Whole blocks; as much as the buffer holds of each.
    chunk_ = std::max<std::size_t>(kBlock, kBuffer / count / kBlock * kBlock);
    buffer_.resize(std::max(buffer_.size(), chunk_ * count));
  }

  // The next chunk of each piece: how many bytes they were together, 0 at the end.
  std::size_t Step(std::size_t first, std::size_t count) {
    std::size_t bytes = 0;
    const auto read_ahead = [&](std::size_t extent, int fd) {
      for (PieceReader& reader : readers_) reader.ReadAhead(extent, fd);
    };
    for (std::size_t i = 0; i < count; ++i) {
      PieceReader& reader = readers_[i];
      const std::size_t size = std::min(chunk_, reader.left());
      PieceReader::Taken taken;
      absl::Status status =
          reader.Next(size, buffer_.data() + i * chunk_, zeros_, taken, read_ahead);
      if (!status.ok()) {
        run_.Fail(first + i, reader.failed_file(), std::move(status));
        if (run_.is_over()) return 0;
      }
      chunks_[i] = taken.chunk;
      bytes += taken.chunk.size();
      run_.Add(taken);
    }
    if (bytes == 0) return 0;
    if (plan_.v1) sha1_->Append(absl::MakeConstSpan(chunks_).subspan(0, count));
    if (plan_.v2) HashBlocks(count);
    return bytes;
  }

  // The leaves of what the chunks have of files.
  void HashBlocks(std::size_t count) {
    blocks_.clear();
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t before = leaf_counts_[i] * kBlock;
      const auto of_file = static_cast<std::size_t>(readers_[i].file_bytes());
      ByteSpan rest = chunks_[i].subspan(0, of_file > before ? of_file - before : 0);
      added_[i] = (rest.size() + kBlock - 1) / kBlock;
      for (; !rest.empty(); rest.remove_prefix(std::min(kBlock, rest.size()))) {
        blocks_.push_back(rest.subspan(0, kBlock));
      }
    }
    digests_.resize(blocks_.size() * kSha256Size);
    sha256_.Hash(blocks_, digests_.data());
    const std::uint8_t* digest = digests_.data();
    for (std::size_t i = 0; i < count; ++i) {
      std::copy_n(digest, added_[i] * kSha256Size,
                  leaves_.data() + (i * leaves_of_each_ + leaf_counts_[i]) * kSha256Size);
      digest += added_[i] * kSha256Size;
      leaf_counts_[i] += added_[i];
    }
  }

  void Finish(std::size_t first, std::size_t count) {
    if (plan_.v1) sha1_->Finish(run_.hashes.v1.data() + first * kSha1Size);
    if (!plan_.v2) return;
    std::uint8_t* node = run_.hashes.v2.data() + first * kSha256Size;
    const bool all_full =
        std::all_of(leaf_counts_.begin(), leaf_counts_.begin() + static_cast<std::ptrdiff_t>(count),
                    [this](std::size_t leaves) { return leaves == leaves_of_each_; });
    if (all_full) {
      tree_.Roots(absl::MakeConstSpan(leaves_).subspan(0, count * leaves_of_each_ * kSha256Size),
                  leaves_of_each_, node);
      return;
    }
    for (std::size_t i = 0; i < count; ++i, node += kSha256Size) {
      if (leaf_counts_[i] == 0) continue;  // could not be read
      const ByteSpan leaves = absl::MakeConstSpan(leaves_).subspan(i * leaves_of_each_ * kSha256Size,
                                                                   leaf_counts_[i] * kSha256Size);
      const Sha256Digest digest = readers_[i].is_whole_file()
                                      ? tree_.Root(leaves, 0)
                                      : tree_.NodeAbove(leaves, 0, PieceLevel(plan_.piece_length));
      std::copy(digest.begin(), digest.end(), node);
    }
  }

  HashRun& run_;
  const PiecePlan& plan_;
  OpenFiles open_;
  const std::vector<std::uint8_t> zeros_;
  std::vector<std::uint8_t> buffer_;  // chunk_ bytes for each piece of the batch
  std::size_t chunk_ = 0;
  std::vector<PieceReader> readers_;
  std::vector<ByteSpan> chunks_;
  std::unique_ptr<ChunkHasher> sha1_;

  Hasher sha256_{HashKind::kSha256};
  MerkleTree tree_;
  const std::size_t leaves_of_each_;
  // For each piece of the batch: how many there are, and how many the last chunk gave.
  std::vector<std::size_t> leaf_counts_;
  std::vector<std::size_t> added_;
  std::vector<std::uint8_t> leaves_;
  std::vector<ByteSpan> blocks_;
  std::vector<std::uint8_t> digests_;
};

// That no file changed, by all threads.
class FinalCheck {
 public:
  FinalCheck(const PiecePlan& plan, absl::Span<const ContentFile> files)
      : plan_(plan), files_(files) {}

  void Work(HashRun& run) {
    constexpr std::size_t kTake = 256;
    for (;;) {
      const std::size_t first = next_.fetch_add(kTake, std::memory_order_relaxed);
      if (first >= plan_.extents.size()) return;
      const std::size_t end = std::min(first + kTake, plan_.extents.size());
      for (std::size_t i = first; i < end; ++i) {
        if (run.is_over()) return;
        const PieceExtent& extent = plan_.extents[i];
        absl::Status status = CheckUnchanged(files_[extent.file]);
        if (status.ok()) continue;
        const auto last = static_cast<std::size_t>((extent.end() - 1) / plan_.piece_length);
        for (auto piece = static_cast<std::size_t>(extent.offset / plan_.piece_length);
             piece <= last; ++piece) {
          run.Fail(piece, extent.file, status);
        }
      }
    }
  }

 private:
  const PiecePlan& plan_;
  const absl::Span<const ContentFile> files_;
  std::atomic<std::size_t> next_ = 0;
};

// Runs `work(index)` on so many threads, 0 being this one; on fewer where the system gives no more.
template <typename Work>
void OnThreads(unsigned threads, const Work& work) {
  std::vector<std::thread> others;
  try {
    for (unsigned i = 1; i < threads; ++i) others.emplace_back(work, i);
  } catch (const std::system_error&) {
  }
  work(0);
  for (std::thread& other : others) other.join();
}

}  // namespace

unsigned ThreadsFor(unsigned wanted) {
  constexpr unsigned kMost = 256;
  return std::clamp(wanted != 0 ? wanted : std::thread::hardware_concurrency(), 1u, kMost);
}

absl::Status HashPieces(const PiecePlan& plan, absl::Span<const ContentFile> files,
                        const HashingOptions& options, OnFailure on_failure, PieceHashes& hashes) {
  const std::size_t pieces = plan.piece_count();
  hashes = {};
  if (plan.v1) hashes.v1.resize(pieces * kSha1Size);
  if (plan.v2) hashes.v2.resize(pieces * kSha256Size);
  if (on_failure == OnFailure::kContinue) hashes.is_bad.resize(pieces);

  const auto wanted = ThreadsFor(options.threads);
  const std::size_t batch = BatchSize(plan, wanted);
  const auto threads =
      static_cast<unsigned>(std::clamp<std::size_t>((pieces + batch - 1) / batch, 1, wanted));
  HashRun run(plan, files, on_failure, batch, hashes);
  const auto report = [&] {
    if (!options.progress || options.progress(run.progress())) return true;
    run.Stop(absl::CancelledError("cancelled"));
    return false;
  };
  FinalCheck check(plan, files);
  OnThreads(threads, [&](unsigned thread) {
    PieceWorker worker(run);
    if (thread == 0) {
      worker.Work(report);
    } else {
      worker.Work([] { return true; });
    }
  });
  if (!run.is_over()) OnThreads(threads, [&](unsigned) { check.Work(run); });
  if (!run.is_over()) report();
  return run.status();
}

}  // namespace muster
