r"""Large groups of locations that pool fully: the fixed point of overflow with its total put right.

Shelves that help each other out are empty at the same times, so what others miss finds a shelf
filled less often than an independent stream would. Here such streams are damped by one factor per
group, set so that all together miss Erlang's share of the whole stock, which is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import PartsplanError
from partsplan.evaluation.closed_sets import closed_sets
from partsplan.evaluation.erlang import loss_shares
from partsplan.evaluation.overflow import TOLERANCE, Overflow, SourceTree
from partsplan.evaluation.supply import Floats, Integers

_MOST_ROUNDS = 600
_HALVINGS = 30
"""Halvings of the range of a damping: the total is then right to about 1e-9, and set exactly."""


def enter_full_pooling(
    sources: SourceTree, rate: Floats, stock: Integers, found: Overflow, rows: Integers
) -> None:
    """Write figures of groups whose customers all ask the whole group; in place.

    Parameters
    ----------
    sources
        Orders in which sources are asked.
    rate
        Shape (n_groups, n_nodes): demand of each order's prefix [units/day].
    stock
        Shape (n_groups, n_locations): base stock, 0 outside the group [units].
    found, rows
        Figures to change, and the row of each group.
    """
    days = found.resupply_days[rows]
    sets = closed_sets(sources, rate, stock, days)
    is_whole = sets.is_closed & (sets.units == stock.sum(axis=1, keepdims=True))
    full = np.flatnonzero(is_whole.any(axis=1))
    if len(full) == 0:
        return
    is_exact, exact = sets.is_closed[full], sets.missed[full]
    is_whole = is_whole[full]
    least = np.where(is_whole, exact, 0.0).max(axis=1)
    pools = _DampedPools(sources, rate[full], stock[full], days[full], is_whole, least)
    settled, short = pools.settled()
    settled = np.where(is_exact, exact, np.maximum(settled, least[:, np.newaxis]))
    held = stock[full] > 0
    missed, met = np.ones(settled.shape), np.zeros(settled.shape)
    for nodes in sources.levels:
        before = _before(missed, sources.above[nodes])
        asks = held[:, sources.location[nodes]]
        missed[:, nodes] = np.where(asks, np.minimum(settled[:, nodes], before), before)
        met[:, nodes] = before - missed[:, nodes]
    shipped = np.asarray((rate[full] * met) @ sources.gathered(stock.shape[1]))
    for place, row in enumerate(rows[full].tolist()):
        belongs, members = sets.units[full[place]] > 0, held[place]
        found.missed[row, belongs] = missed[place, belongs]
        found.short[row, members] = short[place, members]
        found.shipped[row, members] = shipped[place, members]


def _before(missed: Floats, above: Integers) -> Floats:
    return np.where(above >= 0, missed[:, above], 1.0)


@dataclass(frozen=True, eq=False)
class _DampedPools:
    """Fixed points of some groups, with the damping of what others miss."""

    sources: SourceTree
    rate: Floats
    stock: Integers
    days: Floats
    is_whole: NDArray[np.bool_]
    """Shape (n_groups, n_nodes): nodes at which all of the group has been asked."""
    least: Floats
    """Shape (n_groups,): share that each group misses."""

    def of(self, rows: Integers) -> _DampedPools:
        """The same for some groups."""
        return _DampedPools(
            self.sources,
            self.rate[rows],
            self.stock[rows],
            self.days[rows],
            self.is_whole[rows],
            self.least[rows],
        )

    def settled(self) -> tuple[Floats, Floats]:
        """Missed shares by node and shares of time without stock by location."""
        short = (self.stock <= 0).astype(np.float64)
        low, high = np.zeros(len(short)), np.ones(len(short))
        missed = self._settled_at(high, short)
        rows = np.flatnonzero(self._lost(missed) < self.least)
        damped = self.of(rows)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low[rows] + high[rows])
            own = short[rows]
            missed[rows] = damped._settled_at(middle, own)
            short[rows] = own
            too_little = damped._lost(missed[rows]) < damped.least
            high[rows] = np.where(too_little, middle, high[rows])
            low[rows] = np.where(too_little, low[rows], middle)
        return missed, short

    def _lost(self, missed: Floats) -> Floats:
        """Share of its demand that each group misses."""
        weight = self.rate * self.is_whole
        return np.asarray((weight * missed).sum(axis=1) / weight.sum(axis=1))

    def _settled_at(self, damping: Floats, short: Floats) -> Floats:
        """Missed shares by node at a damping; changes ``short`` from a start to what holds."""
        missed, rows = np.ones(self.rate.shape), np.arange(len(short))
        for done in range(_MOST_ROUNDS):
            missed[rows], after = self.of(rows)._round(short[rows], damping[rows, np.newaxis])
            change = np.abs(after - short[rows]).max(axis=1)
            short[rows] += 0.5 ** (done // 60) * (after - short[rows])
            rows = rows[change > TOLERANCE]
            if len(rows) == 0:
                return missed
        raise PartsplanError(
            f"The fixed point of a pooling group did not settle in {_MOST_ROUNDS} rounds. "
            "This is a fault of partsplan; please report the tables."
        )

    def _round(self, short: Floats, damping: Floats) -> tuple[Floats, Floats]:
        """Missed shares by node, and the next shares of empty shelves."""
        sources, held = self.sources, self.stock > 0
        missed, reaching = np.ones(self.rate.shape), np.ones(self.rate.shape)
        is_later = np.zeros(self.rate.shape, dtype=np.bool_)
        for nodes in sources.levels:
            above, here = sources.above[nodes], sources.location[nodes]
            before = _before(missed, above)
            later = (above >= 0) & is_later[:, above]
            reaching[:, nodes] = before * np.where(later, damping, 1.0)
            missed[:, nodes] = before - reaching[:, nodes] * (1.0 - short[:, here])
            is_later[:, nodes] = later | held[:, here]
        asked = np.asarray((self.rate * reaching) @ sources.gathered(self.stock.shape[1]))
        return missed, np.where(held, loss_shares(self.stock, asked * self.days), 1.0)
