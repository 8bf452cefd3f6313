# SPDX-License-Identifier: Apache-2.0
"""musterd in the place of opentracker: its options, its files, its exit statuses, and, where Debian's opentracker is
installed, the same refusals.

as_opentracker_test.py MUSTERD [unittest options]
"""
import contextlib
import gzip
import os
import pathlib
import pwd
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest
import urllib.parse
from xml.etree import ElementTree

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import access_test  # noqa: E402  (takes the program's path off the arguments)
from access_test import OTHER, REFUSED, V1, V2  # noqa: E402
from musterd_test import MUSTERD, TIMEOUT, Daemon, Test  # noqa: E402
from daemon import wait_until  # noqa: E402
from tracker_client import (  # noqa: E402
    UDP_MAGIC, Announce, HttpTracker, TrackerError, bdecode, compact_peers, tracker_at)

FILES = pathlib.Path(__file__).resolve().parent / "opentracker"
LOCAL = ["-i", "127.0.0.1", "-p", "0", "-P", "0"]


def accepts_connections(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), TIMEOUT).close()
        return True
    except OSError:
        return False


def run(*args, program=MUSTERD, **kwargs):
    return subprocess.run([program, "--dialect", "opentracker", *args], capture_output=True, text=True, timeout=TIMEOUT,
                          **kwargs)


class Dialect(access_test.AccessTest):
    def start(self, *options, listeners=2, **kwargs):
        kwargs = {"cwd": self.folder, "env": access_test.CONFINED, **kwargs}
        os.chmod(self.folder, 0o777)
        daemon = Daemon("--dialect", "opentracker", *options, listeners=listeners, **kwargs)
        self.addCleanup(daemon.__exit__, None)
        self.trackers = [(access_test.UdpTracker if u.startswith("udp") else HttpTracker)(u) for u in daemon.urls]
        for tracker in self.trackers:
            self.addCleanup(tracker.close)
        return daemon

    @staticmethod
    def get(port, target):
        """Status and body."""
        answer = access_test.http(("127.0.0.1", port), f"GET {target} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        head, body = answer.split(b"\r\n\r\n", 1)
        return int(head.split()[1]), body

    def conf(self, text, name="o.conf"):
        return self.file("listen.tcp_udp 127.0.0.1:0\n" + text, name)


class Options(Dialect):
    def test_bind_in_their_order(self):
        daemon = self.start("-i", "127.0.0.1", "-p", "0", "-i", "127.0.0.2", "-P", "0", "-p", "0", listeners=3)
        self.assertEqual([re.sub(r":\d+/", "/", url) for url in daemon.urls],
                         ["udp://127.0.0.2/announce", "http://127.0.0.1/announce", "http://127.0.0.2/announce"])
        self.assertServed(V1)

    def test_listen_on_any_address_and_on_one_of_them_together(self):
        with socket.create_server(("0.0.0.0", 0)) as s:
            port = s.getsockname()[1]
        daemon = self.start("-i", "0.0.0.0", "-p", str(port), "-P", str(port), "-i", "127.0.0.1", "-p", str(port),
                            "-f", self.file(f"listen.udp 127.0.0.1:{port}\n", "o.conf"), listeners=4)
        for host in ("127.0.0.1", "127.0.0.2"):
            self.assertTrue(accepts_connections(port, host))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(TIMEOUT)
                s.connect((host, port))  # so that an answer from elsewhere does not count
                s.send(struct.pack(">QII", UDP_MAGIC, 0, 7))
                self.assertEqual(s.recv(100)[:8], struct.pack(">II", 0, 7))
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                with socket.socket(socket.AF_INET, kind) as s, self.assertRaises(OSError):
                    s.bind((host, port))
            result = run("-i", host, "-P", str(port))
            self.assertEqual(result.returncode, 111)
        self.assertEqual(daemon.stop()[0], 0)

    def test_of_lists_are_in_force(self):
        self.start(*LOCAL, "-w", self.write("w", V1, V2))
        self.assertServed(V1, V2)
        self.assertRefused(OTHER)
        self.start(*LOCAL, "-b", self.write("b", V1))
        self.assertRefused(V1)
        self.assertServed(OTHER)

    def test_may_come_through_the_name_of_the_program(self):
        os.symlink(MUSTERD, self.path("opentracker"))
        result = subprocess.run([self.path("opentracker"), "-v"], capture_output=True, text=True, timeout=TIMEOUT)
        self.assertEqual((result.returncode, result.stdout), (0, ""))
        self.assertRegex(result.stderr, r"^musterd \d")
        os.symlink(MUSTERD, self.path("tracker"))
        result = subprocess.run([self.path("tracker"), "-v"], capture_output=True, text=True, timeout=TIMEOUT)
        self.assertEqual(result.returncode, 2)

    def statistics(self, daemon, mode):
        return self.get(daemon.address(1)[1], f"/stats?mode={mode}")[1]

    def test_load_a_state_dump(self):
        minute = int(time.time()) // 60 - 5
        self.file(f"{V1.hex()}:{minute}:7\nnonsense\n{OTHER.hex()}:{minute}:3\n", "dump")
        daemon = self.start(*LOCAL, "-b", self.write("b", OTHER), "-l", "dump", "-d", self.folder)
        row, = self.trackers[1].scrape([V1])
        self.assertEqual((row.complete, row.downloaded, row.incomplete), (0, 7, 0))
        # What the list refuses is not there; and it comes out as it went in.
        line = f"{V1.hex().upper()}:{minute}:7\n".encode()
        wait_until(lambda: OTHER.hex().upper().encode() not in self.statistics(daemon, "statedump"), "the list to be in force")
        self.assertIn(line, self.statistics(daemon, "statedump"))
        self.assertRegex(daemon.stop()[1], "warning: dump: line 2: expected INFO-HASH:MINUTE:COUNT")

    def test_load_a_state_dump_that_begins_with_another_line(self):
        minute = int(time.time()) // 60 - 5
        self.file(f"# {'comment ' * 40}\n{V1.hex()}:{minute}:7\n", "dump")
        daemon = self.start(*LOCAL, "-l", "dump", "-d", self.folder)
        row, = self.trackers[1].scrape([V1])
        self.assertEqual(row.downloaded, 7)
        self.assertRegex(daemon.stop()[1], "warning: dump: line 1: expected INFO-HASH:MINUTE:COUNT")

    def test_of_a_state_dump_that_is_not_there_are_a_warning(self):
        daemon = self.start(*LOCAL, "-l", "nowhere")
        self.assertServed(V1)
        self.assertRegex(daemon.stop()[1], "warning: cannot read 'nowhere': No such file")
        result = subprocess.run([MUSTERD, "--udp", "127.0.0.1:0", "--load-state", "nowhere"], capture_output=True, text=True,
                                timeout=TIMEOUT)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("cannot read 'nowhere'", result.stderr)

    def test_take_requests_as_loosely_as_the_original(self):
        daemon = self.start(*LOCAL)
        query = self.trackers[1].query(Announce(V1, 7000))
        without_id = re.sub("peer_id=[^&]*&", "", query)
        self.assertNotEqual(without_id, query)
        self.assertIn(b"8:complete", self.get(daemon.address(1)[1], f"/announce?{without_id}")[1])
        for path in ("/a", "/announce.php", "//abc", "/announce "):
            self.assertIn(b"8:complete", self.get(daemon.address(1)[1], f"{path}?{query}")[1])
        for version in "", " ", " HTTP/2.0", " nonsense":
            answer = access_test.http(daemon.address(1), f"GET /announce?{query}{version}\r\n\r\n")
            self.assertIn(b"8:complete", answer, version)

    def test_scrape_all_torrents_by_nothing_but_the_very_path(self):
        daemon = self.start(*LOCAL)
        self.trackers[1].announce(Announce(V1, 7000))
        one = "info_hash=" + "".join(f"%{byte:02x}" for byte in V1)
        for target, status in (("/scrape", 200), ("//scrape", 200), (f"/sc?{one}", 200), (f"/scrape?{one}", 200),
                               ("/sc", 400), ("/scrape?", 400), ("/scrape?foo=1", 400), ("/scrapes", 400), ("/scrape ?", 400)):
            answer = self.get(daemon.address(1)[1], target)
            self.assertEqual((answer[0], b"5:filesd20:" + V1 in answer[1]), (status, status == 200), target)

    def test_log_full_scrapes_unless_they_are_not_to(self):
        for options, said in ((), 1), (("--no-log-full-scrapes",), 0):
            daemon = self.start(*LOCAL, *options, "--log-level", "info")
            self.get(daemon.address(1)[1], "/scrape")
            self.get(daemon.address(1)[1], "/stats?mode=tpbs")
            err = daemon.stop()[1]
            self.assertEqual(err.count("musterd: [00000000] scrp:  127.0.0.1 - FULL SCRAPE\n"), said, err)

    def test_compress_full_scrapes_as_they_are_told(self):
        plain = b"5:filesd"
        for option, accepts, coding in ((), "gzip", b"gzip"), ("none", "gzip", None), ("gzip", "identity", b"gzip"):
            options = ("--full-scrape-compression", option) if option else ()
            daemon = self.start(*LOCAL, *options)
            self.trackers[1].announce(Announce(V1, 7000))
            for target in "/scrape", "/stats?mode=tpbs":
                answer = access_test.http(daemon.address(1), f"GET {target} HTTP/1.0\r\nAccept-Encoding: {accepts}\r\n\r\n")
                head, body = answer.split(b"\r\n\r\n", 1)
                self.assertEqual(re.findall(rb"\r\nContent-Encoding: (\w+)", head), [coding] if coding else [])
                self.assertIn(plain, gzip.decompress(body) if coding else body)

    def test_count_requests_that_make_no_sense_as_the_original(self):
        daemon = self.start(*LOCAL)
        port = daemon.address(1)[1]
        for target in "/announce?info_hash=x", "/announce?info_hash=%zz", "/scrape?info_hash=x", "/stats?mode=none":
            self.get(port, target)
        access_test.http(("127.0.0.1", port), "POST / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        access_test.http(("127.0.0.1", port), "what\r\n\r\n")
        self.get(port, "/nothing")
        query = self.trackers[1].query(Announce(V1, 7000))
        for no in "", "&compact=0":
            answer = self.get(port, "/announce?" + query.replace("&compact=1", no))[1]
            self.assertIn(b"only compact answers are given here" if no else b"8:complete", answer)
        self.assertEqual(self.get(port, "/stats?mode=herr")[1],
                         b"302 RED 0\n400 ... 2\n400 PAR 4\n400 COM 1\n403 IP  0\n404 INV 1\n500 SRV 0\n")

    def test_scrape_the_first_of_too_many_torrents(self):
        self.start(*LOCAL)
        self.trackers[1].announce(Announce(V1, 7000))
        others = [bytes([n]) * 20 for n in range(1, 102)]
        by_http = self.trackers[1].scrape([V1, *others])
        self.assertEqual([row.incomplete for row in by_http], [1] + 101 * [0])
        by_udp = self.trackers[0].scrape([V1, *others[:100]])
        self.assertEqual([row.incomplete for row in by_udp], [1] + 100 * [0])

    def test_give_udp_clients_that_do_not_say_as_many_peers_as_there_may_be(self):
        self.start(*LOCAL)
        udp, http = self.trackers
        for port in range(7000, 7220):
            udp.announce(Announce(V1, port, numwant=0))
        for numwant, by_udp in ((-1, 200), (-7, 200), (60, 60), (0, 0)):
            self.assertEqual(len(udp.announce(Announce(V1, 7000, numwant=numwant)).peers), by_udp)
        self.assertEqual(len(http.announce(Announce(V1, 7000)).peers), 50)

    def test_for_a_cluster_on_no_interface_are_warned_of(self):
        daemon = self.start("-i", "0.0.0.0", "-s", "9696", *LOCAL)
        self.assertServed(V1)
        self.assertRegex(daemon.stop()[1], "warning: -s: no interface .*; the option has no effect")

    def test_are_explained_on_standard_error(self):
        result = run("-h")
        self.assertEqual((result.returncode, result.stdout), (0, ""))
        for option in "fipPrduAbwlsvh":
            self.assertIn(f"  -{option} ", result.stderr)

    def test_that_make_no_sense_end_it_with_status_1(self):
        for args in (["-x"], ["-i", "nowhere"], ["-p", "none"], ["now"], ["-u"], ["-u", ""], ["--no-such"]):
            result = run(*args)
            self.assertEqual((result.returncode, result.stdout), (1, ""), args)
            self.assertIn("musterd: ", result.stderr.splitlines()[0] + " ")
            self.assertIn("Usage: opentracker", result.stderr)

    def test_that_cannot_be_followed_end_it_with_status_111(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            result = run("-i", "127.0.0.1", "-p", str(s.getsockname()[1]))
        self.assertEqual(result.returncode, 111)
        self.assertRegex(result.stderr, "musterd: .*127.0.0.1")

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_of_nobody_to_become_end_it_with_status_111(self):
        conf = self.file("tracker.user root\n", "o.conf")
        for args in (["-u", "root"], ["-f", conf], ["-u", "0"]):
            result = run(*LOCAL, *args)
            self.assertEqual((result.returncode, result.stdout), (111, ""), args)
            self.assertRegex(result.stderr, r"\Amusterd: user: .*\n\Z")

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_of_an_unknown_user_make_it_nobody_of_minus_2(self):
        conf = self.file("tracker.user no-such-user\n", "o.conf")
        for args in (["-u", "no-such-user"], ["-f", conf]):
            daemon = self.start(*LOCAL, *args)
            self.assertServed(V1)
            status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
            for ids in ("Uid", "Gid"):
                self.assertIn(f"\n{ids}:" + 4 * "\t4294967294" + "\n", status)
            self.assertRegex(status, r"(?m)^Groups:\s*$")
            self.assertRegex(daemon.stop()[1], "warning: .*there is no user 'no-such-user'; it becomes 4294967294")

    def test_of_other_dialects_are_unknown(self):
        result = subprocess.run([MUSTERD, "--dialect", "latin"], capture_output=True, text=True, timeout=TIMEOUT)
        self.assertEqual(result.returncode, 2)
        result = subprocess.run([MUSTERD, "--workers", "1", "--dialect", "opentracker"], capture_output=True, text=True,
                                timeout=TIMEOUT)
        self.assertEqual(result.returncode, 2)
        self.assertIn("--dialect must be the first option", result.stderr)

    def test_are_written_as_a_file_for_musterd(self):
        result = run("-i", "127.0.0.1", "-p", "80", "-A", "10.0.0.0/8", "-w", "white", "--print-config")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for line in ('http = ["127.0.0.1:80"]', "udp = []", 'trusted-proxy = ["10.0.0.0/8"]', 'whitelist = "white"',
                     'user = "nobody"', "require-lists = false"):
            self.assertIn(f"\n{line}\n", result.stdout)


    @unittest.skipUnless(os.geteuid() == 0 and not os.path.exists("/dev/log"), "the system's log cannot be played here")
    def test_may_want_a_line_of_syslog_for_each_finished_download(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
            log.settimeout(TIMEOUT)
            log.bind("/dev/log")
            self.addCleanup(os.unlink, "/dev/log")
            # It is connected before it is confined.
            self.start(*LOCAL, "-d", self.folder, "--syslog-completed")
            for event, left in (("started", 1), ("completed", 0), ("completed", 0)):
                self.trackers[0].announce(Announce(V1, 7000, event=event, left=left))
            self.trackers[1].announce(Announce(OTHER, 7001, event="completed", left=0))
            lines = [log.recv(1000).decode() for _ in range(2)]
        for line, info_hash in zip(lines, (V1, OTHER)):
            self.assertRegex(line, r"\A<14>.*musterd: time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} event=completed info_hash=%s "
                                   r"peer_id=([0-9A-F]{40}) ip=127\.0\.0\.1\Z" % info_hash.hex().upper())


class Files(Dialect):
    def test_with_every_key_start_it_unchanged(self):
        shutil.copy(FILES / "every_key.conf", self.folder)
        self.write("whitelist", V1)
        daemon = self.start("-f", "every_key.conf", listeners=4)
        self.assertServed(V1)
        self.assertRefused(OTHER)
        wait_until(lambda: os.path.exists(self.path("delete")), "the pipe")
        self.pipe("add", OTHER)
        self.untilServed(OTHER)
        self.pipe("delete", V1)
        self.untilRefused(V1)
        self.write("whitelist", V1)
        self.hang_up_until(daemon, "", V1)
        self.hang_up_until(daemon, REFUSED, OTHER)
        status, err = daemon.stop(signal.SIGINT)
        self.assertEqual(status, 0)
        self.assertIn("every_key.conf:15: batch sync", err)
        self.assertNotIn("every_key.conf:14", err)  # it has joined the cluster

    def test_of_the_package_start_it_unchanged(self):
        path = pathlib.Path("/etc/opentracker/opentracker.conf")
        conf = path if path.exists() else FILES / "packaged.conf"
        # The package makes the user and the folder; where it is not installed, others take their place.
        text = conf.read_text()
        if not path.exists():
            text = text.replace("/etc/opentracker", self.folder).replace("_opentracker", "nobody")
            self.write("whitelist.txt")
        else:
            try:
                pwd.getpwnam("_opentracker")
            except KeyError:
                text = text.replace("_opentracker", "nobody")
        daemon = self.start(*LOCAL, "-f", self.file(text, "o.conf"))
        self.assertRefused(V1)  # the packaged list is empty
        self.assertEqual(daemon.stop(signal.SIGINT)[0], 0)

    def test_that_are_missing_are_warned_of(self):
        daemon = self.start(*LOCAL, "-f", "none", "-w", "none.txt")
        self.assertRefused(V1)
        err = daemon.stop()[1]
        self.assertIn("musterd: warning: cannot read 'none'", err.replace("-f: ", ""))
        self.assertRegex(err, "warning: whitelist: cannot read 'none.txt'")

    def test_with_unknown_keys_are_warned_of(self):
        daemon = self.start("-f", self.conf("access.whitlist w\ntracker.user nobody\n"))
        self.assertServed(V1)
        self.assertIn("o.conf:2: unknown key 'access.whitlist'; did you mean 'access.whitelist'?", daemon.stop()[1])

    def test_that_name_a_list_in_a_line_without_sense_do_not_start_it(self):
        for line in ("access.whitelist", "access.blacklist  ", "access.fifo_add " + 600 * "x"):
            result = run("-f", self.conf(line + "\n"))
            self.assertEqual((result.returncode, result.stdout), (1, ""), line)
            self.assertRegex(result.stderr, r"\Amusterd: .*/o.conf:2: ")

    def test_that_are_far_too_large_do_not_start_it(self):
        result = run("-f", self.conf("# nothing\n" * 110_000))
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertRegex(result.stderr, r"\Amusterd: -f: '.*/o.conf' is longer than 1 MiB")

    def test_that_name_no_network_for_statistics_show_them_to_nobody(self):
        daemon = self.start("-f", self.conf("access.stats localhost\n"))
        self.assertEqual(self.get(daemon.address(1)[1], "/stats")[0], 403)
        self.assertServed(V1)
        self.assertIn("o.conf:2: access.stats: cannot understand 'localhost'; it shows the statistics to nobody",
                      daemon.stop()[1])

    def test_set_who_it_is_and_where(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become somebody else")
        self.write("w", V1)
        daemon = self.start("-f", self.conf(f"tracker.user 12345\ntracker.rootdir {self.folder}\naccess.whitelist w\n"))
        self.assertServed(V1)
        self.assertRefused(OTHER)
        self.assertIn("Uid:\t12345\t", pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text())
        self.assertEqual(os.readlink(f"/proc/{daemon.process.pid}/root"), os.path.realpath(self.folder))

    def test_limit_the_peers(self):
        self.start("-f", self.conf("tracker.max_peers 1\n"))
        for port in 7000, 7001:
            self.trackers[1].announce(Announce(V1, port))
        row, = self.trackers[1].scrape([V1])
        self.assertEqual(row.incomplete, 1)

    def test_set_who_is_a_proxy(self):
        daemon = self.start("-f", self.conf("access.proxy 127.0.0.1\n"))
        query = self.trackers[1].query(Announce(V1, 7000))
        access_test.http(daemon.address(1), f"GET /announce?{query} HTTP/1.1\r\nX-Forwarded-For: 198.51.100.7\r\n"
                                            "Connection: close\r\n\r\n")
        self.assertEqual(self.trackers[1].announce(Announce(V1, 7001)).peers, [("198.51.100.7", 7000)])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@unittest.skipUnless(shutil.which("opentracker"), "Debian's opentracker is not here to compare with")
class BesideOpentracker(Dialect):
    """Both are given the same list and the same announces; Debian builds opentracker with white lists."""

    def start_opentracker(self, *options):
        for _ in range(10):  # somebody may take the port before it does
            port = free_port()
            process = subprocess.Popen(["opentracker", "-i", "127.0.0.1", "-p", str(port), "-P", str(port), *options],
                                       cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            wait_until(lambda: process.poll() is not None or accepts_connections(port), "opentracker")
            if process.poll() is None:
                return process, port
        raise AssertionError("opentracker does not start")

    @staticmethod
    def http_announce(port, info_hash):
        query = HttpTracker.query(None, Announce(info_hash[:20], 6881, peer_id=b"-XX0001-000000000000"))
        status, body = Dialect.get(port, f"/announce?{query}")
        return status, bdecode(body)

    @staticmethod
    def udp_announce(port, info_hash):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(TIMEOUT)
            s.connect(("127.0.0.1", port))
            s.send(struct.pack(">QII", UDP_MAGIC, 0, 7))
            connection_id = s.recv(100)[8:16]
            s.send(connection_id + struct.pack(">II", 1, 8) + info_hash[:20] + b"-XX0001-000000000000" +
                   struct.pack(">QQQIIIiH", 0, 1, 0, 0, 0, 0, -1, 6881))
            answer = s.recv(2048)
            return struct.unpack(">II", answer[:8]), answer[8:]

    def test_refuses_with_the_same_words_and_serves_the_same(self):
        os.chmod(self.folder, 0o777)
        white = self.write("w", "# comment\n", V1, OTHER.hex() + " with a comment\n")
        _, theirs = self.start_opentracker("-d", self.folder, "-w", "w")
        daemon = self.start(*LOCAL, "-d", self.folder, "-w", "w")
        ours = {url.split(":")[0]: daemon.address(i)[1] for i, url in enumerate(daemon.urls)}
        # It reads its list in a thread.
        wait_until(lambda: b"failure reason" not in self.http_announce(theirs, V1)[1], "opentracker to read its list")
        self.assertTrue(os.path.exists(white))
        for info_hash in (V1, OTHER, V2, bytes(20)):
            their_status, their_answer = self.http_announce(theirs, info_hash)
            our_status, our_answer = self.http_announce(ours["http"], info_hash)
            self.assertEqual(our_status, their_status)
            self.assertEqual(our_answer.get(b"failure reason"), their_answer.get(b"failure reason"))
            served = info_hash in (V1, OTHER)
            self.assertEqual(b"failure reason" not in our_answer, served)
            (their_action, transaction), their_rest = self.udp_announce(theirs, info_hash)
            (our_action, our_transaction), our_rest = self.udp_announce(ours["udp"], info_hash)
            self.assertEqual(our_transaction, transaction)
            if served:
                self.assertEqual((our_action, their_action), (1, 1))
                self.assertEqual(our_rest[4:12], their_rest[4:12])  # leechers and seeds
            else:
                # Its refusal over UDP is an announce answer cut off after 8 bytes; ours says what is wrong.
                self.assertEqual((their_action, their_rest), (1, b""))
                self.assertEqual((our_action, our_rest.decode()), (3, REFUSED))

    @staticmethod
    def ask(port, protocol, source, announce):
        """What it answers: complete, incomplete, downloaded (None where it does not say), peers, interval."""
        with contextlib.closing(tracker_at(f"{protocol}://127.0.0.1:{port}/announce", source)) as tracker:
            if protocol == "udp":
                a = tracker.announce(announce)
                return a.complete, a.incomplete, None, a.peers, a.interval
            a = tracker.fetch(tracker.path, tracker.query(announce))
            # Where there is no peer to tell of, the original leaves the key out, which some clients do not bear.
            return (a[b"complete"], a[b"incomplete"], a.get(b"downloaded"), compact_peers(a.get(b"peers", b""), 6),
                    a[b"interval"])

    @staticmethod
    def random_announces(torrents):
        """Protocol, source and announce of several hundred, always the same."""
        # More than HTTP clients are given that do not say how many they want, but not more than UDP clients.
        for port in range(8000, 8060):
            yield "udp", "127.0.0.6", Announce(torrents[0], port, numwant=0)
        choose = random.Random(2024).choice
        for _ in range(600):
            # By both protocols and from several addresses, so that peers come back in another way and another state.
            yield (choose(("http", "udp")), f"127.0.0.{choose(range(1, 6))}",
                   Announce(choose(torrents), choose(range(7000, 7004)), left=choose((0, 0, 1, (1 << 40) + 1)),
                            event=choose(("", "", "started", "started", "completed", "stopped")),
                            numwant=choose((-1, -1, 0, 1, 7, 30, 50, 200, 1000))))

    def scrape_by_http(self, port, info_hashes):
        with contextlib.closing(HttpTracker(f"http://127.0.0.1:{port}/announce")) as tracker:
            query = "&".join("info_hash=" + urllib.parse.quote(h, safe="") for h in info_hashes)
            files = tracker.fetch("/scrape", query)[b"files"]
        # Ours says more of each (BEP 21).
        return {h: tuple(row[key] for key in (b"complete", b"downloaded", b"incomplete")) for h, row in files.items()}

    def scrape_by_udp(self, port, info_hashes):
        with contextlib.closing(access_test.UdpTracker(f"udp://127.0.0.1:{port}/announce")) as tracker:
            return tracker.scrape(info_hashes)

    def statistics(self, port, mode):
        return self.get(port, f"/stats?mode={mode}")[1].decode()

    def test_answers_the_same_to_the_same_announces(self):
        os.chmod(self.folder, 0o777)
        torrents = [bytes([0x11 * n]) * 20 for n in range(1, 11)]
        unknown = b"u" * 20  # listed, and nobody announces it
        self.write("w", *torrents, unknown)
        # Debian's shows statistics to those only that are blessed.
        options = ["-d", self.folder, "-w", "w", "-A", "127.0.0.1"]
        _, their_port = self.start_opentracker(*options)
        daemon = self.start(*LOCAL, *options)
        ours = {url.split(":")[0]: daemon.address(i)[1] for i, url in enumerate(daemon.urls)}
        theirs = {"http": their_port, "udp": their_port}
        # It reads its list in a thread. Who stops leaves nothing behind.
        gone = Announce(torrents[0], 6999, event="stopped")
        wait_until(lambda: self.listed(theirs["http"], gone), "opentracker to read its list")
        swarms = {info_hash: {} for info_hash in torrents}  # of each peer, whether it is a seed
        for number, (protocol, source, announce) in enumerate(self.random_announces(torrents)):
            with self.subTest(number=number, protocol=protocol, source=source, announce=announce):
                their = self.ask(theirs[protocol], protocol, source, announce)
                our = self.ask(ours[protocol], protocol, source, announce)
                asker, swarm = (source, announce.port), swarms[announce.info_hash]
                swarm.pop(asker, None)
                if announce.event != "stopped":
                    swarm[asker] = announce.left == 0
                self.assertEqual(our[:2], their[:2])
                self.assertEqual(our[0] + our[1], len(swarm))
                # The original has no such key in the answer to who stops; ours always has.
                if their[2] is not None:
                    self.assertEqual(our[2], their[2])
                our_peers, their_peers = set(our[3]), set(their[3])
                self.assertEqual((len(our_peers), len(their_peers)), (len(our[3]), len(their[3])))
                self.assertLessEqual(our_peers | their_peers, swarm.keys())
                # The original tells the asker of itself as well, and seeds of seeds, which helps nobody.
                useless = {peer for peer in swarm if peer == asker or announce.left == 0 and swarm[peer]}
                self.assertFalse(our_peers & useless)
                wanted = min(announce.numwant, 200) if announce.numwant >= 0 else 50 if protocol == "http" else 200
                if announce.event == "stopped" or len(swarm) <= wanted:
                    self.assertEqual(our_peers, their_peers - useless)
                else:
                    # Both choose by chance among more than were wanted.
                    self.assertEqual(len(our_peers), min(wanted, len(swarm.keys() - useless)))
                    self.assertEqual(len(their_peers), wanted)
                # Both draw it anew for each answer.
                for interval in (our[4], their[4]):
                    self.assertTrue(1800 - 180 <= interval <= 1800 + 180, interval)
        self.assertEqual(self.scrape_by_http(ours["http"], sorted([*torrents, unknown])),
                         self.scrape_by_http(theirs["http"], sorted([*torrents, unknown])))
        self.assertEqual(self.scrape_by_udp(ours["udp"], [unknown, *torrents]),
                         self.scrape_by_udp(theirs["udp"], [unknown, *torrents]))
        for mode, lines in (("peer", 3), ("torr", 3), ("completed", 1)):
            our, their = (self.statistics(port, mode).split("\n")[:lines] for port in (ours["http"], theirs["http"]))
            self.assertEqual(our, their, mode)
        our, their = (ElementTree.fromstring(self.statistics(port, "everything"))
                      for port in (ours["http"], theirs["http"]))
        for element in ("torrents/count_mutex", "torrents/count_iterator", "peers/count", "seeds/count",
                        "completed/count"):
            self.assertEqual(int(our.findtext(element)), int(their.findtext(element)), element)

    def listed(self, port, announce):
        try:
            return self.ask(port, "http", "127.0.0.1", announce) is not None
        except TrackerError:
            return False


# Those of access_test are run by its own name.
del Test


if __name__ == "__main__":
    unittest.main()
