// SPDX-License-Identifier: Apache-2.0
//
// What a state says beside its torrents, which only bttrack understands. Reentrant.
#ifndef MUSTER_TOOLS_MUSTER_DFILE_SIDE_H_
#define MUSTER_TOOLS_MUSTER_DFILE_SIDE_H_

#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"

namespace muster_dfile {

// Tells everything that is wrong with it. bttrack itself throws away a whole state for that.
void CheckSide(std::string_view side, absl::FunctionRef<void(std::string_view)> tell);

// Both in one. Of what both have, torrent by torrent where bttrack allows them, the first's stays;
// each allowed torrent still belongs to a file, and the other way round.
std::string JoinedSides(std::string_view first, std::string_view second);

// The side without the torrents that bttrack allows, which it finds again by itself.
std::string WithoutAllowed(std::string_view side);

// "allowed, allowed_list": its keys.
std::string SideKeys(std::string_view side);

}  // namespace muster_dfile

#endif  // MUSTER_TOOLS_MUSTER_DFILE_SIDE_H_
