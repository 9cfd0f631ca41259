r"""Demand that overflows from source to source: the fixed point of streams and availabilities.

Every location is a shelf of its own (Erlang), asked by the demand that found all earlier sources
empty as if that were an independent Poisson stream (Reijnen, Tan and van Houtum 2009; Kranenburg
and van Houtum 2009); a centre delays the orders it cannot fill (Axsater 1990).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy

from partsplan.errors import PartsplanError
from partsplan.evaluation.erlang import ShelfFigures, shelf_figures
from partsplan.evaluation.supply import Floats, Integers, SupplyTree

TOLERANCE = 1e-10
_MOST_ROUNDS = 600


@dataclass(frozen=True, eq=False)
class SourceTree:
    """Orders in which sources are asked, as a tree of prefixes.

    A node stands for a source asked after the sources of the nodes above it. Nodes are numbered
    with those above first.
    """

    location: Integers
    """Shape (n_nodes,): position of the location asked."""
    above: Integers
    """Shape (n_nodes,): node asked just before; -1 where the location is asked first."""

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.location)

    @cached_property
    def levels(self) -> tuple[Integers, ...]:
        """Nodes by the number of sources asked before."""
        depth = np.zeros(self.n_nodes, dtype=np.int64)
        step = self.above
        while (step >= 0).any():
            depth += step >= 0
            step = np.where(step >= 0, self.above[step], -1)
        return tuple(np.flatnonzero(depth == d) for d in range(int(depth.max(initial=-1)) + 1))

    def gathered(self, n_locations: int) -> scipy.sparse.csr_array:
        """Matrix (n_nodes, n_locations) that adds figures of nodes up by location."""
        shape = (self.n_nodes, n_locations)
        rows = np.arange(self.n_nodes)
        return scipy.sparse.csr_array((np.ones(self.n_nodes), (rows, self.location)), shape=shape)

    def reached(self, short: Floats) -> Floats:
        """Share of the demand of every node that finds all sources before it empty.

        ``short`` has the shape (n_rows, n_locations): chance that a shelf is empty, taken as
        independent of each other.
        """
        reached = np.ones((len(short), self.n_nodes))
        for nodes in self.levels[1:]:
            above = self.above[nodes]
            reached[:, nodes] = reached[:, above] * short[:, self.location[above]]
        return reached


@dataclass(frozen=True, eq=False)
class Overflow:
    """Where demand is met at some stocks; rows are stocks of parts."""

    missed: Floats
    """Shape (n_rows, n_nodes): share of a node's demand that neither this source nor one asked
    before it meets."""
    short: Floats
    """Shape (n_rows, n_locations): share of time without a unit on the shelf."""
    late: Floats
    """Shape (n_rows, n_locations): mean orders of other locations that wait [units]."""
    unready: Floats
    """Shape (n_rows, n_locations): share of time in which such an order waits."""
    shipped: Floats
    """Shape (n_rows, n_locations): customers' demand that the location ships [units/day]."""
    ordered: Floats
    """Shape (n_rows, n_locations): orders of other locations [units/day]."""
    resupply_days: Floats
    """Shape (n_rows, n_locations): mean resupply time, delays above included [days]."""


def overflow(sources: SourceTree, rate: Floats, tree: SupplyTree, stock: Integers) -> Overflow:
    r"""Fixed point of overflowing demand and delayed replenishment.

    Parameters
    ----------
    sources
        Orders in which sources are asked.
    rate
        Shape (n_rows, n_nodes): demand whose order begins with the node's prefix [units/day].
    tree
        Replenishment of the same rows (times, repair fractions, parents; rates are not read).
    stock
        Shape (n_rows, n_locations): base stock [units].

    Returns
    -------
    Overflow

    Raises
    ------
    PartsplanError
        If the iteration does not settle.

    Notes
    -----
    Location j is asked by :math:`M_j = \sum_k \lambda_k \prod_{i \prec j} p_i`, :math:`p_i` the
    chance that source i is empty; :math:`p_j` follows from :math:`M_j T_j` by `shelf_figures`,
    with :math:`T_j = (1 - r_j)(\tau_j + W_{parent}) + r_j R_j` and W the mean wait of an order
    at the parent. From full shelves the p rise to the least fixed point. Where a root orders in
    lots of Q, its figures are means over the inventory positions S, S - 1, ..., S - Q + 1, taken as
    equally likely (which holds where only orders that wait ask it).
    """
    short = (stock <= 0).astype(np.float64)
    days = tree.transit_days * (1.0 - tree.repair_fraction)
    days = days + tree.repair_fraction * tree.repair_days
    gathered = sources.gathered(tree.n_locations)
    whole = _Rounds(sources, gathered, rate, tree, stock, tree.lots_held(stock))
    open_rows = np.arange(len(stock))
    result: Overflow | None = None
    for done in range(_MOST_ROUNDS):
        rows = open_rows
        state = whole.of(rows).after(short[rows], days[rows])
        change = np.abs(state.short - short[rows]).max(axis=1, initial=0.0)
        drift = np.abs(state.resupply_days - days[rows]) / (1e-9 + days[rows])
        change = np.maximum(change, drift.max(axis=1, initial=0.0))
        step = _step(done)
        short[rows] += step * (state.short - short[rows])
        days[rows] += step * (state.resupply_days - days[rows])
        result = state if result is None else _put(result, rows, state)
        open_rows = rows[change > TOLERANCE]
        if len(open_rows) == 0:
            return result
    raise PartsplanError(
        f"The fixed point of overflowing demand did not settle in {_MOST_ROUNDS} rounds. "
        "This is a fault of partsplan; please report the tables."
    )


def _step(done: int) -> float:
    """Share of the way that a round goes: less where delays and overflow chase each other."""
    return float(0.5 ** (done // 60))


def _put(whole: Overflow, rows: Integers, part: Overflow) -> Overflow:
    """Enter the figures of some rows, in place."""
    if len(part.short) == len(whole.short):
        return part
    for name in ("missed", "short", "late", "unready", "shipped", "ordered", "resupply_days"):
        getattr(whole, name)[rows] = getattr(part, name)
    return whole


@dataclass(frozen=True, eq=False)
class _Rounds:
    """Rounds of the fixed point over some rows."""

    sources: SourceTree
    gathered: scipy.sparse.csr_array
    rate: Floats
    tree: SupplyTree
    stock: Integers
    lots: Integers

    def of(self, rows: Integers) -> _Rounds:
        """The same for some rows."""
        if len(rows) == len(self.stock):
            return self
        return replace(
            self,
            rate=self.rate[rows],
            tree=self.tree.of_parts(rows),
            stock=self.stock[rows],
            lots=self.lots[rows],
        )

    def after(self, short: Floats, days: Floats) -> Overflow:
        """One round: what is asked for, from the leaves up; shelves and delays, from the top."""
        tree = self.tree
        reached = self.sources.reached(short)
        asked = np.asarray((self.rate * reached) @ self.gathered)
        shipped = asked * (1.0 - short)
        ordered = self._orders(shipped)
        new_short, new_days = short.copy(), days.copy()
        late, unready, wait = np.zeros_like(asked), np.zeros_like(asked), np.zeros_like(asked)
        for level in _by_depth(tree):
            above = tree.parents[level]
            delay = np.where(above >= 0, wait[:, above], 0.0)
            fraction = tree.repair_fraction[:, level]
            here = (1.0 - fraction) * (tree.transit_days[:, level] + delay)
            here = here + fraction * tree.repair_days[:, level]
            orders = ordered[:, level]
            figures = self._shelves(level, asked[:, level] * here, orders * here)
            new_short[:, level], new_days[:, level] = figures.short, here
            late[:, level], unready[:, level] = figures.late, figures.unready
            wait[:, level] = np.divide(
                figures.late, orders, out=np.zeros_like(orders), where=orders > 0
            )
        missed = reached * new_short[:, self.sources.location]
        return Overflow(missed, new_short, late, unready, shipped, ordered, new_days)

    def _shelves(self, level: Integers, customers: Floats, orders: Floats) -> ShelfFigures:
        """Figures of some locations, as means over inventory positions where lots are ordered."""
        stock, lots = self.stock[:, level], self.lots[:, level]
        found = shelf_figures(stock, customers, orders)
        if (lots == 1).all():
            return found
        rows, columns = np.nonzero(lots > 1)
        size = lots[rows, columns]
        place = np.repeat(np.arange(len(rows)), size)
        below = np.arange(len(place)) - np.repeat(np.cumsum(size) - size, size)
        at = rows[place], columns[place]
        cases = shelf_figures(stock[at] - below, customers[at], orders[at])
        for name in ("short", "late", "unready"):
            mean = np.bincount(place, getattr(cases, name), len(rows)) / size
            getattr(found, name)[rows, columns] = mean
        return found

    def _orders(self, shipped: Floats) -> Floats:
        """What every location is asked for by those it replenishes [units/day]."""
        tree = self.tree
        ordered = np.zeros_like(shipped)
        for j in reversed(tree.order):
            if tree.parents[j] >= 0:
                placed = (1.0 - tree.repair_fraction[:, j]) * (shipped[:, j] + ordered[:, j])
                ordered[:, tree.parents[j]] += placed
        return ordered


def _by_depth(tree: SupplyTree) -> list[Integers]:
    return [np.flatnonzero(tree.depth == d) for d in range(int(tree.depth.max(initial=-1)) + 1)]
