// SPDX-License-Identifier: Apache-2.0
//
// MemoryFileSystem: a disk in memory that can fail, be killed, and lose its power. What was not
// synced is gone after a loss of power. Thread-safe.
#ifndef MUSTER_TESTS_STATE_MEMORY_FILE_SYSTEM_H_
#define MUSTER_TESTS_STATE_MEMORY_FILE_SYSTEM_H_

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "state/file_system.h"

namespace muster::testing_state {

enum class Op { kOpen, kRead, kCreate, kWrite, kSync, kRename, kLink, kRemove, kSyncFolder, kList };

class MemoryFileSystem final : public FileSystem {
 public:
  // Decides for each operation whether it succeeds; a write that fails has written half.
  std::function<absl::Status(Op)> fault = [](Op) { return absl::OkStatus(); };
  // Writes take so many bytes at most.
  std::size_t most_at_once = ~std::size_t{0};
  std::size_t operations = 0;
  // When its files were last written to.
  Instant written{};

  std::map<std::string, std::string> Contents() const {
    std::map<std::string, std::string> contents;
    for (const auto& [name, inode] : names_) contents[name] = inode->data;
    return contents;
  }
  void Put(const std::string& path, std::string data) {
    auto inode = std::make_shared<Inode>();
    inode->durable = data;
    inode->data = std::move(data);
    names_[path] = durable_names_[path] = inode;
  }

  // Whatever holds a file or works with this disk from before does so in vain.
  void Kill() { ++life_; }
  // `names_first`: the disk had brought all names home already, but not what is in the files.
  void LosePower(bool names_first) {
    Kill();
    if (!names_first) names_ = durable_names_;
    for (auto& [name, inode] : names_) inode->data = inode->durable;
    durable_names_ = names_;
  }

  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path) override {
    const std::lock_guard<std::mutex> lock(mu_);
    if (absl::Status status = Do(Op::kOpen); !status.ok()) return status;
    const auto found = names_.find(path);
    if (found == names_.end()) return absl::NotFoundError(path);
    return std::make_unique<Handle>(this, found->second, life_);
  }
  absl::StatusOr<std::unique_ptr<File>> Create(const std::string& path) override {
    const std::lock_guard<std::mutex> lock(mu_);
    if (absl::Status status = Do(Op::kCreate); !status.ok()) return status;
    if (names_.contains(path)) return absl::AlreadyExistsError(path);
    names_[path] = std::make_shared<Inode>();
    return std::make_unique<Handle>(this, names_[path], life_);
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    const std::lock_guard<std::mutex> lock(mu_);
    if (absl::Status status = Do(Op::kRename); !status.ok()) return status;
    if (!names_.contains(from)) return absl::NotFoundError(from);
    names_[to] = names_[from];
    names_.erase(from);
    return absl::OkStatus();
  }
  absl::Status Link(const std::string& from, const std::string& to) override {
    const std::lock_guard<std::mutex> lock(mu_);
    if (absl::Status status = Do(Op::kLink); !status.ok()) return status;
    if (!names_.contains(from)) return absl::NotFoundError(from);
    if (names_.contains(to)) return absl::AlreadyExistsError(to);
    names_[to] = names_[from];
    return absl::OkStatus();
  }
  absl::Status Remove(const std::string& path) override {
    const std::lock_guard<std::mutex> lock(mu_);
    if (absl::Status status = Do(Op::kRemove); !status.ok()) return status;
    return names_.erase(path) > 0 ? absl::OkStatus() : absl::NotFoundError(path);
  }
  absl::Status SyncFolder(const std::string&) override {
    const std::lock_guard<std::mutex> lock(mu_);
    if (absl::Status status = Do(Op::kSyncFolder); !status.ok()) return status;
    durable_names_ = names_;
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& folder) override {
    const std::lock_guard<std::mutex> lock(mu_);
    if (absl::Status status = Do(Op::kList); !status.ok()) return status;
    std::vector<std::string> names;
    for (const auto& [path, inode] : names_) {
      if (FolderOf(path) == folder) names.push_back(NameOf(path));
    }
    return names;
  }
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string&) override {
    return std::make_unique<FileLock>();
  }

 private:
  struct Inode {
    std::string data;
    std::string durable;
  };

  class Handle final : public File {
   public:
    Handle(MemoryFileSystem* disk, std::shared_ptr<Inode> inode, int life)
        : disk_(disk), inode_(std::move(inode)), life_(life) {}
    absl::StatusOr<std::size_t> Read(absl::Span<char> into) override {
      const std::lock_guard<std::mutex> lock(disk_->mu_);
      if (absl::Status status = Do(Op::kRead); !status.ok()) return status;
      const std::size_t n = std::min(into.size(), inode_->data.size() - read_);
      std::memcpy(into.data(), inode_->data.data() + read_, n);
      read_ += n;
      return n;
    }
    absl::StatusOr<std::size_t> WriteSome(std::uint64_t offset, std::string_view bytes) override {
      const std::lock_guard<std::mutex> lock(disk_->mu_);
      const absl::Status status = Do(Op::kWrite);
      if (life_ != disk_->life_) return status;
      std::size_t n = std::min(bytes.size(), disk_->most_at_once);
      if (!status.ok()) n /= 2;
      inode_->data.resize(std::max(inode_->data.size(), offset + n));
      std::memcpy(inode_->data.data() + offset, bytes.data(), n);
      if (!status.ok()) return status;
      return n;
    }
    absl::Status Sync() override {
      const std::lock_guard<std::mutex> lock(disk_->mu_);
      if (absl::Status status = Do(Op::kSync); !status.ok()) return status;
      inode_->durable = inode_->data;
      return absl::OkStatus();
    }
    absl::StatusOr<Instant> Written() override { return disk_->written; }
    bool IsLinked() override {
      const std::lock_guard<std::mutex> lock(disk_->mu_);
      return std::any_of(disk_->names_.begin(), disk_->names_.end(),
                         [&](const auto& name) { return name.second == inode_; });
    }

   private:
    absl::Status Do(Op op) {
      if (life_ != disk_->life_) return absl::UnavailableError("killed");
      return disk_->Do(op);
    }

    MemoryFileSystem* const disk_;
    const std::shared_ptr<Inode> inode_;
    const int life_;
    std::size_t read_ = 0;
  };

  absl::Status Do(Op op) {
    ++operations;
    return fault(op);
  }

  mutable std::mutex mu_;
  int life_ = 0;
  std::map<std::string, std::shared_ptr<Inode>> names_;
  std::map<std::string, std::shared_ptr<Inode>> durable_names_;
};

}  // namespace muster::testing_state

#endif  // MUSTER_TESTS_STATE_MEMORY_FILE_SYSTEM_H_
