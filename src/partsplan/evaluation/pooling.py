"""Small groups of locations that help each other out: the Markov chain of their shelves.

Where a group has few states its stationary law takes the place of the fixed point of overflowing
streams: exact for exponential resupply times, and for the whole group's emergency share with
equal resupply times of any law. Larger groups that pool fully: `damped_pooling`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.centre_chain import CentreChain, SuppliedGroup, are_two_levels
from partsplan.evaluation.damped_pooling import enter_full_pooling
from partsplan.evaluation.erlang import erlang_loss
from partsplan.evaluation.overflow import Overflow, SourceTree
from partsplan.evaluation.supply import Floats, Integers, SupplyTree

MOST_STATES = 400
"""Largest number of states for which a group's chain is solved."""
MOST_STATES_OF_CENTRES = 2_000
"""The same for a group with a centre that supplies it."""


def full_pooling(stock: int, load: float) -> tuple[float, float]:
    r"""Emergency share and mean stock on hand of locations that all help each other out.

    With equal resupply times the group holds out like one location with all the stock:
    :math:`B(\sum S, \sum a)`, whoever ships to whom.

    Parameters
    ----------
    stock : int
        Base stock of the whole group [units].
    load : float
        Demand of the whole group over the resupply time [units].

    Returns
    -------
    tuple of float
        Share of demand met from outside, and units on hand in the group [units].

    References
    ----------
    Kranenburg and van Houtum (2009), European Journal of Operational Research 199.

    Examples
    --------
    >>> emergency, on_hand = full_pooling(2, 2.0)
    >>> round(emergency, 6), round(on_hand, 6)
    (0.4, 0.8)
    """
    loss = float(erlang_loss(stock, load))
    return loss, stock - load * (1.0 - loss)


def groups_of_row(
    sources: SourceTree, rate: Floats, stock: Integers, parents: Integers | None = None
) -> Integers:
    """Group of every location: those with stock that follow each other in someone's order.

    ``rate`` and ``stock`` have the shapes (n_nodes,) and (n_locations,); -1 without stock. With
    ``parents``, locations that supply each other belong together too.
    """
    nearest = np.full(sources.n_nodes, -1, dtype=np.int64)
    pairs: list[Integers] = []
    for nodes in sources.levels:
        above, here = sources.above[nodes], sources.location[nodes]
        before = np.where(above >= 0, nearest[above], -1)
        held = stock[here] > 0
        nearest[nodes] = np.where(held, here, before)
        joined = held & (before >= 0) & (rate[nodes] > 0)
        pairs.append(np.stack([before[joined], here[joined]]))
    if parents is not None:
        supplied = np.flatnonzero((parents >= 0) & (stock > 0) & (stock[parents] > 0))
        pairs.append(np.stack([parents[supplied], supplied]))
    one, other = np.concatenate(pairs, axis=1)
    group = np.arange(len(stock))
    while (group[one] != group[other]).any():
        least = np.minimum(group[one], group[other])
        np.minimum.at(group, one, least)
        np.minimum.at(group, other, least)
    return np.where(stock > 0, group, -1)


def refine_small_groups(
    sources: SourceTree, rate: Floats, stock: Integers, found: Overflow, done: NDArray[np.bool_]
) -> None:
    """Put better figures in place of the fixed point's: of small groups and full pooling; in place.

    Groups with a location that supplies others keep the fixed point: their resupply is not
    independent of the group. ``done``, shape (n_rows, n_locations), marks what is known better.
    """
    large: list[tuple[int, NDArray[np.bool_]]] = []
    for row in range(len(stock)):
        group = np.where(done[row], -1, groups_of_row(sources, rate[row], stock[row]))
        for name in np.unique(group[group >= 0]).tolist():
            members = np.flatnonzero(group == name)
            states = float(np.prod(stock[row, members] + 1.0))
            is_closed = not found.ordered[row, members].any()
            lasts = (found.resupply_days[row, members] > 0).all()
            if len(members) < 2 or not (is_closed and lasts):
                continue
            if states > MOST_STATES:
                large.append((row, group == name))
                continue
            _GroupChain(sources, rate[row], members, stock[row], found.resupply_days[row]).enter(
                found, row
            )
    if large:
        rows = np.array([row for row, _ in large])
        inside = np.where(np.stack([members for _, members in large]), stock[rows], 0)
        enter_full_pooling(sources, rate[rows], inside, found, rows)


def refine_supplied_groups(
    sources: SourceTree,
    rate: Floats,
    tree: SupplyTree,
    stock: Integers,
    found: Overflow,
    *,
    done: NDArray[np.bool_],
) -> None:
    """Put the joint chain's figures in place for small groups with a centre; in place.

    ``done``, shape (n_rows, n_locations), marks what is left alone; what is solved is added to it.
    """
    parents = tree.parents
    supplies = (parents >= 0) & (stock > 0) & (stock[:, parents] > 0) & ~done
    for row in np.flatnonzero(supplies.any(axis=1) & are_two_levels(tree, stock)).tolist():
        group = groups_of_row(sources, rate[row], stock[row], parents)
        for name in np.unique(group[supplies[row]]).tolist():
            members = np.flatnonzero(group == name)
            supplied = SuppliedGroup.of(members, parents, stock[row])
            if supplied.n_states(stock[row]) > MOST_STATES_OF_CENTRES:
                continue
            days = found.resupply_days[row].copy()
            days[supplied.children] = tree.transit_days[row, supplied.children]
            if (days[members] > 0).all():
                CentreChain(sources, rate[row], supplied, stock[row], days).enter(found, row)
                done[row, members] = True


class _GroupChain:
    """Chain of the units missing at each location of a group."""

    def __init__(
        self, sources: SourceTree, rate: Floats, members: Integers, stock: Integers, days: Floats
    ) -> None:
        self.rate = rate
        self.members = members
        self.missing = np.indices(tuple(stock[members] + 1)).reshape(len(members), -1).T
        self.empty = np.zeros((len(self.missing), len(stock)), dtype=bool)
        self.empty[:, members] = self.missing == stock[members]
        self.nodes, self.missed, self.met = self._walk(sources, stock)
        self.location = sources.location
        self.days = days

    def _walk(self, sources: SourceTree, stock: Integers) -> tuple[Integers, Floats, Floats]:
        """Per state, whether each node's demand is missed so far, and met at the node itself."""
        inside = np.zeros(len(stock), dtype=bool)
        inside[self.members] = True
        missed = np.ones((len(self.missing), sources.n_nodes), dtype=bool)
        met = np.zeros_like(missed)
        belongs = np.zeros(sources.n_nodes, dtype=bool)
        for nodes in sources.levels:
            above, here = sources.above[nodes], sources.location[nodes]
            before = np.where(above >= 0, missed[:, above], True)
            ships = inside[here] & ~self.empty[:, here]
            belongs[nodes] = inside[here] | (np.where(above >= 0, belongs[above], False))
            met[:, nodes] = before & ships
            missed[:, nodes] = before & ~ships
        return np.flatnonzero(belongs), missed, met

    def enter(self, found: Overflow, row: int) -> None:
        """Write the stationary figures into a row."""
        law = self._law()
        found.missed[row, self.nodes] = law @ self.missed[:, self.nodes]
        found.short[row, self.members] = law @ self.empty[:, self.members]
        found.shipped[row, self.members] = law @ self._demand()

    def _demand(self) -> Floats:
        """Demand that each location of the group meets in every state [units/day]."""
        by_node = np.where(self.met, self.rate, 0.0)
        columns = [by_node[:, self.location == j].sum(axis=1) for j in self.members]
        return np.stack(columns, axis=1)

    def _law(self) -> Floats:
        """Stationary law of the chain."""
        sizes = self.missing.max(axis=0) + 1
        stride = np.append(np.cumprod(sizes[::-1])[::-1][1:], 1)
        n_states = len(self.missing)
        here = np.arange(n_states)
        up, down = self._demand(), self.missing / self.days[self.members]
        generator = np.zeros((n_states, n_states))
        for j, step in enumerate(stride.tolist()):
            rises, falls = up[:, j] > 0, down[:, j] > 0
            generator[here[rises] + step, here[rises]] += up[rises, j]
            generator[here[falls] - step, here[falls]] += down[falls, j]
        generator[here, here] -= (up + down).sum(axis=1)
        generator[-1] = 1.0
        right = np.zeros(n_states)
        right[-1] = 1.0
        law = np.maximum(np.linalg.solve(generator, right), 0.0)
        return np.asarray(law / law.sum())
