// SPDX-License-Identifier: Apache-2.0
//
// LineWriter: appends lines to a file, from a thread of its own, so that whoever has a line never
// waits for the file: a pipe that nobody reads, a terminal that was stopped, a slow disk.
//
//   auto writer = LineWriter::Start(*std::move(file), {.trouble = &log});
//   (*writer)->Append("a line\n");
//
// Lines wait for each other for `interval`, or until there are 64 KiB of them, and are written
// together. No more than `max_bytes` wait; a line that finds no room is dropped and counted. As soon
// as lines are written again, one is added that says how many were lost since the last of its kind:
//
//   **warning** 12 lines were lost
//
// `trouble` hears of it as well, and of a file that cannot be written, each once a minute at most:
//
//   cannot write: No space left on device
//   cannot write: No space left on device; 12 lines were lost
//   cannot write in time: 12 lines were lost
//
// the last where there was nothing wrong but that the file was slow. What could not be written is
// tried again.
//
// It is here because the asynchronous loggers of spdlog wait at their end for a file that takes
// nothing, and drop what is oldest.
//
// Thread-safe, but for its end.
#ifndef MUSTER_TOOLS_MUSTERD_LINE_WRITER_H_
#define MUSTER_TOOLS_MUSTERD_LINE_WRITER_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/statusor.h"
#include "muster/log_sink.h"
#include "musterd/descriptor.h"

namespace musterd {

struct LineWriterOptions {
  // Hears of trouble; may be null, outlives the writer.
  muster::LogSink* trouble = nullptr;
  // What that is told, with a reason behind it.
  std::string trouble_text = "cannot write";
  // Before "12 lines were lost".
  std::string lost_prefix = "**warning** ";
  std::chrono::milliseconds interval{0};
  // A second or so of the lines of 20,000 requests a second.
  std::size_t max_bytes = 4 * 1024 * 1024;
  // How long the end waits for what is still to be written.
  std::chrono::milliseconds end_limit{5'000};
};

class LineWriter {
 public:
  static absl::StatusOr<std::unique_ptr<LineWriter>> Start(Descriptor file,
                                                           LineWriterOptions options);
  // Writes what waits. Where that takes longer than `end_limit` the rest is lost, and `trouble` told;
  // the thread then stays until the file lets it go, and touches nothing else any more.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // `line` has its newline. Never waits for the file.
  void Append(std::string_view line);
  // Waits until all lines are written, and so long at most: for who has something to say elsewhere
  // that comes behind them.
  void WaitUntilWritten(std::chrono::milliseconds limit);
  // What waits is written to the file so far; then that is closed, and `first` and the lines from
  // then on go to the other one. Returns at once.
  void ContinueIn(Descriptor file, std::string_view first);

 private:
  struct Core;
  explicit LineWriter(LineWriterOptions options);
  static void Run(const std::shared_ptr<Core>& core, Descriptor file);

  // The thread's as well, which may outlive the writer.
  const std::shared_ptr<Core> core_;
  std::thread thread_;
};

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_LINE_WRITER_H_
