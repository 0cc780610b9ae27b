"""PostgreSQL with SKIP LOCKED, driven by pgbench."""

from __future__ import annotations

import glob
import os
import pathlib
import re
import signal
import time

from .. import loads, processes, wire
from ..loads import UnexpectedOutput
from ..settings import Load
from ..workplace import Workplace
from .base import System

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "2GB",
    "effective_cache_size": "8GB",
    "synchronous_commit": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "wal_buffers": "64MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "autovacuum_naptime": "5s",
}
SCHEMA = """
CREATE TABLE codes (
    id bigserial PRIMARY KEY,
    code text NOT NULL,
    user_id text,
    given_at timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX codes_free ON codes (id) WHERE user_id IS NULL;
CREATE UNIQUE INDEX codes_of_user ON codes (user_id) WHERE user_id IS NOT NULL;
"""
# One statement, one round trip. The user stands in a scalar subquery, which the planner takes as a condition
# on the index even before it has seen a row with a user; joined, it would scan all of them.
# A user has 36 characters like a UUID; of two requests of one user at once the
# unique index lets only one through.
SCRIPT = """\
\\set head random(0, 4294967295)
\\set tail random(0, 999999999999)
WITH asking AS MATERIALIZED (
  SELECT lpad(to_hex(:head::bigint), 8, '0') || '-0000-4000-8000-'
    || lpad((:tail::bigint)::text, 12, '0') AS id
), known AS (
  SELECT code FROM codes
  WHERE user_id = (SELECT id FROM asking) AND given_at > now() - interval '24 hours'
), next AS (
  SELECT codes.id FROM codes WHERE codes.user_id IS NULL AND NOT EXISTS (SELECT FROM known)
  ORDER BY codes.id LIMIT 1 FOR UPDATE SKIP LOCKED
), given AS (
  UPDATE codes SET user_id = (SELECT id FROM asking), given_at = now() FROM next WHERE codes.id = next.id
  RETURNING codes.code
)
SELECT code FROM known UNION ALL SELECT code FROM given;
"""
# Each of its clients is a process; these keep it busy, and more of them would only wait.
CLIENTS = {1: 1, 50: 16, 200: 64}
# Enough for some seconds at its rate.
REQUESTS_MAX = 50_000


def parsed_pgbench(output: str) -> dict[str, float]:
    """The figures that pgbench prints. Raises UnexpectedOutput, also when a transaction failed."""
    patterns = {
        "rate": r"^tps = ([\d.]+)",
        "mean_ms": r"^latency average = ([\d.]+) ms",
        "operations": r"^number of transactions actually processed: (\d+)",
    }
    figures = {}
    for name, pattern in patterns.items():
        found = re.search(pattern, output, re.MULTILINE)
        if found is None:
            raise UnexpectedOutput(f"pgbench: no {name} in {output!r}")
        figures[name] = float(found.group(1))
    failed = re.search(r"^number of failed transactions: (\d+)", output, re.MULTILINE)
    if failed is not None and failed.group(1) != "0":
        raise UnexpectedOutput(f"pgbench: {failed.group(0)}")
    return figures


class Postgres(System):
    """PostgreSQL of Debian, a cluster of its own: one table of codes with a partial index over the free ones
    and a unique one over the users, one prepared statement with FOR UPDATE SKIP LOCKED that also looks for
    the user's earlier code, `synchronous_commit on`, `shared_buffers 2GB`, `max_wal_size 8GB` and
    `checkpoint_timeout 15min`; autovacuum after every 20,000 dead rows without a pause, since dead index
    entries are what slows SKIP LOCKED down. Driven by pgbench, `-M prepared`, 1, 16 and 64 clients instead
    of 1, 50 and 200. It is not driven pipelined. Latencies are means."""

    def __init__(self, workplace: Workplace):
        super().__init__(workplace, "postgres")
        self.port = 0
        self.data = self.directory / "data"
        # It refuses to run as root.
        self.user = "postgres" if os.geteuid() == 0 else None
        self._free = 0

    def start(self) -> None:
        is_new = not self.data.exists()
        if is_new:
            self._initialise()
        self.port = wire.free_port()
        words = [self._program("postgres"), "-D", str(self.data), "-p", str(self.port)]
        for name, value in SETTINGS.items():
            words += ["-c", f"{name}={value}"]
        self.child = processes.Child(words, self.log_path, self.user)
        self._wait(self.child)
        if is_new:
            self._sql(SCHEMA)

    def _initialise(self) -> None:
        if self.user is not None:
            processes.run(["chown", self.user, self.directory])
        processes.run(
            [self._program("initdb"), "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8"],
            user=self.user,
        )

    def _wait(self, child: processes.Child) -> None:
        while child.is_running:
            try:
                processes.run(["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)])
                return
            except processes.CommandFailed:
                time.sleep(0.05)
        raise processes.CommandFailed(f"PostgreSQL did not start\n{child.tail()}")

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """SIGINT is its fast stop; SIGTERM would wait for clients."""
        super().stop(number)

    @staticmethod
    def _program(name: str) -> str:
        """Debian keeps the server's programs out of the path."""
        found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
        return found[-1] if found else processes.tool(name)

    def _psql(self) -> list[str]:
        return [
            "psql",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-U",
            "postgres",
            "-qAt",
            "-v",
            "ON_ERROR_STOP=1",
        ]

    def _sql(self, text: str) -> str:
        return processes.run(self._psql(), text=text)

    def free_codes(self) -> int:
        return self._free

    def add_codes(self, codes: pathlib.Path) -> None:
        processes.run([*self._psql(), "-c", "COPY codes (code) FROM STDIN"], stdin=codes)
        self._sql("VACUUM ANALYZE codes; CHECKPOINT;")
        with codes.open("rb") as lines:
            self._free += sum(1 for _ in lines)

    def fill(self, target: int) -> None:
        """Inserts rows as they are after so many allocations; giving them one by one would take a quarter of
        an hour for ten million."""
        self._sql(
            "INSERT INTO codes (code, user_id, given_at) SELECT 'G' || lpad(n::text, 11, '0'), "
            f"gen_random_uuid()::text, now() FROM generate_series(1, {target}) AS n;"
        )

    def settle(self) -> None:
        self._sql("VACUUM ANALYZE codes; CHECKPOINT;")

    def requests(self, load: Load) -> int:
        return min(load.requests, REQUESTS_MAX)

    def takes(self, load: Load) -> bool:
        return load.depth == 1

    def drive(self, load: Load) -> dict[str, float]:
        script = self.workplace.directory / "allocate.pgbench"
        script.write_text(SCRIPT)
        before = loads.children_seconds()
        figures = parsed_pgbench(processes.run(self._command(load, script, str(self.port))))
        used = loads.children_seconds() - before
        self._free -= int(figures["operations"])
        return {**figures, "generator_cpu_us": used * 1e6 / figures["operations"]}

    def _command(self, load: Load, script: pathlib.Path, port: str) -> list[str]:
        clients = CLIENTS[load.clients]
        return [
            "pgbench", "-h", "127.0.0.1", "-p", port, "-U", "postgres", "-n", "-M", "prepared",
            "-c", str(clients), "-j", "1", "-t", str(self.requests(load) // clients), "-f", str(script),
            "postgres",
        ]  # fmt: skip

    def example(self, load: Load) -> str:
        return " ".join(self._command(load, pathlib.Path("allocate.pgbench"), "PORT"))

    def cpu_seconds(self) -> float:
        """Of all its processes. One that has just ended counts once its parent has seen it end."""
        time.sleep(0.2)
        return processes.cpu_seconds(self.pid, with_children=True)

    def log_bytes(self) -> int:
        """The write-ahead log's position."""
        return int(self._sql("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"))
