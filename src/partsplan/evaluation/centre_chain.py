r"""Small groups with a centre that supplies them: the joint Markov chain of shelves and orders.

An FSL whose centre is empty waits, and its customers ask the centre that is empty: the fixed point
of overflow takes the two as independent. Here the state holds every shelf, the units on the way
and the orders that wait: exact for exponential times, but for the turn in which waiting orders of
different locations are filled (at random in place of first come, first served).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.evaluation.overflow import Overflow, SourceTree
from partsplan.evaluation.supply import Floats, Integers, SupplyTree

Booleans = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SuppliedGroup:
    """Locations that ask or supply each other: roots, some of them centres, and their FSLs."""

    roots: Integers
    """Positions of the locations that nothing stocked supplies."""
    children: Integers
    """Positions of the locations that one of the roots supplies."""
    centre: Integers
    """Shape (n_children,): place in ``roots`` of the supplier."""

    @classmethod
    def of(cls, members: Integers, parents: Integers, stock: Integers) -> SuppliedGroup:
        """Group of some locations with stock on two levels at most."""
        parent = parents[members]
        below = (parent >= 0) & (stock[parent] > 0)
        roots, children = members[~below], members[below]
        return cls(roots, children, np.searchsorted(roots, parent[below]))

    def n_states(self, stock: Integers) -> float:
        """Number of states of the chain."""
        count = 1.0
        for place, root in enumerate(self.roots.tolist()):
            own = stock[self.children[self.centre == place]] + 1.0
            without = float(np.prod(own))
            count *= without * stock[root] + float(np.prod(own * (own + 1.0) / 2.0))
        return count


def are_two_levels(tree: SupplyTree, stock: Integers) -> Booleans:
    """Rows whose stocked locations are roots, or directly below one and do not repair.

    ``stock`` has the shape (n_rows, n_locations).
    """
    held, has_parent = stock > 0, tree.parents >= 0
    stocked_above = np.zeros(stock.shape, dtype=np.bool_)
    for j in tree.order:
        if tree.parents[j] >= 0:
            stocked_above[:, j] = stocked_above[:, tree.parents[j]] | held[:, tree.parents[j]]
    direct = has_parent & held[:, tree.parents] & ~stocked_above[:, tree.parents]
    direct &= (tree.repair_fraction <= 0) & (tree.transit_days > 0)
    return np.asarray((~held | ~stocked_above | direct).all(axis=1))


class CentreChain:
    """Chain of a group: on-hand stock of roots, and units on the way and waited for of the rest.

    Parameters
    ----------
    sources, rate
        Orders in which sources are asked and, of shape (n_nodes,), demand of each [units/day].
    group, stock
        The group and, of shape (n_locations,), base stock [units].
    days
        Shape (n_locations,): resupply time of roots, transit of the others [days].
    """

    def __init__(
        self,
        sources: SourceTree,
        rate: Floats,
        group: SuppliedGroup,
        stock: Integers,
        days: Floats,
    ) -> None:
        self.rate, self.group, self.stock, self.days = rate, group, stock, days
        self.location = sources.location
        held = stock[group.children]
        shape = (*(stock[group.roots] + 1), *np.repeat(held + 1, 2))
        grid = np.indices(shape).reshape(len(shape), -1)
        n_roots, n_children = len(group.roots), len(group.children)
        on_hand = grid[:n_roots]
        on_way, waiting = grid[n_roots::2], grid[n_roots + 1 :: 2]
        self.owes = np.zeros((n_roots, n_children))
        self.owes[group.centre, np.arange(n_children)] = 1.0
        owed = self.owes @ waiting
        valid = ((on_way + waiting) <= held[:, np.newaxis]).all(axis=0)
        valid &= ~((owed > 0) & (on_hand > 0)).any(axis=0)
        cells = np.flatnonzero(valid)
        self.place = np.full(grid.shape[1], -1)
        self.place[cells] = np.arange(len(cells))
        self.cells = cells
        self.stride = np.append(np.cumprod(shape[::-1])[::-1][1:], 1).astype(np.int64)
        self.on_hand, self.on_way = on_hand[:, cells], on_way[:, cells]
        self.waiting, self.owed = waiting[:, cells], owed[:, cells]
        self._walk(sources)

    def _walk(self, sources: SourceTree) -> None:
        """Per state, whether every node's demand is missed so far, and met at the node."""
        group, n_states = self.group, len(self.cells)
        empty = np.ones((n_states, len(self.stock)), dtype=np.bool_)
        empty[:, group.roots] = (self.on_hand == 0).T
        out = self.on_way + self.waiting
        empty[:, group.children] = (out == self.stock[group.children][:, np.newaxis]).T
        self.empty = empty
        inside = np.zeros(len(self.stock), dtype=np.bool_)
        inside[group.roots] = inside[group.children] = True
        self.missed = np.ones((n_states, sources.n_nodes), dtype=np.bool_)
        self.met = np.zeros_like(self.missed)
        belongs = np.zeros(sources.n_nodes, dtype=np.bool_)
        for nodes in sources.levels:
            above, here = sources.above[nodes], sources.location[nodes]
            before = np.where(above >= 0, self.missed[:, above], True)
            ships = inside[here] & ~empty[:, here]
            belongs[nodes] = inside[here] | ((above >= 0) & belongs[above])
            self.met[:, nodes] = before & ships
            self.missed[:, nodes] = before & ~ships
        self.nodes = np.flatnonzero(belongs)

    def enter(self, found: Overflow, row: int) -> None:
        """Write the stationary figures into a row."""
        group, law = self.group, self._law()
        members = np.concatenate([group.roots, group.children])
        found.missed[row, self.nodes] = law @ self.missed[:, self.nodes]
        found.short[row, members] = law @ self.empty[:, members]
        shipped = np.stack([self._shipped(j) for j in members.tolist()], axis=1)
        found.shipped[row, members] = law @ shipped
        found.late[row, group.roots] = self.owed @ law
        found.unready[row, group.roots] = (self.owed > 0) @ law
        orders = found.shipped[row, group.children]
        found.ordered[row, group.roots] = self.owes @ orders
        out = (self.on_way + self.waiting) @ law
        days = np.divide(out, orders, out=self.days[group.children].copy(), where=orders > 0)
        found.resupply_days[row, group.children] = days

    def _shipped(self, location: int) -> Floats:
        """Demand that a location meets in every state [units/day]."""
        nodes = self.location == location
        return np.asarray(self.met[:, nodes] @ self.rate[nodes])

    def _law(self) -> Floats:
        """Stationary law of the chain, relative to the state of full shelves, then scaled."""
        from_, to, rates = [], [], []
        for step, rate in self._moves():
            here = np.flatnonzero(rate > 0)
            from_ += [here, here]
            to += [self.place[self.cells[here] + step], here]
            rates += [rate[here], -rate[here]]
        entries = np.concatenate(rates), (np.concatenate(to), np.concatenate(from_))
        n_states = len(self.cells)
        generator = scipy.sparse.csc_array(entries, shape=(n_states, n_states))
        is_full = (self.on_hand == self.stock[self.group.roots][:, np.newaxis]).all(axis=0)
        full = int(np.flatnonzero(is_full & (self.on_way == 0).all(axis=0))[0])
        rest = np.flatnonzero(np.arange(n_states) != full)
        law = np.ones(n_states)
        inflow = -generator[rest][:, [full]].toarray()[:, 0]
        law[rest] = scipy.sparse.linalg.splu(generator[rest][:, rest]).solve(inflow)
        law = np.maximum(law, 0.0)
        return np.asarray(law / law.sum())

    def _moves(self) -> list[tuple[int, Floats]]:
        """Steps in the grid and their rates by state [1/day]."""
        group, n_roots = self.group, len(self.group.roots)
        moves: list[tuple[int, Floats]] = []
        for place, root in enumerate(group.roots.tolist()):
            shelf = int(self.stride[place])
            moves.append((-shelf, self._shipped(root)))
            due = (self.stock[root] - self.on_hand[place] + self.owed[place]) / self.days[root]
            moves.append((shelf, np.where(self.owed[place] > 0, 0.0, due)))
            for child in np.flatnonzero(group.centre == place).tolist():
                way, wait = (int(s) for s in self.stride[n_roots + 2 * child :][:2])
                share = self.waiting[child] / np.maximum(self.owed[place], 1.0)
                moves.append((way - wait, due * share))
                moves.append((-way, self.on_way[child] / self.days[group.children[child]]))
                asked = self._shipped(int(group.children[child]))
                filled = self.on_hand[place] > 0
                moves.append((way - shelf, np.where(filled, asked, 0.0)))
                moves.append((wait, np.where(filled, 0.0, asked)))
        return moves
