// SPDX-License-Identifier: Apache-2.0
//
// HeavyHitters: the keys that come most among many (Misra and Gries, 1982), in the memory of
// `places` of them: one that is more than a (places + 1)th of all that came is surely there, counted
// too low by no more than that. Thread-compatible.
#ifndef MUSTER_LIB_WEB_HEAVY_HITTERS_H_
#define MUSTER_LIB_WEB_HEAVY_HITTERS_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <unordered_map>

namespace muster {

class HeavyHitters {
 public:
  explicit HeavyHitters(std::size_t places) : places_(places) {}

  void Add(std::uint32_t key) {
    const auto found = counts_.find(key);
    if (found != counts_.end()) {
      ++found->second;
    } else if (counts_.size() < places_) {
      counts_.emplace(key, 1);
    } else {
      // Each of them and the new one lose one: no more than came in, so it costs nothing on average.
      Reduce([](std::uint32_t count) { return count - 1; });
    }
  }
  // Every count becomes half of what it was.
  void Halve() {
    Reduce([](std::uint32_t count) { return count / 2; });
  }
  void Clear() { counts_.clear(); }

  const std::unordered_map<std::uint32_t, std::uint32_t>& counts() const { return counts_; }

 private:
  template <typename Less>
  void Reduce(Less less) {
    for (auto entry = counts_.begin(); entry != counts_.end();) {
      entry->second = less(entry->second);
      entry = entry->second == 0 ? counts_.erase(entry) : std::next(entry);
    }
  }

  std::size_t places_;
  std::unordered_map<std::uint32_t, std::uint32_t> counts_;
};

}  // namespace muster

#endif  // MUSTER_LIB_WEB_HEAVY_HITTERS_H_
