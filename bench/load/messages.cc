// SPDX-License-Identifier: Apache-2.0
#include "load/messages.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/hex.h"
#include "base/text.h"

namespace muster::load {
namespace {

constexpr std::uint64_t kProtocolId = 0x41727101980;  // BEP 15
constexpr std::string_view kPeerIdPrefix = "-ML0100-";
constexpr std::uint32_t kLongestInterval = 24 * 3600;

std::uint64_t LeftOf(const Job& job) {
  return job.peer.seeder || job.event == Event::kCompleted ? 0 : 1 << 20;
}

// One value after another of a bencoded text; enough to find keys in an answer, with depth bounded
// by the level count.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool Take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool Text(std::string_view& to) {
    std::uint64_t size = 0;
    if (!Number(':', size) || size > rest_.size()) return false;
    to = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(to.size());
    return true;
  }
  bool Integer(std::uint64_t& to) { return Take('i') && Number('e', to); }
  // One whole value, whatever it holds.
  bool Skip() {
    std::size_t depth = 0;
    do {
      std::string_view text;
      std::uint64_t number;
      if (rest_.empty()) return false;
      if (rest_[0] == 'd' || rest_[0] == 'l') {
        ++depth;
        rest_.remove_prefix(1);
      } else if (rest_[0] == 'e') {
        if (depth == 0) return false;
        --depth;
        rest_.remove_prefix(1);
      } else if (Take('i')) {
        Take('-');
        if (!Number('e', number)) return false;
      } else if (!Text(text)) {
        return false;
      }
    } while (depth > 0);
    return true;
  }
  bool at_end() const { return rest_.empty(); }

 private:
  bool Number(char end, std::uint64_t& to) {
    to = 0;
    std::size_t n = 0;
    for (; n < rest_.size() && n < 18 && rest_[n] >= '0' && rest_[n] <= '9'; ++n) {
      to = to * 10 + static_cast<std::uint64_t>(rest_[n] - '0');
    }
    if (n == 0 || n == rest_.size() || rest_[n] != end) return false;
    rest_.remove_prefix(n + 1);
    return true;
  }

  std::string_view rest_;
};

bool Count(Scanner& scan, std::uint32_t& to) {
  std::uint64_t n;
  if (!scan.Integer(n) || n >= kUnknown) return false;
  to = static_cast<std::uint32_t>(n);
  return true;
}

// complete and incomplete of a scrape's file entry.
bool ReadFileEntry(Scanner& scan, ScrapeView& to) {
  if (!scan.Take('d')) return false;
  while (!scan.Take('e')) {
    std::string_view key;
    if (!scan.Text(key)) return false;
    if (!(key == "complete"     ? Count(scan, to.seeders)
          : key == "incomplete" ? Count(scan, to.leechers)
                                : scan.Skip())) {
      return false;
    }
  }
  return true;
}

std::uint32_t SourceOf(const Endpoint& peer) {
  return LoadBig32(peer.compact().data()) - kFirstSource;
}

}  // namespace

std::string_view FaultName(Fault fault) {
  static constexpr std::array<std::string_view, kFaults> kNames = {
      "none",     "size",   "action",         "transaction", "refused",  "status", "syntax",
      "interval", "counts", "too many peers", "self",        "stranger", "twice"};
  return kNames[static_cast<std::size_t>(fault)];
}

std::size_t WriteConnect(std::uint8_t* to, std::uint32_t transaction) {
  ByteWriter w({to, kConnectSize});
  w.U64(kProtocolId);
  w.U32(0);
  w.U32(transaction);
  return w.size();
}

std::size_t WriteAnnounce(std::uint8_t* to, std::uint64_t connection, std::uint32_t transaction,
                          const InfoHash& hash, const Job& job, std::uint32_t numwant) {
  ByteWriter w({to, kAnnounceSize});
  w.U64(connection);
  w.U32(1);
  w.U32(transaction);
  w.Bytes(hash.bytes());
  w.Bytes(BytesOf(kPeerIdPrefix));
  w.U64(0x3132333435363738);
  w.U16(job.peer.port);
  w.U16(0x6d6c);
  w.U64(0);  // downloaded
  w.U64(LeftOf(job));
  w.U64(0);  // uploaded
  w.U32(static_cast<std::uint32_t>(job.event));
  w.U32(0);                            // address: the packet's own
  w.U32(job.peer.port * 0x9e3779b9u);  // key: some number of the peer's own
  w.U32(numwant);
  w.U16(job.peer.port);
  return w.size();
}

std::size_t WriteScrape(std::uint8_t* to, std::uint64_t connection, std::uint32_t transaction,
                        const InfoHash& hash) {
  ByteWriter w({to, kScrapeSize});
  w.U64(connection);
  w.U32(2);
  w.U32(transaction);
  w.Bytes(hash.bytes());
  return w.size();
}

void AppendHttpRequest(std::string& to, std::string_view path, std::string_view host,
                       const InfoHash& hash, const Job& job, std::uint32_t numwant,
                       bool keep_alive) {
  const bool scrape = job.action == Action::kScrape;
  const std::size_t word = scrape ? path.rfind("announce") : std::string_view::npos;
  to += "GET ";
  to += path.substr(0, word);
  if (word != std::string_view::npos) {
    to += "scrape";
    to += path.substr(word + 8);
  }
  to += path.find('?') == std::string_view::npos ? "?info_hash=" : "&info_hash=";
  for (const std::uint8_t byte : hash.bytes()) {
    if (std::isalnum(byte) && byte < 0x80) {
      to += static_cast<char>(byte);
    } else {
      static constexpr char kHex[] = "0123456789ABCDEF";
      to += '%';
      to += kHex[byte >> 4];
      to += kHex[byte & 15];
    }
  }
  if (!scrape) {
    static constexpr const char* kEvents[] = {"", "&event=completed", "&event=started",
                                              "&event=stopped"};
    absl::StrAppend(&to, "&peer_id=", ToAbsl(kPeerIdPrefix), "1234567", job.peer.port);
    if (job.peer.port < 10'000) to += '0';  // 20 bytes in all
    absl::StrAppend(&to, "&port=", job.peer.port, "&uploaded=0&downloaded=0&left=", LeftOf(job),
                    kEvents[static_cast<std::size_t>(job.event)], "&compact=1&numwant=", numwant);
  }
  to += " HTTP/1.1\r\nHost: ";
  to += host;
  to += "\r\nUser-Agent: muster-load\r\n";
  to += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
}

Fault ReadUdpAnnounce(absl::Span<const std::uint8_t> answer, AddressFamily family,
                      AnnounceView& to) {
  if (answer.size() < 20 || (answer.size() - 20) % CompactSize(family) != 0) return Fault::kSize;
  to.interval = LoadBig32(answer.data() + 8);
  to.leechers = LoadBig32(answer.data() + 12);
  to.seeders = LoadBig32(answer.data() + 16);
  to.peers = answer.subspan(20);
  return Fault::kNone;
}

Fault ReadUdpScrape(absl::Span<const std::uint8_t> answer, ScrapeView& to) {
  if (answer.size() != 20) return Fault::kSize;
  to.seeders = LoadBig32(answer.data() + 8);
  to.leechers = LoadBig32(answer.data() + 16);
  return Fault::kNone;
}

Fault ReadHttpAnnounce(std::string_view body, AddressFamily family, AnnounceView& to) {
  const std::string_view peers_key = family == AddressFamily::kIpv4 ? "peers" : "peers6";
  Scanner scan(body);
  if (!scan.Take('d')) return Fault::kSyntax;
  while (!scan.Take('e')) {
    std::string_view key, peers;
    bool ok = scan.Text(key);
    if (key == "failure reason") return Fault::kRefused;
    if (key == "interval") {
      ok = ok && Count(scan, to.interval);
    } else if (key == "complete") {
      ok = ok && Count(scan, to.seeders);
    } else if (key == "incomplete") {
      ok = ok && Count(scan, to.leechers);
    } else if (key == peers_key) {
      ok = ok && scan.Text(peers);
      to.peers = BytesOf(peers);
    } else {
      ok = ok && scan.Skip();
    }
    if (!ok) return Fault::kSyntax;
  }
  if (!scan.at_end()) return Fault::kSyntax;
  return to.peers.size() % CompactSize(family) == 0 ? Fault::kNone : Fault::kSize;
}

Fault ReadHttpScrape(std::string_view body, const InfoHash& hash, ScrapeView& to) {
  Scanner scan(body);
  if (!scan.Take('d')) return Fault::kSyntax;
  while (!scan.Take('e')) {
    std::string_view key;
    if (!scan.Text(key)) return Fault::kSyntax;
    if (key == "failure reason") return Fault::kRefused;
    if (key != "files") {
      if (!scan.Skip()) return Fault::kSyntax;
      continue;
    }
    if (!scan.Take('d')) return Fault::kSyntax;
    while (!scan.Take('e')) {
      std::string_view name;
      if (!scan.Text(name)) return Fault::kSyntax;
      if (!(name == hash.text() ? ReadFileEntry(scan, to) : scan.Skip())) return Fault::kSyntax;
    }
  }
  return scan.at_end() ? Fault::kNone : Fault::kSyntax;
}

bool ReadHttpHead(std::string_view bytes, HttpHead& to) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return false;
  to = HttpHead{};
  to.size = end + 4;
  if (!bytes.starts_with("HTTP/1.") || bytes.size() < 12) return true;
  to.close = bytes[7] == '0';
  for (std::size_t i = 9; i < 12; ++i) {
    if (bytes[i] < '0' || bytes[i] > '9') return to.status = 0, true;
    to.status = to.status * 10 + (bytes[i] - '0');
  }
  for (std::size_t at = bytes.find("\r\n"); at < end;) {
    const std::size_t next = bytes.find("\r\n", at + 2);
    const std::string_view line = bytes.substr(at + 2, next - at - 2);
    at = next;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    const auto named = [&](std::string_view name) {
      return colon == name.size() && strncasecmp(line.data(), name.data(), colon) == 0;
    };
    if (named("content-length")) {
      to.body_size = 0;
      for (const char c : value) {
        if (c < '0' || c > '9' || to.body_size > (1u << 30)) return to.status = 0, true;
        to.body_size = to.body_size * 10 + static_cast<std::size_t>(c - '0');
      }
    } else if (named("connection") && value.size() == 5 &&
               strncasecmp(value.data(), "close", 5) == 0) {
      to.close = true;
    }
  }
  return true;
}

Fault CheckAnnounce(const AnnounceView& view, const Asked& asked) {
  if (view.interval == 0 || view.interval > kLongestInterval) return Fault::kInterval;
  const std::size_t peers = view.peers.size() / CompactSize(asked.family);
  if (peers > asked.numwant) return Fault::kTooMany;
  if (view.seeders == kUnknown || view.leechers == kUnknown) return Fault::kNone;
  const std::uint64_t all = std::uint64_t{view.seeders} + view.leechers;
  // Whether the asking peer counts is the tracker's choice (BEP 15 does not say; aquatic leaves it
  // out).
  if (all < peers || all > asked.plan->SwarmSize(asked.job.peer.torrent)) {
    return Fault::kCounts;
  }
  return Fault::kNone;
}

Fault CheckPeers(const AnnounceView& view, const Asked& asked, const Endpoint& own) {
  const std::size_t stride = CompactSize(asked.family);
  std::vector<Endpoint> peers;
  peers.reserve(view.peers.size() / stride);
  const bool own_addresses = asked.plan->options().own_addresses;
  for (std::size_t at = 0; at < view.peers.size(); at += stride) {
    const Endpoint peer = Endpoint::FromCompact(asked.family, view.peers.data() + at);
    if (peer == own && !asked.allow_self) return Fault::kSelf;
    const std::uint32_t source = own_addresses ? SourceOf(peer) : 0;
    if ((!own_addresses && peer.address() != own.address()) ||
        !asked.plan->Has(asked.job.peer.torrent, source, peer.port())) {
      return Fault::kStranger;
    }
    peers.push_back(peer);
  }
  std::sort(peers.begin(), peers.end());
  return std::adjacent_find(peers.begin(), peers.end()) == peers.end() ? Fault::kNone
                                                                       : Fault::kTwice;
}

Fault CheckScrape(const ScrapeView& view, const Asked& asked, bool exact) {
  if (view.seeders == kUnknown || view.leechers == kUnknown)
    return exact ? Fault::kCounts : Fault::kNone;
  const std::uint32_t size = asked.plan->SwarmSize(asked.job.peer.torrent);
  const std::uint64_t all = std::uint64_t{view.seeders} + view.leechers;
  if (!exact) return all <= size ? Fault::kNone : Fault::kCounts;
  return all == size && view.seeders == asked.plan->Seeders(asked.job.peer.torrent)
             ? Fault::kNone
             : Fault::kCounts;
}

std::string Describe(Fault fault, const Asked& asked, absl::Span<const std::uint8_t> answer) {
  constexpr std::size_t kShown = 64;
  const std::uint32_t torrent = asked.job.peer.torrent;
  return absl::StrCat(
      ToAbsl(FaultName(fault)), ": action ", static_cast<int>(asked.job.action), ", event ",
      static_cast<int>(asked.job.event), ", torrent ", asked.plan->Hash(torrent).ToHex(),
      " planned with ", asked.plan->SwarmSize(torrent), " peers, ", asked.plan->Seeders(torrent),
      " of them seeders; source ", asked.source, ", port ", asked.job.peer.port, "; answer of ",
      answer.size(), " bytes: ", HexEncode(answer.subspan(0, kShown)));
}

}  // namespace muster::load
