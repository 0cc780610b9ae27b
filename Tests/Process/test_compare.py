"""The pure parts of Benchmarks/compare: nothing is measured here, and neither peers nor plots are needed."""

import dataclasses
import json
import sys

import harness
import pytest

sys.path.insert(0, str(harness.ROOT / "Benchmarks"))

from compare_peers import figures, loads, openloop, plan, report, store, verdicts  # noqa: E402
from compare_peers.__main__ import chosen_experiments  # noqa: E402
from compare_peers.figures import Sample  # noqa: E402
from compare_peers.goals import GOALS  # noqa: E402
from compare_peers.peers.postgres import parsed_pgbench  # noqa: E402
from compare_peers.settings import FULL, SHORT  # noqa: E402

HEADER = (
    '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms",'
    '"max_latency_ms"\n'
)
ROW = '"ALLOC c u,1","104166.67","0.250","0.100","0.239","0.303","0.551","1.103"\n'


def result(experiment, samples, **changes):
    """A result as a run writes it, with these samples."""
    fields = store.Result(
        experiment=experiment,
        title=f"title of {experiment}",
        state="empty",
        form="short",
        rounds=3,
        began=1_700_000_000.0,
        seconds=60.0,
        machine={"processor": "2 × example"},
        samples=[Sample(system, number, metrics) for system, number, metrics in samples],
        commands={},
    )
    return dataclasses.replace(fields, **changes)


def rates(experiment, **by_system):
    """A result in which each system had these rates, a round each."""
    return result(
        experiment,
        [
            (system.replace("_", "-"), number, {"rate": rate})
            for system, values in by_system.items()
            for number, rate in enumerate(values)
        ],
    )


def goal(key):
    return next(goal for goal in GOALS if goal.key == key)


# MARK: - What tools print


def test_the_figures_of_redis_benchmark_are_read_behind_a_warning():
    read = loads.parsed_csv("WARNING: Could not fetch server CONFIG\n" + HEADER + ROW)
    assert read == {
        "rate": 104166.67,
        "mean_ms": 0.25,
        "p50_ms": 0.239,
        "p95_ms": 0.303,
        "p99_ms": 0.551,
        "max_ms": 1.103,
    }


@pytest.mark.parametrize(
    "output", ["", "Error from server: EXHAUSTED", HEADER, HEADER + ROW + ROW, HEADER + '"x","y"\n']
)
def test_anything_else_from_redis_benchmark_is_refused(output):
    with pytest.raises(loads.UnexpectedOutput):
        loads.parsed_csv(output)


def test_a_failed_transaction_of_pgbench_is_an_error():
    output = (
        "number of transactions actually processed: 4000/4000\n"
        "number of failed transactions: 0 (0.000%)\n"
        "latency average = 0.686 ms\n"
        "tps = 1457.168358 (without initial connection time)\n"
    )
    assert parsed_pgbench(output) == {"rate": 1457.168358, "mean_ms": 0.686, "operations": 4000}
    with pytest.raises(loads.UnexpectedOutput):
        parsed_pgbench(output.replace("transactions: 0 (", "transactions: 3 ("))


def test_the_figures_of_tearoff_bench_become_milliseconds():
    printed = {
        "requests": 5_000,
        "requests_per_second": 2_500.5,
        "latency_microseconds": {"p50": 100, "p99": 200.0, "p99_9": 1_500.0, "max": 2_000.0},
        "generator": {"busy_share": 0.25},
    }
    read = openloop.parsed_json(json.dumps(printed))
    assert (read["rate"], read["p999_ms"], read["generator_busy"]) == (2_500.5, 1.5, 0.25)
    del printed["latency_microseconds"]["p99_9"]
    with pytest.raises(loads.UnexpectedOutput):
        openloop.parsed_json(json.dumps(printed))


def test_a_series_is_read_row_by_row():
    text = "second,replies,p50_us,p99_us,p99_9_us,max_us\n0.0,10,100.0,200.0,300.0,400.0\n"
    assert openloop.parsed_series(text) == [openloop.Point(0.0, 10, 0.1, 0.3, 0.4)]


# MARK: - Arithmetic


def test_every_system_goes_first_once_in_as_many_rounds_as_there_are_systems():
    systems = ("a", "b", "c")
    orders = [figures.rotated(systems, number) for number in range(4)]
    assert orders == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]
    assert figures.rotated((), 5) == []


def test_a_spread_is_of_one_system_and_one_figure():
    samples = [
        Sample("a", 0, {"rate": 3}),
        Sample("b", 0, {"rate": 100}),
        Sample("a", 1, {"rate": 1, "x": 9}),
    ]
    assert figures.spread(samples, "a", "rate") == figures.Spread(2, 1, 3, 2)
    assert figures.spread(samples, "b", "x") is None


def test_a_bound_counts_as_kept():
    assert figures.is_met(1.6, figures.AT_LEAST, 1.6)
    assert not figures.is_met(1.59, figures.AT_LEAST, 1.6)
    assert figures.is_met(0.5, figures.AT_MOST, 0.5)
    assert not figures.is_met(0.51, figures.AT_MOST, 0.5)
    with pytest.raises(ValueError):
        figures.is_met(1, "<", 1)


def test_a_goal_is_judged_by_the_ratio_of_medians():
    # Goal: one outlier of either side decides nothing. Method: medians 30 and 10, with wild third rounds.
    results = {"c50-p1-empty": rates("c50-p1-empty", tearoff=[30, 31, 1], redis_always=[10, 9, 1_000])}
    verdict = verdicts.judged(results, goal("c50-p1-redis-empty"))
    assert (verdict.ratio, verdict.is_met) == (3.0, True)
    assert verdicts.judged(results, goal("c50-p1-echo-empty")) is None
    assert verdicts.judged({}, goal("c50-p1-redis-empty")) is None


# MARK: - The plan


def test_every_goal_is_measured_by_an_experiment_and_has_a_name_of_its_own():
    for form in (FULL, SHORT):
        experiments = {experiment.key for experiment in plan.experiments(form)}
        assert {goal.experiment for goal in GOALS} <= experiments
    assert len({goal.key for goal in GOALS}) == len(GOALS)
    assert all(goal.metric in report.METRICS for goal in GOALS)


def test_goals_and_experiments_can_be_named():
    chosen = chosen_experiments(SHORT, ["tail-empty", "upload", "cpu-empty"])
    assert [experiment.key for experiment in chosen] == ["c50-p64-empty", "open-empty", "upload"]
    assert len(chosen_experiments(SHORT, [])) == len(plan.experiments(SHORT))
    with pytest.raises(ValueError, match="nothing-like-it"):
        chosen_experiments(SHORT, ["nothing-like-it"])


# MARK: - Results and the report


def test_a_result_is_read_as_it_was_written(tmp_path):
    kept = rates("c50-p1-empty", tearoff=[1.5, 2.5])
    store.write(tmp_path, kept)
    assert store.read(tmp_path) == {"c50-p1-empty": kept}
    assert not list(tmp_path.glob("*.part"))


def test_the_report_says_what_is_met_and_why_not():
    results = {
        "c50-p1-empty": rates("c50-p1-empty", tearoff=[80_000, 81_000, 82_000], redis_always=[40_000] * 3),
        "c50-p16-empty": rates(
            "c50-p16-empty", tearoff=[300_000], redis_always=[100_000], echo_log=[400_000]
        ),
    }
    explanations = verdicts.notes(
        "# Notes\n\nFor all.\n\n## c50-p16-redis-empty\n\nThe index misses the cache.\n\n"
        "## c50-p1-redis-empty\n\nOld.\n"
    )
    text = report.rendered(results, explanations, {"throughput-by-depth"})
    assert "**2 of 3 goals that were measured are met**" in text
    assert "81,000 (80,000 – 82,000) | 40,000 | 2.02 | ≥ 1.6 | met |" in text
    assert "3.00 | ≥ 6 | **NOT MET** ([why](#c50-p16-redis-empty)) |" in text
    assert "#### c50-p16-redis-empty\n\nThe index misses the cache." in text
    assert "Old." not in text, "what explains a goal that is met now would mislead"
    assert "not measured" in text
    assert "plots/throughput-by-depth.svg" in text
    assert "latency-by-rate.svg" not in text
    assert "2 × example" in text
    assert text == report.rendered(results, explanations, {"throughput-by-depth"})


def test_one_loop_and_two_stand_side_by_side_with_what_they_waited_for():
    # Goal: the rows of --threads 1 and 2 follow each other, with both counts. Method: two others between them.
    counts = {"rate": 1.0, "mutex_waits": 7.0, "parked": 3.0}
    samples = [(system, 0, counts) for system in ("tearoff", "echo", "redis-always", "tearoff-2")]
    text = report.rendered({"c50-p64-empty": result("c50-p64-empty", samples)}, {}, set())
    table = text[text.index("| system |") :].splitlines()
    assert table[0] == "| system | rate, /s | mutex waits | cross-lane waits |"
    assert table[2:4] == [
        "| Tearoff, `--threads 1` | 1 | 7 | 3 |",
        "| Tearoff, `--threads 2` | 1 | 7 | 3 |",
    ]
    full = {experiment.key: experiment.systems for experiment in plan.experiments(FULL)}
    assert all(
        {"tearoff", "tearoff-2"} <= set(systems)
        for key, systems in full.items()
        if key.startswith(("c1-", "c50-", "c200-"))
    )


def test_a_note_may_be_for_several_goals():
    assert verdicts.notes("## a, b\nBoth.\n\n## c\n") == {"a": "Both.", "b": "Both."}
