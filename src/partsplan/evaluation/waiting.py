"""The waiting time for a part at any location of the tree, as shares of demand that wait longer.

The law of what is still outstanding a time u after a demand has the form of the pipeline law with
shorter times, so a location seen u days later is one more node of the same chain of laws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.chain import Chain
from partsplan.evaluation.exact import mixed_stockout
from partsplan.evaluation.supply import Floats, Integers, SupplyTree


def late_shares(
    tree: SupplyTree, stock: NDArray[np.int64], windows: Sequence[tuple[int, float]]
) -> Floats:
    r"""Share of the demand at a location that waits longer than a window.

    Parameters
    ----------
    tree : SupplyTree
        A block of parts with a common forest.
    stock : ndarray of int, shape (n_parts, n_locations)
        Base-stock levels :math:`S` [units].
    windows : sequence of (int, float)
        Location :math:`l` and window :math:`u \ge 0` [days].

    Returns
    -------
    ndarray, shape (n_parts, n_windows)
        :math:`P(W_l > u)`, right relative to itself however small; 0 or 1 shares included.

    Raises
    ------
    ValueError
        If a window is negative or not a number.

    Notes
    -----
    For :math:`S_l \ge 1`, :math:`P(W_l > u) = P(Q_l(u) \ge S_l)` with
    :math:`Q_l(u) = Poisson(\lambda_l [(1 - r)(T_l - u)^+ + r (R_l - u)^+]) +
    thin((Q_{parent}((u - T_l)^+) - S_{parent})^+, f_l)`. For :math:`S_l = 0` the demand waits for
    its own repair or order: :math:`r 1\{u < R_l\} + (1 - r) P(W_{parent} > u - T_l)`, 1 where
    :math:`u < T_l`; above a root the source never runs out. Times are deterministic. With local
    repair, `late_is_exact` says where this is an approximation. Under an uncertain rate the
    shares are size-biased means. Clustered demand: shares of units,
    :math:`P(Q_l(u) + J \ge S_l)` for :math:`u < T_l` with J the units that come before a unit
    in its order, at the roots that `exact_figures` has a law for; NaN elsewhere. Orders in lots
    are mixed over the inventory position as there.

    References
    ----------
    Sherbrooke (1986), Operations Research 34; Caggiano et al. (2007), M&SOM 9.

    Examples
    --------
    >>> tree = SupplyTree(
    ...     parents=np.array([-1]),
    ...     own_rate=np.array([[0.1]]),
    ...     transit_days=np.array([[10.0]]),
    ...     repair_fraction=np.zeros((1, 1)),
    ...     repair_days=np.zeros((1, 1)),
    ...     rate_shape=np.array([np.inf]),
    ... )
    >>> late_shares(tree, np.array([[1]]), [(0, 0.0), (0, 5.0), (0, 10.0)]).round(6).tolist()
    [[0.632121, 0.393469, 0.0]]
    """
    plan = _DelayedNodes(tree)
    asked = [plan.node(location, np.full(tree.n_parts, days)) for location, days in windows]
    if any(not days >= 0 for _, days in windows):
        raise ValueError("windows must be at least 0 days")
    if not asked:
        return np.zeros((tree.n_parts, 0))
    late = plan.late(np.asarray(stock))
    return late[:, asked]


def late_is_exact(tree: SupplyTree, windows: Sequence[tuple[int, float]]) -> NDArray[np.bool_]:
    r"""Whether the law of the waiting time is exact at a window.

    With local repair orders cross: beyond the shorter of the order-and-ship and the local repair
    time the law is an approximation, at the location itself or at one above it that the window
    reaches.

    Parameters
    ----------
    tree : SupplyTree
        A block of parts with a common forest.
    windows : sequence of (int, float)
        Location and window [days].

    Returns
    -------
    ndarray of bool, shape (n_parts, n_windows)
    """
    exact = np.ones((tree.n_parts, len(windows)), dtype=np.bool_)
    shortest = np.minimum(tree.transit_days, tree.repair_days)
    for i, (location, days) in enumerate(windows):
        node, left = location, np.full(tree.n_parts, float(days))
        while node >= 0:
            fraction = tree.repair_fraction[:, node]
            crossing = (fraction > 0) & (fraction < 1) & (left > 0) & (left >= shortest[:, node])
            exact[:, i] &= ~crossing
            left = np.maximum(left - tree.transit_days[:, node], 0.0)
            node = int(tree.parents[node])
    return exact


@dataclass(frozen=True)
class _DelayedNodes:
    """Locations seen some time later, each with the node above that its wait depends on."""

    tree: SupplyTree
    locations: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    delays: list[Floats] = field(default_factory=list)
    known: dict[tuple[int, bytes], int] = field(default_factory=dict)

    def node(self, location: int, days: Floats) -> int:
        """Position of a location seen ``days`` later (one delay per part), made where missing."""
        if location < 0:
            return -1
        key = (location, days.tobytes())
        if key not in self.known:
            left = np.maximum(days - self.tree.transit_days[:, location], 0.0)
            parent = self.node(int(self.tree.parents[location]), left)
            self.known[key] = len(self.locations)
            self.locations.append(location)
            self.parents.append(parent)
            self.delays.append(days)
        return self.known[key]

    def late(self, stock: Integers) -> Floats:
        """Share of demand that waits longer than the delay, shape (n_parts, n_nodes)."""
        short = self._short(stock)
        late = np.empty_like(short)
        for node, (location, parent) in enumerate(zip(self.locations, self.parents, strict=True)):
            days = self.delays[node]
            fraction = self.tree.repair_fraction[:, location]
            transit = self.tree.transit_days[:, location]
            above = late[:, parent] if parent >= 0 else 0.0
            ordered = np.where(days < transit, 1.0, above)
            repaired = days < self.tree.repair_days[:, location]
            unstocked = fraction * repaired + (1.0 - fraction) * ordered
            late[:, node] = np.where(stock[:, location] > 0, short[:, node], unstocked)
        return late

    def _short(self, stock: Integers) -> Floats:
        """Probability that no unit of the node's stock is free the delay later."""
        delays = np.stack(self.delays, axis=1)
        tree, at = self.tree, self.locations
        fraction = tree.repair_fraction[:, at]
        outstanding = tree.rate[:, at] * (
            (1.0 - fraction) * np.maximum(tree.transit_days[:, at] - delays, 0.0)
            + fraction * np.maximum(tree.repair_days[:, at] - delays, 0.0)
        )
        parents = np.array(self.parents, dtype=np.int64)
        lots = tree.order_lots(stock)
        chain = Chain(
            parents,
            outstanding,
            tree.share[:, at],
            stock[:, at],
            None if lots is None else lots[:, at],
        )
        return mixed_stockout(chain, tree.rate_shape, tree.exact_clustering[:, at])
