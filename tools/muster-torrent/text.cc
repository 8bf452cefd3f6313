// SPDX-License-Identifier: Apache-2.0
#include "muster-torrent/text.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "muster-torrent/commands.h"

namespace muster_torrent {

std::string Printable(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string printable;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && byte != 0x7f) {
      printable += c;
    } else {
      printable += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return printable;
}

std::string SizeText(std::int64_t bytes) {
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " bytes";
  auto size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; size >= 1023.95 && unit + 1 < std::size(kUnits); ++unit) size /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", size, kUnits[unit]);
  return text;
}

std::optional<std::int64_t> ParseSize(std::string_view text) {
  int shift = 0;
  if (!text.empty()) {
    switch (text.back()) {
      case 'k':
      case 'K':
        shift = 10;
        break;
      case 'm':
      case 'M':
        shift = 20;
        break;
      case 'g':
      case 'G':
        shift = 30;
        break;
      default:
        break;
    }
    if (shift > 0) text.remove_suffix(1);
  }
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number < 0 ||
      number > std::numeric_limits<std::int64_t>::max() >> shift) {
    return std::nullopt;
  }
  return number << shift;
}

void Complain(std::string_view text) {
  std::fprintf(stderr, "muster-torrent: %s\n", Printable(text).c_str());
}
void Complain(const absl::Status& status) {
  Complain(std::string_view(status.message().data(), status.message().size()));
}

int Print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return kGood;
  }
  Complain(std::string("cannot write to standard output: ") + std::strerror(errno));
  return kFailed;
}

int PrintJson(const nlohmann::json& json) {
  return Print(json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void AddInfoHashes(const muster::InfoHashes& hashes, nlohmann::json& json) {
  if (hashes.v1) json["info_hash_v1"] = hashes.v1->ToHex();
  if (hashes.v2) json["info_hash_v2"] = hashes.v2->ToHex();
}

std::string InfoHashLines(const muster::InfoHashes& hashes) {
  std::string lines;
  if (hashes.v1) lines += "info hash v1  " + hashes.v1->ToHex() + "\n";
  if (hashes.v2) lines += "info hash v2  " + hashes.v2->ToHex() + "\n";
  return lines;
}

std::string_view KindText(const muster::InfoHashes& hashes) {
  if (!hashes.v2) return "v1";
  return hashes.v1 ? "hybrid" : "v2";
}

std::vector<std::vector<std::string>> TiersOf(const std::vector<std::string>& texts) {
  std::vector<std::vector<std::string>> tiers;
  for (const std::string_view text : texts) {
    std::vector<std::string>& tier = tiers.emplace_back();
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t comma = std::min(text.find(',', at), text.size());
      tier.emplace_back(text.substr(at, comma - at));
      at = comma + 1;
    }
  }
  return tiers;
}

}  // namespace muster_torrent
