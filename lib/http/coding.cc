// SPDX-License-Identifier: Apache-2.0
#include "http/coding.h"

#include <zlib.h>
#if MUSTER_ZSTD
#include <zstd.h>
#endif

#include <algorithm>
#include <array>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/text.h"

namespace muster {
namespace {

// Info hashes do not compress, and the rest compresses at any level.
constexpr int kGzipLevel = 1;
constexpr int kZstdLevel = 1;

// Coding costs several times what making the bytes costs.
constexpr std::size_t kBudgetDivisor = 4;

std::string_view Trim(std::string_view text) {
  return FromAbsl(absl::StripAsciiWhitespace(ToAbsl(text)));
}

// The next part of a list, up to `separator`, which is taken off `rest`.
std::string_view NextPart(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return Trim(part);
}

// "0.75" as 750; nothing for anything but a weight.
std::optional<int> ParseWeight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  int weight = (text[0] - '0') * 1000;
  if (text.size() == 1) return weight;
  if (text[1] != '.') return std::nullopt;
  int unit = 100;
  for (const char c : text.substr(2)) {
    if (c < '0' || c > '9') return std::nullopt;
    weight += (c - '0') * unit;
    unit /= 10;
  }
  return weight <= 1000 ? std::optional(weight) : std::nullopt;
}

// The weight of one part of the list; nothing when it is malformed.
std::optional<int> WeightOf(std::string_view parameters) {
  if (parameters.empty()) return 1000;
  if (parameters.size() < 2 || (parameters[0] != 'q' && parameters[0] != 'Q')) return std::nullopt;
  parameters = Trim(parameters.substr(1));
  if (parameters.empty() || parameters[0] != '=') return std::nullopt;
  return ParseWeight(Trim(parameters.substr(1)));
}

// zlib writes into space that we make for it, this much at a time.
constexpr std::size_t kRoom = 16 * 1024;

class GzipEncoder final : public Encoder {
 public:
  static std::unique_ptr<Encoder> New() {
    auto encoder = std::unique_ptr<GzipEncoder>(new GzipEncoder);
    constexpr int kWindowBits = 15 + 16;  // with the head and the tail of gzip
    constexpr int kMemoryLevel = 8;
    encoder->open_ = deflateInit2(&encoder->stream_, kGzipLevel, Z_DEFLATED, kWindowBits,
                                  kMemoryLevel, Z_DEFAULT_STRATEGY) == Z_OK;
    if (!encoder->open_) return nullptr;
    return encoder;
  }
  ~GzipEncoder() override {
    if (open_) deflateEnd(&stream_);
  }

  bool Encode(std::string_view text, bool end, std::string& out) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream_.avail_in = static_cast<uInt>(text.size());
    for (;;) {
      const std::size_t before = out.size();
      out.resize(before + kRoom);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
      stream_.avail_out = kRoom;
      const int result = deflate(&stream_, end ? Z_FINISH : Z_NO_FLUSH);
      out.resize(before + kRoom - stream_.avail_out);
      if (result == Z_STREAM_END) return true;
      if (result != Z_OK && result != Z_BUF_ERROR) return false;
      if (stream_.avail_out > 0 && stream_.avail_in == 0 && !end) return true;
    }
  }

 private:
  GzipEncoder() = default;
  z_stream stream_{};
  bool open_ = false;
};

#if MUSTER_ZSTD
class ZstdEncoder final : public Encoder {
 public:
  static std::unique_ptr<Encoder> New() {
    auto encoder = std::unique_ptr<ZstdEncoder>(new ZstdEncoder);
    if (encoder->context_ == nullptr) return nullptr;
    ZSTD_CCtx_setParameter(encoder->context_, ZSTD_c_compressionLevel, kZstdLevel);
    return encoder;
  }
  ~ZstdEncoder() override { ZSTD_freeCCtx(context_); }

  bool Encode(std::string_view text, bool end, std::string& out) override {
    ZSTD_inBuffer in{text.data(), text.size(), 0};
    for (;;) {
      const std::size_t before = out.size();
      out.resize(before + kRoom);
      ZSTD_outBuffer to{out.data() + before, kRoom, 0};
      const std::size_t left =
          ZSTD_compressStream2(context_, &to, &in, end ? ZSTD_e_end : ZSTD_e_continue);
      out.resize(before + to.pos);
      if (ZSTD_isError(left) != 0) return false;
      if (end ? left == 0 : in.pos == in.size) return true;
    }
  }

 private:
  ZstdEncoder() = default;
  ZSTD_CCtx* const context_ = ZSTD_createCCtx();
};
#endif

}  // namespace

bool HasZstd() { return MUSTER_ZSTD != 0; }

std::string_view CodingName(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::kGzip:
      return "gzip";
    case ContentCoding::kZstd:
      return "zstd";
    default:
      return "";
  }
}

ContentCoding ChooseCoding(std::string_view accept_encoding) {
  // Weights by coding; negative where the header does not name it.
  int gzip = -1;
  int zstd = -1;
  int any = -1;
  while (!accept_encoding.empty()) {
    std::string_view part = NextPart(accept_encoding, ',');
    const std::string_view name = NextPart(part, ';');
    const std::optional<int> weight = WeightOf(Trim(part));
    if (!weight) continue;
    if (absl::EqualsIgnoreCase(ToAbsl(name), "gzip") ||
        absl::EqualsIgnoreCase(ToAbsl(name), "x-gzip"))
      gzip = *weight;
    if (absl::EqualsIgnoreCase(ToAbsl(name), "zstd")) zstd = *weight;
    if (name == "*") any = *weight;
  }
  if (gzip < 0) gzip = any;
  if (!HasZstd()) zstd = -1;
  if (zstd > 0 && zstd >= gzip) return ContentCoding::kZstd;
  return gzip > 0 ? ContentCoding::kGzip : ContentCoding::kIdentity;
}

std::unique_ptr<Encoder> NewEncoder(ContentCoding coding) {
  if (coding == ContentCoding::kGzip) return GzipEncoder::New();
#if MUSTER_ZSTD
  if (coding == ContentCoding::kZstd) return ZstdEncoder::New();
#endif
  return nullptr;
}

HttpBody::Progress CodedBody::Produce(std::size_t budget, std::string& out) {
  plain_.clear();
  const Progress progress = body_->Produce(budget / kBudgetDivisor, plain_);
  if (progress == Progress::kFailed) return progress;
  if (!encoder_->Encode(plain_, progress == Progress::kEnd, out)) return Progress::kFailed;
  return progress;
}

}  // namespace muster
