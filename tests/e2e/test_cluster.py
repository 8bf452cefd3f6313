#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trackers that share their peers, and clients behind a proxy: processes on the loopback interface."""

import json
import os
import socket
import struct
import tempfile
import unittest
import urllib.request

from daemon import Musterd, address_of, wait_until
from tracker_client import COMPLETED, NONE, STOPPED, Announce, HttpTracker, UdpTracker

GROUP = "224.0.23.5"


class Test(unittest.TestCase):
    def start(self, *options, **more):
        tracker = Musterd(*options, **more)
        self.addCleanup(tracker.kill)
        return tracker

    def client(self, tracker, scheme):
        client = (UdpTracker if scheme == "udp" else HttpTracker)(tracker.urls[scheme, 4])
        self.addCleanup(client.close)
        return client

    @staticmethod
    def counts(client, info_hash):
        row = client.scrape([info_hash])[0]
        return row.complete, row.downloaded, row.incomplete

    def figures(self, tracker):
        url = tracker.urls["http", 4].replace("/announce", "/stats?mode=json")
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["live_sync"]


class Cluster(Test):
    NODES = ["--cluster-node", "127.0.0.1"]

    def join(self, port, *options):
        tracker = self.start("--cluster-listen", "127.0.0.1:%d" % port, *options)
        return tracker, int(tracker.said(r"live sync on 127\.0\.0\.1:(\d+)$")[1])

    def test_two_trackers_see_each_others_peers(self):
        one, port = self.join(0, *self.NODES)
        two, _ = self.join(port, *self.NODES)
        info_hash = os.urandom(20)
        self.client(one, "udp").announce(Announce(info_hash, 7001, left=1))
        self.client(one, "http").announce(Announce(info_hash, 7002, event=COMPLETED, left=0))
        one.stop()  # which sends what waits to be sent
        client = self.client(two, "udp")
        wait_until(lambda: self.counts(client, info_hash) == (1, 1, 1), "what the other one knows")
        self.assertCountEqual(client.announce(Announce(info_hash, 7003, left=1)).peers,
                              [("127.0.0.1", 7001), ("127.0.0.1", 7002)])
        self.assertEqual(self.figures(two)["received_records"], 2)
        self.assertEqual(self.figures(two)["sent_records"], 0)

    def test_takes_opentrackers_packets_and_those_of_nodes_only(self):
        tracker, port = self.join(0, "--cluster-node", "127.0.0.2")
        info_hash = os.urandom(20)

        def record(number, flags):
            return info_hash + socket.inet_aton("192.0.2.7") + struct.pack(">HBB", number, flags, 0)

        def send(source, *records):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.bind((source, 0))
                s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
                s.sendto(b"\1\2\3\4" + struct.pack(">I", 0) + b"".join(records), (GROUP, port))

        client = self.client(tracker, "udp")
        send("127.0.0.3", record(1, 0x80))
        wait_until(lambda: self.figures(tracker)["dropped_packets"] == 1, "a stranger's packet")
        self.assertEqual(self.counts(client, info_hash), (0, 0, 0))
        send("127.0.0.2", record(2, 0xC0), record(3, 0))
        wait_until(lambda: self.counts(client, info_hash) == (1, 1, 1), "a node's packet")
        send("127.0.0.2", record(3, 0x20))
        wait_until(lambda: self.counts(client, info_hash) == (1, 1, 0), "the end of a peer")

    def test_sends_opentrackers_packets(self):
        tracker, port = self.join(0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((GROUP, port))
            s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                         socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.1"))
            s.settimeout(30)
            info_hash = os.urandom(20)
            self.client(tracker, "udp").announce(Announce(info_hash, 7001, left=0))
            self.client(tracker, "udp").announce(Announce(info_hash, 7002, event=NONE, left=1))
            self.client(tracker, "udp").announce(Announce(info_hash, 7002, event=STOPPED, left=1))
            tracker.stop()
            packet, (source, _) = s.recvfrom(2000)
        self.assertEqual(source, "127.0.0.1")
        self.assertEqual(packet[4:], struct.pack(">I", 0) + b"".join(
            info_hash + socket.inet_aton("127.0.0.1") + struct.pack(">HBB", number, flags, 0)
            for number, flags in ((7001, 0x80), (7002, 0), (7002, 0x20))))


class Proxied(Test):
    def announce(self, address, preamble, query):
        with socket.create_connection(address, timeout=10) as s:
            s.sendall(preamble + b"GET /announce?" + query.encode() + b" HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
            return s.makefile("rb").read()

    def test_clients_are_who_the_proxy_says_to_lists_and_to_others(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        banned = os.path.join(folder.name, "banned")
        with open(banned, "w") as file:
            file.write("192.0.2.66\n")
        tracker = self.start("--trusted-proxy", "127.0.0.0/8", "--banned-ips", banned,
                             listeners=[("udp", "127.0.0.1:0"), ("http-proxied", "127.0.0.1:0")])
        address = tracker.address("http", 4)
        info_hash = os.urandom(20)
        query = HttpTracker.query(None, Announce(info_hash, 7001))
        for client in ("192.0.2.1", "192.0.2.66"):
            answer = self.announce(address, b"PROXY TCP4 %s 127.0.0.1 1 2\r\n" % client.encode(), query)
            self.assertEqual(b"failure reason" in answer, client == "192.0.2.66", answer)
        binary = b"\r\n\r\n\0\r\nQUIT\n\x21\x21" + struct.pack(">H", 36) + socket.inet_pton(socket.AF_INET6, "2001:db8::1") * 2
        self.assertIn(b"complete", self.announce(address, binary + b"\0\1\0\2", query))
        peers = self.client(tracker, "udp").announce(Announce(info_hash, 7003, left=1)).peers
        self.assertEqual(peers, [("192.0.2.1", 7001)])
        self.assertEqual(self.counts(self.client(tracker, "udp"), info_hash), (0, 0, 3))

    def test_clients_of_datagrams_are_who_the_proxy_says(self):
        tracker = self.start("--trusted-proxy", "127.0.0.1",
                             listeners=[("udp", "127.0.0.1:0"), ("udp-proxied", "127.0.0.1:0")])
        header = b"\r\n\r\n\0\r\nQUIT\n\x21\x12" + struct.pack(">H4s4sHH", 12, socket.inet_aton("192.0.2.1"), b"\x7f\0\0\1", 5, 6)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(10)
            s.connect(address_of(tracker.listeners[1]))

            def ask(request):
                s.send(header + request)
                return s.recv(2000)

            connection_id = ask(struct.pack(">QII", 0x41727101980, 0, 7))[8:]
            info_hash = os.urandom(20)
            announce = struct.pack(">II", 1, 8) + info_hash + b"-XX0001-000000000000" + struct.pack(
                ">QQQIIIiH", 0, 1, 0, 0, 0, 0, -1, 7001)
            self.assertEqual(ask(connection_id + announce)[:8], struct.pack(">II", 1, 8))
            answer = ask(connection_id + struct.pack(">II", 2, 9) + info_hash * 101)  # the longest
            self.assertEqual(answer, struct.pack(">II", 2, 9) + struct.pack(">III", 0, 0, 1) * 101)
        peers = self.client(tracker, "udp").announce(Announce(info_hash, 7003, left=1)).peers
        self.assertEqual(peers, [("192.0.2.1", 7001)])


class ManyAddresses(Test):
    def test_answers_leave_from_the_address_that_was_asked(self):
        tracker = self.start(listeners=[("udp", "0.0.0.0:0")])
        port = tracker.address("udp", 4)[1]
        for host in ("127.0.0.1", "127.0.0.2", "127.1.2.3"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(10)
                s.sendto(struct.pack(">QII", 0x41727101980, 0, 7), (host, port))
                self.assertEqual(s.recvfrom(100)[1], (host, port))


if __name__ == "__main__":
    unittest.main()
