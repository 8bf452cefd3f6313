// SPDX-License-Identifier: Apache-2.0
//
// SHA-1 and SHA-256 of bytes in memory, by libcrypto.
#ifndef MUSTER_LIB_METAINFO_DIGEST_H_
#define MUSTER_LIB_METAINFO_DIGEST_H_

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "absl/types/span.h"

namespace muster {

using Sha1Digest = std::array<std::uint8_t, 20>;
using Sha256Digest = std::array<std::uint8_t, 32>;
inline constexpr std::size_t kSha1Size = std::tuple_size_v<Sha1Digest>;  // bytes of each
inline constexpr std::size_t kSha256Size = std::tuple_size_v<Sha256Digest>;

// Reentrant. Aborts when libcrypto lacks the hash or memory: there is no answer without one.
Sha1Digest Sha1Of(std::string_view bytes);
Sha256Digest Sha256Of(std::string_view bytes);

// For many short inputs: looks the hash up once. Thread-compatible.
class Sha256Hasher {
 public:
  Sha256Hasher();
  ~Sha256Hasher();
  Sha256Hasher(const Sha256Hasher&) = delete;
  Sha256Hasher& operator=(const Sha256Hasher&) = delete;

  Sha256Digest Hash(absl::Span<const std::uint8_t> bytes);

 private:
  EVP_MD* const algorithm_;
  EVP_MD_CTX* const context_;
};

}  // namespace muster

#endif  // MUSTER_LIB_METAINFO_DIGEST_H_
