#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""muster-load against musterd and against an echo: load_e2e.py MUSTER_LOAD MUSTERD MUSTER_ECHO"""

import json
import re
import subprocess
import sys
import unittest

LOAD, MUSTERD, ECHO = sys.argv[1:4]
FEW = ["--torrents", "100", "--peers", "2000", "--seeders", "0.3", "--sources", "4"]


def listening(process, listeners):
    """The ports of so many lines "listening on ...", in their order."""
    lines = [process.stdout.readline() for _ in range(listeners)]
    return [int(re.search(r"(\d+)(/announce)?$", line)[1]) for line in lines]


def load(*options):
    run = subprocess.run([LOAD, "--json", *options], stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    return run.returncode, json.loads(run.stdout) if run.stdout else None


class Musterd(unittest.TestCase):
    def setUp(self):
        self.server = subprocess.Popen(
            [MUSTERD, "--udp", "127.0.0.1:0", "--udp", "[::1]:0", "--http", "127.0.0.1:0", "--workers", "1"],
            stdout=subprocess.PIPE, text=True)
        udp, udp6, http = listening(self.server, 3)
        self.udp, self.udp6 = f"udp://127.0.0.1:{udp}", f"udp://[::1]:{udp6}"
        self.http = f"http://127.0.0.1:{http}/announce"

    def tearDown(self):
        self.server.terminate()
        self.server.wait(10)
        self.server.stdout.close()

    def test_a_fill_is_acknowledged_and_counted_by_every_protocol_and_family(self):
        for seed, target in enumerate([[self.udp], [self.udp6], [self.http], [self.http, "--keep-alive"],
                                        [self.http, "--at-once"]]):
            status, got = load(*target, *FEW, "--fill", "--seed", str(seed))
            self.assertEqual((status, got["result"]["announces"], got["check"]["scrapes"]), (0, 2000, 100), got)

    def test_answers_to_a_filled_tracker_are_good_peer_by_peer(self):
        self.assertEqual(load(self.udp, *FEW, "--fill")[0], 0)
        for target in [[self.udp], [self.http, "--keep-alive"], [self.http], [self.udp, "--threads", "2"]]:
            status, got = load(*target, *FEW, "--requests", "2000", "--verify-every", "1",
                               "--mix", "announce:9,scrape:1", "--events", "none:8,completed:1,stopped:1")
            result = got["result"]
            self.assertEqual((status, result["wrong"], result["lost"]), (0, 0, 0), got)
            self.assertGreater(result["inspected"], 1000)
            self.assertGreater(result["mean_peers"], 1)

    def test_what_the_plan_does_not_know_is_wrong(self):
        self.assertEqual(load(self.udp, *FEW, "--fill")[0], 0)
        fewer = ["--torrents", "100", "--peers", "1000", "--seeders", "0.3", "--sources", "4"]
        status, got = load(self.udp, *fewer, "--fill")
        self.assertEqual(status, 1)
        self.assertGreater(got["result"]["faults"]["counts"], 0)
        self.assertIn("planned with", got["result"]["first_wrong"])

    def test_nobody_listening_ends_and_is_an_error(self):
        port = self.udp.rsplit(":", 1)[1]
        self.server.terminate()
        self.server.wait(10)
        status, got = load(f"udp://127.0.0.1:{port}", *FEW, "--fill", "--timeout", "0.05")
        self.assertEqual((status, got["result"]["answered"]), (1, 0))


class Echo(unittest.TestCase):
    def test_every_listener_answers(self):
        server = subprocess.Popen([ECHO, "--udp", "127.0.0.1:0", "--http-close", "127.0.0.1:0", "--defer-accept",
                                   "--http", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        try:
            udp, close, keep = listening(server, 3)
            for target in [[f"udp://127.0.0.1:{udp}"], [f"http://127.0.0.1:{close}/announce"],
                           [f"http://127.0.0.1:{keep}/announce", "--keep-alive"]]:
                status, got = load(*target, *FEW, "--requests", "1000", "--no-verify")
                self.assertEqual((status, got["result"]["lost"]), (0, 0), got)
                self.assertGreater(got["result"]["announces"], 900)
        finally:
            server.kill()
            server.wait(10)
            server.stdout.close()


unittest.main(argv=sys.argv[:1])
