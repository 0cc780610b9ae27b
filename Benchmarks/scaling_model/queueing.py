"""Closed queueing networks of one class, by exact mean value analysis. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Station:
    """Something that one customer at a time has; of several copies each command needs a random one."""

    # Time that a command needs it for, over all its visits.
    demand: float
    copies: int = 1


@dataclasses.dataclass(frozen=True)
class Solution:
    # Commands in a unit of time.
    rate: float
    # What a command spends at each station: waiting, and being served.
    residences: tuple[float, ...]
    # The chance that a command finds what it needs of each station taken.
    held: tuple[float, ...]


def solve(customers: int, thinking: float, stations: Sequence[Station]) -> Solution:
    """Each customer thinks, and then visits every station, again and again.

    Exact for exponential service times in order of arrival. Ours vary less, so the waits come out too long
    rather than too short.
    """
    queues = [0.0] * len(stations)
    rate = 0.0
    residences: list[float] = []
    held = [0.0] * len(stations)
    for number in range(1, customers + 1):
        # Who arrives sees the network as it is with one customer less.
        held = [min(1.0, rate * station.demand / station.copies) for station in stations]
        residences = [station.demand * (1 + queue) for station, queue in zip(stations, queues)]
        rate = number / (thinking + sum(residences))
        queues = [
            rate * residence / station.copies for station, residence in zip(stations, residences)
        ]
    return Solution(rate, tuple(residences), tuple(held))
