#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Torrents that muster-torrent makes, beside those that libtorrent makes of the same files, and read by others.

Transmission 3 and aria2 know v1 only: transmission refuses hybrids, also libtorrent's, and aria2 takes another info hash
for theirs. So they are shown v1 torrents, with and without pad files.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import libtorrent as lt

PROGRAM = os.environ["MUSTER_TORRENT"]
TIMEOUT = 120
KINDS = {"v1": lt.create_torrent.v1_only, "v1 aligned": lt.create_torrent.v1_only | lt.create_torrent.canonical_files,
         "v2": lt.create_torrent.v2_only, "hybrid": 0}
CONTENT = {
    "small": {"a": 5},
    "edges": {"a": 16383, "b": 16384, "c": 16385, "d": 32768, "e": 1, "f": 65536, "g": 65537},
    "folders": {"a/z": 20_000, "a-b": 1, "a.b": 2, "a/b/c": 3, "a/b!": 70_000, "ab": 5, "b/c/d/e": 6},
    "empty": {"a": 0, "b": 40_000, "c": 0, "d": 10, "e": 0},
    "one and empty": {"a": 40_000, "b": 0},
    "utf8": {"grüße/日本.txt": 1000, "ä": 17_000},
    "large": {"big": 5_000_000, "bigger": 9_000_001, "x": 3},
}


def run(*arguments):
    return subprocess.run(list(map(str, arguments)), check=True, capture_output=True, text=True, timeout=TIMEOUT).stdout


def fill(folder, files):
    for name, size in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))


def make(path, out, kind, piece_length):
    run(PROGRAM, "create", "-f", "-q", "--kind", kind.split()[0], *(["--align"] if "aligned" in kind else []),
        "--piece-length", piece_length, "-o", out, path)


def libtorrent_makes(path, kind, piece_length):
    files = lt.file_storage()
    lt.add_files(files, str(path), flags=KINDS[kind])
    creator = lt.create_torrent(files, piece_length, KINDS[kind])
    lt.set_piece_hashes(creator, str(path.parent))
    return lt.torrent_info(creator.generate())


class Torrents(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.torrent = self.dir / "made.torrent"

    def compare(self, path, kind, piece_length):
        make(path, self.torrent, kind, piece_length)
        made, theirs = lt.torrent_info(str(self.torrent)), libtorrent_makes(path, kind, piece_length)
        self.assertEqual((made.info_hashes().v1, made.info_hashes().v2), (theirs.info_hashes().v1, theirs.info_hashes().v2))
        return made

    def test_info_hashes_are_those_of_libtorrent(self):
        for name, files in CONTENT.items():
            fill(self.dir / name, files)
            for kind in KINDS:
                if kind == "v1":
                    continue  # libtorrent takes files in the order of the disk; see below
                for piece_length in (16384, 65536, 1 << 20):
                    with self.subTest(content=name, kind=kind, piece_length=piece_length):
                        self.compare(self.dir / name, kind, piece_length)

    def test_info_hashes_of_single_files_are_those_of_libtorrent(self):
        fill(self.dir, {"f1": 1, "f16384": 16384, "f100000": 100_000, "f3000000": 3_000_000, "run": 100})
        (self.dir / "run").chmod(0o755)
        for name in ("f1", "f16384", "f100000", "f3000000", "run"):
            for kind in KINDS:
                for piece_length in (16384, 262144):
                    with self.subTest(name=name, kind=kind, piece_length=piece_length):
                        self.compare(self.dir / name, kind, piece_length)

    def test_info_hashes_of_v1_folders_are_those_of_libtorrent(self):
        for name, files in CONTENT.items():
            with self.subTest(content=name):
                fill(self.dir / name, files)
                make(self.dir / name, self.torrent, "v1", 16384)
                made = lt.torrent_info(str(self.torrent))
                storage = lt.file_storage()
                for i in range(made.num_files()):  # the order that libtorrent leaves to its caller
                    storage.add_file(made.files().file_path(i), made.files().file_size(i))
                creator = lt.create_torrent(storage, 16384, lt.create_torrent.v1_only)
                lt.set_piece_hashes(creator, str(self.dir))
                self.assertEqual(made.info_hash(), lt.torrent_info(creator.generate()).info_hash())

    def test_libtorrent_finds_the_data_complete(self):
        for name in ("folders", "empty", "large"):
            fill(self.dir / name, CONTENT[name])
            for kind in KINDS:
                with self.subTest(content=name, kind=kind):
                    make(self.dir / name, self.torrent, kind, 16384)
                    self.assertTrue(self.is_complete(self.dir))
        self.assertFalse(self.is_complete(self.dir / "large"))

    def is_complete(self, folder):
        session = lt.session({"listen_interfaces": "127.0.0.1:0", "enable_dht": False, "enable_lsd": False,
                              "enable_upnp": False, "enable_natpmp": False, "alert_mask": lt.alert.category_t.status_notification})
        handle = session.add_torrent({"ti": lt.torrent_info(str(self.torrent)), "save_path": str(folder)})
        try:
            while True:
                self.assertIsNotNone(session.wait_for_alert(TIMEOUT * 1000))
                for alert in session.pop_alerts():
                    if isinstance(alert, lt.torrent_checked_alert):
                        return handle.status().is_seeding
        finally:
            session.remove_torrent(handle)

    def test_transmission_and_aria2_show_v1_torrents(self):
        fill(self.dir / "folders", CONTENT["folders"])
        fill(self.dir / "large", CONTENT["large"])
        for name in ("folders", "large"):
            for kind in ("v1", "v1 aligned"):
                with self.subTest(content=name, kind=kind):
                    make(self.dir / name, self.torrent, kind, 32768)
                    wanted = str(lt.torrent_info(str(self.torrent)).info_hash())
                    if shutil.which("transmission-show"):
                        shown = run("transmission-show", self.torrent)
                        self.assertEqual(re.search(r"(?m)^\s*Hash: (\w+)", shown)[1], wanted)
                        self.assertIn(name, shown)
                    shown = run("aria2c", "-S", self.torrent)
                    self.assertEqual(re.search(r"(?m)^Info Hash: (\w+)", shown)[1], wanted)

    def test_torrents_of_libtorrent_are_verified(self):
        fill(self.dir / "folders", CONTENT["folders"])
        for kind in KINDS:
            with self.subTest(kind=kind):
                files = lt.file_storage()
                lt.add_files(files, str(self.dir / "folders"), flags=KINDS[kind])
                creator = lt.create_torrent(files, 16384, KINDS[kind])
                lt.set_piece_hashes(creator, str(self.dir))
                self.torrent.write_bytes(lt.bencode(creator.generate()))
                run(PROGRAM, "verify", "-q", self.torrent, self.dir)


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv[:1])
