"""Drives servers with redis-benchmark, and reads what it prints."""

from __future__ import annotations

import csv
import io
import resource

from . import processes

# redis-benchmark's columns, and what they are called here; all times are milliseconds.
_COLUMNS = {
    "rps": "rate",
    "avg_latency_ms": "mean_ms",
    "p50_latency_ms": "p50_ms",
    "p95_latency_ms": "p95_ms",
    "p99_latency_ms": "p99_ms",
    "max_latency_ms": "max_ms",
}


class UnexpectedOutput(Exception):
    """A tool did not print what it was expected to; the text is what it printed."""


def parsed_csv(output: str) -> dict[str, float]:
    """The figures of one run from `redis-benchmark --csv`. Raises UnexpectedOutput."""
    # Warnings may stand before the table.
    start = output.find('"test"')
    rows = list(csv.DictReader(io.StringIO(output[start:]))) if start >= 0 else []
    if len(rows) != 1:
        raise UnexpectedOutput(f"redis-benchmark: one row of figures expected, not {len(rows)}: {output!r}")
    try:
        return {name: float(rows[0][column]) for column, name in _COLUMNS.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise UnexpectedOutput(f"redis-benchmark: {error!r} in {output!r}") from error


def benchmark_command(
    port: int | str, clients: int, depth: int, requests: int | str, command: list[str], keyspace: int
) -> list[str]:
    """The command line; `keyspace` bounds the twelve digits that stand for `__rand_int__`."""
    # It reads the number as a C int: beyond, every `__rand_int__` is the same.
    assert keyspace < 1 << 31
    return [
        "redis-benchmark",
        "-p",
        str(port),
        "-c",
        str(clients),
        "-P",
        str(depth),
        "-n",
        str(requests),
        "-r",
        str(keyspace),
        "--csv",
        *command,
    ]


def redis_benchmark(
    port: int, clients: int, depth: int, requests: int, command: list[str], keyspace: int
) -> dict[str, float]:
    """Runs it once; it ends with an error at the first error reply, and that raises CommandFailed.

    Beside its own figures the result has `generator_cpu_us`, its processor time per request.
    """
    before = children_seconds()
    output = processes.run(benchmark_command(port, clients, depth, requests, command, keyspace))
    used = children_seconds() - before
    return {**parsed_csv(output), "operations": requests, "generator_cpu_us": used * 1e6 / requests}


def children_seconds() -> float:
    """Processor time of all children of this process that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
