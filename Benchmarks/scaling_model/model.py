"""The model itself: which rate a number of cores gives, and what binds. Pure; docs/SCALING.md explains it.

Times are nanoseconds, rates are commands a second.
"""

from __future__ import annotations

import dataclasses
import math

from .inputs import Inputs
from .queueing import Station, solve

SECOND = 1e9
# More do not change the third digit.
ROUNDS = 20

# What can bind. The values stand in tables.
LOOPS = "the loops' own time"
FLUSHES = "waiting for flushes"
SHARDS = "shard mutexes"
STRIP = "the strip's line"
OWNERS = "the owners' line"
LANES = "the lanes' reference count"
DEVICE_FRAMES = "frames of the device"
DEVICE_BYTES = "bytes of the device"
MEMORY = "memory"
NETWORK_BYTES = "bytes of the network"
NETWORK_PACKETS = "packets of the network"


@dataclasses.dataclass(frozen=True)
class Case:
    """A machine and a load. Every core has a loop, and the generator is elsewhere."""

    cores: int
    depth: int
    shards: int = 16
    # From which commands draw, each as often as the others.
    lists: int = 1
    # Codes that a loop takes from a strip at a time. Today it is 1.
    claims_in_run: int = 1


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What the model says of a case."""

    case: Case
    rate: float
    # The least of the bounds: more than that is out of reach, however little is waited for.
    bound: float
    binding: str
    bounds: dict[str, float]
    # The chance that a command finds its shard's mutex taken, what it waits on the average, and how long the
    # mutex is held.
    shard_held: float
    shard_wait_ns: float
    shard_hold_ns: float
    frame_records: float
    flush_ns: float
    # The chance that a request that follows another of the same user is parked.
    parked: float


def transfer_ns(inputs: Inputs, loops: int) -> float:
    """What a cache line costs that another loop's core had last: a mean over all pairs of cores."""
    if loops == 1:
        return 0.0
    others = loops - 1
    near = min(others, inputs["cores_of_a_chiplet"] - 1)
    return (near * inputs["line_near_ns"] + (others - near) * inputs["line_far_ns"]) / others


def evaluate(inputs: Inputs, case: Case) -> Outcome:
    """The whole server: sockets, shards, log."""
    frame = frame_records(inputs, case.depth)
    flush_ns = device_ns(inputs, 1.0)
    for _ in range(ROUNDS):
        sharing = share(inputs, case, inputs[f"command_at_{case.depth}_ns"], flush_ns / frame)
        in_flight = sharing.rate / SECOND / frame * flush_ns
        flush_ns = (flush_ns + device_ns(inputs, min(max(in_flight, 1.0), case.cores))) / 2
    bounds = sharing.bounds | outside_bounds(inputs, case, frame)
    binding = min(bounds, key=lambda name: bounds[name])
    rate = min(sharing.rate, bounds[binding])
    if binding == LOOPS and flush_ns / frame > inputs[f"command_at_{case.depth}_ns"]:
        binding = FLUSHES
    return Outcome(
        case=case,
        rate=rate,
        bound=min(bounds.values()),
        binding=binding,
        bounds=bounds,
        shard_held=sharing.held,
        shard_wait_ns=sharing.wait_ns,
        shard_hold_ns=sharing.hold_ns,
        frame_records=frame,
        flush_ns=flush_ns,
        parked=parked(inputs, case, case.cores * frame / rate * SECOND),
    )


# MARK: - What loops share


@dataclasses.dataclass(frozen=True)
class Sharing:
    rate: float
    bounds: dict[str, float]
    held: float
    wait_ns: float
    hold_ns: float


def share(inputs: Inputs, case: Case, command_ns: float, flush_ns: float) -> Sharing:
    """Loops that share shards and cache lines, and nothing else.

    - `command_ns`: of one loop by itself, what is inside the mutex included
    - `flush_ns`: a command's part of a flush, for which its loop stands still

    A line is waited for while a mutex is held, which no queueing network of one level can say. So there are
    two, each of which takes the other's waits for given, in turns until nothing changes.
    """
    line_ns = transfer_ns(inputs, case.cores)
    is_shared = (case.cores - 1) / case.cores
    inside_ns = inputs["inside_ns"]
    alone_ns = inside_ns + inputs["shard_lines_moved"] * line_ns * is_shared
    outside_ns = command_ns - inside_ns + flush_ns
    lines = {
        # (station, how much of its time is spent with the mutex held)
        STRIP: (
            Station(line_ns * _per_command(inputs["strip_visits"], case), case.lists),
            inputs["strip_visits_inside"] / inputs["strip_visits"],
        ),
        OWNERS: (Station(line_ns * inputs["owner_visits"] / case.claims_in_run, case.lists), 1.0),
        LANES: (Station(line_ns * inputs["lane_visits"]), 0.0),
    }
    stations = [station for station, _ in lines.values()]
    wait_ns = 0.0
    for _ in range(ROUNDS):
        line = solve(case.cores, outside_ns + alone_ns + wait_ns, stations)
        inside = sum(time * part for time, (_, part) in zip(line.residences, lines.values()))
        hold_ns = alone_ns + inside
        thinking = outside_ns + sum(line.residences) - inside
        shard = solve(case.cores, thinking, [Station(hold_ns, case.shards)])
        wait_ns = (wait_ns + shard.residences[0] - hold_ns) / 2
    unhindered_ns = outside_ns + alone_ns + sum(station.demand for station in stations)
    unhindered_hold_ns = alone_ns + sum(station.demand * part for station, part in lines.values())
    bounds = {
        LOOPS: case.cores / unhindered_ns * SECOND,
        SHARDS: case.shards / unhindered_hold_ns * SECOND,
        **{
            name: station.copies / station.demand * SECOND if station.demand else math.inf
            for name, (station, _) in lines.items()
        },
    }
    return Sharing(shard.rate * SECOND, bounds, shard.held[0], wait_ns, hold_ns)


def _per_command(visits: float, case: Case) -> float:
    """Only the visit that claims becomes rarer with runs; what counts references stays."""
    return visits - 1 + 1 / case.claims_in_run


# MARK: - What is around


def frame_records(inputs: Inputs, depth: int) -> float:
    """Commands in a loop's tick when it is asked as fast as it answers: a part of what can be in flight."""
    in_flight = inputs["connections_of_a_loop"] * depth
    return max(1.0, min(inputs["tick_share"] * in_flight, inputs["frame_records_maximum"]))


_DEVICE = (1, 4, 8)


def device_ns(inputs: Inputs, in_flight: float) -> float:
    """A frame's time on the device with so many in flight, on the line through what was measured.

    Beyond the most that was measured the device is taken to give no more frames than there.
    """
    points = [(number, number / inputs[f"device_frames_{number}"] * SECOND) for number in _DEVICE]
    last, most = points[-1]
    if in_flight >= last:
        return most * in_flight / last
    for (left, low), (right, high) in zip(points, points[1:]):
        if in_flight < right:
            return low + (high - low) * max(0.0, in_flight - left) / (right - left)
    raise AssertionError(f"{in_flight} in flight")


def outside_bounds(inputs: Inputs, case: Case, frame: float) -> dict[str, float]:
    """What the machine around the loops lets through."""
    in_flight = min(case.cores, _DEVICE[-1])
    frames = in_flight / device_ns(inputs, in_flight) * SECOND
    log_bytes = inputs["record_log_bytes"] + inputs["frame_padding_bytes"] / frame
    command_bytes = inputs["request_bytes"] + inputs["packet_bytes"] / case.depth
    packets = max(1.0, case.depth * inputs["request_bytes"] / inputs["packet_payload_bytes"]) / case.depth
    return {
        DEVICE_FRAMES: frames * frame,
        DEVICE_BYTES: inputs["device_bytes_per_second"] / log_bytes,
        MEMORY: case.cores
        * inputs["memory_bytes_per_second_of_a_core"]
        / inputs["memory_bytes_of_a_command"],
        NETWORK_BYTES: inputs["network_bytes_per_second"] / command_bytes,
        NETWORK_PACKETS: inputs["network_packets_per_second"] / packets,
    }


def parked(inputs: Inputs, case: Case, tick_ns: float) -> float:
    """A repeat parks when its loop is another one, and the first one's row is still in flight."""
    return (case.cores - 1) / case.cores * min(1.0, tick_ns / inputs["repeat_after_ns"])
