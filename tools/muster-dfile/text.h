// SPDX-License-Identifier: Apache-2.0
//
// Small things that output is made of. Reentrant, but for Print() and Complain().
#ifndef MUSTER_TOOLS_MUSTER_DFILE_TEXT_H_
#define MUSTER_TOOLS_MUSTER_DFILE_TEXT_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "muster/ids.h"
#include "muster/instant.h"
#include "muster/swarm_store.h"

namespace muster_dfile {

// Exit statuses.
inline constexpr int kGood = 0;
inline constexpr int kFailed = 1;
inline constexpr int kBadUsage = 2;

std::string Concat(std::initializer_list<std::string_view> parts);

// "1,234,567"
std::string CountText(std::uint64_t number);
// "17 bytes", "1.2 MiB"
std::string ByteText(std::uint64_t bytes);
// "2026-11-21 12:00:00 UTC"
std::string TimeText(muster::Instant time);
// "45s", "12m", "3h", "2d": whole units, rounded down; of the future "0s".
std::string AgeText(muster::Seconds age);
// A number with s, m, h or d behind it, or without: seconds.
std::optional<muster::Seconds> ParseAge(std::string_view text);
// "seeder", "partial seeder", "downloader"
std::string_view StateText(muster::PeerState state);

// Bytes as JSON shows them, with quotes: what is not printable ASCII as \u00XX.
std::string JsonText(std::string_view bytes);
// Bytes as a terminal may see them: what is not printable ASCII, and '%', percent-encoded.
std::string PlainText(std::string_view bytes);
// In quotes where CSV needs them (RFC 4180).
std::string CsvText(std::string_view text);
// The client of a peer id as BEP 20 has it, such as "-TR3000-"; otherwise its first eight bytes, as
// PlainText().
std::string ClientText(const muster::PeerId& id);

// To standard output, in large pieces; Flush() at the end, which fails if anything did.
void Print(std::string_view text);
absl::Status Flush();
// A line on standard error.
void Complain(std::string_view text);

}  // namespace muster_dfile

#endif  // MUSTER_TOOLS_MUSTER_DFILE_TEXT_H_
