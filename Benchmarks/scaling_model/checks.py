"""What the model says of runs that were measured, beside what they showed. Pure."""

from __future__ import annotations

import dataclasses

from .inputs import Check, Inputs, UnusableInputs
from .model import SECOND, Case, evaluate, frame_records, share, transfer_ns


@dataclasses.dataclass(frozen=True)
class Checked:
    check: Check
    rate: float
    # None where the model has no mutex, or nobody counted.
    mutex_wait_share: float | None

    @property
    def off_percent(self) -> float:
        """How far the model is above what was measured."""
        return (self.rate / self.check.rate - 1) * 100


def checked(inputs: Inputs) -> list[Checked]:
    kinds = {"engine": _engine, "server": _server, "processor": _processor, "claims": _claims}
    unknown = {check.kind for check in inputs.checks} - set(kinds)
    if unknown:
        raise UnusableInputs(f"no kind of check {', '.join(sorted(unknown))}")
    return [kinds[check.kind](inputs, check) for check in inputs.checks]


def _engine(inputs: Inputs, check: Check) -> Checked:
    sharing = share(inputs, Case(check.loops, check.depth), inputs["engine_command_ns"], 0.0)
    return Checked(check, sharing.rate, sharing.held if check.loops > 1 else 0.0)


def _server(inputs: Inputs, check: Check) -> Checked:
    """The generator is on the same cores, so that all processor time together is a bound, too."""
    outcome = evaluate(inputs, Case(check.loops, check.depth))
    together = _processor_ns(inputs, check) + check.generator_ns
    rate = min(outcome.rate, inputs["cores_of_the_checks"] / together * SECOND)
    return Checked(check, min(rate, SECOND / check.generator_ns), outcome.shard_held)


def _processor(inputs: Inputs, check: Check) -> Checked:
    """What one core would give that did nothing else, and never waited."""
    return Checked(check, SECOND / _processor_ns(inputs, check), None)


def _processor_ns(inputs: Inputs, check: Check) -> float:
    """Processor time of the server for a command: that of one loop, the lines that move, and the flush."""
    sharing = share(inputs, Case(check.loops, check.depth), inputs[f"command_at_{check.depth}_ns"], 0.0)
    flush_ns = inputs["flush_processor_ns"] / frame_records(inputs, check.depth)
    return check.loops / sharing.rate * SECOND + flush_ns


def _claims(inputs: Inputs, check: Check) -> Checked:
    """Threads that do nothing but claim: the line is all there is once there are two."""
    claim_ns = inputs["claim_ns"] if check.loops == 1 else transfer_ns(inputs, check.loops)
    return Checked(check, SECOND / claim_ns, None)


def fitted_line_ns(inputs: Inputs) -> float | None:
    """The `line_near_ns` with which the engine's two loops come out as measured; None without that run.

    By bisection: the rate falls as a line costs more.
    """
    runs = [check for check in inputs.checks if check.kind == "engine" and check.loops == 2]
    if not runs:
        return None
    low, high = 0.0, 1_000.0
    for _ in range(50):
        middle = (low + high) / 2
        guess = _engine(inputs.replacing(line_near_ns=middle), runs[0])
        low, high = (middle, high) if guess.rate > runs[0].rate else (low, middle)
    return low
