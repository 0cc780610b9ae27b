"""Tearoff itself."""

from __future__ import annotations

import pathlib

from .. import processes, wire
from ..workplace import BINARIES, Workplace
from .base import RespSystem

LIST = "codes"
CAMPAIGN = "c"


class Tearoff(RespSystem):
    """`tearoffd` with its standard settings but for `--threads` and `--snapshot-log-mib 0`: as with Redis'
    rewrites, no snapshot begins by itself while something else is measured. Every reply waits for its durable
    frame."""

    def __init__(self, workplace: Workplace, threads: int, flush_delay_microseconds: int = 0):
        super().__init__(workplace, f"tearoff-{threads}")
        self.threads = threads
        self.flush_delay_microseconds = flush_delay_microseconds

    def launch(self) -> None:
        self.port = wire.free_port()
        words: list[str | pathlib.Path] = [BINARIES / "tearoffd", "--data", self.directory / "data"]
        words += ["--listen", f"127.0.0.1:{self.port}", "--threads", str(self.threads)]
        words += ["--snapshot-log-mib", "0"]
        if self.flush_delay_microseconds:
            words += ["--test-flush-delay-microseconds", str(self.flush_delay_microseconds)]
        self.launched(words)

    def start(self) -> None:
        is_new = not (self.directory / "data").exists()
        self.launch()
        self.wait_ready()
        if is_new:
            self.call("LIST", "CREATE", LIST, "UNIQUE")
            # A campaign draws from a list from its first code on.
            self.supply(1)
            self.call("CAMPAIGN", "CREATE", CAMPAIGN, "LIST", LIST)

    def allocation(self, user: str) -> list[str]:
        return ["ALLOC", CAMPAIGN, user]

    def free_codes(self) -> int:
        return int(wire.as_map(self.call("LIST", "INFO", LIST))["free"])

    def add_codes(self, codes: pathlib.Path) -> None:
        self.load(LIST, codes)

    def load(self, name: str, codes: pathlib.Path) -> None:
        """An upload as an operator does it."""
        processes.run(
            [BINARIES / "tearoffctl", "list", "load", name, codes],
            environment={"TEAROFF_SERVER": f"127.0.0.1:{self.port}"},
        )

    def settle(self) -> None:
        self.snapshot()

    def snapshot(self) -> dict[str, str]:
        """Writes a snapshot; returns its number, `bytes-written` and `milliseconds`."""
        return wire.as_map(self.call("SNAPSHOT"))

    def log_bytes(self) -> int:
        return int(wire.info(self.port)["log_written_bytes"])

    def counters(self) -> dict[str, int]:
        """Whatever of these INFO has."""
        figures = wire.info(self.port)
        names = {
            "log_frames": "frames",
            "shard_mutex_waits": "mutex_waits",
            "allocations_parked": "parked",
        }
        return {metric: int(figures[name]) for name, metric in names.items() if name in figures}
