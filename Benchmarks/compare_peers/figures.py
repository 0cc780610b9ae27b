"""The arithmetic of a comparison: medians, spreads, ratios, verdicts, and the order of the runs. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

AT_LEAST = ">="
AT_MOST = "<="


@dataclass(frozen=True)
class Sample:
    """What one run of one system showed. A figure that was not to be had is not in `metrics`."""

    system: str
    round: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class Spread:
    """The median of some runs, with the least and the greatest of them."""

    median: float
    least: float
    greatest: float
    runs: int

    @staticmethod
    def of(values: Iterable[float]) -> Spread | None:
        """None when there is no value at all."""
        kept = list(values)
        if not kept:
            return None
        return Spread(statistics.median(kept), min(kept), max(kept), len(kept))


def spread(samples: Iterable[Sample], system: str, metric: str) -> Spread | None:
    """The spread of one figure of one system over the rounds."""
    return Spread.of(
        sample.metrics[metric] for sample in samples if sample.system == system and metric in sample.metrics
    )


def ratio(subject: Spread, beside: Spread) -> float:
    """Subject's median as a multiple of the other's; infinite beside nothing."""
    return subject.median / beside.median if beside.median else float("inf")


def is_met(value: float, relation: str, bound: float) -> bool:
    if relation == AT_LEAST:
        return value >= bound
    if relation == AT_MOST:
        return value <= bound
    raise ValueError(f"not a relation: {relation}")


def rotated(systems: Sequence[str], round_number: int) -> list[str]:
    """The order of one round: each system goes first as often as any other, so that none always runs
    right behind the same one."""
    if not systems:
        return []
    shift = round_number % len(systems)
    return [*systems[shift:], *systems[:shift]]
