"""What is done with millions at a time: memory, uploads, restarts."""

from __future__ import annotations

import shutil
import time

from ..figures import Sample
from ..peers.base import RespSystem
from ..peers.redis import CODES, Redis
from ..peers.tearoff import LIST, Tearoff
from ..settings import LARGE
from ..stage import Stage
from ..wire import wait_for

_USER = "restart-known-user"
BATCHED = "redis-always-batched"


def memory(stage: Stage, systems: tuple[str, ...]) -> list[Sample]:
    """Resident bytes per allocation, seen while the large state was filled: once, not in rounds."""
    samples = []
    for key in systems:
        stage.standing(key, LARGE)
        samples.append(Sample(key, 0, stage.prepared[LARGE, key]))
    return samples


def upload(stage: Stage, title: str, systems: tuple[str, ...]) -> list[Sample]:
    """One file of codes into a new server: `tearoffctl list load`, which checks every line and every
    duplicate, beside `redis-cli --pipe`, which does not. Redis' file of commands is made beforehand and not
    timed."""
    codes = stage.workplace.codes(stage.form.upload, part=20)

    def one(key: str) -> dict[str, float]:
        with stage.fresh(key.removesuffix("-batched")) as system:
            before = system.resident_bytes()
            if isinstance(system, Tearoff):
                began = time.monotonic()
                system.load(LIST, codes)
            else:
                assert isinstance(system, Redis)
                insertion = stage.workplace.mass_insertion(codes, 1_000 if key == BATCHED else 1, CODES)
                began = time.monotonic()
                system.pipe(insertion)
            seconds = time.monotonic() - began
            return {
                "rate": stage.form.upload / seconds,
                "seconds": seconds,
                "rss_bytes": (system.resident_bytes() - before) / stage.form.upload,
            }

    return stage.interleaved(title, systems, stage.form.rounds, one)


def restart(stage: Stage, title: str, systems: tuple[str, ...]) -> list[Sample]:
    """From the start of the process until a user who has a code gets it again. Files are in the page cache,
    for all of them alike."""
    stage.release()
    stage.progress.step(f"{title}: preparing four directories")
    tearoff_log, tearoff_snapshot = _filled_tearoffs(stage)
    redis = _filled_redis(stage)
    places: dict[str, RespSystem] = {
        "tearoff-from-log": tearoff_log,
        "tearoff-from-snapshot": tearoff_snapshot,
        "redis-from-aof": redis,
        "redis-from-rdb": redis,
    }

    def one(key: str) -> dict[str, float]:
        system = places[key]
        if isinstance(system, Redis):
            system.appends = key == "redis-from-aof"
        seconds = seconds_to_answer(system, _USER)
        resident = system.resident_bytes()
        system.stop()
        return {"seconds": seconds, "resident_bytes": float(resident)}

    try:
        return stage.interleaved(title, systems, stage.form.rounds, one)
    finally:
        for system in {id(system): system for system in places.values()}.values():
            system.stop()
            system.discard()


def seconds_to_answer(system: RespSystem, user: str) -> float:
    """Starts a system and asks until it answers an allocation."""
    began = time.monotonic()
    system.launch()
    child = system.child
    assert child is not None
    wait_for(system.port, system.first_question(user), lambda: child.is_running)
    return time.monotonic() - began


def _filled_tearoffs(stage: Stage) -> tuple[Tearoff, Tearoff]:
    """The same state twice: with the log alone, and with a snapshot that covers it."""
    with_log = Tearoff(stage.workplace, threads=1)
    with_snapshot = Tearoff(stage.workplace, threads=1)
    try:
        with_log.start()
        with_log.supply(stage.form.state + 1)
        with_log.fill(stage.form.state)
        with_log.call(*with_log.allocation(_USER))
    finally:
        with_log.stop()
    shutil.copytree(with_log.directory / "data", with_snapshot.directory / "data")
    try:
        with_snapshot.start()
        with_snapshot.snapshot()
    finally:
        with_snapshot.stop()
    return with_log, with_snapshot


def _filled_redis(stage: Stage) -> Redis:
    """One directory with an AOF that was never rewritten, and beside it an RDB file of the same state."""
    redis = Redis(stage.workplace, fsync="always")
    try:
        redis.start()
        redis.supply(stage.form.state + 1)
        redis.fill(stage.form.state)
        redis.call(*redis.allocation(_USER))
        redis.save_and_stop()
    finally:
        redis.stop()
    return redis
