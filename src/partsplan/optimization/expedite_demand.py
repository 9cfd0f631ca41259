"""Which demand reaches the suppliers of a block of parts, and what may keep it from them.

A supplier is a root that replenishes other locations. Every other location is called a shelf.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import scipy

from partsplan.evaluation.expedite_model import ExpediteBlock
from partsplan.evaluation.pooling import MOST_STATES
from partsplan.optimization.axes import Booleans, Floats, Integers

MOST_STOCKED = int(np.log2(MOST_STATES))
"""Most stocked locations of a group that is solved as a chain."""


@dataclass(eq=False)
class SupplierDemand:
    """Suppliers of a block, and the demand of their own and of the shelves they supply.

    Parameters
    ----------
    block
        The parts.
    """

    block: ExpediteBlock
    roots: Integers = field(init=False)
    """Shape (n_suppliers,): their locations."""
    place: Integers = field(init=False)
    """Shape (n_locations,): the supplier that a location is; -1 for a shelf."""
    above: Integers = field(init=False)
    """Shape (n_locations,): the supplier that a shelf draws on, at any depth; -1 for none."""
    passed: Floats = field(init=False)
    """Shape (n_parts, n_locations): share of a shelf's shipments that its supplier replaces."""
    total: Floats = field(init=False)
    """Shape (n_parts,): all demand [units/day]."""
    first_asked: Floats = field(init=False)
    """Shape (n_parts, n_locations): demand that asks a location first [units/day]."""
    ever_asked: Floats = field(init=False)
    """Shape (n_parts, n_locations): demand that may ask it [units/day]."""
    days: Floats = field(init=False)
    """Shape (n_parts, n_suppliers): resupply time of the suppliers."""

    def __post_init__(self) -> None:
        tree, sources, rate = self.block.tree, self.block.sources, self.block.rate
        parents = tree.parents
        self.roots = np.array(
            [j for j in np.unique(parents[parents >= 0]).tolist() if parents[j] < 0], dtype=np.int64
        )
        self.place = np.full(len(parents), -1)
        self.place[self.roots] = np.arange(len(self.roots))
        first = sources.above < 0
        gathered = sources.gathered(tree.n_locations)
        self.total = rate[:, first].sum(axis=1)
        self.first_asked = np.asarray((rate * first) @ gathered)
        self.ever_asked = np.asarray(rate @ gathered)
        self._draw()
        fraction = tree.repair_fraction[:, self.roots]
        self.days = (1.0 - fraction) * tree.transit_days[:, self.roots]
        self.days = self.days + fraction * tree.repair_days[:, self.roots]

    def _draw(self) -> None:
        """On which supplier shelves draw, and for what share of their shipments."""
        tree = self.block.tree
        self.above = np.full(tree.n_locations, -1)
        self.passed = np.zeros(tree.transit_days.shape)
        for j in tree.order:
            parent = int(tree.parents[j])
            if parent < 0:
                continue
            is_supplied = self.place[parent] >= 0
            self.above[j] = self.place[parent] if is_supplied else self.above[parent]
            onward = 1.0 if is_supplied else self.passed[:, parent]
            self.passed[:, j] = (1.0 - tree.repair_fraction[:, j]) * onward

    @property
    def n_suppliers(self) -> int:
        """Number of suppliers."""
        return len(self.roots)

    @cached_property
    def before(self) -> Integers:
        """Shape (n_nodes,): the first supplier on the way, where a second one is asked next.

        It is given at the second one's node; -1 at all other nodes.
        """
        sources = self.block.sources
        return np.where(
            self._is_supplier & (self._suppliers_above == 1) & (sources.above >= 0),
            self.place[sources.location[sources.above]],
            -1,
        )

    @cached_property
    def _is_supplier(self) -> Booleans:
        return np.asarray(self.place[self.block.sources.location] >= 0)

    @cached_property
    def _suppliers_above(self) -> Integers:
        """Shape (n_nodes,): suppliers asked before."""
        sources = self.block.sources
        count = np.zeros(sources.n_nodes, dtype=np.int64)
        for nodes in sources.levels[1:]:
            above = sources.above[nodes]
            count[nodes] = count[above] + self._is_supplier[above]
        return count

    @cached_property
    def _shelves_above(self) -> scipy.sparse.csr_array:
        """Matrix (n_nodes, n_locations): shelves asked before."""
        sources = self.block.sources
        nodes, locations = [], []
        step = sources.above
        while (step >= 0).any():
            rows = np.flatnonzero(step >= 0)
            shelf = rows[~self._is_supplier[step[rows]]]
            nodes.append(shelf)
            locations.append(sources.location[step[shelf]])
            step = np.where(step >= 0, sources.above[step], -1)
        none = [np.zeros(0, dtype=np.int64)]
        row, column = np.concatenate(none + nodes), np.concatenate(none + locations)
        shape = (sources.n_nodes, self.block.tree.n_locations)
        return scipy.sparse.csr_array((np.ones(len(row)), (row, column)), shape=shape)

    def _entering_nodes(self, k: int) -> Integers:
        """Nodes at a supplier without a supplier before."""
        here = self.block.sources.location == self.roots[k]
        return np.flatnonzero(here & (self._suppliers_above == 0))

    def _onward_nodes(self, i: int, k: int) -> Integers:
        """Nodes at a supplier just after another one that is the first supplier on the way."""
        here = self.block.sources.location == self.roots[k]
        return np.flatnonzero(here & (self.before == i))

    @cached_property
    def entering(self) -> Floats:
        """Shape (n_parts, n_suppliers): demand that a supplier is the first supplier asked by."""
        found = [self.block.rate[:, self._entering_nodes(k)].sum(axis=1) for k in self._every]
        return np.stack(found, axis=1) if found else np.zeros((len(self.total), 0))

    @property
    def _every(self) -> range:
        return range(self.n_suppliers)

    @cached_property
    def onward(self) -> Floats:
        """Shape (n_parts, from, to): demand that asks a second supplier just after the first."""
        return self._between(np.ones(self.block.sources.n_nodes, dtype=bool))

    @cached_property
    def onward_first(self) -> Floats:
        """The same of demand that asks the first of them before anyone else."""
        sources = self.block.sources
        above = sources.above
        return self._between((above >= 0) & (above[above] < 0))

    def _between(self, counted: Booleans) -> Floats:
        found = np.zeros((len(self.total), self.n_suppliers, self.n_suppliers))
        for i in self._every:
            for k in self._every:
                nodes = self._onward_nodes(i, k)
                found[:, i, k] = self.block.rate[:, nodes[counted[nodes]]].sum(axis=1)
        return found

    def _orders_all_of(self, k: int) -> Booleans:
        """Shape (n_parts, n_locations): shelves that order of a supplier whatever they ship."""
        return np.asarray((self.above == k) & (self.passed >= 1.0))

    @cached_property
    def strays(self) -> tuple[Floats, Floats]:
        """Entering demand that others than the supplier's own shelves may meet.

        Twice the shape (n_parts, n_suppliers): shelves that order all of other suppliers, and any
        others.
        """
        own = [self._orders_all_of(k) for k in self._every]
        shape = (len(self.total), self.n_suppliers)
        foreign, stray = np.zeros(shape), np.zeros(shape)
        for k in self._every:
            nodes = self._entering_nodes(k)
            path, rate = self._shelves_above[nodes], self.block.rate[:, nodes]
            ordering = np.any(own, axis=0)
            by_any: Booleans = (path @ (~ordering).T.astype(float)).T > 0
            by_other: Booleans = (path @ (ordering & ~own[k]).T.astype(float)).T > 0
            foreign[:, k] = (rate * (by_other & ~by_any)).sum(axis=1)
            stray[:, k] = (rate * by_any).sum(axis=1)
        return foreign, stray

    @cached_property
    def touched(self) -> Floats:
        """Most of the entering demand that some number of shelves are asked for before.

        Shape (n_parts, n_suppliers, 1 + `MOST_STOCKED`).
        """
        found = [self._largest_touched(self._entering_nodes(k)) for k in self._every]
        none = np.zeros((len(self.total), 0, MOST_STOCKED + 1))
        return np.stack(found, axis=1) if found else none

    @cached_property
    def touched_onward(self) -> Floats:
        """The same of the onward demand; shape (n_parts, from, to, 1 + `MOST_STOCKED`)."""
        n = self.n_suppliers
        found = np.zeros((len(self.total), n, n, MOST_STOCKED + 1))
        for i in self._every:
            for k in self._every:
                found[:, i, k] = self._largest_touched(self._onward_nodes(i, k))
        return found

    def _largest_touched(self, nodes: Integers) -> Floats:
        by_shelf = np.asarray(self.block.rate[:, nodes] @ self._shelves_above[nodes])
        largest = -np.sort(-by_shelf, axis=1)[:, :MOST_STOCKED]
        found = np.zeros((len(by_shelf), MOST_STOCKED + 1))
        found[:, 1 : 1 + largest.shape[1]] = np.cumsum(largest, axis=1)
        found[:, 1 + largest.shape[1] :] = found[:, [largest.shape[1]]]
        return found

    @cached_property
    def is_apart(self) -> Booleans:
        """Shape (n_parts, n_suppliers): somebody asks the supplier and no shelf at all.

        So it is in no group with a shelf in which everyone asks everyone.
        """
        sources, rate = self.block.sources, self.block.rate
        ending = rate.copy()
        for nodes in sources.levels[1:]:
            np.subtract.at(ending.T, sources.above[nodes], rate[:, nodes].T)
        asks_no_shelf = self._is_supplier & (np.diff(self._shelves_above.indptr) == 0)
        ends = (ending > 1e-9 * self.total[:, None]) & asks_no_shelf
        asked = np.zeros((sources.n_nodes, self.n_suppliers), dtype=bool)
        for nodes in sources.levels:
            above = sources.above[nodes]
            asked[nodes] = np.where(above[:, None] >= 0, asked[above], False)
            some = nodes[self._is_supplier[nodes]]
            asked[some, self.place[sources.location[some]]] = True
        return np.asarray(ends.astype(float) @ asked > 0)

    @cached_property
    def linked(self) -> Booleans:
        """Shape (n_parts, n_suppliers, n_suppliers): somebody asks just these two, in turn."""
        onward = self.onward_first
        return np.asarray((onward > 0.0) | (onward.transpose(0, 2, 1) > 0.0))

    def least_orders(self, lowest: Integers, highest: Floats) -> Floats:
        """Shape (n_parts, n_suppliers): least that is ordered, if anything is [units/day].

        A stocked shelf meets at least the share 1 / (1 + load) of what asks it first, the load
        being of all that may ask it, over its longest resupply time.
        """
        tree = self.block.tree
        delay = np.where(self.above >= 0, self.days.max(axis=1, initial=0.0)[:, None], 0.0)
        fraction = tree.repair_fraction
        longest = (1.0 - fraction) * (tree.transit_days + delay) + fraction * tree.repair_days
        least = self.passed * self.first_asked / (1.0 + self.ever_asked * longest)
        supplies = np.array([bool(children) for children in tree.children])
        least = np.where(supplies | np.isfinite(tree.rate_shape)[:, None], 0.0, least)
        may_order = (self.passed > 0.0) & ((highest > lowest) | (lowest > 0))
        found = np.zeros((len(least), self.n_suppliers))
        for k in self._every:
            some = np.where(may_order & (self.above == k), least, np.inf).min(axis=1)
            found[:, k] = np.where(np.isfinite(some), some, 0.0)
        return found * (1.0 - 1e-9)
