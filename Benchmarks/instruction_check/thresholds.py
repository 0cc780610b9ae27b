"""The committed thresholds, and how counts are held against them. Nothing is run here."""

from __future__ import annotations

import dataclasses
import enum
import json
import pathlib
from collections.abc import Iterable, Mapping


class UnusableThresholds(Exception):
    """The file cannot serve; the text says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """What each stage may take, as counted on one kind of processor."""

    # As `uname -m` calls it: another one has other instructions.
    processor: str
    # How far above its threshold a count may be. Libraries of another version count a little differently.
    tolerance_percent: float
    # Instructions of one operation, by the stage's name, in the order of the stages.
    instructions: Mapping[str, float]

    @classmethod
    def read(cls, path: pathlib.Path) -> Thresholds:
        """Raises UnusableThresholds when there is no such file, or something else is in it."""
        try:
            fields = json.loads(path.read_text())
            return cls(
                processor=str(fields["processor"]),
                tolerance_percent=float(fields["tolerance_percent"]),
                instructions={str(name): float(count) for name, count in fields["instructions"].items()},
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnusableThresholds(f"{path.name}: {error!r}; --update writes it anew") from error

    def write(self, path: pathlib.Path) -> None:
        path.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    def updated(self, counts: Mapping[str, float], stages: Iterable[str]) -> Thresholds:
        """With these counts; of the others those stay that are a stage's."""
        merged = {**self.instructions, **counts}
        return dataclasses.replace(
            self, instructions={name: merged[name] for name in stages if name in merged}
        )


class Verdict(enum.Enum):
    """What a count comes to. The value stands in the table."""

    KEPT = ""
    MORE = "MORE"
    LESS = "less"
    UNKNOWN = "NO THRESHOLD"

    @property
    def is_failure(self) -> bool:
        return self in (Verdict.MORE, Verdict.UNKNOWN)


@dataclasses.dataclass(frozen=True)
class Row:
    """One stage's count beside its threshold."""

    name: str
    threshold: float | None
    counted: float
    verdict: Verdict

    @property
    def difference_percent(self) -> float | None:
        return (self.counted / self.threshold - 1) * 100 if self.threshold else None


def compared(thresholds: Thresholds, counts: Mapping[str, float]) -> list[Row]:
    """A row for each count, in their order."""
    return [
        Row(name, thresholds.instructions.get(name), counted, _verdict(thresholds, name, counted))
        for name, counted in counts.items()
    ]


def _verdict(thresholds: Thresholds, name: str, counted: float) -> Verdict:
    threshold = thresholds.instructions.get(name)
    if threshold is None:
        return Verdict.UNKNOWN
    share = thresholds.tolerance_percent / 100
    if counted > threshold * (1 + share):
        return Verdict.MORE
    return Verdict.LESS if counted < threshold * (1 - share) else Verdict.KEPT


def table(rows: Iterable[Row]) -> str:
    """For people: a line for each row, and a heading."""
    lines = [f"{'stage':<28}{'threshold':>12}{'counted':>12}{'difference':>12}"]
    for row in rows:
        threshold = "-" if row.threshold is None else f"{row.threshold:,.0f}"
        difference = row.difference_percent
        change = "-" if difference is None else f"{difference:+.1f} %"
        line = f"{row.name:<28}{threshold:>12}{row.counted:>12,.0f}{change:>12}  {row.verdict.value}"
        lines.append(line.rstrip())
    return "\n".join(lines)
