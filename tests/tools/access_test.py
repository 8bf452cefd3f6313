# SPDX-License-Identifier: Apache-2.0
"""Who is served: musterd's access lists, named pipes, privileges and proxies, over HTTP and UDP.

access_test.py MUSTERD [unittest options]
"""
import calendar
import errno
import os
import pathlib
import pwd
import re
import resource
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.dont_write_bytecode = True
import musterd_test  # noqa: E402  (takes the program's path off the arguments)
from musterd_test import Daemon, Test, http, run  # noqa: E402
from daemon import wait_until  # noqa: E402
from tracker_client import Announce, HttpTracker, TrackerError, UdpTracker  # noqa: E402

REFUSED = "Requested download is not authorized for use with this tracker."
NOT_YOU = "your IP is not allowed on this tracker"
BOTH = ["--http", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--workers", "2"]
SOON = ["--list-check-interval", "20ms"]

CONFINED = musterd_test.CONFINED

V1 = bytes(range(20))
V2 = bytes(range(100, 132))  # 32 bytes, of which trackers see 20
OTHER = bytes(range(50, 70))


class AccessTest(Test):
    def start(self, *options, listeners=2, **kwargs):
        daemon = Daemon(*BOTH, *options, listeners=listeners, **kwargs)
        self.addCleanup(daemon.__exit__, None)
        self.trackers = []
        for url in daemon.urls:
            tracker = (UdpTracker if url.startswith("udp") else HttpTracker)(url)
            self.addCleanup(tracker.close)
            self.trackers.append(tracker)
        return daemon

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, *hashes):
        """A list, which takes its place at once."""
        text = "".join(h if isinstance(h, str) else h.hex() + "\n" for h in hashes)
        os.rename(self.file(text, name + ".new"), self.path(name))
        return self.path(name)

    def pipe(self, name, *hashes):
        with open(self.path(name), "wb", buffering=0) as pipe:
            pipe.write(b"".join(h.hex().encode() + b"\n" for h in hashes))

    def says(self, info_hash):
        """What the announces of one torrent get, over UDP and HTTP alike: "" or the reason."""
        answers = self.says_somewhere(info_hash)
        self.assertEqual(len(answers), 1, answers)
        return answers.pop()

    def assertServed(self, *hashes):
        for info_hash in hashes:
            self.assertEqual(self.says(info_hash), "", info_hash.hex())

    def assertRefused(self, *hashes, reason=REFUSED):
        for info_hash in hashes:
            self.assertEqual(self.says(info_hash), reason, info_hash.hex())

    def untilServed(self, info_hash):
        wait_until(lambda: self.says_somewhere(info_hash) == {""}, "it to be served")

    def untilRefused(self, info_hash):
        wait_until(lambda: self.says_somewhere(info_hash) == {REFUSED}, "it to be refused")

    def hang_up_until(self, daemon, says, info_hash):
        """For what has come just before SIGHUP may stay."""
        def said():
            daemon.process.send_signal(signal.SIGHUP)
            return self.says_somewhere(info_hash) == {says}
        wait_until(said, "what came through pipes to be forgotten", pause=0.2)

    def until_it_says(self, daemon, pattern):
        said = ""
        while not re.search(pattern, said):
            said += daemon.wait_for_error_line()

    def says_somewhere(self, info_hash):
        answers = set()
        for tracker in self.trackers:
            try:
                tracker.announce(Announce(info_hash[:20], 6881))
                answers.add("")
            except TrackerError as error:
                answers.add(str(error))
        return answers

    def peers(self, info_hash):
        """How many peers are known, by a scrape, which is no announce."""
        counts = [tracker.scrape([info_hash[:20]])[0] for tracker in self.trackers]
        return max(c.complete + c.incomplete for c in counts)


class Lists(AccessTest):
    def test_of_allowed_torrents_refuse_all_others(self):
        self.start("--whitelist", self.write("w", "# some\n", V1, V2))
        self.assertServed(V1, V2)
        self.assertRefused(OTHER)

    def test_of_refused_torrents_allow_all_others(self):
        self.start("--blacklist", self.write("b", V1, V2))
        self.assertRefused(V1, V2)
        self.assertServed(OTHER)

    def test_may_be_both(self):
        self.start("--whitelist", self.write("w", V1, OTHER), "--blacklist", self.write("b", V1))
        self.assertServed(OTHER)
        self.assertRefused(V1, V2)

    def test_are_read_again_when_they_change(self):
        self.start("--blacklist", self.write("b", V1), *SOON)
        self.assertRefused(V1)
        self.assertServed(OTHER)
        self.write("b", OTHER)
        self.untilServed(V1)
        self.assertRefused(OTHER)

    def test_are_read_again_on_sighup_only_where_that_is_wanted(self):
        daemon = self.start("--whitelist", self.write("w", V1), "--list-check-interval", "0")
        self.write("w", OTHER)
        time_passes = [self.says_somewhere(V1) for _ in range(50)]
        self.assertEqual(time_passes, [{""}] * 50)
        daemon.process.send_signal(signal.SIGHUP)
        self.untilServed(OTHER)
        self.assertRefused(V1)

    def test_stay_when_their_file_cannot_be_read_any_more(self):
        daemon = self.start("--whitelist", self.write("w", V1), "--list-check-interval", "0")
        os.unlink(self.path("w"))
        daemon.process.send_signal(signal.SIGHUP)
        self.assertRegex(daemon.wait_for_error_line(), "musterd: warning: whitelist: cannot read '.*/w'")
        self.assertServed(V1)
        os.mkdir(self.path("w"))
        daemon.process.send_signal(signal.SIGHUP)
        self.assertRegex(daemon.wait_for_error_line(), "musterd: warning: whitelist: .*not a plain file")
        self.assertServed(V1)
        os.rmdir(self.path("w"))
        self.write("w", OTHER)
        daemon.process.send_signal(signal.SIGHUP)
        self.untilServed(OTHER)
        self.assertEqual(daemon.stop()[0], 0)

    def test_take_the_swarms_of_what_they_refuse(self):
        self.write("b")
        self.start("--blacklist", self.path("b"), *SOON)
        self.assertServed(V1, OTHER)
        self.assertEqual(self.peers(V1), 1)
        self.write("b", V1)
        wait_until(lambda: self.peers(V1) == 0, "its peers to be gone")
        self.assertEqual(self.peers(OTHER), 1)
        self.write("b", OTHER)
        self.untilRefused(OTHER)
        self.assertEqual(self.peers(V1), 0)
        self.assertServed(V1)

    def test_hide_the_swarms_of_what_they_refuse_where_that_is_wanted(self):
        self.write("b")
        self.start("--blacklist", self.path("b"), "--no-forget-refused", *SOON)
        self.assertServed(V1, OTHER)
        self.write("b", V1)
        wait_until(lambda: self.peers(V1) == 0, "its peers to be hidden")
        self.write("b", OTHER)
        self.untilRefused(OTHER)
        self.assertEqual((self.peers(V1), self.peers(OTHER)), (1, 0))

    def test_must_be_there_at_the_start(self):
        for name in ("whitelist", "blacklist", "allowed-ips", "banned-ips"):
            result = run(*BOTH, f"--{name}", self.path("none"))
            self.assertComplains(result, 1, f"{name}: cannot read '.*/none': No such file")
        self.assertComplains(run(*BOTH, "--whitelist", self.folder), 1, "not a plain file")

    def test_need_not_be_there_where_that_is_wanted(self):
        self.start("--whitelist", self.path("w"), "--no-require-lists", *SOON)
        self.assertRefused(V1)
        self.write("w", V1)
        self.untilServed(V1)

    def test_with_bad_lines_are_warned_of(self):
        daemon = self.start("--whitelist", self.write("w", V1, "nonsense\n", V2, V1.hex() + "0\n"))
        self.assertServed(V1, V2)
        self.assertRegex(daemon.stop()[1], r"w:2: not understood; 2 lines were passed over")

    def test_do_not_read_from_pipes_and_devices(self):
        os.mkfifo(self.path("fifo"))
        for path in (self.path("fifo"), "/dev/zero"):
            self.assertComplains(run(*BOTH, "--whitelist", path), 1, "not a plain file")

    def test_of_any_bytes_lose_only_the_bad_lines(self):
        bad = b"\0\n" + b"name \0 more\n" + V1.hex().encode()[:20] + b"\0" + V1.hex().encode()[20:] + b"\n"
        good = V1.hex().encode() + b" name \0 more\n" + OTHER.hex().encode() + b"\n"
        pathlib.Path(self.path("w")).write_bytes(b"# \0\n" + bad + good)
        daemon = self.start("--whitelist", self.path("w"))
        self.assertServed(V1, OTHER)
        self.assertRefused(V2)
        self.assertRegex(daemon.stop()[1], r"w:2: not understood; 3 lines were passed over")

    def test_are_read_again_when_they_are_there_again(self):
        daemon = self.start("--whitelist", self.write("w", V1), *SOON)
        os.unlink(self.path("w"))
        os.mkdir(self.path("w"))
        self.until_it_says(daemon, "musterd: warning: whitelist: .*not a plain file\n")
        self.assertServed(V1)
        os.rmdir(self.path("w"))
        self.write("w", OTHER)
        self.untilServed(OTHER)
        self.assertRefused(V1)
        self.assertEqual(daemon.stop()[1].count("not a plain file"), 1)

    def test_that_are_gone_or_out_of_reach_are_told_of_once(self):
        os.mkdir(self.path("folder"))
        ips = self.file("", "folder/ips")
        daemon = self.start("--whitelist", self.write("w", V1), "--banned-ips", ips, "--log-level", "info", *SOON)
        for _ in range(2):
            os.unlink(self.path("w"))
            self.until_it_says(daemon, "warning: whitelist: cannot read '.*/w': No such file or directory\n")
            self.assertServed(V1)
            self.write("w", V1)
            self.until_it_says(daemon, "whitelist: .*/w can be read again\n")
        os.rename(self.path("folder"), self.path("away"))
        os.close(os.open(self.path("folder"), os.O_CREAT))
        self.until_it_says(daemon, "warning: banned-ips: cannot read '.*/ips': (Not a directory|No such file)")
        self.assertServed(V1)
        os.unlink(self.path("folder"))
        os.rename(self.path("away"), self.path("folder"))
        self.until_it_says(daemon, "banned-ips: .*/ips can be read again\n")  # though it is as it was
        self.assertServed(V1)
        said = daemon.stop()[1]
        self.assertEqual((said.count("warning: whitelist"), said.count("w can be read again")), (2, 2))
        self.assertEqual((said.count("warning: banned-ips"), said.count("ips can be read again")), (1, 1))

    def test_are_tried_again_after_a_trouble_that_passes(self):
        ips = self.file("", "ips")
        daemon = self.start("--blacklist", self.write("b", V1), "--banned-ips", ips, *SOON)
        self.assertRefused(V1)
        del self.trackers[1:]  # HTTP needs files too
        pid = daemon.process.pid
        limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limit[1]))
        self.write("b", OTHER)
        self.until_it_says(daemon, "warning: blacklist: cannot read '.*/b': Too many open files\n")
        self.assertRefused(V1)
        self.assertServed(OTHER)
        os.rename(self.file("127.0.0.2\n", "new"), ips)
        self.until_it_says(daemon, "warning: banned-ips: cannot read '.*Too many open files\n")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
        self.untilRefused(OTHER)
        self.assertServed(V1)
        self.assertEqual(daemon.stop()[1].count("': Too many"), 2)  # told once, tried often


class Addresses(AccessTest):
    def test_that_are_banned_are_refused(self):
        self.start("--banned-ips", self.file("# local\n127.0.0.0/8 loopback\n", "ips"), *SOON)
        self.assertRefused(V1, reason=NOT_YOU)
        with self.assertRaisesRegex(TrackerError, NOT_YOU):
            self.trackers[1].scrape([V1])  # by HTTP; a UDP answer has less room than the question
        os.rename(self.file("192.0.2.0-192.0.2.9\n", "new"), self.path("ips"))
        self.untilServed(V1)

    def test_that_are_not_allowed_are_refused(self):
        self.start("--allowed-ips", self.file("192.0.2.0/24\n", "ips"), *SOON)
        self.assertRefused(V1, reason=NOT_YOU)
        os.rename(self.file("192.0.2.0/24\n127.0.0.1\n", "new"), self.path("ips"))
        self.untilServed(V1)


class Pipes(AccessTest):
    def test_are_made_and_change_the_whitelist_at_once(self):
        self.start("--whitelist", self.write("w", V1), "--whitelist-add-fifo", self.path("add"),
                   "--whitelist-delete-fifo", self.path("delete"))
        self.assertTrue(stat.S_ISFIFO(os.stat(self.path("add")).st_mode))
        self.assertRefused(OTHER)
        self.pipe("add", V2, OTHER)
        self.untilServed(OTHER)
        self.assertServed(V1, V2)
        self.pipe("delete", V1)
        self.untilRefused(V1)
        self.assertServed(V2, OTHER)

    def test_change_the_blacklist_at_once_and_take_swarms(self):
        self.start("--blacklist-add-fifo", self.path("add"), "--blacklist-delete-fifo", self.path("delete"))
        self.assertServed(V1, OTHER)
        self.assertEqual(self.peers(V1), 1)
        self.pipe("add", V1)
        wait_until(lambda: self.peers(V1) == 0, "its peers to be gone")
        self.assertRefused(V1)
        self.assertServed(OTHER)
        self.pipe("delete", V1)
        self.untilServed(V1)

    def test_may_be_written_to_in_any_pieces(self):
        self.start("--blacklist-add-fifo", self.path("add"))
        with open(self.path("add"), "wb", buffering=0) as pipe:
            for byte in b"nonsense\n" + V1.hex().encode() + b" comment\n":
                pipe.write(bytes([byte]))
        self.untilRefused(V1)

    def test_are_forgotten_on_hangup(self):
        daemon = self.start("--blacklist", self.write("b", V1), "--blacklist-add-fifo", self.path("add"),
                            "--blacklist-delete-fifo", self.path("delete"))
        self.pipe("add", OTHER)
        self.pipe("delete", V1)
        self.untilRefused(OTHER)
        self.untilServed(V1)
        self.hang_up_until(daemon, "", OTHER)
        self.hang_up_until(daemon, REFUSED, V1)

    def test_stay_when_the_file_is_read_again_because_it_has_changed(self):
        daemon = self.start("--blacklist", self.write("b", V1), "--blacklist-add-fifo", self.path("add"),
                            "--blacklist-delete-fifo", self.path("delete"), *SOON)
        self.pipe("add", OTHER)
        self.pipe("delete", V1)
        self.untilRefused(OTHER)
        self.untilServed(V1)
        self.write("b", V1, V2)
        self.untilRefused(V2)
        self.assertRefused(OTHER)
        self.assertServed(V1)
        self.hang_up_until(daemon, "", OTHER)
        self.assertRefused(V1, V2)

    def test_stay_when_they_come_right_after_a_hangup(self):
        daemon = self.start("--blacklist", self.write("b"), "--blacklist-add-fifo", self.path("add"),
                            "--log-level", "info")
        for number in range(50):
            change = number.to_bytes(20, "big")
            daemon.process.send_signal(signal.SIGHUP)
            self.pipe("add", change)
            said = ""
            while not ("blacklist: 1 added" in said and re.search(r"b has \d+ torrents", said)):
                said += daemon.wait_for_error_line()
            self.assertRefused(change)

    def test_of_a_list_without_a_file_are_forgotten_on_hangup(self):
        daemon = self.start("--blacklist-add-fifo", self.path("add"))
        self.pipe("add", V1)
        self.untilRefused(V1)
        self.hang_up_until(daemon, "", V1)
        daemon = self.start("--whitelist-add-fifo", self.path("white"))
        self.pipe("white", V1)
        self.untilServed(V1)
        self.hang_up_until(daemon, REFUSED, V1)

    def test_survive_a_restart_where_that_is_wanted(self):
        keep = "# keep this\n"
        options = ["--blacklist", self.write("b", keep, V1, V2), "--blacklist-add-fifo", self.path("add"),
                   "--blacklist-delete-fifo", self.path("delete"), "--save-list-changes", *SOON]
        os.chmod(self.path("b"), 0o640)
        daemon = self.start(*options)
        self.pipe("add", OTHER)
        self.pipe("delete", V1)
        self.untilRefused(OTHER)
        self.untilServed(V1)
        wait_until(lambda: OTHER.hex() in pathlib.Path(self.path("b")).read_text(), "the file to have it")
        wait_until(lambda: V1.hex() not in pathlib.Path(self.path("b")).read_text(), "the file to be without it")
        self.pipe("add", V1)  # saved at the end, at the latest
        self.untilRefused(V1)
        self.assertEqual(daemon.stop()[0], 0)
        text = pathlib.Path(self.path("b")).read_text()
        self.assertEqual(text, keep + V2.hex() + "\n" + OTHER.hex() + "\n" + V1.hex() + "\n")
        self.assertEqual(stat.S_IMODE(os.stat(self.path("b")).st_mode), 0o640)
        self.assertEqual(sorted(os.listdir(self.folder)), ["add", "b", "delete"])
        self.start(*options)
        self.assertRefused(V1, V2, OTHER)

    def test_survive_a_restart_in_the_file_that_a_link_leads_to(self):
        os.mkdir(self.path("real"))
        os.symlink("real/b", self.path("b"))
        self.write("real/b", "# \0 \n", V1)
        self.start("--blacklist", self.path("b"), "--blacklist-add-fifo", self.path("add"), "--save-list-changes",
                   *SOON)
        self.pipe("add", OTHER)
        text = f"# \0 \n{V1.hex()}\n{OTHER.hex()}\n"
        wait_until(lambda: pathlib.Path(self.path("real/b")).read_text() == text, "the file to have it")
        self.assertTrue(os.path.islink(self.path("b")))
        self.assertEqual(os.listdir(self.path("real")), ["b"])
        self.assertRefused(V1, OTHER)

    def test_are_not_saved_into_a_list_that_somebody_is_writing(self):
        hashes = [number.to_bytes(20, "big") for number in range(1000)]
        lines = [h.hex() + "\n" for h in hashes]
        daemon = self.start("--whitelist", self.write("w", *lines), "--whitelist-add-fifo", self.path("add"),
                            "--blacklist", self.write("b"), "--blacklist-add-fifo", self.path("other"),
                            "--save-list-changes", "--list-check-interval", "1h")
        with open(self.path("w"), "w", encoding="utf-8") as writer:
            writer.writelines(lines[:300])
            writer.flush()
            self.pipe("add", V1)
            self.untilServed(V1)
            self.pipe("other", OTHER)  # which is to be saved later
            wait_until(lambda: os.stat(self.path("b")).st_size > 0, "the other list to be saved")
            writer.writelines(lines[300:])
        self.assertServed(V1, hashes[999])
        self.assertEqual(daemon.stop()[0], 0)
        self.assertEqual(pathlib.Path(self.path("w")).read_text(), "".join(lines) + V1.hex() + "\n")

    def test_are_saved_on_top_of_what_somebody_wrote(self):
        for interval, reads in (("20ms", True), ("0", False)):
            daemon = self.start("--whitelist", self.write("w", V1), "--whitelist-add-fifo", self.path("add"),
                                "--save-list-changes", "--list-check-interval", interval)
            pathlib.Path(self.path("w")).write_text(V2.hex() + "\n")
            self.pipe("add", OTHER)
            self.untilServed(OTHER)
            wait_until(lambda: pathlib.Path(self.path("w")).read_text() == f"{V2.hex()}\n{OTHER.hex()}\n",
                       "the file to have both")
            if reads:
                self.untilServed(V2)
                self.assertRefused(V1)
            else:
                self.assertServed(V1)
                self.assertRefused(V2)
                daemon.process.send_signal(signal.SIGHUP)
                self.untilServed(V2)
            self.assertServed(OTHER)
            self.assertEqual(daemon.stop()[0], 0)

    def test_survive_a_restart_that_comes_at_once(self):
        for i in range(10):
            daemon = self.start("--blacklist", self.write("b", V1), "--blacklist-add-fifo", self.path("add"),
                                "--save-list-changes")
            self.pipe("add", OTHER)
            self.assertEqual(daemon.stop()[0], 0)
            self.assertEqual(pathlib.Path(self.path("b")).read_text(), f"{V1.hex()}\n{OTHER.hex()}\n", i)

    def test_make_no_file_of_their_own_in_the_place_of_a_list_that_is_gone(self):
        options = ["--blacklist", self.write("b", V1), "--blacklist-add-fifo", self.path("add"),
                   "--save-list-changes", *SOON]
        daemon = self.start(*options)
        os.unlink(self.path("b"))
        self.pipe("add", OTHER)
        self.untilRefused(OTHER)
        self.until_it_says(daemon, "error: blacklist: cannot read '.*/b': No such file")
        self.assertFalse(os.path.exists(self.path("b")))
        self.assertRefused(V1)
        self.write("b", V1, V2)
        self.untilRefused(V2)
        self.assertRefused(V1, OTHER)
        wait_until(lambda: OTHER.hex() in pathlib.Path(self.path("b")).read_text(), "the file to have it")
        os.unlink(self.path("b"))
        self.pipe("add", bytes(20))
        self.untilRefused(bytes(20))
        self.assertRegex(daemon.stop()[1], "error: blacklist: 1 changes could not be saved and are lost\n")

    def when_written(self, path):
        """When the file was begun, where the system knows that, and when it took its place."""
        result = subprocess.run(["stat", "-c", "%.9W %.9Z", path], capture_output=True, text=True, check=True)
        begin, end = map(float, result.stdout.replace("-", "0").split())
        return begin or end, end

    def test_of_a_large_list_are_in_force_at_once_and_saved_now_and_then(self):
        count = 100_000 if os.environ.get("MUSTER_SANITIZED") == "1" else 1_000_000
        digits = os.urandom(20 * count).hex()
        self.write("b", *(digits[i:i + 40] + "\n" for i in range(0, len(digits), 40)))
        self.start("--blacklist", self.path("b"), "--blacklist-add-fifo", self.path("add"), "--save-list-changes")
        times = []
        for number in range(3):
            before = os.stat(self.path("b")).st_ino
            change = number.to_bytes(20, "big")
            self.pipe("add", change)
            self.untilRefused(change)
            wait_until(lambda: os.stat(self.path("b")).st_ino != before, "the list to be saved")
            times.append(self.when_written(self.path("b")))
        # It rests for twenty times as long as it took, by clocks of the system that go by ticks.
        for (begin, end), (_, next_end) in zip(times, times[1:]):
            self.assertGreater(next_end - end, 20 * (end - begin) - 0.5)

    def test_are_not_saved_otherwise(self):
        daemon = self.start("--blacklist", self.write("b", V1), "--blacklist-add-fifo", self.path("add"))
        self.pipe("add", OTHER)
        self.untilRefused(OTHER)
        daemon.stop()
        self.assertEqual(pathlib.Path(self.path("b")).read_text(), V1.hex() + "\n")

    def test_end_a_line_with_their_writer(self):
        self.start("--blacklist-add-fifo", self.path("add"))
        for info_hash in (V1, OTHER):
            with open(self.path("add"), "wb", buffering=0) as pipe:
                pipe.write(info_hash.hex().encode()[:20])
                pipe.write(info_hash.hex().encode()[20:40])
            self.untilRefused(info_hash)

    def test_take_no_time_without_a_writer(self):
        daemon = self.start("--blacklist-add-fifo", self.path("add"), "--blacklist-delete-fifo", self.path("delete"))
        self.pipe("add", V1)
        self.untilRefused(V1)  # so that its writer is known to be gone
        spent = lambda: sum(map(int, pathlib.Path(f"/proc/{daemon.process.pid}/stat").read_text().split()[13:15]))
        begin, before = time.monotonic(), spent()
        wait_until(lambda: time.monotonic() - begin > 1, "a second to pass")
        self.assertLess(spent() - before, os.sysconf("SC_CLK_TCK") // 4)

    def write_soon(self, name, *hashes):
        """Writes when somebody reads."""
        def opened():
            try:
                return os.open(self.path(name), os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                self.assertIn(error.errno, (errno.ENXIO, errno.ENOENT))
        with open(wait_until(opened, "a reader"), "wb", buffering=0) as pipe:
            pipe.write(b"".join(h.hex().encode() + b"\n" for h in hashes))

    def test_that_take_the_place_of_others_are_used(self):
        daemon = self.start("--blacklist-add-fifo", self.path("add"), "--log-level", "info", *SOON)
        for before, after in ((V1, V2), (OTHER, bytes(20))):
            with open(self.path("add"), "wb", buffering=0) as pipe:
                pipe.write(before.hex().encode()[:40])
                os.unlink(self.path("add"))
                os.mkfifo(self.path("add"), 0o600)
                self.write_soon("add", after)
                self.untilRefused(after)
                self.assertRefused(before)
        self.assertEqual(daemon.stop()[1].count("/add' is another one"), 2)

    def test_that_cannot_be_made_are_made_when_they_can(self):
        daemon = self.start("--blacklist-add-fifo", self.path("later/add"), *SOON)
        self.assertRegex(daemon.wait_for_error_line(), "error: blacklist: cannot use the pipe '.*': No such file")
        os.mkdir(self.path("later"))
        self.write_soon("later/add", V1)
        self.untilRefused(V1)
        self.assertEqual(daemon.stop()[1].count("error"), 1)

    def test_that_are_something_else_are_told_and_not_used(self):
        daemon = self.start("--blacklist-add-fifo", self.write("file", V1))
        self.assertServed(V1)
        self.assertRegex(daemon.stop()[1], "error: blacklist: cannot use the pipe '.*/file': it is no named pipe")


class Hangup(AccessTest):
    def test_does_not_end_it(self):
        daemon = self.start()
        for _ in range(3):
            daemon.process.send_signal(signal.SIGHUP)
        self.assertServed(V1)
        self.assertEqual(daemon.stop(), (0, ""))

    def while_it_starts(self, *options):
        """A musterd that reads its configuration file, and the end of that to write into."""
        os.mkfifo(self.path("conf"))
        process = subprocess.Popen([musterd_test.MUSTERD, "--config", self.path("conf"), *options],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   # Under nohup it would be ignored.
                                   preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process, open(self.path("conf"), "w", encoding="utf-8")

    def test_does_not_end_it_while_it_starts(self):
        process, conf = self.while_it_starts("--http", "127.0.0.1:0")
        with conf:
            for number in (signal.SIGHUP, signal.SIGALRM, signal.SIGPIPE):
                process.send_signal(number)
            conf.write("workers = 1\n")
        self.assertRegex(process.stdout.readline(), "listening on http://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(musterd_test.TIMEOUT), 0)

    def test_ends_what_is_no_daemon(self):
        process, conf = self.while_it_starts("--check-config")
        with conf:
            process.send_signal(signal.SIGHUP)
            self.assertEqual(process.wait(musterd_test.TIMEOUT), -signal.SIGHUP)


class Proxies(AccessTest):
    def announce_for(self, address, header, port):
        query = self.trackers[1].query(Announce(V1, port))
        return http(address, f"GET /announce?{query} HTTP/1.1\r\n{header}\r\nConnection: close\r\n\r\n")

    def peer_seen(self, options, header):
        """The address that a peer is known by."""
        daemon = self.start(*options)
        self.announce_for(daemon.address(1), header, 7000)
        return [peer[0] for peer in self.trackers[1].announce(Announce(V1, 7001)).peers]

    def test_that_are_trusted_say_who_the_client_is(self):
        header = "X-Forwarded-For: 203.0.113.9, 198.51.100.7, 127.0.0.5"
        self.assertEqual(self.peer_seen(["--trusted-proxy", "127.0.0.0/8"], header), ["198.51.100.7"])

    def test_that_are_not_trusted_are_not_believed(self):
        for options in ([], ["--trusted-proxy", "192.0.2.1"]):
            self.assertEqual(self.peer_seen(options, "X-Forwarded-For: 198.51.100.7"), ["127.0.0.1"])

    def test_are_believed_in_the_header_they_write_only(self):
        header = "X-Forwarded-For: 203.0.113.1\r\nForwarded: for=198.51.100.7"
        trusted = ["--trusted-proxy", "127.0.0.1"]
        self.assertEqual(self.peer_seen([*trusted, "--proxy-header", "forwarded"], header), ["198.51.100.7"])
        self.assertEqual(self.peer_seen(trusted, header), ["203.0.113.1"])


def root_s_address():
    """An address and port of this machine's own that only root may bind."""
    host = "127.%d.%d.1" % divmod(os.getpid() % 65536, 256)
    for port in range(1, 1024):
        try:
            socket.create_server((host, port)).close()
            return f"{host}:{port}"
        except OSError:
            continue
    raise AssertionError("no port is free")


@unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
class Privileges(AccessTest):
    NOBODY = pwd.getpwnam("nobody")

    def ids(self, daemon):
        """User, group and groups of every thread."""
        return {(tuple(status["Uid"].split()), tuple(status["Gid"].split()), status["Groups"].strip())
                for status in self.threads(daemon).values()}

    def threads(self, daemon):
        """What the system says of every thread."""
        return {task.name: dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
                for task in pathlib.Path(f"/proc/{daemon.process.pid}/task").iterdir()}

    def four(self, number):
        return (str(number),) * 4

    def test_are_given_up_for_a_user_and_its_group(self):
        daemon = self.start("--user", "nobody", preexec_fn=lambda: os.setgroups([0, 4, 27]))
        self.assertServed(V1)
        self.assertEqual(self.ids(daemon), {(self.four(self.NOBODY.pw_uid), self.four(self.NOBODY.pw_gid), "")})

    def test_are_given_up_for_numbers_and_another_group(self):
        daemon = self.start("--user", "12345", "--group", "23456")
        self.assertServed(V1)
        self.assertEqual(self.ids(daemon), {(self.four(12345), self.four(23456), "")})
        daemon = self.start("--user", "nobody", "--group", "daemon")
        self.assertEqual(self.ids(daemon), {(self.four(self.NOBODY.pw_uid), self.four(1), "")})

    def test_are_given_up_by_every_thread_and_do_not_come_back(self):
        os.chmod(self.folder, 0o755)
        daemon = self.start("--user", "nobody", "--root-directory", self.folder, "--syslog-completed",
                            "--access-log", self.path("log"), "--nat-check", "1", "--nat-check-local",
                            preexec_fn=lambda: os.setgroups([0, 4, 27]), env=CONFINED)
        self.assertServed(V1)
        fields = ("Uid", "Gid", "Groups", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs")
        none = "0" * 16
        ours = ("\t".join(self.four(self.NOBODY.pw_uid)), "\t".join(self.four(self.NOBODY.pw_gid)), "",
                none, none, none, "1")
        threads = self.threads(daemon)
        self.assertGreater(len(threads), 3)  # the main one, two workers, and those beside them
        for name, status in threads.items():
            self.assertEqual(tuple(status[field].strip() for field in fields), ours, name)

    def test_are_kept_where_nobody_says_so(self):
        self.assertEqual({ids[0] for ids in self.ids(self.start())}, {self.four(0)})

    def test_are_never_kept_by_mistake(self):
        for options, pattern in ((["--user", "root"], "'root' is root"), (["--user", "0"], "'0' is root"),
                                 (["--user", "no-such-user"], "there is no user 'no-such-user'"),
                                 (["--user", "nobody", "--group", "no-such-group"], "there is no group"),
                                 (["--group", "daemon"], "there is no user to become")):
            self.assertComplains(run(*BOTH, *options), 2, pattern)
        result = run(*BOTH, "--user", "nobody", "--root-directory", self.path("none"))
        self.assertComplains(result, 1, "cannot go into '.*/none'")

    def test_are_given_up_after_binding_and_lists_are_read_after_it(self):
        os.chmod(self.folder, 0o755)
        self.write("w", V1)
        daemon = self.start("--user", "nobody", "--root-directory", self.folder, "--whitelist", "/w",
                            "--http", root_s_address(), listeners=3, env=CONFINED)
        self.assertEqual(os.readlink(f"/proc/{daemon.process.pid}/root"), os.path.realpath(self.folder))
        self.assertServed(V1)
        self.assertRefused(OTHER)
        self.write("w", OTHER)
        daemon.process.send_signal(signal.SIGHUP)
        self.untilServed(OTHER)
        self.assertRefused(V1)

    def test_leave_paths_that_begin_with_the_root_directory_understood(self):
        os.chmod(self.folder, 0o755)
        daemon = self.start("--user", "nobody", "--root-directory", self.folder + "/",
                            "--whitelist", self.write("w", V1), env=CONFINED)
        self.assertServed(V1)
        self.assertRefused(OTHER)
        self.assertEqual(daemon.stop()[0], 0)

    def own_folder(self, name, owner):
        os.chmod(self.folder, 0o755)
        os.mkdir(self.path(name), 0o755)
        os.chown(self.path(name), owner, owner)

    def log_to(self, path, *options):
        """A daemon that becomes nobody and has written a line."""
        daemon = self.start("--user", "nobody", "--access-log", path, "--access-log-flush-interval", "0", *options,
                            env=CONFINED)
        self.assertServed(V1)
        self.has_line(path)
        return daemon

    def has_line(self, path, text="GET /"):
        wait_until(lambda: os.path.exists(path) and text in pathlib.Path(path).read_text(), "a line")

    def owner(self, path):
        return os.stat(path).st_uid

    def test_are_used_for_a_log_only_where_nobody_else_can_have_prepared_it(self):
        nobody = self.NOBODY.pw_uid
        self.own_folder("its", nobody)
        self.own_folder("root's", 0)
        secret, missing = self.file("secret\n", "root's/secret"), self.path("root's/missing")
        os.chmod(secret, 0o600)
        os.symlink(secret, self.path("its/link"))
        os.symlink(missing, self.path("its/link-to-nothing"))
        os.symlink(self.path("root's"), self.path("its/way"))
        os.link(secret, self.path("root's/second"))
        os.mkfifo(self.path("root's/pipe"), 0o600)
        os.chmod(self.file("", "root's/another's"), 0o600)
        os.chown(self.path("root's/another's"), 12345, 0)
        may_change = "others may change '.*/its'"
        for name, reason in (("its/link", may_change), ("its/link-to-nothing", may_change),
                             ("its/way/secret", may_change), ("its/way/missing", may_change),
                             ("root's/second", "it is not a regular file with one name"),
                             ("root's/another's", "it belongs to somebody else")):
            with self.subTest(name=name):
                result = run(*BOTH, "--user", "nobody", "--access-log", self.path(name))
                self.assertComplains(result, 2, "access-log: cannot write '.*' as the user to become, "
                                                "and will not as root: " + reason)
        result = run(*BOTH, "--user", "nobody", "--access-log", self.path("root's/pipe"))  # nobody reads it
        self.assertComplains(result, 2, "access-log: cannot write '.*pipe': No such device or address")
        self.assertEqual((pathlib.Path(secret).read_text(), self.owner(secret)), ("secret\n", 0))
        self.assertFalse(os.path.exists(missing))

    def test_do_not_lead_a_log_through_a_link_in_a_sticky_directory(self):
        self.own_folder("tmp", 0)
        os.chmod(self.path("tmp"), 0o1777)
        self.own_folder("root's", 0)
        os.symlink(self.path("root's/log"), self.path("tmp/log"))
        result = run(*BOTH, "--user", "nobody", "--access-log", self.path("tmp/log"))
        self.assertComplains(result, 2, "'.*/tmp/log' is a link that others may have made")
        self.assertEqual(os.listdir(self.path("root's")), [])

    def test_make_a_log_where_the_user_may_not_and_give_it_away(self):
        self.own_folder("root's", 0)
        os.symlink("root's", self.path("way"))
        log = self.path("way/log")
        daemon = self.log_to(log)
        self.assertEqual(self.owner(log), self.NOBODY.pw_uid)
        # As logrotate does.
        os.rename(log, self.path("old"))
        os.chown(self.file("", "root's/log"), self.NOBODY.pw_uid, -1)
        daemon.process.send_signal(signal.SIGHUP)
        self.has_line(log, "# Log reopened: ")
        self.assertServed(V1)
        self.has_line(log)

    def test_leave_a_log_to_whom_it_belongs(self):
        self.own_folder("root's", 0)
        log = self.file("before\n", "root's/log")
        self.log_to(log)
        self.assertEqual(self.owner(log), 0)
        self.assertTrue(pathlib.Path(log).read_text().startswith("before\n# Log Started: "))

    def test_are_not_needed_for_the_user_s_own_log(self):
        self.own_folder("its", self.NOBODY.pw_uid)
        log = self.path("its/log")
        for confined in ([], ["--root-directory", self.folder]):
            daemon = self.log_to(log, *confined)
            self.assertEqual(self.owner(log), self.NOBODY.pw_uid)
            os.rename(log, self.path("old"))
            daemon.process.send_signal(signal.SIGHUP)
            self.has_line(log, "# Log reopened: ")
            self.assertServed(V1)
            self.has_line(log)
            self.assertEqual(daemon.stop()[0], 0)
            os.unlink(log)

    def test_leave_local_times_as_they_are_outside(self):
        os.chmod(self.folder, 0o755)
        east = 5 * 3600 + 30 * 60
        pathlib.Path(self.path("zone")).write_bytes(  # a file of tzfile(5) for a zone without changes
            struct.pack(">4s16x6l", b"TZif", 0, 0, 0, 0, 1, 4) + struct.pack(">lBB4s", east, 0, 0, b"IST"))
        os.mkdir(self.path("root"))
        daemon = self.start("--user", "nobody", "--root-directory", self.path("root"), "--access-log", "-",
                            "--access-log-flush-interval", "0", env={**CONFINED, "TZ": ":" + self.path("zone")})
        before = time.time()
        self.assertServed(V1)
        line = daemon.wait_for_output(lambda data: b"]" in data)
        text = re.search(r"\[(.*?)\]", line)[1]
        said = calendar.timegm(time.strptime(text, "%d/%b/%Y:%H:%M:%S"))
        self.assertTrue(int(before) <= said - east <= time.time(), text)

    def test_do_not_read_lists_with_rights_that_are_gone(self):
        os.chmod(self.folder, 0o755)
        os.chmod(self.write("w", V1), 0o600)
        result = run(*BOTH, "--user", "nobody", "--whitelist", self.path("w"))
        self.assertComplains(result, 1, "cannot read '.*/w': Permission denied")

    def test_need_no_more_than_to_read_from_a_pipe(self):
        os.chmod(self.folder, 0o755)
        os.mkfifo(self.path("add"))
        os.chmod(self.path("add"), 0o644)
        self.start("--user", "nobody", "--blacklist-add-fifo", self.path("add"))
        self.pipe("add", V1)
        self.untilRefused(V1)

    def test_are_not_root_s_for_anybody_else(self):
        os.chmod(self.folder, 0o755)
        self.write("w", V1)
        daemon = self.start("--user", "nobody", "--root-directory", self.folder, "--whitelist", "w",
                            preexec_fn=lambda: os.setuid(12345))
        self.assertServed(V1)
        self.assertEqual({ids[0] for ids in self.ids(daemon)}, {self.four(12345)})
        self.assertEqual(os.readlink(f"/proc/{daemon.process.pid}/cwd"), os.path.realpath(self.folder))


if __name__ == "__main__":
    unittest.main()
