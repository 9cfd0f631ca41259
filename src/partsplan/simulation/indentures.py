"""Parts within parts: an LRU is repaired by replacing an SRU, and waits when the SRU is missing.

SRUs are asked for where and when their LRU is repaired, so LRUs are worked from the customers up,
then SRUs, and served in the opposite order: what an SRU waits delays the repair of its LRU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.indenture_table import Indentures
from partsplan.evaluation.model import ServiceModel
from partsplan.simulation.arrivals import Arrivals, draw_arrivals, merged_arrivals
from partsplan.simulation.blocks import SimulatedBlock
from partsplan.simulation.customers import CustomerClasses
from partsplan.simulation.waiting import Queue, Visits, WaitingRun, find_visits, serve_visits

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def with_repairs(
    model: ServiceModel, customers: CustomerClasses, indentures: Indentures
) -> tuple[CustomerClasses, NDArray[np.bool_]]:
    """The customers and, as further classes, the repairs that ask for parts; and which are these.

    There is one class for every location where an SRU may be asked for, at its mean demand.
    """
    if model.repair_demand is None:
        return customers, np.zeros(len(customers), dtype=np.bool_)
    per_day = model.repair_demand.of_parts(indentures.sru, model.network.n_parts)
    part, location = np.nonzero(per_day)
    joined = CustomerClasses(
        part=np.concatenate([customers.part, part]),
        location=np.concatenate([customers.location, location]),
        shipper=np.concatenate([customers.shipper, location]),
        per_day=np.concatenate([customers.per_day, per_day[part, location]]),
        variance_to_mean=np.concatenate([customers.variance_to_mean, np.ones(len(part))]),
        of_stream=customers.of_stream,
        lane_hours=customers.lane_hours,
    )
    is_repair = np.arange(len(joined)) >= len(customers)
    order = np.argsort(joined.part, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return (
        CustomerClasses(
            part=joined.part[order],
            location=joined.location[order],
            shipper=joined.shipper[order],
            per_day=joined.per_day[order],
            variance_to_mean=joined.variance_to_mean[order],
            of_stream=rank[joined.of_stream],
            lane_hours=joined.lane_hours,
        ),
        is_repair[order],
    )


def run_indentures(
    block: SimulatedBlock,
    indentures: Indentures,
    is_repair: NDArray[np.bool_],
    n_replications: int,
    seed: np.random.SeedSequence,
) -> WaitingRun:
    """Serve all demands of a block whose parts sit in each other.

    ``is_repair`` marks the classes of the block that are repairs, not customers.
    """
    rng = np.random.Generator(np.random.PCG64DXSM(seed))
    by_customers = replace(block, per_day=np.where(is_repair, 0.0, block.per_day))
    own = draw_arrivals(by_customers, n_replications, rng)
    depth = indentures.depth[block.parts]
    of_unit = depth[block.class_part[own.customers]]
    levels: list[_Level] = []
    asked: _Asked | None = None
    for d in range(int(depth.max()) + 1):
        arrivals = _chosen(own, of_unit == d)
        cause = np.full(len(arrivals.row), -1, dtype=np.int64)
        if asked is not None:
            arrivals, cause = asked.merged(arrivals, cause)
        visits = find_visits(block, arrivals, rng)
        levels.append(_Level(arrivals, cause, visits))
        asked = _asked(block, indentures, is_repair, levels[-1], rng)
    runs: list[WaitingRun] = []
    delay: Floats | None = None
    for d in reversed(range(len(levels))):
        arrivals, cause = levels[d].arrivals, levels[d].cause
        run = serve_visits(block, arrivals, n_replications, levels[d].visits, rng, delay=delay)
        runs.insert(0, run)
        if d > 0:
            delay = np.zeros(len(levels[d - 1].arrivals.row))
            delay[cause[cause >= 0]] = run.wait_days[cause >= 0]
    return _joined(runs, n_replications)


@dataclass(frozen=True, eq=False)
class _Level:
    """Demands for all parts of one depth."""

    arrivals: Arrivals
    cause: Integers
    """Demand of the level above whose repair asks for the unit; -1 for customers."""
    visits: Visits


@dataclass(frozen=True, eq=False)
class _Asked:
    """Units that repairs ask for, not yet in order."""

    arrivals: Arrivals
    cause: Integers

    def merged(self, customers: Arrivals, cause: Integers) -> tuple[Arrivals, Integers]:
        """With the demands of customers, in order of row and time."""
        both = merged_arrivals(customers, self.arrivals)
        row = np.concatenate([customers.row, self.arrivals.row])
        days = np.concatenate([customers.days, self.arrivals.days])
        return both, np.concatenate([cause, self.cause])[np.lexsort((days, row))]


def _asked(
    block: SimulatedBlock,
    indentures: Indentures,
    is_repair: NDArray[np.bool_],
    level: _Level,
    rng: np.random.Generator,
) -> _Asked:
    """What the repairs of one level ask for: at most one part each."""
    arrivals = level.arrivals
    n_replications = arrivals.n_rows // block.n_parts
    part = block.class_part[arrivals.customers]
    place, is_local = level.visits.repair_places(block, arrivals)
    drawn, sent = rng.random(len(part)), rng.random(len(part))
    mended = is_local | (sent < indentures.repaired[block.parts[part]])
    row_of = {int(p): row for row, p in enumerate(block.parts)}
    repairs = np.flatnonzero(is_repair)
    class_at = np.full(block.stock.shape, -1, dtype=np.int64)
    class_at[block.class_part[repairs], block.class_shipper[repairs]] = repairs
    before = np.zeros(block.n_parts)
    found = []
    for lru, sru, share in zip(indentures.lru, indentures.sru, indentures.share, strict=True):
        if int(lru) not in row_of:
            continue
        above, below = row_of[int(lru)], row_of[int(sru)]
        low = before[above]
        before[above] += share
        needs = mended & (part == above) & (drawn >= low) & (drawn < low + share)
        found.append((np.flatnonzero(needs), below))
    unit = np.concatenate([np.zeros(0, np.int64), *(units for units, _ in found)])
    sru_row = np.repeat([row for _, row in found], [len(units) for units, _ in found])
    sru_row = sru_row.astype(np.int64)
    row = sru_row * n_replications + arrivals.row[unit] % n_replications
    customers = class_at[sru_row, place[unit]]
    asked = Arrivals(arrivals.n_rows, row, arrivals.days[unit], customers, None)
    return _Asked(asked, unit)


def _chosen(arrivals: Arrivals, chosen: NDArray[np.bool_]) -> Arrivals:
    order = None if arrivals.order is None else arrivals.order[chosen]
    return Arrivals(
        arrivals.n_rows,
        arrivals.row[chosen],
        arrivals.days[chosen],
        arrivals.customers[chosen],
        order,
    )


def _joined(runs: list[WaitingRun], n_replications: int) -> WaitingRun:
    """One run of all levels; a row has demands of one level only."""
    arrivals = [run.arrivals for run in runs]
    whole = Arrivals(
        arrivals[0].n_rows,
        np.concatenate([a.row for a in arrivals]),
        np.concatenate([a.days for a in arrivals]),
        np.concatenate([a.customers for a in arrivals]),
        None,
    )
    return WaitingRun(
        whole,
        n_replications,
        np.concatenate([run.wait_days for run in runs]),
        np.concatenate([run.stocked_out for run in runs]),
        tuple(_moved_queues(runs)),
    )


def _moved_queues(runs: list[WaitingRun]) -> Iterator[Queue]:
    offset = 0
    for run in runs:
        for queue in run.queues:
            yield replace(queue, unit=queue.unit + offset)
        offset += len(run.arrivals.row)
