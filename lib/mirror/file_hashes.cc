// SPDX-License-Identifier: Apache-2.0
#include "mirror/file_hashes.h"

#include "muster/bencode.h"

namespace muster {
namespace {

constexpr std::int64_t kFormat = 1;

// Nothing, or so many digests of a size.
bool IsNoneOr(std::string_view text, std::int64_t count, std::size_t size) {
  return text.empty() ||
         (text.size() % size == 0 && static_cast<std::int64_t>(text.size() / size) == count);
}

}  // namespace

std::string FileHashes::Encode() const {
  std::string bytes;
  BencodeWriter writer(&bytes);
  writer.BeginDict();
  writer.Key("device").Int(static_cast<std::int64_t>(identity.device));
  writer.Key("format").Int(kFormat);
  writer.Key("inode").Int(static_cast<std::int64_t>(identity.inode));
  writer.Key("modified").Int(identity.modified_ns);
  writer.Key("piece length").Int(piece_length);
  writer.Key("root").String(root);
  writer.Key("size").Int(identity.size);
  writer.Key("tail").String(v1_tail);
  writer.Key("v1").String(v1);
  writer.Key("v2").String(v2);
  writer.End();
  // Nothing of it can be wrong.
  writer.Finish().IgnoreError();
  return bytes;
}

absl::StatusOr<FileHashes> FileHashes::Decode(std::string_view bytes) {
  BencodeDocument document;
  if (absl::Status status = document.Decode(bytes); !status.ok()) return status;
  const BencodeView root = document.root();
  FileHashes hashes;
  hashes.identity.device = static_cast<dev_t>(root.Find("device").IntOr(0));
  hashes.identity.inode = static_cast<ino_t>(root.Find("inode").IntOr(0));
  hashes.identity.modified_ns = root.Find("modified").IntOr(0);
  hashes.identity.size = root.Find("size").IntOr(-1);
  hashes.piece_length = root.Find("piece length").IntOr(0);
  hashes.root = root.Find("root").StringOr("");
  hashes.v1 = root.Find("v1").StringOr("");
  hashes.v1_tail = root.Find("tail").StringOr("");
  hashes.v2 = root.Find("v2").StringOr("");
  if (root.Find("format").IntOr(0) != kFormat || hashes.length() < 0 || hashes.piece_length <= 0 ||
      !IsNoneOr(hashes.v1, hashes.piece_count(), kSha1Size) ||
      !IsNoneOr(hashes.v1_tail, 1, kSha1Size) ||
      !IsNoneOr(hashes.v2, hashes.piece_count(), kSha256Size) ||
      !IsNoneOr(hashes.root, 1, kSha256Size)) {
    return absl::InvalidArgumentError("not the hashes of a file");
  }
  return hashes;
}

}  // namespace muster
