// SPDX-License-Identifier: Apache-2.0
#include "muster/metainfo.h"

#include <bit>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/hex.h"
#include "metainfo/data.h"
#include "metainfo/digest.h"
#include "metainfo/faults.h"
#include "metainfo/file_table.h"
#include "metainfo/merkle.h"
#include "metainfo/names.h"
#include "metainfo/outside.h"

namespace muster {
namespace {

constexpr Where kInfo{.base = "info"};

// Reads a torrent into `data`, which has its bytes already.
class TorrentReader {
 public:
  TorrentReader(const MetainfoOptions& options, MetainfoData& data)
      : options_(options),
        data_(data),
        faults_(options.strict, &data.remarks),
        table_(options.limits, data, faults_) {}

  absl::Status Read() {
    BencodeDocument document;
    absl::Status decoded =
        document.Decode(data_.bytes, options_.strict ? BencodeMode::kStrict : BencodeMode::kLenient,
                        options_.limits.bencode);
    if (!decoded.ok()) return decoded;
    const BencodeView torrent = document.root();
    info_ = torrent.Find("info");
    const bool ok = ReadFrame(document) && ReadKind() && ReadBasics() && ReadFiles() &&
                    ReadPieces() &&
                    (!has_v2_ || ReadPieceLayers(torrent, data_.piece_length, table_, faults_)) &&
                    ReadOutside(torrent, info_, data_, faults_) && table_.ResolveCollisions();
    if (!ok) return faults_.status();
    table_.Finish();
    return absl::OkStatus();
  }

 private:
  bool Fail(std::string_view key, std::string_view what, BencodeView at) {
    return faults_.Fail(kInfo.Key(key), what, at.offset());
  }
  bool Deviates(std::string_view key, std::string_view what, BencodeView at) {
    return faults_.Deviates(kInfo.Key(key), what, at.offset());
  }

  bool ReadFrame(const BencodeDocument& document) {
    const Where torrent{.base = "torrent"};
    if (document.root().type() != BencodeType::kDict) {
      return faults_.Fail(torrent, "not a dictionary", 0);
    }
    if (!info_) return faults_.Fail(kInfo, "missing", 0);
    if (info_.type() != BencodeType::kDict) {
      return faults_.Fail(kInfo, "not a dictionary", info_.offset());
    }
    if (document.size() < data_.bytes.size() &&
        !faults_.Deviates(torrent, "bytes after its end", document.size())) {
      return false;
    }
    if (!document.root().is_canonical() &&
        !faults_.Deviates(torrent, "not canonical bencoding", 0)) {
      return false;
    }
    data_.info_bytes = info_.source();
    return true;
  }

  // Which of the two kinds of torrent it is, or both.
  bool ReadKind() {
    const BencodeView version = info_.Find("meta version");
    const BencodeView tree = info_.Find("file tree");
    has_v2_ = version.AsInt() == 2;
    if (version.IntOr(0) > 2) return Fail("meta version", "a version that nobody knows", version);
    if (version && !has_v2_ && !Deviates("meta version", "not 2", version)) return false;
    if (has_v2_ && tree.type() != BencodeType::kDict) {
      return Fail("file tree", tree ? "not a dictionary" : "missing", tree ? tree : info_);
    }
    if (!has_v2_ && tree) return Fail("meta version", "missing beside a file tree", info_);

    const BencodeView pieces = info_.Find("pieces");
    const BencodeView files = info_.Find("files") ? info_.Find("files") : info_.Find("length");
    has_v1_ = !has_v2_ || (pieces && files);
    if (!has_v1_ && (pieces || files) &&
        !Deviates(pieces ? "pieces" : "files", "half of what makes a hybrid",
                  pieces ? pieces : files)) {
      return false;
    }

    if (has_v1_) data_.info_hashes.v1 = InfoHash::FromBytes(Sha1Of(data_.info_bytes).data());
    if (has_v2_) data_.info_hashes.v2 = InfoHashV2::FromBytes(Sha256Of(data_.info_bytes).data());
    return true;
  }

  bool ReadBasics() {
    if (!ReadName()) return false;
    const BencodeView length = info_.Find("piece length");
    if (length.type() != BencodeType::kInt) {
      return Fail("piece length", length ? "not a number" : "missing", length ? length : info_);
    }
    data_.piece_length = length.IntOr(0);
    if (data_.piece_length <= 0) return Fail("piece length", "not positive", length);
    if (data_.piece_length > options_.limits.max_piece_length) {
      return Fail("piece length", absl::StrCat("more than ", options_.limits.max_piece_length),
                  length);
    }
    if (has_v2_ && data_.piece_length < kBlockSize) {
      return Fail("piece length", "less than 16384 in a v2 torrent", length);
    }
    if (has_v2_ && !std::has_single_bit(static_cast<std::uint64_t>(data_.piece_length))) {
      return Fail("piece length", "not a power of two in a v2 torrent", length);
    }

    bool ok = true;
    const BencodeView is_private =
        FindTyped(info_, "private", BencodeType::kInt, kInfo, faults_, ok);
    data_.is_private = is_private.IntOr(0) != 0;
    if (data_.is_private && is_private.IntOr(0) != 1) {
      ok = Deviates("private", "neither 0 nor 1", is_private) && ok;
    }
    data_.source =
        FindTyped(info_, "source", BencodeType::kString, kInfo, faults_, ok).StringOr("");
    return ok;
  }

  bool ReadName() {
    bool ok = true;
    BencodeView name = FindTyped(info_, "name.utf-8", BencodeType::kString, kInfo, faults_, ok);
    if (!name) name = FindTyped(info_, "name", BencodeType::kString, kInfo, faults_, ok);
    if (!ok) return false;
    if (!name) return Fail("name", "missing", info_);
    data_.name = name.StringOr("");
    const char* fault = NameFault(data_.name, options_.limits.max_name_size);
    if (fault == nullptr) return true;
    if (!Deviates("name", absl::StrCat(fault, ": ", Quoted(data_.name)), name)) return false;
    std::string mended = MendedName(data_.name, options_.limits.max_name_size);
    if (mended.empty()) {
      mended = data_.info_hashes.v1 ? data_.info_hashes.v1->ToHex() : data_.info_hashes.v2->ToHex();
    }
    data_.name = table_.Make(std::move(mended));
    return true;
  }

  bool ReadFiles() {
    if (!has_v2_) {
      data_.is_single_file = !info_.Find("files");
      return ReadFileList(info_, data_.name, table_, faults_);
    }
    const BencodeView tree = info_.Find("file tree");
    if (!has_v1_) {
      if (!ReadFileTree(tree, data_.piece_length, table_, faults_)) return false;
      // One file and no folder beside or around it. Its own name counts: `name` is an advice in v2.
      auto entry = tree.entries().begin();
      const BencodeEntry first = *entry;
      const BencodeView file = first.value.Find("");
      data_.is_single_file = file && ++entry == std::default_sentinel;
      if (data_.is_single_file) data_.name = table_.names[table_.files[0].path.begin];
      return true;
    }
    FileTable from_tree(options_.limits, data_, faults_);
    data_.is_single_file = !info_.Find("files");
    return ReadFileTree(tree, data_.piece_length, from_tree, faults_) &&
           ReadFileList(info_, data_.name, table_, faults_) &&
           JoinHybrid(from_tree, data_.piece_length, table_, faults_);
  }

  bool ReadPieces() {
    const std::int64_t piece_length = data_.piece_length;
    std::uint64_t count = 0;
    if (has_v1_) {
      const MetainfoFile& last = table_.files.back().file;
      count = CountPieces(last.offset + last.length);
    } else {
      for (const FileDraft& draft : table_.files) count += CountPieces(draft.file.length);
    }
    if (count > options_.limits.max_pieces) {
      return faults_.Fail(kInfo,
                          absl::StrCat("more than ", options_.limits.max_pieces, " pieces of ",
                                       piece_length, " bytes"),
                          info_.offset());
    }
    data_.piece_count = static_cast<std::size_t>(count);
    if (!has_v1_) return true;

    const BencodeView pieces = info_.Find("pieces");
    if (pieces.type() != BencodeType::kString) {
      return Fail("pieces", pieces ? "not a string" : "missing", pieces ? pieces : info_);
    }
    data_.v1_pieces = pieces.StringOr("");
    constexpr std::size_t kHash = std::tuple_size_v<Sha1Digest>;
    if (data_.v1_pieces.size() % kHash != 0) return Fail("pieces", "not 20 bytes each", pieces);
    if (data_.v1_pieces.size() / kHash != data_.piece_count) {
      return Fail("pieces",
                  absl::StrCat(data_.v1_pieces.size() / kHash, " hashes for ", data_.piece_count,
                               " pieces"),
                  pieces);
    }
    return true;
  }

  std::uint64_t CountPieces(std::int64_t length) const {
    return length == 0 ? 0 : static_cast<std::uint64_t>((length - 1) / data_.piece_length) + 1;
  }

  const MetainfoOptions& options_;
  MetainfoData& data_;
  Faults faults_;
  FileTable table_;
  BencodeView info_;
  bool has_v1_ = false;
  bool has_v2_ = false;
};

}  // namespace

std::string MetainfoFile::PathText() const {
  std::string text;
  for (const std::string_view name : path) {
    if (!text.empty()) text.push_back('/');
    text.append(name);
  }
  return text;
}

absl::StatusOr<Metainfo> Metainfo::Parse(std::string bytes, const MetainfoOptions& options) {
  auto data = std::make_shared<MetainfoData>();
  data->bytes = std::move(bytes);
  const absl::Status status = TorrentReader(options, *data).Read();
  if (!status.ok()) return status;
  return Metainfo(std::move(data));
}

Metainfo::Metainfo(std::shared_ptr<const MetainfoData> data) : data_(std::move(data)) {}

std::string_view Metainfo::bytes() const { return data_->bytes; }
std::string_view Metainfo::info_bytes() const { return data_->info_bytes; }
const InfoHashes& Metainfo::info_hashes() const { return data_->info_hashes; }
absl::Span<const std::string> Metainfo::remarks() const { return data_->remarks; }
std::string_view Metainfo::name() const { return data_->name; }
bool Metainfo::is_single_file() const { return data_->is_single_file; }
absl::Span<const MetainfoFile> Metainfo::files() const { return data_->files; }
std::int64_t Metainfo::content_length() const { return data_->content_length; }
std::int64_t Metainfo::total_length() const { return data_->total_length; }
std::int64_t Metainfo::piece_length() const { return data_->piece_length; }
std::size_t Metainfo::piece_count() const { return data_->piece_count; }
std::string_view Metainfo::v1_pieces() const { return data_->v1_pieces; }
bool Metainfo::is_private() const { return data_->is_private; }
std::string_view Metainfo::source() const { return data_->source; }
const std::vector<std::vector<std::string_view>>& Metainfo::trackers() const {
  return data_->trackers;
}
bool Metainfo::has_announce_list() const { return data_->has_announce_list; }
std::string_view Metainfo::announce() const { return data_->announce; }
absl::Span<const std::string_view> Metainfo::web_seeds() const { return data_->web_seeds; }
absl::Span<const std::string_view> Metainfo::http_seeds() const { return data_->http_seeds; }
absl::Span<const HostPort> Metainfo::nodes() const { return data_->nodes; }
std::string_view Metainfo::comment() const { return data_->comment; }
std::string_view Metainfo::created_by() const { return data_->created_by; }
std::optional<std::int64_t> Metainfo::creation_date() const { return data_->creation_date; }
std::string_view Metainfo::encoding() const { return data_->encoding; }
absl::Span<const InfoHash> Metainfo::similar() const { return data_->similar; }
absl::Span<const std::string_view> Metainfo::collections() const { return data_->collections; }

}  // namespace muster
