"""The command line of `./Benchmarks/compare`."""

from __future__ import annotations

import argparse
import dataclasses
import signal
import sys

from command_line import EXIT_FAILED, Parser

from . import report, runner
from .goals import GOALS
from .plan import Experiment, experiments
from .processes import CommandFailed
from .progress import clock
from .settings import FULL, SHORT, Form

EXIT_INTERRUPTED = 130


def main() -> int:
    parser = _parser()
    settings = parser.parse_args()
    form = SHORT if settings.short else FULL
    if settings.rounds is not None:
        if settings.rounds < 1:
            parser.error("--rounds: at least 1")
        form = dataclasses.replace(form, rounds=settings.rounds)
    try:
        chosen = chosen_experiments(form, settings.only or [])
    except ValueError as error:
        parser.error(str(error))
    if settings.list:
        _list(chosen)
        return 0
    # An end from outside goes the same way as Ctrl-C: through every context manager. Ctrl-C is named, too,
    # since a script that runs this in the background leaves it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        is_whole = settings.report or runner.measure(form, chosen, settings.resume)
        report.write()
    except KeyboardInterrupt:
        print("Interrupted; what was finished is kept: --resume goes on.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except (CommandFailed, OSError) as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    return 0 if is_whole else EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="compare",
        description="Measures Tearoff beside Redis, PostgreSQL and an echo; writes Benchmarks/RESULTS.md.",
        epilog="Without options: the full form. Exit codes: 0 done; 1 something failed; 64 wrong options; "
        "130 interrupted.",
    )
    parser.add_argument("--short", action="store_true", help="a quick look, in under five minutes")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="only these experiments or goals, by the names of --list"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="runs of each system in each experiment")
    parser.add_argument(
        "--resume", action="store_true", help="leave out what has a result of the same form and rounds"
    )
    parser.add_argument("--list", action="store_true", help="list experiments and goals; measure nothing")
    parser.add_argument(
        "--report", action="store_true", help="only write the report and the plots from what was measured"
    )
    return parser


def chosen_experiments(form: Form, names: list[str]) -> list[Experiment]:
    """Those that are named, or whose goals are; all when nothing is named. Raises ValueError for others."""
    offered = experiments(form)
    known = {experiment.key: experiment.key for experiment in offered}
    known.update({goal.key: goal.experiment for goal in GOALS if goal.key not in known})
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"--only: no experiment or goal {', '.join(unknown)}; see --list")
    wanted = {known[name] for name in names} or set(known.values())
    return [experiment for experiment in offered if experiment.key in wanted]


def _list(chosen: list[Experiment]) -> None:
    for experiment in chosen:
        print(f"{experiment.key:18} {experiment.title} (about {clock(experiment.seconds)})")
        for goal in GOALS:
            if goal.experiment == experiment.key:
                bound = f"{goal.metric} of {goal.subject} {goal.relation} {goal.bound:.3g} of {goal.beside}"
                print(f"    {goal.key:22} {bound}")
    print(f"In all about {clock(sum(experiment.seconds for experiment in chosen))}.")


if __name__ == "__main__":
    sys.exit(main())
