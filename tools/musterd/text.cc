// SPDX-License-Identifier: Apache-2.0
#include "musterd/text.h"

#include <algorithm>
#include <vector>

#include "absl/strings/string_view.h"

namespace musterd {
namespace {

// Insertions, deletions, substitutions and swaps of neighbours that lead from `a` to `b`.
std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string Concat(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (std::string_view part : parts) text += part;
  return text;
}

absl::Status Invalid(std::initializer_list<std::string_view> parts) {
  return absl::InvalidArgumentError(Concat(parts));
}

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

std::string Quoted(std::string_view text) {
  constexpr std::size_t kShown = 60;
  std::string quoted = "'";
  for (char c : text.substr(0, kShown)) {
    // Bytes above 0x7e may be UTF-8, which terminals show; a cut or broken character does no harm.
    quoted += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  quoted += text.size() > kShown ? "...'" : "'";
  return quoted;
}

std::string_view NearestOf(std::string_view text, absl::Span<const std::string> candidates) {
  constexpr std::size_t kLongest = 64;
  if (text.empty() || text.size() > kLongest) return {};
  std::string plain(text);
  for (char& c : plain) {
    if (c == '_') c = '-';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  std::string_view nearest;
  // More than a third wrong is another word.
  std::size_t least = std::max<std::size_t>(1, plain.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    std::size_t distance = EditDistance(plain, candidate);
    // What follows a dash is a name too, only not as good: 'max-connections' of
    // 'http-max-connections'.
    for (std::size_t dash = 0; (dash = candidate.find('-', dash)) != candidate.npos;) {
      const std::string_view tail = std::string_view(candidate).substr(++dash);
      distance = std::min(distance, EditDistance(plain, tail) + 1);
    }
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string DidYouMean(std::string_view nearest) {
  return nearest.empty() ? std::string() : Concat({"; did you mean '", nearest, "'?"});
}

std::string Wrap(std::string_view text, std::string_view indent, std::size_t width) {
  std::string lines;
  while (!text.empty()) {
    std::size_t end = text.size();
    if (indent.size() + end > width) {
      end = text.rfind(' ', width - indent.size());
      if (end == std::string_view::npos) end = std::min(text.find(' '), text.size());
    }
    lines += Concat({indent, text.substr(0, end), "\n"});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace musterd
