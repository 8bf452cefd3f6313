// SPDX-License-Identifier: Apache-2.0
//
// The table of settings: a row for each, with all that it is.
#include <algorithm>

#include "musterd/command_line.h"
#include "musterd/setting_rows.h"
#include "musterd/settings.h"
#include "musterd/units.h"

namespace musterd {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kScrapeModes[] = {"none", "specific", "full"};
// As FullScrapeCompression.
constexpr std::string_view kFullScrapeCompressions[] = {"accepted", "none", "gzip", "zstd"};
constexpr std::string_view kLogLevels[] = {"info", "warning", "error"};
constexpr std::string_view kDfileFormats[] = {"muster", "bttrack"};  // as DfileFormat has them
constexpr std::string_view kCompressions[] = {"none", "zlib"};       // as StateCompression has them
constexpr std::string_view kAnswerForms[] = {"muster", "bttrack"};   // as HttpAnswers
constexpr std::string_view kIpListFormats[] = {"networks", "named-ranges"};  // IpListFormat
constexpr std::string_view kProxyHeaders[] = {"x-forwarded-for", "forwarded"};
constexpr std::string_view kTrackerQueries[] = {"none", "autodetect", "all"};

constexpr std::string_view kListening = "Listening";
constexpr std::string_view kAnnounces = "Announces";
constexpr std::string_view kMemory = "Memory";
constexpr std::string_view kUdp = "UDP";
constexpr std::string_view kHttp = "HTTP";
constexpr std::string_view kState = "State";
constexpr std::string_view kScrape = "Scrape";
constexpr std::string_view kPages = "Statistics and pages";
constexpr std::string_view kAccess = "Access lists";
constexpr std::string_view kPeers = "Peers";
constexpr std::string_view kTrackers = "Other trackers";
constexpr std::string_view kCluster = "Cluster";
constexpr std::string_view kProcess = "Process";

using muster::HttpOptions;
using muster::MemoryStoreOptions;
using muster::MultitrackerOptions;
using muster::NatCheckOptions;
using muster::TrackerOptions;
using muster::UdpOptions;

constexpr Setting kSettings[] = {
    Row<&Settings::udp_listeners>(
        "udp", kListening, Kind::kEndpoints, 0, 256,
        "An address to serve UDP announces on, such as 192.0.2.1:6969 or [2001:db8::1]:6969. "
        "0.0.0.0 and [::] stand for every address of their family, but for those that are given "
        "for the same port as well; port 0 for a free one, which is printed. Without any udp or "
        "http address, both protocols are served on port 6969 of every IPv4 and IPv6 address."),
    Row<&Settings::http_listeners>(
        "http", kListening, Kind::kEndpoints, 0, 256,
        "An address to serve HTTP announces on; as for udp. Nothing but plain HTTP is spoken: for "
        "HTTPS put a proxy in front."),
    Row<&Settings::proxied_listeners>(
        "http-proxied", kListening, Kind::kEndpoints, 0, 256,
        "An address to serve HTTP announces on for proxies that speak the PROXY protocol (version "
        "1 "
        "or 2), such as haproxy with send-proxy: what they say is where a request comes from, and "
        "one that comes from they do not know where (UNKNOWN) is refused. Only those of "
        "trusted-proxy are served there."),

    Row<&Settings::proxied_udp_listeners>(
        "udp-proxied", kListening, Kind::kEndpoints, 0, 256,
        "An address to serve UDP announces on for proxies that put a header of the PROXY protocol "
        "(version 2) in front of each datagram. Only those of trusted-proxy are served there; what "
        "is answered has no header."),

    Row<&Settings::tracker, &TrackerOptions::interval>(
        "interval", kAnnounces, Kind::kSeconds, kSecond, kDay,
        "How often clients are told to announce. Longer means less traffic and staler peer lists."),
    Following(Row<&Settings::tracker, &TrackerOptions::interval_spread>(
                  "interval-spread", kAnnounces, Kind::kSeconds, 0, kDay,
                  "Each client is told an interval that differs from the set one by up to this "
                  "much, so that "
                  "clients do not come in waves. Shorter than interval."),
              "a tenth of interval"),
    Following(Row<&Settings::tracker, &TrackerOptions::min_interval>(
                  "min-interval", kAnnounces, Kind::kSeconds, 0, kDay,
                  "HTTP clients are asked not to announce more often than this, whatever happens "
                  "to them. At "
                  "most interval less interval-spread."),
              "half of interval"),
    Following(
        Row<&Settings::tracker, &TrackerOptions::peer_timeout>(
            "peer-timeout", kAnnounces, Kind::kSeconds, kSecond, 30 * kDay,
            "A peer that has not announced for this long is forgotten. Longer than interval and "
            "interval-spread together; some more forgives clients that come late."),
        "one and a half times interval"),
    Following(
        Row<&Settings::tracker, &TrackerOptions::default_numwant>(
            "default-numwant", kAnnounces, Kind::kCount, 0, 1000,
            "Peers given to a client that does not say how many it wants. At most max-numwant."),
        "50, or max-numwant where that is less"),
    Row<&Settings::tracker, &TrackerOptions::max_numwant>(
        "max-numwant", kAnnounces, Kind::kCount, 0, 1000,
        "Peers given to a client at most, whatever it wants. A UDP answer holds no more than fit a "
        "packet."),

    Row<&Settings::store, &MemoryStoreOptions::max_torrents>(
        "max-torrents", kMemory, Kind::kCount, 0, kUnlimited,
        "Torrents remembered at most; announces of further ones are answered, but not remembered. "
        "0 "
        "for no limit."),
    Row<&Settings::store, &MemoryStoreOptions::max_peers>(
        "max-peers", kMemory, Kind::kCount, 0, kUnlimited,
        "Peers remembered at most, of all torrents together; further ones are answered, but not "
        "remembered. 0 for no limit."),
    Row<&Settings::store, &MemoryStoreOptions::keep_completed>(
        "keep-completed", kMemory, Kind::kSeconds, 0, 3650 * kDay,
        "How long a torrent whose last peer has gone keeps its count of finished downloads."),
    Row<&Settings::store, &MemoryStoreOptions::keep_empty>(
        "keep-dead", kMemory, Kind::kFlag, 0, 0,
        "Keep every torrent as long, also one that nobody has finished: it stays in scrapes and on "
        "the page."),
    Following(Row<&Settings::store, &MemoryStoreOptions::keep_peer_ids>(
                  "peer-ids", kMemory, Kind::kFlag, 0, 0,
                  "Keep the id of every peer, for HTTP clients that do not ask for compact "
                  "answers. Costs more than 20 bytes a peer; hardly any client needs it."),
              "off; on with a dfile of bttrack's format"),

    Row<&Settings::udp, &UdpOptions::connection_id_lifetime>(
        "udp-connection-id-lifetime", kUdp, Kind::kSeconds, kMinute, kDay,
        "How long a client may use a connection id. BEP 15 asks for two minutes; many clients keep "
        "them longer, and a generous time spares them an error."),
    Row<&Settings::udp, &UdpOptions::answer_stale_connection_id>(
        "udp-answer-stale-connection-id", kUdp, Kind::kFlag, 0, 0,
        "Answer a wrong or outdated connection id with an error, which is never longer than the "
        "request and makes clients connect again at once. Switched off, they wait for a timeout."),
    Row<&Settings::udp, &UdpOptions::default_numwant>(
        "udp-default-numwant", kUdp, Kind::kCount, 0, 1000,
        "Peers given to a UDP client that does not say how many it wants. 0 for default-numwant; "
        "never more than max-numwant."),
    Row<&Settings::udp, &UdpOptions::max_scrape_torrents>(
        "udp-max-scrape-torrents", kUdp, Kind::kCount, 1, 101,
        "Torrents in one scrape request at most. No more than 101 fit a packet."),
    Row<&Settings::udp, &UdpOptions::socket_buffer>(
        "udp-socket-buffer", kUdp, Kind::kBytes, 0, 1024 * 1024 * 1024,
        "Receive and send buffer asked of the kernel for each socket. Larger ones lose fewer "
        "packets "
        "in a burst; the kernel has a limit of its own (net.core.rmem_max). 0 leaves the "
        "system's."),

    Row<&Settings::http, &HttpOptions::max_connections>(
        "http-max-connections", kHttp, Kind::kCount, 1, 1'000'000,
        "Connections of one worker at most; more are closed as soon as they come. They are fewer "
        "where the system does not allow so many open files, and a warning says so. That limit is "
        "raised to the hard one; where root starts it, over that one too, to what the system lets "
        "any process have (fs.nr_open)."),
    Row<&Settings::http, &HttpOptions::max_request_bytes>(
        "http-max-request-bytes", kHttp, Kind::kBytes, 256, 64 * 1024,
        "Size of a request line and its headers at most. A scrape of many torrents needs 72 bytes "
        "for "
        "each."),
    Row<&Settings::http, &HttpOptions::max_requests_per_connection>(
        "http-max-requests-per-connection", kHttp, Kind::kCount, 1, 1'000'000'000,
        "Requests answered on one connection, which is then closed. 1 closes after each answer."),
    Row<&Settings::http, &HttpOptions::max_scrape_torrents>(
        "http-max-scrape-torrents", kHttp, Kind::kCount, 1, 10'000,
        "Torrents in one scrape request at most."),
    Row<&Settings::http, &HttpOptions::request_timeout>(
        "http-request-timeout", kHttp, Kind::kMilliseconds, 1, kDay,
        "How long a client may take to send a request."),
    Row<&Settings::http, &HttpOptions::idle_timeout>(
        "http-idle-timeout", kHttp, Kind::kMilliseconds, 1, kDay,
        "How long a connection without a request is kept open."),
    Row<&Settings::http, &HttpOptions::write_timeout>(
        "http-write-timeout", kHttp, Kind::kMilliseconds, 1, kDay,
        "How long a client may take to receive an answer."),
    Row<&Settings::http, &HttpOptions::max_streams>(
        "http-max-streams", kHttp, Kind::kCount, 1, 10'000,
        "Long answers (full scrapes, lists of torrents, the page) that are made at a time, of all "
        "workers together, and half of them for one address; further ones are told to come "
        "later."),
    Row<&Settings::http, &HttpOptions::stream_timeout>(
        "http-stream-timeout", kHttp, Kind::kMilliseconds, 1, kDay,
        "How long a client may take to receive all of a long answer, each piece of which has the "
        "time of http-write-timeout."),

    Row<&Settings::http, &HttpOptions::loose_requests>(
        "http-loose-requests", kHttp, Kind::kFlag, 0, 0,
        "Take every other path that begins with an 'a' for that of announces, every one that "
        "begins with 'sc' for that of scrapes, blanks between path and query, any version of HTTP "
        "or none, and announces without a peer_id unless peers are known by it, as opentracker "
        "does. A scrape that names too many "
        "torrents is one of the first, it leaves out those of the whitelist that nobody has "
        "announced, and without names only /scrape itself is one of all torrents."),

    Row<&Settings::http, &HttpOptions::trusted_proxies>(
        "trusted-proxy", kHttp, Kind::kNetworks, 0, 1024,
        "A reverse proxy, or a network of them, whose word is taken on where a request comes from: "
        "the client is the last address in proxy-header that is no trusted proxy. From anybody "
        "else the header means nothing."),
    Among(Row<&Settings::http, &HttpOptions::proxy_header>(
              "proxy-header", kHttp, Kind::kChoice, 0, 0,
              "The header that the trusted proxies write. One that they only pass on says whatever "
              "the client likes."),
          kProxyHeaders),
    Row<&Settings::http, &HttpOptions::require_compact>(
        "require-compact", kHttp, Kind::kFlag, 0, 0,
        "Refuse clients that do not want compact answers (compact=0); as bttrack, IPv4 clients "
        "that "
        "do not ask for them."),
    Among(Row<&Settings::http, &HttpOptions::answers>(
              "answers", kHttp, Kind::kChoice, 0, 0,
              "The form of HTTP answers: muster's own, or the keys, statuses and texts of bttrack, "
              "for scripts that look at them."),
          kAnswerForms),

    Among(Row<&Settings::http, &HttpOptions::scrape>(
              "scrape", kScrape, Kind::kChoice, 0, 0,
              "What clients may scrape: nothing, torrents that they name, or also all torrents at "
              "once, which is of HTTP only and for those that full-scrape-for says."),
          kScrapeModes),
    Following(Row<&Settings::full_scrape_for>(
                  "full-scrape-for", kScrape, Kind::kNetworks, 0, 1024,
                  "A network that may scrape all torrents, and dump them through the statistics, "
                  "which tells every torrent that is tracked. 0.0.0.0/0 and ::/0 are everybody."),
              "this machine"),
    Row<&Settings::http, &HttpOptions::full_scrape_interval>(
        "full-scrape-interval", kScrape, Kind::kSeconds, 0, 30 * kDay,
        "One address may scrape all torrents once in this time. 0 for as often as it likes."),
    Among(Row<&Settings::http, &HttpOptions::full_scrape_compression>(
              "full-scrape-compression", kScrape, Kind::kChoice, 0, 0,
              "How scrapes and dumps of all torrents are compressed: as the client accepts (by "
              "zstd, else by gzip), not at all, or always by gzip or zstd, whatever it says."),
          kFullScrapeCompressions),
    Row<&Settings::log_full_scrapes>("log-full-scrapes", kScrape, Kind::kFlag, 0, 0,
                                     "Log who scrapes all torrents, in opentracker's words."),

    Following(Row<&Settings::statistics_for>(
                  "stats-access", kPages, Kind::kNetworks, 0, 1024,
                  "A network that may see statistics and metrics. 0.0.0.0/0 and ::/0 are "
                  "everybody."),
              "this machine"),
    Shown(Row<&Settings::http, &HttpOptions::statistics_path>(
              "stats-path", kPages, Kind::kText, 0, 199,
              "Where the statistics of opentracker are (mode= and format= as there), also as JSON "
              "(mode=json). Empty for nowhere."),
          "PATH"),
    Row<&Settings::spot_woodpeckers>(
        "spot-woodpeckers", kPages, Kind::kFlag, 0, 0,
        "Count the networks whose peers announce a minute or more after their last time but before "
        "two thirds of the interval are over: mode=woodpeckers shows them."),
    Row<&Settings::http, &HttpOptions::full_log_bytes>(
        "full-log", kPages, Kind::kBytes, 0, 1024 * 1024 * 1024,
        "Memory for requests as they came, of the networks that somebody who may see the "
        "statistics has named by an announce with lognet=NETWORK (lognet=- for none any more): "
        "mode=fulllog shows and forgets them. 0 to keep none."),
    Shown(Row<&Settings::http, &HttpOptions::metrics_path>(
              "metrics-path", kPages, Kind::kText, 0, 199,
              "Where the metrics for Prometheus are. Empty for nowhere."),
          "PATH"),
    Row<&Settings::http, &HttpOptions::info_page>(
        "info-page", kPages, Kind::kFlag, 0, 0,
        "Show a page with all torrents and their counts at the root, to anybody."),
    Row<&Settings::http, &HttpOptions::info_page_torrents>(
        "info-page-torrents", kPages, Kind::kCount, 0, 10'000'000,
        "Torrents that the page lists at most; its sums are of all."),
    Shown(Row<&Settings::http, &HttpOptions::info_page_redirect>(
              "redirect-url", kPages, Kind::kText, 0, 2000,
              "Lead those who come for the page to this URL instead. Empty for nowhere."),
          "URL"),
    Text<&Settings::favicon>(
        "favicon", kPages, "FILE",
        "An icon for /favicon.ico, of at most 1 MiB, read when the daemon starts."),
    Row<&Settings::http, &HttpOptions::show_dead>(
        "show-dead", kPages, Kind::kFlag, 0, 0,
        "Tell of torrents without peers, whose count of finished downloads is kept: in HTTP "
        "scrapes and on the page. Those in allowed-torrents are told of in any case."),
    Row<&Settings::http, &HttpOptions::show_names>(
        "show-names", kPages, Kind::kFlag, 0, 0,
        "Tell the names of the torrents in allowed-torrents: in scrapes, and on the page with "
        "their "
        "sizes."),
    Row<&Settings::http, &HttpOptions::serve_torrents>(
        "serve-torrents", kPages, Kind::kFlag, 0, 0,
        "Serve the files of allowed-torrents at /file?info_hash=HASH, with the hash as in "
        "announces "
        "or in hexadecimal digits."),
    Text<&Settings::access_log, &AccessLogSettings::path>(
        "access-log", kPages, "FILE",
        "Append a line to this file for each HTTP request that is answered. - is standard output; "
        "empty for no such lines."),
    Row<&Settings::access_log, &AccessLogSettings::flush_interval>(
        "access-log-flush-interval", kPages, Kind::kMilliseconds, 0, kHour,
        "How long a line of access-log may wait before it is written. 0 to write each at once, "
        "which costs time."),
    Row<&Settings::access_log, &AccessLogSettings::reopen>(
        "access-log-reopen", kPages, Kind::kFlag, 0, 0,
        "Close the file of access-log on SIGHUP and open it again, for those who move it away."),
    Text<&Settings::access, &AccessSettings::torrents>(
        "allowed-torrents", kAccess, "DIRECTORY",
        "Serve only the torrents whose .torrent files are in this directory; where it has none, in "
        "its subdirectories, each in the same way. It is looked at again when it changes, at "
        "list-check-interval and on SIGHUP. Not together with whitelist."),
    Row<&Settings::access, &AccessSettings::torrent_messages>(
        "torrent-messages", kAccess, Kind::kFlag, 0, 0,
        "Obey 'failure reason' and 'warning message' beside the info dictionary of a file in "
        "allowed-torrents: clients are refused or told so."),
    Text<&Settings::access, &AccessSettings::whitelist>(
        "whitelist", kAccess, "FILE",
        "Serve only the torrents whose info hashes are in this file: 40 (v1) or 64 (v2) "
        "hexadecimal digits on a line, then anything. The file is read again on SIGHUP and when it "
        "changes; while it cannot be read, the list stays as it was. All files of lists are opened "
        "after privileges are given up."),
    Text<&Settings::access, &AccessSettings::blacklist>(
        "blacklist", kAccess, "FILE",
        "Do not serve the torrents in this file, which is like that of whitelist. A torrent on "
        "both lists is not served."),
    Text<&Settings::access, &AccessSettings::whitelist_add_fifo>(
        "whitelist-add-fifo", kAccess, "FIFO",
        "A named pipe, made if it is missing: a hash written to it, on a line like one of the "
        "file, is on the whitelist at once. It is so until SIGHUP, also when the file is read "
        "again "
        "because it has changed; what comes in the second before SIGHUP stays until the next. Each "
        "takes about 100 bytes of memory. With save-list-changes it is in the file soon."),
    Text<&Settings::access, &AccessSettings::whitelist_delete_fifo>(
        "whitelist-delete-fifo", kAccess, "FIFO", "The same for taking hashes off the whitelist."),
    Text<&Settings::access, &AccessSettings::blacklist_add_fifo>(
        "blacklist-add-fifo", kAccess, "FIFO", "The same for putting hashes on the blacklist."),
    Text<&Settings::access, &AccessSettings::blacklist_delete_fifo>(
        "blacklist-delete-fifo", kAccess, "FIFO", "The same for taking hashes off the blacklist."),
    Row<&Settings::access, &AccessSettings::forget_refused>(
        "forget-refused", kAccess, Kind::kFlag, 0, 0,
        "Forget a torrent with its peers and its counts as soon as it is refused. Switched off, "
        "it is not shown while it is refused, and its peers stay until they expire."),
    Row<&Settings::access, &AccessSettings::save_changes>(
        "save-list-changes", kAccess, Kind::kFlag, 0, 0,
        "Write what comes through the named pipes into the files of the lists, within a second; "
        "into one that takes long to write, within twenty times as long. Other lines stay as they "
        "are, and a symbolic link leads to the file. One that somebody is writing is left alone "
        "until it stays the same for list-check-interval. The files and their folders must be "
        "writable: FILE.musterd, beside a file, is what takes its place."),
    Text<&Settings::access, &AccessSettings::allowed_ips>(
        "allowed-ips", kAccess, "FILE",
        "Serve only the addresses in this file: an address, a network (192.0.2.0/24) or a range "
        "(192.0.2.1-192.0.2.9) on a line, then a blank and anything. Read again like whitelist. "
        "Peers of the "
        "saved state at other addresses are left out when the daemon starts; those that are known "
        "when the file changes stay until they expire."),
    Text<&Settings::access, &AccessSettings::banned_ips>(
        "banned-ips", kAccess, "FILE",
        "Do not serve the addresses in this file, which is like that of allowed-ips."),
    Among(Row<&Settings::access, &AccessSettings::banned_ips_format>(
              "banned-ips-format", kAccess, Kind::kChoice, 0, 0,
              "How banned-ips is written: networks as in allowed-ips, or named-ranges "
              "(NAME:FIRST-LAST), as the block lists of peer-to-peer programs are."),
          kIpListFormats),
    Row<&Settings::access, &AccessSettings::check_interval>(
        "list-check-interval", kAccess, Kind::kMilliseconds, 0, kDay,
        "How often to look whether the files of lists have changed. One that has is read as soon "
        "as it stays the same for this long. 0 to read them on SIGHUP only."),
    Row<&Settings::access, &AccessSettings::require>(
        "require-lists", kAccess, Kind::kFlag, 0, 0,
        "Do not start when the file of a list, or of load-state, cannot be read. Switched off, "
        "that is a warning: a "
        "whitelist without its file refuses everything, a blacklist nothing."),

    Text<&Settings::state, &StateSettings::load>(
        "load-state", kState, "FILE",
        "A state to begin with, besides that of dfile: what opentracker gives at "
        "/stats?mode=statedump, a dfile of bttrack's, or one of muster's. It is read when the "
        "daemon "
        "starts, and never written to."),
    Text<&Settings::state, &StateSettings::dfile>(
        "dfile", kState, "FILE",
        "Keep the state in this file, so that a restart has the peers and the counts of finished "
        "downloads again. Beside it there will be FILE.journal.N, FILE.lock, and FILE.tmp now and "
        "then; a file that is damaged or none of a tracker's is kept as FILE.damaged.N."),
    Among(
        Row<&Settings::state, &StateSettings::format>(
            "dfile-format", kState, Kind::kChoice, 0,
            0,
            "The format to keep the state in. One that is there already is read in whatever format "
            "it has, muster's, bttrack's or opentracker's; where that is another one than this, "
            "it is kept as FILE.muster.N, FILE.bttrack.N or FILE.opentracker.N. bttrack's has no "
            "journal, so that a crash loses what came since the last state, and no ages, so that "
            "after a restart peers count as seen when the file was written."),
        kDfileFormats),
    Row<&Settings::state, &StateSettings::save_interval>(
        "save-dfile-interval", kState, Kind::kMilliseconds, 100, kDay,
        "How often the whole state is written, which makes the journal short again. It is also "
        "written when the tracker is told to stop."),
    Row<&Settings::state, &StateSettings::journal>(
        "journal", kState, Kind::kFlag, 0, 0,
        "Between two states, write down every change, so that a crash loses next to nothing. "
        "Switched off, it loses what came since the last state. bttrack's format has none."),
    Row<&Settings::state, &StateSettings::sync_interval>(
        "journal-sync-interval", kState, Kind::kMilliseconds, 0, kHour,
        "How often the journal is brought to the disk: what a crash may lose. 0 to write it once a "
        "second and leave the rest to the system: then only a crash of the machine loses more, "
        "about half a minute."),
    Among(Row<&Settings::state, &StateSettings::compression>(
              "dfile-compression", kState, Kind::kChoice, 0, 0,
              "Compress the state. It is compact by itself: addresses and info hashes hardly "
              "become smaller."),
          kCompressions),

    Row<&Settings::peers, &PeerSettings::details>(
        "peer-details", kPeers, Kind::kFlag, 0, 0,
        "Know peers by their ids: one that moves to another address stays the same peer, by its "
        "key, and nobody else can change it; who wants encryption and who requires it is told to "
        "others; answers that are not compact have ids. Costs some 250 bytes a peer. Switched on "
        "by nat-check, given-ip-from and completed-by-left."),
    Row<&Settings::peers, &PeerSettings::nat_tries>(
        "nat-check", kPeers, Kind::kCount, 0, muster::NatRecord::kMaxTries,
        "Connect to each peer and do the BitTorrent handshake, encrypted where the peer requires "
        "that; only who can be reached is told to others. After so many failures a peer is not "
        "tried again until it moves. 0 not to check anybody."),
    Row<&Settings::peers, &PeerSettings::nat_check, &NatCheckOptions::timeout>(
        "nat-check-timeout", kPeers, Kind::kMilliseconds, 1, kHour,
        "How long such a check may take."),
    Row<&Settings::peers, &PeerSettings::nat_check, &NatCheckOptions::max_under_way>(
        "nat-check-connections", kPeers, Kind::kCount, 1, 100'000,
        "Connections for such checks at a time; further checks wait."),
    Row<&Settings::peers, &PeerSettings::nat_check, &NatCheckOptions::max_per_second>(
        "nat-check-rate", kPeers, Kind::kCount, 1, 1'000'000,
        "Such checks begun within a second at most."),
    Row<&Settings::peers, &PeerSettings::nat_check, &NatCheckOptions::allow_private>(
        "nat-check-local", kPeers, Kind::kFlag, 0, 0,
        "Check peers on private networks and on this machine too. Switched off, they are taken "
        "for reachable, and nothing there is ever connected to."),
    Row<&Settings::peers, &PeerSettings::log_nat_checks>(
        "log-nat-checks", kPeers, Kind::kFlag, 0, 0,
        "Log what came of each check: in the access log, where there is one."),
    Row<&Settings::peers, &PeerSettings::given_ip_from>(
        "given-ip-from", kPeers, Kind::kNetworks, 0, 1024,
        "A network whose clients may say where they are reached (the ip parameter of HTTP), such "
        "as one behind the same router. 0.0.0.0/0 and ::/0 are everybody, which lets anybody name "
        "anybody."),
    Row<&Settings::peers, &PeerSettings::completed_by_left>(
        "completed-by-left", kPeers, Kind::kFlag, 0, 0,
        "Count a download as finished when a peer comes to lack nothing, and take that back when "
        "it lacks something again, as bttrack does. Switched off, it is counted when the client "
        "says so, once."),
    Shown(Row<&Settings::peers, &PeerSettings::dedicated_seed_id>(
              "dedicated-seed-id", kPeers, Kind::kText, 0, 64,
              "A secret: a seeder that sends it (seed_id) marks its torrent as seeded, which those "
              "who ask (check_seeded) are told, as long as the daemon runs."),
          "TEXT"),

    Row<&Settings::trackers, &OtherTrackerSettings::multitracker>(
        "multitracker", kTrackers, Kind::kFlag, 0, 0,
        "Fetch peers from the other trackers of torrents, by HTTP and UDP, and hand them out among "
        "our own."),
    Text<&Settings::trackers, &OtherTrackerSettings::list>(
        "multitracker-list", kTrackers, "FILE",
        "Torrents and their other trackers: on a line an info hash in hexadecimal digits, then "
        "announce URLs. Read when the daemon starts and on SIGHUP."),
    Among(Row<&Settings::trackers, &OtherTrackerSettings::allowed>(
              "multitracker-allowed", kTrackers, Kind::kChoice, 0, 0,
              "Who may ask as a tracker (tracker=1), and is given peers without becoming one: "
              "nobody, those who ask for a torrent that is known to have other trackers, or all."),
          kTrackerQueries),
    Row<&Settings::trackers, &OtherTrackerSettings::options, &MultitrackerOptions::interval>(
        "multitracker-reannounce-interval", kTrackers, Kind::kSeconds, kSecond, kDay,
        "How often to ask each tracker of each torrent that does not say otherwise, and when "
        "trackers that ask us are to come again."),
    Row<&Settings::trackers, &OtherTrackerSettings::options, &MultitrackerOptions::max_peers>(
        "multitracker-maxpeers", kTrackers, Kind::kCount, 0, 200, "Peers to ask for each time."),
    Row<&Settings::trackers, &OtherTrackerSettings::options, &MultitrackerOptions::allow_private>(
        "multitracker-local", kTrackers, Kind::kFlag, 0, 0,
        "Take peers on private networks and on this machine from other trackers, too."),
    Shown(Row<&Settings::trackers, &OtherTrackerSettings::aggregate_forward>(
              "aggregate-forward", kTrackers, Kind::kText, 0, 2000,
              "Copy every announce to another tracker, the aggregator, at this URL; after a comma "
              "its password. Nobody waits for it. Where a client is stands in X-Forwarded-For, so "
              "the aggregator has to trust this machine as a proxy."),
          "URL[,PASSWORD]"),
    Row<&Settings::trackers, &OtherTrackerSettings::aggregator>(
        "aggregator", kTrackers, Kind::kFlag, 0, 0,
        "Be an aggregator: announces come from other trackers, are counted, and answered with OK "
        "alone. Nobody is checked."),
    Shown(Row<&Settings::trackers, &OtherTrackerSettings::aggregator_password>(
              "aggregator-password", kTrackers, Kind::kText, 0, 64,
              "What they must know to announce to this aggregator. Empty for nothing."),
          "PASSWORD"),
    Row<&Settings::trackers, &OtherTrackerSettings::options, &MultitrackerOptions::timeout>(
        "outgoing-timeout", kTrackers, Kind::kMilliseconds, 1, kHour,
        "How long a question to another tracker, or a copy to the aggregator, may take."),

    Row<&Settings::cluster, &ClusterSettings::listen>(
        "cluster-listen", kCluster, Kind::kEndpoints,
        0, 1,
        "Share peers with other trackers, by opentracker's live sync: the IPv4 address of the "
        "interface to use, and the port of the cluster, which is 9696 with opentracker. The "
        "packets "
        "are multicast to 224.0.23.5 and not encrypted; the network must keep strangers out."),
    Row<&Settings::cluster, &ClusterSettings::nodes>(
        "cluster-node", kCluster, Kind::kNetworks, 0, 1024,
        "A tracker of the cluster, or a network of them, to take peers from. Without one, peers "
        "are "
        "only sent."),

    Row<&Settings::workers>("workers", kProcess, Kind::kCount, 0, 1024,
                            "Threads that serve, each with sockets of its own on every address. 0 "
                            "for one on each core."),
    Text<&Settings::privileges, &PrivilegeSettings::user>(
        "user", kProcess, "NAME",
        "Who to become when every address is bound: the name of a user, or a number. Only root can "
        "become somebody else; started by anybody else, it stays who it is. Empty to stay in any "
        "case."),
    Text<&Settings::privileges, &PrivilegeSettings::group>(
        "group", kProcess, "NAME",
        "The group to belong to then, and no other: a name or a number. Empty for the user's."),
    Text<&Settings::privileges, &PrivilegeSettings::root_directory>(
        "root-directory", kProcess, "DIRECTORY",
        "For root, the directory to be confined to (chroot) when every address is bound; for "
        "anybody else, the one to work in. Paths of lists are looked for in it; one that begins "
        "with its name is understood as well."),
    Row<&Settings::drain_timeout>(
        "drain-timeout", kProcess, Kind::kMilliseconds, 0, kHour,
        "After SIGINT or SIGTERM, how long requests that are under way may take to finish."),
    Row<&Settings::syslog_completed>(
        "syslog-completed", kProcess, Kind::kFlag, 0, 0,
        "Write a line into the system's log for each finished download, as opentracker does."),
    Among(Row<&Settings::log_level>("log-level", kProcess, Kind::kChoice, 0, 0,
                                    "The least that is worth a line on standard error."),
          kLogLevels),
};

}  // namespace

const SettingsTable& MusterdTable() {
  static const SettingsTable table{"musterd", "a BitTorrent tracker", "--interval 30m", kSettings,
                                   PlainOptions()};
  return table;
}

absl::Span<const Setting> AllSettings() { return kSettings; }

const Setting* FindSetting(std::string_view name, const SettingsTable& table) {
  const auto found = std::find_if(table.rows.begin(), table.rows.end(),
                                  [&](const Setting& setting) { return setting.name == name; });
  return found == table.rows.end() ? nullptr : &*found;
}

}  // namespace musterd
