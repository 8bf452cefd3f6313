// SPDX-License-Identifier: Apache-2.0
#include "musterd/process.h"

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>

#include "musterd/text.h"

namespace musterd {

void ComplainAs(std::string_view program, std::string_view text) {
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(program.size()), program.data(),
               static_cast<int>(text.size()), text.data());
}

namespace {

// What was blocked by whoever started the process.
sigset_t held_before;

// As many as the system lets any process have; 0 when it does not say.
rlim_t MostFiles() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      std::fopen("/proc/sys/fs/nr_open", "re"), std::fclose);
  unsigned long long most = 0;
  return file != nullptr && std::fscanf(file.get(), "%llu", &most) == 1 ? most : 0;
}

}  // namespace

void HoldSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGHUP, SIGPIPE, SIGALRM}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, &held_before);
}

void LetSignalsEndIt() { pthread_sigmask(SIG_SETMASK, &held_before, nullptr); }

Signals::Signals() {
  for (const int number : {SIGPIPE, SIGALRM}) signal(number, SIG_IGN);
  sigemptyset(&set_);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set_, number);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
}

int Signals::Wait(std::chrono::milliseconds time) {
  const timespec wait{.tv_sec = time.count() / 1000, .tv_nsec = time.count() % 1000 * 1'000'000};
  siginfo_t info;
  while (true) {
    const int number = sigtimedwait(&set_, &info, time.count() > 0 ? &wait : nullptr);
    if (number > 0) return number;
    if (errno == EAGAIN) return 0;
  }
}

void Signals::Release() {
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  signal(SIGHUP, SIG_IGN);
  pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
}

rlim_t RaiseFileLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return RLIM_INFINITY;
  // Root may have more than it was given; whoever may not has what it was.
  const rlim_t most = MostFiles();
  const rlimit raised{.rlim_cur = most, .rlim_max = most};
  if (most <= limit.rlim_max || setrlimit(RLIMIT_NOFILE, &raised) != 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::string FileLimitText(rlim_t limit) {
  return Concat({"the system allows ",
                 limit == RLIM_INFINITY ? "any number of" : std::to_string(limit), " open files"});
}

}  // namespace musterd
