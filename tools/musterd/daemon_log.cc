// SPDX-License-Identifier: Apache-2.0
#include "musterd/daemon_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <utility>

#include "musterd/descriptor.h"
#include "musterd/process.h"
#include "musterd/text.h"
#include "start/program_start.h"

namespace musterd {

void DaemonLog::Log(muster::LogLevel level, std::string_view text) {
  if (level < least_) return;
  constexpr std::string_view kPrefixes[] = {"", "warning: ", "error: "};
  Say(Concat({kPrefixes[static_cast<std::size_t>(level)], text}));
}

void DaemonLog::Say(std::string_view text) {
  if (writer_ == nullptr) return ComplainAs(program_, text);
  writer_->Append(Concat({program_, ": ", text, "\n"}));
}

void DaemonLog::WaitUntilWritten() {
  constexpr std::chrono::milliseconds kPatience{500};
  if (writer_ != nullptr) writer_->WaitUntilWritten(kPatience);
}

absl::Status DaemonLog::WriteByThread() {
  // Where it was closed there is nobody to write to.
  if (muster_tools::CannotBeWritten(STDERR_FILENO)) return absl::OkStatus();
  Descriptor file(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  if (file.get() < 0) return absl::OkStatus();  // no more files: each line is written as it comes
  auto writer =
      LineWriter::Start(std::move(file), {.lost_prefix = Concat({program_, ": warning: "})});
  if (!writer.ok()) return writer.status();
  writer_ = *std::move(writer);
  return absl::OkStatus();
}

}  // namespace musterd
