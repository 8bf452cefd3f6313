# SPDX-License-Identifier: Apache-2.0
"""Small clients of the tracker protocols: bencode, HTTP (BEP 3, 7, 23, 48) and UDP (BEP 15, 41) announces and scrapes.

Written from the BEPs and on nothing but the standard library, so that they share no mistake with the code under test.
"""

import http.client
import ipaddress
import os
import socket
import struct
import urllib.parse
from dataclasses import dataclass, field

STARTED, COMPLETED, STOPPED, NONE = "started", "completed", "stopped", ""
UDP_EVENTS = {NONE: 0, COMPLETED: 1, STARTED: 2, STOPPED: 3}
UDP_MAGIC = 0x41727101980


class TrackerError(Exception):
    """The tracker refused, in words."""


# --- bencode -------------------------------------------------------------------------------------------------------------


def bencode(value):
    if isinstance(value, bool):
        raise TypeError("bencode knows no booleans")
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    items = sorted((k.encode() if isinstance(k, str) else k, v) for k, v in value.items())
    return b"d" + b"".join(bencode(k) + bencode(v) for k, v in items) + b"e"


def bdecode(data):
    """The one value that `data` holds. Strict: sorted distinct keys, canonical numbers, nothing behind the value."""
    value, end = _bdecode(data, 0)
    if end != len(data):
        raise ValueError("%d bytes behind the value" % (len(data) - end))
    return value


def _number(data, start, stop):
    digits = data[start:stop]
    value = int(digits)
    if str(value).encode() != digits:
        raise ValueError("number %r is not canonical" % digits)
    return value


def _bdecode(data, at):
    kind = data[at : at + 1]
    if kind == b"i":
        stop = data.index(b"e", at)
        return _number(data, at + 1, stop), stop + 1
    if kind == b"l":
        values, at = [], at + 1
        while data[at : at + 1] != b"e":
            value, at = _bdecode(data, at)
            values.append(value)
        return values, at + 1
    if kind == b"d":
        result, last, at = {}, None, at + 1
        while data[at : at + 1] != b"e":
            key, at = _bdecode(data, at)
            if not isinstance(key, bytes) or (last is not None and key <= last):
                raise ValueError("key %r after %r" % (key, last))
            result[key], at = _bdecode(data, at)
            last = key
        return result, at + 1
    colon = data.index(b":", at)
    size = _number(data, at, colon)
    if size < 0 or colon + 1 + size > len(data):
        raise ValueError("string at %d is cut off" % at)
    return data[colon + 1 : colon + 1 + size], colon + 1 + size


# --- what an announce asks and gets ----------------------------------------------------------------------------------------


@dataclass
class Announce:
    info_hash: bytes
    port: int
    peer_id: bytes = field(default_factory=lambda: b"-XX0001-" + os.urandom(12))
    event: str = NONE
    left: int = 1
    uploaded: int = 0
    downloaded: int = 0
    numwant: int = -1  # -1: not said
    key: int = 0


@dataclass
class Answer:
    interval: int
    complete: int
    incomplete: int
    peers: list  # of (address, port)
    min_interval: int = None


@dataclass
class Counts:
    complete: int
    downloaded: int
    incomplete: int


def compact_peers(data, size):
    if len(data) % size != 0:
        raise ValueError("%d bytes are no list of %d-byte peers" % (len(data), size))
    return [
        (str(ipaddress.ip_address(data[i : i + size - 2])), struct.unpack(">H", data[i + size - 2 : i + size])[0])
        for i in range(0, len(data), size)
    ]


# --- HTTP ----------------------------------------------------------------------------------------------------------------


class HttpTracker:
    """Announces and scrapes over HTTP; one connection, kept alive."""

    def __init__(self, url, source=None, timeout=10):
        parts = urllib.parse.urlsplit(url)
        self.path = parts.path
        source = (source, 0) if source else None
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout, source_address=source)

    def close(self):
        self.connection.close()

    def get(self, target):
        self.connection.request("GET", target)
        response = self.connection.getresponse()
        return response, response.read()

    def fetch(self, path, query):
        """The decoded answer; TrackerError for a `failure reason`."""
        response, body = self.get(path + "?" + query)
        if not body.startswith(b"d"):
            raise TrackerError("HTTP %d: %r" % (response.status, body[:200]))
        answer = bdecode(body)
        if b"failure reason" in answer:
            raise TrackerError(answer[b"failure reason"].decode())
        return answer

    def query(self, a, compact=True, **more):
        items = [
            ("info_hash", a.info_hash), ("peer_id", a.peer_id), ("port", a.port), ("uploaded", a.uploaded),
            ("downloaded", a.downloaded), ("left", a.left), ("compact", int(compact)),
        ]
        if a.event:
            items.append(("event", a.event))
        if a.numwant >= 0:
            items.append(("numwant", a.numwant))
        if a.key:
            items.append(("key", "%08x" % a.key))
        return urllib.parse.urlencode(items + list(more.items()), quote_via=urllib.parse.quote, safe="")

    def announce(self, a):
        answer = self.fetch(self.path, self.query(a))
        peers = compact_peers(answer[b"peers"], 6) + compact_peers(answer.get(b"peers6", b""), 18)
        return Answer(answer[b"interval"], answer[b"complete"], answer[b"incomplete"], peers, answer.get(b"min interval"))

    def announce_dictionary(self, a, **more):
        """The peers in the dictionary form of BEP 3."""
        return self.fetch(self.path, self.query(a, compact=False, **more))[b"peers"]

    def scrape(self, info_hashes):
        query = "&".join("info_hash=" + urllib.parse.quote(h, safe="") for h in info_hashes)
        files = self.fetch(self.path.replace("announce", "scrape"), query)[b"files"]
        zero = {b"complete": 0, b"downloaded": 0, b"incomplete": 0}
        rows = [files.get(h, zero) for h in info_hashes]
        return [Counts(row[b"complete"], row[b"downloaded"], row[b"incomplete"]) for row in rows]


# --- UDP -----------------------------------------------------------------------------------------------------------------


class UdpTracker:
    """Announces and scrapes over UDP. Loopback loses no packets unless a buffer is full: one resend is plenty."""

    def __init__(self, url, source=None, timeout=5):
        parts = urllib.parse.urlsplit(url)
        self.path = parts.path
        self.family = socket.AF_INET6 if ":" in parts.hostname else socket.AF_INET
        self.socket = socket.socket(self.family, socket.SOCK_DGRAM)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect((parts.hostname, parts.port))
        self.socket.settimeout(timeout)
        self.connection_id = None

    def close(self):
        self.socket.close()

    def exchange(self, packet):
        """The answer to `packet`, whose transaction id is its bytes 12 to 15; TrackerError for an error packet."""
        for attempt in range(2):
            self.socket.send(packet)
            try:
                answer = self.receive(packet[12:16])
                break
            except socket.timeout:
                if attempt == 1:
                    raise
        if answer[:4] == b"\0\0\0\3":
            raise TrackerError(answer[8:].decode())
        if answer[:4] != packet[8:12]:
            raise ValueError("action %r answers action %r" % (answer[:4], packet[8:12]))
        return answer

    def receive(self, transaction):
        while True:
            answer = self.socket.recv(65536)
            if len(answer) < 8:
                raise ValueError("answer of %d bytes" % len(answer))
            if answer[4:8] == transaction:
                return answer

    def connect(self):
        answer = self.exchange(struct.pack(">QI", UDP_MAGIC, 0) + os.urandom(4))
        if len(answer) != 16:
            raise ValueError("connect answer of %d bytes" % len(answer))
        self.connection_id = answer[8:]

    def request(self, action, body):
        if self.connection_id is None:
            self.connect()
        return self.exchange(self.connection_id + struct.pack(">I", action) + os.urandom(4) + body)

    def announce(self, a, options=b""):
        body = a.info_hash + a.peer_id + struct.pack(">QQQ", a.downloaded, a.left, a.uploaded)
        body += struct.pack(">IIIiH", UDP_EVENTS[a.event], 0, a.key, a.numwant, a.port) + options
        answer = self.request(1, body)
        interval, incomplete, complete = struct.unpack(">III", answer[8:20])
        size = 18 if self.family == socket.AF_INET6 else 6
        return Answer(interval, complete, incomplete, compact_peers(answer[20:], size))

    def scrape(self, info_hashes):
        answer = self.request(2, b"".join(info_hashes))
        if len(answer) != 8 + 12 * len(info_hashes):
            raise ValueError("scrape answer of %d bytes" % len(answer))
        return [Counts(*struct.unpack(">III", answer[i : i + 12])) for i in range(8, len(answer), 12)]


def tracker_at(url, source=None):
    return (UdpTracker if url.startswith("udp:") else HttpTracker)(url, source)
