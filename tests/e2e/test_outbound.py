# SPDX-License-Identifier: Apache-2.0
"""What a musterd sends by itself: NAT checks, questions to other musterds, copies for one that is an aggregator; and what it
knows of its peers."""

import os
import signal
import socket
import tempfile
import unittest

import daemon
import tracker_client
from fakes import FakePeer
from tracker_client import Announce, STARTED, STOPPED, TrackerError, bencode

LISTENERS = [("udp", "127.0.0.1:0"), ("http", "127.0.0.1:0")]


class Case(unittest.TestCase):
    def musterd(self, *options):
        tracker = daemon.Musterd("--workers", "2", *options, listeners=LISTENERS)
        self.addCleanup(tracker.kill)
        return tracker

    def client(self, tracker, scheme="http", source=None):
        client = tracker_client.tracker_at(tracker.urls[scheme, 4], source)
        self.addCleanup(client.close)
        return client

    def folder(self):
        folder = tempfile.TemporaryDirectory(prefix="muster-outbound-")
        self.addCleanup(folder.cleanup)
        return folder.name

    def await_peers(self, ask, peers):
        daemon.wait_until(lambda: set(ask().peers) >= set(peers), "peers %s" % peers, pause=0.05)


class Multitracker(Case):
    def setUp(self):
        self.lists = [os.path.join(self.folder(), "trackers") for _ in range(2)]
        self.trackers = [self.start(0, "all"), self.start(1, "autodetect")]

    def start(self, number, allowed):
        open(self.lists[number], "w").close()
        return self.musterd(
            "--multitracker", "--multitracker-local", "--multitracker-list", self.lists[number], "--multitracker-allowed",
            allowed, "--multitracker-reannounce-interval", "1")

    def tell(self, number, torrents):
        with open(self.lists[number], "w") as f:
            for info_hash, urls in torrents:
                f.write("%s %s\n" % (info_hash.hex(), " ".join(urls)))
        self.trackers[number].process.send_signal(signal.SIGHUP)
        self.trackers[number].said("%d torrents with other trackers" % len(torrents))

    def test_two_that_know_of_each_other_share_a_swarm(self):
        for scheme in ("http", "udp"):
            info_hash = os.urandom(20)
            clients = [self.client(tracker) for tracker in self.trackers]
            for number, client in enumerate(clients):
                client.announce(Announce(info_hash, 1001 + number))
            # The second one first: it answers for those torrents only that it knows to have other trackers.
            for number in (1, 0):
                self.tell(number, [(info_hash, [self.trackers[1 - number].urls[scheme, 4]])])
            for number, client in enumerate(clients):
                asks = Announce(info_hash, 2000 + number, left=0)
                self.await_peers(lambda c=client, a=asks: c.announce(a), [("127.0.0.1", 1001), ("127.0.0.1", 1002)])
                answer = client.announce(asks)
                self.assertEqual((answer.complete, answer.incomplete), (1, 1), "those of the other one are not counted")
            for number in (0, 1):
                self.tell(number, [])

    def test_one_that_is_told_of_itself_gives_up(self):
        self.tell(0, [(os.urandom(20), [self.trackers[0].urls["http", 4]])])
        self.trackers[0].said("given up for all torrents")

    def test_a_list_that_is_wrong_leaves_the_one_before(self):
        self.tell(0, [(os.urandom(20), [])])
        with open(self.lists[0], "w") as f:
            f.write("nonsense\n")
        self.trackers[0].process.send_signal(signal.SIGHUP)
        self.trackers[0].said("trackers:1: 'nonsense' is no info hash")
        self.assertTrue(self.trackers[0].running())


class NatCheck(Case):
    def test_who_is_reached_is_handed_out_and_who_is_not_is_counted(self):
        tracker = self.musterd("--nat-check", "2", "--nat-check-local", "--log-nat-checks", "--nat-check-timeout", "20s")
        info_hash = os.urandom(20)
        reachable = Announce(info_hash, 0, peer_id=b"-XX0001-reachable...")
        peer = FakePeer(info_hash, reachable.peer_id)
        self.addCleanup(peer.close)
        reachable.port = peer.port
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            refusing = Announce(info_hash, closed.getsockname()[1])
            client = self.client(tracker)
            for announce in (reachable, refusing):
                client.announce(announce)
            tracker.said("the peer is reachable")
            tracker.said("nobody listens there")
        answer = self.client(tracker, "udp").announce(Announce(info_hash, 7))
        self.assertEqual(answer.peers, [("127.0.0.1", peer.port)])
        self.assertEqual(answer.incomplete, 3)

    def test_peers_on_this_machine_are_not_connected_to_unless_that_is_set(self):
        tracker = self.musterd("--nat-check", "2", "--log-nat-checks")
        client, info_hash = self.client(tracker), os.urandom(20)
        client.announce(Announce(info_hash, 1))
        self.assertEqual(client.announce(Announce(info_hash, 2)).peers, [("127.0.0.1", 1)])


class Aggregator(Case):
    def test_announces_of_several_trackers_come_together(self):
        aggregator = self.musterd("--aggregator", "--aggregator-password", "pass word", "--trusted-proxy", "127.0.0.1")
        forward = aggregator.urls["http", 4] + ",pass word"
        info_hash = os.urandom(20)
        for number in range(2):
            front = self.musterd("--aggregate-forward", forward)
            for port, scheme in enumerate(("http", "udp"), start=1):
                source = "127.0.0.%d" % (2 + number)
                self.client(front, scheme, source).announce(Announce(info_hash, port, event=STARTED))
        counts = self.client(aggregator)
        daemon.wait_until(lambda: counts.scrape([info_hash])[0].incomplete == 4, "four peers")
        with self.assertRaisesRegex(TrackerError, "not authorized"):
            counts.announce(Announce(info_hash, 9))

    def test_an_announce_does_not_wait_for_an_aggregator_that_is_down(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            front = self.musterd("--aggregate-forward", "http://127.0.0.1:%d/announce" % closed.getsockname()[1])
            client = self.client(front)
            for port in range(1, 50):
                client.announce(Announce(bytes(20), port))
            front.said("the aggregator fails")


class Details(Case):
    def test_a_key_proves_who_a_peer_is_also_after_a_restart(self):
        dfile = os.path.join(self.folder(), "dfile")
        info_hash = os.urandom(20)
        tracker = self.musterd("--peer-details", "--dfile", dfile)
        mine = Announce(info_hash, 1, key=0x1234, peer_id=b"-XX0001-abcdefghijkl")
        self.client(tracker).announce(mine)
        tracker.stop()
        tracker = self.musterd("--peer-details", "--dfile", dfile)
        thief = Announce(info_hash, 6, key=0x4321, peer_id=mine.peer_id)
        asks = Announce(info_hash, 9)
        elsewhere = self.client(tracker, source="127.0.0.3")
        elsewhere.announce(thief)
        self.assertEqual(elsewhere.announce(asks).peers, [("127.0.0.1", 1)])
        elsewhere.announce(Announce(info_hash, 7, key=0x1234, peer_id=mine.peer_id))
        self.assertEqual(elsewhere.announce(asks).peers, [("127.0.0.3", 7)])

    def test_a_dfile_of_bttrack_is_taken_over_and_kept(self):
        folder = self.folder()
        dfile = os.path.join(folder, "dfile")
        info_hash = os.urandom(20)
        peer = {
            "ip": "192.0.2.1", "port": 77, "left": 0, "nat": 0, "supportcrypto": 1, "requirecrypto": 0, "key": "k",
            "given ip": "198.51.100.7",
        }
        state = bencode({"completed": {info_hash: 5}, "peers": {info_hash: {b"-XX0001-abcdefghijkl": peer}}})
        with open(dfile, "wb") as f:
            f.write(state)
        for _ in range(2):
            tracker = self.musterd("--nat-check", "3", "--dfile", dfile)
            client = self.client(tracker)
            asks = Announce(info_hash, 9)
            self.assertEqual(client.announce(asks).peers, [("198.51.100.7", 77)])
            asks.event = STOPPED
            client.announce(asks)
            self.assertEqual(client.scrape([info_hash])[0].downloaded, 5)
            self.assertEqual(tracker.stop(), 0)
        with open(dfile + ".bttrack.1", "rb") as f:
            self.assertEqual(f.read(), state)
        self.assertFalse(os.path.exists(dfile + ".bttrack.2"))

    def test_answers_that_are_not_compact_have_ids_or_not(self):
        tracker = self.musterd("--peer-details")
        client, info_hash = self.client(tracker), os.urandom(20)
        first = Announce(info_hash, 1)
        client.announce(first)
        asks = Announce(info_hash, 2)
        dictionary = {b"ip": b"127.0.0.1", b"port": 1}
        self.assertEqual(client.announce_dictionary(asks), [{**dictionary, b"peer id": first.peer_id}])
        self.assertEqual(client.announce_dictionary(asks, no_peer_id=1), [dictionary])


if __name__ == "__main__":
    unittest.main(verbosity=2)
