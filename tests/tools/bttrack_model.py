# SPDX-License-Identifier: Apache-2.0
"""What bttrack answers, as its behaviour was written down: a model small enough to be believed.

It knows peers by their id, leaves the asking peer out of its answers, and does not count completed downloads below zero: the
original does neither.
"""

GARBAGE = b"you sent me garbage - "


class Model:
    def __init__(self, interval):
        self.interval = interval
        self.torrents = {}  # info hash: peer: (address, port, left)
        self.completed = {}

    def announce(self, info_hash, peer, peer_id=bytes(20), port=None, left=1, event=None, compact=1, numwant=None):
        """(status, decoded answer), peers as a sorted list of addresses and ports."""
        port = 6000 + peer if port is None else port
        if len(peer_id) != 20:
            return 400, GARBAGE + b"id not of length 20"
        if event not in (None, "started", "completed", "stopped", "snooped"):
            return 400, GARBAGE + b"invalid event"
        if not str(port).isdigit() or int(port) > 65535:
            return 400, GARBAGE + b"invalid port"
        if not str(left).isdigit():
            return 400, GARBAGE + b"invalid amount left"
        peers = self.torrents.setdefault(info_hash, {})
        completed = self.completed.setdefault(info_hash, 0)
        known = peers.get(peer)
        if event == "stopped":
            peers.pop(peer, None)
        else:
            if known is None:
                completed += event == "completed"
            else:
                completed = max(0, completed + (known[2] != 0) - (left != 0))
            peers[peer] = ("127.0.0.1", int(port), left)
        self.completed[info_hash] = completed
        seeds = sum(left == 0 for _, _, left in peers.values())
        chosen = [] if event == "stopped" or numwant == 0 else sorted(
            (address, port) for other, (address, port, rest) in peers.items() if other != peer and (left != 0 or rest != 0))
        return 200, {b"complete": seeds, b"incomplete": len(peers) - seeds, b"interval": self.interval, b"peers": chosen}

    def scrape(self, info_hashes):
        rows = {}
        for info_hash in info_hashes or self.torrents:
            if info_hash in self.torrents:
                peers = self.torrents[info_hash]
                seeds = sum(left == 0 for _, _, left in peers.values())
                rows[info_hash] = {b"complete": seeds, b"downloaded": self.completed[info_hash],
                                   b"incomplete": len(peers) - seeds}
        return 200, {b"files": rows}

    def random_announce(self, chance, info_hashes):
        """What a client might send next; one in ten is broken."""
        info_hash, peer = chance.choice(info_hashes), chance.randrange(12)
        known = self.torrents.get(info_hash, {}).get(peer)
        parameters = {"info_hash": info_hash, "peer": peer, "compact": chance.choice([1, 1, 1, None])}
        if known is None:
            parameters |= {"event": "started", "left": chance.choice([0, 5, 5, 5])}
        elif chance.random() < 0.2:
            parameters |= {"event": "stopped", "left": known[2]}
        elif known[2] != 0 and chance.random() < 0.4:
            parameters |= {"event": "completed", "left": 0}
        else:
            parameters |= {"event": chance.choice([None, None, "snooped"]), "left": chance.choice([0, 5])}
        if chance.random() < 0.1:
            parameters["numwant"] = 0
        if chance.random() < 0.1:
            parameters |= chance.choice([{"peer_id": "x"}, {"event": "x"}, {"port": "65536"}, {"left": -1}, {"left": "x"}])
        return parameters
