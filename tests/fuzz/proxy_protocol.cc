// SPDX-License-Identifier: Apache-2.0
//
// Whatever stands at the beginning of a connection or a datagram: the parser stays in its bytes, and
// says the same however many more of a connection there are.
#include <cstdint>
#include <string_view>

#include "fuzz/require.h"
#include "net/proxy_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using muster::ParseProxyPreamble;
  using muster::Require;
  using Result = muster::ProxyPreamble::Result;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const muster::ProxyPreamble whole = ParseProxyPreamble(bytes);
  if (whole.result != Result::kDone) Require(!whole.client.has_value() && whole.size == 0);
  if (whole.result == Result::kNeedMore) Require(size < muster::kMaxProxyHeader);
  if (whole.result == Result::kDone) Require(whole.size <= size && whole.size >= 15);
  const muster::ProxyPreamble datagram = muster::ParseProxyDatagram(bytes);
  Require(datagram.result != Result::kNeedMore);
  if (datagram.result == Result::kDone) Require(datagram.size <= size && datagram.size >= 16);
  for (std::size_t n = 0; n < size; n += 1 + n / 16) {
    const muster::ProxyPreamble part = ParseProxyPreamble(bytes.substr(0, n));
    if (part.result == Result::kNeedMore) continue;
    Require(part.result == whole.result && part.size == whole.size && part.client == whole.client);
  }
  return 0;
}
