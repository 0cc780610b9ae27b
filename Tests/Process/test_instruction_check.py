"""Benchmarks/check-instructions: counts are held against thresholds as it says. Nothing is counted here."""

from __future__ import annotations

import dataclasses
import platform
import sys

import harness
import pytest

sys.path.insert(0, str(harness.ROOT / "Benchmarks"))

from compare_peers.processes import CommandFailed  # noqa: E402
from instruction_check import __main__ as command  # noqa: E402
from instruction_check import counting  # noqa: E402
from instruction_check.thresholds import (  # noqa: E402
    Thresholds,
    UnusableThresholds,
    Verdict,
    compared,
    table,
)

SOME = Thresholds(platform.machine(), 5.0, {"parse": 1000.0, "reply": 200.0})


@pytest.fixture
def run(monkeypatch, tmp_path):
    """The command, on thresholds of the test's own and with these counts; gives its exit code and them."""
    path = tmp_path / "instructions.json"
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(command, "THRESHOLDS", path)

    def run(counts, *flags, committed=SOME):
        committed.write(path)
        monkeypatch.setattr(counting, "stage_names", lambda program: list(counts))
        monkeypatch.setattr(command, "_counts", lambda names, _: {name: counts[name] for name in names})
        monkeypatch.setattr(sys, "argv", ["check-instructions", *flags])
        return command.main(), Thresholds.read(path)

    return run


def test_a_count_may_be_above_its_threshold_by_the_tolerance_and_no_more():
    verdicts = {
        counted: compared(SOME, {"parse": counted})[0].verdict
        for counted in [949.0, 951.0, 1000.0, 1049.0, 1051.0]
    }
    assert verdicts == {
        949.0: Verdict.LESS,
        951.0: Verdict.KEPT,
        1000.0: Verdict.KEPT,
        1049.0: Verdict.KEPT,
        1051.0: Verdict.MORE,
    }
    assert compared(SOME, {"new": 1.0})[0].verdict is Verdict.UNKNOWN


def test_the_table_shows_threshold_count_and_difference():
    text = table(compared(SOME, {"parse": 1100.0, "reply": 200.0, "new": 5.0}))
    heading, parse, reply, new = [line.split() for line in text.splitlines()]
    assert heading == ["stage", "threshold", "counted", "difference"]
    assert parse == ["parse", "1,000", "1,100", "+10.0", "%", "MORE"]
    assert reply == ["reply", "200", "200", "+0.0", "%"]
    assert new == ["new", "-", "5", "-", "NO", "THRESHOLD"]


def test_the_exit_code_says_whether_all_thresholds_are_kept(run):
    assert run({"parse": 1000.0, "reply": 100.0})[0] == 0
    assert run({"parse": 1100.0, "reply": 200.0})[0] == 1
    assert run({"parse": 1000.0, "reply": 200.0, "new": 5.0})[0] == 1
    # A stage that is gone would leave its threshold behind for ever.
    assert run({"parse": 1000.0})[0] == 1
    assert run({"parse": 1000.0, "reply": 900.0}, "--only", "parse")[0] == 0


def test_an_unknown_stage_is_a_wrong_command_line(run):
    with pytest.raises(SystemExit) as ended:
        run({"parse": 1000.0}, "--only", "nonsense")
    assert ended.value.code == 64


def test_an_update_takes_what_was_counted_and_leaves_the_rest(run):
    code, thresholds = run({"reply": 210.0, "parse": 1100.0, "new": 5.0}, "--only", "parse", "--update")
    assert code == 0
    # In the order of the stages, so that a change of a count is all that a commit shows.
    assert list(thresholds.instructions.items()) == [("reply", 200.0), ("parse", 1100.0)]
    code, thresholds = run({"parse": 900.0}, "--update")
    assert (code, thresholds.instructions) == (0, {"parse": 900.0})


def test_thresholds_of_another_processor_say_nothing_here(run):
    elsewhere = dataclasses.replace(SOME, processor="pdp11")
    assert run({"parse": 1000.0, "reply": 200.0}, committed=elsewhere)[0] == 1
    code, thresholds = run({"parse": 700.0}, "--update", committed=elsewhere)
    assert (code, thresholds.processor) == (0, platform.machine())
    assert thresholds.instructions == {"parse": 700.0}


@pytest.mark.parametrize("content", [None, "", "[]", '{"processor": "x86_64", "instructions": {}}'])
def test_a_file_of_thresholds_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "instructions.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UnusableThresholds, match="instructions.json"):
        Thresholds.read(path)


def test_what_callgrind_counted_is_divided_by_the_operations():
    profile = "events: Ir\nsummary: 0\n\n0 4\n\ntotals: 9100183\n"
    assert counting.per_operation(profile, "10000 operations\n") == 910.0
    for said, found in [("", profile), ("10 operations\n", "totals: 0\n"), ("10 operations\n", "")]:
        with pytest.raises(CommandFailed, match="nothing was counted"):
            counting.per_operation(found, said)


def test_the_committed_thresholds_can_be_read():
    committed = Thresholds.read(harness.ROOT / "Benchmarks" / "instructions.json")
    assert committed.instructions and 0 < committed.tolerance_percent <= 10
