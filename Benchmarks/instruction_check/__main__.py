"""The command line of `./Benchmarks/check-instructions`."""

from __future__ import annotations

import argparse
import pathlib
import platform
import sys
import tempfile

from command_line import EXIT_FAILED, Parser
from compare_peers.processes import CommandFailed

from . import counting
from .thresholds import Row, Thresholds, UnusableThresholds, Verdict, compared, table

ROOT = pathlib.Path(__file__).resolve().parents[2]
THRESHOLDS = ROOT / "Benchmarks" / "instructions.json"
PROGRAM = ROOT / ".build" / "release" / "Microbenchmarks"
TOLERANCE_PERCENT = 5.0



def main() -> int:
    parser = _parser()
    options = parser.parse_args()
    try:
        stages = counting.stage_names(PROGRAM)
        if unknown := sorted(set(options.only or []) - set(stages)):
            parser.error(f"no stage {', '.join(unknown)}; there are {', '.join(stages)}")
        thresholds = _thresholds(is_update=options.update)
        chosen = [name for name in stages if not options.only or name in options.only]
        counts = _counts(chosen, options.profiles)
    except (CommandFailed, UnusableThresholds, OSError) as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    rows = compared(thresholds, counts)
    print(table(rows))
    if options.update:
        thresholds.updated(counts, stages).write(THRESHOLDS)
        print(f"written to {THRESHOLDS.relative_to(ROOT)}")
        return 0
    gone = [] if options.only else [name for name in thresholds.instructions if name not in stages]
    return _judge(rows, gone)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="./Benchmarks/check-instructions",
        description="Counts the instructions of each microbenchmark and holds them against the thresholds.",
        epilog="Exit codes: 0 within the tolerance or below; 1 not, or it failed; 64 wrong options.",
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="some stages")
    parser.add_argument("--update", action="store_true", help="makes what is counted the thresholds")
    parser.add_argument(
        "--profiles",
        type=pathlib.Path,
        metavar="DIRECTORY",
        help="keeps callgrind's files there, for callgrind_annotate",
    )
    return parser


def _thresholds(is_update: bool) -> Thresholds:
    """The committed ones; for an update those of another processor, or unusable ones, begin anew."""
    here = platform.machine()
    try:
        thresholds = Thresholds.read(THRESHOLDS)
        if thresholds.processor == here:
            return thresholds
        problem = UnusableThresholds(f"counted on {thresholds.processor}; they say nothing of {here}")
    except UnusableThresholds as error:
        problem = error
    if is_update:
        return Thresholds(here, TOLERANCE_PERCENT, {})
    raise problem


def _counts(names: list[str], profiles: pathlib.Path | None) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="tearoff-instructions-") as directory:
        program = counting.prepared(PROGRAM, pathlib.Path(directory))
        if profiles is not None:
            profiles.mkdir(parents=True, exist_ok=True)
        return counting.counts(program, names, profiles or pathlib.Path(directory))


def _judge(rows: list[Row], gone: list[str]) -> int:
    """Says what the table comes to."""
    for name in gone:
        print(f"{name}: has a threshold and is no stage any more: --update", file=sys.stderr)
    if any(row.verdict is Verdict.LESS for row in rows):
        print("Some take less than they may: --update, or a loss of that much would go unnoticed.")
    return EXIT_FAILED if gone or any(row.verdict.is_failure for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
