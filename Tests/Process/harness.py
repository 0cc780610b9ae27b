"""Starts real tearoffd processes and talks to them over raw sockets.

Nothing here sleeps and hopes: every wait is for an event (a line of the server's log, a reply, the end of a
process) and has a deadline. A server is only ever ended through the handle that started it.
"""

import atexit
import contextlib
import hashlib
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import typing

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARIES = pathlib.Path(os.environ.get("TEAROFF_BINARIES", ROOT / ".build" / "release"))
TEAROFFD = BINARIES / "tearoffd"
TEAROFFCTL = BINARIES / "tearoffctl"
# On the project's disk and not under /tmp, which may be a tmpfs: O_DIRECT needs a real file system.
SCRATCH = ROOT / ".build-process-tests"
# No test waits longer than this for one thing; far above what any of them takes on a busy machine.
DEADLINE_SECONDS = 30


class ErrorReply(Exception):
    """An error that the server replied with."""

    @property
    def word(self):
        return str(self).split(" ", 1)[0]


class Closed(Exception):
    """The server closed the connection, or it broke."""


def new_directory():
    """A path below the scratch directory where nothing is yet; removed when the tests end."""
    SCRATCH.mkdir(exist_ok=True)
    parent = pathlib.Path(tempfile.mkdtemp(prefix="data-", dir=SCRATCH))
    atexit.register(shutil.rmtree, parent, ignore_errors=True)
    return parent / "data"


def free_port():
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, seconds=DEADLINE_SECONDS):
    """Asks `condition` again and again until it is true, and returns what it said."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


def preloadable(source):
    """A C source beside this one as a library for LD_PRELOAD, built by the compiler that comes with Swift."""
    swift = shutil.which("swift")
    beside = pathlib.Path(swift).resolve().with_name("clang") if swift else None
    compiler = str(beside) if beside and beside.exists() else shutil.which("clang") or "cc"
    SCRATCH.mkdir(exist_ok=True)
    library = SCRATCH / f"{source.stem}-{os.getpid()}.so"
    words = [compiler, "-std=gnu17", "-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"]
    subprocess.run([str(word) for word in words], check=True)
    atexit.register(library.unlink, missing_ok=True)
    return library


# MARK: - Servers


class Thread(typing.NamedTuple):
    """A thread of a server, as the system sees it."""

    name: str
    processor_seconds: float
    niceness: int


class Server:
    """One tearoffd. `with Server(directory) as server` is ready inside and gone behind."""

    def __init__(self, directory, *flags, wait=True, port=0, environment=None, tls=None, under=()):
        """`under` are words that run the program and become it (`prlimit`, `unshare`): its process id is theirs."""
        self.directory = pathlib.Path(directory)
        # How connections to it are encrypted, when it was started with a certificate.
        self.tls = tls
        self.lines = []
        self._news = threading.Condition()
        self._ended = False
        defaults = [] if "--segment-kib" in flags else ["--segment-kib", "1024"]
        defaults += [] if "--listen" in flags else ["--listen", f"127.0.0.1:{port}"]
        command = [*under, TEAROFFD, "--data", self.directory, *defaults, *flags]
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
        )
        self.port = port
        atexit.register(self.close)
        threading.Thread(target=self._read, daemon=True).start()
        if wait:
            try:
                self.wait_ready()
            except BaseException:
                self.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read(self):
        with self.process.stderr as stderr:
            for line in stderr:
                with self._news:
                    self.lines.append(line.decode(errors="replace").rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        return "\n".join(self.lines)

    def wait_log(self, text, seconds=DEADLINE_SECONDS):
        """The first line of the log with this text, now or later."""

        def found():
            return next((line for line in self.lines if text in line), None)

        with self._news:
            self._news.wait_for(lambda: found() or self._ended, seconds)
            line = found()
        if line is None:
            why = "it ended" if self._ended else f"not within {seconds} s"
            raise AssertionError(f"no '{text}' in the server's log: {why}\n{self.log}")
        return line

    def wait_ready(self):
        line = self.wait_log("server.ready")
        self.port = int(re.search(r"listen=[^ ]*:(\d+)", line).group(1))

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self, seconds=DEADLINE_SECONDS):
        """The exit code; all of the log is there when this returns."""
        code = self.process.wait(seconds)
        with self._news:
            self._news.wait_for(lambda: self._ended, seconds)
        return code

    def stop(self):
        """A clean stop."""
        self.signal(signal.SIGTERM)
        code = self.wait_exit()
        assert code == 0, f"exit code {code}\n{self.log}"

    def kill(self):
        """SIGKILL, as a crash does it."""
        self.process.kill()
        self.process.wait(DEADLINE_SECONDS)

    def close(self):
        """Ends the process, if it still runs, in whatever state it is."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(DEADLINE_SECONDS)

    def connect(self, **settings):
        return Connection(self.port, **{"tls": self.tls, **settings})

    def call(self, *words):
        """One command on a connection of its own."""
        with self.connect() as connection:
            return connection.call(*words)

    def info(self):
        """All figures of INFO; numbers as int."""
        figures = {}
        for line in self.call("INFO").decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.split(":", 1)
                figures[name] = int(value) if value.isdigit() else value
        return figures

    def socket_count(self):
        """Sockets that it has open: accepted ones, and those that listen."""
        count = 0
        for descriptor in pathlib.Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # Closed meanwhile.
                count += os.readlink(descriptor).startswith("socket:")
        return count

    def threads(self):
        found = []
        for path in pathlib.Path(f"/proc/{self.pid}/task").glob("*/stat"):
            head, _, tail = path.read_text().rpartition(")")
            fields = tail.split()
            seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            found.append(Thread(head.partition("(")[2], seconds, int(fields[16])))
        return found

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) << 10


def exit_of(*flags, directory=None):
    """Starts a server that is expected to refuse: its exit code and everything that it said."""
    words = [] if directory is None else ["--data", directory]
    if "--listen" not in flags:
        words += ["--listen", "127.0.0.1:0"]
    done = subprocess.run(
        [str(word) for word in [TEAROFFD, *words, *flags]], capture_output=True, timeout=DEADLINE_SECONDS
    )
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


# MARK: - Connections


def encode(*words):
    """A command as a RESP array."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)


class Connection:
    """A RESP client as small as can be, so that tests see the bytes as they are."""

    def __init__(self, place, timeout=DEADLINE_SECONDS, tls=None):
        """`place` is a port on loopback, or the path of a Unix socket."""
        if isinstance(place, int):
            self.socket = socket.create_connection(("127.0.0.1", place), timeout=timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(str(place))
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self._input = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._input.close()
        self.socket.close()

    def send(self, *words):
        self.send_bytes(encode(*words))

    def send_bytes(self, data):
        self.socket.sendall(data)

    def call(self, *words):
        """Sends a command and returns its reply; raises an error reply."""
        self.send(*words)
        reply = self.read()
        if isinstance(reply, ErrorReply):
            raise reply
        return reply

    def error_of(self, *words):
        """Sends a command that must fail; returns the error's first word."""
        self.send(*words)
        reply = self.read()
        assert isinstance(reply, ErrorReply), f"{words[:3]} was answered with {reply!r}"
        return reply.word

    def call_map(self, *words):
        """A reply that is a map, which RESP2 sends flat."""
        return as_map(self.call(*words))

    def _line(self):
        try:
            line = self._input.readline()
        except ConnectionError as error:
            raise Closed(str(error)) from error
        if not line.endswith(b"\r\n"):
            raise Closed("the connection ended")
        return line[:-2]

    def read(self):
        """One reply; an error reply is returned, not raised."""
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b"-":
            return ErrorReply(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"_":
            return None
        if kind == b"#":
            return rest == b"t"
        if kind == b",":
            return float(rest)
        if kind in b"$=":
            if rest == b"-1":
                return None
            data = self._input.read(int(rest) + 2)
            if len(data) < int(rest) + 2:
                raise Closed("the connection ended in a bulk string")
            return data[:-2]
        if kind in b"*~":
            return [self.read() for _ in range(int(rest))]
        if kind == b"%":
            return {self.read(): self.read() for _ in range(int(rest))}
        raise AssertionError(f"not RESP: {line!r}")

    def is_closed(self):
        """Reads on until the server closes; true when nothing came before."""
        try:
            return self._input.read() == b""
        except ConnectionError:
            return True


def as_map(reply):
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2]))


def get_upload(connection, name, data, *options, chunk=1 << 20):
    """Uploads bytes to a list as one file; returns the commit's map."""
    upload = connection.call("LIST", "LOAD", name, "BEGIN", "codes.txt")
    for start in range(0, len(data), chunk):
        connection.call("LIST", "LOAD", name, "CHUNK", upload, data[start : start + chunk])
    return connection.call_map("LIST", "LOAD", name, "COMMIT", upload, *options)


def codes(count, prefix="C"):
    """`count` different codes, as the lines of a file."""
    return "".join(f"{prefix}{number:08d}\n" for number in range(1, count + 1)).encode()


def make_campaign(server, name="summer", count=1_000, list_name="june", rule=None, prefix="C"):
    """A list with codes and an active campaign on it."""
    with server.connect() as connection:
        connection.call("LIST", "CREATE", list_name, "UNIQUE")
        assert get_upload(connection, list_name, codes(count, prefix))[b"status"] == b"loaded"
        retrigger = ["RETRIGGER", *rule.split()] if rule else []
        connection.call("CAMPAIGN", "CREATE", name, "LIST", list_name, *retrigger)


def ledger(server, name="june"):
    """The list's ledger as a dictionary; checks that it adds up."""
    with server.connect() as connection:
        info = connection.call_map("LIST", "INFO", name)
    figures = {key.decode(): value for key, value in info.items()}
    parts = sum(figures[part] for part in ["free", "held", "given", "withdrawn", "burned"])
    assert figures["uploaded"] == parts, figures
    return figures


def allocate_all(connection, campaign, users, depth=256):
    """Pipelines one ALLOC for each user; returns the replies in order, errors among them."""
    replies = []
    for start in range(0, len(users), depth):
        part = users[start : start + depth]
        connection.send_bytes(b"".join(encode("ALLOC", campaign, user) for user in part))
        replies += [connection.read() for _ in part]
    return replies


def tool(server, *words):
    """tearoffctl, asked by a script about a server: the process that has ended."""
    return run_tool(*words, "--server", f"127.0.0.1:{server.port}")


def offline_tool(*words):
    """tearoffctl without a server: its exit code, its output and its words."""
    done = run_tool(*words)
    return done.returncode, done.stdout, done.stderr


def run_tool(*words):
    return subprocess.run(
        [str(word) for word in [TEAROFFCTL, *words]], capture_output=True, text=True, stdin=subprocess.DEVNULL,
        timeout=DEADLINE_SECONDS)


def content_of(directory):
    """Every file below a directory with a hash of its bytes, to show that nothing was changed.

    But for temporary ones, which a kill may leave and any start removes (docs/FORMAT.md)."""
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(pathlib.Path(directory).rglob("*"))
        if path.is_file() and path.suffix != ".tmp"
    }


def read_terminal(terminal):
    """What comes next on our side of a pseudo terminal; nothing when the other side has closed it."""
    assert select.select([terminal], [], [], DEADLINE_SECONDS)[0], "the terminal stays silent"
    try:
        return os.read(terminal, 4_096)
    except OSError:
        return b""  # As a terminal ends on Linux.


@contextlib.contextmanager
def closing(items):
    """Closes every item of a list that grows meanwhile."""
    try:
        yield items
    finally:
        for item in items:
            item.close()
