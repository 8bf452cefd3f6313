// SPDX-License-Identifier: Apache-2.0
//
// SingleFlight: work that many ask for at the same time is done once. The first who asks for a key
// leads: he does the work and lands; all others get what came of it.
//
//   auto joined = flights.Join(key, [](const Result& result) { ...answer... });
//   if (joined.leader) Run([leader = joined.leader] { leader->Land(Work(leader->progress())); });
//
// Who joins after it has landed begins anew; whether that is needed, he looks up before. A flight
// that its leader drops lands with an empty value.
//
// Thread-safe. Callbacks run in the thread that lands, outside of locks; they must not throw.
#ifndef MUSTER_LIB_MIRROR_SINGLE_FLIGHT_H_
#define MUSTER_LIB_MIRROR_SINGLE_FLIGHT_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace muster {

// How far a flight is. Thread-safe; the two numbers need not be of the same moment.
struct FlightProgress {
  std::atomic<std::int64_t> bytes{0};
  std::atomic<std::int64_t> total_bytes{0};
};

// Result: default constructed means that there is none. It is copied to each who waits: a
// shared_ptr, usually.
template <typename Result>
class SingleFlight {
 public:
  using Callback = std::function<void(const Result&)>;

  class Flight {
   public:
    Flight(SingleFlight* of, std::string key) : of_(of), key_(std::move(key)) {}
    Flight(const Flight&) = delete;
    Flight& operator=(const Flight&) = delete;

    const FlightProgress& progress() const { return progress_; }

   private:
    friend class SingleFlight;

    SingleFlight* const of_;
    const std::string key_;
    FlightProgress progress_;
    // Guarded by the mutex of `of_`.
    std::string about_;
    std::vector<Callback> waiting_;
    bool has_landed_ = false;
  };

  // The leader's hold of a flight; the last one to go lands it.
  class Leader {
   public:
    explicit Leader(std::shared_ptr<Flight> flight) : flight_(std::move(flight)) {}
    ~Leader() { Land({}); }
    Leader(const Leader&) = delete;
    Leader& operator=(const Leader&) = delete;

    FlightProgress& progress() { return flight_->progress_; }
    // For who looks at all flights.
    void Describe(const std::string& about) {
      MutexLock lock(&flight_->of_->mu_);
      flight_->about_ = about;
    }
    // The first time only.
    void Land(const Result& result) { flight_->of_->Land(*flight_, result); }

   private:
    const std::shared_ptr<Flight> flight_;
  };

  struct Joined {
    std::shared_ptr<Flight> flight;
    // Null for all but the leader.
    std::shared_ptr<Leader> leader;
  };

  // Must outlive its flights.
  SingleFlight() = default;
  SingleFlight(const SingleFlight&) = delete;
  SingleFlight& operator=(const SingleFlight&) = delete;

  // `landed` may be empty.
  Joined Join(const std::string& key, Callback landed) {
    Joined joined;
    MutexLock lock(&mu_);
    std::shared_ptr<Flight>& flight = flights_[key];
    const bool leads = flight == nullptr;
    if (leads) flight = std::make_shared<Flight>(this, key);
    AddWaiting(*flight, std::move(landed));
    joined.flight = flight;
    if (leads) joined.leader = std::make_shared<Leader>(flight);
    return joined;
  }

  // Joins a flight that there is; null when there is none.
  std::shared_ptr<Flight> JoinExisting(const std::string& key, Callback landed) {
    MutexLock lock(&mu_);
    const auto found = flights_.find(key);
    if (found == flights_.end()) return nullptr;
    AddWaiting(*found->second, std::move(landed));
    return found->second;
  }

  // In the air at the moment.
  std::size_t size() {
    MutexLock lock(&mu_);
    return flights_.size();
  }
  // Callbacks that wait for them.
  std::size_t waiting() {
    MutexLock lock(&mu_);
    return waiting_;
  }
  // `see` gets what is said about each flight and its progress; it must not call back.
  template <typename See>
  void ForEach(const See& see) {
    MutexLock lock(&mu_);
    for (const auto& [key, flight] : flights_) see(flight->about_, flight->progress_);
  }

 private:
  void AddWaiting(Flight& flight, Callback landed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (!landed) return;
    flight.waiting_.push_back(std::move(landed));
    ++waiting_;
  }

  void Land(Flight& flight, const Result& result) {
    std::vector<Callback> waiting;
    {
      MutexLock lock(&mu_);
      if (flight.has_landed_) return;
      flight.has_landed_ = true;
      flights_.erase(flight.key_);
      waiting.swap(flight.waiting_);
      waiting_ -= waiting.size();
    }
    for (const Callback& callback : waiting) callback(result);
  }

  Mutex mu_;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights_ ABSL_GUARDED_BY(mu_);
  std::size_t waiting_ ABSL_GUARDED_BY(mu_) = 0;
};

// What a thread waits for.
template <typename Result>
class Awaited {
 public:
  void Set(const Result& result) {
    // Told within the lock: who waits may go as soon as he has it.
    const std::lock_guard<std::mutex> lock(mu_);
    result_ = result;
    is_set_ = true;
    set_.notify_all();
  }
  Result Wait() {
    std::unique_lock<std::mutex> lock(mu_);
    set_.wait(lock, [this] { return is_set_; });
    return result_;
  }

 private:
  std::mutex mu_;
  std::condition_variable set_;
  bool is_set_ = false;
  Result result_{};
};

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_SINGLE_FLIGHT_H_
