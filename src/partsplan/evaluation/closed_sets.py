r"""Sets of locations that hold out like one: Erlang's loss formula, whatever the resupply law.

If all customers who ask any location of a set ask all of it first, in any order, and resupply
takes equally long everywhere in it, the units under way in the set are the busy servers of one
M/G/S/S queue: the share that the set misses is exact (Kranenburg and van Houtum 2009). Who in the
set ships is not, unless all customers ask in one order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.erlang import loss_shares
from partsplan.evaluation.overflow import SourceTree
from partsplan.evaluation.supply import Floats, Integers

_SAME = 1e-9
"""Relative difference up to which rates and times count as equal."""


@dataclass(frozen=True, eq=False)
class ClosedSets:
    """Closed sets that the stocked locations on the way to a node make up.

    Arrays of shape (n_rows, n_nodes).
    """

    is_closed: NDArray[np.bool_]
    """Nodes with stock and demand whose set is closed."""
    units: Integers
    """Base stock of the set [units]."""
    load: Floats
    """Demand of the set over its resupply time [units]."""

    @property
    def missed(self) -> Floats:
        """Share of demand that the set misses; 1 where it is not closed."""
        units = np.where(self.is_closed, self.units, 0)
        return loss_shares(units, np.where(self.is_closed, self.load, 0.0))

    def all_closed(self, sources: SourceTree, held: NDArray[np.bool_], rate: Floats) -> Exactness:
        """Whether every set that asks, and every set where an order ends, is closed."""
        ends = rate.copy()
        inner = sources.above >= 0
        np.subtract.at(ends.T, sources.above[inner], rate.T[inner])
        last = np.ones(rate.shape, dtype=np.bool_)
        for nodes in sources.levels:
            above, here = sources.above[nodes], sources.location[nodes]
            before = np.where(above >= 0, last[:, above], True)
            last[:, nodes] = np.where(held[:, here], self.is_closed[:, nodes], before)
        asks = held[:, sources.location] & (rate > 0)
        everywhere = np.asarray((self.is_closed | ~asks).all(axis=1))
        return Exactness(everywhere, np.asarray((last | (ends <= _SAME * rate)).all(axis=1)))


@dataclass(frozen=True, eq=False)
class Exactness:
    """What is exact for any law of resupply times; arrays of shape (n_rows,)."""

    everywhere: NDArray[np.bool_]
    """All figures."""
    outside: NDArray[np.bool_]
    """What comes from outside."""


def closed_sets(
    sources: SourceTree,
    rate: Floats,
    stock: Integers,
    days: Floats,
    *,
    stands_alone: NDArray[np.bool_] | None = None,
) -> ClosedSets:
    """Find the closed sets.

    Parameters
    ----------
    sources
        Orders in which sources are asked.
    rate
        Shape (n_rows, n_nodes): demand whose order begins with the node's prefix [units/day].
    stock, days
        Shape (n_rows, n_locations): base stock [units] and resupply time [days].
    stands_alone
        Locations that close no set with others, whatever the time; by default none.

    Notes
    -----
    A set is closed if each of its locations is asked by as much demand as asks the whole set
    first: then it is the same demand. Sets are told apart by sums of random keys.
    """
    shape = (len(stock), sources.n_nodes)
    held = stock > 0
    days = np.broadcast_to(days, stock.shape)
    key = np.random.default_rng(1).integers(1, 2**62, size=(stock.shape[1],), dtype=np.uint64)
    asked = np.asarray(rate @ sources.gathered(stock.shape[1]))
    name, units = np.zeros(shape, dtype=np.uint64), np.zeros(shape, dtype=np.int64)
    most, longest = np.zeros(shape), np.zeros(shape)
    shortest = np.full(shape, np.inf)
    several, singles = np.zeros((2, *shape), dtype=np.bool_)
    alone = np.zeros(stock.shape, dtype=np.bool_) if stands_alone is None else stands_alone
    for nodes in sources.levels:
        above, here = sources.above[nodes], sources.location[nodes]
        inner, own = above >= 0, held[:, here]
        name[:, nodes] = inner * name[:, above] + own * key[here]
        units[:, nodes] = inner * units[:, above] + own * stock[:, here]
        joins = own & (units[:, above] > 0)
        several[:, nodes] = inner & (several[:, above] | joins)
        singles[:, nodes] = (inner & singles[:, above]) | (own & alone[:, here])
        most[:, nodes] = np.maximum(inner * most[:, above], own * asked[:, here])
        longest[:, nodes] = np.maximum(inner * longest[:, above], own * days[:, here])
        before = np.where(inner, shortest[:, above], np.inf)
        shortest[:, nodes] = np.minimum(before, np.where(own, days[:, here], np.inf))
    completes = held[:, sources.location] & (rate > 0)
    whole = _total_by_name(name, np.where(completes, rate, 0.0))
    is_closed = completes & (most <= whole * (1.0 + _SAME))
    is_closed &= (longest <= shortest * (1.0 + _SAME)) & ~(several & singles)
    return ClosedSets(is_closed, units, whole * longest)


def _total_by_name(name: NDArray[np.uint64], rate: Floats) -> Floats:
    """Per node, the demand of all nodes of its row with the same name."""
    total = np.zeros(rate.shape)
    for row in range(len(name)):
        _, place = np.unique(name[row], return_inverse=True)
        total[row] = np.bincount(place.reshape(-1), rate[row])[place.reshape(-1)]
    return total
