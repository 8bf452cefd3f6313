# SPDX-License-Identifier: Apache-2.0
"""A tracker of one's own for a test: free ports, ready when it says so, gone when the test is."""

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time

# What a test waits for comes within seconds on an idle machine; a crowded one gets this long.
PATIENCE = 60


def wait_until(condition, what, timeout=PATIENCE, pause=0.01):
    """Waits until `condition()`, asked every `pause` seconds, is true, and returns what it gave: for what a program
    does by itself and has no signal for."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError("waited %d s in vain for %s" % (timeout, what))
        time.sleep(pause)


def has_ipv6():
    """Whether this machine has an IPv6 loopback."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def address_of(url):
    """Host and port of a URL."""
    host, port = url.split("/")[2].rsplit(":", 1)
    return host.strip("[]"), int(port)


class Program:
    """A running program that says `listening on URL` for each of its `ready` listeners; a context manager.

    `listeners` has the announce URLs in their order; `urls` maps ("udp" or "http", 4 or 6) to the first of the kind.
    """

    def __init__(self, command, ready, timeout=PATIENCE):
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._stopped = False  # asked to end
        self.lines = []  # everything that it has said
        self._queue = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.listeners = []
        self.urls = {}
        deadline = time.monotonic() + timeout
        while len(self.listeners) < ready:
            try:
                line = self._queue.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                self.kill()
                raise TimeoutError("%s is not ready: %s" % (command, self.lines))
            if line is None:
                raise RuntimeError("%s ended with %d: %s" % (command, self.process.wait(), self.lines))
            url = line.removeprefix("listening on ")
            if url != line:
                self.listeners.append(url)
                self.urls.setdefault((url.split(":")[0], 6 if "[" in url else 4), url)
        self.lines_at_start = len(self.lines)

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._queue.put(self.lines[-1])
        self._queue.put(None)

    def said(self, pattern):
        """The match of a regular expression in a line that the program says, before now or soon."""
        find = re.compile(pattern).search
        return wait_until(lambda: next(filter(None, map(find, list(self.lines))), None), "a line like %r" % pattern)

    def address(self, scheme, family):
        return address_of(self.urls[scheme, family])

    def resident_kib(self):
        with open("/proc/%d/status" % self.process.pid) as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def running(self):
        return self.process.poll() is None

    def stop(self, sig=signal.SIGTERM, timeout=PATIENCE):
        """Asks it to end; its exit status."""
        self._stopped = True
        self.process.send_signal(sig)
        status = self.process.wait(timeout)
        self._reader.join()
        return status

    def kill(self):
        if self.running():
            self.process.kill()
        elif not self._stopped:
            print("%s ended by itself with %d:" % (self.process.args, self.process.returncode), *self.lines,
                  sep="\n", file=sys.stderr, flush=True)
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.kill()


class Musterd(Program):
    """The musterd under test, $MUSTERD or what tools/quickstart has built, by default with a listener of each kind.

    `listeners` are pairs of an option and an address.
    """

    def __init__(self, *options, listeners=None):
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        binary = os.environ.get("MUSTERD", os.path.join(root, "build/tools/musterd/musterd"))
        if listeners is None:
            addresses = ["127.0.0.1:0"] + (["[::1]:0"] if has_ipv6() else [])
            listeners = [(scheme, address) for scheme in ("udp", "http") for address in addresses]
        arguments = [argument for scheme, address in listeners for argument in ("--" + scheme, address)]
        super().__init__([binary, *arguments, *options], ready=len(listeners))
