// SPDX-License-Identifier: Apache-2.0
//
// Short ways to say what the tests of musterd say often.
#ifndef MUSTER_TESTS_TOOLS_HELPERS_H_
#define MUSTER_TESTS_TOOLS_HELPERS_H_

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "muster/log_sink.h"
#include "musterd/settings.h"

namespace musterd {

inline muster::Endpoint At(std::string_view text) { return *muster::Endpoint::Parse(text); }

// As the command line would make it.
inline Assignment Assign(std::string_view name, std::string_view text) {
  const Setting* setting = FindSetting(name);
  return {setting, *ParseValue(*setting, text), "--" + std::string(name)};
}

// Until it holds; false when it takes much longer than anything here does.
inline bool Eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

// Keeps what it is told. Thread-safe.
class Heard final : public muster::LogSink {
 public:
  void Log(muster::LogLevel /*level*/, std::string_view text) override {
    const std::lock_guard lock(mu_);
    texts_.emplace_back(text);
  }
  std::vector<std::string> texts() const {
    const std::lock_guard lock(mu_);
    return texts_;
  }

 private:
  mutable std::mutex mu_;
  std::vector<std::string> texts_;
};

}  // namespace musterd

#endif  // MUSTER_TESTS_TOOLS_HELPERS_H_
