// SPDX-License-Identifier: Apache-2.0
#include "muster-torrentd/given_hashes.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "musterd/text.h"

namespace torrentd {

absl::Status GivenHashes::OpenFile(const std::string& path) {
  file_.reset(std::fopen(path.c_str(), "a+be"));
  const auto cannot = [&path] {
    return musterd::Invalid({"hash-list: ", musterd::Quoted(path), ": ", std::strerror(errno)});
  };
  if (file_ == nullptr) return cannot();
  std::rewind(file_.get());
  muster::HashListReader reader;
  std::array<char, 64 * 1024> bytes;
  char last = '\n';
  for (std::size_t n; (n = std::fread(bytes.data(), 1, bytes.size(), file_.get())) > 0;) {
    reader.Add({bytes.data(), n});
    last = bytes[n - 1];
  }
  if (std::ferror(file_.get())) return cannot();
  // A line that was cut off stays one of its own.
  if (last != '\n') std::fputc('\n', file_.get());
  for (const muster::InfoHash& hash : std::move(reader).Finish().hashes) given_.insert(hash);
  return absl::OkStatus();
}

void GivenHashes::Feed(muster::HashList* list) {
  const std::lock_guard<std::mutex> lock(mu_);
  list->Replace({given_.begin(), given_.end()});
  list_ = list;
}

void GivenHashes::Add(const muster::InfoHashes& hashes, std::string_view name) {
  std::string plain(name);
  std::replace_if(
      plain.begin(), plain.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  const auto add = [&](const muster::InfoHash& hash) {
    if (!given_.insert(hash).second) return;
    if (list_ != nullptr) list_->Change({{{hash, true}}});
    if (file_ == nullptr) return;
    std::fprintf(file_.get(), "%s # %s\n", hash.ToHex().c_str(), plain.c_str());
    std::fflush(file_.get());
  };
  const std::lock_guard<std::mutex> lock(mu_);
  if (hashes.v1) add(*hashes.v1);
  if (hashes.v2) add(hashes.v2->Truncated());
}

}  // namespace torrentd
