// SPDX-License-Identifier: Apache-2.0
#include "muster/host_port.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace muster {
namespace {

TEST(HostPort, IsANameOrAnAddressAndAPort) {
  for (const std::string_view text :
       {"a.example:6881", "192.0.2.1:1", "[2001:db8::1]:65535", "localhost:80"}) {
    const auto read = HostPort::Parse(text);
    ASSERT_TRUE(read.ok()) << text << read.status();
    EXPECT_EQ(read->ToString(), text);
  }
  EXPECT_EQ(HostPort::Parse("[2001:db8::1]:65535")->host, "2001:db8::1");
  EXPECT_EQ(HostPort::Parse("[2001:db8::1]:65535")->port, 65535);
  EXPECT_TRUE(HostPort::Parse(std::string(255, 'a') + ":1").ok());
}

TEST(HostPort, RefusesEverythingElse) {
  for (const std::string& text :
       {std::string(), std::string("a"), std::string(":1"), std::string("a:"), std::string("a:0"),
        std::string("a:65536"), std::string("a:-1"), std::string("a:1x"), std::string("a:+1"),
        std::string("2001:db8::1:1"), std::string("[]:1"), std::string("[a]:1"),
        std::string("[::1"), std::string("[::1]1"), std::string("a b:1"), std::string("a/b:1"),
        std::string("a\0b:1", 5), std::string("u@a:1"), std::string(256, 'a') + ":1"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(HostPort::Parse(text).status())) << text;
  }
}

}  // namespace
}  // namespace muster
