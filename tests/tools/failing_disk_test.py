# SPDX-License-Identifier: Apache-2.0
"""Programs on a disk that fails, at every single call that changes a file: what they leave is a correct state or the one before, and
they say what happened.

failing_disk_test.py FAILING_DISK MUSTERD MUSTER-DFILE [unittest options]
"""
import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
LIBRARY, MUSTERD, DFILE = sys.argv[1:4]
del sys.argv[1:4]
os.environ["MUSTERD"] = MUSTERD
from daemon import Program  # noqa: E402
from tracker_client import Announce, UdpTracker  # noqa: E402

TIMEOUT = 60
MOST_CALLS = 300
SHORT = 0


class Test(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="muster-failing-disk-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.told = self.folder + ".told"

    def path(self, name):
        return os.path.join(self.folder, name)

    def content(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def faults(self, errors):
        """Environments for a run each, until a run makes no call that would fail. Its effect has to be seen before the next."""
        for error in errors:
            for for_good in (0, 1):
                if error == SHORT and for_good:
                    continue
                for n in range(1, MOST_CALLS):
                    if os.path.exists(self.told):
                        os.remove(self.told)
                    yield error, {**os.environ, "LD_PRELOAD": LIBRARY, "FAILING_DISK_AT": str(n),
                                  "FAILING_DISK_ERROR": str(error), "FAILING_DISK_FOR_GOOD": str(for_good),
                                  "FAILING_DISK_TOLD": self.told}
                    if not os.path.exists(self.told):
                        break
                else:
                    self.fail("a program does not end to write")
                self.assertGreater(n, 2, "there must have been something that fails")


class Tool(Test):
    def test_writes_a_whole_state_or_none_and_says_why(self):
        peers = b"".join(b"20:%020dd2:ip9:192.0.2.14:lefti0e4:porti%de13:requirecryptoi0e13:supportcryptoi0ee" % (p, p)
                         for p in range(1, 5000))
        with open(self.path("in"), "wb") as file:
            file.write(b"d9:completedd20:aaaaaaaaaaaaaaaaaaaai1ee5:peersd20:aaaaaaaaaaaaaaaaaaaad" + peers + b"eee")
        os.utime(self.path("in"), (1_700_000_000, 1_700_000_000))
        for to in ("muster", "bttrack"):
            subprocess.run([DFILE, "convert", "--to", to, "-o", self.path("good"), self.path("in")], check=True, timeout=TIMEOUT)
            good = self.content("good")
            os.remove(self.path("good"))
            for error, env in self.faults([errno.ENOSPC, errno.EIO, SHORT]):
                result = subprocess.run([DFILE, "convert", "--to", to, "-o", self.path("out"), self.path("in")], env=env,
                                        capture_output=True, text=True, timeout=TIMEOUT)
                if result.returncode == 0:
                    self.assertEqual(self.content("out"), good)
                    os.remove(self.path("out"))
                    if error != SHORT and os.path.exists(self.told):
                        self.fail("it failed, and nobody is told")
                else:
                    self.assertEqual(result.returncode, 1)
                    self.assertRegex(result.stderr, r"\Amuster-dfile: cannot [^\n]*(No space left on device|Input/output error)\n\Z")
                    if os.path.exists(self.path("out")):  # the folder alone could not be synced
                        self.assertEqual(self.content("out"), good)
                        os.remove(self.path("out"))
                    self.assertNotEqual(error, SHORT)
                self.assertEqual(os.listdir(self.folder), ["in"])


class Tracker(Test):
    INFO_HASHES = [bytes([n]) * 20 for n in range(5)]

    def start(self, env=None):
        command = [MUSTERD, "--dfile", self.path("state"), "--udp", "127.0.0.1:0", "--save-dfile-interval", "1d"]
        if env is None:
            return Program(command, ready=1)
        settings = ["%s=%s" % (name, env[name]) for name in env if name.startswith(("FAILING_DISK", "LD_PRELOAD"))]
        return Program(["/usr/bin/env", *settings, *command], ready=1)

    def peers(self, tracker):
        client = UdpTracker(tracker.urls["udp", 4])
        try:
            return [row.complete for row in client.scrape(self.INFO_HASHES)]
        finally:
            client.close()

    def announce(self, tracker, port):
        client = UdpTracker(tracker.urls["udp", 4])
        for info_hash in self.INFO_HASHES:
            client.announce(Announce(info_hash, port, left=0))
        client.close()

    def test_keeps_the_last_good_state_and_tells(self):
        with self.start() as tracker:
            self.announce(tracker, 1)
            self.assertEqual(tracker.stop(), 0)
        good = self.content("state")
        for error, env in self.faults([errno.ENOSPC, SHORT]):
            for name in os.listdir(self.folder):
                os.remove(self.path(name))
            with open(self.path("state"), "wb") as file:
                file.write(good)
            try:
                with self.start(env) as tracker:
                    self.assertEqual(self.peers(tracker), [1] * 5)
                    self.announce(tracker, 2)
                    status = tracker.stop()
                    said = tracker.lines
            except RuntimeError as reason:  # it did not start
                status, said = 1, [str(reason)]
            told = os.path.exists(self.told)
            if status != 0:
                self.assertTrue(any("No space left" in line for line in said), said)
            if error == SHORT:
                self.assertEqual(status, 0)
            with self.start() as again:
                found = self.peers(again)
                self.assertFalse(any("damaged" in line for line in again.lines), again.lines)
                self.assertEqual(again.stop(signal.SIGKILL), -signal.SIGKILL)
            self.assertIn(found, ([1] * 5, [2] * 5) if status != 0 and told else ([2] * 5,))


if __name__ == "__main__":
    unittest.main()
