"""Shortages are expedited: an event loop that runs all parts and replications of a block at once.

Who ships depends on every shelf at that moment, so events must be taken in order of time; one
step of the loop takes the next event of every row (a part in one replication) together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from partsplan.simulation.arrivals import Arrivals
from partsplan.simulation.blocks import SimulatedBlock

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_FIRST_SLOTS = 8
_COMPACT_BELOW = 0.6
"""Share of rows that still have events below which the others are put away."""


@dataclass(frozen=True, eq=False)
class ExpeditedRun:
    """What became of every demand, and the time averages of every place."""

    arrivals: Arrivals
    n_replications: int
    source: Integers
    """Shape (n_units,): which source of its class shipped, counted from 0; -1 = from outside."""
    outstanding_days: Floats
    """Shape (n_rows, n_locations): units on order times days, within the window."""
    owed_days: Floats
    """Orders of other locations that waited, times days, within the window."""
    ordered: Floats
    """Orders of other locations in the window."""
    ordered_out: Floats
    """Those of them that found no unit on the shelf."""


class Closures(Protocol):
    """What a scenario does to a block whose shortages are expedited."""

    @property
    def closed(self) -> Sequence[tuple[int, float, float]]:
        """Location, first and last day of every closure, from the start of the scenario."""
        ...

    def lead_factor(self, part: Integers, days: Floats) -> Floats:
        """Factor on the resupply time of orders of parts at times."""
        ...


def run_expediting(
    block: SimulatedBlock,
    arrivals: Arrivals,
    n_replications: int,
    rng: np.random.Generator,
    disruption: Closures | None = None,
) -> ExpeditedRun:
    """Serve all demands of a block where the next source ships what a location lacks.

    Parameters
    ----------
    block, arrivals
        The parts, with the sources of every class, and the demands of their customers.
    n_replications
        Replications of each part.
    rng
        Draws local repairs and resupply times.
    disruption
        What a scenario changes.

    Returns
    -------
    ExpeditedRun

    Notes
    -----
    A demand asks the sources of its class in order; the first with a unit on the shelf ships it
    and orders one from its own source (or repairs it, with the local share); if none has, the
    outside supply ships and nothing is ordered. Orders wait for their source, first come, first
    served; a unit that comes in goes to the order that waits longest before it goes on the shelf.
    A closed location ships nothing: customers ask the next source, orders wait until it opens.
    A root that orders in lots waits until one is used up, and its units come in together.
    """
    loop = _EventLoop(block, arrivals, n_replications, rng, disruption)
    loop.run()
    return ExpeditedRun(
        arrivals,
        n_replications,
        loop.source,
        loop.outstanding_days,
        loop.owed_days,
        loop.ordered,
        loop.ordered_out,
    )


def _lots(block: SimulatedBlock) -> Integers:
    """Units per order of every part and location; one where nobody asks."""
    asked = np.zeros(block.stock.shape, dtype=np.bool_)
    known = block.asked_in_turn >= 0
    part = np.broadcast_to(block.class_part[:, np.newaxis], known.shape)
    asked[part[known], block.asked_in_turn[known]] = True
    for j in reversed(block.tree.order):
        if block.tree.parents[j] >= 0:
            asked[:, block.tree.parents[j]] |= asked[:, j]
    return np.where(asked, block.tree.lots_held(block.stock), 1)


class _EventLoop:
    """State of all rows; arrays with axis 0 over the rows that still have events."""

    def __init__(
        self,
        block: SimulatedBlock,
        arrivals: Arrivals,
        n_replications: int,
        rng: np.random.Generator,
        disruption: Closures | None,
    ) -> None:
        self.block, self.rng, self.disruption = block, rng, disruption
        self.parents = block.tree.parents
        self.sources = block.asked_in_turn
        self.days, self.customers = arrivals.days, arrivals.customers
        n, n_locations = arrivals.n_rows, len(self.parents)
        self.row = np.arange(n)
        self.part = np.repeat(np.arange(block.n_parts), n_replications)
        self.start = block.warmup_days[self.part]
        self.end = self.start + block.window_days
        bounds = np.searchsorted(arrivals.row, np.arange(n + 1))
        self.next, self.stop = bounds[:-1].copy(), bounds[1:]
        self.on_hand = block.stock[self.part].copy()
        self.slot_days = np.full((n, _FIRST_SLOTS), np.inf)
        self.slot_place = np.zeros((n, _FIRST_SLOTS), dtype=np.int64)
        self.n_slots = np.zeros(n, dtype=np.int64)
        most_owed = int(block.stock.sum(axis=1).max(initial=0)) + 1
        has_children = np.isin(np.arange(n_locations), self.parents)
        self.counter = np.cumsum(has_children) - 1  # queue of each location that supplies others
        self.queue = np.zeros((n, int(has_children.sum()), most_owed), dtype=np.int16)
        self.first = np.zeros((n, n_locations), dtype=np.int64)
        self.owed = np.zeros((n, n_locations), dtype=np.int64)
        self.owed_to = np.zeros((n, n_locations), dtype=np.int64)
        self.source = np.full(len(self.days), -1, dtype=np.int64)
        shape = (n, n_locations)
        self.outstanding_days, self.owed_days = np.zeros(shape), np.zeros(shape)
        self.lots = _lots(block)[self.part]
        self.used_up = np.zeros((n, n_locations), dtype=np.int64)  # and not ordered yet
        if (self.lots > 1).any():
            self.used_up = rng.integers(0, self.lots)
            self.on_hand -= self.used_up
            self.outstanding_days -= self.used_up * self.start[:, np.newaxis]
        self.ordered, self.ordered_out = np.zeros(shape), np.zeros(shape)
        for location, _, last in () if disruption is None else disruption.closed:
            self._put(np.arange(n), np.full(n, n_locations + location), self.start + last)

    def run(self) -> None:
        """Take events until every row has passed its window."""
        while len(self.row):
            every = np.arange(len(self.row))
            slot = self.slot_days.argmin(axis=1)
            comes = self.slot_days[every, slot]
            has_demand = self.next < self.stop
            asked = np.full(len(every), np.inf)
            asked[has_demand] = self.days[self.next[has_demand]]
            live = np.minimum(comes, asked) < self.end
            is_unit = live & (comes <= asked)
            units, demands = np.flatnonzero(is_unit), np.flatnonzero(live & ~is_unit)
            self._receive(units, slot[units], comes[units])
            self._serve(demands, asked[demands])
            if live.mean() < _COMPACT_BELOW:
                self._close(np.flatnonzero(~live))
                self._keep(np.flatnonzero(live))

    def _receive(self, at: Integers, slot: Integers, days: Floats) -> None:
        """Units that come in go to the order that waits longest, or on the shelf."""
        place = self.slot_place[at, slot]
        last = self.n_slots[at] - 1
        self.slot_days[at, slot] = self.slot_days[at, last]
        self.slot_place[at, slot] = self.slot_place[at, last]
        self.slot_days[at, last] = np.inf
        self.n_slots[at] = last
        opens = place >= len(self.parents)
        if opens.any():
            self._reopen(at[opens], place[opens] - len(self.parents), days[opens])
            at, place, days = at[~opens], place[~opens], days[~opens]
        waits = (self.owed[at, place] > 0) & self._is_open(at, place, days)
        self.on_hand[at[~waits], place[~waits]] += 1
        self._hand_over(at[waits], place[waits], days[waits])

    def _hand_over(self, at: Integers, place: Integers, days: Floats) -> None:
        """A unit of each place goes to the order that waits longest there."""
        if len(at) == 0:
            return
        first = self.first[at, place]
        child = self.queue[at, self.counter[place], first].astype(np.int64)
        self.first[at, place] = (first + 1) % self.queue.shape[2]
        self.owed[at, place] -= 1
        self.owed_to[at, child] -= 1
        self.owed_days[self.row[at], place] += self._clipped(at, days)
        self._send(at, child, days + self._transit(at, child))

    def _reopen(self, at: Integers, place: Integers, days: Floats) -> None:
        """What came in while a place was closed goes to the orders that wait there."""
        while len(at):
            gives = (self.owed[at, place] > 0) & (self.on_hand[at, place] > 0)
            gives &= self._is_open(at, place, days)
            at, place, days = at[gives], place[gives], days[gives]
            self.on_hand[at, place] -= 1
            self._hand_over(at, place, days)

    def _is_open(self, at: Integers, place: Integers, days: Floats) -> NDArray[np.bool_]:
        """Whether places ship at times."""
        is_open = np.ones(len(at), dtype=bool)
        for location, first, last in () if self.disruption is None else self.disruption.closed:
            start = self.start[at]
            is_open &= (place != location) | (days < start + first) | (days >= start + last)
        return is_open

    def _serve(self, at: Integers, days: Floats) -> None:
        """Demands are shipped by the first of their sources that has a unit."""
        unit = self.next[at]
        self.next[at] += 1
        sources = self.sources[self.customers[unit]]
        shipper = np.full(len(at), -1, dtype=np.int64)
        for turn in range(sources.shape[1]):
            open_at = np.flatnonzero((shipper < 0) & (sources[:, turn] >= 0))
            asked = sources[open_at, turn]
            ships = self.on_hand[at[open_at], asked] > 0
            ships &= self._is_open(at[open_at], asked, days[open_at])
            chosen = open_at[ships]
            shipper[chosen] = asked[ships]
            self.source[unit[chosen]] = turn
        shipped = shipper >= 0
        at, place = at[shipped], shipper[shipped]
        self.on_hand[at, place] -= 1
        self._order(at, place, days[shipped])

    def _order(self, at: Integers, place: Integers, days: Floats) -> None:
        """Places that gave a unit away repair it or order one, up to the outside supply."""
        tree = self.block.tree
        while len(at):
            part = self.part[at]
            self.outstanding_days[self.row[at], place] -= self._clipped(at, days)
            fraction = tree.repair_fraction[part, place]
            mended = np.zeros(len(at), dtype=bool)
            if (fraction > 0).any():
                mended = self.rng.random(len(at)) < fraction
            outside = (self.parents[place] < 0) & ~mended
            takes = self._transit(at[outside], place[outside])
            if self.disruption is not None:
                takes = takes * self.disruption.lead_factor(part[outside], days[outside])
            self._send(
                at[mended], place[mended], days[mended] + tree.repair_days[part, place][mended]
            )
            self._order_outside(at[outside], place[outside], days[outside] + takes)
            inside = ~mended & ~outside
            at, place, days = at[inside], place[inside], days[inside]
            above = self.parents[place]
            self._ask_parent(at, place, above, days)
            place = above

    def _order_outside(self, at: Integers, place: Integers, comes: Floats) -> None:
        """Roots order what is used up once it makes a lot; its units come in together."""
        self.used_up[at, place] += 1
        full = self.used_up[at, place] >= self.lots[at, place]
        at, place, comes = at[full], place[full], comes[full]
        self.used_up[at, place] = 0
        lots = self.lots[at, place]
        for unit in range(int(lots.max(initial=0))):
            more = lots > unit
            self._send(at[more], place[more], comes[more])

    def _ask_parent(self, at: Integers, place: Integers, above: Integers, days: Floats) -> None:
        """Orders take a unit from the parent's shelf, or wait for one."""
        has = (self.on_hand[at, above] > 0) & self._is_open(at, above, days)
        counted = (days >= self.start[at]) & (days < self.end[at])
        self.ordered[self.row[at], above] += counted
        self.ordered_out[self.row[at], above] += counted & ~has
        self.on_hand[at[has], above[has]] -= 1
        self._send(at[has], place[has], days[has] + self._transit(at[has], place[has]))
        at, place, above, days = at[~has], place[~has], above[~has], days[~has]
        end = (self.first[at, above] + self.owed[at, above]) % self.queue.shape[2]
        self.queue[at, self.counter[above], end] = place
        self.owed[at, above] += 1
        self.owed_to[at, place] += 1
        self.owed_days[self.row[at], above] -= self._clipped(at, days)

    def _send(self, at: Integers, place: Integers, days: Floats) -> None:
        """Put units on the way to places, to be there at a time."""
        if len(at) == 0:
            return
        self._put(at, place, days)
        self.outstanding_days[self.row[at], place] += self._clipped(at, days)

    def _put(self, at: Integers, place: Integers, days: Floats) -> None:
        """Events to come; a place beyond the last one is one that opens."""
        slot = self.n_slots[at]
        if int(slot.max()) >= self.slot_days.shape[1]:
            self.slot_days = np.concatenate(
                [self.slot_days, np.full_like(self.slot_days, np.inf)], axis=1
            )
            self.slot_place = np.concatenate([self.slot_place, self.slot_place], axis=1)
        self.slot_days[at, slot] = days
        self.slot_place[at, slot] = place
        self.n_slots[at] += 1

    def _transit(self, at: Integers, place: Integers) -> Floats:
        """Times from the source to places; drawn where they vary."""
        part, laws = self.part[at], self.block.lead_times
        mean = self.block.tree.transit_days[part, place]
        cv = laws.cv_of(part, self.parents[place] < 0)
        return laws.drawn(mean, cv, self.rng) if cv.any() else np.asarray(mean)

    def _clipped(self, at: Integers, days: Floats) -> Floats:
        return np.clip(days, self.start[at], self.end[at])

    def _close(self, at: Integers) -> None:
        """Orders that still wait at the end of the window wait until then, lots to be full too."""
        end = self.end[at, np.newaxis]
        self.owed_days[self.row[at]] += self.owed[at] * end
        self.outstanding_days[self.row[at]] += (self.owed_to[at] + self.used_up[at]) * end

    def _keep(self, at: Integers) -> None:
        for name in (
            "row",
            "part",
            "start",
            "end",
            "next",
            "stop",
            "on_hand",
            "slot_days",
            "slot_place",
            "n_slots",
            "queue",
            "first",
            "owed",
            "owed_to",
            "lots",
            "used_up",
        ):
            setattr(self, name, getattr(self, name)[at])
