"""redis-benchmark's closed loop: new users, repeats, look-ups, a delayed flush."""

from __future__ import annotations

from ..figures import Sample
from ..settings import EMPTY, KNOWN, LOADS, Load
from ..stage import Stage
from ..states import look_up

# What `-c 1000 -P 1` is delayed by, and the most that it could have then: everyone once a flush.
DELAYED_LOAD = Load(1_000, 1, 200_000, 200_000)
DELAY_SECONDS = 0.002


def load_of(key: str, factor: float) -> Load:
    """The load with this key, scaled to the form of the run."""
    return next(load for load in LOADS if load.key == key).scaled(factor)


def new_users(
    stage: Stage,
    title: str,
    systems: tuple[str, ...],
    load: Load,
    state: str,
    bystanders: tuple[str, ...] = (),
) -> list[Sample]:
    """Allocations for new users, on a system made anew for every run, or on one with a large state."""

    def one(key: str) -> dict[str, float]:
        with stage.on(key, state) as system:
            system.supply(system.requests(load))
            return system.measure(load)

    return stage.interleaved(title, systems, stage.form.rounds, one, bystanders)


def reads(stage: Stage, title: str, systems: tuple[str, ...], read: str, depth: int) -> list[Sample]:
    """Repeats or look-ups of users and codes that are known."""
    requests = {1: 200_000, 16: 1_000_000, 64: 2_000_000}[depth]
    load = Load(50, depth, requests, requests).scaled(stage.form.factor)

    def one(key: str) -> dict[str, float]:
        system = stage.standing_resp(key, KNOWN)
        before = system.cpu_seconds()
        metrics = system.ask(load, look_up(system, read), stage.form.known_users)
        metrics["cpu_us"] = (system.cpu_seconds() - before) * 1e6 / metrics["operations"]
        return metrics

    return stage.interleaved(title, systems, stage.form.rounds, one)


def delayed_flush(stage: Stage, title: str, systems: tuple[str, ...]) -> list[Sample]:
    """Every flush 2 ms slower. Each round adds what could be had then, as a system named 'reachable'."""
    load = DELAYED_LOAD.scaled(stage.form.factor)
    samples = new_users(stage, title, systems, load, EMPTY)
    ceiling = load.clients / DELAY_SECONDS
    reachable = [
        Sample("reachable", sample.round, {"rate": min(ceiling, sample.metrics["rate"])})
        for sample in samples
        if sample.system == "tearoff"
    ]
    return samples + reachable
