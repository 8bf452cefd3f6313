#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What musterd remembers of one life in the next: after a clean stop, after a hundred kills at random moments under load, and
with files that are damaged or none of its own."""

import glob
import os
import random
import re
import shutil
import signal
import socket
import tempfile
import threading
import unittest

from daemon import Musterd, wait_until
from tracker_client import COMPLETED, NONE, STARTED, STOPPED, Announce, UdpTracker

KILLS = int(os.environ.get("MUSTER_KILLS", "100"))
TORRENTS = [bytes([n * 37 % 256]) + b"torrent of a test %d" % n for n in range(8)]
PEERS = 30
PROBE = 65000  # the port that asks for everybody


class Model:
    """One torrent as it must be, after each announce that was made."""

    def __init__(self):
        self.peers = {}  # port: (seeds, was counted)
        self.completed = 0

    def copy(self):
        other = Model()
        other.peers, other.completed = dict(self.peers), self.completed
        return other

    def apply(self, port, event, left):
        if event == STOPPED:
            self.peers.pop(port, None)
            return
        _, counted = self.peers.get(port, (False, False))
        if event == COMPLETED and left == 0 and not counted:
            counted = True
            self.completed += 1
        self.peers[port] = (left == 0, counted)

    def seen(self):
        seeds = sum(1 for seed, _ in self.peers.values() if seed)
        return seeds, self.completed, len(self.peers) - seeds, frozenset(self.peers)


class Load(threading.Thread):
    """Announces for some torrents, one after the other, until the tracker is gone."""

    def __init__(self, url, models, seed):
        super().__init__(daemon=True)
        self.models = models  # info hash: Model; changed as announces are sent
        # Of each torrent, the model after each announce; the last one may not have been answered.
        self.history = {info_hash: [model.copy()] for info_hash, model in models.items()}
        self.answered = {info_hash: 0 for info_hash in models}  # how many of them were
        self.random = random.Random(seed)
        self.client = UdpTracker(url, timeout=0.2)
        self.over = threading.Event()

    def run(self):
        try:
            while not self.over.is_set():
                self.step()
        except OSError:
            pass  # it is gone
        finally:
            self.client.close()

    def step(self):
        info_hash = self.random.choice(list(self.models))
        event, left = self.random.choice([(STARTED, 1), (NONE, 1), (NONE, 0), (COMPLETED, 0), (STOPPED, 1)])
        port = 1000 + self.random.randrange(PEERS)
        self.models[info_hash].apply(port, event, left)
        self.history[info_hash].append(self.models[info_hash].copy())
        announce = Announce(info_hash, port=port, event=event, left=left, numwant=0)
        while True:
            try:
                self.client.announce(announce)
                break
            except socket.timeout:
                if self.over.is_set():
                    raise
        self.answered[info_hash] += 1


class Journal:
    """When what was answered is surely written: once a journal has grown twice since."""

    def __init__(self, dfile, loads):
        self.pattern = glob.escape(dfile) + ".journal.*"
        self.loads = loads
        self.sizes = {}
        self.growths = 0
        self.waiting = None  # (growths when it was taken, answered)
        self.written = {}

    def answered(self):
        return {info_hash: n for load in self.loads for info_hash, n in load.answered.items()}

    def look(self):
        for name in glob.glob(self.pattern):
            try:
                size = os.stat(name).st_size
            except OSError:
                continue
            if size > max(self.sizes.get(name, 0), 32):  # not just its header
                self.growths += 1
            self.sizes[name] = size
        if self.waiting is None:
            self.waiting = self.growths, self.answered()
        elif self.growths >= self.waiting[0] + 2:
            self.written, self.waiting = self.waiting[1], None


def state_of(url, info_hash):
    """What the tracker has of one torrent, in the form of Model.seen()."""
    client = UdpTracker(url)
    try:
        probe = Announce(info_hash, port=PROBE, left=1, numwant=200)
        peers = frozenset(port for _, port in client.announce(probe).peers)
        client.announce(Announce(info_hash, port=PROBE, event=STOPPED))
        counts = client.scrape([info_hash])[0]
        return counts.complete, counts.downloaded, counts.incomplete, peers
    finally:
        client.close()


class State(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.dfile = os.path.join(self.folder, "state")

    def musterd(self, *options):
        return Musterd("--dfile", self.dfile, *options, listeners=[("udp", "127.0.0.1:0")])

    def files(self):
        return sorted(os.listdir(self.folder))

    def fill(self, tracker, seed=1):
        models = {info_hash: Model() for info_hash in TORRENTS}
        load = Load(tracker.urls["udp", 4], models, seed)
        for _ in range(300):
            load.step()
        load.client.close()
        return models

    def expect(self, tracker, models):
        for info_hash, model in models.items():
            self.assertEqual(state_of(tracker.urls["udp", 4], info_hash), model.seen())

    def test_comes_back_after_a_clean_stop(self):
        for options in ([], ["--no-journal"], ["--dfile-compression", "zlib"], ["--peer-ids"], ["--dfile-format", "bttrack"]):
            with self.subTest(options=options), self.musterd(*options) as tracker:
                models = self.fill(tracker)
                self.assertEqual(tracker.stop(), 0)
                self.assertEqual(self.files(), ["state", "state.lock"])
                with open(self.dfile, "rb") as file:
                    self.assertEqual(file.read(12), b"d9:completed" if "bttrack" in options else b"\x89muster\n\0\1\0\0")
                with self.musterd(*options) as again:
                    self.expect(again, models)
                    again.said("8 torrents with [0-9]+ peers")
                os.remove(self.dfile)
                for journal in glob.glob(self.dfile + ".journal.*"):
                    os.remove(journal)

    def test_comes_back_after_a_hundred_kills_at_random_moments(self):
        seed = int.from_bytes(os.urandom(4), "big")
        chance = random.Random(seed)
        models = {info_hash: Model() for info_hash in TORRENTS}
        announces = 0
        written_at_least = 0
        for kill in range(KILLS):
            with self.musterd("--workers", "2", "--journal-sync-interval", "5ms", "--save-dfile-interval",
                              "%dms" % chance.choice([100, 150, 10000])) as tracker:
                url = tracker.urls["udp", 4]
                loads = [Load(url, {h: models[h] for h in TORRENTS[half::2]}, chance.random()) for half in (0, 1)]
                journal = Journal(self.dfile, loads)
                for load in loads:
                    load.start()
                enough = chance.randint(50, 1500)
                wait_until(lambda: journal.look() or sum(journal.answered().values()) >= enough, "some announces",
                           pause=0.001)
                written = journal.written
                tracker.stop(signal.SIGKILL)
                for load in loads:
                    load.over.set()
                for load in loads:
                    load.join()
            with self.musterd("--journal-sync-interval", "1ms") as again:
                self.assertFalse([line for line in again.lines if "damaged" in line or "error" in line], again.lines)
                for load in loads:
                    for info_hash, history in load.history.items():
                        found = state_of(again.urls["udp", 4], info_hash)
                        least = written.get(info_hash, 0)
                        fitting = [n for n in range(least, len(history)) if history[n].seen() == found]
                        self.assertTrue(
                            fitting, "kill %d, seed %d: %r has %r, which it had not after any of announces %d to %d"
                            % (kill, seed, info_hash, found, least, len(history) - 1))
                        self.assertGreaterEqual(found[1], history[least].completed, "a count went back")
                        announces += len(history) - 1
                        written_at_least += least
                        # Whose completions are counted cannot be asked; a torrent goes on with nobody.
                        for port in found[3]:
                            client = UdpTracker(again.urls["udp", 4])
                            client.announce(Announce(info_hash, port=port, event=STOPPED))
                            client.close()
                        models[info_hash] = Model()
                        models[info_hash].completed = found[1]
                self.assertEqual(again.stop(), 0)
        print("%d announces, %d of them surely written, %d kills" % (announces, written_at_least, KILLS))
        self.assertGreater(written_at_least, 10 * KILLS, "the test must have something to look for")

    def test_what_was_announced_a_second_ago_survives_a_kill(self):
        with self.musterd() as tracker:
            models = self.fill(tracker)
            journal = Journal(self.dfile, [])
            wait_until(lambda: journal.look() or journal.growths > 0, "the journal")
            size = sum(map(os.path.getsize, glob.glob(self.dfile + ".journal.*")))
            self.fill(tracker, seed=1)  # the same again, so that whatever is cut off changes nothing
            wait_until(lambda: sum(map(os.path.getsize, glob.glob(self.dfile + ".journal.*"))) > size, "the journal")
            tracker.stop(signal.SIGKILL)
        with self.musterd() as again:
            for info_hash, model in models.items():
                self.assertEqual(state_of(again.urls["udp", 4], info_hash)[0::3], model.seen()[0::3])

    def test_is_set_aside_when_it_is_damaged_or_foreign(self):
        with self.musterd() as tracker:
            models = self.fill(tracker)
            self.assertEqual(tracker.stop(), 0)
        with open(self.dfile, "rb") as file:
            good = file.read()
        damaged = bytearray(good)
        damaged[10] ^= 1  # in the header, which costs no block
        for number, content in enumerate([bytes(damaged), b"d5:peersde9:completedde"], 1):
            with open(self.dfile, "wb") as file:
                file.write(content)
            with self.musterd() as tracker:
                aside = "%s.damaged.%d" % (self.dfile, number)
                tracker.said(re.escape(aside) + "$")
                if number == 1:
                    self.expect(tracker, models)
                self.assertEqual(tracker.stop(), 0)
            with open(aside, "rb") as file:
                self.assertEqual(file.read(), content)

    def test_of_another_format_is_read_and_kept_aside(self):
        with self.musterd("--dfile-format", "bttrack") as tracker:
            models = self.fill(tracker)
            self.assertEqual(tracker.stop(), 0)
        with open(self.dfile, "rb") as file:
            before = file.read()
        with self.musterd() as tracker:
            self.expect(tracker, models)
            tracker.said(re.escape("is kept as %s.bttrack.1" % self.dfile) + "$")
            self.assertEqual(tracker.stop(), 0)
        with open(self.dfile + ".bttrack.1", "rb") as file:
            self.assertEqual(file.read(), before)
        with self.musterd("--dfile-format", "bttrack") as tracker:
            self.expect(tracker, models)
            self.assertEqual(tracker.stop(), 0)
        self.assertEqual(self.files(), ["state", "state.bttrack.1", "state.lock", "state.muster.1"])

    def test_is_of_one_musterd_alone(self):
        with self.musterd() as tracker:
            with self.assertRaisesRegex(RuntimeError, "ended with 1.*another process keeps its state here"):
                self.musterd()
            self.assertTrue(tracker.running())

    def test_in_a_folder_that_is_not_there_is_an_error(self):
        self.dfile = os.path.join(self.folder, "nowhere", "state")
        with self.assertRaisesRegex(RuntimeError, "ended with 1.*No such file or directory"):
            self.musterd()

    def test_that_cannot_be_written_does_not_disturb_the_tracker(self):
        with self.musterd("--save-dfile-interval", "100ms", "--journal-sync-interval", "5ms") as tracker:
            self.fill(tracker)
            moved = self.folder + ".moved"
            os.rename(self.folder, moved)
            self.addCleanup(shutil.rmtree, moved, ignore_errors=True)
            tracker.said("the state cannot be written")
            models = self.fill(tracker, seed=2)
            self.assertEqual(len([line for line in tracker.lines if "error" in line]), 1, tracker.lines)
            os.rename(moved, self.folder)
            self.assertEqual(tracker.stop(), 0)
        with self.musterd() as again:
            for info_hash, model in models.items():
                self.assertTrue(model.seen()[3] <= state_of(again.urls["udp", 4], info_hash)[3])


if __name__ == "__main__":
    unittest.main()
