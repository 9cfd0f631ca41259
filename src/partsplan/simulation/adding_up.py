"""From what became of every demand to the sums that a piece hands back, under either rule."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.commitments import HOURS_PER_DAY
from partsplan.simulation.blocks import SimulatedBlock
from partsplan.simulation.expediting import ExpeditedRun
from partsplan.simulation.promised import PromiseWeights
from partsplan.simulation.sourced import SourcedWeights
from partsplan.simulation.sums import PieceSums, PlaceMoments, PlaceSums
from partsplan.simulation.tallies import in_window, replication_column, tally_classes, tally_places
from partsplan.simulation.waiting import WaitingRun

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def waiting_sums(block: SimulatedBlock, run: WaitingRun, weights: PromiseWeights) -> PieceSums:
    """Sums of a run under the waiting rules."""
    column = replication_column(block, run)
    tally = tally_classes(block, run, weights.slots, column, run.n_replications)
    base, amount = weights.amounts(tally)
    places = tally_places(block, run)
    days = block.window_days
    on_hand = block.stock[:, :, np.newaxis] - (places.lead_days - places.wait_days) / days
    figures = PlaceSums(
        demands=places.demands,
        out=places.stocked_out,
        waiters=places.demands,
        wait_days=places.wait_days,
        late=places.wait_days / days,
        on_hand=on_hand if block.opening is None else places.shelf_days / days,
    )
    return PieceSums(
        base=base,
        amount=amount,
        units=units_behind(weights, tally.demands),
        places=PlaceMoments.of(figures),
        n_units=len(run.arrivals.row),
    )


def expedited_sums(block: SimulatedBlock, run: ExpeditedRun, weights: SourcedWeights) -> PieceSums:
    """Sums of a run where shortages are expedited."""
    counted = in_window(block, block.class_part[run.arrivals.customers], run.arrivals.days)
    column = np.where(counted, run.arrivals.row % run.n_replications, -1)
    shipped = shipped_units(block, run, column, run.n_replications, weights.n_sources)
    base, amount = weights.amounts(shipped)
    return PieceSums(
        base=base,
        amount=amount,
        units=units_behind(weights, shipped.sum(axis=1)),
        places=PlaceMoments.of(_place_sums(block, run, shipped, weights.longer)),
        n_units=len(run.arrivals.row),
        shipped=shipped,
    )


def units_behind(weights: PromiseWeights | SourcedWeights, demands: Floats) -> Floats:
    """Shape (n_promises,): units that each promise weighs at all."""
    return np.asarray((weights.demand != 0).astype(np.float64) @ demands.sum(axis=1))


def shipped_units(
    block: SimulatedBlock, run: ExpeditedRun, column: Integers, n_columns: int, n_sources: int
) -> Floats:
    """Units by class, source (outside last) and column; -1 is a demand that does not count."""
    counted = column >= 0
    source = np.where(run.source < 0, n_sources - 1, run.source)[counted]
    cell = run.arrivals.customers[counted] * n_sources + source
    key = cell * n_columns + column[counted]
    shape = (len(block.classes), n_sources, n_columns)
    return np.bincount(key, minlength=int(np.prod(shape))).astype(np.float64).reshape(shape)


def _place_sums(
    block: SimulatedBlock, run: ExpeditedRun, shipped: Floats, longer: Floats
) -> PlaceSums:
    """Figures per part and location.

    Asked for are units by customers whose first source it is and by other locations; the wait is
    what shipments to these customers take longer than its own, and of the orders where it has no
    customers.
    """
    shape = (*block.stock.shape, run.n_replications)

    reached = block.asked_in_turn[:, 0] >= 0
    first = block.class_part[reached], block.asked_in_turn[reached, 0]

    def by_place(amounts: Floats) -> Floats:
        total = np.zeros(shape)
        np.add.at(total, first, amounts[reached])
        return total

    def of_rows(amounts: Floats) -> Floats:
        by_row = amounts.reshape(block.n_parts, run.n_replications, -1)
        return by_row.transpose(0, 2, 1)

    own, missed = by_place(shipped.sum(axis=1)), by_place(shipped[:, 1:].sum(axis=1))
    extra = by_place((shipped * longer[:, :, np.newaxis]).sum(axis=1) / HOURS_PER_DAY)
    ordered, owed = of_rows(run.ordered), of_rows(run.owed_days)
    serves = np.zeros(block.stock.shape, dtype=bool)
    serves[first] = True
    days, serves = block.window_days, serves[:, :, np.newaxis]
    return PlaceSums(
        demands=own + ordered,
        out=missed + of_rows(run.ordered_out),
        waiters=np.where(serves, own, ordered),
        wait_days=np.where(serves, extra, owed),
        late=owed / days,
        on_hand=block.stock[:, :, np.newaxis] - (of_rows(run.outstanding_days) - owed) / days,
    )
