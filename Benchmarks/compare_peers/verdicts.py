"""Holds the goals against what was measured. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .figures import Spread, is_met, ratio, spread
from .goals import GOALS, Goal
from .store import Result


@dataclass(frozen=True)
class Verdict:
    """One goal, with both figures and their ratio."""

    goal: Goal
    subject: Spread
    beside: Spread
    ratio: float
    is_met: bool


def judged(results: dict[str, Result], goal: Goal) -> Verdict | None:
    """None when one of the two figures was not measured."""
    result = results.get(goal.experiment)
    if result is None:
        return None
    subject = spread(result.samples, goal.subject, goal.metric)
    beside = spread(result.samples, goal.beside, goal.metric)
    if subject is None or beside is None:
        return None
    value = ratio(subject, beside)
    return Verdict(goal, subject, beside, value, is_met(value, goal.relation, goal.bound))


def all_judged(results: dict[str, Result]) -> list[tuple[Goal, Verdict | None]]:
    return [(goal, judged(results, goal)) for goal in GOALS]


def notes(text: str) -> dict[str, str]:
    """The explanations of a notes file: under each heading `## goal` its text, up to the next heading."""
    found: dict[str, str] = {}
    for section in ("\n" + text).split("\n## ")[1:]:
        heading, _, body = section.partition("\n")
        if body.strip():
            # One explanation may be for several goals, which its heading names with commas between.
            found.update({key.strip(): body.strip() for key in heading.split(",")})
    return found
