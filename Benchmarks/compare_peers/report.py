"""Writes Benchmarks/RESULTS.md from the raw results."""

from __future__ import annotations

import sys
import time

from . import peers, plots, store
from .figures import AT_LEAST, Spread, spread
from .goals import Goal
from .settings import EMPTY, LARGE, LOADS
from .store import Result
from .verdicts import Verdict, all_judged, notes
from .workplace import NOTES, PLOTS, REPORT, RESULTS

# Every figure's column title, and the digits behind its point; the order is that of the columns.
METRICS: dict[str, tuple[str, int]] = {
    "asked": ("asked, /s", 0),
    "rate": ("rate, /s", 0),
    "peak": ("own peak, /s", 0),
    "seconds": ("seconds", 2),
    "p50_ms": ("p50, ms", 3),
    "mean_ms": ("mean, ms", 3),
    "p99_ms": ("p99, ms", 3),
    "p999_ms": ("p99.9, ms", 3),
    "cpu_us": ("server CPU, µs", 2),
    "log_bytes": ("log, bytes", 1),
    "rss_bytes": ("resident, bytes", 1),
    "frames": ("frames", 0),
    "mutex_waits": ("mutex waits", 0),
    "parked": ("cross-lane waits", 0),
    "events": ("times", 0),
    "resident_bytes": ("resident, bytes in all", 0),
    "bytes_per_allocation": ("resident, bytes per allocation, codes included", 1),
    "restart_seconds": ("restart, s", 2),
    "snapshot_seconds": ("snapshot, s", 2),
    "snapshot_bytes": ("snapshot, bytes", 0),
    "unchanged_snapshot_seconds": ("unchanged, s", 3),
    "unchanged_snapshot_bytes": ("unchanged, bytes", 0),
    "generator_cpu_us": ("generator CPU, µs", 2),
    "generator_busy": ("generator busy", 2),
}
# Tables are cut to what a reader compares; the raw files have the rest.
_LEFT_OUT = {"mean_ms": "p50_ms"}
# Made for a goal out of others that stand in the same table.
_DERIVED = ("smallest", "largest")
PLOT_TITLES = {
    "throughput-by-depth": "Allocations a second by depth, 50 connections",
    "latency-by-rate": "Latency by rate, open loop",
    "latency-through-snapshot": "Latency over time through a snapshot",
    "cost-as-state-grows": "Cost as the state grows",
}


def write() -> None:
    """Writes the report and, where matplotlib is to be had, the plots of what was measured."""
    results = store.read(RESULTS)
    if not results:
        print("Nothing has been measured yet.", file=sys.stderr)
        return
    plots.write(PLOTS, results)
    drawn = {path.stem for path in PLOTS.glob("*.svg")}
    explanations = notes(NOTES.read_text()) if NOTES.exists() else {}
    REPORT.write_text(rendered(results, explanations, drawn))
    print(f"Wrote {REPORT.relative_to(REPORT.parents[1])}.", file=sys.stderr)


def rendered(results: dict[str, Result], explanations: dict[str, str], drawn: set[str]) -> str:
    """The whole report. Pure: the same results give the same text."""
    verdicts = all_judged(results)
    sections = [
        _head(results),
        _summary(verdicts),
        *(_goal_table(title, chosen, explanations) for title, chosen in _grouped(verdicts)),
        _explanations(verdicts, explanations),
        _plots(drawn),
        "## Every system\n\nMedians; in brackets the least and the greatest of the rounds.",
        *(_experiment(result) for result in _ordered(results)),
        _settings(),
        _commands(results),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(results: dict[str, Result]) -> str:
    latest = max(results.values(), key=lambda result: result.began)
    forms = sorted({f"{result.form}, rounds: {result.rounds}" for result in results.values()})
    began = min(result.began for result in results.values())
    lines = [
        "# Tearoff beside what people would use instead",
        "",
        "Written by `./Benchmarks/compare`; [README.md](README.md) tells what each row means. The generator",
        "runs on the same machine as the servers, so read the figures as ratios. Systems take turns within",
        "each round, and every run has users who have not been seen before.",
        "",
        f"Measured from {_day(began)} to {_day(latest.began + latest.seconds)} (UTC); "
        f"form: {'; '.join(forms)}.",
        "",
        "| machine | |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in {**latest.machine, "Tearoff": _commits(results)}.items()),
    ]
    return "\n".join(lines)


def _commits(results: dict[str, Result]) -> str:
    """Every commit that was measured."""
    found = dict.fromkeys(result.machine.get("Tearoff", "?") for result in _ordered(results))
    return ", ".join(found) + ("; each table under \"Every system\" says which" if len(found) > 1 else "")


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))


def _summary(verdicts: list[tuple[Goal, Verdict | None]]) -> str:
    known = [verdict for _, verdict in verdicts if verdict is not None]
    met = sum(verdict.is_met for verdict in known)
    missing = len(verdicts) - len(known)
    return (
        f"## Goals\n\n**{met} of {len(known)} goals that were measured are met**"
        + (f"; {missing} were not measured" if missing else "")
        + ". Goals are judged by `--threads 1`, by the ratio of medians."
    )


def _grouped(
    verdicts: list[tuple[Goal, Verdict | None]],
) -> list[tuple[str, list[tuple[Goal, Verdict | None]]]]:
    """The goals in tables: by state, then all others."""
    titles = {EMPTY: "On an empty state", LARGE: "On a state of 10 M allocations (1 M in the short form)"}
    groups: dict[str, list[tuple[Goal, Verdict | None]]] = {}
    for goal, verdict in verdicts:
        state = goal.key.rpartition("-")[2]
        groups.setdefault(titles.get(state, "Further goals"), []).append((goal, verdict))
    return list(groups.items())


def _goal_table(title: str, chosen: list[tuple[Goal, Verdict | None]], explanations: dict[str, str]) -> str:
    lines = [
        f"### {title}",
        "",
        "| goal | beside | figure | Tearoff | beside it | ratio | bound | |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for goal, verdict in chosen:
        name, digits = METRICS[goal.metric]
        words = [goal.title, peers.title(goal.beside), name]
        if verdict is None:
            words += ["", "", "", _bound(goal), "not measured"]
        else:
            words += [
                cell(verdict.subject, digits),
                cell(verdict.beside, digits),
                f"{verdict.ratio:.2f}",
                _bound(goal),
                _verdict_words(verdict, explanations),
            ]
        lines.append(f"| {' | '.join(words)} |")
    return "\n".join(lines)


def _verdict_words(verdict: Verdict, explanations: dict[str, str]) -> str:
    if verdict.is_met:
        return "met"
    why = f"[why](#{verdict.goal.key})" if verdict.goal.key in explanations else "not explained yet"
    return f"**NOT MET** ({why})"


def _bound(goal: Goal) -> str:
    number = f"1/{round(1 / goal.bound)}" if goal.bound < 0.2 else f"{goal.bound:g}"
    return f"{'≥' if goal.relation == AT_LEAST else '≤'} {number}"


def _explanations(verdicts: list[tuple[Goal, Verdict | None]], explanations: dict[str, str]) -> str:
    """Only those of goals that are not met: an old explanation of one that is met now would mislead."""
    parts = [
        f"#### {goal.key}\n\n{explanations[goal.key]}"
        for goal, verdict in verdicts
        if verdict is not None and not verdict.is_met and goal.key in explanations
    ]
    return "\n\n".join(["### Why they are not met", *parts]) if parts else ""


def _plots(drawn: set[str]) -> str:
    parts = [f"![{title}](plots/{name}.svg)" for name, title in PLOT_TITLES.items() if name in drawn]
    return "\n\n".join(["## Plots", *parts]) if parts else ""


def _ordered(results: dict[str, Result]) -> list[Result]:
    return sorted(results.values(), key=lambda result: result.began)


def _experiment(result: Result) -> str:
    systems = list(dict.fromkeys(sample.system for sample in result.samples))
    systems = sorted((key for key in systems if key not in _DERIVED), key=peers.rank)
    measured = {name for sample in result.samples for name in sample.metrics}
    columns = [name for name in METRICS if name in measured and _LEFT_OUT.get(name, "") not in measured]
    if not columns:
        return ""
    lines = [
        f"### {result.title}",
        "",
        f"Tearoff {result.machine.get('Tearoff', '?')}, {_day(result.began)}, rounds: {result.rounds}.",
        "",
        f"| system | {' | '.join(METRICS[name][0] for name in columns)} |",
        f"| --- | {' | '.join('---:' for _ in columns)} |",
    ]
    for system in systems:
        cells = [cell(spread(result.samples, system, name), METRICS[name][1]) for name in columns]
        lines.append(f"| {peers.title(system)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cell(figure: Spread | None, digits: int) -> str:
    """A median with its range; nothing where nothing was measured."""
    if figure is None:
        return ""
    median = f"{figure.median:,.{digits}f}"
    if figure.runs == 1 or figure.least == figure.greatest:
        return median
    return f"{median} ({figure.least:,.{digits}f} – {figure.greatest:,.{digits}f})"


def _settings() -> str:
    lines = ["## How each system is set up", ""]
    for name, text in peers.settings_text().items():
        lines += [f"**{name}**: {' '.join(text.split())}", ""]
    return "\n".join(lines).rstrip()


def _commands(results: dict[str, Result]) -> str:
    lines = ["## Commands", "", "The eight digits in front of a user differ from run to run.", "", "```text"]
    for load in LOADS:
        for state in (EMPTY, LARGE):
            result = results.get(f"{load.key}-{state}")
            if result is not None and result.commands:
                lines += [f"{key:15} {command}" for key, command in result.commands.items()]
                break
    return "\n".join([*lines, "```"]) if len(lines) > 5 else ""
