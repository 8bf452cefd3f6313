// SPDX-License-Identifier: Apache-2.0
//
// FileBody: parts of a file as the body of a response, with text around them where there are
// several; and ZeroBody, so many zeros. Thread-compatible.
#ifndef MUSTER_LIB_HTTP_FILE_BODY_H_
#define MUSTER_LIB_HTTP_FILE_BODY_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "http/body.h"

namespace muster {

struct FilePart {
  // What is sent before it.
  std::string before;
  std::int64_t offset = 0;
  std::int64_t size = 0;
};

class FileBody final : public HttpBody {
 public:
  // Runs work that waits for a disk, in another thread. What is not in memory is read there before
  // it is sent.
  using Run = std::function<void(std::function<void()> work)>;

  // `after` is sent at the end. Without `run` nothing is read ahead: whoever sends waits for the
  // disk.
  FileBody(UniqueFd file, std::vector<FilePart> parts, std::string after, Run run = nullptr)
      : file_(std::make_shared<const UniqueFd>(std::move(file))),
        parts_(std::move(parts)),
        after_(std::move(after)),
        run_(std::move(run)) {}

  Progress Produce(std::size_t budget, std::string& out) override;
  FileStretch* stretch() override { return &stretch_; }
  bool IsReady() override;
  void Fetch(const std::function<void()>& done) override;

 private:
  Progress ReadSome(std::size_t budget, std::string& out);

  // Also held by whoever reads ahead.
  const std::shared_ptr<const UniqueFd> file_;
  const std::vector<FilePart> parts_;
  const std::string after_;
  const Run run_;
  // The part that comes next, and how much of the one before it comes behind the stretch.
  std::size_t next_ = 0;
  std::int64_t left_ = 0;
  FileStretch stretch_;
  bool is_ready_ = false;
};

// All of the plain file at `path`; null where there is none that can be read. Its end is where it
// was when it was opened; a file that becomes shorter meanwhile is cut off.
std::unique_ptr<HttpBody> OpenFileBody(const std::string& path);

class ZeroBody final : public HttpBody {
 public:
  explicit ZeroBody(std::int64_t size) : left_(static_cast<std::size_t>(size)) {}
  Progress Produce(std::size_t budget, std::string& out) override;

 private:
  std::size_t left_;
};

}  // namespace muster

#endif  // MUSTER_LIB_HTTP_FILE_BODY_H_
