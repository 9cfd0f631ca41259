"""What a run adds up: per replication what promises weigh, and per location the moments.

Only demands of the window count. Everything adds up over parts and replications, so that workers
hand back a few small arrays.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from partsplan.simulation.blocks import SimulatedBlock
from partsplan.simulation.waiting import Queue, WaitingRun

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

LATE_TOLERANCE_DAYS = 1e-7
"""A part that arrives this little after a window is in time: sums of days are rounded."""


@dataclass(frozen=True, eq=False)
class ClassTally:
    """Sums over the window's demands per class of customers and replication."""

    demands: Floats
    """Shape (n_classes, n_replications): units asked for."""
    wait_days: Floats
    """Waits of all of them together [days]."""
    stocked_out: Floats
    """Units whose serving location had none on the shelf."""
    late: Floats
    """Shape (n_slots, n_replications): units that waited longer than a slot's window."""


@dataclass(frozen=True, eq=False)
class PlaceTally:
    """Sums per part and location over the demands of customers and children of the window.

    Arrays have the shape (n_parts, n_locations, n_replications).
    """

    demands: Floats
    wait_days: Floats
    stocked_out: Floats
    lead_days: Floats
    """Times until the units ordered were there: units under way times days [unit days]."""
    shelf_days: Floats
    """Units on the shelf times days, where the opening is not a full shelf [unit days]."""


def in_window(block: SimulatedBlock, part: Integers, days: Floats) -> Booleans:
    """Whether demands of parts fall into the window that figures are taken of."""
    start = block.warmup_days[part]
    inside: Booleans = (days >= start) & (days < start + block.window_days)
    return inside


def tally_classes(
    block: SimulatedBlock,
    run: WaitingRun,
    slots: tuple[Integers, Floats],
    column: Integers,
    n_columns: int,
) -> ClassTally:
    """Sums per class and column, such as the replication.

    ``slots`` are pairs of a class and a window [days]; ``column`` is -1 for a demand that does
    not count.
    """
    counted = column >= 0
    cell = (run.arrivals.customers * n_columns + column)[counted]
    waits = run.wait_days[counted]
    shape = (len(block.classes), n_columns)
    waited = waits > 0
    at, days = cell[waited], waits[waited]
    return ClassTally(
        demands=_summed(cell, shape),
        wait_days=_summed(at, shape, days),
        stocked_out=_summed(cell[run.stocked_out[counted]], shape),
        late=_late(at, days, *slots, shape),
    )


def replication_column(block: SimulatedBlock, run: WaitingRun) -> Integers:
    """Replication of every demand of the window, -1 outside it."""
    arrivals = run.arrivals
    counted = in_window(block, block.class_part[arrivals.customers], arrivals.days)
    if arrivals.opening_at is not None:
        counted &= arrivals.opening_at < 0
    return np.where(counted, arrivals.row % run.n_replications, -1)


def _summed(cell: Integers, shape: tuple[int, ...], amounts: Floats | None = None) -> Floats:
    """Amounts (or counts) added up by cell, in a shape."""
    size = int(np.prod(shape))
    return np.bincount(cell, amounts, minlength=size).astype(np.float64).reshape(shape)


def _late(
    cell: Integers, days: Floats, slot_class: Integers, slot_days: Floats, shape: tuple[int, int]
) -> Floats:
    """Demands later than the window of every slot; one pass per window of a class."""
    n_classes, n_replications = shape
    late = np.zeros((len(slot_class), n_replications))
    if len(slot_class) == 0:
        return late
    first = np.searchsorted(slot_class, np.arange(n_classes))
    rank = np.arange(len(slot_class)) - first[slot_class]
    for turn in range(int(rank.max()) + 1):
        slots = np.flatnonzero(rank == turn)
        window = np.full(n_classes, np.inf)
        window[slot_class[slots]] = slot_days[slots]
        over = days > window[cell // n_replications] + LATE_TOLERANCE_DAYS
        late[slots] = _summed(cell[over], shape)[slot_class[slots]]
    return late


def tally_places(block: SimulatedBlock, run: WaitingRun) -> PlaceTally:
    """Sums per part and location over all demands there."""
    n_parts, n_locations = block.stock.shape
    shape = (n_locations, n_parts, run.n_replications)
    total = {field.name: np.zeros(shape) for field in fields(PlaceTally)}
    for queue in run.queues:
        _add_queue(block, run, queue, total)
    return PlaceTally(**{name: sums.transpose(1, 0, 2) for name, sums in total.items()})


def _add_queue(
    block: SimulatedBlock, run: WaitingRun, queue: Queue, total: dict[str, Floats]
) -> None:
    part = block.class_part[run.arrivals.customers[queue.unit]]
    counted = in_window(block, part, queue.days)
    place = queue.place[counted]
    shape = total["demands"].shape
    waits = queue.wait_days[counted]
    waited = waits > 0
    total["demands"] += _summed(place, shape)
    total["wait_days"] += _summed(place[waited], shape, waits[waited])
    total["stocked_out"] += _summed(place[queue.stocked_out[counted]], shape)
    total["lead_days"] += _summed(place, shape, queue.lead_days[counted])
    if queue.arrived is not None:
        came = _left_of_window(block, run, *queue.arrived)
        gone = _left_of_window(block, run, queue.place, queue.released)
        total["shelf_days"] += _summed(queue.arrived[0], shape, came)
        total["shelf_days"] -= _summed(queue.place, shape, gone)


def _left_of_window(
    block: SimulatedBlock, run: WaitingRun, place: Integers, days: Floats
) -> Floats:
    """Days of the window after a time, at places of a run."""
    start = block.warmup_days[place % run.arrivals.n_rows // run.n_replications]
    end = start + block.window_days
    return end - np.clip(days, start, end)
