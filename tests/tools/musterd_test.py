# SPDX-License-Identifier: Apache-2.0
"""The musterd binary as its operator meets it: ready lines, signals, files, mistakes.

musterd_test.py MUSTERD [unittest options]
"""
import os
import re
import resource
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

MUSTERD = os.path.abspath(sys.argv.pop(1))
TIMEOUT = 30  # seconds that a step may take before it counts as hanging

ANNOUNCE = ("GET /announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-XX0001-000000000000&port=6881"
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
            lines = self._read_lines(listeners)
        except Exception:
            self.process.kill()
            self.process.communicate()
            raise
        for line in lines:
            if not line.startswith("listening on "):
                raise AssertionError(f"not a ready line: {line!r}")
            self.urls.append(line[len("listening on "):])

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


def announce(address):
    return http(address, ANNOUNCE % "Connection: close\r\n")


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
    def limited_to(soft, hard):
        return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def test_are_as_many_as_the_system_allows(self):
        with Daemon(*self.ARGS, listeners=1, preexec_fn=self.limited_to(100, 1000)) as daemon:
            self.assertEqual(resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE), (1000, 1000))
            self.assertEqual(daemon.stop(), (0, ""))

    def test_are_told_at_the_start(self):
        with Daemon(*self.ARGS, "--log-level", "info", listeners=1,
                    preexec_fn=self.limited_to(100, 1000)) as daemon:
            self.assertEqual(daemon.stop(), (0, "musterd: the system allows 1000 open files; 500 HTTP "
                                                "connections may be open\n"))

    def test_too_few_are_warned_of(self):
        with Daemon(*self.ARGS, listeners=1, preexec_fn=self.limited_to(100, 200)) as daemon:
            self.assertEqual(resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE), (200, 200))
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
