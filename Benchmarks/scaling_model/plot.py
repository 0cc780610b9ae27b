"""Draws the model: the only part that needs matplotlib."""

from __future__ import annotations

import pathlib

from compare_peers import plots

from .inputs import Inputs
from .model import Case, evaluate

NAME = "scaling"
CORES = (1, 2, 4, 8, 16, 32, 64)
# A line's title, its colour (Okabe and Ito's), its marker, and the case but for the cores.
_LINES = (
    ("-P 64, one list", "#0072B2", "o", {"depth": 64}),
    ("-P 64, one list, runs of 16 claims", "#56B4E9", "D", {"depth": 64, "claims_in_run": 16}),
    ("-P 64, 1,000 lists", "#D55E00", "s", {"depth": 64, "lists": 1_000}),
    ("-P 64, 1,000 lists, 256 shards", "#E69F00", "^", {"depth": 64, "lists": 1_000, "shards": 256}),
    ("-P 16, one list", "#000000", "x", {"depth": 16}),
    ("-P 1, one list", "#7F7F7F", "+", {"depth": 1}),
)


def write(directory: pathlib.Path, inputs: Inputs) -> None:
    figure, (axis,) = plots.subplots(1, 1, (8.0, 4.8))
    for label, colour, marker, settings in _LINES:
        rates = [evaluate(inputs, Case(cores, **settings)).rate for cores in CORES]
        axis.plot(CORES, rates, label=label, color=colour, marker=marker)
    axis.set(xscale="log", yscale="log")
    axis.set_xticks(CORES, [str(cores) for cores in CORES])
    axis.minorticks_off()
    axis.set_xlabel("cores, each with a loop; the generator elsewhere")
    axis.set_ylabel("allocations a second")
    axis.set_title("A model, not a measurement: new users by cores, 16 shards unless said otherwise")
    plots.plain_numbers(axis.yaxis, is_log=True)
    axis.grid(alpha=0.3)
    figure.legend(fontsize=8, loc="outside lower center", ncols=2)
    plots.save(figure, directory, NAME)
