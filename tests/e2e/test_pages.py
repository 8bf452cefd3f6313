#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Statistics, full scrapes and pages of a running musterd; where opentracker is installed, beside its own."""

import gzip
import http.client
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import unittest
import urllib.error
import urllib.request

from daemon import Musterd, wait_until

HASHES = [bytes([n] * 20) for n in (0x11, 0xaa, 0xbb)]


def get(base, path, headers=None):
    """Status, headers and body, of any status."""
    try:
        with urllib.request.urlopen(urllib.request.Request(base + path, headers=headers or {}), timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.headers, answer.read()


def announce(base, info_hash, port, left, event=""):
    quoted = "".join("%%%02x" % byte for byte in info_hash)
    status, _, body = get(base, "/announce?info_hash=%s&peer_id=%s&port=%d&left=%d&event=%s&uploaded=0&downloaded=0&compact=1"
                          % (quoted, "x" * 20, port, left, event))
    assert status == 200 and b"failure" not in body, body


def fill(base):
    """Six peers of three torrents, one download finished, one announce repeated."""
    for port in (1, 2, 3):
        announce(base, HASHES[1], port, left=port % 2)
    announce(base, HASHES[2], 4, left=0, event="completed")
    announce(base, HASHES[2], 4, left=0)
    announce(base, HASHES[0], 5, left=7)
    announce(base, HASHES[0], 6, left=7)


class Pages(unittest.TestCase):
    def start(self, *options):
        server = Musterd("--workers", "2", *options, listeners=[("http", "127.0.0.1:0"), ("udp", "127.0.0.1:0")])
        self.addCleanup(server.kill)
        return server, "http://%s:%d" % server.address("http", 4)

    def test_a_full_scrape_is_the_same_in_every_coding(self):
        _, base = self.start()
        fill(base)
        status, headers, plain = get(base, "/scrape")
        self.assertEqual(status, 200)
        self.assertEqual(headers["Transfer-Encoding"], "chunked")
        entries = [(HASHES[0], 0, 0, 2), (HASHES[1], 1, 0, 2), (HASHES[2], 1, 1, 0)]
        self.assertEqual(plain, b"d5:filesd" + b"".join(
            b"20:%sd8:completei%de10:downloadedi%de10:incompletei%dee" % entry for entry in entries) + b"ee")
        status, headers, coded = get(base, "/scrape", {"Accept-Encoding": "gzip"})
        self.assertEqual(headers["Content-Encoding"], "gzip")
        self.assertEqual(gzip.decompress(coded), plain)

    def test_a_connection_goes_on_after_a_full_scrape(self):
        server, base = self.start()
        fill(base)
        connection = http.client.HTTPConnection(*server.address("http", 4), timeout=20)
        first = None
        for _ in range(3):
            connection.request("GET", "/scrape")
            answer = connection.getresponse()
            body = answer.read()
            first = first or body
            self.assertEqual(body, first)
            connection.request("HEAD", "/scrape")
            self.assertEqual(connection.getresponse().read(), b"")
        connection.close()

    def test_scrapes_are_right_while_announces_go_on(self):
        _, base = self.start("--http-max-streams", "8")
        for n in range(3000):
            announce(base, struct.pack(">I", n * 1_000_003 % 2**32) * 5, 1, left=1)
        stop = threading.Event()

        def churn():
            n = 0
            while not stop.is_set():
                announce(base, b"\x7f" * 19 + bytes([n % 251]), 2, left=1, event="stopped" if n % 3 == 0 else "")
                n += 1
        churner = threading.Thread(target=churn)
        churner.start()
        try:
            entry = re.compile(rb"20:(.{20})d8:completei0e10:downloadedi0e10:incompletei1ee", re.DOTALL)
            for _ in range(30):
                body = get(base, "/scrape")[2]
                names = entry.findall(body)
                self.assertEqual(b"d5:filesd" + b"".join(m.group() for m in entry.finditer(body)) + b"ee", body)
                self.assertEqual(names, sorted(set(names)))
                self.assertEqual(sum(not name.startswith(b"\x7f" * 19) for name in names), 3000)
        finally:
            stop.set()
            churner.join()

    def test_settings_of_scrapes_are_heeded(self):
        _, base = self.start("--scrape", "specific")
        self.assertIn(b"not available", get(base, "/scrape")[2])
        _, base = self.start("--full-scrape-for", "192.0.2.0/24")
        self.assertIn(b"not available", get(base, "/scrape")[2])
        self.assertEqual(get(base, "/stats?mode=tpbs")[0], 403)
        _, base = self.start("--full-scrape-interval", "5m")
        self.assertEqual(get(base, "/scrape")[0], 200)
        self.assertEqual(get(base, "/scrape")[0], 429)
        server, base = self.start("--scrape", "none")
        self.assertIn(b"not available", get(base, "/scrape?info_hash=" + "a" * 20)[2])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(20)
            udp.connect(server.address("udp", 4))
            udp.send(struct.pack(">QII", 0x41727101980, 0, 1))
            connection_id = udp.recv(100)[8:]
            udp.send(connection_id + struct.pack(">II", 2, 2) + HASHES[0])
            answer = udp.recv(100)
            self.assertEqual(answer[:8], struct.pack(">II", 3, 2))

    def test_settings_of_statistics_are_heeded(self):
        _, base = self.start("--stats-access", "192.0.2.0/24")
        self.assertEqual(get(base, "/stats")[0], 403)
        self.assertEqual(get(base, "/metrics")[0], 403)
        _, base = self.start("--stats-path", "/here", "--metrics-path", "")
        self.assertEqual(get(base, "/here")[0], 200)
        self.assertEqual(get(base, "/stats")[0], 404)
        self.assertEqual(get(base, "/metrics")[0], 404)

    def test_requests_and_networks_are_kept_where_that_is_wanted(self):
        _, base = self.start()
        self.assertEqual([get(base, "/stats?mode=" + mode)[0] for mode in ("woodpeckers", "fulllog")], [500, 500])
        _, base = self.start("--spot-woodpeckers", "--full-log", "1M")
        self.assertEqual(get(base, "/stats?mode=woodpeckers")[2], b"Networks, limit /28:\n\n")
        self.assertEqual(get(base, "/announce?lognet=127.0.0.0/8")[2], b"Successfully added.\n")
        get(base, "/nowhere")
        self.assertRegex(get(base, "/stats?mode=fulllog")[2], rb"\A\d+: 127\.0\.0\.1\nGET /nowhere HTTP/1\.1\r\n")

    def test_settings_of_pages_are_heeded(self):
        _, base = self.start()
        self.assertEqual(get(base, "/")[0], 404)
        self.assertEqual(get(base, "/favicon.ico")[0], 404)
        with tempfile.NamedTemporaryFile() as icon:
            icon.write(b"\0\0\1\0icon")
            icon.flush()
            _, base = self.start("--info-page", "--info-page-torrents", "2", "--favicon", icon.name)
        fill(base)
        status, headers, page = get(base, "/")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertEqual(page.count(b"<tr><td><code>"), 2)
        self.assertIn(b"and 1 more", page)
        self.assertEqual(get(base, "/favicon.ico")[2], b"\0\0\1\0icon")
        server, _ = self.start("--redirect-url", "https://example.org/")
        connection = http.client.HTTPConnection(*server.address("http", 4), timeout=20)
        connection.request("GET", "/")
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.headers["Location"]), (302, "https://example.org/"))
        connection.close()

    def test_json_and_metrics_have_the_same_figures(self):
        _, base = self.start()
        fill(base)
        figures = json.loads(get(base, "/stats?mode=json")[2])
        metrics = get(base, "/metrics")[2].decode()
        self.assertEqual(figures["store"]["torrents"], 3)
        self.assertEqual(figures["store"]["peers"], 6)
        self.assertIn("\nmuster_torrents 3\n", metrics)
        announces = [r["count"] for r in figures["requests"]
                     if (r["protocol"], r["family"], r["request"], r["outcome"]) == ("http", "ipv4", "announce", "answered")]
        self.assertEqual(announces, [7])
        self.assertIn('muster_requests_total{protocol="http",family="ipv4",request="announce",outcome="answered"} 7\n', metrics)


@unittest.skipUnless(shutil.which("opentracker"), "opentracker is not installed")
class BesideOpentracker(unittest.TestCase):
    """The same requests to both, and the same statistics from both."""

    @classmethod
    def setUpClass(cls):
        cls.top = tempfile.TemporaryDirectory()
        os.chmod(cls.top.name, 0o755)
        with open(os.path.join(cls.top.name, "list"), "w") as f:
            f.writelines(info_hash.hex() + "\n" for info_hash in HASHES)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        cls.opentracker = subprocess.Popen(
            ["opentracker", "-i", "127.0.0.1", "-p", str(port), "-P", str(port), "-A", "127.0.0.1", "-d", cls.top.name,
             "-w", "list"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=cls.top.name)
        cls.theirs = "http://127.0.0.1:%d" % port

        def ready():
            try:
                quoted = "".join("%%%02x" % byte for byte in HASHES[2])
                return b"failure" not in get(cls.theirs, "/announce?info_hash=%s&port=9&left=1&event=stopped" % quoted)[2]
            except OSError:
                return False
        wait_until(ready, "opentracker")
        cls.server = Musterd("--workers", "1", listeners=[("http", "127.0.0.1:0")])
        cls.ours = "http://%s:%d" % cls.server.address("http", 4)
        fill(cls.theirs)
        fill(cls.ours)

    @classmethod
    def tearDownClass(cls):
        cls.server.kill()
        cls.opentracker.kill()
        cls.opentracker.wait()
        cls.top.cleanup()

    def both(self, path):
        return get(self.ours, path)[2], get(self.theirs, path)[2]

    def test_what_does_not_depend_on_time_is_equal_byte_for_byte(self):
        for mode in ("", "?mode=peer", "?mode=torr", "?mode=renew", "?mode=top10", "?mode=top100"):
            ours, theirs = self.both("/stats" + mode)
            if "top" in mode:  # who stands first among equals is nobody's promise
                ours, theirs = sorted(ours.splitlines()), sorted(theirs.splitlines())
            self.assertEqual(ours, theirs, mode)

    def test_what_depends_on_time_is_equal_but_for_its_numbers(self):
        def shape(page):
            return re.sub(rb"\d+", b"N", page)
        for mode in ("conn", "tcp4", "udp4", "scrp", "fscr", "completed", "herr"):
            ours, theirs = self.both("/stats?mode=" + mode)
            self.assertEqual(shape(ours), shape(theirs), mode)

    def test_everything_has_the_same_elements_in_the_same_order(self):
        def tags(page):
            page = re.sub(rb"<version>.*?</version>", b"<version></version>", page, flags=re.DOTALL)
            return re.sub(rb">\d+<", b">N<", page)
        ours, theirs = self.both("/stats?mode=everything")
        self.assertEqual(tags(ours), tags(theirs))
        for element in (b"torrents", b"peers", b"seeds", b"completed"):
            def section(page):
                return re.search(rb"<%s>.*?</%s>" % (element, element), page, re.DOTALL).group()
            self.assertEqual(section(ours), section(theirs))

    def test_full_scrapes_and_dumps_are_equal(self):
        ours, theirs = self.both("/scrape")
        self.assertEqual(ours, theirs)
        for kind in ("ben", "txt", "txtp", "url", "bin"):
            ours, theirs = self.both("/stats?mode=tpbs&format=" + kind)
            if theirs[:2] == b"\x1f\x8b":  # it does so unasked
                theirs = gzip.decompress(theirs)
            self.assertEqual(ours, theirs, kind)


if __name__ == "__main__":
    unittest.main()
