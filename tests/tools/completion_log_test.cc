// SPDX-License-Identifier: Apache-2.0
#include "musterd/completion_log.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "helpers.h"

namespace musterd {
namespace {

TEST(CompletionLine, IsThatOfTheOriginal) {
  setenv("TZ", "<+0330>-3:30", 1);
  tzset();
  muster::SwarmDelta delta{.info_hash = *muster::InfoHash::FromHex(std::string(38, 'a') + "0f"),
                           .peer = At("[2001:db8::1]:6881"),
                           .peer_id = {},
                           .state = muster::PeerState::kSeeder,
                           .completed = true,
                           .time = muster::InstantFromUnixSeconds(1'700'000'000)};
  const std::string begin =
      "time=2023-11-15T01:43:20+0330 event=completed info_hash=" + std::string(38, 'A') + "0F";
  EXPECT_EQ(CompletionLine(delta), begin + " peer_id= ip=2001:db8::1");
  std::uint8_t id[20] = {'-', 'T', 'R', 0xff};
  delta.peer_id = muster::PeerId::FromBytes(id);
  delta.peer = At("192.0.2.7:1");
  EXPECT_EQ(CompletionLine(delta),
            begin + " peer_id=2D5452FF" + std::string(32, '0') + " ip=192.0.2.7");
}

}  // namespace
}  // namespace musterd
