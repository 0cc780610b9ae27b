"""What is asked of a server that is compared."""

from __future__ import annotations

import abc
import contextlib
import pathlib
import shutil
import signal

from .. import loads, processes, wire
from ..settings import Load
from ..workplace import Workplace, fresh_users

# Codes that are supplied at a time at most: one upload, one file.
PART = 10_000_000
# redis-benchmark's users come from so many: of a million a few hundred come twice.
NEW_USERS = 1_000_000_000


class System(abc.ABC):
    """One server under load. Made cold; `start` and `stop` may follow each other on the same data."""

    # False when every request is answered alike: there is nothing to supply or to fill.
    allocates = True

    def __init__(self, workplace: Workplace, name: str):
        self.workplace = workplace
        self.name = name
        self.directory = workplace.new_directory(name)
        self.child: processes.Child | None = None
        self._parts = 0

    @property
    def pid(self) -> int:
        assert self.child is not None, f"{self.name} is not running"
        return self.child.pid

    @property
    def log_path(self) -> pathlib.Path:
        return self.workplace.directory / f"{self.directory.name}.log"

    @abc.abstractmethod
    def start(self) -> None:
        """Starts it on its directory and waits until it serves; makes what is not there yet."""

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.child is not None:
            self.child.stop(number)
            self.child = None

    def discard(self) -> None:
        """Removes its data; it must have been stopped."""
        shutil.rmtree(self.directory, ignore_errors=True)

    @abc.abstractmethod
    def free_codes(self) -> int:
        """How many codes it could still give."""

    @abc.abstractmethod
    def add_codes(self, codes: pathlib.Path) -> None:
        """Adds the codes of a file, one a line."""

    def supply(self, count: int) -> None:
        """Sees to it that it can give at least so many codes."""
        if not self.allocates:
            return
        while (missing := count - self.free_codes()) > 0:
            # A hundred thousand at least, so that a top-up is not worth a round of uploads.
            self.add_codes(self.workplace.codes(min(max(missing, 100_000), PART), part=self._parts))
            self._parts += 1

    def settle(self) -> None:
        """Brings it into the form that a long-running server has: compacted, with nothing going on."""

    @abc.abstractmethod
    def drive(self, load: Load) -> dict[str, float]:
        """New users ask for codes in a closed loop; what the generator measured."""

    def requests(self, load: Load) -> int:
        """How many requests of a load are for this one."""
        return load.requests if self.allocates else load.cheap_requests

    def takes(self, load: Load) -> bool:
        """Whether it can be driven with this load."""
        return True

    @abc.abstractmethod
    def example(self, load: Load) -> str:
        """The command line of `drive`, for the report."""

    def cpu_seconds(self) -> float:
        return processes.cpu_seconds(self.pid)

    def resident_bytes(self) -> int:
        return processes.resident_bytes(self.pid)

    def log_bytes(self) -> int | None:
        """Bytes that its log has grown to since some fixed moment; None when it has none."""
        return None

    def counters(self) -> dict[str, int]:
        """Further figures that only grow, by the name of a metric."""
        return {}

    def measure(self, load: Load) -> dict[str, float]:
        """Drives it and adds what the server spent per operation."""
        cpu, log, counters = self.cpu_seconds(), self.log_bytes(), self.counters()
        metrics = self.drive(load)
        operations = metrics["operations"]
        metrics["cpu_us"] = (self.cpu_seconds() - cpu) * 1e6 / operations
        if log is not None:
            metrics["log_bytes"] = ((self.log_bytes() or 0) - log) / operations
        after = self.counters()
        metrics.update({name: float(after[name] - value) for name, value in counters.items()})
        return metrics


class RespSystem(System):
    """A server that redis-benchmark can drive."""

    port: int = 0

    @abc.abstractmethod
    def launch(self) -> None:
        """Starts its process and does not wait for it."""

    @abc.abstractmethod
    def allocation(self, user: str) -> list[str]:
        """The command that gives a user a code."""

    def first_question(self, user: str) -> list[str]:
        """The same for a process that has only just begun and was prepared in no way."""
        return self.allocation(user)

    def drive(self, load: Load) -> dict[str, float]:
        return self.ask(load, self.allocation(fresh_users()), NEW_USERS)

    def ask(self, load: Load, command: list[str], keyspace: int) -> dict[str, float]:
        """Any command in a closed loop."""
        return loads.redis_benchmark(
            self.port, load.clients, load.depth, self.requests(load), command, keyspace
        )

    def example(self, load: Load) -> str:
        user = "xxxxxxxx-0000-4000-8000-__rand_int__"
        words = loads.benchmark_command(
            "PORT", load.clients, load.depth, self.requests(load), self.allocation(user), NEW_USERS
        )
        return " ".join(words)

    def fill(self, target: int) -> None:
        """Gives new users codes until so many more are given; a few users less when some come twice."""
        load = Load(50, 64, 1_000_000, 1_000_000)
        while target > 0:
            requests = min(target, 1_000_000)
            self.supply(requests)
            loads.redis_benchmark(
                self.port, load.clients, load.depth, requests, self.allocation(fresh_users()), NEW_USERS
            )
            target -= requests

    def connected(self) -> contextlib.AbstractContextManager[wire.Connection]:
        return wire.connected(self.port)

    def call(self, *words: str) -> wire.Reply:
        """One command on a connection of its own."""
        with self.connected() as connection:
            return connection.call(*words)

    def launched(self, words: list[str | pathlib.Path]) -> None:
        """Starts the command as this system's process."""
        self.child = processes.Child(words, self.log_path)

    def wait_ready(self) -> None:
        """Waits until it answers a PING. Raises CommandFailed when its process ends instead."""
        child = self.child
        assert child is not None, f"{self.name} was not launched"
        try:
            wire.wait_for(self.port, ["PING"], lambda: child.is_running)
        except (ConnectionError, TimeoutError) as error:
            raise processes.CommandFailed(f"{self.name} did not start: {error}\n{child.tail()}") from error
