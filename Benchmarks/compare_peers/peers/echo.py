"""The bare echo: our network layer without any work behind it."""

from __future__ import annotations

import pathlib

from .. import wire
from ..workplace import BINARIES, Workplace
from .base import RespSystem


class Echo(RespSystem):
    """`tearoff-echo --threads 1`: SwiftNIO, one loop, cuts its input into commands and answers each with the
    same 12 characters; with `--log` one durable frame (24 bytes a command) stands at the end of each tick,
    written as Tearoff writes its own, before the replies leave."""

    allocates = False

    def __init__(self, workplace: Workplace, has_log: bool):
        super().__init__(workplace, "echo-log" if has_log else "echo")
        self.has_log = has_log

    def launch(self) -> None:
        self.port = wire.free_port()
        words: list[str | pathlib.Path] = [BINARIES / "tearoff-echo", "--threads", "1"]
        words += ["--listen", f"127.0.0.1:{self.port}"]
        if self.has_log:
            words += ["--log", self.directory / "log"]
        self.launched(words)

    def start(self) -> None:
        self.launch()
        self.wait_ready()

    def allocation(self, user: str) -> list[str]:
        return ["ALLOC", "c", user]

    def free_codes(self) -> int:
        raise NotImplementedError("an echo has no codes")

    def add_codes(self, codes: pathlib.Path) -> None:
        raise NotImplementedError("an echo has no codes")
