// SPDX-License-Identifier: Apache-2.0
//
// A query means the same however it is encoded: with every byte of every name and value encoded it
// decodes to the same announce, or is refused too. A decoded announce, written as a plain query,
// decodes to itself, and one without repeated parameters decodes with more of them as well. Scrapes
// likewise.
#include "wire/http_announce.h"
#include "wire/bttrack_announce.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "fuzz/require.h"
#include "http/query.h"
#include "wire/http_scrape.h"

namespace {

using muster::AnnounceRequest;
using muster::HttpAnnounce;
using muster::Require;

std::string Encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', "0123456789abcdef"[byte >> 4], "0123456789ABCDEF"[byte & 15]};
  }
  return encoded;
}

// The same, but for what is encoded already, or wrongly.
std::string EncodedAsSent(std::string_view text) {
  std::string encoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      encoded += Encoded(text.substr(i, 1));
    } else {
      encoded += text.substr(i, 3);
      i += 2;
    }
  }
  return encoded;
}

bool Equal(const HttpAnnounce& a, const HttpAnnounce& b) {
  const AnnounceRequest& x = a.request;
  const AnnounceRequest& y = b.request;
  return a.compact == b.compact && a.no_peer_id == b.no_peer_id && x.info_hash == y.info_hash &&
         x.peer_id == y.peer_id && x.peer == y.peer && x.downloaded == y.downloaded &&
         x.uploaded == y.uploaded && x.left == y.left && x.event == y.event &&
         x.numwant == y.numwant && x.key == y.key;
}

std::string PlainQuery(const HttpAnnounce& announce) {
  const AnnounceRequest& r = announce.request;
  constexpr const char* kEvents[] = {"", "started", "completed", "stopped", "paused"};
  char key[16];
  std::snprintf(key, sizeof key, "%x", r.key);
  return "info_hash=" + Encoded(r.info_hash.text()) + "&peer_id=" + Encoded(r.peer_id.text()) +
         "&port=" + std::to_string(r.peer.port()) + "&downloaded=" + std::to_string(r.downloaded) +
         "&uploaded=" + std::to_string(r.uploaded) + "&left=" + std::to_string(r.left) +
         "&event=" + kEvents[static_cast<int>(r.event)] + "&numwant=" + std::to_string(r.numwant) +
         "&key=" + key + (announce.compact ? "" : "&compact=0") +
         (announce.no_peer_id ? "&no_peer_id=1" : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<char> bytes(data,
                                data + size);  // exactly as long, so that a read beyond it is seen
  const std::string_view query(bytes.data(), bytes.size());
  std::string encoded;
  std::set<std::string> names;
  bool repeats = false;
  muster::QueryReader reader(query);
  while (reader.Next()) {
    // A broken escape at the end of a name would be mended by the '=' behind it; such a name is
    // unknown anyway.
    const std::string name = EncodedAsSent(reader.name());
    repeats = !names.insert(absl::AsciiStrToLower(name)).second || repeats;
    encoded += name + '=' + EncodedAsSent(reader.value()) + '&';
  }
  const muster::IpAddress from = *muster::IpAddress::Parse("2001:db8::1");
  const absl::StatusOr<HttpAnnounce> announce = muster::DecodeHttpAnnounce(query, from);
  const absl::StatusOr<HttpAnnounce> again = muster::DecodeHttpAnnounce(encoded, from);
  Require(announce.ok() == again.ok());
  muster::HttpAnnounceMore more;
  muster::HttpAnnounceMore more_again;
  const absl::StatusOr<HttpAnnounce> with_more = muster::DecodeHttpAnnounce(query, from, more);
  Require(with_more.ok() == muster::DecodeHttpAnnounce(encoded, from, more_again).ok());
  if (announce.ok() && !repeats) Require(with_more.ok());
  if (with_more.ok()) {
    Require(more == more_again);
    Require(more.supports_crypto || !more.requires_crypto);
    for (const std::string& text : {more.key, more.password, more.seed_id})
      Require(text.size() <= muster::kMaxParameterValue);
  }
  if (announce.ok()) {
    Require(Equal(*announce, *again));
    const absl::StatusOr<HttpAnnounce> plain =
        muster::DecodeHttpAnnounce(PlainQuery(*announce), from);
    Require(plain.ok() && Equal(*announce, *plain));
    Require(announce->request.peer.address() == from);
    Require(announce->request.numwant >= AnnounceRequest::kDefaultNumwant);
  } else {
    Require(announce.status() == again.status());
    std::string out;
    muster::EncodeHttpFailure(announce.status(), out);
    Require(out.size() > 20 && out.size() < 200);
  }

  std::optional<muster::InfoHash> info_hash;
  const absl::Status bttrack = muster::CheckBttrackAnnounce(query, info_hash);
  Require(!bttrack.ok() || info_hash.has_value());
  Require(bttrack.ok() || (!bttrack.message().empty() && bttrack.message().size() < 30));

  std::vector<muster::InfoHash> hashes;
  std::vector<muster::InfoHash> hashes_again;
  constexpr std::size_t kMaxTorrents = 5;
  for (const muster::TooManyTorrents too_many :
       {muster::TooManyTorrents::kRefused, muster::TooManyTorrents::kLeftOut}) {
    const absl::Status scrape = muster::DecodeHttpScrape(query, kMaxTorrents, too_many, hashes);
    Require(scrape == muster::DecodeHttpScrape(encoded, kMaxTorrents, too_many, hashes_again));
    if (!scrape.ok()) continue;
    Require(hashes == hashes_again && hashes.size() <= kMaxTorrents);
    Require(std::is_sorted(hashes.begin(), hashes.end()));
  }
  return 0;
}
