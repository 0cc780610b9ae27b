"""The servers that are compared, each with how it is started, supplied and asked."""

from __future__ import annotations

from collections.abc import Callable

from ..workplace import Workplace
from .base import System
from .echo import Echo
from .postgres import Postgres
from .redis import Redis
from .tearoff import Tearoff

# By key; the order is that of the tables.
SYSTEMS: dict[str, Callable[[Workplace], System]] = {
    "tearoff": lambda workplace: Tearoff(workplace, threads=1),
    "tearoff-2": lambda workplace: Tearoff(workplace, threads=2),
    "tearoff-delayed": lambda workplace: Tearoff(workplace, threads=1, flush_delay_microseconds=2_000),
    "redis-always": lambda workplace: Redis(workplace, fsync="always"),
    "redis-everysec": lambda workplace: Redis(workplace, fsync="everysec"),
    "postgres": Postgres,
    "echo-log": lambda workplace: Echo(workplace, has_log=True),
    "echo": lambda workplace: Echo(workplace, has_log=False),
}

TITLES: dict[str, str] = {
    "tearoff": "Tearoff, `--threads 1`",
    "tearoff-2": "Tearoff, `--threads 2`",
    "tearoff-delayed": "Tearoff, `--threads 1`, flush 2 ms slower",
    "tearoff-quiet": "Tearoff, quiet",
    "tearoff-snapshot": "Tearoff, during `SNAPSHOT`",
    "tearoff-upload": "Tearoff, during an upload",
    "tearoff-from-snapshot": "Tearoff, from a snapshot",
    "tearoff-from-log": "Tearoff, from the log alone",
    "reachable": "what can be had at that flush",
    "redis-from-rdb": "Redis, from RDB",
    "redis-from-aof": "Redis, from an AOF never rewritten",
    "redis-always": "Redis, Lua, AOF always",
    "redis-always-batched": "Redis, 1,000 codes a command",
    "redis-everysec": "Redis, Lua, AOF everysec (may lose a second)",
    "postgres": "PostgreSQL, SKIP LOCKED",
    "echo-log": "bare echo with a durable frame a tick",
    "echo": "bare echo without a log",
}


def title(key: str) -> str:
    """How a system is called in tables: `key@0.5` is one at half of its peak, a number is a size of state."""
    name, _, fraction = key.partition("@")
    if fraction:
        return f"{title(name)}, at {float(fraction):.0%} of its peak"
    return f"{int(key):,} allocations" if key.isdigit() else TITLES.get(key, key)


def rank(key: str) -> int:
    """Where a system stands in tables."""
    keys = list(TITLES)
    name = key.partition("@")[0]
    return keys.index(name) if name in keys else -1


def settings_text() -> dict[str, str]:
    """What each kind of peer was set to, for the report: the docstrings of their modules."""
    return {kind.__name__: (kind.__doc__ or "").strip() for kind in (Tearoff, Redis, Postgres, Echo)}
