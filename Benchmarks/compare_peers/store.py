"""Raw results: one JSON file an experiment, so that a run can go on where it was left."""

from __future__ import annotations

import json
import pathlib
from dataclasses import asdict, dataclass, field

from .figures import Sample


@dataclass(frozen=True)
class Result:
    """What one experiment showed, with everything that the report says about it."""

    experiment: str
    title: str
    state: str
    form: str
    rounds: int
    # Seconds since 1970, UTC.
    began: float
    seconds: float
    machine: dict[str, str]
    samples: list[Sample]
    # By system: the command line that drove it.
    commands: dict[str, str] = field(default_factory=dict)
    series: dict[str, list[dict[str, float]]] = field(default_factory=dict)


def write(directory: pathlib.Path, result: Result) -> None:
    """Keeps a result; the file is there whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{result.experiment}.json"
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(asdict(result), indent=1) + "\n")
    unfinished.rename(path)


def read(directory: pathlib.Path) -> dict[str, Result]:
    """All results that are there, by experiment."""
    results = {}
    for path in sorted(directory.glob("*.json")):
        result = decoded(path.read_text())
        results[result.experiment] = result
    return results


def decoded(text: str) -> Result:
    fields = json.loads(text)
    samples = [Sample(**sample) for sample in fields.pop("samples")]
    return Result(samples=samples, **fields)
