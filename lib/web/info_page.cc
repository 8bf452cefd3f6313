// SPDX-License-Identifier: Apache-2.0
#include "web/info_page.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "muster/version.h"
#include "web/html.h"
#include "web/served_torrents.h"

namespace muster {
namespace {

using absl::StrAppend;

constexpr absl::string_view kTop = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>BitTorrent download info</title>
<style>
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5d6b7e; --line: #dfe5ec; --back: #f6f8fa; --card: #fff; --mark: #0b6e4f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e9f0; --soft: #97a4b6; --line: #2b3542; --back: #12171e; --card: #1a212b; --mark: #4fd1a5; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 2.5rem 1.25rem; background: var(--back); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.6rem; font-weight: 650; margin: 0; letter-spacing: -0.01em; }
header p { margin: .25rem 0 0; color: var(--soft); }
dl.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1.75rem 0; }
dl.figures div { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem; }
dl.figures dt { color: var(--soft); font-size: .85rem; }
dl.figures dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .5rem 1rem; text-align: right; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--soft); font-size: .85rem; font-weight: 600; }
th:first-child, td:first-child { text-align: left; }
td:first-child { overflow-wrap: anywhere; }
td + td, th + th { white-space: nowrap; }
.name { display: block; font-weight: 550; color: var(--ink); text-decoration: none; }
a.name:hover { color: var(--mark); text-decoration: underline; }
.name + code { color: var(--soft); font-size: .8em; }
tbody tr:hover { background: var(--back); }
tfoot td { font-weight: 650; border-top: 2px solid var(--line); }
code { font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
td.has { color: var(--mark); font-weight: 600; }
.note { color: var(--soft); }
dl.words { color: var(--soft); font-size: .9rem; display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin-top: 1.75rem; }
dl.words dt { font-weight: 600; }
dl.words dd { margin: 0; }
</style>
</head>
<body>
)";

constexpr absl::string_view kHashHead =
    R"(<thead><tr><th scope="col">info hash</th><th scope="col">complete</th><th scope="col">downloading</th><th scope="col">downloaded</th></tr></thead>
)";
constexpr absl::string_view kNameHead =
    R"(<thead><tr><th scope="col">torrent</th><th scope="col">size</th><th scope="col">complete</th><th scope="col">downloading</th><th scope="col">downloaded</th><th scope="col">transferred</th></tr></thead>
)";

constexpr absl::string_view kWords =
    R"(<dt>info hash</dt><dd>names a torrent: the SHA-1 of its info dictionary, or the first 20 bytes of the SHA-256</dd>
<dt>complete</dt><dd>clients that have all of it (seeds)</dd>
<dt>downloading</dt><dd>clients that still lack something</dd>
<dt>downloaded</dt><dd>downloads that were finished</dd>
)";
constexpr absl::string_view kNameWords =
    R"(<dt>transferred</dt><dd>size times downloaded: does not count what was begun and not finished</dd>
)";

std::string Duration(std::uint64_t seconds) {
  const std::uint64_t days = seconds / 86400;
  const std::uint64_t hours = seconds / 3600 % 24;
  const std::uint64_t minutes = seconds / 60 % 60;
  if (days > 0) return absl::StrCat(days, " d ", hours, " h");
  if (hours > 0) return absl::StrCat(hours, " h ", minutes, " min");
  return absl::StrCat(minutes, " min");
}

// "2026-11-21 12:00 UTC"
std::string UtcTime(Instant now) {
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const auto minutes = static_cast<unsigned>((now - day).count() / 60);
  return absl::StrCat(static_cast<int>(date.year()), "-",
                      absl::Dec(static_cast<unsigned>(date.month()), absl::kZeroPad2), "-",
                      absl::Dec(static_cast<unsigned>(date.day()), absl::kZeroPad2), " ",
                      absl::Dec(minutes / 60, absl::kZeroPad2), ":",
                      absl::Dec(minutes % 60, absl::kZeroPad2), " UTC");
}

void AppendFigure(absl::string_view name, const std::string& figure, std::string& out) {
  StrAppend(&out, "<div><dt>", name, "</dt><dd>", figure, "</dd></div>\n");
}

class InfoPage final : public HttpBody {
 public:
  InfoPage(const SwarmStore& store, const Snapshot& snapshot, const InfoPageOptions& options)
      : snapshot_(snapshot),
        options_(options),
        named_(options.torrents != nullptr && options.show_names),
        shows_all_(options.torrents != nullptr || options.show_dead),
        torrents_(named_ ? TorrentsByName(store, options.policy, options.torrents)
                         : TorrentsByHash(store, options.policy, options.torrents)) {}

  Progress Produce(std::size_t budget, std::string& out) override {
    const std::size_t enough = out.size() + budget;
    if (!std::exchange(begun_, true)) AppendTop(out);
    ServedTorrent served;
    for (std::size_t visits = 0; out.size() < enough && visits * kBytesAVisit <= budget; ++visits) {
      const SwarmCursor::Step step = torrents_->Next(served);
      if (step == SwarmCursor::Step::kPrepared) break;
      if (step == SwarmCursor::Step::kEnd) {
        AppendBottom(out);
        return Progress::kEnd;
      }
      if (served.hidden || (!options_.show_dead && served.is_dead())) continue;
      Add(served);
      if (all_ > options_.max_torrents) continue;
      if (all_ == 1) AppendTableTop(out);
      AppendRow(served, out);
    }
    return Progress::kMore;
  }

 private:
  // Torrents that are served: with the catalog, also those without a swarm.
  std::uint64_t torrents() const {
    return std::max<std::uint64_t>(snapshot_.store.torrents,
                                   options_.torrents == nullptr ? 0 : options_.torrents->size());
  }
  void AppendTop(std::string& out) const {
    out.append(kTop.data(), kTop.size());
    StrAppend(&out, "<header><h1>BitTorrent download info</h1>\n<p>tracker: muster ",
              ToAbsl(Version()), " · server time: ", UtcTime(snapshot_.now), " · up for ",
              Duration(snapshot_.uptime()), "</p></header>\n<dl class=\"figures\">\n");
    const StoreTotals& store = snapshot_.store;
    if (shows_all_) AppendFigure("torrents", GroupedDigits(torrents()), out);
    if (named_)
      AppendFigure("size", SizeText(static_cast<double>(options_.torrents->length())), out);
    AppendFigure("complete", GroupedDigits(store.seeders), out);
    AppendFigure("downloading", GroupedDigits(store.peers - store.seeders), out);
    if (!named_ && shows_all_) AppendFigure("downloaded", GroupedDigits(store.completed), out);
    out += "</dl>\n";
  }
  void AppendTableTop(std::string& out) const {
    StrAppend(&out, "<div class=\"scroll\">\n<table>\n", named_ ? kNameHead : kHashHead,
              "<tbody>\n");
  }
  static double SizeOf(const ServedTorrent& served) {
    return static_cast<double>(served.torrent->length);
  }
  void Add(const ServedTorrent& served) {
    ++all_;
    complete_ += served.counts.complete();
    downloading_ += served.counts.incomplete();
    downloaded_ += served.counts.completed;
    if (!named_) return;
    transferred_ += SizeOf(served) * served.counts.completed;
    // The second hash of a hybrid torrent is no second copy of it.
    const InfoHashes& hashes = served.torrent->info_hashes;
    if (!hashes.v1 || served.info_hash == *hashes.v1) size_ += SizeOf(served);
  }
  void AppendRow(const ServedTorrent& served, std::string& out) const {
    const SwarmCounts& counts = served.counts;
    out += "<tr><td>";
    if (named_) AppendName(served, out);
    StrAppend(&out, "<code>", served.info_hash.ToHex(), "</code></td>");
    if (named_) StrAppend(&out, "<td>", SizeText(SizeOf(served)), "</td>");
    StrAppend(&out, counts.complete() > 0 ? "<td class=\"has\">" : "<td>",
              GroupedDigits(counts.complete()), "</td><td>", GroupedDigits(counts.incomplete()),
              "</td><td>", GroupedDigits(counts.completed), "</td>");
    if (named_) {
      StrAppend(&out, "<td>", SizeText(SizeOf(served) * counts.completed), "</td>");
    }
    out += "</tr>\n";
  }
  void AppendName(const ServedTorrent& served, std::string& out) const {
    const bool link = options_.link_files && !served.torrent->path.empty();
    if (link) {
      StrAppend(&out, "<a class=\"name\" href=\"/file?info_hash=", served.info_hash.ToHex(), "\">");
    } else {
      out += "<span class=\"name\">";
    }
    AppendHtml(served.torrent->name, out);
    out += link ? "</a>" : "</span>";
  }
  void AppendBottom(std::string& out) const {
    const std::uint64_t listed = std::min<std::uint64_t>(all_, options_.max_torrents);
    if (all_ == 0) out += "<p class=\"note\">not tracking any files yet...</p>\n";
    if (listed > 0) AppendSums(out);
    if (all_ > listed) {
      StrAppend(&out, "<p class=\"note\">", listed == 0 ? "" : "and ", GroupedDigits(all_ - listed),
                listed == 0 ? " files" : " more files", ", which are not listed here</p>\n");
    }
    if (listed > 0) {
      StrAppend(&out, "<dl class=\"words\">\n", kWords, named_ ? kNameWords : "", "</dl>\n");
    }
    out += "</body>\n</html>\n";
  }
  void AppendSums(std::string& out) const {
    StrAppend(&out, "</tbody>\n<tfoot><tr><td>", GroupedDigits(all_),
              all_ == 1 ? " file" : " files", "</td>");
    if (named_) StrAppend(&out, "<td>", SizeText(size_), "</td>");
    StrAppend(&out, "<td>", GroupedDigits(complete_), "</td><td>", GroupedDigits(downloading_),
              "</td><td>", GroupedDigits(downloaded_), "</td>");
    if (named_) StrAppend(&out, "<td>", SizeText(transferred_), "</td>");
    out += "</tr></tfoot>\n</table>\n</div>\n";
  }

  const Snapshot snapshot_;
  const InfoPageOptions options_;
  const bool named_;
  // The store's figures are those of the list.
  const bool shows_all_;
  const std::unique_ptr<ServedTorrents> torrents_;
  bool begun_ = false;
  // The torrents so far, and their sums.
  std::uint64_t all_ = 0;
  std::uint64_t complete_ = 0;
  std::uint64_t downloading_ = 0;
  std::uint64_t downloaded_ = 0;
  double size_ = 0;
  double transferred_ = 0;
};

}  // namespace

std::unique_ptr<HttpBody> NewInfoPage(const SwarmStore& store, const Snapshot& snapshot,
                                      const InfoPageOptions& options) {
  return std::make_unique<InfoPage>(store, snapshot, options);
}

void AppendRedirectPage(std::string_view url, std::string& out) {
  out += "<!DOCTYPE html>\n<title>Found</title>\n<a href=\"";
  AppendHtml(url, out);
  out += "\">Click Here</a>\n";
}

}  // namespace muster
