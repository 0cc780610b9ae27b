"""Says on standard error what is going on and how long it will take."""

from __future__ import annotations

import sys
import time


class Progress:
    """Counts steps. The time left is guessed from rough seconds per step, and from what they took."""

    def __init__(self, seconds: float):
        """`seconds`: the guesses of all steps that will be taken, added up."""
        self._guessed = seconds
        self._done = 0.0
        self._began = time.monotonic()

    def step(self, text: str) -> None:
        print(f"[{self._left()} left] {text}", file=sys.stderr, flush=True)

    def finished(self, seconds: float) -> None:
        """A step that was guessed to take so long is done."""
        self._done += seconds

    @property
    def spent_seconds(self) -> float:
        return time.monotonic() - self._began

    def _left(self) -> str:
        pace = self.spent_seconds / self._done if self._done else 1.0
        return clock(max(0.0, self._guessed - self._done) * pace)


def clock(seconds: float) -> str:
    """Hours, minutes and seconds, the short way."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
