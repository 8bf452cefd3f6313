// SPDX-License-Identifier: Apache-2.0
//
// A disk that fails, below any program: to be preloaded (LD_PRELOAD), it stands before the functions of
// the C library that change files, and has one call of them fail, or all from one on.
//
//   FAILING_DISK_AT=N          the N-th call, from 1 on
//   FAILING_DISK_ERROR=ERRNO   with this error; 0: a write takes only half of the bytes
//   FAILING_DISK_FOR_GOOD=1    and all calls after it
//   FAILING_DISK_TOLD=FILE     made when a call fails
//
// Calls count on regular files alone, so that sockets and standard output do not matter.

// Otherwise open() would be called open64() here, and could not stand beside it.
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>

namespace {

long Number(const char* name) {
  const char* const text = getenv(name);
  return text == nullptr ? 0 : atol(text);
}

std::atomic<long> calls{0};

// Whether this call is to fail; errno is set then.
bool Fails() {
  static const long at = Number("FAILING_DISK_AT");
  static const long error = Number("FAILING_DISK_ERROR");
  static const bool for_good = Number("FAILING_DISK_FOR_GOOD") != 0;
  const long call = ++calls;
  if (at == 0 || call < at || (call > at && !for_good)) return false;
  if (const char* const told = getenv("FAILING_DISK_TOLD"); told != nullptr)
    syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, told, O_CREAT | O_WRONLY, 0644));
  errno = static_cast<int>(error);
  return true;
}

bool IsFile(int fd) {
  struct stat info;
  const int before = errno;
  const bool is_file = fstat(fd, &info) == 0 && (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode));
  errno = before;
  return is_file;
}

template <typename Function>
Function* Real(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// How many bytes of a write go through; -1 when it fails.
ssize_t Allowed(int fd, size_t size) {
  if (!IsFile(fd) || !Fails()) return static_cast<ssize_t>(size);
  return errno != 0 ? -1 : static_cast<ssize_t>((size + 1) / 2);
}

// Of calls that cannot be done by half.
bool FailsWhole() { return Fails() && errno != 0; }

}  // namespace

extern "C" {

ssize_t write(int fd, const void* bytes, size_t size) {
  static auto* const real = Real(&write, "write");
  const ssize_t allowed = Allowed(fd, size);
  return allowed < 0 ? -1 : real(fd, bytes, static_cast<size_t>(allowed));
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  static auto* const real = Real(&pwrite, "pwrite");
  const ssize_t allowed = Allowed(fd, size);
  return allowed < 0 ? -1 : real(fd, bytes, static_cast<size_t>(allowed), at);
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  static auto* const real = Real(&pwrite64, "pwrite64");
  const ssize_t allowed = Allowed(fd, size);
  return allowed < 0 ? -1 : real(fd, bytes, static_cast<size_t>(allowed), at);
}

int fsync(int fd) {
  static auto* const real = Real(&fsync, "fsync");
  return FailsWhole() ? -1 : real(fd);
}

int fdatasync(int fd) {
  static auto* const real = Real(&fdatasync, "fdatasync");
  return FailsWhole() ? -1 : real(fd);
}

int rename(const char* from, const char* to) noexcept {
  static auto* const real = Real(&rename, "rename");
  return FailsWhole() ? -1 : real(from, to);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned flags) noexcept {
  static auto* const real = Real(&renameat2, "renameat2");
  return FailsWhole() ? -1 : real(from_folder, from, to_folder, to, flags);
}

int link(const char* from, const char* to) noexcept {
  static auto* const real = Real(&link, "link");
  return FailsWhole() ? -1 : real(from, to);
}

int mkostemp(char* name, int flags) {
  static auto* const real = Real(&mkostemp, "mkostemp");
  return FailsWhole() ? -1 : real(name, flags);
}

int mkostemp64(char* name, int flags) {
  static auto* const real = Real(&mkostemp64, "mkostemp64");
  return FailsWhole() ? -1 : real(name, flags);
}

int open(const char* path, int flags, ...) {
  static auto* const real = Real(&open, "open");
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return (flags & O_CREAT) != 0 && FailsWhole() ? -1 : real(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  static auto* const real = Real(&open64, "open64");
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return (flags & O_CREAT) != 0 && FailsWhole() ? -1 : real(path, flags, mode);
}

}  // extern "C"
