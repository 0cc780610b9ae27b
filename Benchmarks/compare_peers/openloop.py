"""Drives servers with tearoff-bench: closed loops for a peak, open loops for latencies that count a stall."""

from __future__ import annotations

import csv
import json
import pathlib
import secrets
from dataclasses import dataclass

from . import processes
from .loads import UnexpectedOutput
from .peers.base import RespSystem
from .workplace import BINARIES

CONNECTIONS = 50
# Commands written at once by a closed loop that looks for the peak.
PEAK_DEPTH = 64
WARM_UP_SECONDS = 1


def is_there() -> bool:
    return (BINARIES / "tearoff-bench").exists()


@dataclass(frozen=True)
class Point:
    """One interval of a run: seconds since recording began, replies in it, milliseconds."""

    seconds: float
    replies: int
    p50_ms: float
    p999_ms: float
    max_ms: float


def command(system: RespSystem, flags: list[str]) -> list[str]:
    """The command line; new users whose ids are random UUIDs, others in every run."""
    words = [str(BINARIES / "tearoff-bench"), "--server", f"127.0.0.1:{system.port}"]
    words += ["--connections", str(CONNECTIONS), "--users", "new", "--seed", str(secrets.randbits(48))]
    words += ["--command", " ".join(system.allocation("{user}")), "--json"]
    return [*words, *flags]


def parsed_json(output: str) -> dict[str, float]:
    """The figures of a run of `tearoff-bench --json`. Raises UnexpectedOutput."""
    try:
        report = json.loads(output)
        latency = report["latency_microseconds"]
        return {
            "rate": float(report["requests_per_second"]),
            "operations": float(report["requests"]),
            "p50_ms": latency["p50"] / 1e3,
            "p99_ms": latency["p99"] / 1e3,
            "p999_ms": latency["p99_9"] / 1e3,
            "max_ms": latency["max"] / 1e3,
            "generator_busy": float(report["generator"]["busy_share"]),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise UnexpectedOutput(f"tearoff-bench: {error!r} in {output[:2000]!r}") from error


def peak(system: RespSystem, seconds: float) -> dict[str, float]:
    """The best that it does for new users when asked as fast as it answers."""
    flags = ["--depth", str(PEAK_DEPTH), "--duration", str(seconds)]
    return parsed_json(processes.run(command(system, flags)))


def open_flags(rate: float, seconds: float, series: pathlib.Path | None = None) -> list[str]:
    flags = ["--rate", str(int(rate)), "--duration", str(seconds), "--warm-up", str(WARM_UP_SECONDS)]
    return flags + (["--series", str(series)] if series else [])


def at_rate(system: RespSystem, rate: float, seconds: float) -> dict[str, float]:
    """New users who come at fixed times, so many a second; latencies count from when they came."""
    return {"asked": rate, **parsed_json(processes.run(command(system, open_flags(rate, seconds))))}


def parsed_series(text: str) -> list[Point]:
    """What `--series` wrote, an interval a row. Raises UnexpectedOutput."""
    try:
        return [
            Point(
                float(row["second"]),
                int(row["replies"]),
                float(row["p50_us"]) / 1e3,
                float(row["p99_9_us"]) / 1e3,
                float(row["max_us"]) / 1e3,
            )
            for row in csv.DictReader(text.splitlines())
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise UnexpectedOutput(f"tearoff-bench --series: {error!r} in {text[:500]!r}") from error
