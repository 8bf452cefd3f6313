// SPDX-License-Identifier: Apache-2.0
//
// Folder: a folder that goes with the test, with what the test puts there.
#ifndef MUSTER_TESTS_BASE_FOLDER_H_
#define MUSTER_TESTS_BASE_FOLDER_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace muster {

class Folder {
 public:
  Folder() {
    std::string name = ::testing::TempDir() + "muster-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  // Of what is in it; of itself without a name.
  std::string path(std::string_view name = "") const {
    return name.empty() ? path_.string() : (path_ / name).string();
  }
  std::string operator/(std::string_view name) const { return path(name); }

  // These make the folders above it as well.
  void Write(std::string_view name, std::string_view bytes) const {
    MakeFoldersOf(name);
    std::ofstream(path_ / name, std::ios::binary) << bytes;
  }
  void Link(std::string_view name, std::string_view target) const {
    MakeFoldersOf(name);
    std::filesystem::create_symlink(target, path_ / name);
  }
  std::string Read(std::string_view name) const {
    std::ifstream file(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

 private:
  void MakeFoldersOf(std::string_view name) const {
    std::filesystem::create_directories((path_ / name).parent_path());
  }

  std::filesystem::path path_;
};

}  // namespace muster

#endif  // MUSTER_TESTS_BASE_FOLDER_H_
