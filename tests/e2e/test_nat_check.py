# SPDX-License-Identifier: Apache-2.0
"""The NAT check connects back to real clients, plain and encrypted: test_nat_check.py NAT_PROBE."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

import bittorrent_clients
import daemon
from test_clients import write_torrent

NAT_PROBE = ""
# Nobody is there: these clients do not need a tracker.
URL = "http://127.0.0.1:1/announce"
REACHABLE = "the peer is reachable"


class LibtorrentWithPort(bittorrent_clients.Libtorrent):
    words = []

    def command(self):
        self.port = bittorrent_clients.free_port()
        return super().command()[:-1] + ["127.0.0.1:%d" % self.port] + self.words


class LibtorrentEncrypted(LibtorrentWithPort):
    words = ["encrypted"]


class TransmissionWithPort(bittorrent_clients.Transmission):
    encryption = 0

    def command(self):
        command = super().command()
        path = os.path.join(self.folder, "settings.json")
        with open(path) as f:
            settings = json.load(f)
        settings["encryption"] = self.encryption
        with open(path, "w") as f:
            json.dump(settings, f)
        self.port = settings["peer-port"]
        return command


class TransmissionEncrypted(TransmissionWithPort):
    encryption = 2


class NatCheck(unittest.TestCase):
    def start(self, client_class):
        reason = client_class.missing()
        if reason:
            self.skipTest(reason)
        folder = tempfile.TemporaryDirectory(prefix="muster-nat-")
        self.addCleanup(folder.cleanup)
        data = os.path.join(folder.name, "data")
        os.makedirs(data)
        payload = b"muster" * 10000
        with open(os.path.join(data, "payload.bin"), "wb") as f:
            f.write(payload)
        torrent = os.path.join(folder.name, "payload.torrent")
        self.info_hash = write_torrent(torrent, payload, "payload.bin", URL, "nat")
        self.client = client_class(folder.name, torrent, URL, seeding=True)
        self.addCleanup(self.client.kill)

    def probe(self, encrypted, info_hash=None):
        command = [NAT_PROBE, "127.0.0.1:%d" % self.client.port, (info_hash or self.info_hash).hex()]
        done = subprocess.run(command + ["encrypted"] * encrypted, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0 if done.stdout.strip() == REACHABLE else 1, done.stderr)
        return done.stdout.strip()

    def await_reachable(self, encrypted):
        said = []

        def reachable():
            self.assertFalse(self.client.ended(), "the client ended")
            said.append(self.probe(encrypted))
            return said[-1] == REACHABLE

        try:
            daemon.wait_until(reachable, "a reachable client")
        except TimeoutError:
            self.fail("%s\n%s" % (said[-1], self.client.log()[-2000:]))

    def check_both_ways(self, client_class):
        self.start(client_class)
        self.await_reachable(encrypted=False)
        self.assertEqual(self.probe(encrypted=True), REACHABLE)
        self.assertNotEqual(self.probe(encrypted=False, info_hash=b"x" * 20), REACHABLE)
        self.assertNotEqual(self.probe(encrypted=True, info_hash=b"x" * 20), REACHABLE)

    def check_encrypted_only(self, client_class):
        self.start(client_class)
        self.await_reachable(encrypted=True)
        self.assertEqual(self.probe(encrypted=False), "the peer closed the connection")

    def test_libtorrent_is_reachable_both_ways(self):
        self.check_both_ways(LibtorrentWithPort)

    def test_libtorrent_that_requires_encryption_is_reachable_by_it_alone(self):
        self.check_encrypted_only(LibtorrentEncrypted)

    def test_transmission_is_reachable_both_ways(self):
        self.check_both_ways(TransmissionWithPort)

    def test_transmission_that_requires_encryption_is_reachable_by_it_alone(self):
        self.check_encrypted_only(TransmissionEncrypted)


if __name__ == "__main__":
    NAT_PROBE = sys.argv.pop(1)
    unittest.main(verbosity=2)
