"""Which experiments there are, over which systems, and about how long each takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .figures import Sample
from .goals import READ_DEPTHS, READ_TITLES, READS
from .rows import bulk, closed, openloop, scale
from .settings import EMPTY, LARGE, LOADS, Form
from .stage import Stage

Series = dict[str, list[dict[str, float]]]


@dataclass(frozen=True)
class Outcome:
    """What an experiment showed: samples, and for some of them series over time."""

    samples: list[Sample]
    series: Series = field(default_factory=dict)


@dataclass(frozen=True)
class Experiment:
    """Something that is run in rounds over some systems. `seconds` guesses how long all of it takes."""

    key: str
    title: str
    state: str
    systems: tuple[str, ...]
    seconds: float
    measure: Callable[[Stage], Outcome]
    needs_open_loop: bool = False


# Those that the goals speak of, and those that are only shown beside them and run once.
CLOSED = ("tearoff", "redis-always", "echo-log")
BYSTANDERS = ("tearoff-2", "redis-everysec", "echo")
# Commands that are not pipelined are for PostgreSQL, too.
UNPIPELINED_BYSTANDERS = (*BYSTANDERS, "postgres")


def experiments(form: Form) -> list[Experiment]:
    """All of them, in an order that prepares each state once."""
    return [
        *_new_users(form, EMPTY),
        _half_of_peak(form, EMPTY),
        _upload(form),
        _delayed(form),
        *_reads(form),
        _memory(form),
        *_new_users(form, LARGE),
        _half_of_peak(form, LARGE),
        *_disturbed(form),
        _by_rate(form),
        _through_snapshot(form),
        _restart(form),
        _scale(form),
    ]


def _new_users(form: Form, state: str) -> list[Experiment]:
    def experiment(load_key: str) -> Experiment:
        load = closed.load_of(load_key, form.factor)
        others = UNPIPELINED_BYSTANDERS if load.depth == 1 else BYSTANDERS
        bystanders = others if form.with_bystanders else ()
        title = f"new users, -c {load.clients} -P {load.depth}, state {state}"
        return Experiment(
            f"{load_key}-{state}",
            title,
            state,
            (*CLOSED, *bystanders),
            (form.rounds * len(CLOSED) + len(bystanders)) * (2 + 6 * form.factor),
            lambda stage: Outcome(closed.new_users(stage, title, CLOSED, load, state, bystanders)),
        )

    return [experiment(load.key) for load in LOADS]


def _half_of_peak(form: Form, state: str) -> Experiment:
    title = f"open loop at half of the peak, state {state}"
    systems = CLOSED
    return Experiment(
        f"open-{state}",
        title,
        state,
        systems,
        form.rounds * len(systems) * (form.open_seconds + 6),
        lambda stage: Outcome(openloop.half_of_peak(stage, title, systems, state)),
        needs_open_loop=True,
    )


def _upload(form: Form) -> Experiment:
    title = f"upload of {form.upload:,} codes"
    systems = ("tearoff", "redis-always", bulk.BATCHED)
    return Experiment(
        "upload",
        title,
        EMPTY,
        systems,
        form.rounds * 12 * form.upload / 1e6,
        lambda stage: Outcome(bulk.upload(stage, title, systems)),
    )


def _delayed(form: Form) -> Experiment:
    title = "flush delayed by 2 ms, -c 1000 -P 1"
    systems = ("tearoff", "tearoff-delayed")
    return Experiment(
        "delayed-flush",
        title,
        EMPTY,
        systems,
        form.rounds * 2 * (2 + 4 * form.factor),
        lambda stage: Outcome(closed.delayed_flush(stage, title, systems)),
    )


def _reads(form: Form) -> list[Experiment]:
    def experiment(read: str, depth: int) -> Experiment:
        title = f"{READ_TITLES[read].replace('`', '')}, -c 50 -P {depth}"
        systems = ("tearoff", "echo") + (("redis-always",) if read == "repeat" else ())
        return Experiment(
            f"{read}-p{depth}",
            title,
            "known",
            systems,
            form.rounds * len(systems) * 3 * form.factor + 1,
            lambda stage: Outcome(closed.reads(stage, title, systems, read, depth)),
        )

    return [experiment(read, depth) for read in READS for depth in READ_DEPTHS]


def _memory(form: Form) -> Experiment:
    systems = ("tearoff", "redis-always")
    return Experiment(
        "memory",
        f"resident bytes per allocation over {form.state:,}",
        LARGE,
        systems,
        15 * form.state / 1e6,
        lambda stage: Outcome(bulk.memory(stage, systems)),
    )


def _disturbed(form: Form) -> list[Experiment]:
    def experiment(event: str) -> Experiment:
        title = f"open loop at half of the peak, quiet and during {event}"
        return Experiment(
            f"during-{event}",
            title,
            LARGE,
            ("tearoff",),
            form.rounds * 2 * (form.open_seconds + 4),
            lambda stage: Outcome(openloop.during(stage, title, event)),
            needs_open_loop=True,
        )

    return [experiment(event) for event in openloop.EVENTS]


def _by_rate(form: Form) -> Experiment:
    title = "latency by rate"
    return Experiment(
        "latency-by-rate",
        title,
        LARGE,
        CLOSED,
        form.rounds * len(CLOSED) * len(form.fractions) * (form.open_seconds + 3),
        lambda stage: Outcome(openloop.latency_by_rate(stage, title, CLOSED)),
        needs_open_loop=True,
    )


def _through_snapshot(form: Form) -> Experiment:
    title = "latency over time through a snapshot"
    systems = ("tearoff", "redis-always")
    return Experiment(
        "through-snapshot",
        title,
        LARGE,
        systems,
        len(systems) * (form.series_seconds + 13),
        lambda stage: Outcome([], openloop.through_a_snapshot(stage, title, systems)),
        needs_open_loop=True,
    )


def _restart(form: Form) -> Experiment:
    title = f"restart with {form.state:,} allocations"
    systems = ("tearoff-from-snapshot", "redis-from-rdb", "tearoff-from-log", "redis-from-aof")
    return Experiment(
        "restart",
        title,
        EMPTY,
        systems,
        (20 + 12 * form.rounds) * form.state / 1e6,
        lambda stage: Outcome(bulk.restart(stage, title, systems)),
    )


def _scale(form: Form) -> Experiment:
    title = "cost as the state grows"
    return Experiment(
        "scale",
        title,
        EMPTY,
        ("tearoff",),
        10 * form.scale[-1] / 1e6 + form.rounds * len(form.scale) * 15,
        lambda stage: Outcome(scale.growing(stage, title)),
    )
