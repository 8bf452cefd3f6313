// SPDX-License-Identifier: Apache-2.0
//
// What musterd and muster-torrentd are as processes: exit statuses, lines on standard error, signals,
// open files.
#ifndef MUSTER_TOOLS_MUSTERD_PROCESS_H_
#define MUSTER_TOOLS_MUSTERD_PROCESS_H_

#include <signal.h>
#include <sys/resource.h>

#include <chrono>
#include <string>
#include <string_view>

namespace musterd {

// Exit statuses.
inline constexpr int kGood = 0;
inline constexpr int kFailed = 1;    // it did not run: a port that is taken, say
inline constexpr int kBadUsage = 2;  // what it was told makes no sense

// "PROGRAM: TEXT" on standard error. Thread-safe.
void ComplainAs(std::string_view program, std::string_view text);

// Keeps what must not end a daemon that starts until there is a Signals to take it: SIGHUP, which
// reloads what it has read, SIGPIPE and SIGALRM. SIGINT and SIGTERM still end it. For the main
// thread, first of all.
void HoldSignals();
// There will be no Signals: that is undone. After HoldSignals() only.
void LetSignalsEndIt();

// SIGINT, SIGTERM and SIGHUP as something to wait for. While it lives they are blocked, in threads
// started meanwhile too; and SIGPIPE and SIGALRM are ignored. For the main thread.
class Signals {
 public:
  Signals();
  ~Signals() { Release(); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // The next one; 0 when none has come for so long. No time: for as long as it takes.
  int Wait(std::chrono::milliseconds time = {});
  // From now on SIGINT and SIGTERM end the process, even where they were ignored when it started;
  // there is nothing left to do on SIGHUP.
  void Release();

 private:
  sigset_t set_;
};

// Lets the process open as many files as the system allows, which for root may be more than it was
// started with; returns how many those are.
rlim_t RaiseFileLimit();
// That number as "the system allows 1024 open files".
std::string FileLimitText(rlim_t limit);

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_PROCESS_H_
