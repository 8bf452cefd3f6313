// SPDX-License-Identifier: Apache-2.0
//
// The options of bttrack: what each is called, what it is without being given, and what it does here.
#include "musterd/bttrack.h"

namespace musterd {
namespace {

using Type = BttrackOption::Type;

constexpr BttrackOption kOptions[] = {
    {"port", Type::kInteger, "80", "The port to listen on, by TCP for HTTP and by UDP as well.",
     "http udp"},
    {"dfile", Type::kText, "",
     "The file to keep the state in; it must be given. The file of a bttrack is read, kept beside "
     "the new one as FILE.bttrack.N, and replaced by musterd's own format, unless dfile_format "
     "says otherwise.",
     "dfile"},
    {"dfile_format", Type::kText, "muster",
     "The format to keep the state in, muster or bttrack. No option of bttrack's: it has only that "
     "one.",
     "dfile-format"},
    {"bind", Type::kText, "",
     "Addresses or host names to listen on, separated by commas. Empty for every address.",
     "http udp"},
    {"ipv6_enabled", Type::kInteger, "0", "1 to listen on IPv6 as well.", "http udp"},
    {"ipv6_binds_v4", Type::kText, "",
     "No effect: the sockets of the two families are always separate, and none takes the other's "
     "port.",
     ""},
    {"socket_timeout", Type::kInteger, "15",
     "Seconds without traffic after which a connection is closed, and what a connect-back may "
     "take.",
     "http-request-timeout http-idle-timeout http-write-timeout nat-check-timeout"},
    {"save_dfile_interval", Type::kInteger, "300",
     "Seconds between saves of the whole state. What changes in between is in a journal beside it.",
     "save-dfile-interval"},
    {"timeout_downloaders_interval", Type::kInteger, "2700",
     "Seconds after which a peer that does not announce is forgotten. Longer than "
     "reannounce_interval: where it is not, it is taken as one and a half times that.",
     "peer-timeout"},
    {"reannounce_interval", Type::kInteger, "1800",
     "Seconds that clients are told to wait between announces.", "interval interval-spread"},
    {"response_size", Type::kInteger, "50",
     "Peers in an answer, at most and when the client does not say how many. At most 1000.",
     "max-numwant default-numwant"},
    {"timeout_check_interval", Type::kInteger, "5",
     "No effect: a connection is closed when its time is up, without looking for it.", ""},
    {"nat_check", Type::kInteger, "3",
     "How many connect-backs may fail until a peer counts as unreachable. 0 for no connect-backs.",
     "nat-check"},
    {"log_nat_checks", Type::kInteger, "0", "1 to log the result of every connect-back.",
     "log-nat-checks"},
    {"min_time_between_log_flushes", Type::kFraction, "3.0",
     "Seconds that a line of the log may wait before it is written.", "access-log-flush-interval"},
    {"min_time_between_cache_refreshes", Type::kFraction, "600.0",
     "No effect: the peers of every answer are chosen afresh, so there is no cache to refresh.",
     ""},
    {"allowed_dir", Type::kText, "",
     "A directory of .torrent files: only these torrents are tracked. Where a directory has none, "
     "its subdirectories are searched.",
     "allowed-torrents forget-refused"},
    {"allowed_list", Type::kText, "",
     "A file of info hashes, one a line in hexadecimal digits: only these torrents are tracked. "
     "With it allowed_dir is left aside.",
     "whitelist forget-refused"},
    {"allowed_controls", Type::kInteger, "0",
     "1 to obey 'failure reason' and 'warning message' in the files of allowed_dir.",
     "torrent-messages"},
    {"multitracker_enabled", Type::kInteger, "0",
     "1 to ask the other trackers of the torrents in allowed_dir for peers.", "multitracker"},
    {"multitracker_allowed", Type::kText, "autodetect",
     "Who may ask as a tracker: none, all, or autodetect for torrents that have an "
     "announce-list.",
     "multitracker-allowed"},
    {"multitracker_reannounce_interval", Type::kInteger, "120",
     "Seconds between such requests, both ways.", "multitracker-reannounce-interval"},
    {"multitracker_maxpeers", Type::kInteger, "20", "Peers to ask for in each.",
     "multitracker-maxpeers"},
    {"aggregate_forward", Type::kText, "",
     "URL[,PASSWORD]: every announce is copied to this tracker, which is an aggregator.",
     "aggregate-forward"},
    {"aggregator", Type::kText, "0",
     "1 to be an aggregator, 0 not to; anything else is to be one and the password for it.",
     "aggregator aggregator-password"},
    {"hupmonitor", Type::kInteger, "0",
     "1 to close and open the log again on SIGHUP. Lists are read again in any case.",
     "access-log-reopen"},
    {"http_timeout", Type::kInteger, "60", "Seconds that another tracker may take to answer.",
     "outgoing-timeout"},
    {"parse_dir_interval", Type::kInteger, "60",
     "Seconds between looks at allowed_dir, allowed_list, allowed_ips and banned_ips.",
     "list-check-interval"},
    {"show_infopage", Type::kInteger, "1", "0 for no page at /.", "info-page info-page-torrents"},
    {"infopage_redirect", Type::kText, "",
     "A URL to lead those who come to / to, unless show_infopage is 0.", "redirect-url"},
    {"show_names", Type::kInteger, "1",
     "With allowed_dir: 1 to tell the names of torrents, on the page with their sizes, and in "
     "scrapes.",
     "show-names"},
    {"favicon", Type::kText, "", "A file to serve as /favicon.ico.", "favicon"},
    {"allowed_ips", Type::kText, "",
     "A file of addresses and networks that are served, one a line; all others are refused, also "
     "when there is none in it.",
     "allowed-ips"},
    {"banned_ips", Type::kText, "",
     "A file of ranges that are refused: NAME:FIRST-LAST on a line, of which the name does not "
     "matter.",
     "banned-ips banned-ips-format"},
    {"only_local_override_ip", Type::kInteger, "2",
     "Whose 'ip' counts as the address of the peer: 0 for everybody's, 1 for that of local "
     "networks "
     "only, 2 for everybody's where peers are connected back to (nat_check), else 1. "
     "Headers such as X-Forwarded-For count from no one but musterd's trusted-proxy.",
     "given-ip-from"},
    {"logfile", Type::kText, "",
     "A file to append the log of requests to. Empty or - for standard output.", "access-log"},
    {"allow_get", Type::kInteger, "0",
     "1 to serve the files of allowed_dir at /file?info_hash=HASH.", "serve-torrents"},
    {"keep_dead", Type::kInteger, "0",
     "1 to keep torrents without peers, in scrapes and on the page.",
     "keep-dead keep-completed show-dead"},
    {"scrape_allowed", Type::kText, "full",
     "What may be scraped: none, specific (torrents that are named, as many as a request of 64 KiB "
     "can name) or full.",
     "scrape full-scrape-for http-max-request-bytes http-max-scrape-torrents"},
    {"dedicated_seed_id", Type::kText, "",
     "The secret by which a seed of yours marks a torrent as seeded.", "dedicated-seed-id"},
    {"compact_reqd", Type::kInteger, "1",
     "1 to refuse clients that do not ask for compact answers.", "require-compact"},
};

}  // namespace

absl::Span<const BttrackOption> BttrackOptions() { return kOptions; }

}  // namespace musterd
