"""Shortages wait: every demand served first come, first served, by arrays instead of events.

A location with base stock S places one order per demand, so the n-th demand takes the unit that
the (n - S)-th order brought; the parent's orders are these demands in order of time. Levels are
therefore worked from the root down, each in a few passes over sorted arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from partsplan.simulation.arrivals import Arrivals, with_opening_orders
from partsplan.simulation.blocks import SimulatedBlock
from partsplan.simulation.opening import Opening
from partsplan.simulation.serving import Lots, served, served_from, served_in_lots

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Queue:
    """All demands at the locations of one level, in order of location, row and time."""

    unit: Integers
    """Shape (n_visits,): place of the demand among the arrivals."""
    place: Integers
    """Location * n_rows + row of each demand, ascending."""
    days: Floats
    """Time of the demand [days]."""
    released: Floats
    """Time at which a unit leaves for the demand [days]."""
    stocked_out: Booleans
    """Whether the demand found no unit on the shelf."""
    lead_days: Floats
    """Time from the order that the demand caused until its unit is there [days]."""
    arrived: tuple[Integers, Floats] | None = None
    """Place and time of every unit that comes in, where the opening is not a full shelf."""

    @property
    def wait_days(self) -> Floats:
        """Wait of each demand for a unit to leave [days]."""
        waits: Floats = self.released - self.days
        return waits


@dataclass(frozen=True, eq=False)
class WaitingRun:
    """What became of every demand of a block."""

    arrivals: Arrivals
    n_replications: int
    wait_days: Floats
    """Shape (n_units,): wait of the customer for the part to leave its shipper [days]."""
    stocked_out: Booleans
    """Shape (n_units,): whether the shipper had no unit on the shelf."""
    queues: tuple[Queue, ...]
    """One per level, from the root down."""


class Disruption(Protocol):
    """What a scenario does to the service of a block."""

    def lead_factor(self, part: Integers, days: Floats) -> Floats:
        """Factor on the resupply time of orders of parts at times."""
        ...

    def reopened(self, part: Integers, location: Integers, days: Floats) -> Floats:
        """When a location that would release a unit at a time does so."""
        ...


def run_waiting(
    block: SimulatedBlock,
    arrivals: Arrivals,
    n_replications: int,
    rng: np.random.Generator,
    disruption: Disruption | None = None,
) -> WaitingRun:
    r"""Serve all demands of a block under the waiting rules.

    Parameters
    ----------
    block, arrivals
        The parts and the demands of their customers.
    n_replications
        Replications of each part.
    rng
        Draws local repairs and resupply times.
    disruption
        What a scenario changes.

    Returns
    -------
    WaitingRun

    Notes
    -----
    At a location with base stock :math:`S \ge 0` let demands arrive at
    :math:`t_0 \le t_1 \le \ldots`, and let the order of demand n bring a unit at :math:`a_n`.
    The first S demands take the units of the start. Units serve in the order in which they
    arrive, so with :math:`a_{(0)} \le a_{(1)} \le \ldots` demand n leaves at
    :math:`\max(t_n, a_{(n - S)})`. Without crossing, :math:`a_{(n)} = a_n`. The order of demand n
    is filled by the parent as a demand of its own, in order of time, and its unit is on the way
    to this location from then on, whatever happens elsewhere: :math:`a_n` is the time at which
    the parent releases a unit for it, plus the replenishment time. A share of the demand is
    repaired at the location instead and orders nothing.
    """
    if block.opening is not None:
        parents = block.tree.parents
        arrivals = with_opening_orders(arrivals, block.opening, parents, block.class_part)
    visits = find_visits(block, arrivals, rng)
    return serve_visits(block, arrivals, n_replications, visits, rng, disruption=disruption)


def serve_visits(
    block: SimulatedBlock,
    arrivals: Arrivals,
    n_replications: int,
    visits: Visits,
    rng: np.random.Generator,
    *,
    disruption: Disruption | None = None,
    delay: Floats | None = None,
) -> WaitingRun:
    """Serve demands whose ways through the network are known.

    ``delay`` is how long the repair of each demand's unit waits before it begins [days].
    """
    released = arrivals.days.copy()
    stocked_out = np.zeros(len(released), dtype=bool)
    queues = []
    for level, (at, mended) in enumerate(zip(visits.units, visits.repaired, strict=True)):
        visit = _visit(block, arrivals, level, at)
        lead = _lead_days(block, arrivals, visit, rng)
        if disruption is not None and level == 0:
            lead = lead * disruption.lead_factor(visit.part, visit.days)
        came = released[visit.unit] + lead  # above a root, units are released at once
        if mended is not None:
            days = block.tree.repair_days[visit.part, visit.location]
            came = np.where(mended[visit.unit], visit.days + days, came)
        if delay is not None:
            begins = level == 0 if mended is None else mended[visit.unit] | (level == 0)
            came = came + np.where(begins, delay[visit.unit], 0.0)
        if block.opening is not None:
            queue = _opened_queue(block, arrivals, visits, visit, (level, came, released))
        else:
            queue = _queue(block, visit, came, rng, disruption)
        released[queue.unit] = queue.released
        stocked_out[queue.unit] = queue.stocked_out
        queues.append(queue)
    return WaitingRun(
        arrivals, n_replications, released - arrivals.days, stocked_out, tuple(queues)
    )


@dataclass(frozen=True, eq=False)
class Visits:
    """Ways of demands through the network, from the root's level down."""

    units: list[Integers]
    """Per level, the demands that reach it."""
    repaired: list[Booleans | None]
    """Per level, which of all demands are repaired there; None: none."""
    unordered: list[Booleans | None]
    """Per level, which of all demands order nothing there, as stock is above its level."""

    def repair_places(self, block: SimulatedBlock, arrivals: Arrivals) -> tuple[Integers, Booleans]:
        """Where each demand's unit is repaired or sent outside, and whether it stays inside."""
        place = block.ancestors[block.class_shipper]
        found = place[arrivals.customers, 0]
        local = np.zeros(len(found), dtype=bool)
        for level, mended in enumerate(self.repaired):
            if mended is not None:
                found = np.where(mended, place[arrivals.customers, level], found)
                local |= mended
        return found, local


@dataclass(frozen=True, eq=False)
class _Visit:
    """Demands that reach the locations of one level, in order of location, row and time."""

    unit: Integers
    part: Integers
    location: Integers
    row: Integers
    days: Floats
    n_rows: int

    @property
    def rank(self) -> Integers:
        """Number of each demand within its location and row, from 0."""
        group = self.location * self.n_rows + self.row
        first = np.flatnonzero(np.diff(group, prepend=-1))
        lengths = np.diff(np.append(first, len(group)))
        return np.arange(len(group)) - np.repeat(first, lengths)


def origins(block: SimulatedBlock, arrivals: Arrivals) -> Integers:
    """Location that each demand first asks."""
    origin = block.class_shipper[arrivals.customers]
    if arrivals.opening_at is None:
        return origin
    parents = block.tree.parents[arrivals.opening_at]
    return np.where(arrivals.opening_at >= 0, parents, origin)


def find_visits(block: SimulatedBlock, arrivals: Arrivals, rng: np.random.Generator) -> Visits:
    """Per level the demands that reach it, and which of all demands are repaired there."""
    origin = origins(block, arrivals)
    part = block.class_part[arrivals.customers]
    alive = np.ones(len(arrivals.row), dtype=bool)
    n_levels = block.ancestors.shape[1]
    repaired: list[Booleans | None] = [None] * n_levels
    unordered: list[Booleans | None] = [None] * n_levels
    units: list[Integers] = [np.zeros(0, np.int64)] * n_levels
    for level in reversed(range(n_levels)):
        location = block.ancestors[origin, level]
        here = alive & (location >= 0)
        units[level] = np.flatnonzero(here)
        if block.opening is not None:
            visit = _visit(block, arrivals, level, units[level])
            excess = block.opening.excess[visit.part, visit.location]
            unordered[level] = np.zeros(len(alive), dtype=bool)
            unordered[level][visit.unit] = visit.rank < excess  # type: ignore[index]
            alive &= ~unordered[level]  # type: ignore[operator]
            here &= alive
        fraction = block.tree.repair_fraction[part, location]
        if (fraction[units[level]] > 0).any():
            here &= rng.random(len(part)) < fraction
            repaired[level] = here
            alive &= ~here
    return Visits(units, repaired, unordered)


def _visit(block: SimulatedBlock, arrivals: Arrivals, level: int, at: Integers) -> _Visit:
    """Sort the demands of one level; they come in order of row and time."""
    location = block.ancestors[origins(block, arrivals)[at], level]
    order = np.argsort(location.astype(np.min_scalar_type(block.stock.shape[1])), kind="stable")
    unit, location = at[order], location[order]
    return _Visit(
        unit=unit,
        part=block.class_part[arrivals.customers[unit]],
        location=location,
        row=arrivals.row[unit],
        days=arrivals.days[unit],
        n_rows=arrivals.n_rows,
    )


def _opened_queue(
    block: SimulatedBlock,
    arrivals: Arrivals,
    visits: Visits,
    visit: _Visit,
    answers: tuple[int, Floats, Floats],
) -> Queue:
    """Serve the demands of one level from the units of the first day and what is ordered.

    ``answers`` are the level, when the units ordered come, and when parents release units.
    """
    level, came, released = answers
    opening, tree = cast(Opening, block.opening), block.tree
    n_replications = visit.n_rows // block.n_parts
    group = visit.location * visit.n_rows + visit.row
    counts = np.bincount(group, minlength=block.stock.shape[1] * visit.n_rows)
    ordered = ~cast(Booleans, visits.unordered[level])[visit.unit]
    part, location, days = opening.due(tree.transit_days, tree.parents < 0)
    here = tree.depth[location] == level
    every = np.arange(n_replications)
    at_start = (location[here] * visit.n_rows + part[here] * n_replications)[:, np.newaxis] + every
    at = cast(Integers, arrivals.opening_at)
    sent = np.flatnonzero((at >= 0) & (tree.depth[at] == level))
    sent_part = arrivals.row[sent] // n_replications
    unit_group = np.concatenate(
        [at_start.ravel(), at[sent] * visit.n_rows + arrivals.row[sent], group[ordered]]
    ).astype(np.int64)
    unit_days = np.concatenate(
        [
            np.repeat(days[here], n_replications),
            released[sent] + tree.transit_days[sent_part, at[sent]],
            came[ordered],
        ]
    )
    out, leaves = served_from(visit.days, counts, unit_group, unit_days)
    return Queue(
        visit.unit, group, visit.days, leaves, out, came - visit.days, (unit_group, unit_days)
    )


def _queue(
    block: SimulatedBlock,
    visit: _Visit,
    came: Floats,
    rng: np.random.Generator,
    disruption: Disruption | None,
) -> Queue:
    """Serve the demands of one level, whose orders bring units at ``came``."""
    n_parts, n_locations = block.stock.shape
    group = visit.location * visit.n_rows + visit.row
    counts = np.bincount(group, minlength=n_locations * visit.n_rows)
    stock = np.repeat(block.stock.T.ravel(), visit.n_rows // n_parts)
    sort = block.may_cross or disruption is not None
    lots = None if block.lots is None else _lots(block, visit, counts, rng)
    if lots is None:
        out, released = served(visit.days, came, counts, stock, sort=sort)
        lead_days = came - visit.days
    else:
        out, released, lead_days = served_in_lots(visit.days, came, counts, stock, lots, sort=sort)
    if disruption is not None:
        released = disruption.reopened(visit.part, visit.location, released)
        out |= released > visit.days
    return Queue(visit.unit, group, visit.days, released, out, lead_days)


def _lots(
    block: SimulatedBlock, visit: _Visit, counts: Integers, rng: np.random.Generator
) -> Lots | None:
    """Lots of the groups (location, row) of one level; None below the roots."""
    if block.lots is None or (block.tree.parents[visit.location] >= 0).any():
        return None
    n_replications = len(counts) // block.lots.size
    size = np.repeat(block.lots.T.ravel(), n_replications)
    return Lots(size, rng.integers(0, size))


def _lead_days(
    block: SimulatedBlock, arrivals: Arrivals, visit: _Visit, rng: np.random.Generator
) -> Floats:
    """Time from the release at the parent (at a root: from the order) to the shelf."""
    mean = block.tree.transit_days[visit.part, visit.location]
    is_outside = block.tree.parents[visit.location] < 0
    cv = block.lead_times.cv_of(visit.part, is_outside)
    if not (cv > 0).any():
        return np.asarray(mean)
    if arrivals.order is None:
        return block.lead_times.drawn(mean, cv, rng)
    order = arrivals.order[visit.unit]
    _, first, which = np.unique(order, return_index=True, return_inverse=True)
    return block.lead_times.drawn(mean[first], cv[first], rng)[which]
