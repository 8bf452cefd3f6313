// SPDX-License-Identifier: Apache-2.0
#include "muster/mirror.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "http/request.h"
#include "mirror/mirror_impl.h"

namespace muster {
namespace {

// An answer's body for who asks for it bit by bit. Whoever reads waits for the disk himself.
class AnswerBody final : public MirrorBody {
 public:
  explicit AnswerBody(std::unique_ptr<HttpBody> body) : body_(std::move(body)) {}

  absl::StatusOr<std::size_t> Read(absl::Span<char> to) override {
    std::size_t filled = 0;
    while (filled < to.size()) {
      if (taken_ == made_.size() && !MakeMore(to.size() - filled)) break;
      const std::size_t n = made_.copy(to.data() + filled, to.size() - filled, taken_);
      taken_ += n;
      filled += n;
    }
    if (filled == 0 && progress_ == HttpBody::Progress::kFailed) {
      return absl::DataLossError("the file has become shorter, or cannot be read");
    }
    return filled;
  }

 private:
  // False at the end.
  bool MakeMore(std::size_t size) {
    made_.clear();
    taken_ = 0;
    while (made_.empty() && progress_ == HttpBody::Progress::kMore) {
      progress_ = body_->Produce(size, made_);
    }
    return !made_.empty();
  }

  const std::unique_ptr<HttpBody> body_;
  HttpBody::Progress progress_ = HttpBody::Progress::kMore;
  std::string made_;
  std::size_t taken_ = 0;
};

// A text that is all there.
class TextBody final : public HttpBody {
 public:
  explicit TextBody(std::string text) : text_(std::move(text)) {}
  Progress Produce(std::size_t /*budget*/, std::string& out) override {
    out += text_;
    return Progress::kEnd;
  }

 private:
  const std::string text_;
};

MirrorReply ReplyOf(MirrorAnswer answer) {
  MirrorReply reply{.status = answer.status, .headers = {}, .length = answer.length(), .body = {}};
  for (auto& [name, value] : answer.headers) {
    reply.headers.emplace_back(std::string(name), std::move(value));
  }
  if (answer.is_head || reply.length == 0) return reply;
  std::unique_ptr<HttpBody> body = answer.TakeBody(nullptr);
  if (body == nullptr) body = std::make_unique<TextBody>(std::move(answer.text));
  reply.body = std::make_unique<AnswerBody>(std::move(body));
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
  if (options.workers == 0 || options.readers == 0) {
    return absl::InvalidArgumentError("workers and readers: there must be one of each at least");
  }
  auto impl = std::make_unique<Impl>();
  const auto runs_in = [](WorkPool* pool) {
    return [pool](std::function<void()> work) { pool->Run(std::move(work)); };
  };
  absl::StatusOr<std::unique_ptr<WorkPool>> makers = WorkPool::Start(options.workers);
  if (!makers.ok()) return makers.status();
  absl::StatusOr<std::unique_ptr<WorkPool>> readers = WorkPool::Start(options.readers);
  if (!readers.ok()) return readers.status();
  absl::StatusOr<std::unique_ptr<MirrorService>> service =
      MirrorService::Create(options, runs_in(makers->get()), runs_in(readers->get()), now);
  if (!service.ok()) return service.status();
  impl->service = *std::move(service);
  impl->makers = *std::move(makers);
  impl->readers = *std::move(readers);
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
