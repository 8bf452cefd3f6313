// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "muster-dfile/commands.h"
#include "muster-dfile/summary.h"
#include "muster-dfile/text.h"

namespace muster_dfile {
namespace {

struct Bar {
  std::string label;
  std::uint64_t count;
};

struct Chart {
  std::string title;
  std::vector<Bar> bars;

  std::uint64_t highest() const {
    std::uint64_t most = 0;
    for (const Bar& bar : bars) most = std::max(most, bar.count);
    return most;
  }
};

// Peers in a swarm: 0, 1, 2, 3-4, 5-8, and so on; each is twice as wide as the one before.
Chart SizesChart(const std::vector<std::uint64_t>& sizes) {
  Chart chart{"torrents by peers", {}};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::uint64_t last = i == 0 ? 0 : std::uint64_t{1} << (i - 1);
    const std::uint64_t first = i <= 2 ? last : last / 2 + 1;
    chart.bars.push_back(
        {first == last ? CountText(last) : Concat({CountText(first), "-", CountText(last)}),
         sizes[i]});
  }
  return chart;
}

// The place of a size in SizesChart().
std::size_t SizeIndex(std::uint64_t peers) {
  return peers == 0 ? 0 : static_cast<std::size_t>(std::bit_width(peers - 1)) + 1;
}

// At most twenty bars, each of a whole number of minutes.
Chart AgesChart(const AgeCounts& ages) {
  Chart chart{"peers by age when the state was written", {}};
  if (ages.count() == 0) return chart;
  const auto oldest = static_cast<std::size_t>(ages.Quantile(1).count() / 60);
  constexpr std::size_t kMostBars = 20;
  std::size_t width = 1;
  for (std::size_t next : {1, 2, 5, 10, 15, 30, 60, 120, 240, 720, 1440, 2880, 4320}) {
    width = next;
    if (oldest / width < kMostBars) break;
  }
  for (std::size_t from = 0; from <= oldest; from += width) {
    Bar bar{AgeText(muster::Seconds(60 * static_cast<std::int64_t>(from))), 0};
    for (std::size_t minute = from; minute < from + width && minute < ages.minutes().size();
         ++minute) {
      bar.count += ages.minutes()[minute];
    }
    chart.bars.push_back(bar);
  }
  return chart;
}

void PrintChart(const Chart& chart) {
  constexpr double kWidth = 50;
  Print(Concat({chart.title, "\n"}));
  const double highest = static_cast<double>(std::max<std::uint64_t>(chart.highest(), 1));
  for (const Bar& bar : chart.bars) {
    const auto length =
        static_cast<std::size_t>(std::ceil(static_cast<double>(bar.count) / highest * kWidth));
    std::string label(20 - std::min<std::size_t>(bar.label.size(), 20), ' ');
    const std::string line = std::string(length, '#');
    Print(Concat(
        {label, bar.label, " |", line, line.empty() ? "" : " ", CountText(bar.count), "\n"}));
  }
}

// A chart as an SVG group, `top` from the top; what it says is numbers and our own words.
std::string SvgOf(const Chart& chart, int top) {
  constexpr int kLeft = 130, kWidth = 520, kRow = 20;
  std::string svg = Concat({"<text x=\"10\" y=\"", std::to_string(top + 15),
                            "\" font-weight=\"bold\">", chart.title, "</text>\n"});
  const double highest = static_cast<double>(std::max<std::uint64_t>(chart.highest(), 1));
  int y = top + 30;
  for (const Bar& bar : chart.bars) {
    char width[32];
    std::snprintf(width, sizeof width, "%.1f", static_cast<double>(bar.count) / highest * kWidth);
    const std::string text_y = std::to_string(y + 13);
    svg +=
        Concat({"<text x=\"", std::to_string(kLeft - 8), "\" y=\"", text_y,
                "\" text-anchor=\"end\">", bar.label, "</text><rect x=\"", std::to_string(kLeft),
                "\" y=\"", std::to_string(y), "\" width=\"", width, "\" height=\"16\"/><text x=\"",
                std::to_string(kLeft + 6 + static_cast<int>(std::lround(std::atof(width)))),
                "\" y=\"", text_y, "\">", CountText(bar.count), "</text>\n"});
    y += kRow;
  }
  return svg;
}

std::string Svg(const std::vector<Chart>& charts) {
  std::string body;
  int top = 10;
  for (const Chart& chart : charts) {
    body += SvgOf(chart, top);
    top += 60 + 20 * static_cast<int>(chart.bars.size());
  }
  const std::string height = std::to_string(top);
  const std::string_view styles =
      "\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<style>rect { fill: #4a7ab5 }</style>\n"
      "<rect width=\"760\" height=\"";
  return Concat({"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"", height,
                 "\" viewBox=\"0 0 760 ", height, styles, height, "\" style=\"fill: #ffffff\"/>\n",
                 body, "</svg>\n"});
}

}  // namespace

absl::StatusOr<int> Plot(const Input& input, const PlotOptions& options) {
  absl::StatusOr<std::unique_ptr<StateInput>> state =
      StateInput::Open(input.files[0], input.format);
  if (!state.ok()) return state.status();
  std::unique_ptr<OutputFile> svg;
  if (!options.svg.empty()) {
    absl::StatusOr<std::unique_ptr<OutputFile>> created =
        OutputFile::Create(options.svg, options.force, input.files);
    if (!created.ok()) return created.status();
    svg = *std::move(created);
  }
  std::vector<std::uint64_t> sizes;
  AgeCounts ages;
  const muster::Instant written = (*state)->written();
  absl::StatusOr<int> result = ForEachTorrent(
      **state,
      [&](const TorrentSummary& torrent) {
        const std::size_t index = SizeIndex(torrent.peers());
        if (index >= sizes.size()) sizes.resize(index + 1);
        ++sizes[index];
      },
      [&](const muster::InfoHash&, const muster::SavedPeer& peer) {
        ages.Add(written - peer.last_seen);
      });
  if (!result.ok()) return result;
  const std::vector<Chart> charts = {SizesChart(sizes), AgesChart(ages)};
  if (options.svg != "-") {
    PrintChart(charts[0]);
    Print("\n");
    PrintChart(charts[1]);
  }
  if (svg == nullptr) return result;
  if (absl::Status status = svg->Write(Svg(charts)); !status.ok()) return status;
  if (absl::Status status = svg->Commit(); !status.ok()) return status;
  return result;
}

}  // namespace muster_dfile
