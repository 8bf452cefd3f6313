# SPDX-License-Identifier: Apache-2.0
"""One suite of behaviours for every protocol and address family, against a running musterd."""

import os
import socket
import struct
import unittest

import daemon
import tracker_client
from tracker_client import Announce, COMPLETED, Counts, NONE, STARTED, STOPPED, TrackerError

INTERVAL, MIN_INTERVAL = 1800, 900
DEFAULT_NUMWANT, MAX_NUMWANT = 10, 30


def setUpModule():
    global musterd
    musterd = daemon.Musterd(
        "--interval", str(INTERVAL), "--interval-spread", "0", "--min-interval", str(MIN_INTERVAL), "--default-numwant",
        str(DEFAULT_NUMWANT), "--max-numwant", str(MAX_NUMWANT), "--peer-ids")
    unittest.addModuleCleanup(musterd.kill)


class Suite:
    """The behaviours; a class below names the protocol and the family."""

    scheme = family = None

    @classmethod
    def setUpClass(cls):
        if cls.family == 6 and not daemon.has_ipv6():
            raise unittest.SkipTest("this machine has no IPv6 loopback")
        cls.host = "127.0.0.1" if cls.family == 4 else "::1"

    def setUp(self):
        self.tracker = self.client(self.scheme, self.family)
        self.info_hash = os.urandom(20)

    def client(self, scheme, family, source=None):
        client = tracker_client.tracker_at(musterd.urls[scheme, family], source)
        self.addCleanup(client.close)
        return client

    def announce(self, port, event=STARTED, left=1, **more):
        return self.tracker.announce(Announce(self.info_hash, port, event=event, left=left, **more))

    def counts(self):
        return self.tracker.scrape([self.info_hash])[0]

    # Start, complete, stop.

    def test_the_first_peer_finds_nobody(self):
        answer = self.announce(1001)
        self.assertEqual((answer.complete, answer.incomplete, answer.peers), (0, 1, []))

    def test_a_peer_is_told_of_the_others_and_never_of_itself(self):
        self.announce(1001)
        self.announce(1002)
        self.assertCountEqual(self.announce(1003).peers, [(self.host, 1001), (self.host, 1002)])
        self.assertCountEqual(self.announce(1001, NONE).peers, [(self.host, 1002), (self.host, 1003)])

    def test_a_peer_that_asks_again_is_the_same_peer(self):
        for _ in range(3):
            answer = self.announce(1001)
        self.assertEqual((answer.complete, answer.incomplete), (0, 1))

    def test_a_seeder_is_counted_by_what_it_lacks(self):
        self.announce(1001, left=0)
        self.assertEqual(self.counts(), Counts(complete=1, downloaded=0, incomplete=0))
        self.announce(1002, left=1)
        self.assertEqual(self.counts(), Counts(complete=1, downloaded=0, incomplete=1))

    def test_a_finished_download_is_counted_once(self):
        self.announce(1001)
        for _ in range(2):
            answer = self.announce(1001, COMPLETED, left=0)
            self.assertEqual((answer.complete, answer.incomplete), (1, 0))
        self.announce(1001, NONE, left=0)
        self.assertEqual(self.counts(), Counts(complete=1, downloaded=1, incomplete=0))

    def test_a_stopped_peer_is_gone_at_once(self):
        self.announce(1001, left=0)
        self.announce(1002)
        answer = self.announce(1001, STOPPED, left=0)
        self.assertEqual((answer.complete, answer.incomplete, answer.peers), (0, 1, []))
        self.assertEqual(self.announce(1003).peers, [(self.host, 1002)])
        self.assertEqual(self.counts(), Counts(complete=0, downloaded=0, incomplete=2))

    def test_a_stop_of_a_peer_that_is_not_known_changes_nothing(self):
        self.announce(1001)
        self.announce(1002, STOPPED)
        self.assertEqual(self.counts(), Counts(complete=0, downloaded=0, incomplete=1))

    def test_a_seeder_is_given_leechers_only(self):
        for port in (1001, 1002):
            self.announce(port, left=0)
        self.announce(1003)
        self.assertEqual(self.announce(1001, NONE, left=0).peers, [(self.host, 1003)])
        self.assertCountEqual(
            self.announce(1004).peers, [(self.host, 1001), (self.host, 1002), (self.host, 1003)])

    # Numwant and intervals.

    def fill(self, peers):
        for port in range(2001, 2001 + peers):
            self.announce(port)

    def test_numwant_is_kept_within_its_limits(self):
        self.fill(50)
        for numwant, expected in ((0, 0), (1, 1), (7, 7), (-1, DEFAULT_NUMWANT), (1000, MAX_NUMWANT), (2**31 - 1, MAX_NUMWANT)):
            with self.subTest(numwant=numwant):
                peers = self.announce(1001, NONE, numwant=numwant).peers
                self.assertEqual(len(peers), expected)
                self.assertEqual(len(set(peers)), expected, "a peer is given twice")
                self.assertNotIn((self.host, 1001), peers)

    def test_a_client_is_told_the_interval(self):
        self.assertEqual(self.announce(1001).interval, INTERVAL)

    # Scrape.

    def test_a_scrape_answers_for_each_torrent(self):
        other, unknown = os.urandom(20), os.urandom(20)
        self.announce(1001, left=0)
        self.tracker.announce(Announce(other, 1001, event=STARTED))
        self.assertEqual(
            self.tracker.scrape([other, unknown, self.info_hash]), [Counts(0, 0, 1), Counts(0, 0, 0), Counts(1, 0, 0)])

    def test_a_scrape_has_a_limit(self):
        # By UDP it is what the largest datagram that is read can name.
        most = 100 if self.scheme == "http" else 101
        self.assertEqual(len(self.tracker.scrape([os.urandom(20) for _ in range(most)])), most)
        if self.scheme == "http":
            with self.assertRaisesRegex(TrackerError, "too many torrents"):
                self.tracker.scrape([os.urandom(20) for _ in range(most + 1)])

    # Refusals.

    def test_port_0_is_refused_with_a_reason(self):
        with self.assertRaisesRegex(TrackerError, "port"):
            self.announce(0)
        self.assertEqual(self.counts(), Counts(0, 0, 0))

    # Meeting others.

    def test_protocols_and_families_meet_in_one_swarm(self):
        self.announce(1001)
        port, known = 1001, {self.family: [(self.host, 1001)], 10 - self.family: []}
        for (scheme, family), url in sorted(musterd.urls.items()):
            port += 1
            answer = self.client(scheme, family).announce(Announce(self.info_hash, port, event=STARTED))
            self.assertEqual(answer.incomplete, port - 1000, (scheme, family))
            # UDP has room for one family only.
            expected = known[family] + (known[10 - family] if scheme == "http" else [])
            self.assertCountEqual(answer.peers, expected, (scheme, family))
            known[family].append(("127.0.0.1" if family == 4 else "::1", port))
        self.assertEqual(self.counts().incomplete, port - 1000)


class HttpSuite(Suite):
    scheme = "http"

    def raw(self, *requests):
        """Everything that the server sends in answer to the bytes of `requests`, until it closes."""
        with socket.create_connection(musterd.address("http", self.family), timeout=10) as s:
            for request in requests:
                s.sendall(request)
            s.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: s.recv(65536), b""))

    def target(self, **more):
        return self.tracker.path + "?" + self.tracker.query(Announce(self.info_hash, 1001, event=STARTED), **more)

    def test_the_minimal_interval_is_told(self):
        self.assertEqual(self.announce(1001).min_interval, MIN_INTERVAL)

    def test_peers_are_there_even_when_there_are_none(self):
        answer = self.tracker.fetch(self.tracker.path, self.target().split("?")[1])
        self.assertEqual(answer[b"peers"], b"")
        self.assertEqual(answer.get(b"peers6", b""), b"")

    def test_peers_come_as_dictionaries_on_demand(self):
        first = Announce(self.info_hash, 1001, event=STARTED)
        self.tracker.announce(first)
        me = Announce(self.info_hash, 1002, event=STARTED)
        expected = {b"ip": self.host.encode(), b"port": 1001}
        self.assertEqual(self.tracker.announce_dictionary(me, no_peer_id=1), [expected])
        self.assertEqual(self.tracker.announce_dictionary(me), [expected | {b"peer id": first.peer_id}])

    def test_one_connection_serves_many_requests(self):
        socket_before = None
        for port in range(1001, 1011):
            self.announce(port)
            self.assertIn(socket_before, (None, self.tracker.connection.sock))
            socket_before = self.tracker.connection.sock
        self.assertEqual(self.counts().incomplete, 10)

    def test_pipelined_requests_are_answered_in_order(self):
        request = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % self.target().encode()
        scrape = b"GET /scrape?info_hash=%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % b"".join(
            b"%%%02x" % b for b in self.info_hash)
        answers = self.raw(request + request + scrape).split(b"HTTP/1.1 200 OK")
        self.assertEqual(len(answers), 4)
        self.assertEqual([b"interval" in a for a in answers[1:]], [True, True, True])
        self.assertEqual([b"files" in a for a in answers[1:]], [False, False, True])

    def test_a_request_may_come_byte_by_byte(self):
        request = b"GET %s HTTP/1.0\r\n\r\n" % self.target().encode()
        self.assertIn(b"d8:complete", self.raw(*(request[i : i + 1] for i in range(len(request)))))

    def test_http_1_0_is_answered_and_closed(self):
        answer = self.raw(b"GET %s HTTP/1.0\r\n\r\n" % self.target().encode())
        self.assertRegex(answer, b"^HTTP/1.[01] 200 OK\r\n")
        self.assertIn(b"d8:complete", answer)

    def test_head_has_no_body(self):
        answer = self.raw(b"HEAD %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % self.target().encode())
        self.assertRegex(answer, rb"^HTTP/1.1 200 OK\r\n")
        self.assertTrue(answer.endswith(b"\r\n\r\n"), answer)

    def test_other_paths_and_methods_are_not_found_or_not_allowed(self):
        self.assertEqual(self.tracker.get("/elsewhere")[0].status, 404)
        self.tracker.close()
        self.tracker.connection.request("POST", self.target(), body=b"")
        self.assertEqual(self.tracker.connection.getresponse().status, 405)

    def test_malformed_announces_are_refused_with_a_reason(self):
        for change, reason in (
            (("info_hash", "x"), "info_hash"), (("peer_id", "x"), "peer_id"), (("port", "65536"), "port"),
            (("port", "x"), "port"), (("left", "x"), "left"), (("numwant", "x"), "numwant"),
        ):
            with self.subTest(change=change):
                pairs = dict(pair.split("=") for pair in self.target().split("?")[1].split("&"))
                pairs[change[0]] = change[1]
                with self.assertRaisesRegex(TrackerError, reason):
                    self.tracker.fetch(self.tracker.path, "&".join("%s=%s" % pair for pair in pairs.items()))
        for missing in ("info_hash", "peer_id", "port"):
            with self.subTest(missing=missing):
                pairs = self.target().split("?")[1].split("&")
                kept = "&".join(pair for pair in pairs if not pair.startswith(missing))
                with self.assertRaisesRegex(TrackerError, missing + " is missing"):
                    self.tracker.fetch(self.tracker.path, kept)
        self.assertEqual(self.counts(), Counts(0, 0, 0))

    def test_a_torrent_that_nobody_announced_is_not_in_a_scrape(self):
        query = "info_hash=" + "".join("%%%02x" % b for b in self.info_hash)
        self.assertEqual(self.tracker.fetch("/scrape", query)[b"files"], {})


class UdpSuite(Suite):
    scheme = "udp"

    def silent(self, packet):
        """Whether `packet` goes unanswered: what is sent behind it is answered first."""
        self.tracker.connect()
        self.tracker.socket.send(packet)
        self.tracker.socket.send(struct.pack(">QI", tracker_client.UDP_MAGIC, 0) + b"next")
        return self.tracker.socket.recv(65536)[4:8] == b"next"

    def test_an_answer_is_for_the_transaction_that_asked(self):
        self.tracker.connect()
        for transaction in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"abcd"):
            self.tracker.socket.send(self.tracker.connection_id + struct.pack(">I", 2) + transaction + self.info_hash)
            self.assertEqual(self.tracker.socket.recv(65536)[:8], b"\0\0\0\2" + transaction)

    def test_a_wrong_connection_id_is_told_so_in_no_more_than_was_asked(self):
        self.tracker.connection_id = b"\x12" * 8
        with self.assertRaisesRegex(TrackerError, "connection id"):
            self.announce(1001)
        self.tracker.socket.send(self.tracker.connection_id + struct.pack(">I", 2) + b"abcd" + self.info_hash)
        self.assertLessEqual(len(self.tracker.socket.recv(65536)), 36)
        self.tracker.connection_id = None
        self.assertEqual(self.counts(), Counts(0, 0, 0))

    def test_a_connection_id_serves_other_ports_of_its_address(self):
        self.tracker.connect()
        other = self.client("udp", self.family)
        other.connection_id = self.tracker.connection_id
        self.assertEqual(other.announce(Announce(self.info_hash, 1001, event=STARTED)).incomplete, 1)

    def test_noise_gets_silence(self):
        for noise in (b"", b"\0", b"d1:q4:ping", b"\0" * 15, os.urandom(16), os.urandom(1400)):
            with self.subTest(noise=noise[:16]):
                self.assertTrue(self.silent(noise))

    def test_options_behind_an_announce_are_read(self):
        path = b"/announce?x=y"
        for options in (
            b"\0", b"\1\1\1\0", b"\2" + bytes([len(path)]) + path, b"\2\0\0", b"\1\2" + bytes([len(path)]) + path, b"\7\3abc",
        ):
            with self.subTest(options=options):
                answer = self.tracker.announce(Announce(self.info_hash, 1001, event=STARTED), options)
                self.assertEqual(answer.incomplete, 1)

    def test_options_that_run_over_the_end_are_refused(self):
        with self.assertRaisesRegex(TrackerError, "options"):
            self.tracker.announce(Announce(self.info_hash, 1001, event=STARTED), b"\2\xff/announce")

    def test_a_negative_numwant_asks_for_the_default(self):
        self.fill(20)
        for numwant in (-1, -2, -(2**31)):
            self.assertEqual(len(self.announce(1001, NONE, numwant=numwant).peers), DEFAULT_NUMWANT)


class ManyAddresses:
    """Every machine has all of 127.0.0.0/8, and of IPv6's loopback ::1 alone."""

    def test_peers_are_where_their_announce_came_from(self):
        self.client(self.scheme, 4, source="127.0.0.77").announce(Announce(self.info_hash, 1001, event=STARTED))
        self.assertEqual(self.announce(1002).peers, [("127.0.0.77", 1001)])

    def test_one_port_at_two_addresses_is_two_peers(self):
        self.client(self.scheme, 4, source="127.0.0.77").announce(Announce(self.info_hash, 1001, event=STARTED))
        self.assertEqual(self.announce(1001).incomplete, 2)


class HttpIpv4(HttpSuite, ManyAddresses, unittest.TestCase):
    family = 4


class HttpIpv6(HttpSuite, unittest.TestCase):
    family = 6


class UdpIpv4(UdpSuite, ManyAddresses, unittest.TestCase):
    family = 4

    def test_a_connection_id_is_bound_to_its_address(self):
        self.tracker.connect()
        other = self.client("udp", 4, source="127.0.0.77")
        other.connection_id = self.tracker.connection_id
        with self.assertRaisesRegex(TrackerError, "connection id"):
            other.announce(Announce(self.info_hash, 1001, event=STARTED))


class UdpIpv6(UdpSuite, unittest.TestCase):
    family = 6

    def test_an_answer_never_needs_fragments(self):
        with daemon.Musterd("--max-numwant", "1000", listeners=[("udp", "[::1]:0")]) as other:
            tracker = tracker_client.UdpTracker(other.urls["udp", 6])
            self.addCleanup(tracker.close)
            for port in range(2001, 2201):
                tracker.announce(Announce(self.info_hash, port, event=STARTED))
            answer = tracker.announce(Announce(self.info_hash, 1001, event=STARTED, numwant=200))
            # 1280 bytes less the headers of IPv6 (40) and UDP (8) and of the answer (20) are room for 67 peers.
            self.assertEqual(len(answer.peers), (1280 - 40 - 8 - 20) // 18)


class Spread(unittest.TestCase):
    def test_intervals_are_spread_evenly(self):
        with daemon.Musterd(
                "--interval", "1000", "--interval-spread", "100", listeners=[("udp", "127.0.0.1:0")]) as other:
            tracker = tracker_client.UdpTracker(other.urls["udp", 4])
            self.addCleanup(tracker.close)
            given = [tracker.announce(Announce(b"h" * 20, 1001, event=STARTED)).interval for _ in range(2000)]
        self.assertGreaterEqual(min(given), 900)
        self.assertLessEqual(max(given), 1100)
        for tenth in range(900, 1100, 20):
            # 200 expected, give or take five standard deviations.
            self.assertAlmostEqual(sum(tenth <= i < tenth + 20 for i in given), 200, delta=70)


if __name__ == "__main__":
    unittest.main()
