"""A Redis client as small as the comparison needs: one connection, one command at a time or many at once."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterable, Iterator

# Longer than the recovery of fifty million allocations takes.
READY_SECONDS = 900
POLL_SECONDS = 0.002


class ReplyError(Exception):
    """An error reply; its text is the server's."""


Reply = bytes | int | None | list["Reply"]


def encode(words: Iterable[str | bytes]) -> bytes:
    """A command as an array of bulk strings."""
    parts = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


class Connection:
    """A connection to 127.0.0.1. Raises OSError when it is refused or breaks."""

    def __init__(self, port: int, timeout: float = READY_SECONDS):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._input = self._socket.makefile("rb")

    def close(self) -> None:
        self._input.close()
        self._socket.close()

    def call(self, *words: str | bytes) -> Reply:
        """The reply; raises ReplyError for an error."""
        self._socket.sendall(encode(words))
        return self._read()

    def call_many(self, commands: list[list[str]]) -> None:
        """Sends all of them at once and reads all replies; raises the first error."""
        self._socket.sendall(b"".join(map(encode, commands)))
        for _ in commands:
            self._read()

    def _read(self) -> Reply:
        line = self._input.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the connection ended")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            raise ReplyError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._input.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self._read() for _ in range(int(rest))]
        raise ConnectionError(f"not RESP2: {line[:40]!r}")


@contextlib.contextmanager
def connected(port: int) -> Iterator[Connection]:
    connection = Connection(port)
    try:
        yield connection
    finally:
        connection.close()


def wait_for(port: int, words: list[str], is_running: Callable[[], bool] = lambda: True) -> Reply:
    """Asks again and again until there is an answer that is no error; returns it.

    `is_running` is false when waiting has no sense any more: that raises ConnectionError, and READY_SECONDS
    without an answer raise TimeoutError.
    """
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if not is_running():
            raise ConnectionError("the server has ended")
        try:
            with connected(port) as connection:
                return connection.call(*words)
        except (OSError, ReplyError):
            time.sleep(POLL_SECONDS)
    raise TimeoutError(f"no answer on port {port} within {READY_SECONDS} s")


def as_map(reply: Reply) -> dict[str, str]:
    """A flat array of keys and values as a dictionary of texts."""
    if not isinstance(reply, list):
        raise ValueError(f"not a map: {reply!r}")
    texts = [item.decode() if isinstance(item, bytes) else str(item) for item in reply]
    return dict(zip(texts[::2], texts[1::2]))


def info(port: int) -> dict[str, str]:
    """All figures of INFO."""
    with connected(port) as connection:
        reply = connection.call("INFO")
    lines = reply.decode().splitlines() if isinstance(reply, bytes) else []
    return dict(line.split(":", 1) for line in lines if line and not line.startswith("#") and ":" in line)


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
