"""What a larger state costs: the same figures of one Tearoff at growing numbers of allocations."""

from __future__ import annotations

import time

from .. import openloop
from ..figures import Sample
from ..peers.base import RespSystem
from ..peers.tearoff import Tearoff
from ..stage import Stage
from ..wire import wait_for
from .closed import load_of

_USER = "scale-known-user"


def growing(stage: Stage, title: str) -> list[Sample]:
    """One sample a round and size, named by its number of allocations; the smallest and the largest once more
    under these names, for the goal."""
    stage.release()
    form = stage.form
    samples: list[Sample] = []
    given = 0
    with stage.fresh("tearoff") as system:
        assert isinstance(system, Tearoff)
        empty = system.resident_bytes()
        system.supply(1)
        system.call(*system.allocation(_USER))
        for size in form.scale:
            stage.progress.step(f"{title}: filling to {size:,} allocations")
            system.fill(size - given)
            once = _once(stage, system)
            once["resident_bytes"] = float(system.resident_bytes())
            once["bytes_per_allocation"] = (once["resident_bytes"] - empty) / size
            given = size
            for number in range(form.rounds):
                stage.progress.step(f"{title}: {size:,} allocations, round {number + 1} of {form.rounds}")
                metrics = _round(stage, system)
                given += int(metrics.pop("given"))
                samples.append(Sample(str(size), number, {**once, **metrics}))
    ends = {str(form.scale[0]): "smallest", str(form.scale[-1]): "largest"}
    return samples + [
        Sample(ends[sample.system], sample.round, {"rate": sample.metrics["rate"]})
        for sample in samples
        if sample.system in ends
    ]


def _once(stage: Stage, system: Tearoff) -> dict[str, float]:
    """A first snapshot of all that was filled, a second right behind it, and a restart from it."""
    stage.progress.step("snapshots and a restart")
    first = system.snapshot()
    second = system.snapshot()
    system.stop()
    began = time.monotonic()
    system.launch()
    child = system.child
    assert child is not None
    wait_for(system.port, system.first_question(_USER), lambda: child.is_running)
    return {
        "restart_seconds": time.monotonic() - began,
        "snapshot_seconds": int(first["milliseconds"]) / 1e3,
        "snapshot_bytes": float(first["bytes-written"]),
        "unchanged_snapshot_seconds": int(second["milliseconds"]) / 1e3,
        "unchanged_snapshot_bytes": float(second["bytes-written"]),
    }


def _round(stage: Stage, system: RespSystem) -> dict[str, float]:
    """The rate of new users at `-P 64`, and the tail at half of the peak."""
    load = load_of("c50-p64", stage.form.factor)
    system.supply(load.requests)
    metrics = system.measure(load)
    metrics["given"] = metrics["operations"]
    if openloop.is_there():
        rate = metrics["rate"] / 2
        seconds = stage.form.open_seconds
        system.supply(int(rate * (seconds + openloop.WARM_UP_SECONDS + 1)))
        tail = openloop.at_rate(system, rate, seconds)
        metrics["p999_ms"] = tail["p999_ms"]
        metrics["given"] += tail["operations"]
    return metrics
