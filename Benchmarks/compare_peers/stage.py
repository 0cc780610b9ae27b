"""The systems of a run: cold ones for one measurement, and those that stand with a prepared state."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from .figures import Sample, rotated
from .peers import SYSTEMS
from .peers.base import RespSystem, System
from .progress import Progress
from .settings import EMPTY, Form
from .states import PREPARATIONS
from .workplace import Workplace


class Stage:
    """What every experiment gets. Closing it ends all systems."""

    def __init__(self, form: Form, workplace: Workplace, progress: Progress):
        self.form = form
        self.workplace = workplace
        self.progress = progress
        # By state and key; they stay until another state is asked for.
        self._standing: dict[tuple[str, str], System] = {}
        # What one allocation of a prepared state cost in resident bytes, by the same.
        self.prepared: dict[tuple[str, str], dict[str, float]] = {}

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self, but: str | None = None) -> None:
        """Ends the standing systems of all states but this one, and removes their data."""
        for place in [place for place in self._standing if place[0] != but]:
            system = self._standing.pop(place)
            system.stop()
            system.discard()

    @contextlib.contextmanager
    def fresh(self, key: str) -> Iterator[System]:
        """A system that has just been made, with no allocation; gone afterwards."""
        system = SYSTEMS[key](self.workplace)
        try:
            system.start()
            yield system
        finally:
            system.stop()
            system.discard()

    @contextlib.contextmanager
    def on(self, key: str, state: str) -> Iterator[System]:
        """A fresh system for the state 'empty', the standing one for any other."""
        if state == EMPTY:
            with self.fresh(key) as system:
                yield system
        else:
            yield self.standing(key, state)

    def standing(self, key: str, state: str) -> System:
        """The system in a prepared state, which is prepared at the first call."""
        place = (state, key)
        if place not in self._standing:
            self.release(but=state)
            self.progress.step(f"preparing {key} for the state '{state}'")
            system = SYSTEMS[key](self.workplace)
            # First, so that whatever happens now it is ended.
            self._standing[place] = system
            system.start()
            self.prepared[place] = PREPARATIONS[state](system, self.form)
        return self._standing[place]

    def standing_resp(self, key: str, state: str) -> RespSystem:
        system = self.standing(key, state)
        assert isinstance(system, RespSystem), f"{key} does not speak RESP"
        return system

    def interleaved(
        self,
        title: str,
        systems: tuple[str, ...],
        rounds: int,
        one: Callable[[str], dict[str, float]],
        bystanders: tuple[str, ...] = (),
    ) -> list[Sample]:
        """One run of each system a round, in rotating order; of a bystander one in all, in the first round."""
        samples = []
        for number in range(rounds):
            for key in rotated((*systems, *(bystanders if number == 0 else ())), number):
                self.progress.step(f"{title}: round {number + 1} of {rounds}, {key}")
                samples.append(Sample(key, number, one(key)))
        return samples
