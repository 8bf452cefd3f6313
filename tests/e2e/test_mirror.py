#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""muster-torrentd as the machines of a fleet meet it: the steps of pkgtorrent's client over a tree of real packages,
downloads by aria2 and libtorrent from the mirror alone, and what happens when many come at once or the power goes."""
import concurrent.futures
import errno
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import unittest.mock
import urllib.parse

import libtorrent as lt

from bittorrent_clients import CLIENTS, Aria2, Libtorrent, Transmission
from daemon import PATIENCE, Musterd, Program, has_ipv6, wait_until
from tracker_client import Announce, TrackerError, tracker_at

TORRENTD = os.environ["MUSTER_TORRENTD"]
MUSTER_TORRENT = os.environ["MUSTER_TORRENT"]
# Nobody to find but the web seed; it ends when all is there.
ARIA2 = ["--no-conf", "--seed-time=0", "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false",
         "--enable-peer-exchange=false", "--file-allocation=none"]
PIECE = 65536
SERVICE = "/apt/torrent_service"


def run(*arguments, **kwargs):
    return subprocess.run(list(map(str, arguments)), capture_output=True, text=True, timeout=PATIENCE, **kwargs)


class Torrentd(Program):
    def __init__(self, root, *options, listeners=("127.0.0.1:0",)):
        addresses = [option for address in listeners for option in ("--http", address)]
        super().__init__([TORRENTD, "--root", str(root), *addresses, "--workers", "2", *map(str, options)],
                         ready=len(listeners))

    def connect(self):
        return http.client.HTTPConnection(*self.address("http", 4), timeout=PATIENCE)

    def ask(self, method, path, body=None, headers={}):
        connection = self.connect()
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, paths, **headers):
        body = urllib.parse.urlencode([("p", path) for path in paths])
        return self.ask("POST", SERVICE + "/digest/" + digest_of(paths), body,
                        {"Content-Type": "application/x-www-form-urlencoded", **headers})

    def figures(self):
        return json.loads(self.get(SERVICE + "/?format=json")[1])


def digest_of(paths):
    return hashlib.sha1("\n".join(paths).encode()).hexdigest()


def build_packages(folder, count):
    """Real Debian packages of several sizes, one of which ends with a piece."""
    pool = folder / "apt/pool/main"
    pool.mkdir(parents=True)
    for i in range(count):
        tree = folder / "build" / str(i)
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN/control").write_text(
            "Package: sample%d\nVersion: 1.%d-1\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\n"
            "Description: a sample\n" % (i, i))
        (tree / "usr/share/sample").mkdir(parents=True)
        (tree / "usr/share/sample/data").write_bytes(os.urandom(1000 + 90_000 * i))
        name = "sample%d_1.%d-1_all.deb" % (i, i) if i != 1 else "libsample++_1.1~rc1-1_all.deb"
        made = run("dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, pool / name)
        assert made.returncode == 0, made.stderr
    shutil.rmtree(folder / "build")
    packages = sorted(pool.iterdir())
    with open(packages[1], "ab") as file:  # an archive may have anything behind it
        file.write(b"\n" * (-file.tell() % PIECE))
    return packages


class Mirror(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.shared.cleanup)
        cls.packages = build_packages(pathlib.Path(cls.shared.name), 5)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.root = self.dir / "root"
        shutil.copytree(pathlib.Path(self.shared.name) / "apt", self.root / "apt")
        self.trackers = self.dir / "trackers"
        self.trackers.write_text("http://127.0.0.1:9/announce\nudp://127.0.0.1:9\n")
        self.paths = ["/" + str(path.relative_to(self.root)) for path in sorted(self.root.rglob("*.deb"))]

    def start(self, *options, cache=True, **kwargs):
        options = ["--trackers", self.trackers, "--piece-length", "64K", *options]
        if cache:
            options += ["--cache", self.dir / "cache"]
        daemon = Torrentd(self.root, *options, **kwargs)
        self.addCleanup(daemon.kill)
        return daemon

    def assert_same(self, downloaded):
        """All packages are there as they are on the mirror."""
        for path in self.paths:
            self.assertEqual((downloaded / path[1:]).read_bytes(), (self.root / path[1:]).read_bytes(), path)


class PkgtorrentClient(Mirror):
    """What yum-torrent does before the package manager downloads, step by step."""

    def test_the_flow(self):
        daemon = self.start()
        digest = digest_of(self.paths)
        response, body = daemon.get(SERVICE + "/digest/" + digest)
        self.assertEqual((response.status, body), (412, b""))
        self.assertEqual(response.headers["Cache-Control"], "no-cache, no-store, must-revalidate")
        response, torrent = daemon.post(self.paths)
        self.assertEqual(response.status, 200)
        self.assertEqual(response.headers["Content-Type"], "application/x-bittorrent")
        disposition = response.headers["Content-Disposition"]
        self.assertTrue(disposition.startswith("attachment; filename="))
        name = os.path.basename(disposition[len("attachment; filename="):])
        info = lt.torrent_info(lt.bdecode(torrent))
        self.assertEqual(name, str(info.info_hash()) + ".torrent")
        response, again = daemon.get(SERVICE + "/digest/" + digest)
        self.assertEqual((response.status, again), (200, torrent))

        # It runs a client on the file, in its folder, and watches what that says.
        cache = self.dir / "client"
        cache.mkdir()
        (cache / name).write_bytes(torrent)
        said = run("aria2c", *ARIA2, name, cwd=cache)
        self.assertIn("Download complete", said.stdout)
        # Padding was fetched as files; they are made sparse, or go. Packages are linked from where their URLs say.
        padding = list((cache / SERVICE[1:] / "nullfile").iterdir())
        self.assertEqual(len(padding), len(self.paths) - 2)  # one ends with a piece, one is the last
        for zeros in padding:
            self.assertEqual(zeros.read_bytes(), bytes(int(zeros.name.split("_")[0])))
        self.assert_same(cache)

    def test_the_torrent_is_that_of_pkgtorrent(self):
        daemon = self.start()
        _, torrent = daemon.post(self.paths)
        decoded = lt.bdecode(torrent)
        info = decoded[b"info"]
        self.assertEqual(sorted(info), [b"files", b"name", b"piece length", b"pieces"])
        self.assertEqual((info[b"name"], info[b"piece length"]), (b"apt", PIECE))
        wanted, data, counts = [], b"", {}
        for i, path in enumerate(self.paths):
            content = (self.root / path[1:]).read_bytes()
            wanted.append({b"length": len(content), b"path": path.encode().split(b"/")[2:]})
            missing = -len(content) % PIECE
            data += content
            if missing and i + 1 < len(self.paths):
                number = counts.setdefault(missing, 0)
                counts[missing] += 1
                wanted.append({b"length": missing, b"path": [b"torrent_service", b"nullfile",
                                                             b"%d_%d" % (missing, number)]})
                data += bytes(missing)
        self.assertEqual(info[b"files"], wanted)
        pieces = [hashlib.sha1(data[at:at + PIECE]).digest() for at in range(0, len(data), PIECE)]
        self.assertEqual(info[b"pieces"], b"".join(pieces))
        # The order of its trackers is its own, and the same on every mirror.
        info_hash = hashlib.sha1(lt.bencode(info)).hexdigest()
        urls = sorted(self.trackers.read_text().split(),
                      key=lambda url: hashlib.sha1((url + info_hash).encode()).digest())
        self.assertEqual(decoded[b"announce-list"], [[url.encode()] for url in urls])
        self.assertEqual(decoded[b"announce"], urls[0].encode())
        self.assertEqual(decoded[b"url-list"], [b"http://%s:%d/" % (b"127.0.0.1", daemon.address("http", 4)[1])])

    def test_single_paths_and_patterns(self):
        daemon = self.start()
        response, torrent = daemon.get(SERVICE + "/single" + urllib.parse.quote(self.paths[0]))
        self.assertEqual(response.status, 200)
        info = lt.bdecode(torrent)[b"info"]
        self.assertEqual(info[b"name"].decode(), os.path.basename(self.paths[0]))
        for pattern in ("/apt/pool/main/*.deb", "/apt/**", "/apt/p??l/[lm]ain/**"):
            _, torrent = daemon.get(SERVICE + "/single" + urllib.parse.quote(pattern))
            self.assertEqual(lt.bdecode(torrent)[b"info"][b"name"], b"apt", pattern)
            _, posted = daemon.post([pattern])
            self.assertEqual(lt.bdecode(posted)[b"info"], lt.bdecode(torrent)[b"info"])
        self.assertEqual(daemon.get(SERVICE + "/single/apt/none.deb")[0].status, 404)

    def test_what_makes_no_sense_is_told(self):
        daemon = self.start()
        (self.root / "outside").symlink_to(self.dir / "trackers")
        (self.root / "apt/.hidden").write_text("x")
        url = SERVICE + "/digest/" + digest_of(["/x"])
        self.assertEqual(daemon.ask("POST", url, "p=/y")[0].status, 400)
        self.assertEqual(daemon.ask("POST", url, "x", {"Content-Type": "text/plain"})[0].status, 415)
        self.assertEqual(daemon.ask("POST", url, iter([b"p=/y"]), {"Transfer-Encoding": "chunked"})[0].status, 400)
        self.assertEqual(daemon.ask("PUT", url)[0].status, 405)
        for paths, status in ((["/apt/none"], 404), (["/../trackers"], 400), (["/outside"], 403), (["/apt/.hidden"], 400)):
            self.assertEqual(daemon.post(paths)[0].status, status, paths)
        for path in ("/../trackers", "/%2e%2e/trackers", "/..%2ftrackers", "/outside", "/apt", "/apt/.hidden", "/", "//",
                     SERVICE + "/none", SERVICE + "/digest/0"):
            self.assertIn(daemon.get(path)[0].status, (403, 404), path)
        with socket.create_connection(daemon.address("http", 4), PATIENCE) as s:
            s.sendall(b"POST " + url.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 411 "))
        with socket.create_connection(daemon.address("http", 4), PATIENCE) as s:
            s.sendall(b"POST " + url.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
            self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 413 "))


class Downloads(Mirror):
    def libtorrent_downloads(self, torrent):
        folder = self.dir / "libtorrent"
        shutil.rmtree(folder, ignore_errors=True)
        session = lt.session({"listen_interfaces": "127.0.0.1:0", "enable_dht": False, "enable_lsd": False,
                              "enable_upnp": False, "enable_natpmp": False})
        handle = session.add_torrent({"ti": lt.torrent_info(lt.bdecode(torrent)), "save_path": str(folder)})
        wait_until(lambda: handle.status().is_seeding, "libtorrent")
        session.remove_torrent(handle)
        return folder

    def test_libtorrent_from_the_web_seed_alone(self):
        for kind in ("v1", "hybrid", "v2"):
            with self.subTest(kind=kind):
                daemon = self.start("--kind", kind)
                self.assert_same(self.libtorrent_downloads(daemon.post(self.paths)[1]))
                path = self.paths[-1]
                single = daemon.get(SERVICE + "/single" + urllib.parse.quote(path))[1]
                got = self.libtorrent_downloads(single) / os.path.basename(path)
                self.assertEqual(got.read_bytes(), (self.root / path[1:]).read_bytes())
                self.assertEqual(daemon.stop(), 0)

    def test_aria2_from_the_web_seed_alone(self):
        daemon = self.start("--kind", "v1")
        for name, torrent in (("set", daemon.get(SERVICE + "/single/apt/**")[1]),
                              ("one", daemon.get(SERVICE + "/single" + urllib.parse.quote(self.paths[2]))[1])):
            folder = self.dir / name
            folder.mkdir()
            (folder / "t.torrent").write_bytes(torrent)
            said = run("aria2c", *ARIA2, "t.torrent", cwd=folder)
            self.assertEqual(said.returncode, 0, said.stdout)
        self.assert_same(self.dir / "set")
        self.assertEqual((self.dir / "one" / os.path.basename(self.paths[2])).read_bytes(),
                         (self.root / self.paths[2][1:]).read_bytes())

    def transmission_downloads(self, torrent):
        """Transmission 3 knows v1 only, and nothing of padding."""
        if Transmission.missing():
            self.skipTest(Transmission.missing())
        folder = self.dir / ("transmission-%d" % len(list(self.dir.iterdir())))
        folder.mkdir()
        (folder / "a.torrent").write_bytes(torrent)
        client = Transmission(str(folder), str(folder / "a.torrent"), "http://127.0.0.1", seeding=False)
        self.addCleanup(client.kill)
        data = folder / "data"
        # What is not complete has another name there.
        wait_until(lambda: client.ended() or list(data.rglob("*")) and not list(data.rglob("*.part")) and
                   sum(path.stat().st_size for path in data.rglob("*") if path.is_file()) >=
                   lt.torrent_info(str(folder / "a.torrent")).total_size(), "transmission", pause=0.1)
        client.stop()
        return data

    def test_transmission_from_the_web_seed_alone(self):
        daemon = self.start()
        self.assert_same(self.transmission_downloads(daemon.post(self.paths)[1]))

    def test_torrents_of_muster_torrent(self):
        """Of every kind, with the mirror as their only seed."""
        daemon = self.start()
        torrent = self.dir / "made.torrent"
        url = daemon.urls["http", 4]
        for kind, aligned in (("v1", False), ("v1", True), ("v2", False), ("hybrid", False)):
            with self.subTest(kind=kind, aligned=aligned):
                made = run(MUSTER_TORRENT, "create", "-f", "-q", "--kind", kind, *(["--align"] if aligned else []),
                           "--piece-length", PIECE, "--web-seed", url, "-o", torrent, self.root / "apt")
                self.assertEqual(made.returncode, 0, made.stderr)
                self.assert_same(self.libtorrent_downloads(torrent.read_bytes()))
                if kind != "v1" or aligned:
                    continue  # the others do not know those
                self.assert_same(self.transmission_downloads(torrent.read_bytes()))
                folder = self.dir / "aria2"
                folder.mkdir()
                said = run("aria2c", *ARIA2, torrent, cwd=folder)
                self.assertEqual(said.returncode, 0, said.stdout)
                self.assert_same(folder)

    def test_single_files_of_muster_torrent(self):
        daemon = self.start()
        package = max(self.packages, key=lambda path: path.stat().st_size)
        content, torrent = package.read_bytes(), self.dir / "made.torrent"
        # The folder's: libtorrent 2.0.8 puts a slash behind a v2 file's URL, also of its own torrents.
        seed = daemon.urls["http", 4] + "apt/pool/main/"
        for kind in ("v1", "v2", "hybrid"):
            with self.subTest(kind=kind):
                made = run(MUSTER_TORRENT, "create", "-f", "-q", "--kind", kind, "--piece-length", PIECE, "--web-seed", seed,
                           "-o", torrent, package)
                self.assertEqual(made.returncode, 0, made.stderr)
                self.assertEqual((self.libtorrent_downloads(torrent.read_bytes()) / package.name).read_bytes(), content)
                if kind == "v1":
                    self.assertEqual((self.transmission_downloads(torrent.read_bytes()) / package.name).read_bytes(), content)
                    folder = self.dir / "aria2"
                    folder.mkdir()
                    self.assertEqual(run("aria2c", *ARIA2, torrent, cwd=folder).returncode, 0)
                    self.assertEqual((folder / package.name).read_bytes(), content)

    def test_pad_files_come_from_peers(self):
        """To clients that know nothing of padding: they take it for files, which no web seed has."""
        for client in CLIENTS:
            if client.missing():
                self.skipTest(client.missing())
        torrent = self.dir / "aligned.torrent"
        with Musterd("--interval", "4", "--interval-spread", "0", "--min-interval", "1",
                     listeners=[("http", "127.0.0.1:0")]) as musterd:
            url = musterd.urls["http", 4]
            made = run(MUSTER_TORRENT, "create", "-q", "--kind", "v1", "--align", "--private", "-t", url, "--piece-length", PIECE,
                       "-o", torrent, self.root / "apt")
            self.assertEqual(made.returncode, 0, made.stderr)
            info_hash = lt.torrent_info(str(torrent)).info_hash().to_bytes()
            tracker = tracker_at(url)
            self.addCleanup(tracker.close)
            seeds = self.dir / "seeder/data"
            shutil.copytree(self.root / "apt", seeds / "apt")

            def start(kind, name):
                client = kind(str(self.dir / name), str(torrent), url, seeding=name == "seeder")
                self.addCleanup(client.kill)
                return client

            start(Libtorrent, "seeder")
            wait_until(lambda: tracker.scrape([info_hash])[0].complete == 1, "the seeder")
            downloads = [start(kind, kind.name) for kind in (Transmission, Aria2)]
            wait_until(lambda: tracker.scrape([info_hash])[0].complete == 3, "the downloads")
            for client in downloads:
                self.assert_same(pathlib.Path(client.data))
                client.stop()

    def test_hashes_are_those_of_libtorrent(self):
        for kind, flags in (("v2", lt.create_torrent.v2_only), ("hybrid", 0)):
            with self.subTest(kind=kind):
                daemon = self.start("--kind", kind)
                made = lt.torrent_info(lt.bdecode(daemon.get(SERVICE + "/single/apt/**")[1]))
                files = lt.file_storage()
                lt.add_files(files, str(self.root / "apt"), flags=flags)
                creator = lt.create_torrent(files, PIECE, flags)
                lt.set_piece_hashes(creator, str(self.root))
                theirs = lt.torrent_info(creator.generate())
                self.assertEqual((made.info_hashes().v1, made.info_hashes().v2),
                                 (theirs.info_hashes().v1, theirs.info_hashes().v2))
                daemon.stop()

    def test_files_in_parts_and_only_when_they_are_new(self):
        daemon = self.start()
        path = urllib.parse.quote(self.paths[-1])
        content = (self.root / self.paths[-1][1:]).read_bytes()
        response, body = daemon.get(path)
        self.assertEqual(body, content)
        etag, modified = response.headers["ETag"], response.headers["Last-Modified"]
        self.assertIn("Date", response.headers)
        head, body = daemon.ask("HEAD", path)
        self.assertEqual((head.status, head.headers["Content-Length"], body), (200, str(len(content)), b""))
        response, body = daemon.get(path, Range="bytes=1000-1999")
        self.assertEqual((response.status, body), (206, content[1000:2000]))
        self.assertEqual(response.headers["Content-Range"], "bytes 1000-1999/%d" % len(content))
        response, body = daemon.get(path, Range="bytes=0-9,-5")
        boundary = re.search("boundary=(.*)", response.headers["Content-Type"])[1].encode()
        parts = [part.partition(b"\r\n\r\n")[2] for part in body.split(b"\r\n--" + boundary)[1:]]
        self.assertEqual(parts, [content[:10], content[-5:], b""])
        self.assertEqual(daemon.get(path, If_None_Match=etag)[0].status, 304)
        self.assertEqual(daemon.get(path, If_Modified_Since=modified)[0].status, 304)
        self.assertEqual(daemon.get(path, Range="bytes=0-9", If_Range='"other"')[0].status, 200)
        self.assertEqual(daemon.get(path, If_Match='"other"')[0].status, 412)
        self.assertEqual(daemon.get(path, Range="bytes=%d-" % len(content))[0].status, 416)

    def test_pipelined_requests_on_one_connection(self):
        daemon = self.start()
        body = urllib.parse.urlencode([("p", path) for path in self.paths]).encode()
        small = "/" + str(min(self.packages, key=lambda p: p.stat().st_size).relative_to(self.shared.name))
        post = b"POST %s/digest/%s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s" % (
            SERVICE.encode(), digest_of(self.paths).encode(), len(body), body)
        get = b"GET %s HTTP/1.1\r\nHost: h\r\n\r\n" % urllib.parse.quote(small).encode()
        with socket.create_connection(daemon.address("http", 4), PATIENCE) as s:
            s.sendall(post + get + post + get)
            for kind in ("torrent", "file", "torrent", "file"):
                response = http.client.HTTPResponse(s)
                # Not more than its own bytes, so that the next one starts where it should.
                response.fp.close()
                response.fp = Unbuffered(s)
                response.begin()
                self.assertEqual(response.status, 200)
                got = response.fp.read(int(response.headers["Content-Length"]))
                if kind == "file":
                    self.assertEqual(got, (self.root / small[1:]).read_bytes())
                else:
                    self.assertEqual(lt.bdecode(got)[b"info"][b"name"], b"apt")


class Unbuffered:
    """A socket as http.client reads from it, byte by byte in heads."""

    def __init__(self, s):
        self.socket = s

    def readline(self, limit):
        line = b""
        while not line.endswith(b"\n") and len(line) < limit:
            line += self.socket.recv(1)
        return line

    def read(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def close(self):
        pass


class ManyAtOnce(Mirror):
    def test_a_storm_for_a_new_set_is_hashed_once(self):
        big = self.root / "apt/pool/big.deb"
        big.write_bytes(os.urandom(1 << 20) * 64)
        paths = ["/apt/pool/big.deb"] + self.paths
        daemon = self.start("--hash-threads", "1")
        body = urllib.parse.urlencode([("p", path) for path in paths]).encode()
        request = b"POST %s/digest/%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (
            SERVICE.encode(), digest_of(paths).encode(), len(body), body)
        sockets = []
        try:
            for _ in range(1000):
                sockets.append(socket.create_connection(daemon.address("http", 4), PATIENCE))
            for s in sockets:
                s.sendall(request)
            answers = set()
            for s in sockets:
                answer = b""
                while more := s.recv(1 << 16):
                    answer += more
                head, _, torrent = answer.partition(b"\r\n\r\n")
                self.assertTrue(head.startswith(b"HTTP/1.1 200 "), head)
                answers.add(torrent)
        finally:
            for s in sockets:
                s.close()
        self.assertEqual(len(answers), 1)
        figures = daemon.figures()
        self.assertEqual(figures["torrents_made_total"], 1)
        self.assertEqual(figures["torrents_given_total"], 1000)
        self.assertEqual(figures["hashed_bytes_total"], sum((self.root / path[1:]).stat().st_size for path in paths))

    def test_who_does_not_wait_is_told_how_far_it_is(self):
        big = self.root / "apt/pool/big.deb"
        with open(big, "wb") as file:
            file.truncate(1 << 32)
        daemon = self.start("--hash-threads", "1", "--max-bytes", "8192M")
        response, body = daemon.post(["/apt/pool/big.deb"], Prefer="respond-async")
        self.assertEqual(response.status, 202)
        self.assertEqual(json.loads(body)["state"], "hashing")
        # Meanwhile the page says so, and others are served.
        wait_until(lambda: [f for f in daemon.figures()["under_way"] if f["bytes"] > 0], "progress")
        self.assertEqual(daemon.post(self.paths)[0].status, 200)
        self.assertIn(b"<progress", daemon.get(SERVICE + "/")[1])
        # A client that has gone leaves it to the others; the end of the daemon does not wait for it.
        with socket.create_connection(daemon.address("http", 4), PATIENCE) as s:
            s.sendall(b"GET %s/single/apt/pool/big.deb HTTP/1.1\r\nHost: h\r\n\r\n" % SERVICE.encode())
        self.assertEqual(daemon.stop(), 0)

    def test_killed_in_the_middle_it_has_whole_caches(self):
        for i in range(40):
            (self.root / ("apt/pool/%02d.deb" % i)).write_bytes(os.urandom(300_000))
        paths = ["/apt/pool/%02d.deb" % i for i in range(40)]
        daemon = self.start(cache=False)
        wanted = lt.bdecode(daemon.post(paths)[1])[b"info"]
        daemon.stop()
        for done in (1, 5, 10, 20, 39):
            daemon = self.start("--hash-threads", "1")
            with concurrent.futures.ThreadPoolExecutor() as pool:
                # One torrent after another, so that there is always something under way.
                stop = threading.Event()

                def go_on():
                    for at in range(len(paths)):
                        if stop.is_set():
                            return
                        try:
                            daemon.post(paths[:at + 1])
                        except OSError:
                            return

                asking = pool.submit(go_on)
                wait_until(lambda: daemon.figures()["torrents_given_total"] >= done, "torrents", pause=0.001)
                daemon.process.kill()
                stop.set()
                asking.result()
            daemon._stopped = True
        daemon = self.start()
        self.assertEqual(lt.bdecode(daemon.post(paths)[1])[b"info"], wanted)
        # Of what was asked for before nearly all was kept; what was not, was made again.
        self.assertLess(daemon.figures()["hashed_bytes_total"], 40 * 300_000)
        leftovers = [path for path in (self.dir / "cache").rglob("*.tmp")]
        self.assertLessEqual(len(leftovers), 5)


class Surroundings(Mirror):
    def test_trackers_change_at_once(self):
        daemon = self.start()
        before = lt.bdecode(daemon.post(self.paths)[1])
        self.trackers.write_text("http://new/announce\n")
        url = SERVICE + "/digest/" + digest_of(self.paths)
        after = wait_until(lambda: [t for t in [lt.bdecode(daemon.get(url)[1])] if t[b"announce"] == b"http://new/announce"],
                           "the new trackers")[0]
        self.assertEqual(after[b"info"], before[b"info"])
        # A mistake leaves them as they were.
        self.trackers.write_text("nonsense\n")
        daemon.said("line 1: not a URL")
        self.assertEqual(lt.bdecode(daemon.get(url)[1])[b"announce"], b"http://new/announce")

    def test_without_a_cache_and_trackers_it_says_so_and_works(self):
        daemon = Torrentd(self.root)
        self.addCleanup(daemon.kill)
        self.assertIn("muster-torrentd: warning: no trackers file: torrents are made without trackers", daemon.lines)
        self.assertTrue(any("no cache" in line for line in daemon.lines))
        self.assertNotIn(b"announce", lt.bdecode(daemon.post(self.paths)[1]))
        self.assertEqual(daemon.get(SERVICE + "/digest/" + digest_of(self.paths))[0].status, 200)

    def test_a_cache_that_cannot_be_written_costs_speed_only(self):
        (self.dir / "cache").write_text("a file")
        daemon = self.start()
        self.assertTrue(any("the cache is not used" in line for line in daemon.lines))
        self.assertEqual(daemon.post(self.paths)[0].status, 200)

    def test_a_full_disk_costs_speed_only(self):
        if "FAILING_DISK" not in os.environ:
            self.skipTest("nothing can be preloaded")
        told = self.dir / "told"
        with unittest.mock.patch.dict(os.environ, LD_PRELOAD=os.environ["FAILING_DISK"], FAILING_DISK_AT="1",
                                      FAILING_DISK_ERROR=str(errno.ENOSPC), FAILING_DISK_FOR_GOOD="1",
                                      FAILING_DISK_TOLD=str(told)):
            daemon = self.start()
        self.assertEqual(daemon.post(self.paths)[0].status, 200)
        self.assertTrue(told.exists())
        self.assertEqual(daemon.get(SERVICE + "/digest/" + digest_of(self.paths))[0].status, 200)
        # Nothing is kept for the next one, which does the work again.
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual([path for path in (self.dir / "cache").rglob("*") if path.is_file()], [])
        daemon = self.start()
        self.assertEqual(daemon.get(SERVICE + "/digest/" + digest_of(self.paths))[0].status, 412)
        self.assertEqual(daemon.post(self.paths)[0].status, 200)

    def test_what_is_hashed_ahead_is_there_when_it_is_asked_for(self):
        daemon = self.start("--hash-ahead", "/apt/**")
        size = sum(path.stat().st_size for path in self.root.rglob("*.deb"))
        wait_until(lambda: daemon.figures()["hashed_bytes_total"] == size, "all files")
        (self.root / "apt/new").mkdir()
        (self.root / "apt/new/a.deb").write_bytes(b"x" * 100_000)
        wait_until(lambda: daemon.figures()["hashed_bytes_total"] == size + 100_000, "the new file")
        self.assertEqual(daemon.get(SERVICE + "/single/apt/**")[0].status, 200)
        self.assertEqual(daemon.figures()["hashed_bytes_total"], size + 100_000)

    def tracker_of(self, daemon):
        tracker = tracker_at(next(line.split()[-1] for line in daemon.lines if line.startswith("tracking on http:")))
        self.addCleanup(tracker.close)
        return tracker

    def test_the_tracker_beside_it_allows_its_torrents_and_no_others(self):
        daemon = self.start("--with-tracker", "--tracker-http", "127.0.0.1:0", "--hash-list", self.dir / "hashes")
        info_hash = lt.torrent_info(lt.bdecode(daemon.post(self.paths)[1])).info_hash().to_bytes()
        tracker = self.tracker_of(daemon)
        self.assertEqual(tracker.announce(Announce(info_hash, port=1)).incomplete, 1)
        with self.assertRaises(TrackerError):
            tracker.announce(Announce(b"x" * 20, port=1))
        self.assertEqual((self.dir / "hashes").read_text(), info_hash.hex() + " # apt\n")
        daemon.stop()
        # Allowed from the beginning the next time, and not written twice.
        daemon = self.start("--with-tracker", "--tracker-http", "127.0.0.1:0", "--hash-list", self.dir / "hashes")
        self.assertEqual(self.tracker_of(daemon).announce(Announce(info_hash, port=1)).incomplete, 1)
        daemon.post(self.paths)
        self.assertEqual((self.dir / "hashes").read_text(), info_hash.hex() + " # apt\n")

    def test_a_musterd_serves_the_torrents_of_its_list(self):
        hashes = self.dir / "hashes"
        hashes.touch()
        with Musterd("--whitelist", str(hashes), listeners=[("http", "127.0.0.1:0")]) as musterd:
            tracker = tracker_at(musterd.urls["http", 4])
            self.addCleanup(tracker.close)
            daemon = self.start("--kind", "hybrid", "--hash-list", hashes)
            info = lt.torrent_info(lt.bdecode(daemon.post(self.paths)[1])).info_hashes()

            def is_served(info_hash):
                try:
                    return tracker.announce(Announce(info_hash, port=1)).incomplete == 1
                except TrackerError:
                    return False

            # As v1 and as v2, once the list is seen to have changed.
            wait_until(lambda: is_served(info.v1.to_bytes()), "the torrent")
            self.assertTrue(is_served(info.v2.to_bytes()[:20]))
            self.assertFalse(is_served(b"x" * 20))

    def test_it_says_no_more_than_it_is_asked_to(self):
        daemon = Torrentd(self.root, "--log-level", "error")
        self.addCleanup(daemon.kill)
        self.assertEqual([line for line in daemon.lines if "warning" in line], [])

    def test_pages_are_for_those_who_may_see_them(self):
        for network, status in (("127.0.0.0/8", 200), ("192.0.2.0/24", 403)):
            daemon = self.start("--stats-access", network, "--metrics-path", "/figures")
            self.assertEqual(daemon.get("/figures")[0].status, status)
            self.assertEqual(daemon.get(SERVICE + "/")[0].status, status)
            self.assertEqual(daemon.get("/metrics")[0].status, 404)

    def test_options_and_their_mistakes(self):
        printed = run(TORRENTD, "--root", self.root, "--kind", "hybrid", "--print-config")
        self.assertEqual(printed.returncode, 0)
        config = self.dir / "config.toml"
        config.write_text(printed.stdout)
        self.assertEqual(run(TORRENTD, "--config", config, "--print-config").stdout, printed.stdout)
        self.assertEqual(run(TORRENTD, "--config", config, "--check-config").stdout, "the settings are good\n")
        self.assertTrue(run(TORRENTD, "--version").stdout.startswith("muster-torrentd "))
        self.assertIn("--hash-ahead PATTERN", run(TORRENTD, "--help").stdout)
        for options, says in ((["--rot", "/"], "did you mean '--root'?"), ([], "--root"),
                              (["--root", "/", "--piece-length", "100K"], "power of two"),
                              (["--root", "/", "--hash-ahead", "x"], "must begin with a slash"),
                              (["--root", "/", "--service", "a/b"], "service"),
                              (["--dialect", "x"], "unknown option")):
            ended = run(TORRENTD, *options)
            self.assertEqual((ended.returncode, ended.stdout), (2, ""), options)
            self.assertRegex(ended.stderr, r"\Amuster-torrentd: .*\n\Z")
            self.assertIn(says, ended.stderr)
        self.assertEqual(run(TORRENTD, "--root", self.dir / "none").returncode, 1)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            ended = run(TORRENTD, "--root", self.root, "--http", "127.0.0.1:%d" % taken.getsockname()[1])
            self.assertEqual(ended.returncode, 1)
            self.assertIn("address already in use", ended.stderr)

    def test_both_families(self):
        if not has_ipv6():
            self.skipTest("no IPv6")
        daemon = self.start(listeners=("127.0.0.1:0", "[::1]:0"))
        self.assertTrue(daemon.urls["http", 6].startswith("http://[::1]:"))
        connection = http.client.HTTPConnection(*daemon.address("http", 6), timeout=PATIENCE)
        self.addCleanup(connection.close)
        connection.request("GET", SERVICE + "/single/apt/**")
        torrent = lt.bdecode(connection.getresponse().read())
        self.assertEqual(torrent[b"url-list"], [daemon.urls["http", 6].encode()])


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv[:1])
