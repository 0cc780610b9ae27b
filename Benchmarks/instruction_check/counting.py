"""Runs the microbenchmarks under callgrind."""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import re
from collections.abc import Sequence

from compare_peers.processes import CommandFailed, run

# 250 MB each at most.
AT_ONCE_MAXIMUM = 4


def prepared(program: pathlib.Path, directory: pathlib.Path) -> pathlib.Path:
    """A copy of the program, in this directory, that callgrind can read: valgrind 3.19 (Debian 12) gives up
    at the debug information that Swift writes. The names of functions stay."""
    copy = directory / program.name
    run(["strip", "--strip-debug", "-o", copy, program])
    return copy


def stage_names(program: pathlib.Path) -> list[str]:
    return run([program, "--names"]).split()


def counts(program: pathlib.Path, names: Sequence[str], directory: pathlib.Path) -> dict[str, float]:
    """Instructions of one operation of each stage; callgrind's files are left in the directory.

    Some are counted at once: a count does not depend on what else the machine does.
    """
    workers = min(os.cpu_count() or 1, AT_ONCE_MAXIMUM)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        counted = pool.map(lambda name: count(program, name, directory), names)
        return dict(zip(names, counted, strict=True))


def count(program: pathlib.Path, name: str, directory: pathlib.Path) -> float:
    profile = directory / f"callgrind.{name}"
    command: list[str | pathlib.Path] = ["valgrind", "--tool=callgrind", "--quiet"]
    # Only what is between the program's own marks.
    command += ["--instr-atstart=no", f"--callgrind-out-file={profile}", program, "--count", name]
    # A dictionary's order, and with it its cost, would differ from run to run.
    said = run(command, environment={"SWIFT_DETERMINISTIC_HASHING": "1"})
    return per_operation(profile.read_text(errors="replace"), said)


def per_operation(profile: str, said: str) -> float:
    """`profile`: what callgrind wrote; `said`: what the program printed. Rounded to what can be repeated."""
    total = re.search(r"^totals: (\d+)", profile, re.MULTILINE)
    operations = re.search(r"^(\d+) operations$", said, re.MULTILINE)
    if total is None or operations is None or int(total[1]) == 0:
        raise CommandFailed(f"nothing was counted: {said.strip()[-500:]}")
    return round(int(total[1]) / int(operations[1]), 1)
