"""The goals: what is measured beside what, and the bound that it must keep. Pure data.

A goal names an experiment (`plan.py`), a figure of it, two of its systems, and the bound of the ratio of
their medians. Goals are judged with `--threads 1`, as many threads as Redis and the bare echo have.
"""

from __future__ import annotations

from dataclasses import dataclass

from .figures import AT_LEAST, AT_MOST
from .settings import EMPTY, LARGE

REDIS = "redis-always"
ECHO_LOG = "echo-log"
ECHO = "echo"
TEAROFF = "tearoff"
READS = ("repeat", "history", "find")
READ_TITLES = {
    "repeat": "repeats (`ALLOC` of known users)",
    "history": "look-up by user (`USER HISTORY`)",
    "find": "look-up by code (`CODE FIND`)",
}
READ_DEPTHS = (1, 16, 64)


@dataclass(frozen=True)
class Goal:
    """One cell of the table: `subject`'s figure over that of `beside` keeps the bound, or it does not."""

    key: str
    title: str
    experiment: str
    metric: str
    relation: str
    bound: float
    subject: str = TEAROFF
    beside: str = REDIS


def _durable(state: str) -> list[Goal]:
    """New users, one load of redis-benchmark each, on one state."""

    def goal(load: str, beside: str, relation: str, bound: float, metric: str = "rate") -> Goal:
        clients, depth = load.split("-")
        title = f"`-c {clients[1:]} -P {depth[1:]}`" + (", p50 latency" if metric == "p50_ms" else "")
        name = "redis" if beside == REDIS else "echo"
        return Goal(
            f"{load}-{name}-{state}", title, f"{load}-{state}", metric, relation, bound, beside=beside
        )

    return [
        goal("c1-p1", REDIS, AT_MOST, 0.75, "p50_ms"),
        goal("c1-p1", ECHO_LOG, AT_MOST, 1.1, "p50_ms"),
        goal("c50-p1", REDIS, AT_LEAST, 1.6),
        goal("c50-p1", ECHO_LOG, AT_LEAST, 0.90),
        goal("c200-p1", REDIS, AT_LEAST, 1.3),
        goal("c200-p1", ECHO_LOG, AT_LEAST, 0.90),
        goal("c50-p16", REDIS, AT_LEAST, 6),
        goal("c50-p16", ECHO_LOG, AT_LEAST, 0.70),
        goal("c50-p64", REDIS, AT_LEAST, 10),
        goal("c50-p64", ECHO_LOG, AT_LEAST, 0.40),
        Goal(
            f"cpu-{state}",
            "server CPU per allocation, `-c 50 -P 64`",
            f"c50-p64-{state}",
            "cpu_us",
            AT_MOST,
            1 / 9,
        ),
        Goal(
            f"log-p64-{state}",
            "bytes of log per allocation, `-c 50 -P 64`",
            f"c50-p64-{state}",
            "log_bytes",
            AT_MOST,
            0.35,
        ),
        Goal(
            f"log-p1-{state}",
            "bytes of log per allocation, `-c 50 -P 1`",
            f"c50-p1-{state}",
            "log_bytes",
            AT_MOST,
            1.2,
        ),
        Goal(
            f"log-uuid-{state}",
            "bytes of log per allocation, `-c 50 -P 64`, random UUIDs",
            f"open-{state}",
            "log_bytes",
            AT_MOST,
            0.35,
        ),
        Goal(
            f"tail-{state}",
            "p99.9 at half of its own peak, open loop",
            f"open-{state}",
            "p999_ms",
            AT_MOST,
            0.5,
        ),
    ]


def _disturbed() -> list[Goal]:
    """Tearoff beside its own quiet self, half of the peak asked in an open loop."""
    titles = {"snapshot": "during `SNAPSHOT`", "upload": "during an upload of 10 M codes"}
    goals = []
    for event, title in titles.items():
        experiment = f"during-{event}"
        for metric, name, relation, bound in (
            ("rate", "rate", AT_LEAST, 0.85),
            ("p999_ms", "p99.9", AT_MOST, 3),
        ):
            goals.append(
                Goal(
                    f"{event}-{metric.split('_')[0]}",
                    f"{name} {title}, beside its own quiet figure",
                    experiment,
                    metric,
                    relation,
                    bound,
                    subject=f"tearoff-{event}",
                    beside="tearoff-quiet",
                )
            )
    return goals


def _bulk() -> list[Goal]:
    """What is done with millions at a time: memory, restarts, uploads."""
    return [
        Goal(
            "memory",
            "resident bytes per allocation (36-character users)",
            "memory",
            "rss_bytes",
            AT_MOST,
            0.55,
        ),
        Goal(
            "restart-snapshot",
            "restart to the first answer: snapshot, beside RDB",
            "restart",
            "seconds",
            AT_MOST,
            0.5,
            subject="tearoff-from-snapshot",
            beside="redis-from-rdb",
        ),
        Goal(
            "restart-log",
            "restart to the first answer: log alone, beside AOF",
            "restart",
            "seconds",
            AT_MOST,
            0.5,
            subject="tearoff-from-log",
            beside="redis-from-aof",
        ),
        Goal(
            "upload",
            "upload of codes, beside `redis-cli --pipe`, an `RPUSH` per code",
            "upload",
            "rate",
            AT_LEAST,
            2,
        ),
        Goal(
            "upload-batched",
            "upload of codes, beside `redis-cli --pipe`, an `RPUSH` per 1,000 codes",
            "upload",
            "rate",
            AT_LEAST,
            2,
            beside="redis-always-batched",
        ),
    ]


def _reads() -> list[Goal]:
    return [
        Goal(
            f"{read}-p{depth}",
            f"{READ_TITLES[read]}, `-c 50 -P {depth}`",
            f"{read}-p{depth}",
            "rate",
            AT_LEAST,
            0.85,
            beside=ECHO,
        )
        for read in READS
        for depth in READ_DEPTHS
    ]


def _rest() -> list[Goal]:
    return [
        Goal(
            "delayed-flush",
            "flush delayed by 2 ms, `-c 1000 -P 1`, beside min(1000 / 2 ms, its rate without delay)",
            "delayed-flush",
            "rate",
            AT_LEAST,
            0.9,
            subject="tearoff-delayed",
            beside="reachable",
        ),
        Goal(
            "scale-rate",
            "rate at the largest state beside that at the smallest, `-c 50 -P 64`",
            "scale",
            "rate",
            AT_LEAST,
            0.75,
            subject="largest",
            beside="smallest",
        ),
    ]


GOALS: tuple[Goal, ...] = (
    *(goal for state in (EMPTY, LARGE) for goal in _durable(state)),
    *_disturbed(),
    *_bulk(),
    *_reads(),
    *_rest(),
)
