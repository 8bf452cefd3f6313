# SPDX-License-Identifier: Apache-2.0
"""The musterd binary as its operator meets it: ready lines, signals, files, mistakes.

musterd_test.py MUSTERD [unittest options]
"""
import contextlib
import os
import pathlib
import re
import resource
import select
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.dont_write_bytecode = True
from daemon import wait_until  # noqa: E402

MUSTERD = os.path.abspath(sys.argv.pop(1))
TIMEOUT = 30  # seconds that a step may take before it counts as hanging
# For a musterd that is confined to a folder: LeakSanitizer cannot look for leaks without /proc, and fails.
CONFINED = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}

TORRENT = "a" * 20
ANNOUNCE = (f"GET /announce?info_hash={TORRENT}&peer_id=-XX0001-000000000000&port=6881"
            "&uploaded=0&downloaded=0&left=1&compact=1 HTTP/1.1\r\nHost: t\r\n%s\r\n")


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def run(*args, **kwargs):
    """A musterd that ends by itself."""
    return subprocess.run([MUSTERD, *args], capture_output=True, text=True, timeout=TIMEOUT, **kwargs)


class Daemon:
    """A running musterd; stopped at the end of the with block."""

    def __init__(self, *args, listeners, command=(), **kwargs):
        if "--log-level" not in args:
            args = (*args, "--log-level", "warning")
        kwargs = {"stderr": subprocess.PIPE, **kwargs}
        self.process = subprocess.Popen([*command, MUSTERD, *args], stdout=subprocess.PIPE, **kwargs)
        self.urls = []
        self._err = b""  # what has been read of its standard error
        try:
            for line in self._read_lines(listeners):
                if not line.startswith("listening on "):
                    raise AssertionError(f"not a ready line: {line!r}")
                self.urls.append(line[len("listening on "):])
        except Exception:
            self.process.kill()
            self.process.communicate()
            raise

    def _read(self, stream, enough):
        """What `stream` gives until `enough(of all that)`, without waiting for its end."""
        deadline = time.monotonic() + TIMEOUT
        data = b""
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while not enough(data):
                if not selector.select(deadline - time.monotonic()):
                    raise AssertionError(f"waited {TIMEOUT} s in vain; it said {data!r}")
                chunk = os.read(stream.fileno(), 4096)
                if not chunk:
                    raise AssertionError(f"ended early: {data!r} {self.process.stderr and self.process.stderr.read()!r}")
                data += chunk
        return data

    def _read_lines(self, count):
        return self._read(self.process.stdout, lambda data: data.count(b"\n") >= count).decode().splitlines()

    def wait_for_output(self, enough):
        """What standard output has after the ready lines, as soon as `enough(of it)`."""
        return self._read(self.process.stdout, enough).decode()

    def wait_for_error_line(self):
        """The next lines of standard error, at least one."""
        data = self._read(self.process.stderr, lambda data: data.endswith(b"\n"))
        self._err += data
        return data.decode()

    def address(self, index=0):
        """(host, port) of a listener."""
        host, port = re.fullmatch(r"\w+://(.+):(\d+)/announce", self.urls[index]).groups()
        return host.strip("[]"), int(port)

    def stop(self, signal_number=signal.SIGTERM):
        """Exit status and standard error."""
        self.process.send_signal(signal_number)
        _, err = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, (self._err + (err or b"")).decode()

    def __enter__(self):
        return self

    def __exit__(self, failure, *unused):
        status = self.process.poll()
        if status is None:
            self.process.kill()
        _, err = self.process.communicate()
        err = self._err + (err or b"")
        if failure is not None:
            print(f"musterd, status {status}, said: {err.decode(errors='replace')}", file=sys.stderr)


def http(address, request):
    """The whole answer to a request after which the connection is closed."""
    with socket.create_connection(address, TIMEOUT) as s:
        s.sendall(request.encode())
        answer = b""
        while chunk := s.recv(65536):
            answer += chunk
        return answer


def announce(address, torrent=TORRENT):
    return http(address, ANNOUNCE.replace(TORRENT, torrent) % "Connection: close\r\n")


def wait_until_refused(address):
    """Returns when nobody listens any more."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        try:
            socket.create_connection(address, TIMEOUT).close()
        except OSError:
            return
    raise AssertionError("still accepts connections")


class Test(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="musterd-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, text, name="musterd.toml"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def assertComplains(self, result, status, pattern):
        """One line on standard error, nothing on standard output, and the status."""
        self.assertRegex(result.stderr, r"\Amusterd: [^\n]*\n\Z")
        self.assertRegex(result.stderr, pattern)
        self.assertEqual(result.stdout, "")
        self.assertEqual(result.returncode, status)


class Listening(Test):
    def test_prints_one_line_for_each_listener_and_serves_there(self):
        hosts = ["127.0.0.1", "[::1]"] if has_ipv6() else ["127.0.0.1"]
        args = [a for p in ("udp", "http") for h in hosts for a in (f"--{p}", f"{h}:0")]
        with Daemon(*args, listeners=2 * len(hosts)) as daemon:
            expected = [f"{p}://{re.escape(h)}:[1-9][0-9]*/announce" for p in ("udp", "http") for h in hosts]
            for url, pattern in zip(daemon.urls, expected):
                self.assertRegex(url, f"^{pattern}$")
            for i, _ in enumerate(hosts):
                host, port = daemon.address(i)
                with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as s:
                    s.settimeout(TIMEOUT)
                    s.connect((host, port))
                    s.send(bytes.fromhex("0000041727101980") + bytes(4) + b"id42")
                    self.assertEqual(s.recv(100)[:8], bytes(4) + b"id42")
                self.assertIn(b" 200 ", announce(daemon.address(len(hosts) + i)))
            self.assertEqual(daemon.stop(), (0, ""))

    def test_serves_with_as_many_workers_as_asked(self):
        with Daemon("--http", "127.0.0.1:0", "--workers", "3", listeners=1) as daemon:
            for _ in range(20):
                self.assertIn(b" 200 ", announce(daemon.address()))
            self.assertGreaterEqual(len(os.listdir(f"/proc/{daemon.process.pid}/task")), 4)

    def test_names_a_tcp_port_that_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            address = f"127.0.0.1:{s.getsockname()[1]}"
            self.assertComplains(run("--http", address), 1, re.escape(address))

    def test_names_a_udp_port_that_is_taken(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{s.getsockname()[1]}"
            self.assertComplains(run("--udp", address), 1, re.escape(address))

    def test_does_not_share_the_ports_of_another_musterd(self):
        with Daemon("--udp", "127.0.0.1:0", "--http", "127.0.0.1:0", listeners=2) as daemon:
            for i, protocol in enumerate(("udp", "http")):
                address = "%s:%d" % daemon.address(i)
                self.assertComplains(run(f"--{protocol}", address), 1, re.escape(address))

    def test_needs_every_address_for_itself_beside_one_of_them_too(self):
        with socket.create_server(("127.0.0.2", 0)) as s:
            port = s.getsockname()[1]
            self.assertComplains(run("--http", f"127.0.0.1:{port}", "--http", f"0.0.0.0:{port}"), 1, rf"0\.0\.0\.0:{port}")

    def test_names_an_address_that_is_not_of_this_machine(self):
        self.assertComplains(run("--udp", "192.0.2.1:6969"), 1, r"192\.0\.2\.1:6969")

    def test_serves_both_protocols_on_every_address_by_default(self):
        # In a network of its own, where port 6969 is free.
        alone = ["unshare", "--user", "--map-root-user", "--net"]
        if not shutil.which("unshare") or subprocess.run([*alone, "true"], capture_output=True).returncode:
            self.skipTest("no network namespaces here")
        urls = [f"{p}://{h}:6969/announce" for p in ("udp", "http") for h in ("0.0.0.0", "[::]")
                if h == "0.0.0.0" or has_ipv6()]
        with Daemon(listeners=len(urls), command=alone) as daemon:
            self.assertEqual(daemon.urls, urls)


class Signals(Test):
    def test_end_it_with_status_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Daemon("--udp", "127.0.0.1:0", "--http", "127.0.0.1:0", listeners=2) as daemon:
                self.assertEqual(daemon.stop(number), (0, ""))

    def test_of_alarms_and_broken_pipes_do_not_end_it(self):
        with Daemon("--http", "127.0.0.1:0", listeners=1) as daemon:
            for number in (signal.SIGALRM, signal.SIGPIPE):
                daemon.process.send_signal(number)
            self.assertIn(b" 200 ", announce(daemon.address()))
            self.assertEqual(daemon.stop(), (0, ""))

    def test_let_a_request_finish_that_is_under_way(self):
        with Daemon("--http", "127.0.0.1:0", "--workers", "1", "--drain-timeout", "1m", listeners=1) as daemon:
            request = (ANNOUNCE % "").encode()
            with socket.create_connection(daemon.address(), TIMEOUT) as s:
                s.sendall(request[:100])
                announce(daemon.address())  # what came before this is known to the daemon
                daemon.process.send_signal(signal.SIGTERM)
                wait_until_refused(daemon.address())
                s.sendall(request[100:])
                self.assertIn(b" 200 ", s.recv(65536))
            self.assertEqual(daemon.process.wait(TIMEOUT), 0)

    def test_end_it_at_once_the_second_time(self):
        with Daemon("--http", "127.0.0.1:0", "--workers", "1", "--drain-timeout", "1h",
                    "--http-request-timeout", "1h", listeners=1) as daemon:
            with socket.create_connection(daemon.address(), TIMEOUT) as s:
                s.sendall(b"GET /ann")
                announce(daemon.address())
                daemon.process.send_signal(signal.SIGTERM)
                wait_until_refused(daemon.address())
                self.assertIsNone(daemon.process.poll())
                self.assertEqual(daemon.stop(signal.SIGTERM)[0], -signal.SIGTERM)

    def test_that_were_ignored_when_it_started_end_it_too(self):
        ignore = lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)
        with Daemon("--udp", "127.0.0.1:0", listeners=1, preexec_fn=ignore) as daemon:
            self.assertEqual(daemon.stop(signal.SIGINT), (0, ""))


class FileSize(Test):
    def test_that_the_system_does_not_allow_is_an_error_and_not_the_end(self):
        state = os.path.join(self.folder, "state")
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        for options in (["--no-journal"], []):
            with self.subTest(options):
                with Daemon("--http", "127.0.0.1:0", "--workers", "1", "--dfile", state, *options, listeners=1,
                            preexec_fn=limit) as daemon:
                    for i in range(300):
                        self.assertIn(b" 200 ", announce(daemon.address(), torrent=f"{i:020}"))
                    status, err = daemon.stop()
                    self.assertEqual(status, 1, err)
                    self.assertIn("File too large", err)


class Settings(Test):
    def test_come_from_the_file_and_the_command_line_wins(self):
        path = self.file('http = ["127.0.0.1:0"]\ninterval = 600\ninterval-spread = 0\nmin-interval = 300\n')
        with Daemon("--config", path, listeners=1) as daemon:
            answer = announce(daemon.address())
            self.assertIn(b"8:intervali600e", answer)
            self.assertIn(b"12:min intervali300e", answer)
        with Daemon("--config", path, "--interval", "15m", listeners=1) as daemon:
            self.assertIn(b"8:intervali900e", announce(daemon.address()))

    def test_of_limits_reach_the_server(self):
        with Daemon("--http", "127.0.0.1:0", "--http-max-request-bytes", "1K", listeners=1) as daemon:
            self.assertIn(b" 200 ", announce(daemon.address()))
            answer = http(daemon.address(), f"GET / HTTP/1.1\r\nx: {'x' * 1100}\r\n\r\n")
            self.assertRegex(answer, rb"^HTTP/1.1 4")

    def test_of_addresses_replace_those_of_the_file(self):
        path = self.file('http = ["192.0.2.1:80"]\n')
        with Daemon("--config", path, "--http", "127.0.0.1:0", listeners=1) as daemon:
            self.assertTrue(daemon.urls[0].startswith("http://127.0.0.1:"))

    def test_are_the_same_when_printed_and_read_again(self):
        first = run("--print-config", "--udp", "127.0.0.1:7", "--http", "[::1]:8", "--interval", "10m", "--peer-ids",
                    "--http-idle-timeout", "1500ms", "--udp-socket-buffer", "1000")
        self.assertEqual((first.returncode, first.stderr), (0, ""))
        for line in ('udp = ["127.0.0.1:7"]', 'http = ["[::1]:8"]', 'interval = "10m"', 'peer-timeout = "15m"',
                     "peer-ids = true", 'http-idle-timeout = "1500ms"', "udp-socket-buffer = 1000"):
            self.assertIn(f"\n{line}\n", first.stdout)
        second = run("--print-config", "--config", self.file(first.stdout))
        self.assertEqual((second.returncode, second.stderr), (0, ""))
        self.assertEqual(second.stdout, first.stdout)

    def test_that_are_good_pass_the_check(self):
        for path in (self.file(""), self.file(run("--print-config").stdout)):
            result = run("--config", path, "--check-config")
            self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_that_are_wrong_do_not_pass_the_check_nor_start(self):
        path = self.file("workers = 2\nintervall = 600\n")
        for args in ([], ["--check-config"], ["--print-config"]):
            self.assertComplains(run("--config", path, *args), 2,
                                 re.escape(f"{path}:2:1: unknown setting 'intervall'; did you mean 'interval'?"))

    def test_that_contradict_each_other_are_named(self):
        path = self.file('peer-timeout = "40m"\n')
        self.assertComplains(run("--config", path, "--interval", "1h"), 2, "--interval: peer-timeout .* longer than")

    def test_cannot_come_from_what_is_no_file(self):
        self.assertComplains(run("--config", self.folder), 2, "cannot read .*: Is a directory")
        self.assertComplains(run("--config", self.folder + "/none"), 2, "cannot read .*: No such file")
        self.assertComplains(run("--config", ""), 2, "--config|cannot read")

    def test_cannot_come_from_a_file_that_may_not_be_read(self):
        path = self.file("")
        os.chmod(path, 0)
        command = ["setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
        if os.geteuid() != 0:
            command = []
        elif not shutil.which("setpriv") or subprocess.run([*command, MUSTERD, "--version"],
                                                           capture_output=True).returncode:
            self.skipTest("cannot become another user")
        os.chmod(self.folder, 0o755)
        result = subprocess.run([*command, MUSTERD, "--config", path], capture_output=True, text=True, timeout=TIMEOUT)
        self.assertComplains(result, 2, "cannot read .*: Permission denied")

    def test_cannot_come_from_a_huge_file(self):
        self.assertComplains(run("--config", self.file("\n" * 1048577)), 2, ":1:1: longer than 1 MiB")
        self.assertComplains(run("--config", "/dev/zero"), 2, ":1:1: longer than 1 MiB")


class AccessLog(Test):
    def test_that_nobody_reads_does_not_hold_up_the_tracker(self):
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)
        for path in ("-", "/dev/stdout", pipe):
            with self.subTest(path=path):
                reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
                with Daemon("--http", "127.0.0.1:0", "--workers", "1", "--access-log", path,
                            "--access-log-flush-interval", "0", listeners=1) as daemon:
                    count = 1500  # 6 MB of lines, which neither the pipe nor the queue has room for
                    for _ in range(count):
                        request = f"GET /{'x' * 3900} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"
                        self.assertTrue(http(daemon.address(), request).startswith(b"HTTP/1.1 404 "))
                    daemon.process.send_signal(signal.SIGTERM)
                    log = self.read_to_the_end(reader if path == pipe else daemon.process.stdout.fileno())
                    self.assertEqual(daemon.process.wait(TIMEOUT), 0)
                    lines = log.decode().splitlines()
                    written = sum('x HTTP/1.1" 404 ' in line for line in lines)
                    lost = [int(n) for n in re.findall(r"^\*\*warning\*\* (\d+) lines were lost$", log.decode(), re.M)]
                    self.assertGreater(written, 1000)
                    self.assertEqual(written + sum(lost), count)
                    self.assertEqual(len(lost), 1)
                    self.assertRegex(daemon.process.stderr.read().decode(),
                                     f"\\Amusterd: warning: access-log: cannot write '{path}' in time: "
                                     f"{lost[0]} lines were lost\n\\Z")
                    self.assertIn("# Shutting down:", "".join(lines[-2:]))
                os.close(reader)

    def read_to_the_end(self, stream):
        os.set_blocking(stream, True)
        data = b""
        while chunk := os.read(stream, 65536):
            data += chunk
        return data

    def test_that_nobody_reads_is_left_behind_in_the_end(self):
        with Daemon("--http", "127.0.0.1:0", "--workers", "1", "--access-log", "-",
                    "--access-log-flush-interval", "0", listeners=1) as daemon:
            for _ in range(40):
                http(daemon.address(), f"GET /{'x' * 3900} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
            daemon.process.send_signal(signal.SIGTERM)
            self.assertEqual(daemon.process.wait(TIMEOUT), 0)
            self.assertRegex(daemon.process.stderr.read().decode(), r"in time: \d+ lines were lost\n\Z")

    def test_that_is_a_pipe_without_a_reader_is_an_error(self):
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)
        self.assertComplains(run("--http", "127.0.0.1:0", "--access-log", pipe), 2, "nobody reads the pipe")

    def test_is_the_same_file_when_it_is_opened_again(self):
        start = os.path.join(self.folder, "start")
        root = os.path.join(start, "root")
        os.makedirs(os.path.join(root, "root"))
        # Whoever is not root is not confined, so that the file outside is within reach.
        confined = os.geteuid() == 0
        for path, folder in (("root/log", root), ("./root/log", "root"), ("root/log", "./root/"),
                             *(() if confined else (("log", root), ("./log", "root")))):
            with self.subTest(path=path, folder=folder):
                log = os.path.join(start, path)
                with Daemon("--http", "127.0.0.1:0", "--workers", "1", "--access-log", path, "--access-log-reopen",
                            "--root-directory", folder, listeners=1, cwd=start, env=CONFINED) as daemon:
                    os.rename(log, log + ".old")
                    daemon.process.send_signal(signal.SIGHUP)
                    wait_until(lambda: os.path.exists(log), "the file")
                    self.assertEqual(daemon.stop(), (0, ""))
                self.assertEqual(os.listdir(os.path.join(root, "root")), [])
                os.unlink(log)
                os.unlink(log + ".old")

    def test_that_is_out_of_reach_is_not_made_elsewhere(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be confined")
        root = os.path.join(self.folder, "root")
        os.mkdir(root)
        with Daemon("--http", "127.0.0.1:0", "--workers", "1", "--access-log", "log", "--access-log-reopen",
                    "--root-directory", root, listeners=1, cwd=self.folder, env=CONFINED) as daemon:
            daemon.process.send_signal(signal.SIGHUP)
            self.assertIn("cannot write", daemon.wait_for_error_line())
            self.assertEqual(daemon.stop()[0], 0)
        self.assertEqual(os.listdir(root), [])


def listener(pid):
    """The IPv4 address that a process listens on, which can tell nobody; None as long as it does not."""
    with contextlib.suppress(OSError):  # a file that has been closed meanwhile
        files = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
        for row in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in files:
                return "127.0.0.1", int(fields[1].split(":")[1], 16)


class StandardStreams(Test):
    @contextlib.contextmanager
    def serve(self, closed, *args):
        """The address of a musterd that is started by a shell with `closed`, as in "1>&-"; then stops it."""
        process = subprocess.Popen(["sh", "-c", f'exec "$@" {closed}', "sh", MUSTERD, "--http", "127.0.0.1:0",
                                    "--workers", "1", *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            def listens():
                self.assertIsNone(process.poll())
                return listener(process.pid)
            address = wait_until(listens, "a listener")
            self.assertIn(b" 200 ", announce(address))
            yield address
            process.terminate()
            self.assertEqual(process.wait(TIMEOUT), 0)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def text(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as f:
            return f.read()

    def test_that_are_closed_do_not_disturb_it(self):
        state = os.path.join(self.folder, "state")
        with self.serve("0<&- 1>&- 2>&-", "--dfile", state, "--no-journal"):
            pass
        self.assertGreater(os.path.getsize(state), 0)

    def test_that_are_closed_are_not_the_access_log(self):
        log = os.path.join(self.folder, "log")
        for closed in ("1>&- 2>&-", "2>&-", "0<&- 1>&-", "0<&- 1>&- 2>&-"):
            with self.subTest(closed):
                with self.serve(closed, "--access-log", log, "--log-full-scrapes", "--log-level", "info") as address:
                    http(address, "GET /scrape HTTP/1.0\r\n\r\n")
                text = self.text("log")
                self.assertIn('"GET /scrape HTTP/1.0" 200 ', text)
                for line in text.splitlines():
                    self.assertRegex(line, r"\A(# |127\.0\.0\.1 )")
                os.unlink(log)

    def test_that_are_closed_cannot_be_the_access_log(self):
        for closed, path in (("1>&-", "-"), ("2>&-", "/dev/stderr")):
            result = subprocess.run(["sh", "-c", f'"$@" {closed}', "sh", MUSTERD, "--http", "127.0.0.1:0",
                                     "--access-log", path], stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
            self.assertEqual(result.returncode, 2)
            self.assertIn("cannot write '-': Bad file descriptor" if path == "-" else "", result.stderr)


class StandardError(Test):
    def test_that_nobody_reads_does_not_hold_up_the_tracker(self):
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        filled = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                filled += os.write(writer, b"x" * 4096)
        os.set_blocking(writer, True)
        with Daemon("--http", "127.0.0.1:0", "--workers", "1", "--log-full-scrapes", "--log-level", "info",
                    listeners=1, stderr=writer) as daemon:
            os.close(writer)
            for _ in range(100):
                self.assertIn(b"5:filesd", http(daemon.address(), "GET /scrape HTTP/1.0\r\n\r\n"))
            daemon.process.send_signal(signal.SIGTERM)
            with os.fdopen(reader, "rb") as log:
                lines = log.read()[filled:].decode()
            self.assertEqual(daemon.process.wait(TIMEOUT), 0)
            self.assertEqual(lines.count("musterd: [00000000] scrp:  127.0.0.1 - FULL SCRAPE\n"), 100, lines)
            self.assertTrue(lines.startswith("musterd: the system allows "), lines)


class CommandLine(Test):
    def test_mistakes_get_one_line_and_status_2(self):
        for args, pattern in (
                (["--udp", "localhost:6969"], "--udp: expected ADDRESS:PORT"),
                (["--interval", "soon"], "--interval: expected a time"),
                (["--interval", "2d"], "--interval: 2d is out of range, 1s to 1d"),
                (["--wrokers", "2"], "unknown option '--wrokers'; did you mean '--workers'\\?"),
                (["--workers"], "--workers needs a value"),
                (["now"], "unexpected argument 'now'"),
        ):
            with self.subTest(args):
                self.assertComplains(run(*args), 2, pattern)

    def test_help_and_version_are_printed(self):
        result = run("--help")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for name in ("--udp ADDRESS:PORT", "--config FILE", "--interval TIME", "--[no-]peer-ids"):
            self.assertIn(name, result.stdout)
        result = run("--version")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout, r"^musterd \d+\.\d+\.\d+\n$")

    def test_says_when_it_cannot_print(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = subprocess.run([MUSTERD, "--print-config"], stdout=full, stderr=subprocess.PIPE, text=True,
                                    timeout=TIMEOUT)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"^musterd: cannot write to standard output: .*\n$")


class OpenFiles(Test):
    ARGS = ["--http", "127.0.0.1:0", "--workers", "1", "--http-max-connections", "500"]

    @staticmethod
    def limited_to(soft, hard, user=12345):
        """As somebody who is not root, and so may not have more."""
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            if user and os.geteuid() == 0:
                os.setuid(user)
        return limit

    @staticmethod
    def limits(daemon):
        """The soft limit and the hard one."""
        with open(f"/proc/{daemon.process.pid}/limits", encoding="ascii") as f:
            return tuple(map(int, re.search(r"Max open files +(\d+) +(\d+)", f.read()).groups()))

    @staticmethod
    def most_of_root():
        """How many files root may open here; 0 where there is no root who may have more than given."""
        with open("/proc/sys/fs/nr_open", encoding="ascii") as f:
            most = int(f.read())
        raises = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({most}, {most}))"
        raised = subprocess.run([sys.executable, "-c", raises], capture_output=True, timeout=TIMEOUT)
        return most if os.geteuid() == 0 and raised.returncode == 0 else 0

    def test_are_as_many_as_the_system_allows(self):
        with Daemon(*self.ARGS, listeners=1, preexec_fn=self.limited_to(100, 1000)) as daemon:
            self.assertEqual(self.limits(daemon), (1000, 1000))
            self.assertEqual(daemon.stop(), (0, ""))

    def test_are_as_many_as_any_process_may_have_for_root(self):
        most = self.most_of_root()
        if most == 0:
            self.skipTest("nobody may have more files than they were given")
        with Daemon(*self.ARGS, "--log-level", "info", listeners=1,
                    preexec_fn=self.limited_to(100, 200, user=None)) as daemon:
            self.assertEqual(self.limits(daemon), (most, most))
            self.assertEqual(daemon.stop(), (0, f"musterd: the system allows {most} open files; 500 HTTP "
                                                "connections may be open\n"))

    def test_are_left_to_everything_else_by_connections(self):
        with Daemon(*self.ARGS, listeners=1, preexec_fn=self.limited_to(100, 200)) as daemon:
            with contextlib.ExitStack() as stack:
                guests = [stack.enter_context(socket.create_connection(daemon.address(), TIMEOUT)) for _ in range(200)]
                answered = lambda: set(select.select(guests, [], [], 0)[0])
                wait_until(lambda: len(answered()) >= 73, "those beyond to be turned away")
                self.assertLess(len(os.listdir(f"/proc/{daemon.process.pid}/fd")), 160)
                turned_away = answered()
                self.assertEqual(len(turned_away), 73)
                for guest in turned_away:
                    self.assertIn(b" 503 ", guest.recv(65536))
                served = next(guest for guest in guests if guest not in turned_away)
                served.sendall((ANNOUNCE % "").encode())
                self.assertIn(b" 200 ", served.recv(65536))
            self.assertIn("only 127 may be open", daemon.stop()[1])

    def test_are_told_at_the_start(self):
        with Daemon(*self.ARGS, "--log-level", "info", listeners=1,
                    preexec_fn=self.limited_to(100, 1000)) as daemon:
            self.assertEqual(daemon.stop(), (0, "musterd: the system allows 1000 open files; 500 HTTP "
                                                "connections may be open\n"))

    def test_too_few_are_warned_of(self):
        with Daemon(*self.ARGS, listeners=1, preexec_fn=self.limited_to(100, 200)) as daemon:
            self.assertEqual(self.limits(daemon), (200, 200))
            status, err = daemon.stop()
            self.assertEqual(status, 0)
            self.assertRegex(err, r"\Amusterd: warning: the system allows 200 open files[^\n]*\n\Z")

    def test_warnings_are_silenced_by_the_log_level(self):
        with Daemon(*self.ARGS, "--log-level", "error", listeners=1,
                    preexec_fn=self.limited_to(100, 200)) as daemon:
            self.assertEqual(daemon.stop(), (0, ""))


class ManPage(unittest.TestCase):
    def test_is_well_formed(self):
        if not shutil.which("man"):
            self.skipTest("no man here")
        page = os.path.join(os.path.dirname(__file__), "../../tools/musterd/musterd.8")
        result = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True, timeout=TIMEOUT,
                                env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"})
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("--udp-connection-id-lifetime TIME", result.stdout)


if __name__ == "__main__":
    unittest.main()
