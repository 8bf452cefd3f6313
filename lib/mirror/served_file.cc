// SPDX-License-Identifier: Apache-2.0
#include "mirror/served_file.h"

#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/hex.h"
#include "base/text.h"
#include "metainfo/digest.h"
#include "mirror/path_spec.h"

namespace muster {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;

std::string ContentRange(const ByteRange& range, std::int64_t size) {
  return absl::StrCat("bytes ", range.first, "-", range.first + range.size - 1, "/", size);
}

// The head of an answer of which there are `size` bytes.
MirrorAnswer Begin(const Selection& selection, const std::string& etag, Instant modified,
                   std::int64_t size) {
  if (selection.status == 412) return TextAnswer(412, "it has changed");
  if (selection.status == 416) {
    MirrorAnswer answer = TextAnswer(416, "no such range");
    answer.headers.emplace_back("Content-Range", absl::StrCat("bytes */", size));
    return answer;
  }
  MirrorAnswer answer{.status = selection.status};
  answer.headers.emplace_back("ETag", etag);
  answer.headers.emplace_back("Last-Modified", HttpDate(modified));
  answer.headers.emplace_back("Accept-Ranges", "bytes");
  return answer;
}

// What of the file is sent, and the headers that say so. Several ranges are put into one body as
// RFC 9110, 14.6 has it; the text between them begins with what no file is likely to have.
void AddParts(const std::vector<ByteRange>& ranges, const std::string& etag, std::int64_t size,
              MirrorAnswer& answer) {
  constexpr std::string_view kType = "application/octet-stream";
  if (ranges.size() == 1) {
    if (answer.status == 206) {
      answer.headers.emplace_back("Content-Range", ContentRange(ranges[0], size));
    }
    answer.headers.emplace_back("Content-Type", kType);
    answer.parts.push_back({"", ranges[0].first, ranges[0].size});
    return;
  }
  const std::string boundary = HexEncode(Sha1Of(etag));
  answer.headers.emplace_back("Content-Type",
                              absl::StrCat("multipart/byteranges; boundary=", boundary));
  for (const ByteRange& range : ranges) {
    answer.parts.push_back(
        {absl::StrCat("\r\n--", boundary, "\r\nContent-Type: ", ToAbsl(kType),
                      "\r\nContent-Range: ", ContentRange(range, size), "\r\n\r\n"),
         range.first, range.size});
  }
  answer.text = absl::StrCat("\r\n--", boundary, "--\r\n");
}

bool HasBody(const MirrorAnswer& answer) { return answer.status == 200 || answer.status == 206; }

MirrorAnswer AnswerWith(absl::StatusOr<RootFile> file, const FileConditions& conditions) {
  if (!file.ok()) return ErrorAnswer(file.status());
  const FileIdentity& identity = file->identity;
  // Without the inode, which another mirror of the same files does not share.
  const std::string etag =
      absl::StrCat("\"", absl::Hex(identity.modified_ns), "-", absl::Hex(identity.size), "\"");
  const std::int64_t seconds =
      (identity.modified_ns - (identity.modified_ns < 0 ? kNanoseconds - 1 : 0)) / kNanoseconds;
  const Instant modified = InstantFromUnixSeconds(seconds);
  const Selection selection = Select(conditions, etag, modified, identity.size);
  MirrorAnswer answer = Begin(selection, etag, modified, identity.size);
  if (!HasBody(answer)) return answer;
  AddParts(selection.ranges, etag, identity.size, answer);
  answer.body = MirrorAnswer::Body::kFile;
  answer.file = std::move(file->fd);
  return answer;
}

}  // namespace

MirrorAnswer ServeFile(const Root& root, const std::string& path,
                       const FileConditions& conditions) {
  // What cannot be there is not.
  const absl::StatusOr<PathSpec> spec = PathSpec::Parse(path);
  if (!spec.ok()) return TextAnswer(404, "nothing is here");
  return AnswerWith(root.OpenFile(spec->text()), conditions);
}

std::optional<MirrorAnswer> ServeFileAtHand(const Root& root, const std::string& path,
                                            const FileConditions& conditions) {
  const absl::StatusOr<PathSpec> spec = PathSpec::Parse(path);
  if (!spec.ok()) return TextAnswer(404, "nothing is here");
  absl::StatusOr<RootFile> file = root.OpenFileAtHand(spec->text());
  if (absl::IsUnavailable(file.status())) return std::nullopt;
  return AnswerWith(std::move(file), conditions);
}

MirrorAnswer ServeZeros(std::int64_t size, std::int64_t max_size, const FileConditions& conditions,
                        Instant now) {
  if (size > max_size) return TextAnswer(403, "larger than padding can be");
  // They never change.
  const std::string etag = absl::StrCat("\"zeros-", size, "\"");
  const Instant modified = InstantFromUnixSeconds(0);
  Selection selection = Select(conditions, etag, modified, size);
  if (selection.ranges.size() > 1) selection = {200, {{0, size}}};
  MirrorAnswer answer = Begin(selection, etag, modified, size);
  if (answer.status != 304 && !HasBody(answer)) return answer;
  constexpr Seconds kDay(86400);
  answer.headers.emplace_back("Cache-Control", absl::StrCat("max-age=", kDay.count()));
  answer.headers.emplace_back("Expires", HttpDate(now + kDay));
  if (!HasBody(answer)) return answer;
  if (answer.status == 206) {
    answer.headers.emplace_back("Content-Range", ContentRange(selection.ranges[0], size));
  }
  answer.headers.emplace_back("Content-Type", "application/octet-stream");
  answer.headers.emplace_back("Content-Transfer-Encoding", "binary");
  answer.headers.emplace_back("Content-Disposition", "attachment;");
  answer.body = MirrorAnswer::Body::kZeros;
  answer.zeros = selection.ranges[0].size;
  return answer;
}

}  // namespace muster
