# SPDX-License-Identifier: Apache-2.0
"""muster-dfile as its user meets it. The states are built here, by the tests' own bencoder, to bttrack's format.

dfile_test.py MUSTER-DFILE [unittest options]
"""
import json
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from tracker_client import bdecode, bencode  # noqa: E402

DFILE = sys.argv.pop(1)
TIMEOUT = 60
SANITIZED = os.environ.get("MUSTER_SANITIZED") == "1"
WRITTEN = 1_700_000_000


def peer(ip, port, left, **more):
    return {"ip": ip, "port": port, "left": left, "requirecrypto": 0, "supportcrypto": 1, **more}


def name(letter):
    """An info hash or a peer id."""
    return letter.encode() * 20


def hexname(letter):
    return name(letter).hex()


def example():
    """Every key that bttrack writes."""
    return {
        "allowed": {name("a"): {"announce-list": [["http://t/announce"]], "file": "a.torrent", "length": 5, "name": "a",
                                "numfiles": 1, "path": "/srv/a.torrent", "type": "torrent"}},
        "allowed_dir_files": {"/srv/a.torrent": [[1700000000, 99], name("a")], "/srv/bad.torrent": [[1700000001, 9], 0]},
        "completed": {name("a"): 7, name("b"): 0, name("c"): 3, name("d"): -1},
        "peers": {
            name("a"): {
                b"-TR3000-aaaaaaaaaaaa": peer("192.0.2.1", 6881, 0, nat=0),
                b"-qB4500-bbbbbbbbbbbb": peer("2001:db8::1", 6882, 77, nat=3, key="sesame", **{"given ip": "10.1.1.1"}),
                name("C"): peer("192.0.2.3", 0, 9, nat=1 << 30),
            },
            name("b"): {name("D"): peer("::ffff:192.0.2.4", 65535, 1)},
            name("c"): {},
        },
    }


class Test(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="muster-dfile-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, file):
        return os.path.join(self.folder, file)

    def state(self, value, file="state", age=0):
        """A file with this content, last changed `age` seconds before WRITTEN."""
        path = self.path(file)
        with open(path, "wb") as f:
            f.write(value if isinstance(value, bytes) else bencode(value))
        os.utime(path, (WRITTEN - age, WRITTEN - age))
        return path

    def content(self, file):
        with open(self.path(file), "rb") as f:
            return f.read()

    def run_tool(self, *args, status=0, **kwargs):
        """Its standard output, as bytes."""
        result = subprocess.run([DFILE, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, **kwargs)
        self.err = result.stderr.decode()
        self.assertEqual(result.returncode, status, self.err)
        return result.stdout

    def text(self, *args, **kwargs):
        return self.run_tool(*args, **kwargs).decode()

    def rows(self, *args, **kwargs):
        return [json.loads(line) for line in self.text("list", "--json", *args, **kwargs).splitlines()]

    def hashes(self, *args):
        return "".join(bytes.fromhex(row["info_hash"])[:1].decode() for row in self.rows(*args))

    def assertComplains(self, status, pattern, *args, **kwargs):
        out = self.run_tool(*args, status=status, **kwargs)
        self.assertEqual(out, b"")
        self.assertRegex(self.err, r"\Amuster-dfile: [^\n]*\n\Z")
        self.assertRegex(self.err, pattern)


class Show(Test):
    def test_tells_what_is_in_a_state(self):
        text = self.text("show", self.state(example()))
        for line in (r"format +bttrack", r"written +2023-11-14 22:13:20 UTC \(\d+d ago\)", r"torrents +4 \(2 with peers\)",
                     r"peers +4 \(3 IPv4, 1 IPv6\)", r"seeders +1\n", r"downloaders +3\n", r"completed +10\n",
                     r"with peer ids +4\n", r"also says +allowed, allowed_dir_files\n", r" 3 +1 +7  " + hexname("a")):
            self.assertRegex(text, line)

    def test_tells_the_same_as_json(self):
        shown = json.loads(self.text("show", "--json", "--top", "1", self.state(example())))
        self.assertEqual(shown["largest"], [{"info_hash": hexname("a"), "peers": 3}])
        self.assertEqual((shown["torrents"], shown["peers"], shown["ipv6_peers"], shown["completed"], shown["written"]),
                         (4, 4, 1, 10, WRITTEN))

    def test_reads_standard_input(self):
        for args in (["show", "-"], ["list", "-"], ["check", "-"], ["plot", "-"]):
            self.assertTrue(self.run_tool(*args, input=bencode(example())))

    def test_knows_an_opentracker_dump(self):
        dump = f"{hexname('b')}:28333333:4\n{hexname('a')}:28333332:5\n".encode()
        text = self.text("show", self.state(dump))
        self.assertRegex(text, r"format +opentracker\n")
        self.assertRegex(text, r"completed +9\n")

    def test_knows_an_opentracker_dump_that_begins_with_another_line(self):
        state = self.state(f"# yesterday's\n{hexname('b')}:28333333:4\n".encode())
        self.assertRegex(self.text("show", state, status=1), r"format +opentracker\n(.|\n)*completed +4\n")

    def test_shows_what_can_be_read_of_a_damaged_state_and_fails(self):
        text = self.text("show", self.state(bencode(example())[:-100]), status=1)
        self.assertRegex(text, r"torrents +4 ")
        self.assertRegex(self.err, r"state: byte \d+: a string that goes on after the end")


class List(Test):
    def test_filters_torrents(self):
        state = self.state(example())
        self.assertEqual(self.hashes(state), "abcd")
        self.assertEqual(self.hashes("--hash", "616", state), "a")
        self.assertEqual(self.hashes("--min-peers", "1", state), "ab")
        self.assertEqual(self.hashes("--max-peers", "1", state), "bcd")
        self.assertEqual(self.hashes("--client", "-TR", state), "a")
        self.assertEqual(self.hashes("--client=DD", state), "b")
        self.assertEqual(self.hashes("--max-age", "1h", state), "ab")
        self.assertEqual(self.hashes("--min-age", "1h", state), "")

    def test_takes_what_was_seen_after_the_states_time_for_new(self):
        late = self.state(f"{hexname('a')}:{WRITTEN // 60 + 60}:5\n".encode())
        self.assertEqual(self.hashes("--max-age", "1h", late), "a")
        self.assertEqual(self.hashes("--min-age", "1", late), "")

    def test_sorts_and_limits(self):
        state = self.state(example())
        self.assertEqual(self.hashes("--sort", "peers", state), "abcd")
        self.assertEqual(self.hashes("--sort", "peers", "--reverse", "--limit", "2", state), "cd")
        self.assertEqual(self.hashes("--sort", "completed", state), "acbd")
        self.assertEqual(self.hashes("--sort", "seeders", "--limit", "1", state), "a")
        self.assertEqual(self.hashes("--reverse", state), "dcba")
        self.assertEqual(self.hashes("--reverse", "--limit", "3", state), "dcb")
        self.assertEqual(self.hashes("--limit", "2", state), "ab")

    def test_sorts_peers_by_client(self):
        self.run_tool("convert", "--to", "muster", "-o", self.path("m"), self.state(example()))
        for state in (self.path("state"), self.path("m")):
            clients = [row.get("client") for row in self.rows("--peers", "--sort", "client", state)]
            self.assertEqual(clients, ["-TR3000-", "-qB4500-", "CCCCCCCC", "DDDDDDDD"])
            self.assertEqual([row.get("client") for row in self.rows("--peers", "--sort", "client", "--reverse", state)], clients[::-1])
        self.assertComplains(2, "only peers are sorted by client", "list", "--sort", "client", state)

    def test_sorts_more_rows_than_the_limit(self):
        counts = {b"%020d" % i: i * 7919 % 10007 for i in range(10000)}
        state = self.state({"completed": counts, "peers": {}})
        rows = self.rows("--sort", "completed", "--limit", "10", state)
        self.assertEqual([row["completed"] for row in rows], sorted(counts.values())[:-11:-1])

    def test_tells_all_of_a_peer(self):
        rows = {row["peer_id"]: row for row in self.rows("--peers", self.state(example()))}
        self.assertEqual(len(rows), 4)
        self.assertEqual(rows[b"-qB4500-bbbbbbbbbbbb".hex()],
                         {"info_hash": hexname("a"), "address": "2001:db8::1", "port": 6882, "state": "downloader",
                          "last_seen": WRITTEN, "peer_id": b"-qB4500-bbbbbbbbbbbb".hex(), "client": "-qB4500-", "left": 77,
                          "nat": 3, "supports_crypto": True, "requires_crypto": False, "key": "sesame",
                          "given_ip": "10.1.1.1"})
        self.assertEqual(len(self.rows("--peers", "--client", "-TR", self.path("state"))), 1)

    def test_prints_tables_and_csv(self):
        state = self.state(example())
        self.assertEqual(len(self.text("list", state).splitlines()), 5)
        csv = self.text("list", "--csv", state)
        self.assertEqual(csv.split("\r\n")[1], f"{hexname('a')},3,1,0,2,7,{WRITTEN}")
        csv = self.text("list", "--peers", "--csv", state).split("\r\n")
        self.assertEqual(len(csv), 6)
        self.assertEqual({line.count(",") for line in csv[:-1]}, {12})

    def test_shows_nothing_to_a_terminal_that_it_might_obey(self):
        value = {"peers": {name("a"): {b"\x1b[2J,\"" + name("x")[6:]: peer("192.0.2.1", 1, 1, key="\x1b")}}}
        for args in ([], ["--json"], ["--csv"]):
            out = self.run_tool("list", "--peers", *args, self.state(value))
            self.assertNotIn(b"\x1b", out)


class Check(Test):
    def test_passes_good_states(self):
        states = [self.state(example()), self.state({"completed": {}, "peers": {}}, "empty"), self.state({}, "none"),
                  self.state(example()["peers"], "old")]
        self.assertEqual(self.text("check", *states).count(": good, bttrack, "), 4)

    def test_lets_several_ids_be_at_one_endpoint(self):
        ids = {name("A"): peer("192.0.2.1", 1, 0, supportcrypto=0), name("B"): peer("192.0.2.1", 1, 0, supportcrypto=0),
               name("C"): peer("192.0.2.1", 1, 9, nat=0)}
        self.run_tool("convert", "--to", "muster", "-o", self.path("m"), self.state({"peers": {name("a"): ids}}))
        self.assertIn("good, muster, 1 torrents, 3 peers", self.text("check", self.path("m")))

    def test_finds_a_peer_that_is_there_twice(self):
        self.run_tool("convert", "--to", "muster", "-o", self.path("named"),
                      self.state({"peers": {name("a"): {name("A"): peer("192.0.2.1", 1, 9), name("B"): peer("192.0.2.2", 1, 9)}}}))
        changes = self.state(journal(1, [change("a", 1, SEEDER), change("a", 2, SEEDER)]), "changes")
        self.run_tool("convert", "-o", self.path("plain"), changes)
        for file, old, new, told in (("named", name("B"), name("A"), f"192.0.2.1:1 with the id {name('A').hex()} twice"),
                                     ("plain", b"\xc0\0\2\1\0\2", b"\xc0\0\2\1\0\1", "peer 192.0.2.1:1 twice")):
            self.assertIn(": good, ", self.text("check", self.path(file)))
            twice = self.state(replaced(self.content(file), old, new), "twice")
            self.assertRegex(self.text("check", twice, status=1), told)

    def test_tells_every_place_of_damage(self):
        data = bencode(example())
        data = data.replace(b"9:192.0.2.1", b"9:192.0.2.x").replace(b"5:port", b"5:pxrt")
        damaged = self.state(data)
        text = self.text("check", damaged, status=1)
        self.assertRegex(text, r"byte \d+: a peer's ip is no address")
        self.assertRegex(text, r"1 faults; 4 torrents, 3 peers can be read")

    def test_goes_on_with_the_next_file(self):
        text = self.text("check", self.path("none"), self.state(example()), status=1)
        self.assertIn("state: good", text)
        self.assertIn("cannot open", self.err)

    def test_finds_that_allowed_torrents_do_not_fit_their_files(self):
        value = example()
        value["allowed"][name("z")] = {"name": "z"}
        value["allowed_dir_files"]["/srv/y.torrent"] = [[1, 2], name("y")]
        value["allowed_dir_files"]["/srv/z.torrent"] = [[1, 2], name("a")]
        text = self.text("check", self.state(value), status=1)
        self.assertIn(f"allowed: torrent {hexname('z')} is not in allowed_dir_files", text)
        self.assertIn("the torrent of /srv/y.torrent is not in allowed", text)
        self.assertIn("/srv/z.torrent has the info hash of another file", text)

    def test_says_what_is_no_state(self):
        self.assertComplains(1, "state: it is empty", "check", self.state(b""))
        self.assertComplains(1, "state: it is no saved state", "check", self.state(b"d8:announce1:x4:infodee"))
        self.assertComplains(1, "cannot read .*: Is a directory", "check", self.folder)


class Convert(Test):
    def test_loses_nothing_on_the_way_through_musters_format_and_back(self):
        self.state(example())
        self.run_tool("convert", "--to", "muster", "-o", self.path("m"), self.path("state"))
        self.assertIn("good, muster, 4 torrents, 4 peers", self.text("check", self.path("m")))
        self.run_tool("convert", "--to", "bttrack", "-o", self.path("back"), self.path("m"))
        self.assertEqual(self.content("back"), bencode(example()))

    def test_writes_what_another_bencoder_reads(self):
        self.run_tool("convert", self.state(example()), "-o", self.path("out"))
        decoded = bdecode(self.content("out"))
        self.assertEqual(decoded[b"completed"], example()["completed"])
        self.assertEqual(decoded[b"peers"][name("a")][name("C")],
                         {b"ip": b"192.0.2.3", b"port": 0, b"left": 9, b"nat": 1 << 30, b"requirecrypto": 0,
                          b"supportcrypto": 1})

    def test_reads_an_opentracker_dump_in_any_order(self):
        dump = f"{hexname('b')}:28333333:4\n{hexname('a')}:28333332:5\n{hexname('b')}:28333330:9\n".encode()
        state = self.state(dump)
        for form in ("muster", "bttrack", "opentracker"):
            self.run_tool("convert", "--to", form, "-o", self.path(form), state)
        self.assertEqual(bdecode(self.content("bttrack"))[b"completed"], {name("a"): 5, name("b"): 9})
        self.assertEqual(self.content("opentracker").decode(),
                         f"{hexname('a')}:28333332:5\n{hexname('b')}:28333333:9\n")
        self.run_tool("convert", "--to", "opentracker", "-o", self.path("again"), self.path("muster"))
        self.assertEqual(self.content("again"), self.content("opentracker"))

    def test_goes_from_standard_input_to_standard_output(self):
        self.assertEqual(self.run_tool("convert", "-", "-o", "-", input=bencode(example())), bencode(example()))

    def test_never_overwrites_its_input(self):
        state = self.state(example())
        os.symlink(state, self.path("link"))
        os.link(state, self.path("hard"))
        for out in (state, self.path("link"), self.path("hard")):
            for command in (["convert"], ["repair"], ["merge"], ["edit", "--remove-peer", "192.0.2.1"]):
                self.assertComplains(1, "is what is read", *command, state, "-o", out, "--force")
        with open(state, "rb") as f:
            self.assertComplains(1, "is what is read", "convert", "-", "-o", state, "--force", stdin=f)
        self.assertComplains(1, "is what is read", "plot", state, "--svg", state, "--force")
        self.assertEqual(self.content("state"), bencode(example()))

    def test_overwrites_other_files_only_when_forced(self):
        state = self.state(example())
        self.state(b"precious", "other")
        self.assertComplains(1, "other exists; --force replaces it", "convert", state, "-o", self.path("other"))
        self.assertEqual(self.content("other"), b"precious")
        self.run_tool("convert", state, "-o", self.path("other"), "--force")
        self.assertEqual(self.content("other"), bencode(example()))

    def test_leaves_nothing_behind_when_it_fails(self):
        damaged = self.state(bencode(example())[:-50])
        self.state(b"precious", "other")
        self.assertComplains(1, "byte .*'repair' saves", "convert", damaged, "-o", self.path("other"), "--force")
        self.assertEqual(self.content("other"), b"precious")
        self.assertEqual(sorted(os.listdir(self.folder)), ["other", "state"])

    def test_says_when_there_is_no_room(self):
        state = self.state(example())
        with open("/dev/full", "wb") as full:
            result = subprocess.run([DFILE, "convert", state, "-o", "-"], stdout=full, stderr=subprocess.PIPE, timeout=TIMEOUT)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"cannot write standard output: No space left", result.stderr)
        self.assertComplains(1, "cannot create", "convert", state, "-o", self.path("no/such"))

    def test_sorts_a_dump_that_is_larger_than_its_memory(self):
        count = 600_000 if SANITIZED else 1_200_000
        with open(self.path("dump"), "wb") as f:
            for t in reversed(range(count)):
                f.write(b"%040x:28333333:%d\n" % (t, t % 7))
            f.write(b"%040x:28333335:9\n" % 5)
        # Some 40 MB; the lines are 62.
        limit = "" if SANITIZED else "ulimit -d 55000 && "
        subprocess.run(["sh", "-c", limit + 'exec "$@"', "sh", DFILE, "convert", "--to", "opentracker", "-o", self.path("out"),
                        self.path("dump")], check=True, timeout=TIMEOUT)
        with open(self.path("out"), "rb") as out:
            for t, line in enumerate(out):
                self.assertEqual(line, b"%040x:%d:%d\n" % (t, *((28333335, 9) if t == 5 else (28333333, t % 7))))
        self.assertEqual(t, count - 1)

    def test_lists_more_rows_than_its_memory_holds(self):
        count = 30_000 if SANITIZED else 500_000
        with open(self.path("dump"), "wb") as f:
            for t in range(count):
                f.write(b"%040x:28333333:%d\n" % (t, t * 7 % 1000))
        # Some 40 MB; the rows are twice as many. (How it is sorted in pieces, the dump above shows to sanitizers as well.)
        limit = "" if SANITIZED else "ulimit -d 90000 && "

        def rows(*options):
            with open(self.path("rows"), "wb") as out:
                subprocess.run(["sh", "-c", limit + 'exec "$@"', "sh", DFILE, "list", "--csv", "--sort", "completed", *options,
                                self.path("dump")], check=True, timeout=TIMEOUT, stdout=out)
            with open(self.path("rows"), "rb") as out:
                next(out)
                for line in out:
                    fields = line.split(b",")
                    yield int(fields[5]), int(fields[0], 16)

        # Every count is that of every thousandth torrent, the first of which is the one that gives it modulo 1000.
        first = {t * 7 % 1000: t for t in range(1000)}
        for options, counts, most in (((), range(999, -1, -1), count), (("--limit", str(count * 3 // 5)), range(999, -1, -1), count * 3 // 5),
                                      (("--reverse", "--limit", "5"), range(1000), 5)):
            listed = rows(*options)
            expected = ((n, t) for n in counts for t in range(first[n], count, 1000))
            number = 0
            for number, row in enumerate(listed, 1):
                self.assertEqual(row, next(expected))
            self.assertEqual(number, most)
        self.assertEqual(sorted(os.listdir(self.folder)), ["dump", "rows"])

    def test_needs_no_memory_for_what_is_larger(self):
        def big(f):
            f.write(b"d9:completedd")
            for t in range(100):
                f.write(bencode(b"%020d" % t) + b"i1e")
            f.write(b"e5:peersd")
            for t in range(100):
                f.write(bencode(b"%020d" % t) + b"d")
                for p in range(6000):
                    f.write(b"20:%020dd2:ip10:192.0.2.%d4:lefti%de3:nati0e4:porti%de13:requirecryptoi0e"
                            b"13:supportcryptoi0ee" % (p, 10 + p % 90, p % 3, p))
                f.write(b"e")
            f.write(b"ee")

        with open(self.path("big"), "wb") as f:
            big(f)
        size = os.path.getsize(self.path("big"))
        self.assertGreater(size, 60 << 20)
        for args in (["show"], ["check"], ["convert", "--to", "muster", "-o", self.path("m")]):
            process = subprocess.Popen([DFILE, *args, self.path("big")], stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0)
            if not SANITIZED:
                self.assertLess(usage.ru_maxrss << 10, size // 2, args)
        # Through the spool's file, which is not there afterwards.
        self.run_tool("convert", "--to", "bttrack", "-o", self.path("back"), self.path("m"))
        self.assertEqual(self.content("back"), self.content("big"))
        self.assertEqual(sorted(os.listdir(self.folder)), ["back", "big", "m"])


def crc32c(data):
    """The checksum of muster's own format."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def journal(sequence, *groups):
    """A journal's file; each group a list of changes."""
    def with_crc(data):
        return data + struct.pack(">I", crc32c(data))

    data = with_crc(b"\x89mustjl\n" + struct.pack(">HHQQ", 1, 0, sequence, WRITTEN))
    for number, changes in enumerate(groups):
        payload = b"".join(changes)
        data += with_crc(b"mBlk" + struct.pack(">BBHIIII", 3, 0, 0, number, len(payload), len(payload), crc32c(payload)))
        data += payload
    return data


def replaced(snapshot, old, new):
    """A snapshot with other bytes in its blocks, whose checksums are right."""
    data, at = snapshot[:32], 32
    while at < len(snapshot):
        head, at = snapshot[at:at + 28], at + 28
        kind, coding, _, number, stored = struct.unpack(">BBHII", head[4:16])
        payload, at = snapshot[at:at + stored], at + stored
        payload = (zlib.decompress(payload) if coding else payload).replace(old, new)
        head = b"mBlk" + struct.pack(">BBHIIII", kind, 0, 0, number, len(payload), len(payload), crc32c(payload))
        data += head + struct.pack(">I", crc32c(head)) + payload
    return data


SEEDER, DOWNLOADER, STOPPED = 0, 2, 3


def change(letter, port, state, completed=0, age=0):
    """A peer at 192.0.2.1 becomes this."""
    return struct.pack(">B20s4sHIQ", state, name(letter), bytes([192, 0, 2, 1]), port, completed, WRITTEN - age)


def named(letter, peer_id, port, state, side=b"de"):
    """The same of one that is known by its id."""
    begin = change(letter, port, state)
    return bytes([state | 16 | 64]) + begin[1:21] + bytes([192, 0, 2, 4]) + begin[25:] + name(peer_id) + struct.pack(">H", len(side)) + side


def removal(letter):
    return bytes([32]) + name(letter)


class Journals(Test):
    def setUp(self):
        super().setUp()
        # Sequence 0: no journal belongs to it but by its place.
        self.run_tool("convert", "--to", "muster", "-o", self.path("state"), self.state(example(), "dfile"))

    def journal(self, sequence, *groups):
        return self.state(journal(sequence, *groups), "state.journal.%d" % sequence)

    def test_are_read_with_their_snapshot(self):
        self.journal(1, [change("a", 6881, STOPPED, 9), change("e", 1, SEEDER, 4, age=60)], [change("e", 2, DOWNLOADER, 4)])
        self.journal(2, [removal("b"), change("e", 2, STOPPED, 5), change("f", 1, DOWNLOADER)])
        self.journal(10, [change("f", 1, STOPPED)])
        rows = {bytes.fromhex(row["info_hash"])[:1].decode(): row for row in self.rows(self.path("state"))}
        self.assertEqual({key: (row["peers"], row["seeders"], row["completed"]) for key, row in rows.items()},
                         {"a": (2, 0, 9), "c": (0, 0, 3), "d": (0, 0, 0), "e": (1, 1, 5)})
        self.assertEqual(self.hashes("--peers", "--min-age", "30", "--max-age", "90", self.path("state")), "e")
        text = self.text("show", self.path("state"))
        self.assertRegex(text, r"format +muster\n")
        for number, changes in ((1, 3), (2, 3), (10, 1)):
            self.assertRegex(text, r"journal +%s.journal.%d, .*, %d changes\n" % (self.path("state"), number, changes))
        shown = json.loads(self.text("show", "--json", self.path("state")))
        self.assertEqual([j["changes"] for j in shown["journals"]], [3, 3, 1])
        self.assertRegex(self.text("check", self.path("state")),
                         r"\A%s: good, muster, 4 torrents, 3 peers with 7 changes of journals\n\Z" % self.path("state"))

    def test_of_a_tracker_that_knows_ids_are_read_by_them(self):
        self.journal(1, [named("b", "E", 65535, DOWNLOADER), named("b", "F", 65535, DOWNLOADER), named("b", "E", 65535, STOPPED)],
                     [named("b", "G", 65535, SEEDER, b"d3:key6:sesamee")])
        ids = {bytes.fromhex(row["peer_id"]): row.get("key") for row in self.rows("--peers", "--hash", "62", self.path("state"))}
        self.assertEqual(ids, {name("D"): None, name("F"): None, name("G"): "sesame"})
        self.assertIn(": good, ", self.text("check", self.path("state")))
        self.run_tool("convert", "--to", "bttrack", "-o", self.path("b"), self.path("state"))
        self.assertEqual(set(bdecode(self.content("b"))["peers".encode()][name("b")]), set(ids))

    def test_go_into_every_state_that_is_made_of_it(self):
        self.journal(1, [change("e", 1, SEEDER, 4)])
        self.run_tool("convert", "--to", "bttrack", "-o", self.path("b"), self.path("state"))
        self.assertEqual(bdecode(self.content("b"))["completed".encode()][name("e")], 4)
        self.run_tool("diff", self.path("b"), self.path("state"))  # none, which is status 0
        # What is made has no journals of its own.
        self.run_tool("repair", "-o", self.path("r"), self.path("state"))
        self.assertIn("e", self.hashes(self.path("r")))

    def test_are_read_alone(self):
        alone = self.journal(7, [change("e", 1, SEEDER, 4), change("d", 2, DOWNLOADER)])
        self.assertEqual(self.hashes(alone), "de")
        self.assertRegex(self.text("show", alone), r"(?s)format +journal\n.*journal +%s, .*2 changes\n" % alone)
        self.assertRegex(self.text("check", alone), "good, journal, 2 torrents, 2 peers")
        with open(alone, "rb") as file:
            self.assertRegex(self.text("show", "-", stdin=file), r"format +journal\n")
        # The tracker had not come to write its first snapshot.
        os.remove(self.path("state"))
        self.assertEqual(self.hashes(self.path("state")), "de")
        self.run_tool("convert", "-o", self.path("m"), self.path("state"))
        self.assertTrue(self.content("m").startswith(b"\x89muster\n"))
        self.assertComplains(2, "expected one of", "convert", "--to", "journal", "-o", "x", alone)

    def test_are_checked(self):
        groups = [change("e", 1, SEEDER)], [change("e", 2, SEEDER)], [change("e", 3, SEEDER)]
        path = self.journal(1, *groups)
        good = self.content("state.journal.1")
        with open(path, "wb") as file:  # as a crash leaves it
            file.write(good[:-1])
        text = self.text("check", self.path("state"))
        self.assertRegex(text, r"%s: the end is incomplete, and left out: block 2 at offset \d+ is cut off\n" % path)
        self.assertRegex(text, ": good, ")
        with open(path, "wb") as file:
            file.write(good[:70] + b"?" + good[71:])
        text = self.text("check", self.path("state"), status=1)
        self.assertRegex(text, r"%s: block 0 at offset 32 is damaged" % path)
        self.assertRegex(text, "1 faults; 5 torrents, 6 peers with 2 changes of journals can be read")
        self.assertEqual(self.text("check", path, status=1).count("damaged"), 1)
        self.state(b"nothing of the kind, but named like one and long enough", "state.journal.2")
        self.assertRegex(self.text("check", self.path("state"), status=1), r"state.journal.2: not a journal\n")
        os.remove(self.path("state.journal.2"))
        self.state(b"named otherwise, and longer than a header would be", "state.journal.2x")
        self.journal(1, *groups)
        self.assertRegex(self.text("check", self.path("state")), "with 3 changes")

    def test_that_say_what_cannot_be_are_damaged(self):
        mapped = bytes([8 | DOWNLOADER]) + name("e") + bytes(10) + b"\xff\xff\xc0\0\2\1" + struct.pack(">HIQ", 1, 0, WRITTEN)
        for wrong in (mapped, change("e", 1, SEEDER, age=WRITTEN - (1 << 62)), b"\x21" + name("e"), b"\x40" + name("e")):
            path = self.journal(1, [change("f", 1, SEEDER)], [wrong])
            self.assertRegex(self.text("check", self.path("state"), status=1), r"%s: block 1 at offset \d+ " % path)
            listed = self.text("list", "--json", self.path("state"), status=1).splitlines()
            self.assertEqual(json.loads(listed[-1])["info_hash"], hexname("f"))

    def test_that_a_snapshot_has_already_are_left_out(self):
        snapshot = bytearray(self.content("state"))
        snapshot[12:20] = struct.pack(">Q", 5)
        snapshot[28:32] = struct.pack(">I", crc32c(snapshot[:28]))
        self.state(bytes(snapshot))
        self.journal(4, [change("e", 1, SEEDER)])
        self.journal(5, [change("f", 1, SEEDER)])
        self.assertEqual(self.hashes(self.path("state")), "abcdf")


class Merge(Test):
    def test_joins_torrents_and_the_newest_peer_wins(self):
        old = {"completed": {name("a"): 5, name("b"): 1},
               "peers": {name("a"): {name("A"): peer("192.0.2.1", 1, 50), name("B"): peer("192.0.2.2", 1, 0)}}}
        new = {"completed": {name("a"): 3, name("c"): 2},
               "peers": {name("a"): {name("A"): peer("192.0.2.1", 1, 0), name("C"): peer("192.0.2.3", 1, 9)}}}
        old, new = self.state(old, "old", age=600), self.state(new, "new")
        for files in ((old, new), (new, old)):
            self.run_tool("merge", *files, "-o", self.path("out"), "--force")
            merged = bdecode(self.content("out"))
            self.assertEqual(merged[b"completed"], {name("a"): 5, name("b"): 1, name("c"): 2})
            self.assertEqual({k: v[b"left"] for k, v in merged[b"peers"][name("a")].items()},
                             {name("A"): 0, name("B"): 0, name("C"): 9})
        self.run_tool("merge", old, new, "-o", self.path("sum"), "--counts", "sum", "--to", "muster")
        self.assertEqual({row["info_hash"]: row["completed"] for row in self.rows(self.path("sum"))},
                         {hexname("a"): 8, hexname("b"): 1, hexname("c"): 2})
        ages = [row["last_seen"] for row in self.rows("--peers", self.path("sum"))]
        self.assertEqual(sorted(ages), [WRITTEN - 600, WRITTEN, WRITTEN])

    def test_takes_states_of_different_formats(self):
        self.state(f"{hexname('a')}:28333333:40\n".encode(), "dump")
        self.run_tool("merge", self.state(example()), self.path("dump"), "-o", self.path("out"))
        merged = bdecode(self.content("out"))
        self.assertEqual(merged[b"completed"][name("a")], 40)
        self.assertEqual(merged[b"allowed"][name("a")][b"length"], 5)

    def test_keeps_all_ids_of_one_endpoint(self):
        first = self.state({"peers": {name("a"): {name("A"): peer("192.0.2.1", 1, 9), name("B"): peer("192.0.2.1", 1, 0)}}}, "1", age=9)
        second = self.state({"peers": {name("a"): {name("B"): peer("192.0.2.2", 2, 9), name("C"): peer("192.0.2.1", 1, 9)}}}, "2")
        for form in ("bttrack", "muster"):
            self.run_tool("merge", first, second, "--to", form, "-o", self.path(form))
            self.assertIn(": good, ", self.text("check", self.path(form)))
            self.assertEqual({bytes.fromhex(row["peer_id"]): row["address"] for row in self.rows("--peers", self.path(form))},
                             {name("A"): "192.0.2.1", name("B"): "192.0.2.2", name("C"): "192.0.2.1"})

    def test_knows_peers_by_endpoint_where_a_state_has_no_ids(self):
        ids = {name("A"): peer("192.0.2.1", 1, 9), name("B"): peer("192.0.2.1", 1, 9), name("C"): peer("192.0.2.1", 2, 9)}
        named = self.state({"peers": {name("a"): ids}}, "named", age=60)
        for age, left in ((0, [None, name("C").hex()]), (120, [name(c).hex() for c in "ABC"])):
            plain = self.state(journal(1, [change("a", 1, SEEDER, age=age)]), "plain")
            self.run_tool("merge", named, plain, "--to", "muster", "-o", self.path("out"), "--force")
            rows = self.rows("--peers", self.path("out"))
            self.assertCountEqual([row.get("peer_id") for row in rows], left)

    def test_joins_what_bttrack_allows(self):
        first, second = example(), example()
        for letter, to in (("x", "x"), ("y", "a")):
            second["allowed"][name(letter)] = {"name": letter}
            second["allowed_dir_files"]["/srv/%s.torrent" % to] = [[1, 2], name(letter)]
        second["allowed"][name("a")] = {"name": "another"}
        second["allowed_dir_files"]["/srv/moved.torrent"] = [[1, 2], name("a")]
        second["allowed_list"] = {name("l"): 1}
        first["allowed_list"] = {name("k"): 1}
        self.run_tool("merge", self.state(first, "1"), self.state(second, "2"), "-o", self.path("out"))
        merged = bdecode(self.content("out"))
        self.assertEqual(set(merged[b"allowed"]), {name("a"), name("x")})
        self.assertEqual(merged[b"allowed"][name("a")][b"length"], 5)
        self.assertEqual(set(merged[b"allowed_dir_files"]), {b"/srv/a.torrent", b"/srv/bad.torrent", b"/srv/x.torrent"})
        self.assertEqual(set(merged[b"allowed_list"]), {name("k"), name("l")})
        self.assertIn(": good, ", self.text("check", self.path("out")))

    def test_does_not_join_what_is_damaged(self):
        self.assertComplains(1, "byte", "merge", self.state(bencode(example())[:-30]), "-o", self.path("out"))
        self.assertFalse(os.path.exists(self.path("out")))


class Diff(Test):
    def test_finds_no_difference_between_a_state_and_itself(self):
        state = self.state(example())
        self.assertIn("torrents: 0 come, 0 gone, 0 changed", self.text("diff", state, state))

    def test_tells_what_came_went_and_changed(self):
        after = example()
        del after["completed"][name("c")], after["peers"][name("c")]
        after["peers"][name("e")] = {name("E"): peer("192.0.2.5", 1, 0)}
        after["peers"][name("a")][name("C")]["left"] = 0
        after["completed"][name("a")] = 8
        before, after = self.state(example()), self.state(after, "after")
        text = self.text("diff", "--peers", before, after, status=1)
        self.assertEqual(text.splitlines(), [
            f"~ {hexname('a')} completed 7 -> 8 peers +0 -0 ~1", "  ~ 192.0.2.3:0 seeder CCCCCCCC",
            f"- {hexname('c')} peers 0 completed 3",
            f"+ {hexname('e')} peers 1 completed 0", "  + 192.0.2.5:1 seeder EEEEEEEE",
            "torrents: 1 come, 1 gone, 1 changed; peers: 1 come, 0 gone, 1 changed"])
        rows = [json.loads(line) for line in self.text("diff", "--json", before, after, status=1).splitlines()]
        self.assertEqual([(row["torrent"], row["change"]) for row in rows],
                         [(hexname("a"), "changed"), (hexname("c"), "gone"), (hexname("e"), "come")])


    def test_tells_ids_at_one_endpoint_apart(self):
        two = {name("A"): peer("192.0.2.1", 1, 9), name("B"): peer("192.0.2.1", 1, 9)}
        before = self.state({"peers": {name("a"): two}}, "before")
        after = self.state({"peers": {name("a"): {name("B"): peer("192.0.2.1", 2, 9), name("C"): two[name("A")]}}}, "after")
        self.assertEqual(self.text("diff", "--peers", before, after, status=1).splitlines(), [
            f"~ {hexname('a')} peers +1 -1 ~1", "  - 192.0.2.1:1 downloader AAAAAAAA", "  ~ 192.0.2.1:2 downloader BBBBBBBB",
            "  + 192.0.2.1:1 downloader CCCCCCCC",
            "torrents: 0 come, 0 gone, 1 changed; peers: 1 come, 1 gone, 1 changed"])


class Repair(Test):
    def test_saves_what_can_be_read(self):
        data = bencode(example())
        damaged = self.state(data.replace(b"2:ip9:192.0.2.3", b"2:ix9:192.0.2.3"))
        self.run_tool("repair", damaged, "-o", self.path("out"))
        self.assertRegex(self.err, r"byte \d+: a peer without an ip")
        self.assertIn("saved 4 torrents, 3 peers; damaged in 1 places", self.err)
        expected = example()
        del expected["peers"][name("a")][name("C")]
        self.assertEqual(self.content("out"), bencode(expected))

    def test_saves_what_a_full_disk_left(self):
        data = bencode(example())
        for size in range(1, len(data), 7):
            damaged = self.state(data[:size])
            self.run_tool("repair", damaged, "--from", "bttrack", "-o", self.path("out"), "--force")
            self.text("check", self.path("out"))

    def test_saves_what_is_left_of_musters_format(self):
        counts = {b"%020d" % i: i for i in range(50000)}
        state = self.state({"completed": counts, "peers": {}})
        self.run_tool("convert", "--to", "muster", "-o", self.path("m"), state)
        data = bytearray(self.content("m"))
        data[len(data) // 2] ^= 1
        self.state(bytes(data), "m")
        self.text("check", self.path("m"), status=1)
        self.run_tool("repair", self.path("m"), "-o", self.path("out"))
        self.text("check", self.path("out"))
        kept = len(self.rows(self.path("out")))
        self.assertTrue(0 < kept < 50000, kept)


class Edit(Test):
    def test_changes_into_a_new_file(self):
        self.run_tool("edit", self.state(example()), "-o", self.path("out"), "--remove-torrent", "6262",
                      "--remove-peer", "192.0.2.1", "--remove-peer", "[2001:db8::1]:6882",
                      "--set-completed", hexname("c") + "=99", "--set-completed", hexname("d") + "=0")
        self.assertIn("removed 1 torrents and 2 other peers, set 2 counts", self.err)
        decoded = bdecode(self.content("out"))
        self.assertEqual(decoded[b"completed"], {name("a"): 7, name("c"): 99, name("d"): 0})
        self.assertEqual(list(decoded[b"peers"][name("a")]), [name("C")])
        self.assertEqual(decoded[b"allowed_dir_files"], bdecode(bencode(example()))[b"allowed_dir_files"])

    def test_says_what_is_not_there(self):
        state = self.state(example())
        for args, what in ((["--remove-torrent", "ff"], "torrent ff"), (["--remove-peer", "192.0.2.99"], "peer 192.0.2.99"),
                           (["--set-completed", hexname("z") + "=1"], "torrent 7a7a")):
            self.assertComplains(1, "there is no " + what, "edit", state, "-o", self.path("out"), *args)
            self.assertFalse(os.path.exists(self.path("out")))


class Plot(Test):
    def test_draws_bars_in_text_and_svg(self):
        text = self.text("plot", self.state(example()), "--svg", self.path("svg"))
        self.assertRegex(text, r" 0 \|#+ 2\n +1 \|#+ 1\n +2 \| ?0\n +3-4 \|#+ 1\n")
        root = xml.etree.ElementTree.fromstring(self.content("svg"))
        self.assertTrue(root.tag.endswith("svg"))
        self.assertGreater(len(root.findall(".//{http://www.w3.org/2000/svg}rect")), 4)
        out = self.run_tool("plot", "--svg", "-", self.path("state"))
        self.assertEqual(out, self.content("svg"))

    def test_draws_an_empty_state(self):
        self.text("plot", self.state({}), "--svg", self.path("svg"))
        xml.etree.ElementTree.fromstring(self.content("svg"))


class CommandLine(Test):
    def test_mistakes_get_one_line_and_status_2(self):
        state = self.state(example())
        for args in ([], ["nonsense"], ["show"], ["show", state, state], ["convert", state, state, "-o", self.path("x")], ["list", state, "--sort", "luck"],
                     ["list", state, "--hash", "xyz"], ["list", state, "--max-age", "soon"], ["list", state, "--nonsense"],
                     ["list", state, "--json", "--csv"], ["list", state, "--peers", "--min-peers", "2"],
                     ["list", state, "--peers", "--sort", "peers"], ["convert", state], ["diff", state],
                     ["diff", state, state, state], ["list", state, "--limit", "-1"], ["list", state, "--sort", "3"],
                     ["convert", state, "-o", self.path("x"), "--to", "zip"], ["merge", "-", "-", "-o", self.path("x")],
                     ["edit", state, "-o", self.path("x"), "--set-completed", "6161=1"],
                     ["edit", state, "-o", self.path("x"), "--remove-peer", "example.com"],
                     ["merge", state, "-o", self.path("x"), "--counts", "mean"]):
            self.assertComplains(2, "muster-dfile: .", *args)

    def test_helps(self):
        self.assertIn("repair", self.text("--help"))
        self.assertIn("--remove-peer", self.text("edit", "--help"))
        self.assertRegex(self.text("--version"), r"^muster-dfile \d+\.\d+\.\d+\n$")

    def test_says_when_it_cannot_print(self):
        with open("/dev/full", "wb") as full:
            result = subprocess.run([DFILE, "list", self.state(example())], stdout=full, stderr=subprocess.PIPE, timeout=TIMEOUT)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, rb"^muster-dfile: cannot write to standard output: .*\n$")

    def test_shows_progress_to_a_person_only(self):
        # Standard error is no terminal here, however long it takes.
        with subprocess.Popen([DFILE, "show", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            process.stdin.write(bencode(example())[:-1])
            process.stdin.flush()
            out, err = process.communicate(b"e", timeout=TIMEOUT)
        self.assertEqual((process.returncode, err), (0, b""))
        self.assertIn(b"bttrack", out)

    def test_shows_progress_when_it_takes_longer_than_a_second(self):
        person, terminal = pty.openpty()
        self.addCleanup(os.close, person)
        with subprocess.Popen([DFILE, "show", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=terminal) as process:
            os.close(terminal)
            started = time.monotonic()
            process.stdin.write(b"d9:completedd")
            seen, number = b"", 0
            while not seen and time.monotonic() < started + TIMEOUT:
                process.stdin.write(bencode(b"%020d" % number) + b"i1e")
                process.stdin.flush()
                number += 1
                if select.select([person], [], [], 0.05)[0]:
                    seen = os.read(person, 1000)
            self.assertGreater(time.monotonic() - started, 1)
            process.communicate(b"e5:peersdee", timeout=TIMEOUT)
        self.assertEqual(process.returncode, 0)
        self.assertRegex(seen, rb"\A\rstandard input: \d+ bytes\x1b\[K\Z")


class ManPage(unittest.TestCase):
    def test_is_well_formed_and_has_every_option(self):
        if not shutil.which("man"):
            self.skipTest("no man here")
        page = os.path.join(os.path.dirname(__file__), "../../tools/muster-dfile/muster-dfile.1")
        result = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True, timeout=TIMEOUT,
                                env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100"})
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        commands = ["show", "list", "check", "convert", "merge", "diff", "repair", "edit", "plot"]
        for command in commands:
            text = subprocess.run([DFILE, command, "--help"], capture_output=True, text=True, timeout=TIMEOUT).stdout
            for word in text.replace(",", " ").split():
                if word.startswith("--") and word != "--help":
                    self.assertIn(word, result.stdout, command)


if __name__ == "__main__":
    unittest.main()
