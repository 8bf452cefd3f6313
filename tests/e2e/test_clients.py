# SPDX-License-Identifier: Apache-2.0
"""Real clients find each other through musterd alone and exchange a file: every pair, both directions, HTTP and UDP,
IPv4 and IPv6."""

import concurrent.futures
import hashlib
import os
import shutil
import tempfile
import time
import unittest

import bittorrent_clients
import daemon
import tracker_client

PAYLOAD_SIZE = 8 * 1024 * 1024
PIECE_SIZE = 128 * 1024
# One exchange, on a machine that is busy with others.
EXCHANGE_PATIENCE = 150
AT_ONCE = 8


def write_torrent(path, payload, name, url, mark):
    """A private torrent; `mark` makes its info hash differ from that of another exchange of the same payload."""
    pieces = b"".join(
        hashlib.sha1(payload[i : i + PIECE_SIZE]).digest() for i in range(0, len(payload), PIECE_SIZE))
    info = {
        "length": len(payload), "name": name, "piece length": PIECE_SIZE, "pieces": pieces, "private": 1,
        "source": mark,
    }
    with open(path, "wb") as f:
        f.write(tracker_client.bencode({"announce": url, "info": info}))
    return hashlib.sha1(tracker_client.bencode(info)).digest()


def why_not(seeder, leecher, scheme, family):
    """The reason why a combination cannot be tried on this machine, or None."""
    if family == 6 and not daemon.has_ipv6():
        return "this machine has no IPv6 loopback"
    for client in (seeder, leecher):
        reason = client.missing() or client.unable(scheme, family)
        if reason:
            return reason
    if not seeder.dials_loopback and not leecher.dials_loopback:
        return "neither %s nor %s dials a peer on a loopback address" % (seeder.name, leecher.name)
    return None


class Exchange:
    """One seeder, one downloader, one torrent."""

    def __init__(self, musterd, folder, payload, seeder, leecher, scheme, family):
        self.musterd, self.payload = musterd, payload
        self.seeder, self.leecher = seeder, leecher
        self.name = "%s to %s by %s over IPv%d" % (seeder.name, leecher.name, scheme, family)
        self.url = musterd.urls[scheme, family]
        self.folder = os.path.join(folder, self.name.replace(" ", "-"))

    def run(self):
        started = time.monotonic()
        os.makedirs(os.path.join(self.folder, "seeder", "data"))
        with open(os.path.join(self.folder, "seeder", "data", "payload.bin"), "wb") as f:
            f.write(self.payload)
        torrent = os.path.join(self.folder, "payload.torrent")
        info_hash = write_torrent(torrent, self.payload, "payload.bin", self.url, self.name)
        tracker = tracker_client.HttpTracker(self.musterd.urls["http", 4])
        running = []

        def counts():
            for client in running:
                if client.ended():
                    raise RuntimeError("%s ended with %d" % (client.name, client.process.returncode))
            return tracker.scrape([info_hash])[0]

        try:
            running.append(self.seeder(os.path.join(self.folder, "seeder"), torrent, self.url, seeding=True))
            daemon.wait_until(lambda: counts().complete == 1, "the seeder's announce", EXCHANGE_PATIENCE)
            running.append(self.leecher(os.path.join(self.folder, "leecher"), torrent, self.url, seeding=False))
            daemon.wait_until(
                lambda: counts() == tracker_client.Counts(complete=2, downloaded=1, incomplete=0),
                "the end of the download", EXCHANGE_PATIENCE)
            with open(os.path.join(self.folder, "leecher", "data", "payload.bin"), "rb") as f:
                arrived = hashlib.sha1(f.read()).hexdigest()
            if arrived != hashlib.sha1(self.payload).hexdigest():
                raise AssertionError("%s downloaded something else" % self.leecher.name)
            staying = sum(not client.takes_leave for client in running)
            while running:
                running.pop().stop()
            daemon.wait_until(lambda: counts().complete <= staying, "the clients' leave", EXCHANGE_PATIENCE)
        except Exception as error:
            logs = "".join("\n--- %s\n%s" % (c.name, c.log()[-4000:]) for c in running)
            raise AssertionError("%s: %s: %s%s" % (self.name, type(error).__name__, error, logs)) from error
        finally:
            for client in running:
                client.kill()
            tracker.close()
            if not os.environ.get("KEEP"):
                shutil.rmtree(self.folder)
        return time.monotonic() - started


class ClientsTest(unittest.TestCase):
    def test_every_pair_exchanges_a_file(self):
        payload = os.urandom(PAYLOAD_SIZE)
        clients = bittorrent_clients.CLIENTS
        chosen = os.environ.get("ONLY", "")
        with tempfile.TemporaryDirectory(prefix="muster-e2e-") as folder, daemon.Musterd(
                "--interval", "4", "--interval-spread", "0", "--min-interval", "1") as musterd:
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                futures = {}
                for scheme in ("http", "udp"):
                    for family in (4, 6):
                        for seeder in clients:
                            for leecher in clients:
                                reason = why_not(seeder, leecher, scheme, family)
                                if reason:
                                    print("left out: %s to %s by %s over IPv%d: %s" % (
                                        seeder.name, leecher.name, scheme, family, reason))
                                    continue
                                exchange = Exchange(musterd, folder, payload, seeder, leecher, scheme, family)
                                if chosen in exchange.name:
                                    futures[pool.submit(exchange.run)] = exchange.name
                failures = []
                for future in concurrent.futures.as_completed(futures):
                    try:
                        print("%s: %.1f s" % (futures[future], future.result()), flush=True)
                    except AssertionError as error:
                        print(error, flush=True)
                        failures.append(futures[future])
            self.assertTrue(futures, "nothing could be tried")
            self.assertEqual(failures, [])
            self.assertEqual(musterd.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
