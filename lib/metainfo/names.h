// SPDX-License-Identifier: Apache-2.0
//
// Names of files and folders: what is wrong with one, and what other clients make of it. Reentrant.
#ifndef MUSTER_LIB_METAINFO_NAMES_H_
#define MUSTER_LIB_METAINFO_NAMES_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace muster {

// Why `name` must not be the name of a file or a folder; null when it may.
const char* NameFault(std::string_view name, std::size_t max_size);

// The same of names with slashes between, as they are in a torrent that is built.
const char* PathFault(std::string_view path);

// A name that may be one, made of one that may not: without NULs, slashes and backslashes, and cut
// to `max_size` (at least 1) at the border of a UTF-8 character, with its extension where that is
// short. Empty when nothing is left, and for "." and "..".
std::string MendedName(std::string_view name, std::size_t max_size);

}  // namespace muster

#endif  // MUSTER_LIB_METAINFO_NAMES_H_
