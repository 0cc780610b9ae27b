"""Child processes that cannot outlive this one, and what the kernel tells about them."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from typing import BinaryIO

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Far above what a clean stop takes, even of ten million rows; then it is killed.
STOP_SECONDS = 120


class CommandFailed(Exception):
    """A command that had to succeed did not; the text holds what it said."""


def tied(command: Sequence[str | pathlib.Path], user: str | None = None) -> list[str]:
    """The same command, which the kernel kills when this process dies, whatever it dies of. `user`: whom it
    runs as; the one who runs this process when there is none."""
    words = ["setpriv", "--pdeathsig", "KILL"]
    if user is not None:
        words += ["--reuid", user, "--regid", user, "--clear-groups"]
    return [*words, *map(str, command)]


class Child:
    """A server that runs until `stop`, or until this process dies, whatever it dies of."""

    def __init__(self, command: Sequence[str | pathlib.Path], log: pathlib.Path, user: str | None = None):
        """Starts the command; its output goes to the end of `log`. `user`: whom it runs as."""
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                tied(command, user),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A Ctrl-C is for this process, which then ends its children in order.
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ends it and waits until it is gone; nothing when it has ended already."""
        if self.is_running:
            self._process.send_signal(number)
        self.wait()

    def wait(self) -> None:
        """Waits for an end that was asked for in another way."""
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def tail(self) -> str:
        """The last lines of its log, for a message."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


def run(
    command: Sequence[str | pathlib.Path],
    stdin: pathlib.Path | None = None,
    environment: dict[str, str] | None = None,
    user: str | None = None,
    text: str | None = None,
) -> str:
    """Runs a command to its end and returns its standard output.

    `stdin` is a file for its standard input, or `text` the input itself. Raises CommandFailed with what it
    said when its exit code is not 0.
    """
    with open(stdin or os.devnull, "rb") as source:
        done = subprocess.run(
            tied(command, user),
            stdin=source if text is None else None,
            input=None if text is None else text.encode(),
            capture_output=True,
            env={**os.environ, **(environment or {})},
            check=False,
        )
    output = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        said = (output + done.stderr.decode(errors="replace")).strip()[-2000:]
        raise CommandFailed(f"{' '.join(map(str, command))}: exit {done.returncode}\n{said}")
    return output


def cpu_seconds(pid: int, with_children: bool = False) -> float:
    """Processor time of a process, in clock ticks (mostly 10 ms); with its children, dead or alive."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # Fields 14 to 17 of proc(5), counted from behind the name: utime, stime, cutime, cstime.
    own, waited_for = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
    total = (own + (waited_for if with_children else 0)) / TICKS_PER_SECOND
    if with_children:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in children:
            try:
                total += cpu_seconds(int(child), with_children=True)
            except FileNotFoundError:
                # It ended in between, and its time is in the parent's next reading.
                continue
    return total


def resident_bytes(pid: int) -> int:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found.group(1)) << 10 if found else 0


def tool(name: str) -> str:
    """Where a program is; raises CommandFailed when it is nowhere."""
    found = shutil.which(name)
    if found is None:
        raise CommandFailed(f"{name} is missing")
    return found


def write_to(output: BinaryIO, command: Sequence[str | pathlib.Path]) -> None:
    """Runs a command with its standard output in a file; raises CommandFailed when its exit code is not 0."""
    done = subprocess.run(tied(command), stdin=subprocess.DEVNULL, stdout=output, check=False)
    if done.returncode != 0:
        raise CommandFailed(f"{' '.join(map(str, command))}: exit {done.returncode}")
