# SPDX-License-Identifier: Apache-2.0
"""Debian's BitTorrent clients, each as a process that seeds or downloads one torrent and knows of one tracker only.

DHT, peer exchange, local discovery, port mapping and uTP are off, and the torrent is private: who finds a peer found it
through the tracker.

What a client cannot do on a loopback interface is said here as a fact of that client, next to the code that it comes from.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading

_ports_lock = threading.Lock()
_ports_given = set()


def free_port():
    """A TCP and UDP port, free in both families, below the range from which the kernel picks ports by itself."""
    with _ports_lock:
        start = 20000 + os.getpid() * 61 % 8000
        for port in range(start, 32000):
            if port not in _ports_given and _is_free(port):
                _ports_given.add(port)
                return port
    raise RuntimeError("no free port")


def _is_free(port):
    for family, address in ((socket.AF_INET, ""), (socket.AF_INET6, "::")):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            try:
                with socket.socket(family, kind) as s:
                    if family == socket.AF_INET6:
                        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    s.bind((address, port))
            except OSError as error:
                if family == socket.AF_INET or error.errno != 97:  # EAFNOSUPPORT: this machine has no IPv6
                    return False
    return True


class Client:
    """One run of a client. `folder` is its own; the payload lies in, or arrives in, `folder`/data."""

    name = None
    program = None
    # Whether it connects to peers on a loopback address that the tracker told it of. One that does not can still be
    # connected to, so a pair needs at least one that does.
    dials_loopback = True
    # Whether it sends `stopped` when it is ended with `stop_signal`.
    takes_leave = True
    stop_signal = signal.SIGTERM

    def __init__(self, folder, torrent, url, seeding):
        self.folder = folder
        self.data = os.path.join(folder, "data")
        self.torrent = torrent
        self.family = 6 if "[" in url else 4
        self.url = url
        self.seeding = seeding
        os.makedirs(self.data, exist_ok=True)
        self.log_path = os.path.join(folder, "log")
        # No proxies and no configuration of whoever runs the tests.
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C.UTF-8"}
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT)

    @classmethod
    def missing(cls):
        """Why the client cannot be run at all, or None."""
        return None if shutil.which(cls.program) else cls.program + " is not installed"

    @classmethod
    def unable(cls, scheme, family):
        """Why the client cannot use a tracker of this scheme on a loopback address of this family, or None."""
        return None

    def command(self):
        raise NotImplementedError

    def ended(self):
        return self.process.poll() is not None

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()

    def stop(self):
        """Ends it in the regular way, so that it takes leave of the tracker."""
        if not self.ended():
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self):
        if not self.ended():
            self.process.kill()
            self.process.wait()


class Transmission(Client):
    name = "transmission"
    program = "transmission-daemon"
    # isMartianAddr() in libtransmission/net.c (3.00): 127.0.0.0/8 and ::1 are never dialled.
    dials_loopback = False
    # tr_sessionClose() of 3.00 does not wait for the `stopped` that it has queued.
    takes_leave = False

    @classmethod
    def unable(cls, scheme, family):
        if scheme == "udp" and family == 6:
            return "transmission 3.00 takes the host of udp://[::1]:port/ to be '[' and asks the name service for it"
        return None

    def command(self):
        watch = os.path.join(self.folder, "watch")
        os.makedirs(watch)
        shutil.copy(self.torrent, watch)
        settings = {
            "rpc-enabled": False,
            "watch-dir": watch,
            "watch-dir-enabled": True,
            "download-dir": self.data,
            "peer-port": free_port(),
            # Only an address that is not the default is used for HTTP, whatever the tracker's family.
            "bind-address-ipv4": "127.0.0.1" if self.family == 4 else "0.0.0.0",
            "bind-address-ipv6": "::1" if self.family == 6 else "::",
            "dht-enabled": False,
            "lpd-enabled": False,
            "pex-enabled": False,
            "utp-enabled": False,
            "port-forwarding-enabled": False,
            "encryption": 0,
            "preallocation": 0,
        }
        with open(os.path.join(self.folder, "settings.json"), "w") as f:
            json.dump(settings, f)
        return [self.program, "--foreground", "--log-debug", "--config-dir", self.folder]


class Aria2(Client):
    name = "aria2"
    program = "aria2c"
    # SIGTERM is its emergency exit.
    stop_signal = signal.SIGINT

    @classmethod
    def unable(cls, scheme, family):
        if scheme == "udp" and family == 6:
            return "aria2 1.36 speaks to UDP trackers through an IPv4 socket only"
        return None

    def command(self):
        port = free_port()
        options = {
            "no-conf": "true",
            "dir": self.data,
            "torrent-file": self.torrent,
            "listen-port": port,
            # In 1.36 the UDP tracker client lives in the DHT's IPv4 socket (DHTSetup.cc). The DHT itself has no entry point, no
            # address but loopback, and nothing to say about a private torrent.
            "enable-dht": "true" if self.url.startswith("udp:") else "false",
            "dht-listen-addr": "127.0.0.1",
            "dht-listen-port": port,
            "dht-file-path": os.path.join(self.folder, "dht.dat"),
            "enable-dht6": "false",
            "bt-enable-lpd": "false",
            "enable-peer-exchange": "false",
            "disable-ipv6": "false",
            "async-dns": "false",
            "bt-tracker-interval": 2,
            "file-allocation": "none",
            "seed-ratio": "0.0",
            "summary-interval": 0,
            "show-console-readout": "false",
            "log-level": "info",
            "log": os.path.join(self.folder, "aria2.log"),
        }
        if self.seeding:
            options["check-integrity"] = "true"
        return [self.program] + ["--%s=%s" % option for option in options.items()]


class Libtorrent(Client):
    name = "libtorrent"
    program = "/usr/bin/python3"

    @classmethod
    def missing(cls):
        probe = subprocess.run([cls.program, "-c", "import libtorrent"], capture_output=True)
        return None if probe.returncode == 0 else "python3-libtorrent is not installed"

    def command(self):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libtorrent_client.py")
        interface = "127.0.0.1:0" if self.family == 4 else "[::1]:0"
        return [self.program, script, self.torrent, self.data, interface]


CLIENTS = (Transmission, Aria2, Libtorrent)
