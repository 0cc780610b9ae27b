"""Clients that want more than their share: what test_clients.py has in small, ./tools/torture has in large."""

import contextlib
import pathlib
import select
import signal
import socket
import subprocess
import sys
import time

import harness
from harness import encode

# What docs/OPERATING.md says that a connection takes at most beside --client-memory-mib.
CONNECTION_BYTES = 128 << 10
# What a server takes that has served for a while, whoever its clients are: allocator, buffers of the loops.
SLACK_BYTES = 24 << 20
KEEPALIVE_TIMER = 2
# The kernel counts /proc/net/tcp's timers so.
TICKS_PER_SECOND = 100


def bound_bytes(connections, memory_mib):
    return connections * CONNECTION_BYTES + (memory_mib << 20) + SLACK_BYTES


# MARK: - Sockets


def flood(sock, data, limit=64 << 20):
    """Sends over and over until nothing was taken for half a second, or the peer has closed; returns the bytes."""
    total = 0
    with contextlib.suppress(ConnectionError):
        while total < limit and select.select([], [sock], [], 0.5)[1]:
            total += sock.send(data[total % len(data) :])
    return total


def send_all(sock, data, ends=False):
    """Sends what the peer takes before it closes."""
    with contextlib.suppress(OSError):
        sock.sendall(data)
        if ends:
            sock.shutdown(socket.SHUT_WR)


def replies_to_the_end(connection):
    """Whole replies until the peer closes."""
    replies = []
    with contextlib.suppress(harness.Closed, ConnectionError):
        while True:
            replies.append(connection.read())
    return replies


def last_word(connection):
    """The error that a connection was closed with; nil while it is open."""
    if not select.select([connection.socket], [], [], 0)[0]:
        return None
    errors = [reply.word for reply in replies_to_the_end(connection)]
    return errors[-1] if errors else None


def is_admitted(server):
    with server.connect() as connection:
        connection.send("PING")
        with contextlib.suppress(harness.Closed):
            return connection.read() == b"PONG"
    return False


def timer_of(server_port, client_port):
    """Which timer the server's end of a connection has, and in how many seconds it is due; none: there is no such."""
    for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        ports = [int(address.split(":")[1], 16) for address in fields[1:3]]
        if ports == [server_port, client_port] and fields[3] == "01":
            timer, when = fields[5].split(":")
            return int(timer, 16), int(when, 16) / TICKS_PER_SECOND
    return None


@contextlib.contextmanager
def stopped(server):
    """The process stands still inside."""
    server.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.signal(signal.SIGCONT)


def garbage(dice):
    """Bytes of a stranger: random ones, commands cut off or changed, and huge numbers."""
    words = dice.choice([("ALLOC", "summer", "u1"), ("LIST", "ALL"), ("AUTH", "x" * 300), ("INFO",)])
    command = bytearray(encode(*words))
    kind = dice.randrange(4)
    if kind == 0:
        return dice.randbytes(dice.randrange(1, 20_000))
    if kind == 1:
        return bytes(command[: dice.randrange(1, len(command))])
    if kind == 2:
        command[dice.randrange(len(command))] = dice.randrange(256)
        return bytes(command) * dice.randrange(1, 200)
    return b"*%d\r\n$%d\r\n" % (dice.randrange(1 << 40), dice.randrange(1 << 40)) + dice.randbytes(1_000)


# MARK: - Crowds


class Bystander:
    """A client that does as it should, one command after the other, and how long each took. In a process of its own: a
    thread of this one would wait for the interpreter, 5 ms at a time."""

    def __init__(self, server):
        self.seconds = []
        self._port = server.port

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, str(pathlib.Path(__file__).with_name("bystander.py")), str(self._port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._process.stdout.readline() == "begun\n"
        return self

    def __exit__(self, *_):
        said, wrong = self._process.communicate("", timeout=harness.DEADLINE_SECONDS)
        assert self._process.returncode == 0, wrong
        self.seconds = [float(line) for line in said.splitlines()]

    @property
    def p99_milliseconds(self):
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] * 1_000


class Endless:
    """A client that sends commands in one pipeline, and reads the replies, from `begin` on. In a process of its own, as
    above."""

    def __init__(self, server, words, count):
        script = str(pathlib.Path(__file__).with_name("endless.py"))
        self._process = subprocess.Popen(
            [sys.executable, script, str(server.port), str(count), *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._process.stdout.readline() == "ready\n"

    def begin(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    @property
    def is_done(self):
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    def close(self):
        said, wrong = self._process.communicate(timeout=harness.DEADLINE_SECONDS)
        assert said == "done\n" and self._process.returncode == 0, wrong


class Peak:
    """The most memory that the server had while it was looked at."""

    def __init__(self, server):
        self.server = server
        self.before = self.most = server.resident_bytes()

    def look(self):
        self.most = max(self.most, self.server.resident_bytes())


def slow_clients(server, count, byte_every_seconds=0.25):
    """Each sends a byte now and then until the server closes it. Returns how many commands of another client were
    served meanwhile, and the memory before and at most."""
    peak = Peak(server)
    command = b"*2\r\n$4\r\nECHO\r\n$60000\r\n"
    with Bystander(server) as other, harness.closing([server.connect() for _ in range(count)]) as clients:
        slow = list(clients)
        position = 0
        while slow:
            for client in slow:
                send_all(client.socket, command[position : position + 1] or b"x")
            position += 1
            closed = set(select.select([client.socket for client in slow], [], [], byte_every_seconds)[0])
            slow = [client for client in slow if client.socket not in closed]
            peak.look()
    return len(other.seconds), peak.before, peak.most


def unread_floods(server, count, rounds=3):
    """Each sends commands as fast as it can and reads nothing. Returns as above."""
    peak = Peak(server)
    data = b"".join(encode("ECHO", b"m" * 4_000) for _ in range(100))
    with Bystander(server) as other, harness.closing([server.connect() for _ in range(count)]) as clients:
        for client in clients:
            client.socket.setblocking(False)
        for _ in range(rounds):
            for client in clients:
                flood_once(client.socket, data)
            peak.look()
            select.select([], [], [], 0.1)
            peak.look()
    return len(other.seconds), peak.before, peak.most


def flood_once(sock, data):
    """Sends until the socket takes no more at this moment, or the peer has closed."""
    with contextlib.suppress(BlockingIOError, ConnectionError):
        for _ in range(64):
            sock.send(data)


def open_and_drop(server, count):
    """Connections that come, say something, half of something or nothing, and go, some with a reset."""
    for number in range(count):
        connection = server.connect()
        if number % 3 == 1:
            connection.send_bytes(b"*3\r\n$5\r\nALLOC\r\n$6\r\nsum")
        if number % 3 == 2:
            connection.send_bytes(encode("PING"))
        if number % 2:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.close()


def is_open(client):
    """Whether the server has neither answered nor closed."""
    return not select.select([client.socket], [], [], 0)[0]
