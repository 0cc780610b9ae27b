"""Whichever system call fails, nothing that was told is lost and nothing is half done."""

import os

import pytest

import sweep
from crash import commit_name

# Which calls are tried; the environment chooses others, and all of them with ./tools/sweep-calls.
SEED = os.environ.get("TEAROFF_SWEEP_SEED", "20261")


@pytest.fixture(scope="module")
def sweeps():
    sweeps = sweep.Sweep(SEED)
    yield sweeps
    sweeps.close()


@pytest.mark.parametrize("failure", sweep.ERRORS + sweep.SHORT)
@pytest.mark.parametrize("way, step", [("life", 251), ("start", 61)])
def test_a_failing_call_is_survived(sweeps, way, step, failure):
    # Goal: the promises of sweep.py. Method: some calls of a life, and of a start, fail with each error.
    print(f"SEED={SEED} COMMIT={commit_name()}")
    before = sweeps.failures
    assert sweeps.sweep(way, failure, step) > 10
    assert sweeps.failures == before, "see above"


@pytest.fixture(scope="module")
def trace(sweeps):
    """All calls of a life in which nothing fails, as pairs of call and path."""
    run = sweep.Run(sweeps.library, "life", 0, "EIO")
    run.trace = run.place / "trace"
    try:
        assert not run.run()
        return [line.split(" ", 1) for line in run.trace.read_text().splitlines()]
    finally:
        run.cleanup()


def test_a_data_directory_that_does_not_open_is_told(sweeps, trace):
    # Goal: the message of a failed call names the file (sweep.py), the data directory too, whose name below itself is
    # empty. Method: each call that opens it, up to the first log segment, fails.
    calls = [[call, path] for call, path in trace if not call.endswith("-to")]
    root = next(os.path.dirname(path) for call, path in calls if call == "flock")
    first_segment = next(number for number, (_, path) in enumerate(calls) if path.endswith(".wal"))
    opens = [number for number, call in enumerate(calls[:first_segment], 1) if call == ["open", root]]
    assert opens
    for number in opens:
        run = sweep.Run(sweeps.library, "life", number, "EIO")
        try:
            assert run.run() and f"open {run.directory}" == run.report.what
        finally:
            run.cleanup()


def test_the_sweep_sees_every_kind_of_call(trace):
    # Goal: the library counts what matters. Method: the calls of a whole life.
    assert len(trace) > 300
    assert {call for call, _ in trace} >= {
        "open", "pwrite", "pwritev2", "pread", "fsync", "rename", "unlink", "mkdir", "posix_fallocate", "opendir",
        "readdir", "fstat", "flock", "access"}


def test_a_file_gets_its_name_when_it_is_whole_and_the_name_is_synced(trace):
    # Goal: what a power failure may take of a file was never told (DURABILITY: rename before its sync, name before its
    # file). Method: of each rename, what was done to the file before and to its directory behind it.
    renames = 0
    for index, (call, path) in enumerate(trace):
        if call != "rename":
            continue
        renames += 1
        new = trace[index + 1]
        assert new[0] == "rename-to" and os.path.dirname(new[1]) == os.path.dirname(path)
        before = [call for call, name in trace[:index] if name == path and call in ("pwrite", "pwritev2", "fsync")]
        # What pwritev2 writes is durable by itself.
        assert before[-1] in ("fsync", "pwritev2"), f"{path} is renamed before it is synced: {before[-3:]}"
        # The next thing that is done to the directory, by whomever.
        folder = os.path.dirname(path)
        behind = next((entry for entry in trace[index + 2 :] if entry == ["fsync", folder]), None)
        assert behind, f"{new[1]} is never made durable"
        # But for other threads that list the directory.
        uses = [entry for entry in trace[index + 2 :] if entry[0] not in ("opendir", "readdir", "fstat")]
        following = [entry for entry in uses if entry[1] in (folder, new[1])][:3]
        assert ["fsync", folder] in following, f"{new[1]} is used before its name is durable: {following}"
    assert renames > 10


def test_nothing_is_removed_before_its_successor_is_durable(trace):
    # Goal: a power failure finds the old snapshot or the new one, whole, and the log that it needs. Method: before the
    # first removal of a segment or a manifest, the newest manifest has its name and its directory is synced.
    def index_of(wanted, start=0):
        return next((index for index in range(start, len(trace)) if wanted(*trace[index])), None)

    removal = index_of(lambda call, path: call == "unlink" and not path.endswith(".tmp") and (
        "/wal/" in path or "/snapshots/" in path))
    assert removal is not None, "the third snapshot removes something"
    named = [index for index, (call, path) in enumerate(trace[:removal])
             if call == "rename-to" and "manifest-" in path]
    assert len(named) >= 2
    synced = index_of(lambda call, path: call == "fsync" and path.endswith("/snapshots"), named[-1])
    assert synced is not None and synced < removal
