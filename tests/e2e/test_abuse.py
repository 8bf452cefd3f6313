# SPDX-License-Identifier: Apache-2.0
"""What bad clients get: musterd stays up, serves the good ones meanwhile, and its memory and descriptors do not grow."""

import os
import random
import socket
import struct
import unittest

import daemon
import tracker_client
from daemon import wait_until
from tracker_client import Announce, STARTED

# Growth of resident memory that is noise: allocators keep some, pages are counted late. Sanitizers hoard what is freed.
NOISE_KIB = 8 * 1024 if os.environ.get("MUSTER_SANITIZED") != "1" else 1024 * 1024


def descriptors(musterd):
    return len(os.listdir("/proc/%d/fd" % musterd.process.pid))


def closed(connection):
    """Whether the server has ended the connection, however it did."""
    connection.setblocking(False)
    try:
        return connection.recv(65536) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def valid_udp_packets():
    """One good packet of each kind, but for the connection id."""
    announce = struct.pack(">QI4s20s20sQQQIIIiH", 1, 1, b"tran", b"h" * 20, b"p" * 20, 0, 1, 0, 2, 0, 0, -1, 1001)
    return (
        struct.pack(">QI4s", tracker_client.UDP_MAGIC, 0, b"tran"), announce + b"\2\x09/announce",
        struct.pack(">QI4s", 1, 2, b"tran") + b"h" * 20 * 74)


class Abuse(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(1)  # the same abuse in every run

    def start(self, *options, **more):
        musterd = daemon.Musterd(*options, **more)
        self.addCleanup(musterd.kill)
        return musterd

    def assert_serves(self, musterd):
        for url in musterd.urls.values():
            tracker = tracker_client.tracker_at(url)
            self.assertGreaterEqual(tracker.announce(Announce(b"good" * 5, 1001, event=STARTED)).incomplete, 1)
            tracker.close()

    def assert_does_not_grow(self, musterd, abuse):
        """`abuse()` a first time may fill pools and buffers; from then on, more of it costs nothing."""
        abuse()
        self.assert_serves(musterd)
        memory, files = musterd.resident_kib(), descriptors(musterd)
        for _ in range(3):
            abuse()
        self.assert_serves(musterd)
        self.assertLess(musterd.resident_kib() - memory, NOISE_KIB)
        wait_until(lambda: descriptors(musterd) <= files, "descriptors to be closed")
        self.assertEqual(musterd.stop(), 0)
        self.assertEqual(musterd.lines[musterd.lines_at_start :], [], "abuse can fill a disk with log lines")

    # UDP.

    def test_random_packets(self):
        musterd = self.start()
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(sender.close)

        def abuse():
            for _ in range(5000):
                sender.sendto(self.random.randbytes(self.random.choice((0, 1, 15, 16, 17, 36, 98, 1400, 9000))), address)

        address = musterd.address("udp", 4)
        self.assert_does_not_grow(musterd, abuse)

    def test_cut_and_damaged_packets_from_a_proven_sender(self):
        musterd = self.start()
        tracker = tracker_client.UdpTracker(musterd.urls["udp", 4])
        self.addCleanup(tracker.close)

        def abuse():
            tracker.connect()
            for packet in valid_udp_packets():
                packet = tracker.connection_id + packet[8:]
                for size in range(len(packet)):
                    tracker.socket.send(packet[:size])
                for _ in range(1000):
                    damaged = bytearray(packet)
                    # Not the info hash, or there would be a torrent more each time, and rightly so.
                    damaged[self.random.choice((*range(8, 12), *range(56, len(damaged))))] = self.random.randrange(256)
                    tracker.socket.send(damaged)

        self.assert_does_not_grow(musterd, abuse)

    # HTTP.

    def test_malformed_requests_get_an_error_or_the_door(self):
        musterd = self.start()
        requests = (
            b"\r\n" * 1000,
            b"\0" * 100,
            b"\xff" * 100,
            b"GET\r\n\r\n",
            b"GET /announce\r\n\r\n",
            b"GET /announce HTTP/9.9\r\n\r\n",
            b"GET  /announce HTTP/1.1\r\n\r\n",
            b"GET /announce?info_hash=%zz&port=1 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /announce?" + b"&" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /announce?" + b"info_hash=" * 500 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /announce HTTP/1.1\r\nHost\r\n\r\n",
            b"GET /announce HTTP/1.1\r\n: x\r\n\r\n",
            b"GET /announce HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            b"GET /announce HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
            b"GET /announce HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST /announce HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100000,
            b"POST /announce HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
            b"CONNECT 127.0.0.1:80 HTTP/1.1\r\n\r\n",
            b"GET http://127.0.0.1/announce HTTP/1.1\r\nHost: x\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
            b"\x13BitTorrent protocol" + b"\0" * 48,
        )

        def abuse():
            for request in requests:
                with self.subTest(request=request[:60]), socket.create_connection(address, timeout=20) as s:
                    answer = b""
                    try:
                        s.sendall(request)
                        s.shutdown(socket.SHUT_WR)
                        while more := s.recv(65536):
                            answer += more
                    except ConnectionError:
                        pass
                    if answer:
                        self.assertRegex(answer, rb"^HTTP/1.[01] (4\d\d|501|505) |d14:failure reason")

        address = musterd.address("http", 4)
        for _ in range(10):
            abuse()  # not only once before the memory is looked at
        self.assert_does_not_grow(musterd, abuse)

    def test_a_huge_request_is_refused_before_it_is_read(self):
        musterd = self.start("--http-max-request-bytes", "4096")
        address = musterd.address("http", 4)

        def send(request):
            with socket.create_connection(address, timeout=20) as s:
                try:
                    s.sendall(request)
                    return s.recv(65536)
                except ConnectionError:
                    return b""

        def abuse():
            for filler in (b"/" + b"x" * 10_000_000, b"/ HTTP/1.1\r\nX: " + b"x" * 10_000_000,
                           b"/ HTTP/1.1\r\n" + b"X: y\r\n" * 1_000_000):
                self.assertIn(send(b"GET " + filler)[:12], (*too_long, b""))

        too_long = (b"HTTP/1.1 414", b"HTTP/1.1 431")
        self.assertIn(send(b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n")[:12], too_long)
        self.assertEqual(send(b"GET /" + b"x" * 3000 + b" HTTP/1.1\r\n\r\n")[:12], b"HTTP/1.1 404")
        self.assert_does_not_grow(musterd, abuse)

    def test_slow_senders_and_idle_connections_are_closed_in_time(self):
        musterd = self.start("--http-request-timeout", "1s", "--http-idle-timeout", "2s", listeners=[("http", "127.0.0.1:0")])
        address = musterd.address("http", 4)
        silent = [socket.create_connection(address) for _ in range(20)]
        slow = [socket.create_connection(address) for _ in range(20)]
        idle = [socket.create_connection(address, timeout=20) for _ in range(20)]
        for connection in idle:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertRegex(connection.recv(65536), b"^HTTP/1.1 404")
        waiting = set(silent + slow + idle)

        def all_closed():
            # A byte now and then buys no time.
            for connection in waiting.intersection(slow):
                try:
                    connection.send(b"G")
                except ConnectionError:
                    pass
            waiting.difference_update([connection for connection in waiting if closed(connection)])
            self.assert_serves(musterd)
            return not waiting

        wait_until(all_closed, "all of them to be closed")
        for connection in silent + slow + idle:
            connection.close()

    def test_clients_that_do_not_read_are_closed_in_time(self):
        musterd = self.start("--http-write-timeout", "1s", listeners=[("http", "127.0.0.1:0")])
        query = tracker_client.HttpTracker(musterd.urls["http", 4]).query(Announce(b"h" * 20, 1001))
        request = ("GET /announce?%s HTTP/1.1\r\nHost: x\r\n\r\n" % query).encode()

        def abuse():
            greedy = []
            for _ in range(5):
                s = socket.socket()
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                s.connect(musterd.address("http", 4))
                s.setblocking(False)
                greedy.append(s)
            open_ones = set(greedy)

            def all_closed():
                for s in list(open_ones):
                    try:
                        s.send(request * 100)
                    except BlockingIOError:
                        pass
                    except ConnectionError:
                        open_ones.remove(s)
                return not open_ones

            wait_until(all_closed, "all of them to be closed")
            for s in greedy:
                s.close()

        self.assert_does_not_grow(musterd, abuse)

    def test_too_many_connections_do_not_hurt_those_that_are_there(self):
        musterd = self.start("--http-max-connections", "20", "--workers", "1", listeners=[("http", "127.0.0.1:0")])
        first = [tracker_client.HttpTracker(musterd.urls["http", 4]) for _ in range(20)]
        for tracker in first:
            self.assertEqual(tracker.get("/")[0].status, 404)
        for _ in range(100):
            self.assertFalse(self.is_served(musterd))
        for tracker in first:
            kept = tracker.connection.sock
            self.assertEqual(tracker.get("/")[0].status, 404)
            self.assertIs(tracker.connection.sock, kept)
        first.pop().close()
        # The server notices the leave a moment after it happened.
        wait_until(lambda: self.is_served(musterd), "a place to be free again")
        for tracker in first:
            tracker.close()

    def is_served(self, musterd):
        with socket.create_connection(musterd.address("http", 4), timeout=20) as s:
            try:
                s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                status = s.recv(65536)[:12]
            except ConnectionError:
                status = b""
            self.assertIn(status, (b"HTTP/1.1 404", b"HTTP/1.1 503", b""))
            return status == b"HTTP/1.1 404"

    def test_connections_that_come_and_go(self):
        musterd = self.start()
        address = musterd.address("http", 4)

        def abuse():
            for i in range(1000):
                s = socket.create_connection(address)
                if i % 2:
                    s.sendall(b"GET / HTTP/1.1\r\nHo")
                if i % 3:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset instead of an end
                s.close()

        self.assert_does_not_grow(musterd, abuse)

    def test_peers_beyond_the_limits_are_answered_but_not_remembered(self):
        musterd = self.start("--max-torrents", "10", "--max-peers", "50", listeners=[("udp", "127.0.0.1:0")])
        tracker = tracker_client.UdpTracker(musterd.urls["udp", 4])
        self.addCleanup(tracker.close)
        hashes = [os.urandom(20) for _ in range(20)]
        for info_hash in hashes:
            for port in range(1001, 1021):
                tracker.announce(Announce(info_hash, port, event=STARTED))
        rows = tracker.scrape(hashes)
        self.assertLessEqual(sum(row.incomplete for row in rows), 50)
        self.assertLessEqual(sum(row.incomplete > 0 for row in rows), 10)
        self.assertGreater(sum(row.incomplete for row in rows), 0)


if __name__ == "__main__":
    unittest.main()
