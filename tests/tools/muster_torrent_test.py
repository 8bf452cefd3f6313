#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The muster-torrent program: what it writes, prints and exits with. Its path is the first argument, its manual the second."""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

TIMEOUT = 60
PROGRAM, MANUAL = None, None


def run(*arguments, status=0, stdin=None, env=None, text=True):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, timeout=TIMEOUT, input=stdin,
                          env=dict(os.environ, **(env or {})))
    out, err = done.stdout, done.stderr.decode()
    assert done.returncode == status, f"{arguments}: status {done.returncode}, not {status}: {out!r} {err}"
    if status == 2:
        assert len(err.splitlines()) == 1, err
    return (out.decode() if text else out), err


def run_json(*arguments, **kwargs):
    return json.loads(run(*arguments, "--json", **kwargs)[0])


class InAFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.album = self.dir / "album"
        (self.album / "disc").mkdir(parents=True)
        (self.album / "a.txt").write_bytes(b"hello")
        (self.album / "b.bin").write_bytes(os.urandom(100_000))
        (self.album / "disc" / "c.bin").write_bytes(os.urandom(40_000))
        self.torrent = self.dir / "album.torrent"

    def create(self, *options, path=None, status=0):
        return run("create", "-o", self.torrent, "--date", "none", *options, path or self.album, status=status)


class Create(InAFolder):
    def test_the_info_hash_is_that_of_the_info_dictionary(self):
        for kind in ("v1", "v2", "hybrid"):
            out, _ = self.create("--kind", kind, "--force")
            data = self.torrent.read_bytes()
            layers = data.find(b"12:piece layers")
            info = data[data.index(b"4:info") + 6:layers if layers >= 0 else -1]
            said = dict(line.rsplit(None, 1) for line in out.splitlines())
            self.assertEqual(said.get("info hash v1"), hashlib.sha1(info).hexdigest() if kind != "v2" else None)
            self.assertEqual(said.get("info hash v2"), hashlib.sha256(info).hexdigest() if kind != "v1" else None)

    def test_all_details_are_shown_again(self):
        self.create("-t", "http://a/,http://b/", "-t", "udp://c:1", "-w", "http://w/", "--http-seed", "http://h/",
                    "--node", "n.example:1", "--private", "--name", "name", "--source", "source", "--comment", "comment",
                    "--created-by", "me", "--similar", "11" * 20, "--collection", "one", "--date", "5", "--piece-length", "32K")
        shown = run_json("show", self.torrent)
        for key, value in {"trackers": [["http://a/", "http://b/"], ["udp://c:1"]], "web_seeds": ["http://w/"],
                           "http_seeds": ["http://h/"], "nodes": ["n.example:1"], "private": True, "name": "name",
                           "source": "source", "comment": "comment", "created_by": "me", "similar": ["11" * 20],
                           "collections": ["one"], "creation_date": 5, "piece_length": 32768, "kind": "v1",
                           "content_length": 140_005, "remarks": []}.items():
            self.assertEqual(shown[key], value, key)
        text = run("show", self.torrent)[0]
        for wanted in ("http://b/", "udp://c:1", "1970-01-01 00:00:05 UTC", "comment", "in 3 files", "32.0 KiB"):
            self.assertIn(wanted, text)

    def test_the_same_content_gives_the_same_bytes(self):
        env = {"SOURCE_DATE_EPOCH": "1700000000"}
        first = run("create", "-o", "-", self.album, env=env, text=False)[0]
        self.assertEqual(first, run("create", "-o", "-", "--threads", 1, self.album, env=env, text=False)[0])
        self.assertIn(b"13:creation datei1700000000e", first)

    def test_nothing_is_written_over_without_force(self):
        self.torrent.write_bytes(b"precious")
        _, err = self.create(status=1)
        self.assertIn("exists", err)
        self.assertEqual(self.torrent.read_bytes(), b"precious")
        self.create("--force")
        self.assertNotEqual(self.torrent.read_bytes(), b"precious")
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["album", "album.torrent"])  # nothing is left behind

    def test_only_files_are_replaced(self):
        os.mkfifo(self.dir / "pipe")
        for place in (self.dir / "pipe", self.album):
            _, err = run("create", "-f", "-o", place, self.album / "a.txt", status=1)
            self.assertIn("is not a file that can be replaced", err)
        self.assertTrue((self.dir / "pipe").is_fifo())
        # A link stays one.
        self.create()
        link = self.dir / "link"
        link.symlink_to(self.torrent)
        run("create", "-f", "-o", link, "--comment", "new", self.album)
        run("edit", "-i", "--created-by", "me", link)
        self.assertTrue(link.is_symlink())
        shown = run_json("show", self.torrent)
        self.assertEqual((shown["comment"], shown["created_by"]), ("new", "me"))

    def test_a_dry_run_writes_nothing(self):
        plan = run_json("create", "-o", self.torrent, "--dry-run", "--exclude", "*.txt", self.album)
        self.assertEqual([f["path"] for f in plan["files"]], ["b.bin", "disc/c.bin"])
        self.assertEqual(plan["content_length"], 140_000)
        self.assertFalse(self.torrent.exists())
        self.assertIn("disc/c.bin", self.create("--dry-run")[0])

    def test_several_torrents_come_from_one_hashing(self):
        also = [self.dir / "v1.torrent", self.dir / "v2.torrent"]
        made = run_json("create", "-o", self.torrent, "--kind", "hybrid", "-t", "http://a/", "--also",
                        f"{also[0]};kind=v1;source=X;private=yes;tracker=http://x/", "--also", f"{also[1]};kind=v2",
                        self.album)["torrents"]
        self.assertEqual([t["kind"] for t in made], ["hybrid", "v1", "v2"])
        shown = [run_json("show", "--strict", t["file"]) for t in made]
        self.assertEqual([s["trackers"] for s in shown], [[["http://a/"]], [["http://x/"]], [["http://a/"]]])
        self.assertEqual([s["private"] for s in shown], [False, True, False])
        for t in made:
            run("verify", "-q", t["file"], self.album)
        for bad in ("", ";kind=v1", "f;kind=v3", "f;what=1", "f;private=maybe"):
            run("create", "-o", self.dir / "x", "--also", bad, self.album, status=2)
        run("create", "-o", self.dir / "x", "--kind", "v1", "--also", "f;kind=v2", self.album, status=2)

    def test_several_paths_make_a_folder(self):
        self.create("--name", "both", path=self.album / "a.txt", status=0)
        run("create", "-o", self.torrent, "-f", "--name", "both", self.album / "a.txt", self.album / "disc")
        files = run_json("files", self.torrent)
        self.assertEqual([f["path"] for f in files], ["a.txt", "disc/c.bin"])
        run("create", "-o", self.torrent, "-f", self.album / "a.txt", self.album / "disc", status=2)

    def test_links_are_followed_kept_or_skipped(self):
        (self.album / "link").symlink_to("disc/c.bin")
        (self.album / "zz").symlink_to("disc")
        paths = lambda: [f["path"] for f in run_json("files", self.torrent)]
        self.create()
        self.assertEqual(paths(), ["a.txt", "b.bin", "disc/c.bin", "link", "zz/c.bin"])
        self.create("-f", "--symlinks", "keep")
        self.assertIn("link -> disc/c.bin", run("files", self.torrent)[0])
        self.create("-f", "--symlinks", "skip")
        self.assertEqual(paths(), ["a.txt", "b.bin", "disc/c.bin"])

    def test_progress_is_shown_when_it_is_wanted(self):
        _, err = self.create("--progress")
        self.assertIn("100 %", err)
        self.assertIn("3/3 files", err)
        self.assertEqual(self.create("-f")[1], "")  # not a terminal

    def test_mistakes_have_a_status_and_a_line(self):
        self.assertIn("nowhere", run("create", self.dir / "nowhere", status=1)[1])
        for wrong in (["--piece-length", "1000"], ["--piece-length", "128M"], ["--piece-length", "x"], ["--kind", "v3"],
                      ["--threads", "-1"], ["--node", "x"], ["--similar", "xyz"], ["--date", "tomorrow"], ["-t", "a b"],
                      ["--pieces", "0"], ["--piece-length", "16K", "--pieces", "5"], ["--name", "a/b"], ["--no-such-option"],
                      ["--kind", "v2", "--order", "given"]):
            self.create(*wrong, status=2)
            self.assertFalse(self.torrent.exists(), wrong)
        run(status=2)
        run("no-such-command", status=2)
        run("create", status=2)
        os.mkfifo(self.album / "pipe")
        self.assertIn("pipe", self.create(status=1)[1])


class Read(InAFolder):
    def setUp(self):
        super().setUp()
        self.create("--kind", "hybrid", "-t", "http://a/")

    def test_torrents_come_from_standard_input_too(self):
        shown = json.loads(run("show", "--json", "-", stdin=self.torrent.read_bytes())[0])
        self.assertEqual(shown, run_json("show", self.torrent))

    def test_magnets_are_written_and_checked(self):
        magnet = run("magnet", self.torrent)[0].strip()
        self.assertRegex(magnet, r"^magnet:\?xt=urn:btih:[0-9a-f]{40}&xt=urn:btmh:1220[0-9a-f]{64}&dn=album&xl=140005&tr=")
        self.assertEqual(run("magnet", magnet)[0].strip(), magnet)
        self.assertNotIn("tr=", run("magnet", "--no-trackers", self.torrent)[0])
        self.assertEqual(run_json("magnet", magnet)["trackers"], ["http://a/"])
        run("magnet", "magnet:?dn=x", status=1)

    def test_files_are_listed(self):
        self.assertEqual(run("files", self.torrent)[0], "5\ta.txt\n100000\tb.bin\n40000\tdisc/c.bin\n")
        files = run_json("files", self.torrent)
        self.assertEqual([f["attributes"] for f in files], ["", "p", "", "p", "", "p"])
        self.assertEqual(len(files[0]["pieces_root"]), 64)

    def test_what_is_no_torrent_is_told_with_its_place(self):
        bad = self.dir / "bad.torrent"
        bad.write_bytes(b"d4:infodee")
        for command in ("show", "files", "magnet"):
            self.assertRegex(run(command, bad, status=1)[1], r"bad\.torrent: .* at byte \d+")
        run("show", self.dir / "none", status=1)

    def test_control_bytes_do_not_reach_the_terminal(self):
        (self.album / "x\x1b[2J").write_bytes(b"1")
        self.create("-f")
        self.assertIn("x\\x1b[2J", run("files", self.torrent)[0])

    def test_strict_refuses_what_deviates(self):
        odd = self.dir / "odd.torrent"
        odd.write_bytes(self.torrent.read_bytes() + b"junk")
        self.assertNotEqual(run_json("show", odd)["remarks"], [])
        run("show", "--strict", odd, status=1)


class Verify(InAFolder):
    def setUp(self):
        super().setUp()
        self.create("--kind", "hybrid", "--piece-length", "16K")

    def test_good_data_is_good(self):
        self.assertIn("11 of 11 pieces are good", run("verify", self.torrent, self.album)[0])
        self.assertEqual(run("verify", "-q", self.torrent, self.dir)[0], "")  # the folder that it is in

    def test_damage_is_found_and_named(self):
        with open(self.album / "b.bin", "r+b") as f:
            f.seek(50_000)
            byte = f.read(1)
            f.seek(50_000)
            f.write(bytes([byte[0] ^ 1]))
        (self.album / "disc" / "c.bin").unlink()
        out, _ = run("verify", self.torrent, self.album, status=1)
        self.assertRegex(out, r"(?m)^damaged +b\.bin$")
        self.assertRegex(out, r"(?m)^missing +disc/c\.bin$")
        report = json.loads(run("verify", "--json", self.torrent, self.album, status=1)[0])
        self.assertFalse(report["complete"])
        self.assertEqual(report["bad_pieces"], [4, 8, 9, 10])
        self.assertEqual([f["state"] for f in report["files"]], ["good", "damaged", "missing"])

    def test_a_file_without_a_folder_is_found_beside_its_name(self):
        self.create("-f", path=self.album / "b.bin")
        for path in (self.album / "b.bin", self.album):
            run("verify", self.torrent, path)
        run("verify", self.torrent, self.dir, status=1)


class Edit(InAFolder):
    def setUp(self):
        super().setUp()
        self.create("--kind", "hybrid", "-t", "http://a/", "--comment", "old")
        self.hashes = {k: v for k, v in run_json("show", self.torrent).items() if k.startswith("info_hash")}

    def edit(self, *options, **kwargs):
        run("edit", "-i", *options, self.torrent, **kwargs)
        shown = run_json("show", "--strict", self.torrent)
        self.assertEqual({k: v for k, v in shown.items() if k.startswith("info_hash")}, self.hashes)
        return shown

    def test_trackers_are_set_added_and_taken_away(self):
        self.assertEqual(self.edit("--add-tracker", "http://b/,http://c/")["trackers"], [["http://a/"], ["http://b/", "http://c/"]])
        self.assertEqual(self.edit("-t", "http://d/", "--add-tracker", "http://e/")["trackers"], [["http://d/"], ["http://e/"]])
        self.assertEqual(self.edit("--no-trackers")["trackers"], [])

    def test_seeds_and_words_are_set_and_taken_away(self):
        shown = self.edit("-w", "http://w/", "--http-seed", "http://h/", "--node", "n:1", "--comment", "new", "--date", "7")
        self.assertEqual((shown["web_seeds"], shown["http_seeds"], shown["nodes"], shown["comment"], shown["creation_date"]),
                         (["http://w/"], ["http://h/"], ["n:1"], "new", 7))
        shown = self.edit("--no-web-seeds", "--no-http-seeds", "--no-nodes", "--comment", "", "--created-by", "", "--date", "none")
        self.assertEqual((shown["web_seeds"], shown["http_seeds"], shown["nodes"], shown["comment"], shown["created_by"]),
                         ([], [], [], "", ""))
        self.assertNotIn("creation_date", shown)

    def test_an_output_is_not_written_over_without_force(self):
        other = self.dir / "other.torrent"
        run("edit", "--comment", "x", "-o", other, self.torrent)
        run("edit", "--comment", "y", "-o", other, self.torrent, status=1)
        self.assertEqual(run_json("show", other)["comment"], "x")
        run("edit", "--comment", "y", "-f", "-o", other, self.torrent)
        self.assertEqual(run_json("show", other)["comment"], "y")
        run("edit", "--comment", "x", self.torrent, status=2)
        run("edit", "-i", "-t", "not a url", self.torrent, status=2)
        run("edit", "-i", "--date", "x", self.torrent, status=2)


class Manual(unittest.TestCase):
    def test_the_manual_has_every_option(self):
        manual = re.sub(r"\\&", "", pathlib.Path(MANUAL).read_text())
        for command in ("create", "show", "files", "magnet", "verify", "edit"):
            self.assertIn(f".Cm {command}", manual.replace("show | files", "show\n.Cm files"))
            for option in re.findall(r"--([a-z-]+)", run(command, "--help")[0]):
                self.assertRegex(manual, rf"Fl -{option}\b", f"{command} --{option}")
        self.assertRegex(run("--version")[0], r"^muster-torrent \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    PROGRAM, MANUAL = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main(verbosity=2)
