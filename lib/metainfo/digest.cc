// SPDX-License-Identifier: Apache-2.0
#include "metainfo/digest.h"

#include <cstdlib>

namespace muster {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

Sha1Digest Sha1Of(std::string_view bytes) {
  Sha1Digest digest;
  Require(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha1(), nullptr) == 1);
  return digest;
}

Sha256Digest Sha256Of(std::string_view bytes) {
  Sha256Digest digest;
  Require(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) ==
          1);
  return digest;
}

Sha256Hasher::Sha256Hasher()
    : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
  Require(algorithm_ != nullptr && context_ != nullptr);
}

Sha256Hasher::~Sha256Hasher() {
  EVP_MD_CTX_free(context_);
  EVP_MD_free(algorithm_);
}

Sha256Digest Sha256Hasher::Hash(absl::Span<const std::uint8_t> bytes) {
  Sha256Digest digest;
  Require(EVP_DigestInit_ex2(context_, algorithm_, nullptr) == 1);
  Require(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1);
  Require(EVP_DigestFinal_ex(context_, digest.data(), nullptr) == 1);
  return digest;
}

}  // namespace muster
