# SPDX-License-Identifier: Apache-2.0
"""Programs that embed a server leave nothing behind when they close it: no memory, no misuse of it, under valgrind.

test_leaks.py LISTENERS PROGRAM [OPTION]...: a program that says `listening on URL` for each of its listeners, and ends with
status 0 by SIGTERM.
"""

import os
import socket
import sys
import unittest

import daemon
import tracker_client
from tracker_client import Announce, COMPLETED, STARTED, STOPPED, TrackerError

VALGRIND = (
    "valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible",
    "--errors-for-leak-kinds=definite,indirect,possible", "--error-exitcode=99")
# valgrind is slow.
PATIENCE = 120
READY, COMMAND = int(sys.argv[1]), [*VALGRIND, *sys.argv[2:]]


def work(urls):
    """A little of everything; returns connections that are left in the middle of something."""
    left = []
    for url in urls:
        tracker = tracker_client.tracker_at(url)
        hashes = [os.urandom(20) for _ in range(5)]
        for info_hash in hashes:
            for port in range(1001, 1041):
                tracker.announce(Announce(info_hash, port, event=STARTED))
            for port in range(1001, 1031):
                tracker.announce(Announce(info_hash, port, event=COMPLETED, left=0))
            for port in range(1001, 1021):
                tracker.announce(Announce(info_hash, port, event=STOPPED, left=0))
        tracker.scrape(hashes)
        try:
            tracker.announce(Announce(hashes[0], 0))
        except TrackerError:
            pass
        if url.startswith("http:"):
            host, port = tracker.connection.host, tracker.connection.port
            for beginning in (b"", b"GET /announce?info_hash=", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 1000, b"\0" * 10000):
                connection = socket.create_connection((host, port))
                connection.sendall(beginning)
                left.append(connection)
            left.append(tracker.connection)
        else:
            for noise in (b"", b"\0" * 7, os.urandom(100)):
                tracker.socket.send(noise)
            left.append(tracker)
    return left


class Leaks(unittest.TestCase):
    def test_nothing_is_left_after_work_in_the_middle_of_more(self):
        with daemon.Program(COMMAND, READY, timeout=PATIENCE) as program:
            left = work(program.urls.values())
            status = program.stop(timeout=PATIENCE)
            for connection in left:
                connection.close()
            self.assertEqual(status, 0, "\n".join(program.lines))

    def test_nothing_is_left_without_any_work(self):
        with daemon.Program(COMMAND, READY, timeout=PATIENCE) as program:
            self.assertEqual(program.stop(timeout=PATIENCE), 0, "\n".join(program.lines))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
