# SPDX-License-Identifier: Apache-2.0
"""musterd in the place of bttrack: its command line, its files, its answers, its pages, its log.

as_bttrack_test.py MUSTERD [unittest options]
"""
import gzip
import hashlib
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.dont_write_bytecode = True
import musterd_test  # noqa: E402  (takes the program's path off the arguments)
from musterd_test import MUSTERD, TIMEOUT, Daemon, http  # noqa: E402
from bttrack_model import Model  # noqa: E402
from daemon import wait_until  # noqa: E402
from fakes import FakePeer, FakeTracker  # noqa: E402
from tracker_client import bdecode, bencode, compact_peers  # noqa: E402

SOON = ("--list-check-interval", "20ms")
REFUSED = b"Requested download is not authorized for use with this tracker."
HASH = b"\0a%&+ hash" + bytes(range(0xf6, 0x100))
PEER = b"-XX0001-%012d"


def run(*args, program=MUSTERD):
    dialect = ["--dialect", "bttrack"] if program == MUSTERD else []
    return subprocess.run([program, *dialect, *args], capture_output=True, text=True, timeout=TIMEOUT)


def info_of(kind, name=b"file", data=b"hello"):
    info = {b"name": name, b"piece length": 16384}
    if kind in ("v1", "hybrid"):
        info |= {b"length": len(data), b"pieces": hashlib.sha1(data).digest()}
    if kind in ("v2", "hybrid"):
        leaf = {b"length": len(data), b"pieces root": hashlib.sha256(data).digest()}
        info |= {b"meta version": 2, b"file tree": {name: {b"": leaf}}}
    return bencode(info)


class Torrent:
    """A torrent of one small file."""

    def __init__(self, name, kind="v1", **more):
        info = info_of(kind, name.encode())
        outer = {k.replace("_list", "-list").replace("_", " ").encode(): v for k, v in more.items()}
        before, after = ({k: v for k, v in outer.items() if (k < b"info") == first} for first in (True, False))
        self.bytes = bencode(before)[:-1] + b"4:info" + info + bencode(after)[1:]
        self.v1 = hashlib.sha1(info).digest() if kind != "v2" else None
        self.v2 = hashlib.sha256(info).digest()[:20] if kind != "v1" else None


class Case(musterd_test.Test):
    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, content):
        """A file that takes its place at once."""
        path = pathlib.Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".new").write_bytes(content if isinstance(content, bytes) else content.encode())
        os.rename(path.with_suffix(".new"), path)
        return str(path)

    daemon = None
    starts = 0

    def start(self, *options, own=(), state=None):
        """A tracker instead of the one before, with a state of its own unless one is given."""
        if self.daemon is not None:
            self.daemon.stop()
        self.starts += 1
        err = open(self.path("err"), "wb")
        self.addCleanup(err.close)
        state = self.path(state or f"state{self.starts}")
        self.daemon = Daemon("--dialect", "bttrack", "--dfile", state, "--port", "0", "--bind", "127.0.0.1",
                             "--logfile", self.path("log"), "--min_time_between_log_flushes", "0", *options, "--",
                             "--log-level", "info", "--workers", "2", *own, listeners=2, stderr=err)
        self.addCleanup(self.daemon.__exit__, None)
        return self.daemon

    def err(self):
        return pathlib.Path(self.path("err")).read_text()

    def log(self):
        return pathlib.Path(self.path("log")).read_text()

    def get(self, target, *headers):
        """(status, headers, body)"""
        address = self.daemon.address(1)
        lines = "".join(header + "\r\n" for header in headers)
        answer = http(address, f"GET {target} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n{lines}\r\n")
        head, body = answer.split(b"\r\n\r\n", 1)
        if b"Transfer-Encoding: chunked" in head:
            rest, body = body, b""
            while rest:
                size, rest = rest.split(b"\r\n", 1)
                body += rest[:int(size, 16)]
                rest = rest[int(size, 16) + 2:]
        return int(head.split()[1]), head.decode(), body

    def announce(self, info_hash=HASH, peer=1, *headers, **parameters):
        values = {"info_hash": info_hash, "peer_id": PEER % peer, "port": 6000 + peer, "left": 1, "compact": 1, **parameters}
        query = urllib.parse.urlencode([(k, v) for k, v in values.items() if v is not None], quote_via=urllib.parse.quote)
        status, _, body = self.get("/announce?" + query, *headers)
        return status, bdecode(body) if body.startswith(b"d") else body

    def scrape(self, *info_hashes, path="/scrape"):
        query = "&".join("info_hash=" + urllib.parse.quote(h) for h in info_hashes)
        status, _, body = self.get(path + ("?" + query if query else ""))
        return status, bdecode(body)

    def served(self, info_hash):
        return b"failure reason" not in self.announce(info_hash)[1]

    def page(self, *headers):
        return self.get("/", *headers)[2].decode()


class Options(Case):
    def test_are_all_printed_without_arguments(self):
        result = run()
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for option in ("dfile", "allowed_dir", "compact_reqd", "min_time_between_cache_refreshes"):
            self.assertIn(f"\n--{option} VALUE\n", result.stdout)
        self.assertEqual(run("--help").stdout, result.stdout)

    def test_come_through_the_name_of_the_program(self):
        for name in ("bttrack", "bttrack.py", "bttrack.bittornado"):
            os.symlink(MUSTERD, self.path(name))
            self.assertIn("--aggregate_forward", run(program=self.path(name)).stdout)

    def test_that_make_no_sense_end_it_with_status_2_and_one_line(self):
        for args, pattern in ((["--prot", "1"], "did you mean '--port'"), (["--port", "80"], "--dfile is missing"),
                              (["--dfile", "d", "--port", "x"], "--port: expected a whole number"),
                              (["--dfile"], "--dfile needs a value"), (["80"], "unexpected argument")):
            self.assertComplains(run(*args), 2, pattern)

    def test_with_files_that_cannot_be_used_end_it_with_status_2_and_one_line(self):
        peer = {"ip": "192.0.2.7", "port": 7000, "left": 0, "nat": 0, "supportcrypto": 0, "requirecrypto": 0}
        state = bencode({"completed": {HASH: 41}, "peers": {HASH: {PEER % 7: peer}}})
        self.write("state", state)
        self.write("list", HASH.hex())
        good = ["--dfile", self.path("state"), "--port", "0", "--bind", "127.0.0.1"]
        for args in (["--allowed_list", "none"], ["--allowed_dir", "none"], ["--allowed_ips", "none"], ["--banned_ips", "none"],
                     ["--favicon", "none"], ["--logfile", "none/log"], ["--dfile", "none/state"],
                     ["--allowed_ips", "none", "--allowed_list", "list"], ["--dfile", "none/state", "--allowed_list", "list"]):
            args[1::2] = map(self.path, args[1::2])
            self.assertComplains(run(*good, *args), 2, "none")
            self.assertEqual(sorted(os.listdir(self.folder)), ["list", "state"], args)
            self.assertEqual(pathlib.Path(self.path("state")).read_bytes(), state, args)

    def test_are_written_as_a_file_for_musterd(self):
        result = run("--dfile", "d", "--print-config")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for line in ('http = ["0.0.0.0:80"]', 'answers = "bttrack"', 'interval-spread = "0s"', 'access-log = "-"'):
            self.assertIn(f"\n{line}\n", result.stdout)
        path = self.write("musterd.toml", result.stdout)
        again = subprocess.run([MUSTERD, "--config", path, "--print-config"], capture_output=True, text=True, timeout=TIMEOUT)
        self.assertEqual(again.stdout, result.stdout)


class Answers(Case):
    def test_have_the_keys_and_texts_of_the_original(self):
        self.start()
        self.assertEqual(self.announce(), (200, {b"complete": 0, b"incomplete": 1, b"interval": 1800, b"peers": []}))
        self.assertEqual(self.announce(peer=2, left=0)[1][b"peers"], b"\x7f\0\0\1" + (6001).to_bytes(2, "big"))
        self.assertEqual(self.scrape(HASH), (200, {b"files": {HASH: {b"complete": 1, b"downloaded": 0, b"incomplete": 1}}}))
        self.assertEqual(self.scrape(bytes(20)), (200, {b"files": {}}))
        for path in ("/announce", "/announce.php", "/tracker.php/announce"):
            self.assertEqual(self.get(path)[::2], (400, b"you sent me garbage - no info hash"))
        for path in ("/scrape", "/scrape.php", "/tracker.php/scrape"):
            self.assertEqual(self.scrape(path=path), self.scrape(HASH))
        status, _, body = self.get("/elsewhere")
        self.assertEqual((status, body), (404, b"your file may exist elsewhere in the universe\nbut alas, not here\n"))
        self.assertEqual(self.get("/file?info_hash=" + HASH.hex())[::2],
                         (400, b"get function is not available with this tracker."))

    def test_say_what_is_wrong_in_its_order(self):
        self.start()
        for wrong, text in (({"peer_id": "short"}, "id not of length 20"), ({"event": "odd"}, "invalid event"),
                            ({"event": ""}, "invalid event"), ({"port": 65536}, "invalid port"), ({"port": "x"}, "invalid port"),
                            ({"port": None}, "invalid port"), ({"left": -1}, "invalid amount left"),
                            ({"left": None}, "invalid amount left"), ({"left": None, "port": -1}, "invalid port"),
                            ({"left": -1, "event": "x", "peer_id": ""}, "id not of length 20")):
            self.assertEqual(self.announce(**wrong), (400, b"you sent me garbage - " + text.encode()), wrong)
        for event in ("started", "completed", "snooped", "paused", "stopped"):
            self.assertEqual(self.announce(event=event)[0], 200, event)

    def test_take_the_first_of_what_is_repeated(self):
        self.start()
        self.announce(peer=2)
        query = urllib.parse.urlencode({"info_hash": HASH, "peer_id": PEER % 1}, quote_via=urllib.parse.quote)
        status, _, body = self.get("/announce?" + query + "&port=5&port=7777&left=5&left=0&compact=1&info_hash=x")
        self.assertEqual((status, bdecode(body)[b"incomplete"]), (200, 2))
        self.assertIn(("127.0.0.1", 5), compact_peers(self.announce(peer=2)[1][b"peers"], 6))

    def test_have_the_counts_of_a_scrape_for_those_who_ask(self):
        self.start()
        self.announce(peer=2)
        self.announce(peer=2, left=0)
        answer = self.announce(scrape=1)[1]
        self.assertEqual(answer[b"scrape"], {b"complete": 1, b"downloaded": 1, b"incomplete": 1})
        self.assertEqual(answer[b"scrape"], self.scrape(HASH)[1][b"files"][HASH])
        self.assertNotIn(b"scrape", self.announce()[1])

    def test_are_compact_unless_that_is_left_open(self):
        self.start()
        for compact in (None, 0):
            self.assertEqual(self.announce(compact=compact), (400, b"your client is outdated, please upgrade"))
        self.start("--compact_reqd", "0")
        self.announce(peer=1)
        self.assertEqual(self.announce(peer=2, compact=None)[1][b"peers"],
                         [{b"ip": b"127.0.0.1", b"peer id": PEER % 1, b"port": 6001}])
        self.assertEqual(self.announce(peer=2, compact=None, no_peer_id=1)[1][b"peers"], [{b"ip": b"127.0.0.1", b"port": 6001}])

    def test_hold_as_many_peers_as_set(self):
        self.start("--response_size", "3")
        for peer in range(9):
            answer = self.announce(peer=peer, numwant=7)[1]
        self.assertEqual(len(answer[b"peers"]), 3 * 6)
        self.assertEqual(self.announce(peer=3, numwant=0)[1][b"peers"], [])
        self.start("--response_size", "0")
        for peer in range(3):
            answer = self.announce(peer=peer, numwant=7, supportcrypto=1)[1]
        self.assertEqual((answer[b"peers"], answer[b"incomplete"]), ([], 3))

    def test_come_as_often_as_set(self):
        self.start("--reannounce_interval", "77")
        self.assertEqual(self.announce()[1][b"interval"], 77)

    def test_scrapes_are_what_is_allowed(self):
        refused = {kind: {b"failure reason": f"{kind} scrape function is not available with this tracker.".encode()}
                   for kind in ("full", "specific")}
        self.start("--scrape_allowed", "none")
        self.assertEqual(self.scrape(), (400, refused["full"]))
        self.assertEqual(self.scrape(HASH), (400, refused["specific"]))
        self.start("--scrape_allowed", "specific")
        self.assertEqual(self.scrape(), (400, refused["full"]))
        self.assertEqual(self.scrape(HASH), (200, {b"files": {}}))

    def test_scrapes_name_as_many_torrents_as_they_like(self):
        self.start()
        hashes = [i.to_bytes(20, "big") for i in range(800)]
        self.announce(hashes[799])
        self.assertEqual(self.scrape(*hashes), (200, {b"files": {hashes[799]: {b"complete": 0, b"downloaded": 0, b"incomplete": 1}}}))

    def test_keep_torrents_without_peers_where_that_is_set(self):
        for keep in (0, 1):
            self.start("--keep_dead", str(keep))
            self.announce()
            self.announce(event="stopped")
            self.assertEqual(HASH in self.scrape()[1][b"files"], keep == 1)

    def test_keep_counts_of_torrents_without_peers_to_themselves_unless_that_is_set(self):
        self.write("state", bencode({"completed": {HASH: 41}, "peers": {}}))
        row = {b"complete": 0, b"downloaded": 42, b"incomplete": 0}
        for keep in (0, 1, 0):
            self.start("--keep_dead", str(keep), state="state", own=("--dfile-format", "bttrack"))
            if self.starts == 1:
                self.announce()
                self.announce(left=0, event="completed")
                self.announce(left=0, event="stopped")
            files = {HASH: row} if keep else {}
            self.assertEqual(self.scrape(), (200, {b"files": files}))
            self.assertEqual(self.scrape(HASH), (200, {b"files": files}))
            self.assertEqual(HASH.hex() in self.page(), keep == 1)
            self.assertEqual("not tracking any files yet..." in self.page(), keep == 0)
        self.announce()
        self.assertEqual(self.scrape()[1][b"files"], {HASH: {**row, b"incomplete": 1}})
        self.assertIn(HASH.hex(), self.page())
        self.announce(event="stopped")
        self.assertEqual(self.daemon.stop(signal.SIGINT)[0], 0)
        self.assertEqual(bdecode(pathlib.Path(self.path("state")).read_bytes())[b"completed"], {HASH: 42})

    def test_tell_given_addresses(self):
        """The tests come from a local network, whose word is taken in any case but where nobody's is."""
        self.start("--nat_check", "0")
        self.announce(ip="198.51.100.7")
        peers = compact_peers(self.announce(peer=2)[1][b"peers"], 6)
        self.assertEqual(peers, [("198.51.100.7", 6001)])
        self.announce(peer=3, ip="no.address.example")
        self.assertIn(("127.0.0.1", 6003), compact_peers(self.announce(peer=2)[1][b"peers"], 6))
        # A stranger, by way of a proxy.
        for mode, address in (("1", "203.0.113.5"), ("0", "198.51.100.7")):
            self.start("--nat_check", "0", "--only_local_override_ip", mode, own=("--trusted-proxy", "127.0.0.1"))
            self.announce(bytes(20), 1, "X-Forwarded-For: 203.0.113.5", ip="198.51.100.7")
            self.assertEqual(compact_peers(self.announce(bytes(20), 2)[1][b"peers"], 6), [(address, 6001)])

    def test_are_those_of_the_reference_for_a_long_random_sequence(self):
        self.start("--keep_dead", "1", "--compact_reqd", "0")
        chance = random.Random(4)
        model = Model(interval=1800)
        hashes = [bytes([i]) * 20 for i in range(4)]
        for step in range(3000):
            if chance.random() < 0.1:
                asked = chance.sample(hashes + [b"?" * 20], chance.randrange(3))
                self.assertEqual(self.scrape(*asked), model.scrape(asked), step)
                continue
            parameters = model.random_announce(chance, hashes)
            info_hash = parameters.pop("info_hash")
            peer = parameters.pop("peer")
            status, answer = self.announce(info_hash, peer, **parameters)
            want_status, want = model.announce(info_hash, peer, **parameters)
            self.assertEqual(status, want_status, (step, parameters))
            if isinstance(answer, dict) and b"peers" in answer:
                peers = answer[b"peers"]
                if isinstance(peers, bytes):
                    answer[b"peers"] = compact_peers(peers, 6)
                elif peers:
                    answer[b"peers"] = [(p[b"ip"].decode(), p[b"port"]) for p in peers]
                answer[b"peers"].sort()
            self.assertEqual(answer, want, (step, parameters))


class Peers(Case):
    def fake(self, made):
        self.addCleanup(made.close)
        return made

    def peers(self, **parameters):
        return compact_peers(self.announce(peer=9, port=0, **parameters)[1][b"peers"] or b"", 6)

    def checks(self, port, status):
        return len(re.findall(rf'"!natcheck-127\.0\.0\.1:{port}" {status} 0 - -\n', self.log()))

    def test_are_connected_back_to_as_often_as_set(self):
        reachable = self.fake(FakePeer(HASH, PEER % 1))
        closed = self.fake(socket.socket())
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        self.start("--nat_check", "2", "--log_nat_checks", "1", own=("--nat-check-local",))
        self.announce(port=reachable.port)
        for failures in (1, 2):
            self.announce(peer=2, port=port)
            wait_until(lambda n=failures: self.checks(port, 503) == n, "a failure")
        self.announce(peer=2, port=port)
        wait_until(lambda: self.checks(reachable.port, 200) == 1, "the other one")
        self.announce(peer=3, port=port)
        wait_until(lambda: self.checks(port, 503) == 3, "the check of another peer")
        self.assertEqual(self.peers(), [("127.0.0.1", reachable.port)])
        self.assertEqual(self.scrape(HASH)[1][b"files"][HASH][b"incomplete"], 4)
        self.assertRegex(self.log(), r'\n127\.0\.0\.1 - -XX0001-000000000001 \[[^]]*\] "!natcheck-127\.0\.0\.1:\d+" 200 0 - -\n')
        self.start("--nat_check", "0", own=("--nat-check-local",))
        self.announce(peer=2, port=port)
        self.assertEqual(self.peers(), [("127.0.0.1", port)])
        self.start(own=("--nat-check-local",))
        self.announce(peer=2, port=port)
        self.assertEqual(self.peers(), [])
        self.announce(peer=3)
        self.assertNotIn("!natcheck", self.log().split("# Log Started")[-1])

    def test_that_say_nothing_are_waited_for_as_long_as_set(self):
        silent = self.fake(socket.create_server(("127.0.0.1", 0)))
        self.start("--socket_timeout", "1", "--log_nat_checks", "1", own=("--nat-check-local",))
        self.announce(port=silent.getsockname()[1])
        wait_until(lambda: self.checks(silent.getsockname()[1], 503) == 1, "the end of the check", timeout=10)

    def test_are_told_to_those_who_encrypt_as_they_do(self):
        self.start("--nat_check", "0")
        self.announce(peer=1, supportcrypto=1, requirecrypto=1)
        self.announce(peer=2)
        self.announce(peer=3, supportcrypto=1, cryptoport=7003)
        self.assertEqual(sorted(self.peers()), [("127.0.0.1", 6002), ("127.0.0.1", 7003)])
        answer = self.announce(peer=9, port=0, supportcrypto=1)[1]
        flags = dict(zip(compact_peers(answer[b"peers"], 6), answer[b"crypto_flags"]))
        self.assertEqual(flags, {("127.0.0.1", 6001): 1, ("127.0.0.1", 6002): 0, ("127.0.0.1", 7003): 0})
        for wish in ({"supportcrypto": 1, "requirecrypto": 1}, {"requirecrypto": 1}):
            answer = self.announce(peer=9, port=0, **wish)[1]
            self.assertEqual(sorted(compact_peers(answer[b"peers"], 6)), [("127.0.0.1", 6001), ("127.0.0.1", 7003)])
            self.assertEqual(answer[b"crypto_flags"], b"\1\1")
        self.announce(peer=2, requirecrypto=1)  # of the peer itself that says nothing
        self.assertIn(("127.0.0.1", 6002), self.peers())

    def test_are_changed_by_themselves_alone(self):
        self.start("--nat_check", "0", own=("--trusted-proxy", "127.0.0.1"))

        def announce(address, **parameters):
            return self.announce(HASH, 1, "X-Forwarded-For: " + address, **parameters)[1]
        announce("192.0.2.1", key="secret")
        for thief in ({"key": "another"}, {}, {"event": "stopped"}):
            self.assertEqual(announce("192.0.2.2", left=0, **thief)[b"complete"], 0)
        self.assertEqual(self.peers(), [("192.0.2.1", 6001)])
        self.assertEqual(announce("192.0.2.1", left=0)[b"complete"], 1)
        announce("192.0.2.3", key="secret")
        self.assertEqual(self.peers(), [("192.0.2.1", 6001)])  # it had no key when it came last
        announce("192.0.2.1", key="secret")
        announce("192.0.2.3", key="secret")
        self.assertEqual(self.peers(), [("192.0.2.3", 6001)])
        announce("192.0.2.3", key="long" * 50)
        announce("192.0.2.4", key="long" * 50)
        self.assertEqual(self.peers(), [("192.0.2.4", 6001)])

    def test_hear_of_the_dedicated_seed(self):
        self.start("--dedicated_seed_id", "word")
        self.announce(peer=1, seed_id="word", left=1)
        self.announce(peer=2, seed_id="guess", left=0)
        self.assertNotIn(b"seeded", self.announce(peer=3, check_seeded=1)[1])
        self.announce(peer=2, seed_id="word", left=0)
        self.assertEqual(self.announce(peer=3, check_seeded=1)[1][b"seeded"], 1)
        self.assertNotIn(b"seeded", self.announce(peer=3)[1])


class OtherTrackers(Case):
    def fake(self, made):
        self.addCleanup(made.close)
        return made

    def begin(self, *options, own=()):
        return self.start("--allowed_dir", self.path("t"), *options, own=own)

    def test_are_asked_for_peers_as_set(self):
        peer = b"\x7f\0\0\1" + (7777).to_bytes(2, "big")
        other = self.fake(FakeTracker(interval=1, peers=peer))
        torrent = Torrent("t", announce=b"http://ours.example/announce", announce_list=[[other.url]])
        self.write("t/t.torrent", torrent.bytes)
        self.write("t/single.torrent", Torrent("single", announce=other.url.encode()).bytes)
        self.begin("--multitracker_enabled", "1", "--multitracker_reannounce_interval", "1", "--multitracker_maxpeers", "9",
                   own=("--multitracker-local",))
        wait_until(lambda: len(other.asked) > 1, "a second question")
        for asked in other.asked:
            query = dict(urllib.parse.parse_qsl(asked.split("?")[1], encoding="latin-1"))
            self.assertEqual(query["info_hash"].encode("latin-1"), torrent.v1)
            self.assertEqual([query[name] for name in ("tracker", "numwant", "port", "event", "left", "compact")],
                             ["1", "9", "0", "stopped", "1", "1"])
        wait_until(lambda: self.announce(torrent.v1)[1][b"peers"] == peer, "its peer")
        self.assertEqual(self.announce(torrent.v1)[1][b"incomplete"], 1)
        del other.asked[:]
        self.begin("--multitracker_reannounce_interval", "1")
        self.announce(torrent.v1)
        self.assertEqual(self.announce(torrent.v1, 2)[1][b"peers"], b"\x7f\0\0\1" + (6001).to_bytes(2, "big"))
        self.assertEqual(other.asked, [])

    def test_are_waited_for_as_long_as_set(self):
        silent = self.fake(socket.create_server(("127.0.0.1", 0)))
        url = "http://127.0.0.1:%d/" % silent.getsockname()[1]
        self.start("--aggregate_forward", url, "--http_timeout", "1")
        self.announce()
        wait_until(lambda: "no answer in time" in self.err(), "the end of the wait", timeout=20)

    def test_that_ask_are_answered_as_set(self):
        plain = Torrent("plain", announce=b"http://ours.example/announce")
        alone = Torrent("alone", announce=b"http://ours.example/announce", announce_list=[[b"http://ours.example/announce"]])
        self.write("t/alone.torrent", alone.bytes)
        listed = Torrent("listed", announce_list=[[b"http://a.example/announce"], [b"udp://b.example:1/announce"]])
        self.write("t/plain.torrent", plain.bytes)
        self.write("t/listed.torrent", listed.bytes)
        asks = {"peer": 9, "port": 0, "event": "stopped", "tracker": 1, "compact": None}
        refused = b"Requested download is not authorized for multitracker use."
        own = (b"\x7f\0\0\1" + (6001).to_bytes(2, "big"))
        for options, of_plain, of_listed in (([], refused, 120), (["--multitracker_reannounce_interval", "77"], refused, 77),
                                             (["--multitracker_allowed", "all"], 120, 120),
                                             (["--multitracker_allowed", "none"], b"disallowed", b"disallowed")):
            self.begin(*options)
            for torrent, want in ((plain, of_plain), (alone, of_listed), (listed, of_listed)):
                self.announce(torrent.v1)
                status, answer = self.announce(torrent.v1, **asks)
                if isinstance(want, bytes):
                    self.assertEqual((status, answer), (200, {b"failure reason": want}), options)
                else:
                    self.assertEqual(answer, {b"complete": 0, b"incomplete": 1, b"interval": want, b"peers": own}, options)
                    counts = self.announce(torrent.v1, numwant=0, **asks)[1]
                    self.assertEqual(counts, {b"complete": 0, b"incomplete": 1, b"interval": want}, options)
                self.assertEqual(self.scrape(torrent.v1)[1][b"files"][torrent.v1][b"incomplete"], 1)

    def test_announce_to_an_aggregator_with_its_password(self):
        self.start("--aggregator", "word", "--log_nat_checks", "1", own=("--nat-check-local",))
        for password in (None, "guess"):
            self.assertEqual(self.announce(password=password), (200, {b"failure reason": REFUSED}))
        self.assertEqual(self.announce(password="word"), (200, {b"response": b"OK"}))
        self.assertEqual(self.scrape(HASH)[1][b"files"][HASH][b"incomplete"], 1)
        self.assertNotIn("!natcheck", self.log())
        self.start("--aggregator", "1")
        self.assertEqual(self.announce(), (200, {b"response": b"OK"}))

    def test_that_are_aggregators_are_told_of_every_announce(self):
        aggregator = self.fake(FakeTracker(response=b"OK"))
        self.start("--aggregate_forward", aggregator.url + ",a word")
        for peer in range(5):
            self.announce(peer=peer)
        self.announce(peer=7, tracker=1)  # is none of a client
        self.announce(peer=8)
        wait_until(lambda: len(aggregator.asked) == 6, "six announces")
        queries = [dict(urllib.parse.parse_qsl(asked.split("?")[1], encoding="latin-1")) for asked in aggregator.asked]
        self.assertEqual({q["port"] for q in queries}, {str(6000 + peer) for peer in (0, 1, 2, 3, 4, 8)})
        self.assertEqual({(q["password"], q["info_hash"].encode("latin-1")) for q in queries}, {("a word", HASH)})


class Lists(Case):
    def test_of_hashes_say_what_is_tracked(self):
        self.start("--allowed_list", self.write("list", HASH.hex() + "\nnonsense\n"), own=SOON)
        self.assertTrue(self.served(HASH))
        self.assertEqual(self.announce(bytes(20)), (200, {b"failure reason": REFUSED}))
        # That it is not tracked is told before what else is wrong.
        self.assertEqual(self.announce(bytes(20), left=None), (200, {b"failure reason": REFUSED}))
        self.assertIn("list:2: not understood", self.err())
        self.write("list", bytes(20).hex() + "\n")
        wait_until(lambda: self.served(bytes(20)), "the new list")
        self.assertFalse(self.served(HASH))
        self.assertEqual(self.scrape(bytes(20))[1][b"files"].keys(), {bytes(20)})

    def test_of_hashes_leave_swarms_alone_that_are_refused_for_a_while(self):
        self.start("--allowed_list", self.write("list", HASH.hex() + "\n" + bytes(20).hex() + "\n"), own=SOON)
        self.announce(event="completed", left=0)
        self.write("list", bytes(20).hex() + "\n")
        wait_until(lambda: self.scrape(HASH) == (200, {b"files": {}}), "the new list")
        self.assertFalse(self.served(HASH))
        self.assertEqual(self.scrape()[1][b"files"].keys(), {bytes(20)})
        self.assertNotIn(HASH.hex(), self.page())
        self.write("list", HASH.hex() + "\n")
        wait_until(lambda: HASH in self.scrape(HASH)[1][b"files"], "the old list")
        kept = {b"complete": 1, b"downloaded": 1, b"incomplete": 0}
        self.assertEqual(self.scrape(HASH)[1][b"files"][HASH], kept)
        self.write("list", bytes(20).hex() + "\n")
        self.start("--allowed_list", self.path("list"), own=SOON, state="state1")
        self.assertEqual(self.scrape(HASH), (200, {b"files": {}}))
        self.write("list", HASH.hex() + "\n")
        wait_until(lambda: HASH in self.scrape(HASH)[1][b"files"], "the list of the restarted tracker")
        self.assertEqual(self.scrape(HASH)[1][b"files"][HASH], kept)

    def test_of_hashes_are_shown_without_peers_too(self):
        self.start("--allowed_list", self.write("list", HASH.hex() + "\n" + bytes(20).hex() + "\n"))
        self.announce()
        rows = {HASH: {b"complete": 0, b"downloaded": 0, b"incomplete": 1},
                bytes(20): {b"complete": 0, b"downloaded": 0, b"incomplete": 0}}
        self.assertEqual(self.scrape(), (200, {b"files": rows}))
        self.assertEqual(self.scrape(bytes(20)), (200, {b"files": {bytes(20): rows[bytes(20)]}}))
        self.assertIn(bytes(20).hex(), self.page())
        self.announce(left=0, event="completed")
        self.announce(left=0, event="stopped")
        rows[HASH] = {b"complete": 0, b"downloaded": 1, b"incomplete": 0}
        self.assertEqual(self.scrape(), (200, {b"files": rows}))
        self.assertEqual(self.scrape(HASH), (200, {b"files": {HASH: rows[HASH]}}))
        self.assertIn(HASH.hex(), self.page())

    def test_of_addresses_in_either_format_say_who_is_served(self):
        refusal = (400, {b"failure reason": b"your IP is not allowed on this tracker"})
        for options in (["--allowed_ips", self.write("a", "# AS 1\n192.0.2.0/24 somebody\n2001:db8::/32\n")],
                        ["--allowed_ips", self.write("none", "# nobody at all\n")],
                        ["--banned_ips", self.write("b", "a name: of parts:127.0.0.0-127.0.0.9\n")],
                        ["--banned_ips", self.write("b1", "name:127.0.0.1\n")]):
            self.start(*options)
            self.assertEqual(self.announce(), refusal, options)
            status, _, body = self.get("/")
            self.assertEqual((status, bdecode(body)), refusal)
            self.assertEqual(self.scrape(), refusal)
        for options in (["--allowed_ips", self.write("a", "127.0.0.0/8 this machine\n")],
                        ["--banned_ips", self.write("b", "name:127.0.0.2-127.0.0.9\nbad\n")]):
            self.start(*options)
            self.assertEqual(self.announce()[0], 200, options)

    def test_of_addresses_take_peers_of_the_state_out_at_the_start(self):
        plain = {"port": 7000, "left": 0, "nat": 0, "supportcrypto": 0, "requirecrypto": 0}
        peers = {PEER % 1: {"ip": "192.0.2.7", "given ip": "198.51.100.9", **plain}, PEER % 2: {"ip": "198.51.100.9", **plain}}
        kept = b"\xc6\x33\x64\x09" + (7000).to_bytes(2, "big")
        for options in (["--banned_ips", self.write("b", "name:192.0.2.0-192.0.2.255\n")],
                        ["--allowed_ips", self.write("a", "198.51.100.0/24\n127.0.0.1\n")]):
            state = os.path.basename(self.write(f"of{options[0]}", bencode({"completed": {HASH: 41}, "peers": {HASH: peers}})))
            self.start(*options, state=state)
            self.assertEqual(self.scrape(HASH)[1][b"files"][HASH], {b"complete": 1, b"downloaded": 41, b"incomplete": 0})
            self.assertEqual(self.announce()[1][b"peers"], kept)

    def test_of_addresses_are_read_again(self):
        self.start("--banned_ips", self.write("b", "name:192.0.2.1\n"), own=SOON)
        self.assertEqual(self.announce()[0], 200)
        self.write("b", "name:127.0.0.1\n")
        wait_until(lambda: self.announce()[0] == 400, "the new list")


class Directory(Case):
    def setUp(self):
        super().setUp()
        self.a, self.b = Torrent("a"), Torrent("b <i>&\"'")
        self.write("t/a.torrent", self.a.bytes)
        self.write("t/b.torrent", self.b.bytes)

    def begin(self, *options):
        return self.start("--allowed_dir", self.path("t"), *options)

    def test_says_what_is_tracked_and_how_it_is_called(self):
        self.begin()
        self.assertTrue(self.served(self.a.v1))
        self.assertEqual(self.announce(HASH), (200, {b"failure reason": REFUSED}))
        files = {self.a.v1: {b"complete": 0, b"downloaded": 0, b"incomplete": 1, b"name": b"a"},
                 self.b.v1: {b"complete": 0, b"downloaded": 0, b"incomplete": 0, b"name": b"b <i>&\"'"}}
        self.assertEqual(self.scrape(), (200, {b"files": files}))
        self.assertEqual(self.scrape(self.b.v1), (200, {b"files": {self.b.v1: files[self.b.v1]}}))
        self.begin("--show_names", "0")
        for row in self.scrape()[1][b"files"].values():
            self.assertNotIn(b"name", row)
        self.assertEqual(len(self.scrape()[1][b"files"]), 2)

    def test_is_followed_as_it_changes(self):
        self.begin("--parse_dir_interval", "3600")  # it is watched beside
        c = Torrent("c")
        self.write("t/c.torrent", c.bytes)
        wait_until(lambda: self.served(c.v1), "a new torrent")
        self.announce(self.a.v1, event="completed", left=0)
        os.rename(self.path("t/a.torrent"), self.path("a.torrent"))
        wait_until(lambda: self.a.v1 not in self.scrape(self.a.v1)[1][b"files"], "a torrent to go")
        self.assertFalse(self.served(self.a.v1))
        self.assertTrue(self.served(self.b.v1))
        self.assertNotIn(self.a.v1, self.scrape()[1][b"files"])
        self.assertNotIn(self.a.v1.hex(), self.page())
        os.rename(self.path("a.torrent"), self.path("t/a.torrent"))
        wait_until(lambda: self.a.v1 in self.scrape()[1][b"files"], "the torrent to come back")
        row = self.scrape(self.a.v1)[1][b"files"][self.a.v1]
        self.assertEqual((row[b"complete"], row[b"downloaded"]), (1, 1))

    def test_is_searched_below_only_where_it_has_no_torrents(self):
        deep, hidden = Torrent("deep"), Torrent("hidden")
        self.write("n/x/y/deep.torrent", deep.bytes)
        self.write("t/sub/hidden.torrent", hidden.bytes)
        os.symlink(self.path("n"), self.path("n/x/loop"))
        self.begin()
        self.assertFalse(self.served(hidden.v1))
        self.start("--allowed_dir", self.path("n"))
        self.assertTrue(self.served(deep.v1))

    def test_names_doubles_and_damaged_files_once(self):
        self.write("t/double.torrent", self.a.bytes)
        self.write("t/broken.torrent", b"d4:info")
        self.begin()
        self.write("t/c.torrent", Torrent("c").bytes)
        wait_until(lambda: self.served(Torrent("c").v1), "a new torrent")
        err = self.err()
        self.assertEqual(len(re.findall(r"double\.torrent' is the same torrent as '.*/a\.torrent'", err)), 1, err)
        self.assertEqual(err.count("broken.torrent': "), 1, err)
        os.remove(self.path("t/a.torrent"))
        wait_until(lambda: "4 torrents in" not in self.err().splitlines()[-1] and "3 torrents in 4 files" in self.err(),
                   "the directory to be read")
        self.assertTrue(self.served(self.a.v1))  # the double's turn has come

    def test_obeys_what_torrents_say_where_that_is_allowed(self):
        said = Torrent("said", failure_reason=b"gone for good")
        warned = Torrent("warned", warning_message=b"there is a newer one")
        self.write("t/said.torrent", said.bytes)
        self.write("t/warned.torrent", warned.bytes)
        self.begin("--allowed_controls", "1")
        self.assertEqual(self.announce(said.v1), (200, {b"failure reason": b"gone for good"}))
        self.assertEqual(self.announce(warned.v1)[1][b"warning message"], b"there is a newer one")
        self.begin()
        self.assertTrue(self.served(said.v1))
        self.assertNotIn(b"warning message", self.announce(warned.v1)[1])

    def test_knows_torrents_of_every_version(self):
        v2, hybrid = Torrent("two", "v2"), Torrent("both", "hybrid")
        self.write("t/v2.torrent", v2.bytes)
        self.write("t/hybrid.torrent", hybrid.bytes)
        self.begin()
        for info_hash, name in ((v2.v2, b"two"), (hybrid.v1, b"both"), (hybrid.v2, b"both")):
            self.assertTrue(self.served(info_hash))
            self.assertEqual(self.scrape(info_hash)[1][b"files"][info_hash][b"name"], name)

    def test_is_served_where_that_is_allowed(self):
        self.begin("--allow_get", "1")
        for named in (urllib.parse.quote(self.a.v1), self.a.v1.hex(), self.a.v1.hex().upper()):
            status, head, body = self.get("/file?info_hash=" + named)
            self.assertEqual((status, body), (200, self.a.bytes))
            self.assertIn("Content-Type: application/x-bittorrent", head)
            self.assertIn('Content-Disposition: attachment; filename="a.torrent"', head)
        self.assertEqual(self.get("/file?info_hash=" + HASH.hex())[0], 404)
        self.assertIn(f'<a class="name" href="/file?info_hash={self.a.v1.hex()}">a</a>', self.page())


class Pages(Case):
    def test_show_names_sizes_counts_and_sums(self):
        t = [Torrent(name) for name in ("zebra", "b <script>alert(1)", "Ärger")]
        for i, torrent in enumerate(t):
            self.write(f"t/{i}.torrent", torrent.bytes)
        self.start("--allowed_dir", self.path("t"))
        self.announce(t[0].v1, 1, left=1)
        self.announce(t[0].v1, 1, left=0, event="completed")
        self.announce(t[0].v1, 2)
        page = self.page()
        self.assertIn("<title>BitTorrent download info</title>", page)
        self.assertNotIn("<script", page)
        rows = [re.sub("<[^>]*>", " ", row).split() for row in re.findall("<tr>.*</tr>", page)]
        size = "5\u202fB"
        self.assertEqual(rows[1:4], [["b", "&lt;script&gt;alert(1)", t[1].v1.hex(), *size.split(), "0", "0", "0",
                                      *"0\u202fB".split()],
                                     ["zebra", t[0].v1.hex(), *size.split(), "1", "1", "1", *size.split()],
                                     ["Ärger", t[2].v1.hex(), *size.split(), "0", "0", "0", *"0\u202fB".split()]])
        self.assertEqual(rows[4], ["3", "files", *"15\u202fB".split(), "1", "1", "1", *size.split()])
        self.start("--allowed_dir", self.path("t"), "--show_names", "0")
        self.assertNotIn("zebra", self.page())
        self.assertIn(t[0].v1.hex(), self.page())

    def test_of_a_tracker_without_torrents_say_so(self):
        self.start()
        self.assertIn("not tracking any files yet...", self.page())

    def test_are_compressed_for_those_who_ask(self):
        self.start()
        _, head, body = self.get("/", "Accept-Encoding: gzip")
        self.assertIn("Content-Encoding: gzip", head)
        self.assertIn(b"BitTorrent download info", gzip.decompress(body))
        wait_until(lambda: " gzip - [" in self.log(), "the log")

    def test_are_there_or_lead_elsewhere_as_set(self):
        for more in ((), ("--infopage_redirect", "http://a.example/")):
            self.start("--show_infopage", "0", *more)
            self.assertEqual(self.get("/")[0], 404)
        self.start("--infopage_redirect", "http://a.example/?x=1&y=2")
        status, head, body = self.get("/index.html")
        self.assertEqual(status, 302)
        self.assertIn("Location: http://a.example/?x=1&y=2\r\n", head + "\r\n")
        self.assertIn(b"Click Here", body)

    def test_have_an_icon(self):
        self.start()
        self.assertEqual(self.get("/favicon.ico")[0], 404)
        self.start("--favicon", self.write("icon", b"\0icon"))
        self.assertEqual(self.get("/favicon.ico")[::2], (200, b"\0icon"))


class Log(Case):
    LINE = (r'127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\] "GET /scrape HTTP/1\.1" 200 11 '
            r'"http://a\.example/\\"x\\"" "a client"')

    def test_has_a_line_for_each_request(self):
        self.start()
        self.get("/scrape", 'Referer: http://a.example/"x"', "User-Agent: a client")
        self.get("/elsewhere")
        lines = wait_until(lambda: [line for line in self.log().splitlines() if line] if self.log().count("\n") == 3 else None,
                           "two requests")
        self.assertRegex(lines[0], r"^# Log Started:  \d{4}-\d\d-\d\d \d\d:\d\d UTC$")
        self.assertRegex(lines[1], f"^{self.LINE}$")
        self.assertRegex(lines[2], r'"GET /elsewhere HTTP/1\.1" 404 65 "-" "-"$')
        self.assertEqual(self.daemon.stop(signal.SIGINT)[0], 0)
        self.assertRegex(self.log().splitlines()[-1], "^# Shutting down:  ")

    def test_goes_to_standard_output_without_a_file(self):
        for options in ([], ["--logfile", "-"]):
            daemon = Daemon("--dialect", "bttrack", "--dfile", self.path("state"), "--port", "0", "--bind", "127.0.0.1", *options,
                            "--", "--log-level", "error", listeners=2)
            self.addCleanup(daemon.__exit__, None)
            self.daemon = daemon
            self.get("/scrape")
            daemon.process.send_signal(signal.SIGTERM)
            out, _ = daemon.process.communicate(timeout=TIMEOUT)
            self.assertRegex(out.decode(), r'"GET /scrape HTTP/1\.1" 200')

    def test_waits_as_set_before_it_is_written(self):
        self.start("--min_time_between_log_flushes", "3600")
        self.get("/scrape")
        self.assertNotIn("scrape", self.log())
        self.daemon.stop()
        self.assertIn("scrape", self.log())

    def test_is_opened_again_on_sighup_where_that_is_set(self):
        for monitor in (1, 0):
            self.start("--hupmonitor", str(monitor))
            os.rename(self.path("log"), self.path("old"))
            self.daemon.process.send_signal(signal.SIGHUP)
            if monitor:
                wait_until(lambda: os.path.exists(self.path("log")) and "# Log reopened:  " in self.log(), "a new log")
            self.get("/elsewhere")
            name = "log" if monitor else "old"
            wait_until(lambda: "/elsewhere" in pathlib.Path(self.path(name)).read_text(), "the line")
            self.daemon.stop()
            self.assertEqual(os.path.exists(self.path("log")), monitor == 1)


    def test_that_cannot_be_written_is_said_once(self):
        self.start("--logfile", "/dev/full")
        for _ in range(5):
            self.assertEqual(self.announce()[0], 200)
        wait_until(lambda: "access-log" in self.err(), "a warning")
        self.assertEqual(self.daemon.stop(signal.SIGINT)[0], 0)
        self.assertEqual(self.err().count("warning: access-log: cannot write '/dev/full': No space left on device\n"), 1)


class State(Case):
    def test_of_a_bttrack_is_taken_over_and_kept_beside(self):
        peer = {"ip": "192.0.2.7", "port": 7000, "left": 0, "nat": 0, "supportcrypto": 0, "requirecrypto": 0}
        old = bencode({"completed": {HASH: 41}, "peers": {HASH: {PEER % 7: peer}}})
        self.write("state", old)
        self.start(state="state")
        self.assertEqual(self.announce()[1][b"peers"], b"\xc0\0\2\7" + (7000).to_bytes(2, "big"))
        self.assertEqual(self.scrape(HASH)[1][b"files"][HASH], {b"complete": 1, b"downloaded": 41, b"incomplete": 1})
        self.assertEqual(self.daemon.stop(signal.SIGINT)[0], 0)
        self.assertEqual(pathlib.Path(self.path("state.bttrack.1")).read_bytes(), old)
        self.start(state="state")
        self.assertEqual(self.scrape(HASH)[1][b"files"][HASH], {b"complete": 1, b"downloaded": 41, b"incomplete": 1})

    def test_goes_to_muster_and_back_and_nothing_is_lost(self):
        plain = {"ip": "192.0.2.7", "port": 7000, "left": 0, "nat": 0, "supportcrypto": 0, "requirecrypto": 0}
        peers = {PEER % 1: plain,
                 PEER % 2: {**plain, "left": 123456, "nat": 2, "supportcrypto": 1, "requirecrypto": 1, "key": "a key",
                            "given ip": "198.51.100.9"},
                 PEER % 3: {**plain, "port": 0, "left": 5, "nat": 1 << 30},
                 PEER % 4: {**plain, "ip": "2001:db8::7", "left": 5, "supportcrypto": 1},
                 PEER % 5: {k: v for k, v in plain.items() if k != "nat"}}
        old = bencode({"completed": {HASH: 41, bytes(20): 7}, "peers": {HASH: peers}})
        self.write("state", old)
        for form in ("muster", "bttrack", "muster", "bttrack"):
            self.start(state="state", own=("--dfile-format", form))
            self.assertEqual(self.scrape(HASH)[1][b"files"][HASH], {b"complete": 2, b"downloaded": 41, b"incomplete": 3})
            self.assertEqual(self.daemon.stop(signal.SIGINT)[0], 0)
        self.assertEqual(bdecode(pathlib.Path(self.path("state")).read_bytes()), bdecode(old))

    def test_has_what_announces_say(self):
        self.start("--nat_check", "0", state="state", own=("--dfile-format", "bttrack"))
        self.announce(peer=1, left=77, key="a key", supportcrypto=1, ip="198.51.100.9")
        self.announce(peer=2, left=0, requirecrypto=1)
        self.assertEqual(self.daemon.stop(signal.SIGINT)[0], 0)
        first = {b"ip": b"127.0.0.1", b"port": 6001, b"left": 77, b"nat": 0, b"supportcrypto": 1, b"requirecrypto": 0,
                 b"key": b"a key", b"given ip": b"198.51.100.9"}
        second = {b"ip": b"127.0.0.1", b"port": 6002, b"left": 0, b"nat": 0, b"supportcrypto": 0, b"requirecrypto": 0}
        self.assertEqual(bdecode(pathlib.Path(self.path("state")).read_bytes())[b"peers"],
                         {HASH: {PEER % 1: first, PEER % 2: second}})

    def test_says_that_peers_are_reachable_where_nobody_checks(self):
        stranger = "X-Forwarded-For: 203.0.113.5"  # who announces from here is reachable in any case
        self.start("--nat_check", "0", state="state", own=("--dfile-format", "bttrack", "--trusted-proxy", "127.0.0.1"))
        self.announce(HASH, 1, stranger, left=77)
        self.announce(HASH, 2, stranger, port=0)
        self.assertEqual(self.daemon.stop(signal.SIGINT)[0], 0)
        plain = {b"ip": b"203.0.113.5", b"supportcrypto": 0, b"requirecrypto": 0}
        self.assertEqual(bdecode(pathlib.Path(self.path("state")).read_bytes())[b"peers"][HASH],
                         {PEER % 1: {**plain, b"port": 6001, b"left": 77, b"nat": 0},
                          PEER % 2: {**plain, b"port": 0, b"left": 1, b"nat": 1 << 30}})


if __name__ == "__main__":
    unittest.main()
