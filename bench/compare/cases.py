# SPDX-License-Identifier: Apache-2.0
"""What is compared: each case is a fill, and after it rounds of load, memory, or both."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    torrents: int
    peers: int
    popularity: str
    protocol: str = "udp"          # udp, http-close, http-at-once, http-keep
    family: int = 4
    numwant: int = 30
    rate: int = 0                  # questions a second; 0: as fast as answers come
    seeders: float = 0.0           # 0 where load is compared: then every tracker hands out as many peers as there are
    load: bool = True
    per: str = ""                  # memory is counted per "peer" or "torrent"; "" where it is not
    contenders: tuple = ("echo", "musterd", "opentracker", "aquatic")
    # What muster must reach: (against whom or "bytes", at most).
    goal: tuple = field(default=())

    def plan(self):
        """The options of muster-load that name who announces what."""
        return ["--torrents", str(self.torrents), "--peers", str(self.peers),
                "--popularity", self.popularity, "--seeders", str(self.seeders),
                "--numwant", str(self.numwant), "--sources", "16" if self.peers > 500_000 else "8",
                "--window", "8" if self.peers > 500_000 else "16"]

    def count(self):
        return self.peers if self.per == "peer" else self.torrents


SMALL = dict(torrents=10_000, peers=100_000, popularity="zipf:1")
UDP_AND_NGINX = ("echo", "musterd", "opentracker", "nginx")

CASES = [
    Case("udp-small", "UDP, 10,000 torrents / 100,000 peers, numwant 30", **SMALL,
         goal=("echo", 1.15)),
    Case("udp-large", "UDP, 1,000,000 torrents / 2,000,000 peers, numwant 30",
         1_000_000, 2_000_000, "zipf:1", goal=("echo", 1.20)),
    Case("udp-one", "UDP, one torrent with 100,000 peers, numwant 50", 1, 100_000, "one", numwant=50,
         goal=("echo", 1.20)),
    # At a rate that leaves room for the generator, which shares a core with one of two workers: as fast as answers come,
    # the two would only wait for it, and answer smaller batches than one.
    Case("udp-two", "UDP, 60,000 a second, with two workers against one", **SMALL, rate=60_000,
         contenders=("musterd-one", "musterd-two"), goal=("one worker", 1 / 0.9)),
    Case("http-close", "HTTP, one announce a connection", **SMALL, protocol="http-close",
         contenders=("echo", "echo-deferred", "musterd", "opentracker", "nginx"),
         goal=("nginx", 0.85)),
    Case("http-at-once", "the same, connect and request in one breath", **SMALL, protocol="http-at-once",
         contenders=("echo", "echo-deferred", "musterd", "opentracker", "nginx"),
         goal=("nginx", 0.85)),
    Case("http-keep", "HTTP, keep-alive", **SMALL, protocol="http-keep",
         contenders=("echo", "musterd", "nginx"), goal=("echo", 1.15)),
    Case("mem-mixed", "memory: 1,000,000 torrents, 5,000,000 IPv4 peers, mixed",
         1_000_000, 5_000_000, "mixed", seeders=0.3, load=False, per="peer",
         contenders=("musterd", "opentracker", "aquatic"), goal=("bytes", 18)),
    Case("mem-mixed6", "memory: the same with IPv6 peers",
         1_000_000, 5_000_000, "mixed", seeders=0.3, load=False, per="peer", family=6,
         contenders=("musterd", "aquatic"), goal=("bytes", 30)),
    Case("mem-single", "memory: 1,000,000 torrents with one peer each",
         1_000_000, 1_000_000, "single", seeders=0.3, load=False, per="torrent",
         contenders=("musterd", "opentracker", "aquatic"), goal=("bytes", 52)),
    Case("udp-hundred", "UDP, one torrent with 100 peers, numwant 50", 1, 100, "one", numwant=50),
    Case("udp-million", "UDP, one torrent with 1,000,000 peers, numwant 50", 1, 1_000_000, "one",
         numwant=50, per="peer", goal=("bytes", 12)),
]

# An announce in the swarm of a million against one in a swarm of a hundred.
HUGE_SWARM = ("udp-million", "udp-hundred", 1.5)


def scaled(case, by):
    """The same shape with fewer peers, for a short run."""
    from dataclasses import replace
    if case.peers <= 100_000:
        return case
    return replace(case, peers=case.peers // by,
                   torrents=max(1, case.torrents // by) if case.torrents > 1 else 1,
                   title=f"{case.title} (a {by}th of it)")
