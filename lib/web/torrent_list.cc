// SPDX-License-Identifier: Apache-2.0
#include "web/torrent_list.h"

#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "base/bytes.h"
#include "web/served_torrents.h"

namespace muster {
namespace {

// No entry is longer: a percent-encoded hash and three numbers of ten digits.
constexpr std::size_t kMaxEntry = 160;

// Writes one entry into space for kMaxEntry bytes; a full scrape is made of millions.
class EntryWriter {
 public:
  explicit EntryWriter(char* at) : at_(at) {}

  void Put(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void Put(char c) { *at_++ = c; }
  void Number(std::uint32_t n) {
    if (n < 10) return Put(static_cast<char>('0' + n));  // as most are
    at_ = std::to_chars(at_, at_ + 10, n).ptr;
  }
  void Big32(std::uint32_t n) {
    StoreBig32(reinterpret_cast<std::uint8_t*>(at_), n);
    at_ += 4;
  }
  void Hex(const InfoHash& hash) {
    for (const std::uint8_t byte : hash.bytes()) Digits(byte, "0123456789ABCDEF");
  }
  // As the original has it, in small letters, with what it takes for plain.
  void PercentEncoded(const InfoHash& hash) {
    constexpr std::string_view kPlain = "$-./=_~";
    for (const std::uint8_t byte : hash.bytes()) {
      const char c = static_cast<char>(byte);
      if (absl::ascii_isalnum(byte) || kPlain.find(c) != kPlain.npos) {
        Put(c);
      } else {
        Put('%');
        Digits(byte, "0123456789abcdef");
      }
    }
  }
  char* end() const { return at_; }

 private:
  void Digits(std::uint8_t byte, const char* digits) {
    Put(digits[byte >> 4]);
    Put(digits[byte & 15]);
  }

  char* at_;
};

void WriteEntry(const InfoHash& hash, const SwarmCounts& counts, TorrentListFormat format,
                EntryWriter& to) {
  switch (format) {
    case TorrentListFormat::kBencode:
      to.Put("20:");
      to.Put(hash.text());
      to.Put("d8:completei");
      to.Number(counts.complete());
      to.Put("e10:downloadedi");
      to.Number(counts.completed);
      to.Put("e10:incompletei");
      to.Number(counts.incomplete());
      to.Put("ee");
      return;
    case TorrentListFormat::kBinary:
      to.Put(hash.text());
      to.Big32(counts.complete());
      to.Big32(counts.incomplete());
      return;
    case TorrentListFormat::kText:
    case TorrentListFormat::kTextCompleted:
    case TorrentListFormat::kUrl:
      if (format == TorrentListFormat::kUrl) {
        to.PercentEncoded(hash);
      } else {
        to.Hex(hash);
      }
      to.Put(':');
      to.Number(counts.complete());
      to.Put(':');
      to.Number(counts.incomplete());
      if (format == TorrentListFormat::kTextCompleted) {
        to.Put(':');
        to.Number(counts.completed);
      }
      to.Put('\n');
      return;
  }
}

class FullScrape final : public HttpBody {
 public:
  FullScrape(const SwarmStore& store, const Policy* policy, TorrentListFormat format)
      : cursor_(store.Walk(SwarmStore::kWholeSwarms)), policy_(policy), format_(format) {}

  Progress Produce(std::size_t budget, std::string& out) override {
    const bool bencode = format_ == TorrentListFormat::kBencode;
    if (!begun_ && bencode) out += "d5:filesd";
    begun_ = true;
    std::size_t size = out.size();
    const std::size_t enough = size + budget;
    out.resize(enough + kMaxEntry);
    auto step = SwarmCursor::Step::kVisited;
    for (std::size_t passed_over = 0;
         size + passed_over < enough && step == SwarmCursor::Step::kVisited;) {
      step = cursor_->Next([&](const SwarmView& swarm) {
        if (IsHidden(policy_, swarm.info_hash())) {
          passed_over += kBytesAVisit;
          return;
        }
        EntryWriter writer(out.data() + size);
        WriteEntry(swarm.info_hash(), swarm.counts(), format_, writer);
        size = static_cast<std::size_t>(writer.end() - out.data());
      });
    }
    out.resize(size);
    if (step != SwarmCursor::Step::kEnd) return Progress::kMore;
    if (bencode) out += "ee";
    return Progress::kEnd;
  }

 private:
  const std::unique_ptr<SwarmCursor> cursor_;
  const Policy* const policy_;
  const TorrentListFormat format_;
  bool begun_ = false;
};

}  // namespace

std::optional<TorrentListFormat> TorrentListFormatOf(std::string_view name) {
  if (name == "ben") return TorrentListFormat::kBencode;
  if (name == "txt") return TorrentListFormat::kText;
  if (name == "txtp") return TorrentListFormat::kTextCompleted;
  if (name == "url") return TorrentListFormat::kUrl;
  if (name == "bin") return TorrentListFormat::kBinary;
  return std::nullopt;
}

std::unique_ptr<HttpBody> NewTorrentList(const SwarmStore& store, const Policy* policy,
                                         TorrentListFormat format) {
  return std::make_unique<FullScrape>(store, policy, format);
}

}  // namespace muster
