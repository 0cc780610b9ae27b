"""tearoff-sim: what it says of seeds that keep every promise, of those that do not, and of a wrong command line."""

from __future__ import annotations

import json
import subprocess

import harness

SIMULATOR = harness.BINARIES / "tearoff-sim"


def simulate(*flags: object) -> subprocess.CompletedProcess[str]:
    command = [str(word) for word in (SIMULATOR, *flags)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env={"PATH": "/usr/bin:/bin"})


def test_seeds_that_keep_every_promise_are_counted():
    """Goal: the figures of a run. Method: as JSON, and in words; the same seeds have the same traces in any order."""
    runs = [simulate("--seeds", 4, "--jobs", jobs, "--json") for jobs in (1, 2)]
    for run in runs:
        assert run.returncode == 0, run.stderr
        assert run.stderr == ""
    one, two = (json.loads(run.stdout) for run in runs)
    assert one["seeds"] == 4 and one["failed"] == 0 and one["failures"] == []
    assert one["operations"] > 100 and one["calls"] > one["operations"]
    for name in ("operations", "calls", "lives", "faults", "refused", "repaired", "trace"):
        assert one[name] == two[name], name
    words = simulate("--seeds", 1).stdout
    assert words.startswith("1 seeds in ") and "seeds per minute" in words


def test_a_seed_replays_exactly():
    """Goal: two processes tell the same of a seed. Method: its trace, line by line; and again of some of its steps."""
    for flags in ((), ("--steps", "0-20,30")):
        first, second = (simulate("--seed", 3, "--trace", *flags) for _ in range(2))
        assert first.returncode == 0, first.stderr
        assert first.stdout == second.stdout
        assert first.stdout.splitlines()[-1].startswith("kept; trace ")


def test_a_seed_that_fails_is_told_with_what_replays_it():
    """Goal: who reads of a failure can see it again. Method: a disk that forgets; the command that is told fails in
    the same way, and so does the shorter one that a shrink comes to."""
    run = simulate("--seeds", 12, "--broken-disk", "--commit", "abc")
    assert run.returncode == 1, run.stdout
    told, replay = run.stderr.splitlines()[:2]
    assert told.startswith("SEED=") and " COMMIT=abc: " in told
    words = replay.split("tearoff-sim ")[1].split()
    again = simulate(*words, "--commit", "abc")
    assert again.returncode == 1
    assert again.stderr.splitlines()[0] == told
    seed = words[words.index("--seed") + 1]
    shrunk = simulate("--shrink", "--seed", seed, "--broken-disk", "--commit", "abc")
    assert shrunk.returncode == 1
    count, _, whole = shrunk.stderr.split(" steps fail with ")[0].split()
    assert int(count) < int(whole)
    # In the same way, and with the command that replays the short one.
    promise = told.split(": ")[1]
    assert f" COMMIT=abc: {promise}: " in shrunk.stderr
    assert f"--seed {seed} --steps " in shrunk.stderr or count == "0"


def test_a_wrong_command_line_is_64():
    for flags in (("--seeds", 0), ("--trace",), ("--shrink",), ("--seed", 1, "--steps", "3-1"), ("--first-seed", -1)):
        assert simulate(*flags).returncode == 64, flags
