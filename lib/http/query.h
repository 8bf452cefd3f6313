// SPDX-License-Identifier: Apache-2.0
//
// Query strings: parameters separated by '&', and percent-decoding (RFC 3986). Names and values are
// given as they were sent; whoever needs one decodes it, into bytes of his own. A '+' is a plus
// sign: the values of announces are binary, and clients send a blank as %20.
//
//   muster::QueryReader reader(request.query);
//   while (reader.Next()) if (reader.name() == "info_hash") ...PercentDecode(reader.value(), to)...
//
// Reentrant. What is given out borrows the query.
#ifndef MUSTER_LIB_HTTP_QUERY_H_
#define MUSTER_LIB_HTTP_QUERY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/types/span.h"

namespace muster {

class QueryReader {
 public:
  explicit QueryReader(std::string_view query) : rest_(query) {}

  // Goes to the next parameter; false when there is none. Empty ones ("&&") are passed over.
  bool Next();

  // What stands before the first '=' of the parameter, or all of it.
  std::string_view name() const { return name_; }
  // What stands behind the first '='; empty without one.
  std::string_view value() const { return value_; }

 private:
  std::string_view rest_;
  std::string_view name_;
  std::string_view value_;
};

// Decodes %XX, with digits of either case; every other byte stands for itself. Returns how many
// bytes were written; nothing when a '%' is not followed by two digits or `to` is too small.
std::optional<std::size_t> PercentDecode(std::string_view text, absl::Span<std::uint8_t> to);

}  // namespace muster

#endif  // MUSTER_LIB_HTTP_QUERY_H_
