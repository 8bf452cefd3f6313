// SPDX-License-Identifier: Apache-2.0
//
// What a NatChecker is: a queue, and the connections that come out of it. Loop-bound. Lives until it
// has left the loop and its NatChecker is gone, whichever is later.
#ifndef MUSTER_LIB_OUTBOUND_NAT_CHECKER_H_
#define MUSTER_LIB_OUTBOUND_NAT_CHECKER_H_

#include <array>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "muster/nat_check.h"
#include "net/closing_parts.h"
#include "net/deadlines.h"
#include "net/tcp_connection.h"
#include "outbound/peer_handshake.h"

namespace muster {

class NatChecker::Impl final : private Deadlines::Entry {
 public:
  Impl(uv_loop_s* loop, const NatCheckOptions& options);

  void Check(const NatCheckRequest& request, Done done);
  void Close(Closed closed);
  // Its NatChecker is gone.
  void Drop();

  std::size_t under_way() const { return attempts_.size(); }
  std::size_t queued() const { return queue_.size(); }

 private:
  struct Waiting {
    NatCheckRequest request;
    Done done;
  };

  // One connection, from connecting to its outcome.
  class Attempt final : private TcpConnection::Handler {
   public:
    Attempt(Impl* checker, std::size_t index, Waiting what);

    // Its place in attempts_.
    std::size_t index;
    Waiting waiting;
    ClosingPtr<TcpConnection> connection;

   private:
    void OnConnected() override;
    void OnReceived(std::string_view bytes) override;
    void OnEnded(TcpEnd why) override;

    Impl* const checker_;
    PeerHandshake handshake_;
    bool connected_ = false;
  };

  ~Impl() override = default;
  // A second is over.
  void OnDeadline() override;
  void Begin();
  void Finish(Attempt& attempt, NatOutcome outcome);
  void Leave(const IpAddress& address);

  uv_loop_s* const loop_;
  const NatCheckOptions options_;
  ClosingPtr<Deadlines> deadlines_;
  std::deque<Waiting> queue_;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  // Checks waiting or under way for each address that has any.
  std::map<IpAddress, std::size_t> by_address_;
  std::size_t begun_in_second_ = 0;
  bool closing_ = false;
  bool left_loop_ = false;
  bool dropped_ = false;
  ClosingParts parts_;
};

}  // namespace muster

#endif  // MUSTER_LIB_OUTBOUND_NAT_CHECKER_H_
