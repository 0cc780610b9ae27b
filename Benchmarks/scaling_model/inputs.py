"""What the model is fed with: figures, each with where it comes from. Nothing is measured here."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Mapping

# How far a figure can be trusted, best first. `fitted`: chosen so that a measured run comes out.
KINDS = ("measured", "fitted", "cited", "guess")


class UnusableInputs(Exception):
    """The file cannot serve; the text says why."""


@dataclasses.dataclass(frozen=True)
class Figure:
    """One number, its unit, and who says so."""

    value: float
    unit: str
    kind: str
    source: str


@dataclasses.dataclass(frozen=True)
class Check:
    """A run that the model has to explain."""

    name: str
    # `engine`: no sockets and no disk; `server`: all of it; `processor`: only its time, as the rate of a core
    # that does nothing else; `claims`: a pool's cursor and nothing else.
    kind: str
    loops: int
    depth: int
    # Of all loops together.
    rate: float
    # Processor time of a load generator on the same cores, for each command; 0 without one.
    generator_ns: float
    source: str
    # Share of the commands that found their shard's mutex taken; None where nobody counted.
    mutex_wait_share: float | None = None


@dataclasses.dataclass(frozen=True)
class Inputs:
    """All figures, by name, and all checks."""

    figures: Mapping[str, Figure]
    checks: tuple[Check, ...]

    def __getitem__(self, name: str) -> float:
        """Raises UnusableInputs when the file has no such figure."""
        try:
            return self.figures[name].value
        except KeyError:
            raise UnusableInputs(f"no figure '{name}'") from None

    def replacing(self, **values: float) -> Inputs:
        """The same with other values, for questions of the form "what if". Raises UnusableInputs."""
        for name in values:
            self[name]
        changed = {
            name: dataclasses.replace(self.figures[name], value=value) for name, value in values.items()
        }
        return dataclasses.replace(self, figures={**self.figures, **changed})

    @classmethod
    def read(cls, path: pathlib.Path) -> Inputs:
        """Raises UnusableInputs when there is no such file, or something else is in it."""
        try:
            fields = json.loads(path.read_text())
            figures = {name: Figure(**figure) for name, figure in fields["figures"].items()}
            checks = tuple(Check(**check) for check in fields["checks"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnusableInputs(f"{path.name}: {error!r}") from error
        for name, figure in figures.items():
            if figure.kind not in KINDS or figure.value < 0 or not figure.source:
                raise UnusableInputs(f"{path.name}: '{name}' needs a kind, a source and no negative value")
        return cls(figures, checks)
