"""Runs experiments one after the other and keeps what they showed."""

from __future__ import annotations

import sys
import time

from . import machine, openloop, store
from .loads import UnexpectedOutput
from .peers import SYSTEMS
from .peers.base import System
from .plan import Experiment
from .processes import CommandFailed
from .progress import Progress, clock
from .rows.closed import load_of
from .settings import LOADS, Form
from .stage import Stage
from .workplace import RESULTS, Workplace


def measure(form: Form, chosen: list[Experiment], resumes: bool) -> bool:
    """Runs them all; one that fails is reported and does not stop the others. True when none failed."""
    waiting = [experiment for experiment in chosen if not (resumes and _is_finished(form, experiment))]
    if not openloop.is_there():
        for experiment in (each for each in waiting if each.needs_open_loop):
            print(f"{experiment.key} is left out: there is no tearoff-bench", file=sys.stderr)
        waiting = [experiment for experiment in waiting if not experiment.needs_open_loop]
    progress = Progress(sum(experiment.seconds for experiment in waiting))
    facts = machine.facts()
    failed = []
    with Workplace() as workplace:
        if workplace.free_bytes < form.disk_bytes:
            raise CommandFailed(
                f"{form.disk_bytes >> 30} GiB of free disk are needed, there are {workplace.free_bytes >> 30}"
            )
        commands = _commands(form, workplace)
        with Stage(form, workplace, progress) as stage:
            for experiment in waiting:
                if not _run(stage, experiment, facts, commands):
                    failed.append(experiment.key)
                progress.finished(experiment.seconds)
    print(f"Measured for {clock(progress.spent_seconds)}.", file=sys.stderr)
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return not failed


def _run(
    stage: Stage, experiment: Experiment, facts: dict[str, str], commands: dict[str, dict[str, str]]
) -> bool:
    began = time.time()
    try:
        outcome = experiment.measure(stage)
    except (CommandFailed, UnexpectedOutput, OSError) as error:
        print(f"{experiment.key} failed: {error}", file=sys.stderr)
        # Whatever it had, the next one shall not meet it.
        stage.release()
        return False
    result = store.Result(
        experiment=experiment.key,
        title=experiment.title,
        state=experiment.state,
        form=stage.form.name,
        rounds=stage.form.rounds,
        began=began,
        seconds=time.time() - began,
        machine=facts,
        samples=outcome.samples,
        commands={
            key: command
            for key, command in commands.get(experiment.key.rpartition("-")[0], {}).items()
            if key in experiment.systems
        },
        series=outcome.series,
    )
    store.write(RESULTS, result)
    return True


def _is_finished(form: Form, experiment: Experiment) -> bool:
    result = store.read(RESULTS).get(experiment.key)
    return result is not None and (result.form, result.rounds) == (form.name, form.rounds)


def _commands(form: Form, workplace: Workplace) -> dict[str, dict[str, str]]:
    """By load and system: the command line of its generator."""
    systems: dict[str, System] = {key: make(workplace) for key, make in SYSTEMS.items()}
    return {
        load.key: {
            key: system.example(load_of(load.key, form.factor))
            for key, system in systems.items()
            if system.takes(load)
        }
        for load in LOADS
    }
