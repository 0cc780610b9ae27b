"""The command line of `./Benchmarks/scaling-model`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import pathlib
import sys
from typing import Any

from command_line import EXIT_FAILED, Parser

from .checks import checked, fitted_line_ns
from .inputs import Inputs, UnusableInputs
from .model import Case, Outcome, evaluate
from .table import check_table, table

ROOT = pathlib.Path(__file__).resolve().parents[2]
INPUTS = pathlib.Path(__file__).with_name("inputs.json")
PLOTS = ROOT / "Benchmarks" / "plots"
CORES = (1, 2, 8, 32, 64)
DEPTHS = (1, 16, 64)
SHARDS = (16, 64, 256)
LISTS = (1, 1_000)



def main() -> int:
    options = _parser().parse_args()
    try:
        inputs = Inputs.read(INPUTS)
        if options.fit:
            print(fitted_line_ns(inputs))
        elif options.plot:
            from . import plot

            plot.write(PLOTS, inputs)
        else:
            _tell(inputs, options)
    except UnusableInputs as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="./Benchmarks/scaling-model",
        description="What Tearoff would give on more cores than there are, and what binds: docs/SCALING.md.",
        epilog="Exit codes: 0 done; 1 the inputs cannot serve; 64 wrong options.",
    )
    parser.add_argument("--cores", type=_count, nargs="+", default=CORES, metavar="N")
    parser.add_argument("--depths", type=int, nargs="+", default=DEPTHS, choices=DEPTHS)
    parser.add_argument("--shards", type=_count, nargs="+", default=SHARDS, metavar="N")
    parser.add_argument("--lists", type=_count, nargs="+", default=LISTS, metavar="N")
    parser.add_argument(
        "--claims", type=_count, default=1, metavar="N", help="codes that a loop claims at a time; today 1"
    )
    parser.add_argument(
        "--set",
        type=_replacement,
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="another value for an input: what if",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--json", action="store_true", help="prints everything for programs")
    what.add_argument("--plot", action="store_true", help="draws Benchmarks/plots/scaling.svg and .png")
    what.add_argument("--fit", action="store_true", help="prints the line_near_ns that fits the checks")
    return parser


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise ValueError
    return count


def _replacement(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    return name, float(value)


def _tell(inputs: Inputs, options: argparse.Namespace) -> None:
    asked = inputs.replacing(**dict(options.set))
    outcomes = [
        evaluate(asked, Case(cores, depth, shards, lists, options.claims))
        for lists in options.lists
        for shards in options.shards
        for depth in options.depths
        for cores in options.cores
    ]
    if options.json:
        checks = [dataclasses.asdict(run) for run in checked(asked)]
        print(json.dumps({"cases": [_plain(outcome) for outcome in outcomes], "checks": checks}, indent=1))
    else:
        print(table(outcomes), check_table(checked(asked)), sep="\n\n")


def _plain(outcome: Outcome) -> dict[str, Any]:
    """Without what JSON has no word for: a bound that is none is left out."""
    fields = dataclasses.asdict(outcome)
    fields["bounds"] = {name: bound for name, bound in outcome.bounds.items() if math.isfinite(bound)}
    return fields


if __name__ == "__main__":
    sys.exit(main())
