// SPDX-License-Identifier: Apache-2.0
#include "metainfo/names.h"

#include <algorithm>

#include "muster/torrent_builder.h"

namespace muster {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kForbidden = "\0/\\"sv;

bool IsDots(std::string_view name) { return name == "." || name == ".."; }

// The first bytes of `text`, at most `size`, without a piece of a UTF-8 character at their end.
std::string_view Cut(std::string_view text, std::size_t size) {
  if (size >= text.size()) return text;
  // Whatever is no UTF-8 has no such border near, and is cut anywhere.
  for (std::size_t at = size; at > 0 && size - at < 4; --at) {
    if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80) return text.substr(0, at);
  }
  return text.substr(0, size);
}

}  // namespace

const char* NameFault(std::string_view name, std::size_t max_size) {
  if (name.empty()) return "an empty name";
  if (IsDots(name)) return "a name of dots";
  if (name.size() > max_size) return "a name too long";
  if (name.find('\0') != name.npos) return "a name with a NUL";
  if (name.find_first_of(kForbidden) != name.npos) return "a name with a slash or backslash";
  return nullptr;
}

const char* PathFault(std::string_view path) {
  std::size_t names = 0;
  for (std::size_t at = 0; at <= path.size(); ++names) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    if (const char* fault = NameFault(path.substr(at, slash - at), TorrentBuilder::kMaxNameSize)) {
      return fault;
    }
    at = slash + 1;
  }
  return names <= TorrentBuilder::kMaxPathDepth ? nullptr : "a path of too many names";
}

std::string MendedName(std::string_view name, std::size_t max_size) {
  std::string mended;
  std::copy_if(name.begin(), name.end(), std::back_inserter(mended),
               [](char c) { return kForbidden.find(c) == kForbidden.npos; });
  if (mended.size() > max_size) {
    constexpr std::size_t kMaxExtension = 16;
    const std::string_view whole = mended;
    const std::size_t dot = whole.rfind('.');
    std::string_view extension = dot == whole.npos ? ""sv : whole.substr(dot);
    if (extension.size() > std::min(kMaxExtension, max_size - 1)) extension = {};
    mended = std::string(Cut(whole, max_size - extension.size())).append(extension);
  }
  return IsDots(mended) ? std::string() : mended;
}

}  // namespace muster
