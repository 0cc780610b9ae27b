"""Redis with the same semantics in a Lua script."""

from __future__ import annotations

import hashlib
import pathlib
import time

from .. import processes, wire
from ..workplace import Workplace
from .base import RespSystem

CODES = "codes"
# The user's code, if there is one; else the list's next code, kept for a day.
SCRIPT = """\
local code = redis.call('GET', KEYS[2])
if code then return code end
code = redis.call('LPOP', KEYS[1])
if not code then return redis.error_reply('EXHAUSTED no code is left') end
redis.call('SET', KEYS[2], code, 'EX', 86400)
return code
"""


class Redis(RespSystem):
    """`redis-server` of Debian, allocations by one Lua script through EVALSHA (GET the user's key; if it is
    not there LPOP a code and SET it with EX 86400). `appendonly yes` with `appendfsync always` or `everysec`;
    `save ""` and `auto-aof-rewrite-percentage 0`, so that no fork happens while something is measured;
    everything else as it comes. Its AOF is rewritten once after a large state is filled."""

    def __init__(self, workplace: Workplace, fsync: str):
        super().__init__(workplace, f"redis-{fsync}")
        self.fsync = fsync
        self.appends = True
        self.script = hashlib.sha1(SCRIPT.encode()).hexdigest()

    def launch(self) -> None:
        self.port = wire.free_port()
        append = "yes" if self.appends else "no"
        words = [processes.tool("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1"]
        words += ["--dir", str(self.directory), "--save", "", "--appendonly", append]
        words += ["--appendfsync", self.fsync, "--auto-aof-rewrite-percentage", "0"]
        words += ["--daemonize", "no"]
        self.launched([*words])

    def start(self) -> None:
        self.launch()
        self.wait_ready()
        self.call("SCRIPT", "LOAD", SCRIPT)

    def allocation(self, user: str) -> list[str]:
        return ["EVALSHA", self.script, "2", CODES, f"c:{user}"]

    def first_question(self, user: str) -> list[str]:
        """With the script's text: Redis forgets scripts when it ends."""
        return ["EVAL", SCRIPT, "2", CODES, f"c:{user}"]

    def free_codes(self) -> int:
        count = self.call("LLEN", CODES)
        assert isinstance(count, int)
        return count

    def add_codes(self, codes: pathlib.Path) -> None:
        insertion = self.workplace.mass_insertion(codes, 1_000, CODES)
        self.pipe(insertion)

    def pipe(self, insertion: pathlib.Path) -> None:
        """Mass insertion as Redis' manual tells it."""
        processes.run(["redis-cli", "-p", str(self.port), "--pipe"], stdin=insertion)

    def settle(self) -> None:
        self.call("BGREWRITEAOF")
        while self._is_writing():
            time.sleep(0.2)

    def _is_writing(self) -> bool:
        figures = wire.info(self.port)
        keys = ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress")
        return any(figures[key] != "0" for key in keys)

    def save_and_stop(self) -> None:
        """Writes an RDB file and ends."""
        child = self.child
        try:
            self.call("SHUTDOWN", "SAVE")
        except ConnectionError:
            # That is its answer.
            pass
        if child is not None:
            child.wait()
        self.child = None

    def log_bytes(self) -> int | None:
        return int(wire.info(self.port)["aof_current_size"]) if self.appends else None
