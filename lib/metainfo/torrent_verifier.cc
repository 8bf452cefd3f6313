// SPDX-License-Identifier: Apache-2.0
#include "muster/torrent_verifier.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "metainfo/content.h"
#include "metainfo/digest.h"
#include "metainfo/merkle.h"
#include "metainfo/piece_hasher.h"
#include "metainfo/tree_walk.h"

namespace muster {
namespace {

class Verifier {
 public:
  Verifier(const Metainfo& torrent, const std::string& path) : torrent_(torrent), path_(path) {}

  absl::StatusOr<VerifyReport> Verify(const HashingOptions& options) {
    report_.files.resize(torrent_.files().size());
    FindFiles();
    absl::Status status = HashPieces(plan_, files_, options, OnFailure::kContinue, hashes_);
    if (!status.ok()) return status;
    for (const auto& [file, why] : hashes_.failures) BlameFile(index_[file], why);
    report_.pieces.resize(torrent_.piece_count(), true);
    if (plan_.v1) CompareV1();
    if (plan_.v2) CompareV2();
    for (std::size_t i = 0; i < report_.pieces.size(); ++i) {
      if (hashes_.is_bad[i] != 0) report_.pieces[i] = false;
      report_.good_pieces += report_.pieces[i] ? 1 : 0;
    }
    for (std::size_t i = 0; i < report_.files.size(); ++i) JudgeFile(i);
    return std::move(report_);
  }

 private:
  // Fills files_ and plan_, and says what can be said without reading.
  void FindFiles() {
    plan_.v1 = torrent_.has_v1();
    plan_.v2 = torrent_.has_v2();
    plan_.piece_length = torrent_.piece_length();
    plan_.total_length = torrent_.total_length();
    for (std::size_t i = 0; i < torrent_.files().size(); ++i) {
      const MetainfoFile& file = torrent_.files()[i];
      if (file.is_pad) continue;
      const std::string path = torrent_.is_single_file() ? path_ : path_ + "/" + file.PathText();
      if (file.is_symlink) {
        CheckLink(i, path);
        continue;
      }
      absl::StatusOr<ContentFile> found = FileOnDisk(path);
      ContentFile content;
      if (found.ok()) {
        content = *std::move(found);
        report_.files[i].size = content.length;
        if (content.length != file.length) Blame(i, FileState::kWrongSize, path);
      } else {
        content.disk_path = path;
        BlameFile(i, found.status());
      }
      content.length = file.length;
      if (file.length > 0) plan_.extents.push_back({file.offset, file.length, files_.size()});
      files_.push_back(std::move(content));
      index_.push_back(i);
    }
  }

  void CheckLink(std::size_t index, const std::string& path) {
    const MetainfoFile& file = torrent_.files()[index];
    std::string text(4096, '\0');
    const ssize_t size = ::readlink(path.c_str(), text.data(), text.size());
    if (size < 0) {
      if (errno == EINVAL) {
        return Blame(index, FileState::kDamaged, path + ": not a symbolic link");
      }
      return BlameFile(index, SystemError(path, errno));
    }
    text.resize(static_cast<std::size_t>(size));
    std::string wanted;
    for (const std::string_view name : file.symlink_path) {
      if (!wanted.empty()) wanted += '/';
      wanted += name;
    }
    if (LinkTarget(file.PathText(), text) != wanted) {
      Blame(index, FileState::kDamaged, path + ": a symbolic link to something else");
    }
  }

  void Blame(std::size_t file, FileState state, std::string_view why) {
    VerifiedFile& verified = report_.files[file];
    if (verified.state != FileState::kGood) return;
    verified.state = state;
    verified.why = why;
  }
  void BlameFile(std::size_t file, const absl::Status& status) {
    Blame(file, absl::IsNotFound(status) ? FileState::kMissing : FileState::kUnreadable,
          std::string_view(status.message().data(), status.message().size()));
  }

  void CompareV1() {
    const std::string_view wanted = torrent_.v1_pieces();
    const std::string_view found = TextOf(hashes_.v1);
    for (std::size_t i = 0; i < report_.pieces.size(); ++i) {
      if (wanted.substr(i * kSha1Size, kSha1Size) != found.substr(i * kSha1Size, kSha1Size)) {
        report_.pieces[i] = false;
      }
    }
  }

  void CompareV2() {
    MerkleTree tree;
    const std::string_view nodes = TextOf(hashes_.v2);
    for (const PieceExtent& extent : plan_.extents) {
      const MetainfoFile& file = torrent_.files()[index_[extent.file]];
      const std::size_t first = FirstPiece(file), count = EndPiece(file) - first;
      const std::string_view found = nodes.substr(first * kSha256Size, count * kSha256Size);
      if (count > 1 && file.piece_layer.size() == found.size()) {
        for (std::size_t i = 0; i < count; ++i) {
          const std::size_t at = i * kSha256Size;
          if (found.substr(at, kSha256Size) == file.piece_layer.substr(at, kSha256Size)) continue;
          report_.pieces[first + i] = false;
        }
        continue;
      }
      // One piece; or many without a layer, which are good or bad together.
      const Sha256Digest root =
          tree.Root(BytesOf(found), count == 1 ? 0 : PieceLevel(plan_.piece_length));
      if (TextOf(root) == file.pieces_root) continue;
      for (std::size_t i = 0; i < count; ++i) report_.pieces[first + i] = false;
    }
  }

  std::size_t FirstPiece(const MetainfoFile& file) const {
    return static_cast<std::size_t>(file.offset / plan_.piece_length);
  }
  std::size_t EndPiece(const MetainfoFile& file) const {
    return static_cast<std::size_t>((file.offset + file.length - 1) / plan_.piece_length) + 1;
  }

  void JudgeFile(std::size_t index) {
    const MetainfoFile& file = torrent_.files()[index];
    if (file.is_pad || file.length == 0) return;
    VerifiedFile& verified = report_.files[index];
    for (std::size_t i = FirstPiece(file); i < EndPiece(file); ++i) {
      if (report_.pieces[i]) {
        const std::int64_t begin = static_cast<std::int64_t>(i) * plan_.piece_length;
        const std::int64_t end = begin + std::min(plan_.piece_length, plan_.total_length - begin);
        verified.good_bytes +=
            std::min(end, file.offset + file.length) - std::max(begin, file.offset);
      } else if (hashes_.is_bad[i] == 0 && verified.state == FileState::kUnproven) {
        verified.state = FileState::kDamaged;
      } else if (verified.state == FileState::kGood) {
        verified.state = hashes_.is_bad[i] != 0 ? FileState::kUnproven : FileState::kDamaged;
      }
    }
    report_.good_bytes += verified.good_bytes;
  }

  const Metainfo& torrent_;
  const std::string path_;
  std::vector<ContentFile> files_;
  std::vector<std::size_t> index_;  // in the torrent's files, of each of files_
  PiecePlan plan_;
  PieceHashes hashes_;
  VerifyReport report_;
};

}  // namespace

absl::StatusOr<VerifyReport> VerifyTorrent(const Metainfo& torrent, const std::string& path,
                                           const HashingOptions& options) {
  return Verifier(torrent, path).Verify(options);
}

}  // namespace muster
