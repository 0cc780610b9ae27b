"""The model's answers as text, for people."""

from __future__ import annotations

from collections.abc import Iterable

from .checks import Checked
from .model import Outcome


def table(outcomes: Iterable[Outcome]) -> str:
    """A line for each case, and a heading."""
    lines = [
        f"{'lists':>6}{'shards':>8}{'depth':>7}{'cores':>7}{'rate, M/s':>11}{'bound, M/s':>12}"
        f"{'held, %':>9}{'wait, ns':>10}  binds first"
    ]
    for outcome in outcomes:
        case = outcome.case
        lines.append(
            f"{case.lists:>6,}{case.shards:>8}{case.depth:>7}{case.cores:>7}{outcome.rate / 1e6:>11.2f}"
            f"{outcome.bound / 1e6:>12.2f}{outcome.shard_held * 100:>9.1f}{outcome.shard_wait_ns:>10.0f}"
            f"  {outcome.binding}"
        )
    return "\n".join(lines)


def check_table(checks: Iterable[Checked]) -> str:
    """The model beside what was measured."""
    lines = [
        f"{'run':<28}{'measured, /s':>14}{'model, /s':>14}{'off':>9}{'waits, %':>10}{'model, %':>10}"
    ]
    for checked in checks:
        check = checked.check
        lines.append(
            f"{check.name:<28}{check.rate:>14,.0f}{checked.rate:>14,.0f}{checked.off_percent:>+7.0f} %"
            f"{_percent(check.mutex_wait_share):>10}{_percent(checked.mutex_wait_share):>10}"
        )
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.2f}"
