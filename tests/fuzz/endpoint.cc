// SPDX-License-Identifier: Apache-2.0
//
// Any text: what parses as an address or an endpoint prints as text that parses to the same value
// again, and is canonical. Any address: so does it print.
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "muster/endpoint.h"

namespace {

using muster::Require;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using muster::AddressFamily;
  using muster::Endpoint;
  using muster::IpAddress;
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  if (size >= 16) {
    const IpAddress any = IpAddress::FromIpv6(data);
    Require(IpAddress::Parse(any.ToString()).value() == any);
    const Endpoint peer(any, static_cast<std::uint16_t>(data[0] << 8 | data[15]));
    Require(Endpoint::Parse(peer.ToString()).value() == peer);
  }

  const absl::StatusOr<IpAddress> address = IpAddress::Parse(text);
  if (address.ok()) {
    const std::string printed = address->ToString();
    Require(IpAddress::Parse(printed).value() == *address);
    const auto bytes = address->bytes();
    Require((address->family() == AddressFamily::kIpv4
                 ? IpAddress::FromIpv4(bytes.data())
                 : IpAddress::FromIpv6(bytes.data())) == *address);
  }

  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
  if (endpoint.ok()) {
    Require(Endpoint::Parse(endpoint->ToString()).value() == *endpoint);
    Require(Endpoint(endpoint->address(), endpoint->port()) == *endpoint);
    Require(Endpoint::FromCompact(endpoint->family(), endpoint->compact().data()) == *endpoint);
    Require(endpoint->address().family() == endpoint->family());
    Require(!address.ok());  // no text is both
  }
  return 0;
}
