"""Open loops: latencies at half of the peak, over the rate, and while something heavy goes on beside them."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from .. import openloop, processes
from ..figures import Sample
from ..peers.base import RespSystem
from ..peers.redis import Redis
from ..peers.tearoff import Tearoff
from ..settings import LARGE
from ..stage import Stage

_PEAK_SECONDS = 1.5
# Of the peak, for the plot of latency over rate.
FRACTIONS = (0.1, 0.25, 0.5, 0.75, 0.9)
# The plot through a snapshot: recorded so long, begun in its middle.
_SERIES_SECONDS = 12
BEGIN_SECONDS = 4


def _supplied_peak(stage: Stage, system: RespSystem, seconds: float) -> float:
    """The peak of a system; afterwards it has the codes for so many seconds at it."""
    system.supply(stage.form.peak_codes)
    rate = openloop.peak(system, _PEAK_SECONDS)["rate"]
    system.supply(int(rate * (seconds + openloop.WARM_UP_SECONDS + 1)))
    return rate


def half_of_peak(stage: Stage, title: str, systems: tuple[str, ...], state: str) -> list[Sample]:
    """Each run finds its own peak first and asks for half of it."""

    def one(key: str) -> dict[str, float]:
        with stage.on(key, state) as system:
            assert isinstance(system, RespSystem)
            rate = _supplied_peak(stage, system, stage.form.open_seconds)
            return {"peak": rate, **openloop.at_rate(system, rate / 2, stage.form.open_seconds)}

    return stage.interleaved(title, systems, stage.form.rounds, one)


def latency_by_rate(stage: Stage, title: str, systems: tuple[str, ...]) -> list[Sample]:
    """The same at several fractions of the peak; a system is named `key@fraction`."""
    peaks = {
        key: _supplied_peak(stage, stage.standing_resp(key, LARGE), stage.form.open_seconds) for key in systems
    }
    names = tuple(f"{key}@{fraction}" for key in systems for fraction in FRACTIONS)

    def one(name: str) -> dict[str, float]:
        key, _, fraction = name.partition("@")
        system = stage.standing_resp(key, LARGE)
        rate = peaks[key] * float(fraction)
        system.supply(int(rate * (stage.form.open_seconds + openloop.WARM_UP_SECONDS + 1)))
        return openloop.at_rate(system, rate, stage.form.open_seconds)

    return stage.interleaved(title, names, stage.form.rounds, one)


def during(stage: Stage, title: str, event: str) -> list[Sample]:
    """Tearoff at half of its peak, quiet and while an event goes on for all of the recorded time."""
    system = stage.standing_resp("tearoff", LARGE)
    assert isinstance(system, Tearoff)
    seconds = stage.form.open_seconds
    rate = _supplied_peak(stage, system, seconds) / 2

    def one(key: str) -> dict[str, float]:
        system.supply(int(rate * (seconds + openloop.WARM_UP_SECONDS + 1)))
        if key == "tearoff-quiet":
            return openloop.at_rate(system, rate, seconds)
        with _repeated(lambda: EVENTS[event](stage, system)) as count:
            metrics = openloop.at_rate(system, rate, seconds)
        return {**metrics, "events": float(len(count))}

    return stage.interleaved(title, ("tearoff-quiet", f"tearoff-{event}"), stage.form.rounds, one)


def _snapshot(_: Stage, system: Tearoff) -> None:
    system.snapshot()


def _upload(stage: Stage, system: Tearoff) -> None:
    """To a list of its own each time, so that it is never known already."""
    name = stage.workplace.new_path("list").name
    system.call("LIST", "CREATE", name, "UNIQUE")
    system.load(name, stage.workplace.codes(stage.form.upload, part=21))


EVENTS: dict[str, Callable[[Stage, Tearoff], None]] = {"snapshot": _snapshot, "upload": _upload}


@contextmanager
def _repeated(act: Callable[[], None]) -> Iterator[list[None]]:
    """Does something again and again on a thread of its own; yields one item for each time that it began.

    Raises what `act` raised. What has begun is waited for.
    """
    began: list[None] = []
    failures: list[BaseException] = []
    ended = threading.Event()

    def loop() -> None:
        try:
            while not ended.is_set():
                began.append(None)
                act()
        except (processes.CommandFailed, OSError) as error:
            failures.append(error)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield began
    finally:
        ended.set()
        thread.join()
    if failures:
        raise failures[0]


def through_a_snapshot(stage: Stage, title: str, systems: tuple[str, ...]) -> dict[str, list[dict[str, float]]]:
    """Latency over time at half of the peak; in the middle one snapshot, or Redis' BGSAVE, begins."""
    series = {}
    for key in systems:
        stage.progress.step(f"{title}: {key}")
        system = stage.standing_resp(key, LARGE)
        rate = _supplied_peak(stage, system, _SERIES_SECONDS) / 2
        path = stage.workplace.new_path("series")
        flags = openloop.open_flags(rate, _SERIES_SECONDS, path)
        with subprocess.Popen(
            processes.tied(openloop.command(system, flags)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as bench:
            timer = threading.Timer(BEGIN_SECONDS + openloop.WARM_UP_SECONDS, _begin_snapshot, [system])
            timer.start()
            output = bench.communicate()[0].decode(errors="replace")
            timer.join()
        if bench.returncode != 0:
            raise processes.CommandFailed(f"tearoff-bench: exit {bench.returncode}\n{output}")
        system.settle()
        series[key] = [asdict(point) for point in openloop.parsed_series(path.read_text())]
    return series


def _begin_snapshot(system: RespSystem) -> None:
    system.call("BGSAVE" if isinstance(system, Redis) else "SNAPSHOT")
