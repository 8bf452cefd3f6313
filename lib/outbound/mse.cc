// SPDX-License-Identifier: Apache-2.0
#include "outbound/mse.h"

#include <openssl/bn.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/bytes.h"

namespace muster {
namespace {

constexpr char kPrime[] =
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A63A36210000000000090563";
constexpr std::size_t kDropped = 1024;
constexpr std::size_t kVerification = 8;
constexpr std::uint32_t kPlain = 1;
constexpr std::uint32_t kRc4 = 2;

struct FreeNumber {
  void operator()(BIGNUM* number) const { BN_clear_free(number); }
};
using Number = std::unique_ptr<BIGNUM, FreeNumber>;

// libcrypto fails here only when there is no memory.
void Require(bool ok) {
  if (!ok) std::abort();
}

Number NewNumber(absl::Span<const std::uint8_t> bytes) {
  Number number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  Require(number != nullptr);
  return number;
}

Number NewPrime() {
  BIGNUM* prime = nullptr;
  Require(BN_hex2bn(&prime, kPrime) != 0);
  return Number(prime);
}

MseKey Power(const BIGNUM* base, const MsePrivateKey& key, const BIGNUM* prime) {
  const std::unique_ptr<BN_CTX, decltype(&BN_CTX_free)> context(BN_CTX_new(), &BN_CTX_free);
  Number exponent = NewNumber(key);
  BN_set_flags(exponent.get(), BN_FLG_CONSTTIME);
  Number power(BN_new());
  Require(context != nullptr && power != nullptr &&
          BN_mod_exp(power.get(), base, exponent.get(), prime, context.get()) == 1);
  MseKey bytes;
  Require(BN_bn2binpad(power.get(), bytes.data(), static_cast<int>(bytes.size())) >= 0);
  return bytes;
}

using Digest = std::array<std::uint8_t, SHA_DIGEST_LENGTH>;

Digest HashOf(std::string_view name, absl::Span<const std::uint8_t> a,
              absl::Span<const std::uint8_t> b = {}) {
  std::string text(name);
  text.append(TextOf(a)).append(TextOf(b));
  Digest digest;
  SHA1(BytesOf(text).data(), text.size(), digest.data());
  return digest;
}

void AppendBig16(std::string& out, std::size_t number) {
  std::uint8_t bytes[2];
  StoreBig16(bytes, static_cast<std::uint16_t>(number));
  out.append(TextOf(bytes));
}

}  // namespace

MseKey MsePublicKey(const MsePrivateKey& key) {
  const std::uint8_t two = 2;
  return Power(NewNumber({&two, 1}).get(), key, NewPrime().get());
}

std::optional<MseKey> MseSecret(const MseKey& theirs, const MsePrivateKey& key) {
  const Number base = NewNumber(theirs);
  const Number prime = NewPrime();
  Number last(BN_dup(prime.get()));
  Require(last != nullptr && BN_sub_word(last.get(), 1) == 1);
  if (BN_is_zero(base.get()) || BN_is_one(base.get()) || BN_cmp(base.get(), last.get()) >= 0) {
    return std::nullopt;
  }
  return Power(base.get(), key, prime.get());
}

Rc4 MseStream(std::string_view name, const MseKey& secret, const InfoHash& skey) {
  return Rc4(HashOf(name, secret, skey.bytes()), kDropped);
}

std::string MseRequestHashes(const MseKey& secret, const InfoHash& skey) {
  const Digest of_secret = HashOf("req1", secret);
  Digest of_both = HashOf("req2", skey.bytes());
  const Digest mask = HashOf("req3", secret);
  for (std::size_t i = 0; i < of_both.size(); ++i) of_both[i] ^= mask[i];
  return std::string(TextOf(of_secret)).append(TextOf(of_both));
}

MseChance MseChance::FromSystem() {
  MseChance chance;
  std::array<std::uint8_t, 2> size;
  Require(RAND_bytes(chance.private_key.data(), static_cast<int>(chance.private_key.size())) == 1);
  Require(RAND_bytes(size.data(), static_cast<int>(size.size())) == 1);
  chance.pad.resize(LoadBig16(size.data()) % (kMseMaxPad + 1));
  if (chance.pad.empty()) return chance;
  Require(RAND_bytes(reinterpret_cast<unsigned char*>(chance.pad.data()),
                     static_cast<int>(chance.pad.size())) == 1);
  return chance;
}

MseInitiator::MseInitiator(const InfoHash& skey, const MseChance& chance, std::string_view initial)
    : skey_(skey), chance_(chance), initial_(initial) {}

void MseInitiator::Begin(std::string& out) const {
  out.append(TextOf(MsePublicKey(chance_.private_key))).append(chance_.pad);
}

MseInitiator::Result MseInitiator::Receive(std::string_view bytes, std::string& out,
                                           std::string& said) {
  if (phase_ == Phase::kFailed) return Result::kFailed;
  input_.append(bytes);
  while (phase_ != Phase::kStream && Step(out)) {
  }
  if (phase_ == Phase::kFailed) return Result::kFailed;
  if (phase_ != Phase::kStream) return Result::kNeedMore;
  if (encrypted_) from_peer_->ApplyFrom(input_, 0);
  said.append(input_);
  input_.clear();
  return Result::kDone;
}

// One message, or one part of it; false when more bytes are needed, or none can help.
bool MseInitiator::Step(std::string& out) {
  switch (phase_) {
    case Phase::kKey:
      return TakeKey(out);
    case Phase::kSync:
      return FindVerification();
    case Phase::kSelect:
      return TakeSelection();
    case Phase::kPad:
      return TakePad();
    default:
      return false;
  }
}

bool MseInitiator::Fail() {
  phase_ = Phase::kFailed;
  input_.clear();
  return false;
}

bool MseInitiator::TakeKey(std::string& out) {
  if (input_.size() < kMseKeySize) return false;
  MseKey theirs;
  std::copy_n(BytesOf(input_).begin(), theirs.size(), theirs.begin());
  input_.erase(0, theirs.size());
  const std::optional<MseKey> secret = MseSecret(theirs, chance_.private_key);
  if (!secret) return Fail();

  out.append(MseRequestHashes(*secret, skey_));
  const std::size_t encrypted_from = out.size();
  out.append(kVerification, '\0');
  out.append({0, 0, 0, static_cast<char>(kPlain | kRc4)});
  AppendBig16(out, 0);  // PadC
  AppendBig16(out, initial_.size());
  out.append(initial_);
  MseStream("keyA", *secret, skey_).ApplyFrom(out, encrypted_from);

  from_peer_ = MseStream("keyB", *secret, skey_);
  wanted_ = {};
  from_peer_->Apply(wanted_.data(), wanted_.size());
  phase_ = Phase::kSync;
  return true;
}

bool MseInitiator::FindVerification() {
  const std::string_view wanted(wanted_.data(), wanted_.size());
  const std::size_t found = input_.find(wanted);
  if (found != std::string::npos) {
    if (searched_ + found > kMseMaxPad) return Fail();
    input_.erase(0, found + wanted.size());
    phase_ = Phase::kSelect;
    return true;
  }
  if (input_.size() < wanted.size()) return false;
  // Its beginning may be at the end of what is there.
  const std::size_t passed = input_.size() - (wanted.size() - 1);
  searched_ += passed;
  if (searched_ > kMseMaxPad) return Fail();
  input_.erase(0, passed);
  return false;
}

bool MseInitiator::TakeSelection() {
  if (input_.size() < 6) return false;
  from_peer_->Apply(input_.data(), 6);
  const absl::Span<const std::uint8_t> bytes = BytesOf(input_);
  const std::uint32_t selected = LoadBig32(bytes.data());
  pad_ = LoadBig16(bytes.data() + 4);
  if ((selected != kPlain && selected != kRc4) || pad_ > kMseMaxPad) return Fail();
  encrypted_ = selected == kRc4;
  input_.erase(0, 6);
  phase_ = Phase::kPad;
  return true;
}

bool MseInitiator::TakePad() {
  const std::size_t n = std::min(pad_, input_.size());
  from_peer_->Apply(input_.data(), n);
  input_.erase(0, n);
  pad_ -= n;
  if (pad_ > 0) return false;
  phase_ = Phase::kStream;
  return true;
}

}  // namespace muster
