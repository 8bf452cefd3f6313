// SPDX-License-Identifier: Apache-2.0
#include "mirror/served_file.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "mirror/conditions.h"
#include "mirror/path_spec.h"

namespace muster {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;

// The head of an answer that has `size` bytes, and which of them it sends.
MirrorAnswer Begin(const HttpRequest& request, const std::string& etag, Instant modified,
                   std::int64_t size) {
  const Selection selection = Select(request, etag, modified, size);
  if (selection.status == 412) return TextAnswer(412, "it has changed");
  MirrorAnswer answer = selection.status == 416 ? TextAnswer(416, "no such range") : MirrorAnswer();
  answer.status = selection.status;
  if (selection.status != 200 && selection.status != 304) {
    answer.headers.emplace_back(
        "Content-Range",
        selection.status == 416
            ? absl::StrCat("bytes */", size)
            : absl::StrCat("bytes ", selection.range.first, "-",
                           selection.range.first + selection.range.size - 1, "/", size));
  }
  if (selection.status == 416) return answer;
  answer.headers.emplace_back("ETag", etag);
  answer.headers.emplace_back("Last-Modified", HttpDate(modified));
  answer.headers.emplace_back("Accept-Ranges", "bytes");
  answer.range = selection.range;
  return answer;
}

bool HasBody(const MirrorAnswer& answer) { return answer.status == 200 || answer.status == 206; }

}  // namespace

MirrorAnswer ServeFile(const Root& root, const std::string& path, const HttpRequest& request) {
  // What cannot be there is not.
  absl::StatusOr<PathSpec> spec = PathSpec::Parse(path);
  if (!spec.ok()) return TextAnswer(404, "nothing is here");
  absl::StatusOr<RootFile> file = root.OpenFile(spec->text());
  if (!file.ok()) return ErrorAnswer(file.status());
  const FileIdentity& identity = file->identity;
  // Without the inode, which another mirror of the same files does not share.
  const std::string etag =
      absl::StrCat("\"", absl::Hex(identity.modified_ns), "-", absl::Hex(identity.size), "\"");
  const std::int64_t seconds =
      (identity.modified_ns - (identity.modified_ns < 0 ? kNanoseconds - 1 : 0)) / kNanoseconds;
  MirrorAnswer answer = Begin(request, etag, InstantFromUnixSeconds(seconds), identity.size);
  if (!HasBody(answer)) return answer;
  answer.headers.emplace_back("Content-Type", "application/octet-stream");
  answer.body = MirrorAnswer::Body::kFile;
  answer.file = std::move(file->fd);
  return answer;
}

MirrorAnswer ServeZeros(std::int64_t size, std::int64_t max_size, const HttpRequest& request,
                        Instant now) {
  if (size > max_size) return TextAnswer(403, "larger than padding can be");
  // They never change.
  MirrorAnswer answer =
      Begin(request, absl::StrCat("\"zeros-", size, "\""), InstantFromUnixSeconds(0), size);
  if (answer.status != 304 && !HasBody(answer)) return answer;
  constexpr Seconds kDay(86400);
  answer.headers.emplace_back("Cache-Control", absl::StrCat("max-age=", kDay.count()));
  answer.headers.emplace_back("Expires", HttpDate(now + kDay));
  if (!HasBody(answer)) return answer;
  answer.headers.emplace_back("Content-Type", "application/octet-stream");
  answer.headers.emplace_back("Content-Transfer-Encoding", "binary");
  answer.headers.emplace_back("Content-Disposition", "attachment;");
  answer.body = MirrorAnswer::Body::kZeros;
  return answer;
}

}  // namespace muster
