// SPDX-License-Identifier: Apache-2.0
#include "muster/mirror.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "http/request.h"
#include "mirror/mirror_impl.h"

namespace muster {
namespace {

// Reads what an answer's head is followed by, whatever it is made of.
class AnswerBody final : public MirrorBody {
 public:
  explicit AnswerBody(MirrorAnswer answer) : answer_(std::move(answer)) {}

  absl::StatusOr<std::size_t> Read(absl::Span<char> to) override {
    std::size_t filled = 0;
    while (filled < to.size()) {
      const absl::StatusOr<std::size_t> n = ReadSome(to.subspan(filled));
      if (!n.ok()) return n.status();
      if (*n == 0) break;
      filled += *n;
    }
    return filled;
  }

 private:
  // From one of the pieces that the body has; 0 at the end.
  absl::StatusOr<std::size_t> ReadSome(absl::Span<char> to) {
    if (answer_.zeros > 0) {
      const std::size_t n = std::min(to.size(), static_cast<std::size_t>(answer_.zeros));
      std::fill_n(to.data(), n, '\0');
      answer_.zeros -= static_cast<std::int64_t>(n);
      return n;
    }
    while (part_ < answer_.parts.size()) {
      FilePart& part = answer_.parts[part_];
      if (!part.before.empty()) return TakeText(part.before, to);
      if (part.size > 0) return ReadPart(part, to);
      ++part_;
    }
    return TakeText(answer_.text, to);
  }

  static std::size_t TakeText(std::string& text, absl::Span<char> to) {
    const std::size_t n = text.copy(to.data(), to.size());
    text.erase(0, n);
    return n;
  }

  absl::StatusOr<std::size_t> ReadPart(FilePart& part, absl::Span<char> to) const {
    const std::size_t most = std::min(to.size(), static_cast<std::size_t>(part.size));
    ssize_t n;
    do n = ::pread(answer_.file.get(), to.data(), most, part.offset);
    while (n < 0 && errno == EINTR);
    if (n < 0) return absl::ErrnoToStatus(errno, "cannot read the file");
    if (n == 0) return absl::DataLossError("the file has become shorter");
    part.offset += n;
    part.size -= n;
    return static_cast<std::size_t>(n);
  }

  MirrorAnswer answer_;
  std::size_t part_ = 0;
};

MirrorReply ReplyOf(MirrorAnswer answer) {
  MirrorReply reply{.status = answer.status, .headers = {}, .length = answer.length(), .body = {}};
  for (auto& [name, value] : answer.headers) {
    reply.headers.emplace_back(std::string(name), std::move(value));
  }
  if (!answer.is_head && reply.length > 0) {
    reply.body = std::make_unique<AnswerBody>(std::move(answer));
  }
  return reply;
}

bool IsLine(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f);
  });
}

// As it would be on the wire: so there is one way to read it. Empty when it could not be there.
std::string HeadOf(const MirrorQuery& query) {
  if (!IsLine(query.method) || !IsLine(query.target) || !IsLine(query.host)) return "";
  std::string head = absl::StrCat(ToAbsl(query.method), " ", ToAbsl(query.target), " HTTP/1.1\r\n");
  if (!query.host.empty()) absl::StrAppend(&head, "Host: ", ToAbsl(query.host), "\r\n");
  for (const auto& [name, value] : query.headers) {
    if (!IsLine(name) || !IsLine(value)) return "";
    // These follow from the body, as it is there already.
    if (absl::EqualsIgnoreCase(name, "Content-Length") ||
        absl::EqualsIgnoreCase(name, "Transfer-Encoding")) {
      continue;
    }
    absl::StrAppend(&head, name, ": ", value, "\r\n");
  }
  absl::StrAppend(&head, "Content-Length: ", query.body.size(), "\r\n\r\n");
  return head;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Mirror>> Mirror::Create(const MirrorOptions& options, Instant now) {
  if (options.workers == 0)
    return absl::InvalidArgumentError("workers: there must be one at least");
  auto impl = std::make_unique<Impl>();
  absl::StatusOr<std::unique_ptr<WorkPool>> pool = WorkPool::Start(options.workers);
  if (!pool.ok()) return pool.status();
  absl::StatusOr<std::unique_ptr<MirrorService>> service = MirrorService::Create(
      options, [pool = pool->get()](std::function<void()> work) { pool->Run(std::move(work)); },
      now);
  if (!service.ok()) return service.status();
  impl->service = *std::move(service);
  impl->pool = *std::move(pool);
  return std::unique_ptr<Mirror>(new Mirror(std::move(impl)));
}

Mirror::Mirror(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Mirror::~Mirror() = default;

void Mirror::Answer(const MirrorQuery& query, Instant now, std::function<void(MirrorReply)> done) {
  const std::string head = HeadOf(query);
  // What is too long is refused by the service.
  HttpRequestParser parser(
      {.max_request_bytes = head.size() + 1, .max_body_bytes = query.body.size() + 1});
  if (head.empty() || parser.Parse(head) != HttpRequestParser::Result::kDone ||
      parser.consumed() != head.size()) {
    return done(ReplyOf(TextAnswer(400, "a malformed request")));
  }
  parser.SetBody(query.body);
  impl_->service->Answer(
      parser.request(), query.may_see_pages, now,
      [done = std::move(done)](MirrorAnswer answer) { done(ReplyOf(std::move(answer))); });
}

absl::Status Mirror::HashAhead(absl::Span<const std::string> patterns, Instant now) {
  return impl_->service->HashAhead(patterns, now);
}

void Mirror::Stop() { impl_->service->Stop(); }
void Mirror::CleanCaches(Instant now) { impl_->service->CleanCaches(now); }
absl::Status Mirror::cache_status() const { return impl_->service->cache_status(); }
absl::Status Mirror::LookAtTrackers(Instant now) { return impl_->service->LookAtTrackers(now); }
std::size_t Mirror::tracker_count(Instant now) { return impl_->service->tracker_count(now); }
MirrorStatistics Mirror::Statistics() { return impl_->service->Statistics(); }

}  // namespace muster
