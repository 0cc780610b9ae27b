"""Where a run keeps its files: one temporary directory in the project, gone when the run ends."""

from __future__ import annotations

import pathlib
import secrets
import shutil
import tempfile

from . import processes

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "Benchmarks"
BINARIES = ROOT / ".build" / "release"
NOTES = BENCHMARKS / "NOTES.md"
REPORT = BENCHMARKS / "RESULTS.md"
RESULTS = BENCHMARKS / "results"
PLOTS = BENCHMARKS / "plots"


class Workplace:
    """Hands out directories and files of codes. On the project's disk: O_DIRECT needs a real file system."""

    def __init__(self) -> None:
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=".build-compare-", dir=ROOT))
        # Others may walk through it but not look in: PostgreSQL runs as a user of its own.
        self.directory.chmod(0o711)
        self._names = 0

    def __enter__(self) -> Workplace:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)

    def new_path(self, name: str) -> pathlib.Path:
        """A path where nothing is yet."""
        self._names += 1
        return self.directory / f"{name}-{self._names}"

    def new_directory(self, name: str) -> pathlib.Path:
        path = self.new_path(name)
        path.mkdir()
        return path

    @property
    def free_bytes(self) -> int:
        return shutil.disk_usage(self.directory).free

    def codes(self, count: int, part: int = 0) -> pathlib.Path:
        """A file of so many distinct codes of 12 characters, one a line. Two parts have no code in common,
        but for a chance of one in a hundred million; an upload of both would be refused."""
        path = self.directory / f"codes-{part}-{count}.txt"
        if not path.exists():
            # Written beside and renamed, so that an interrupted file is never taken for a whole one.
            unfinished = path.with_suffix(".part")
            with unfinished.open("wb") as output:
                processes.write_to(output, [ROOT / "tools" / "sample-codes", str(count), str(part + 1)])
            unfinished.rename(path)
        return path

    def mass_insertion(self, codes: pathlib.Path, per_command: int, key: str) -> pathlib.Path:
        """The same codes as RPUSH commands, as `redis-cli --pipe` wants them."""
        path = codes.with_suffix(f".{per_command}.resp")
        if not path.exists():
            unfinished = path.with_suffix(".part")
            with codes.open("rb") as source, unfinished.open("wb", buffering=1 << 20) as output:
                while batch := [line.rstrip(b"\n") for _, line in zip(range(per_command), source)]:
                    output.write(
                        b"*%d\r\n$5\r\nRPUSH\r\n$%d\r\n%s\r\n" % (len(batch) + 2, len(key), key.encode())
                    )
                    output.writelines(b"$%d\r\n%s\r\n" % (len(code), code) for code in batch)
            unfinished.rename(path)
        return path


def fresh_users() -> str:
    """A pattern of 36 bytes like a UUID in text form, of which redis-benchmark fills in twelve digits; with
    another beginning at each call, so that the users of two runs are never the same."""
    return f"{secrets.token_hex(4)}-0000-4000-8000-__rand_int__"
