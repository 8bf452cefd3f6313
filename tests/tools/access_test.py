# SPDX-License-Identifier: Apache-2.0
"""Who is served: musterd's access lists, named pipes, privileges and proxies, over HTTP and UDP.

access_test.py MUSTERD [unittest options]
"""
import os
import pathlib
import pwd
import signal
import socket
import stat
import sys
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

# For a musterd that is confined to a folder: LeakSanitizer cannot look for leaks without /proc, and fails.
CONFINED = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}

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
        self.assertComplains(run(*BOTH, "--whitelist", self.path("fifo")), 1, "not a plain file")


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

    def test_are_forgotten_when_the_file_is_read_again(self):
        daemon = self.start("--blacklist", self.write("b", V1), "--blacklist-add-fifo", self.path("add"))
        self.pipe("add", OTHER)
        self.untilRefused(OTHER)
        daemon.process.send_signal(signal.SIGHUP)
        self.untilServed(OTHER)
        self.assertRefused(V1)

    def test_of_a_list_without_a_file_are_forgotten_on_hangup(self):
        daemon = self.start("--blacklist-add-fifo", self.path("add"))
        self.pipe("add", V1)
        self.untilRefused(V1)
        daemon.process.send_signal(signal.SIGHUP)
        self.untilServed(V1)
        daemon = self.start("--whitelist-add-fifo", self.path("white"))
        self.pipe("white", V1)
        self.untilServed(V1)
        daemon.process.send_signal(signal.SIGHUP)
        self.untilRefused(V1)

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

    def test_are_not_saved_otherwise(self):
        daemon = self.start("--blacklist", self.write("b", V1), "--blacklist-add-fifo", self.path("add"))
        self.pipe("add", OTHER)
        self.untilRefused(OTHER)
        daemon.stop()
        self.assertEqual(pathlib.Path(self.path("b")).read_text(), V1.hex() + "\n")

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
        found = set()
        for task in pathlib.Path(f"/proc/{daemon.process.pid}/task").iterdir():
            lines = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
            found.add((tuple(lines["Uid"].split()), tuple(lines["Gid"].split()), lines["Groups"].strip()))
        return found

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

    def test_do_not_read_lists_with_rights_that_are_gone(self):
        os.chmod(self.folder, 0o755)
        os.chmod(self.write("w", V1), 0o600)
        result = run(*BOTH, "--user", "nobody", "--whitelist", self.path("w"))
        self.assertComplains(result, 1, "cannot read '.*/w': Permission denied")

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
