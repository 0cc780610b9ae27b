"""The states that systems are measured on, and how each is brought about."""

from __future__ import annotations

from collections.abc import Callable

from .peers.base import RespSystem, System
from .peers.postgres import Postgres
from .peers.redis import CODES, Redis
from .peers.tearoff import Tearoff
from .settings import KNOWN, LARGE, Form

# Users and codes that redis-benchmark can name: it fills in twelve digits.
KNOWN_USER = "aaaaaaaa-0000-4000-8000-{:012d}"
KNOWN_CODE = "K{:012d}"
KNOWN_LIST = "known-codes"
KNOWN_CAMPAIGN = "known"
_BATCH = 1_000


def fill(system: System, form: Form) -> dict[str, float]:
    """As many allocations as the large state has; then compaction. Returns what one cost in resident bytes:
    the growth from a supplied server to a filled one, so that the codes themselves do not count twice."""
    if not system.allocates:
        return {}
    figures: dict[str, float] = {}
    if isinstance(system, RespSystem):
        system.supply(form.state)
        before = system.resident_bytes()
        system.fill(form.state)
        figures["rss_bytes"] = (system.resident_bytes() - before) / form.state
    elif isinstance(system, Postgres):
        system.fill(form.state)
    system.settle()
    return figures


def make_known(system: System, form: Form) -> dict[str, float]:
    """Users and codes whose names are known, every one of them allocated."""
    if isinstance(system, Tearoff):
        codes = system.workplace.new_path("known")
        codes.write_text("".join(KNOWN_CODE.format(number) + "\n" for number in range(form.known_users)))
        system.call("LIST", "CREATE", KNOWN_LIST, "UNIQUE")
        system.load(KNOWN_LIST, codes)
        system.call("CAMPAIGN", "CREATE", KNOWN_CAMPAIGN, "LIST", KNOWN_LIST)
    elif isinstance(system, Redis):
        system.supply(form.known_users)
    else:
        return {}
    with system.connected() as connection:
        for start in range(0, form.known_users, _BATCH):
            users = [KNOWN_USER.format(number) for number in range(start, start + _BATCH)]
            connection.call_many([known_allocation(system, user) for user in users])
    return {}


def known_allocation(system: RespSystem, user: str) -> list[str]:
    """The command that repeats an allocation of the state 'known'."""
    if isinstance(system, Redis):
        return ["EVALSHA", system.script, "2", CODES, f"{KNOWN_CAMPAIGN}:{user}"]
    return ["ALLOC", KNOWN_CAMPAIGN, user]


def look_up(system: RespSystem, read: str) -> list[str]:
    """A read of the state 'known' for redis-benchmark, by a name of `goals.READS`."""
    user = KNOWN_USER.format(0)[:-12] + "__rand_int__"
    if read == "history":
        return ["USER", "HISTORY", user]
    if read == "find":
        return ["CODE", "FIND", KNOWN_CODE.format(0)[:-12] + "__rand_int__"]
    return known_allocation(system, user)


PREPARATIONS: dict[str, Callable[[System, Form], dict[str, float]]] = {LARGE: fill, KNOWN: make_known}
