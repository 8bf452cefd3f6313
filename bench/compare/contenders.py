# SPDX-License-Identifier: Apache-2.0
"""Servers under comparison: how each is started, found ready, measured and stopped."""

import os
import platform
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import urllib.request

READY_SECONDS = 30


def free_port(family):
    """A port that is free for UDP and TCP just now."""
    af, host = (socket.AF_INET, "127.0.0.1") if family == 4 else (socket.AF_INET6, "::1")
    for _ in range(100):
        with socket.socket(af, socket.SOCK_STREAM) as tcp, socket.socket(af, socket.SOCK_DGRAM) as udp:
            tcp.bind((host, 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind((host, port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


class LockWatch:
    """Looks a few hundred times a second whether a server's several workers wait for a lock, while it is entered."""

    FUTEX = {"x86_64": "202", "aarch64": "98"}.get(platform.machine(), "")

    def __init__(self, server):
        self.tasks = [] if not server.everywhere else [
            f"/proc/{pid}/task/{task}" for pid in server.processes() for task in os.listdir(f"/proc/{pid}/task")
            if task != str(pid)]  # the first thread waits for the others
        self.looks = self.waits = 0
        self.over = threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def watch(self):
        while self.tasks and not self.over.wait(0.004):
            for task in self.tasks:
                try:
                    with open(f"{task}/syscall") as f:
                        self.waits += f.read().split()[0] == self.FUTEX
                    self.looks += 1
                except OSError:
                    return  # not ours to look at

    def share(self):
        """The part of the time that a worker waited, or None where that cannot be seen."""
        return self.waits / self.looks if self.looks and self.FUTEX else None


class Server:
    """A process of its own, pinned to a core. Subclasses say what is started."""

    name = ""
    everywhere = False  # on all cores
    settle_seconds = 1  # from when it is full to when its memory is counted

    def __init__(self, tools, case, directory, cpu):
        self.tools, self.case, self.directory = tools, case, directory
        self.port = free_port(case.family)
        self.host = "127.0.0.1" if case.family == 4 else "[::1]"
        log = open(os.path.join(directory, "log"), "wb")
        self.process = subprocess.Popen(
            self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=directory,
            preexec_fn=None if self.everywhere else lambda: os.sched_setaffinity(0, {cpu}))
        log.close()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    # What it takes to run it, or why it cannot take part.
    @classmethod
    def missing(cls, tools, case):
        return "" if tools.get(cls.name) else "not found"

    @classmethod
    def version(cls, tools):
        return ""

    def command(self):
        raise NotImplementedError

    def at(self):
        return f"{self.host}:{self.port}"

    def url(self):
        return f"udp://{self.at()}" if self.case.protocol == "udp" else f"http://{self.at()}/announce"

    def fill_url(self):
        return f"udp://{self.at()}"  # whatever the case: a peer is the same by UDP and HTTP, and this is quicker

    # More options for muster-load.
    load_options = ()

    def wait_ready(self):
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            if self.answers():
                return
            time.sleep(0.02)
        with open(os.path.join(self.directory, "log"), errors="replace") as log:
            raise RuntimeError(f"{self.name} is not ready: {log.read()[-2000:]}")

    def answers(self):
        family = socket.AF_INET if self.case.family == 4 else socket.AF_INET6
        kind = socket.SOCK_DGRAM if self.case.protocol == "udp" else socket.SOCK_STREAM
        with socket.socket(family, kind) as s:
            s.settimeout(0.2)
            try:
                s.connect((self.host.strip("[]"), self.port))
                if kind == socket.SOCK_DGRAM:
                    s.send(struct.pack(">QII", 0x41727101980, 0, 1))
                    return len(s.recv(64)) == 16
                return True
            except OSError:
                return False

    def processes(self):
        """Its own id and those of its children (nginx's workers)."""
        pids, found = [self.process.pid], []
        while pids:
            pid = pids.pop()
            found.append(pid)
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as f:
                    pids += [int(p) for p in f.read().split()]
        return found

    def cpu_ns(self):
        """CPU time so far of all threads, user and system: the scheduler's own count, in nanoseconds."""
        total = 0
        for pid in self.processes():
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                    total += int(f.read().split()[0])
        return total

    def resident(self):
        """Bytes of resident memory."""
        total = 0
        for pid in self.processes():
            with open(f"/proc/{pid}/status") as f:
                for line in f:
                    if line.startswith("VmRSS:"):
                        total += int(line.split()[1]) * 1024
        return total

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def first_line(*command):
    try:
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             timeout=10, check=False)
        return run.stdout.strip().splitlines()[0]
    except (OSError, IndexError, subprocess.SubprocessError):
        return ""


class Echo(Server):
    name = "echo"
    load_options = ("--no-verify",)
    deferred = False

    @classmethod
    def missing(cls, tools, case):
        return "" if tools.get("echo") else "not found"

    def command(self):
        udp_bytes, http_bytes = self.case_bytes()
        listen = {"udp": "--udp", "http-close": "--http-close", "http-at-once": "--http-close", "http-keep": "--http"}
        return [self.tools["echo"], listen[self.case.protocol], self.at(),
                "--answer-bytes", str(udp_bytes), "--http-bytes", str(http_bytes),
                *(["--defer-accept"] if self.deferred else [])]

    def case_bytes(self):
        peers = self.tools["mean_peers"]
        return round(20 + 6 * peers), http_body_bytes(peers)


class EchoDeferred(Echo):
    name = "echo-deferred"
    deferred = True


def http_body_bytes(peers):
    """Size of a bencoded announce answer with so many peers: counts, interval, keys and the peers."""
    return round(115 + 6 * peers)


class Musterd(Server):
    name = "musterd"
    settle_seconds = 65  # it tidies up its memory as it sweeps, in a pass of a minute

    @classmethod
    def version(cls, tools):
        return first_line(tools["musterd"], "--version")

    def command(self):
        return [self.tools["musterd"], "--udp", self.at(), "--http", self.at(), "--workers", "1"]


class MusterdOne(Musterd):
    """The same on whatever cores there are, where the generator is too."""

    name = "musterd-one"
    everywhere = True
    workers = 1

    @classmethod
    def missing(cls, tools, case):
        return "" if tools.get("musterd") else "not found"

    def command(self):
        return [*super().command()[:-1], str(self.workers)]


class MusterdTwo(MusterdOne):
    name = "musterd-two"
    workers = 2


class Opentracker(Server):
    """Debian's package: IPv4 only, and it serves only what is on its whitelist."""

    name = "opentracker"
    load_options = ("--allow-self",)

    @classmethod
    def missing(cls, tools, case):
        if case.family == 6:
            return "IPv4 only"
        if case.protocol == "http-keep":
            return "does not keep connections"
        return super().missing(tools, case)

    @classmethod
    def version(cls, tools):
        return first_line("dpkg-query", "-W", "-f", "${Package} ${Version}", "opentracker")

    def command(self):
        # As root it goes into its directory by chroot and becomes nobody, so that one must be able to read it.
        os.chmod(self.directory, 0o755)
        shutil.copy(self.tools["hashes"], os.path.join(self.directory, "whitelist"))
        return [self.tools["opentracker"], "-i", "127.0.0.1", "-p", str(self.port),
                "-P", str(self.port), "-d", self.directory, "-w", "whitelist"]

    def answers(self):
        # The whitelist is read in the background: ready when its last torrent is served.
        with open(self.tools["hashes"], "rb") as f:
            f.seek(-41, os.SEEK_END)
            digits = f.read(40).decode()
        escaped = "".join("%" + digits[i:i + 2] for i in range(0, 40, 2))
        url = (f"http://{self.at()}/announce?info_hash={escaped}&peer_id={'x' * 20}&port=1"
               "&uploaded=0&downloaded=0&left=1&compact=1&event=")
        try:
            with urllib.request.urlopen(url + "started", timeout=1) as answer:
                served = b"failure" not in answer.read()
            urllib.request.urlopen(url + "stopped", timeout=1).close()
            return served
        except OSError:
            return False


class Nginx(Server):
    """A static answer of the same size: what a good HTTP server takes for any request at all."""

    name = "nginx"
    load_options = ("--no-verify",)

    @classmethod
    def version(cls, tools):
        return first_line(tools["nginx"], "-v").removeprefix("nginx version: ")

    def command(self):
        d = self.directory
        config = os.path.join(d, "nginx.conf")
        temporary = "".join(f"  {kind}_temp_path {d}/{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(config, "w") as f:
            f.write(f"""daemon off;
worker_processes 1;
pid {d}/pid;
error_log {d}/error.log crit;
{"user root;" if os.geteuid() == 0 else ""}
events {{ worker_connections 8192; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
{temporary}  server {{
    listen {self.at()} backlog=4096;
    location / {{ default_type text/plain; return 200 "{"x" * http_body_bytes(self.tools["mean_peers"])}"; }}
  }}
}}
""")
        return [self.tools["nginx"], "-p", d, "-c", config, "-e", os.path.join(d, "error.log")]


class Aquatic(Server):
    """aquatic_udp 0.9 with one socket worker (mio)."""

    name = "aquatic"
    load_options = ("--allow-self",)

    @classmethod
    def version(cls, tools):
        return first_line(tools["aquatic"], "--version")

    @classmethod
    def missing(cls, tools, case):
        if case.protocol != "udp":
            return "UDP only"
        return super().missing(tools, case)

    def command(self):
        config = os.path.join(self.directory, "aquatic.toml")
        with open(config, "w") as f:
            f.write(f"""socket_workers = 1
[network]
address = "{self.at()}"
only_ipv6 = {str(self.case.family == 6).lower()}
[protocol]
max_response_peers = 200
[cleaning]
max_peer_age = 7200
""")
        return [self.tools["aquatic"], "-c", config]


CONTENDERS = {c.name: c for c in (Echo, EchoDeferred, Musterd, MusterdOne, MusterdTwo, Opentracker, Nginx, Aquatic)}
