// SPDX-License-Identifier: Apache-2.0
#include "hash/stream.h"

#include <openssl/evp.h>

#include <cstdlib>

namespace muster {
namespace {

// Without memory for a context or without SHA in libcrypto there is no digest to go on with; with
// them, hashing does not fail.
void Require(int openssl_result) {
  if (openssl_result != 1) std::abort();
}

// Found once, and kept: finding it takes longer than hashing a block.
const EVP_MD* Algorithm(HashKind kind) {
  static const EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kind == HashKind::kSha1 ? sha1 : sha256;
}

}  // namespace

HashStream::HashStream(HashKind kind) : context_(EVP_MD_CTX_new()) {
  Require(context_ != nullptr);
  Require(EVP_DigestInit_ex2(context_, Algorithm(kind), nullptr));
}

HashStream::~HashStream() { EVP_MD_CTX_free(context_); }

void HashStream::Hash(const HashMessage& message, std::uint8_t* digest) {
  Begin();
  Append(message);
  Finish(digest);
}

void HashStream::Begin() { Require(EVP_DigestInit_ex2(context_, nullptr, nullptr)); }

void HashStream::Append(const HashMessage& message) {
  Require(EVP_DigestUpdate(context_, message.first.data(), message.first.size()));
  for (const ByteSpan part : message.rest) {
    Require(EVP_DigestUpdate(context_, part.data(), part.size()));
  }
}

void HashStream::Finish(std::uint8_t* digest) {
  Require(EVP_DigestFinal_ex(context_, digest, nullptr));
}

}  // namespace muster
