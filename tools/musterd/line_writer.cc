// SPDX-License-Identifier: Apache-2.0
#include "musterd/line_writer.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "musterd/text.h"
#include "musterd/thread.h"

namespace musterd {
namespace {

using std::chrono::steady_clock;

// Lines that are written together.
constexpr std::size_t kChunk = 64 * 1024;
// Until what could not be written is tried again.
constexpr std::chrono::seconds kRetry{1};
constexpr std::chrono::minutes kRemindInterval{1};

std::uint64_t LinesOf(std::string_view text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

// Takes off `text` what was written; returns why that is not all, else 0. `mid_line`: the last that
// was written was not the end of a line.
int Write(int file, std::string& text, bool& mid_line) {
  std::size_t done = 0;
  int error = 0;
  while (error == 0 && done < text.size()) {
    const ssize_t n = write(file, text.data() + done, text.size() - done);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
      continue;
    }
    error = n < 0 ? errno : EIO;
    // A stream that was given may be another program's as well, which does not want to wait for it.
    pollfd room{.fd = file, .events = POLLOUT, .revents = 0};
    if (error == EINTR || (error == EAGAIN && poll(&room, 1, -1) >= 0)) error = 0;
  }
  if (done > 0) mid_line = text[done - 1] != '\n';
  text.erase(0, done);
  return error;
}

}  // namespace

struct LineWriter::Core {
  explicit Core(LineWriterOptions given) : options(std::move(given)) {}

  using Lock = std::unique_lock<std::mutex>;

  // Both with mu held.
  bool is_called() const { return stop || next.has_value(); }
  void Push(std::string_view line);

  // Of the thread, with mu held.
  void WaitForLines(Lock& lock, bool failing);
  void SayLost(Lock& lock);
  void Complain(Lock& lock, int error);
  void Tell(Lock& lock, const std::string& text);
  void TellLost(Lock& lock);
  std::uint64_t LinesLeft() const;
  void Lose(std::uint64_t lines);
  std::string LostText(std::uint64_t lines) const;

  const LineWriterOptions options;
  std::mutex mu;
  // Something of what follows, which mu guards.
  std::condition_variable changed;
  // Whole lines; the last one grows.
  std::deque<std::string> chunks;
  bool last_is_full = false;
  steady_clock::time_point last_at;  // when it was begun
  // Of those chunks, and of the one that is being written.
  std::size_t bytes = 0;
  std::uint64_t lines_in_hand = 0;  // of the latter
  // Lines that were dropped: since the file was told, and since `trouble` was.
  std::uint64_t lost = 0;
  std::uint64_t untold = 0;
  // Why the latest try to write failed, 0 where it did not; and that of the lines that were dropped
  // since `trouble` was told.
  int last_error = 0;
  int lost_error = 0;
  std::optional<steady_clock::time_point> told_at;
  std::optional<steady_clock::time_point> complained_at;
  // The file to go on with, its first line, and the chunks that are still for the one before.
  std::optional<Descriptor> next;
  std::string next_first;
  std::size_t before_next = 0;
  bool stop = false;
  bool done = false;       // the thread has ended
  bool telling = false;    // `trouble` is being used
  bool abandoned = false;  // it may not be any more
};

void LineWriter::Core::Push(std::string_view line) {
  if (chunks.empty() || last_is_full || chunks.back().size() + line.size() > kChunk) {
    chunks.emplace_back();
    last_at = steady_clock::now();
    last_is_full = false;
    changed.notify_all();
  }
  chunks.back() += line;
  bytes += line.size();
}

void LineWriter::Core::WaitForLines(Lock& lock, bool failing) {
  if (failing) {
    changed.wait_for(lock, kRetry, [this] { return is_called(); });
    return;
  }
  changed.wait(lock, [this] { return is_called() || !chunks.empty(); });
  if (options.interval.count() == 0) return;
  changed.wait_until(lock, last_at + options.interval,
                     [this] { return is_called() || chunks.size() > 1; });
}

void LineWriter::Core::Tell(Lock& lock, const std::string& text) {
  if (options.trouble == nullptr || abandoned) return;
  telling = true;
  lock.unlock();
  options.trouble->Log(muster::LogLevel::kWarning, text);
  lock.lock();
  telling = false;
  changed.notify_all();
}

void LineWriter::Core::TellLost(Lock& lock) {
  if (untold == 0) return;
  const std::string text = LostText(std::exchange(untold, 0));
  lost_error = 0;
  Tell(lock, text);
}

void LineWriter::Core::Complain(Lock& lock, int error) {
  const auto now = steady_clock::now();
  if (complained_at && now - *complained_at < kRemindInterval) return;
  complained_at = now;
  Tell(lock, Concat({options.trouble_text, ": ", std::strerror(error)}));
}

// Now that the file takes lines again.
void LineWriter::Core::SayLost(Lock& lock) {
  if (lost == 0) return;
  Push(Concat({options.lost_prefix, std::to_string(lost), " lines were lost\n"}));
  untold += std::exchange(lost, 0);
  const auto now = steady_clock::now();
  if (told_at && now - *told_at < kRemindInterval) return;
  told_at = now;
  TellLost(lock);
}

std::uint64_t LineWriter::Core::LinesLeft() const {
  std::uint64_t lines = lines_in_hand;
  for (const std::string& chunk : chunks) lines += LinesOf(chunk);
  return lines;
}

void LineWriter::Core::Lose(std::uint64_t lines) {
  lost += lines;
  if (lines > 0 && last_error != 0) lost_error = last_error;
}

std::string LineWriter::Core::LostText(std::uint64_t lines) const {
  const std::string why =
      lost_error != 0 ? Concat({": ", std::strerror(lost_error), "; "}) : " in time: ";
  return Concat({options.trouble_text, why, std::to_string(lines), " lines were lost"});
}

absl::StatusOr<std::unique_ptr<LineWriter>> LineWriter::Start(Descriptor file,
                                                              LineWriterOptions options) {
  std::unique_ptr<LineWriter> writer(new LineWriter(std::move(options)));
  // std::function wants what can be copied.
  auto shared = std::make_shared<Descriptor>(std::move(file));
  absl::Status status = StartThread(
      [core = writer->core_, shared = std::move(shared)] { Run(core, std::move(*shared)); },
      writer->thread_);
  if (!status.ok()) return status;
  return writer;
}

LineWriter::LineWriter(LineWriterOptions options)
    : core_(std::make_shared<Core>(std::move(options))) {}

LineWriter::~LineWriter() {
  if (!thread_.joinable()) return;
  Core& core = *core_;
  Core::Lock lock(core.mu);
  core.stop = true;
  core.changed.notify_all();
  if (!core.changed.wait_for(lock, core.options.end_limit, [&] { return core.done; })) {
    core.abandoned = true;
    core.changed.wait(lock, [&] { return !core.telling; });
    core.Lose(core.LinesLeft());
    const std::uint64_t lines = core.untold + core.lost;
    if (!core.done && core.options.trouble != nullptr && lines > 0)
      core.options.trouble->Log(muster::LogLevel::kWarning, core.LostText(lines));
  }
  const bool done = core.done;
  lock.unlock();
  done ? thread_.join() : thread_.detach();
}

void LineWriter::Append(std::string_view line) {
  const std::lock_guard lock(core_->mu);
  if (core_->bytes + line.size() > core_->options.max_bytes) {
    core_->Lose(1);
    return;
  }
  core_->Push(line);
}

void LineWriter::WaitUntilWritten(std::chrono::milliseconds limit) {
  Core::Lock lock(core_->mu);
  core_->changed.wait_for(lock, limit, [this] { return core_->bytes == 0; });
}

void LineWriter::ContinueIn(Descriptor file, std::string_view first) {
  const std::lock_guard lock(core_->mu);
  core_->next.emplace(std::move(file));
  core_->next_first = first;
  core_->before_next = core_->chunks.size();
  core_->last_is_full = true;
  core_->changed.notify_all();
}

void LineWriter::Run(const std::shared_ptr<Core>& core, Descriptor file) {
  std::string chunk;  // what is being written
  bool mid_line = false;
  bool failing = false;
  Core::Lock lock(core->mu);
  while (true) {
    if (chunk.empty() || failing) core->WaitForLines(lock, failing);
    const bool stopping = core->stop;
    if (chunk.empty() && !core->chunks.empty()) {
      chunk = std::move(core->chunks.front());
      core->chunks.pop_front();
      core->before_next -= std::min<std::size_t>(core->before_next, 1);
    }
    failing = false;
    if (!chunk.empty()) {
      core->lines_in_hand = LinesOf(chunk);
      const std::size_t size = chunk.size();
      lock.unlock();
      const int error = Write(file.get(), chunk, mid_line);
      lock.lock();
      if (core->abandoned) return;
      core->bytes -= size - chunk.size();
      if (core->bytes == 0) core->changed.notify_all();
      core->lines_in_hand = LinesOf(chunk);
      core->last_error = error;
      failing = error != 0;
      failing ? core->Complain(lock, error) : core->SayLost(lock);
    }
    if (core->next && (failing || core->before_next == 0)) {
      file = *std::exchange(core->next, std::nullopt);
      core->before_next = 0;
      // Nobody could read the rest of a line there.
      const std::size_t rest = mid_line ? chunk.find('\n') + 1 : 0;
      core->Lose(rest > 0 ? 1 : 0);
      core->bytes += core->next_first.size() - rest;
      chunk.replace(0, rest, core->next_first);
      mid_line = failing = false;
      continue;
    }
    if (stopping && (failing || (chunk.empty() && core->chunks.empty()))) break;
  }
  core->Lose(core->LinesLeft());
  core->untold += std::exchange(core->lost, 0);
  core->TellLost(lock);
  core->done = true;
  core->changed.notify_all();
}

}  // namespace musterd
