// SPDX-License-Identifier: Apache-2.0
#include "model/address_scope.h"

#include <gtest/gtest.h>

namespace muster {
namespace {

AddressScope Of(std::string_view text) { return ScopeOf(*IpAddress::Parse(text)); }

TEST(AddressScopeTest, KnowsWhatIsPublic) {
  for (const char* text :
       {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255",
        "172.32.0.0", "192.169.0.0", "223.255.255.255", "2001:4860::8888", "2a00::1", "3fff::1"}) {
    EXPECT_EQ(Of(text), AddressScope::kPublic) << text;
  }
}

TEST(AddressScopeTest, KnowsWhatIsPrivate) {
  for (const char* text : {"10.0.0.0",        "10.255.255.255",
                           "100.64.0.1",      "127.0.0.1",
                           "169.254.1.1",     "172.16.0.0",
                           "172.31.255.255",  "192.0.0.8",
                           "192.0.2.1",       "192.168.255.1",
                           "198.19.255.255",  "198.51.100.1",
                           "203.0.113.9",     "::1",
                           "fc00::1",         "fdff::1",
                           "fe80::1",         "fec0::1",
                           "64:ff9b::7f00:1", "2002:7f00:1::",
                           "2001:db8::1",     "::7f00:1",
                           "::ffff:10.0.0.1"}) {
    EXPECT_EQ(Of(text), AddressScope::kPrivate) << text;
  }
}

TEST(AddressScopeTest, KnowsWhatIsNoHost) {
  for (const char* text : {"0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "240.0.0.1",
                           "255.255.255.255", "::", "ff02::1", "::ffff:224.0.0.1"}) {
    EXPECT_EQ(Of(text), AddressScope::kNone) << text;
  }
}

}  // namespace
}  // namespace muster
