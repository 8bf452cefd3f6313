// SPDX-License-Identifier: Apache-2.0
#include "web/info_page.h"

#include <array>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "muster/version.h"

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

constexpr absl::string_view kTableTop = R"(<div class="scroll">
<table>
<thead><tr><th scope="col">info hash</th><th scope="col">complete</th><th scope="col">downloading</th><th scope="col">downloaded</th></tr></thead>
<tbody>
)";

constexpr absl::string_view kWords = R"(<dl class="words">
<dt>info hash</dt><dd>names a torrent: the SHA-1 of its info dictionary, or the first 20 bytes of the SHA-256</dd>
<dt>complete</dt><dd>clients that have all of it (seeds)</dd>
<dt>downloading</dt><dd>clients that still lack something</dd>
<dt>downloaded</dt><dd>downloads that were finished</dd>
</dl>
)";

// "1 234 567", with spaces that do not break.
std::string Grouped(std::uint64_t n) {
  std::string digits = absl::StrCat(n);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, "\u202f");
  return digits;
}

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

void AppendFigure(absl::string_view name, std::uint64_t n, std::string& out) {
  StrAppend(&out, "<div><dt>", name, "</dt><dd>", Grouped(n), "</dd></div>\n");
}

class InfoPage final : public HttpBody {
 public:
  InfoPage(const SwarmStore& store, const Snapshot& snapshot, std::size_t max_torrents)
      : snapshot_(snapshot),
        max_torrents_(max_torrents),
        cursor_(store.Walk(SwarmStore::kWholeSwarms)) {}

  Progress Produce(std::size_t budget, std::string& out) override {
    const std::size_t enough = out.size() + budget;
    if (!begun_) {
      begun_ = true;
      AppendTop(out);
    }
    while (out.size() < enough) {
      const bool more = rows_ < max_torrents_ && cursor_->Next([&](const SwarmView& swarm) {
        if (rows_++ == 0) out += kTableTop.data();
        AppendRow(swarm, out);
      });
      if (more) continue;
      AppendBottom(out);
      return Progress::kEnd;
    }
    return Progress::kMore;
  }

 private:
  void AppendTop(std::string& out) const {
    out.append(kTop.data(), kTop.size());
    StrAppend(&out, "<header><h1>BitTorrent download info</h1>\n<p>tracker: muster ",
              ToAbsl(Version()), " · server time: ", UtcTime(snapshot_.now), " · up for ",
              Duration(snapshot_.uptime()), "</p></header>\n<dl class=\"figures\">\n");
    const StoreTotals& store = snapshot_.store;
    AppendFigure("torrents", store.torrents, out);
    AppendFigure("complete", store.seeders, out);
    AppendFigure("downloading", store.peers - store.seeders, out);
    AppendFigure("downloaded", store.completed, out);
    out += "</dl>\n";
  }
  static void AppendRow(const SwarmView& swarm, std::string& out) {
    const SwarmCounts counts = swarm.counts();
    StrAppend(&out, "<tr><td><code>", swarm.info_hash().ToHex(), "</code></td>",
              counts.complete() > 0 ? "<td class=\"has\">" : "<td>", counts.complete(), "</td><td>",
              counts.incomplete(), "</td><td>", counts.completed, "</td></tr>\n");
  }
  void AppendBottom(std::string& out) const {
    const StoreTotals& store = snapshot_.store;
    if (rows_ == 0 && store.torrents == 0) {
      out += "<p class=\"note\">not tracking any files yet...</p>\n";
    }
    if (rows_ > 0) {
      StrAppend(&out, "</tbody>\n<tfoot><tr><td>", Grouped(store.torrents),
                store.torrents == 1 ? " file" : " files", "</td><td>", Grouped(store.seeders),
                "</td><td>", Grouped(store.peers - store.seeders), "</td><td>",
                Grouped(store.completed), "</td></tr></tfoot>\n</table>\n</div>\n");
    }
    if (rows_ == max_torrents_ && store.torrents > rows_) {
      StrAppend(&out, "<p class=\"note\">", rows_ == 0 ? "" : "and ",
                Grouped(store.torrents - rows_), rows_ == 0 ? " files" : " more files",
                ", which are not listed here</p>\n");
    }
    if (rows_ > 0) StrAppend(&out, kWords);
    out += "</body>\n</html>\n";
  }

  const Snapshot snapshot_;
  const std::size_t max_torrents_;
  const std::unique_ptr<SwarmCursor> cursor_;
  bool begun_ = false;
  std::size_t rows_ = 0;
};

}  // namespace

std::unique_ptr<HttpBody> NewInfoPage(const SwarmStore& store, const Snapshot& snapshot,
                                      std::size_t max_torrents) {
  return std::make_unique<InfoPage>(store, snapshot, max_torrents);
}

void AppendRedirectPage(std::string_view url, std::string& out) {
  out += "<!DOCTYPE html>\n<title>Found</title>\n<a href=\"";
  for (const char c : url) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '<':
        out += "&lt;";
        break;
      default:
        out += c;
    }
  }
  out += "\">Click Here</a>\n";
}

}  // namespace muster
