"""How large a run is. Pure data."""

from __future__ import annotations

from dataclasses import dataclass

MILLION = 1_000_000
# The states of a system: no allocation yet; as many as `Form.state`; a few, with names that are known.
EMPTY = "empty"
LARGE = "10m"
KNOWN = "known"


@dataclass(frozen=True)
class Load:
    """One way to drive a server with redis-benchmark: connections, commands in flight on each, requests.

    `cheap_requests` are for servers that keep no state and answer at once: they would be through with the
    other number before a clock tick of processor time is over.
    """

    clients: int
    depth: int
    requests: int
    cheap_requests: int

    @property
    def key(self) -> str:
        return f"c{self.clients}-p{self.depth}"

    def scaled(self, factor: float) -> Load:
        return Load(self.clients, self.depth, int(self.requests * factor), int(self.cheap_requests * factor))


# 20,000 lone requests take 2 to 5 s, the others some seconds on the slowest system that they are for.
LOADS = (
    Load(1, 1, 20_000, 20_000),
    Load(50, 1, 200_000, 200_000),
    Load(200, 1, 200_000, 200_000),
    Load(50, 16, 1 * MILLION, 3 * MILLION),
    Load(50, 64, 1 * MILLION, 5 * MILLION),
)


@dataclass(frozen=True)
class Form:
    """The full form of a run, or the short one."""

    name: str
    rounds: int
    # Of the requests of each load.
    factor: float
    # Allocations of the large state, and of what is restarted.
    state: int
    # Codes of an upload.
    upload: int
    # Seconds that an open loop is recorded for, after a second of warm-up.
    open_seconds: int
    # Of the peak, for the plot of latency over rate.
    fractions: tuple[float, ...]
    # Seconds of the plot through a snapshot, which begins after a third of them.
    series_seconds: int
    # Codes that a search for the peak may use up.
    peak_codes: int
    # Users that repeats and look-ups ask for.
    known_users: int
    # Allocations at which the cost of growing state is measured.
    scale: tuple[int, ...]
    # Whether systems that no goal speaks of run, too.
    with_bystanders: bool
    # Bytes on disk that must be free, measured generously: mostly Redis' AOFs.
    disk_bytes: int


FULL = Form(
    name="full",
    rounds=5,
    factor=1,
    state=10 * MILLION,
    upload=10 * MILLION,
    open_seconds=5,
    fractions=(0.1, 0.25, 0.5, 0.75, 0.9),
    series_seconds=12,
    peak_codes=5 * MILLION,
    known_users=100_000,
    scale=(1 * MILLION, 10 * MILLION, 50 * MILLION),
    with_bystanders=True,
    disk_bytes=40 << 30,
)
SHORT = Form(
    name="short",
    rounds=1,
    factor=0.2,
    state=1 * MILLION,
    upload=1 * MILLION,
    open_seconds=2,
    fractions=(0.25, 0.5, 0.9),
    series_seconds=6,
    peak_codes=5 * MILLION,
    known_users=100_000,
    scale=(200_000, 1 * MILLION),
    with_bystanders=False,
    disk_bytes=8 << 30,
)
