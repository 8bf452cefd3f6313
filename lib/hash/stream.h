// SPDX-License-Identifier: Apache-2.0
//
// HashStream: one message after the other through libcrypto, whole or bit by bit.
// Thread-compatible.
#ifndef MUSTER_LIB_HASH_STREAM_H_
#define MUSTER_LIB_HASH_STREAM_H_

#include <openssl/types.h>

#include <cstdint>

#include "hash/engine.h"
#include "hash/message.h"

namespace muster {

class HashStream {
 public:
  explicit HashStream(HashKind kind);
  ~HashStream();

  HashStream(const HashStream&) = delete;
  HashStream& operator=(const HashStream&) = delete;

  // Writes DigestSize() bytes.
  void Hash(const HashMessage& message, std::uint8_t* digest);

  // The same in steps. A new stream has begun.
  void Begin();
  void Append(const HashMessage& message);
  void Finish(std::uint8_t* digest);

 private:
  EVP_MD_CTX* const context_;
};

}  // namespace muster

#endif  // MUSTER_LIB_HASH_STREAM_H_
