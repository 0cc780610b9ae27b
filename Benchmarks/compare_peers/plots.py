"""Draws the plots, as SVG for the report and as PNG for those who want a picture."""

from __future__ import annotations

import pathlib
from typing import Any

from . import peers
from .figures import spread
from .settings import EMPTY, LARGE
from .store import Result

# Okabe and Ito's colours, which those who do not see red and green apart can tell from each other; and a
# marker each, for those who print without colour.
STYLES: dict[str, tuple[str, str]] = {
    "tearoff": ("#0072B2", "o"),
    "tearoff-2": ("#56B4E9", "D"),
    "redis-always": ("#D55E00", "s"),
    "redis-everysec": ("#E69F00", "^"),
    "postgres": ("#CC79A7", "v"),
    "echo-log": ("#000000", "x"),
    "echo": ("#7F7F7F", "+"),
}
DEPTHS = (1, 16, 64)
_WIDE = (8.0, 4.8)


def write(directory: pathlib.Path, results: dict[str, Result]) -> None:
    """Draws what there are results for; removes plots that nothing is there for any more."""
    for name, draw in {
        "throughput-by-depth": _throughput_by_depth,
        "latency-by-rate": _latency_by_rate,
        "latency-through-snapshot": _through_snapshot,
        "cost-as-state-grows": _cost_as_state_grows,
    }.items():
        figure = draw(results)
        if figure is not None:
            save(figure, directory, name)
        else:
            for path in _paths(directory, name):
                path.unlink(missing_ok=True)


def save(figure: Any, directory: pathlib.Path, name: str) -> None:
    """The same picture is the same file: no date, and names of its parts that do not change."""
    import matplotlib

    directory.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "tearoff", "svg.fonttype": "none"}):
        for path in _paths(directory, name):
            metadata = {"Date": None} if path.suffix == ".svg" else None
            figure.savefig(path, dpi=150, metadata=metadata, bbox_inches="tight")


def _paths(directory: pathlib.Path, name: str) -> list[pathlib.Path]:
    return [directory / f"{name}.{kind}" for kind in ("svg", "png")]


def subplots(rows: int, columns: int, size: tuple[float, float]) -> tuple[Any, list[Any]]:
    """A figure that nobody else keeps, so that nothing has to be closed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.flat)


def plain_numbers(axis: Any, is_log: bool = False) -> None:
    """1,000,000 as 1M, and no powers of ten; on a log axis at 1, 2 and 5 of each."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    if is_log:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(EngFormatter(sep=""))
    axis.set_minor_formatter(NullFormatter())


def _throughput_by_depth(results: dict[str, Result]) -> Any:
    states = [
        state for state in (EMPTY, LARGE) if any(f"c50-p{depth}-{state}" in results for depth in DEPTHS)
    ]
    if not states:
        return None
    figure, axes = subplots(1, len(states), (6.0 * len(states), 4.8))
    for axis in axes[1:]:
        axis.sharey(axes[0])
    titles = {EMPTY: "empty state", LARGE: "large state"}
    for axis, state in zip(axes, states):
        for system, (colour, marker) in STYLES.items():
            points = []
            for depth in DEPTHS:
                result = results.get(f"c50-p{depth}-{state}")
                figures = spread(result.samples, system, "rate") if result else None
                if figures:
                    points.append((depth, figures))
            if points:
                axis.errorbar(
                    [depth for depth, _ in points],
                    [rate.median for _, rate in points],
                    [
                        [rate.median - rate.least for _, rate in points],
                        [rate.greatest - rate.median for _, rate in points],
                    ],
                    label=_plain_title(system),
                    color=colour,
                    marker=marker,
                    capsize=3,
                )
        axis.set(title=titles[state], xscale="log", yscale="log")
        axis.set_xticks(DEPTHS, [f"-P {depth}" for depth in DEPTHS])
        axis.minorticks_off()
        axis.set_xlabel("commands in flight on each of 50 connections")
        axis.set_ylabel("replies a second")
        plain_numbers(axis.yaxis, is_log=True)
        axis.grid(alpha=0.3)
    # One entry for each system, whichever of the two it is in.
    entries = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels())}
    figure.legend(entries.values(), entries.keys(), fontsize=8, loc="outside lower center", ncols=4)
    figure.suptitle("New users, redis-benchmark: medians, with the least and the greatest of the rounds")
    return figure


def _latency_by_rate(results: dict[str, Result]) -> Any:
    result = results.get("latency-by-rate")
    if result is None:
        return None
    figure, (axis,) = subplots(1, 1, _WIDE)
    for system, (colour, marker) in STYLES.items():
        for metric, line in (("p50_ms", "--"), ("p999_ms", "-")):
            points = []
            for name in dict.fromkeys(sample.system for sample in result.samples):
                if name.partition("@")[0] != system:
                    continue
                rate = spread(result.samples, name, "asked")
                latency = spread(result.samples, name, metric)
                if rate and latency:
                    points.append((rate.median, latency.median))
            if points:
                label = f"{_plain_title(system)}, {'p50' if metric == 'p50_ms' else 'p99.9'}"
                axis.plot(*zip(*sorted(points)), line, color=colour, marker=marker, label=label)
    axis.set(xscale="log", yscale="log")
    axis.set_xlabel("allocations asked for a second, 10 to 90 % of each system's own peak")
    axis.set_ylabel("milliseconds since the user came")
    axis.set_title("Latency by rate, open loop, large state")
    plain_numbers(axis.xaxis, is_log=True)
    axis.yaxis.set_major_formatter("{x:g}")
    axis.grid(alpha=0.3)
    # Outside, since where the lines run is known only once they are drawn.
    figure.legend(fontsize=8, loc="outside lower center", ncols=2)
    return figure


def _through_snapshot(results: dict[str, Result]) -> Any:
    result = results.get("through-snapshot")
    if result is None or not result.series:
        return None
    systems = [system for system in STYLES if system in result.series]
    begin = result.series["begin"][0]["seconds"]
    figure, axes = subplots(len(systems), 1, (8.0, 3.0 * len(systems)))
    for axis, system in zip(axes, systems):
        # An interval in which nothing was answered has no latency; those who waited show in the next.
        points = [point for point in result.series[system] if point["replies"]]
        colour = STYLES[system][0]
        times = [point["seconds"] for point in points]
        axis.plot(times, [point["p999_ms"] for point in points], "-", color=colour, label="p99.9")
        axis.plot(times, [point["p50_ms"] for point in points], "--", color=colour, label="p50")
        what = "BGSAVE" if system.startswith("redis") else "SNAPSHOT"
        axis.axvline(begin, color="#7F7F7F", linestyle=":", label=f"{what} begins")
        axis.set(title=f"{_plain_title(system)}, at half of its own peak", yscale="log")
        axis.set_ylabel("milliseconds")
        axis.yaxis.set_major_formatter("{x:g}")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    bottom = min(axis.get_ylim()[0] for axis in axes)
    top = max(axis.get_ylim()[1] for axis in axes)
    for axis in axes:
        axis.set_ylim(bottom, top)
    axes[-1].set_xlabel("seconds")
    return figure


def _cost_as_state_grows(results: dict[str, Result]) -> Any:
    result = results.get("scale")
    if result is None:
        return None
    sizes = sorted({int(sample.system) for sample in result.samples if sample.system.isdigit()})
    panels = {
        "rate": ("allocations a second, -P 64", 1.0),
        "p999_ms": ("p99.9 at half of the peak, ms", 1.0),
        "resident_bytes": ("resident memory, GiB", 2.0**30),
        "restart_seconds": ("restart, seconds", 1.0),
        "snapshot_seconds": ("snapshot, seconds", 1.0),
        "snapshot_bytes": ("snapshot of what is new, MiB", 2.0**20),
    }
    figure, axes = subplots(2, 3, (11.0, 6.0))
    for axis, (metric, (label, unit)) in zip(axes, panels.items()):
        points = [(size, spread(result.samples, str(size), metric)) for size in sizes]
        known = [(size, value.median / unit) for size, value in points if value]
        if not known:
            axis.set_visible(False)
            continue
        axis.plot(*zip(*known), color=STYLES["tearoff"][0], marker="o")
        axis.set_xscale("log")
        axis.set_xticks(sizes)
        plain_numbers(axis.xaxis)
        if metric == "rate":
            plain_numbers(axis.yaxis)
        axis.set_ylim(0, 1.1 * max(value for _, value in known))
        axis.set_title(label, fontsize=10)
        axis.set_xlabel("allocations")
        axis.grid(alpha=0.3)
    figure.suptitle("Cost as the state grows, --threads 1")
    return figure


def _plain_title(system: str) -> str:
    """A system's title without the marks of a text."""
    return peers.title(system).replace("`", "")
