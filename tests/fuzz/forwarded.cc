// SPDX-License-Identifier: Apache-2.0
//
// Whatever the headers say, somebody who is not trusted is taken at nobody's word but the
// connection's, and a trusted proxy's hops never lead past one that is not trusted.
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "wire/forwarded.h"

namespace {

using muster::Require;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const muster::IpSet* const trusted = [] {
    const muster::Cidr networks[] = {*muster::Cidr::Parse("10.0.0.0/8"),
                                     *muster::Cidr::Parse("fd00::/8")};
    return new muster::IpSet(absl::MakeConstSpan(networks));
  }();
  const muster::IpAddress proxy = *muster::IpAddress::Parse("10.0.0.1");
  const muster::IpAddress stranger = *muster::IpAddress::Parse("192.0.2.1");
  const std::string value(reinterpret_cast<const char*>(data), size);
  for (const auto header : {muster::ProxyHeader::kXForwardedFor, muster::ProxyHeader::kForwarded}) {
    const std::string name =
        header == muster::ProxyHeader::kForwarded ? "Forwarded" : "X-Forwarded-For";
    for (const std::string last : {"", "198.51.100.7"}) {
      std::string bytes = "GET / HTTP/1.1\r\n" + name + ": " + value + "\r\n";
      if (!last.empty()) {
        bytes +=
            name + (header == muster::ProxyHeader::kForwarded ? ": for=" : ": ") + last + "\r\n";
      }
      bytes += "\r\n";
      muster::HttpRequestParser parser({});
      if (parser.Parse(bytes) != muster::HttpRequestParser::Result::kDone) continue;
      Require(*ClientAddress(parser.request(), stranger, *trusted, header) == stranger);
      const auto client = ClientAddress(parser.request(), proxy, *trusted, header);
      // A line end makes other headers of it, and without `last` anything may come out.
      if (value.find_first_of("\r\n") != value.npos || last.empty()) continue;
      Require(client.ok() && client->ToString() == last);
    }
  }
  return 0;
}
