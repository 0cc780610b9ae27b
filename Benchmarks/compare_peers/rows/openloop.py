"""Open loops: latencies at half of the peak, over the rate, and while something heavy goes on beside them."""

from __future__ import annotations

import pathlib
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


def _supplied_peak(stage: Stage, system: RespSystem, seconds: float) -> dict[str, float]:
    """The peak of a system as `rate`, and its bytes of log per allocation there (users are random UUIDs);
    afterwards it has the codes for so many seconds at that rate."""
    system.supply(stage.form.peak_codes)
    log = system.log_bytes()
    figures = openloop.peak(system, _PEAK_SECONDS)
    found = {"rate": figures["rate"]}
    if log is not None:
        found["log_bytes"] = ((system.log_bytes() or 0) - log) / figures["operations"]
    system.supply(int(figures["rate"] * (seconds + openloop.WARM_UP_SECONDS + 1)))
    return found


def half_of_peak(stage: Stage, title: str, systems: tuple[str, ...], state: str) -> list[Sample]:
    """Each run finds its own peak first and asks for half of it."""

    def one(key: str) -> dict[str, float]:
        with stage.on(key, state) as system:
            assert isinstance(system, RespSystem)
            peak = _supplied_peak(stage, system, stage.form.open_seconds)
            rate = peak.pop("rate")
            return {"peak": rate, **peak, **openloop.at_rate(system, rate / 2, stage.form.open_seconds)}

    return stage.interleaved(title, systems, stage.form.rounds, one)


def latency_by_rate(stage: Stage, title: str, systems: tuple[str, ...]) -> list[Sample]:
    """The same at several fractions of the peak; a system is named `key@fraction`."""
    peaks = {
        key: _supplied_peak(stage, stage.standing_resp(key, LARGE), stage.form.open_seconds)["rate"]
        for key in systems
    }
    names = tuple(f"{key}@{fraction}" for key in systems for fraction in stage.form.fractions)

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
    # Made now, so that the time of making it is not taken for an upload.
    _uploaded_file(stage)
    seconds = stage.form.open_seconds
    rate = _supplied_peak(stage, system, seconds)["rate"] / 2

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
    system.load(name, _uploaded_file(stage))


def _uploaded_file(stage: Stage) -> pathlib.Path:
    return stage.workplace.codes(stage.form.upload, part=21)


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


def through_a_snapshot(
    stage: Stage, title: str, systems: tuple[str, ...]
) -> dict[str, list[dict[str, float]]]:
    """Latency over time at half of the peak; one snapshot, or Redis' BGSAVE, begins at the moment that stands
    under 'begin'."""
    seconds = stage.form.series_seconds
    begin = seconds / 3
    series: dict[str, list[dict[str, float]]] = {"begin": [{"seconds": begin}]}
    for key in systems:
        stage.progress.step(f"{title}: {key}")
        system = stage.standing_resp(key, LARGE)
        rate = _supplied_peak(stage, system, seconds)["rate"] / 2
        path = stage.workplace.new_path("series")
        flags = openloop.open_flags(rate, seconds, path)
        with subprocess.Popen(
            processes.tied(openloop.command(system, flags)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as bench:
            timer = threading.Timer(begin + openloop.WARM_UP_SECONDS, _begin_snapshot, [system])
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
