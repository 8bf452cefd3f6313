// SPDX-License-Identifier: Apache-2.0
//
// FileBody: parts of a file as the body of a response, with text around them where there are
// several; and ZeroBody, so many zeros. Thread-compatible.
#ifndef MUSTER_LIB_HTTP_FILE_PARTS_H_
#define MUSTER_LIB_HTTP_FILE_PARTS_H_

#include <cstddef>
#include <cstdint>
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
  // `after` is sent at the end.
  FileBody(UniqueFd file, std::vector<FilePart> parts, std::string after)
      : file_(std::move(file)), parts_(std::move(parts)), after_(std::move(after)) {}

  Progress Produce(std::size_t budget, std::string& out) override;
  FileStretch* stretch() override { return &stretch_; }

 private:
  const UniqueFd file_;
  const std::vector<FilePart> parts_;
  const std::string after_;
  std::size_t next_ = 0;
  FileStretch stretch_;
};

class ZeroBody final : public HttpBody {
 public:
  explicit ZeroBody(std::int64_t size) : left_(static_cast<std::size_t>(size)) {}
  Progress Produce(std::size_t budget, std::string& out) override;

 private:
  std::size_t left_;
};

}  // namespace muster

#endif  // MUSTER_LIB_HTTP_FILE_PARTS_H_
