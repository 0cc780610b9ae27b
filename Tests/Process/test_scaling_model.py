"""Benchmarks/scaling-model: what it computes keeps to its own bounds. Nothing is measured here."""

from __future__ import annotations

import itertools
import json
import math
import sys

import harness
import pytest

sys.path.insert(0, str(harness.ROOT / "Benchmarks"))

from scaling_model import __main__ as command  # noqa: E402
from scaling_model import checks, model  # noqa: E402
from scaling_model.inputs import Inputs, UnusableInputs  # noqa: E402
from scaling_model.model import Case, evaluate  # noqa: E402
from scaling_model.queueing import Station, solve  # noqa: E402

INPUTS = Inputs.read(command.INPUTS)
# Nothing is shared, nothing is waited for, and the machine around has no end.
FREE = INPUTS.replacing(
    line_near_ns=0.0,
    line_far_ns=0.0,
    device_frames_1=1e12,
    device_frames_4=1e13,
    device_frames_8=1e14,
    device_bytes_per_second=1e15,
    memory_bytes_per_second_of_a_core=1e15,
    network_bytes_per_second=1e15,
    network_packets_per_second=1e15,
)
CASES = [
    Case(*case)
    for case in itertools.product(command.CORES, command.DEPTHS, (16, 256), command.LISTS, (1, 16))
]


def test_a_network_that_can_be_solved_by_hand_comes_out_so():
    # One station and no thinking: always busy. A customer without others waits for nobody.
    assert solve(5, 0.0, [Station(2.0)]).rate == pytest.approx(0.5)
    alone = solve(1, 3.0, [Station(1.0, copies=4)])
    assert (alone.rate, alone.residences, alone.held) == (0.25, (1.0,), (0.0,))
    # Two customers, one station of 1, thinking 1: the second finds the first there half of the time.
    two = solve(2, 1.0, [Station(1.0)])
    assert two.held == (0.5,)
    assert two.rate == pytest.approx(2 / (1 + 1.5))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_rate_is_above_a_bound_and_what_binds_has_the_least(case):
    outcome = evaluate(INPUTS, case)
    assert 0 < outcome.rate <= outcome.bound * (1 + 1e-9)
    assert outcome.bound == min(outcome.bounds.values())
    name = model.LOOPS if outcome.binding == model.FLUSHES else outcome.binding
    assert outcome.bounds[name] == outcome.bound
    assert 0 <= outcome.shard_held <= 1 and 0 <= outcome.parked <= 1


def test_a_loop_that_shares_nothing_waits_for_nobody():
    outcome = evaluate(INPUTS, Case(1, 64))
    assert (outcome.shard_held, outcome.shard_wait_ns, outcome.parked) == (0, 0, 0)
    assert outcome.binding == model.LOOPS
    assert outcome.bounds[model.STRIP] == math.inf


def test_cores_that_share_nothing_give_as_many_times_as_much():
    one = evaluate(FREE, Case(1, 64, shards=1_000_000)).rate
    for cores in (2, 8, 64):
        assert evaluate(FREE, Case(cores, 64, shards=1_000_000)).rate == pytest.approx(cores * one, rel=1e-3)


@pytest.mark.parametrize("cores", command.CORES)
def test_more_shards_more_lists_more_depth_and_longer_runs_never_give_less(cores):
    def rises(cases):
        rates = [evaluate(INPUTS, case).rate for case in cases]
        return all(less <= more * (1 + 1e-6) for less, more in itertools.pairwise(rates))

    assert rises(Case(cores, 64, shards=shards) for shards in (1, 4, 16, 64, 256))
    assert rises(Case(cores, 64, lists=lists) for lists in (1, 10, 1_000))
    assert rises(Case(cores, depth) for depth in command.DEPTHS)
    assert rises(Case(cores, 64, claims_in_run=run) for run in (1, 4, 16))


@pytest.mark.parametrize(
    ("name", "value", "case", "binds"),
    [
        ("inside_ns", 900.0, Case(64, 64, shards=1), model.SHARDS),
        ("strip_visits", 50.0, Case(64, 64), model.STRIP),
        ("owner_visits", 50.0, Case(64, 64), model.OWNERS),
        ("lane_visits", 50.0, Case(64, 64), model.LANES),
        ("device_frames_8", 100.0, Case(64, 64), model.DEVICE_FRAMES),
        ("device_frames_1", 10.0, Case(1, 1), model.FLUSHES),
        ("device_bytes_per_second", 1e3, Case(64, 64), model.DEVICE_BYTES),
        ("memory_bytes_per_second_of_a_core", 1e3, Case(64, 64), model.MEMORY),
        ("network_bytes_per_second", 1e3, Case(64, 64), model.NETWORK_BYTES),
        ("network_packets_per_second", 1e3, Case(64, 1), model.NETWORK_PACKETS),
    ],
)
def test_what_is_made_scarce_binds(name, value, case, binds):
    before = evaluate(INPUTS, case).rate
    outcome = evaluate(INPUTS.replacing(**{name: value}), case)
    assert outcome.binding == binds
    assert outcome.rate < before


def test_a_list_that_everybody_draws_from_is_bound_by_its_line_and_many_are_not():
    one = evaluate(INPUTS, Case(64, 64, shards=256))
    assert one.binding == model.STRIP
    assert evaluate(INPUTS, Case(64, 64, shards=256, lists=1_000)).bounds[model.STRIP] == pytest.approx(
        1_000 * one.bounds[model.STRIP]
    )


def test_a_device_gives_what_was_measured_and_no_more_beyond():
    for number in (1, 4, 8):
        expected = number / INPUTS[f"device_frames_{number}"] * 1e9
        assert model.device_ns(INPUTS, number) == pytest.approx(expected)
    assert model.device_ns(INPUTS, 16) == pytest.approx(2 * model.device_ns(INPUTS, 8))


def test_the_fit_makes_the_run_that_it_is_for_come_out():
    fitted = INPUTS.replacing(line_near_ns=checks.fitted_line_ns(INPUTS))
    two = next(run for run in checks.checked(fitted) if run.check.name == "alloc-2-loops")
    assert abs(two.off_percent) < 0.1


def test_every_figure_says_where_it_comes_from_and_a_file_without_is_refused(tmp_path):
    path = tmp_path / "inputs.json"
    good = json.loads(command.INPUTS.read_text())
    for field, value in (("kind", "hearsay"), ("source", ""), ("value", -1)):
        bad = json.loads(json.dumps(good))
        bad["figures"]["inside_ns"][field] = value
        path.write_text(json.dumps(bad))
        with pytest.raises(UnusableInputs, match="inside_ns"):
            Inputs.read(path)
    path.write_text("{}")
    with pytest.raises(UnusableInputs):
        Inputs.read(path)
    with pytest.raises(UnusableInputs, match="no figure 'nonsense'"):
        INPUTS["nonsense"]


def run(monkeypatch, capsys, *flags):
    monkeypatch.setattr(sys, "argv", ["scaling-model", *flags])
    code = command.main()
    return code, capsys.readouterr()


def test_the_table_has_a_line_for_each_case_and_names_what_binds(monkeypatch, capsys):
    flags = ["--cores", "1", "64", "--depths", "64", "--shards", "16", "--lists", "1"]
    code, said = run(monkeypatch, capsys, *flags)
    cases, runs = said.out.strip().split("\n\n")
    assert code == 0
    assert [line.split()[:4] for line in cases.splitlines()[1:]] == [
        ["1", "16", "64", "1"],
        ["1", "16", "64", "64"],
    ]
    assert model.LOOPS in cases and model.STRIP in cases
    assert len(runs.splitlines()) == 1 + len(INPUTS.checks)


def test_the_same_is_told_to_programs(monkeypatch, capsys):
    code, said = run(monkeypatch, capsys, "--json", "--cores", "2", "--set", "inside_ns=100")
    told = json.loads(said.out)
    assert code == 0
    assert len(told["cases"]) == len(command.DEPTHS) * len(command.SHARDS) * len(command.LISTS)
    assert all(case["binding"] and case["bounds"] for case in told["cases"])


def test_wrong_options_are_told_as_such(monkeypatch, capsys):
    for flags in (["--cores", "0"], ["--depths", "3"], ["--set", "inside_ns"]):
        with pytest.raises(SystemExit) as ended:
            run(monkeypatch, capsys, *flags)
        assert ended.value.code == 64
    code, said = run(monkeypatch, capsys, "--set", "nonsense=1")
    assert (code, "nonsense" in said.err) == (1, True)
