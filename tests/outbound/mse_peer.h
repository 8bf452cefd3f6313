// SPDX-License-Identifier: Apache-2.0
//
// MsePeer: the side of message stream encryption that is connected to, for tests. What it does not
// like it says in `fault`.
#ifndef MUSTER_TESTS_OUTBOUND_MSE_PEER_H_
#define MUSTER_TESTS_OUTBOUND_MSE_PEER_H_

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "outbound/mse.h"

namespace muster {

struct MsePeerOptions {
  InfoHash skey;
  std::uint32_t select = 2;
  std::size_t pad_b = 100;
  std::size_t pad_d = 50;
  // What it says of the length of PadD, if not the truth.
  std::optional<std::size_t> claimed_pad_d = std::nullopt;
  std::string said = {};  // behind the handshake
};

class MsePeer {
 public:
  explicit MsePeer(MsePeerOptions options) : options_(std::move(options)) {
    private_key_.fill(0x5a);
  }

  // What it answers to `bytes`.
  std::string Receive(std::string_view bytes) {
    input_.append(bytes);
    std::string out;
    if (!secret_ && input_.size() >= kMseKeySize) TakeKey(out);
    if (secret_ && initial.empty()) TakeRequest(out);
    return out;
  }

  std::string fault;
  std::string initial;  // IA

 private:
  void TakeKey(std::string& out) {
    MseKey theirs;
    std::copy_n(BytesOf(input_).begin(), theirs.size(), theirs.begin());
    secret_ = MseSecret(theirs, private_key_);
    input_.erase(0, kMseKeySize);
    out.append(TextOf(MsePublicKey(private_key_))).append(options_.pad_b, 'b');
  }

  void TakeRequest(std::string& out) {
    const std::string hashes = MseRequestHashes(*secret_, options_.skey);
    const std::size_t at = input_.find(hashes.substr(0, 20));
    if (at == std::string::npos || input_.size() < at + 40 + 16) return;
    if (at > kMseMaxPad) fault = "PadA is too long";
    if (input_.substr(at + 20, 20) != hashes.substr(20)) fault = "another torrent";
    std::string rest = input_.substr(at + 40);
    MseStream("keyA", *secret_, options_.skey).ApplyFrom(rest, 0);
    const auto bytes = BytesOf(rest);
    if (LoadBig64(bytes.data()) != 0) fault = "no verification constant";
    if ((LoadBig32(bytes.data() + 8) & options_.select) == 0) fault = "not provided";
    if (LoadBig16(bytes.data() + 12) != 0) fault = "PadC is not empty";
    const std::size_t size = LoadBig16(bytes.data() + 14);
    if (rest.size() < 16 + size) return;
    initial = rest.substr(16, size);
    Answer(out);
  }

  void Answer(std::string& out) {
    std::uint8_t head[14] = {};
    StoreBig32(head + 8, options_.select);
    StoreBig16(head + 12,
               static_cast<std::uint16_t>(options_.claimed_pad_d.value_or(options_.pad_d)));
    std::string answer(TextOf(head));
    answer.append(options_.pad_d, '\0');
    if (options_.select != 1) answer.append(options_.said);
    MseStream("keyB", *secret_, options_.skey).ApplyFrom(answer, 0);
    out.append(answer);
    if (options_.select == 1) out.append(options_.said);
  }

  const MsePeerOptions options_;
  MsePrivateKey private_key_;
  std::optional<MseKey> secret_;
  std::string input_;
};

}  // namespace muster

#endif  // MUSTER_TESTS_OUTBOUND_MSE_PEER_H_
