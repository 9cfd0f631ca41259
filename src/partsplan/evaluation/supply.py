"""The supply tree: what the kernels know of a block of parts that share one replenishment forest.

A block holds plain arrays with axes (part, location) and one parent per location. Everything is
in days and units per day; ids, tables and commitments stay outside. Rates climb the tree as in
Graves (1985): a location orders what it demands and does not repair itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.lazy import lazy

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class SupplyTree:
    """Demand, times and parents of a block of parts with one common forest.

    Parameters
    ----------
    parents
        Shape (n_locations,): position of the location that replenishes each location,
        -1 where the outside supply does (a root).
    own_rate
        Shape (n_parts, n_locations): demand of the customers a location serves [units/day].
    transit_days
        Shape (n_parts, n_locations): :math:`T`, order to shelf when the source has stock; at a
        root the resupply time from outside [days].
    repair_fraction
        Shape (n_parts, n_locations): :math:`r`, share of demand repaired at the location itself.
    repair_days
        Shape (n_parts, n_locations): :math:`R`, local repair time [days].
    rate_shape
        Shape (n_parts,): gamma shape of the part's uncertain rate; ``inf`` where it is known.
    variance_to_mean
        Broadcastable to ``own_rate``: clustering of the own customers' demand, the same over any
        time span; 1 = Poisson. The customers of a location are one stream: where several have
        their own ratios, it has the mean-weighted one.
    lots
        Broadcastable to ``own_rate``: units that a root orders at a time, :math:`Q`; 1 (one for
        one) everywhere else.

    Raises
    ------
    ValueError
        If a lot is not a whole number of at least 1, or above 1 below a root.
    """

    parents: Integers
    own_rate: Floats
    transit_days: Floats
    repair_fraction: Floats
    repair_days: Floats
    rate_shape: Floats
    variance_to_mean: Floats = field(default_factory=lambda: np.ones((1, 1)), kw_only=True)
    lots: Integers = field(default_factory=lambda: np.ones((1, 1), dtype=np.int64), kw_only=True)

    def __post_init__(self) -> None:
        """Check the lots."""
        if not np.issubdtype(self.lots.dtype, np.integer) or (self.lots < 1).any():
            raise ValueError("lots must be whole numbers of at least 1")
        if (np.broadcast_to(self.lots, self.own_rate.shape)[:, self.parents >= 0] > 1).any():
            raise ValueError("lots must be 1 at locations that another one replenishes")

    @property
    def n_parts(self) -> int:
        """Number of parts in the block."""
        return int(self.own_rate.shape[0])

    @property
    def n_locations(self) -> int:
        """Number of locations of the network."""
        return int(self.own_rate.shape[1])

    def of_parts(self, rows: Integers) -> SupplyTree:
        """The tree of some parts, by their place in the block; a part may come twice."""
        return replace(
            self,
            own_rate=self.own_rate[rows],
            transit_days=self.transit_days[rows],
            repair_fraction=_rows_of(self.repair_fraction, rows),
            repair_days=_rows_of(self.repair_days, rows),
            rate_shape=self.rate_shape[rows],
            variance_to_mean=_rows_of(self._whole(self.variance_to_mean), rows),
            lots=_rows_of(self._whole(self.lots), rows),
        )

    def _whole(self, array: NDArray[Number]) -> NDArray[Number]:
        return np.broadcast_to(array, self.own_rate.shape)

    def _nowhere(self) -> NDArray[np.bool_]:
        return self._whole(np.zeros((1, 1), dtype=np.bool_))

    def lots_at(self, location: int) -> Integers:
        """Units per order at a location, shape (n_parts,)."""
        return self.asked_lots[:, location]

    @lazy
    def asked_lots(self) -> Integers:
        """Units per order, 1 where nobody asks for the part; shape (n_parts, n_locations)."""
        if not (self.lots > 1).any():
            return self._whole(np.ones((1, 1), dtype=np.int64))
        return np.where(self.rate > 0, self.lots, 1)

    def lots_held(self, stock: Integers) -> Integers:
        """Units per order at base stocks, whoever asks; shape (n_parts, n_locations).

        No order waits for a unit to be late: where :math:`S < Q`, a root orders S at a time.
        """
        return np.asarray(np.minimum(self.lots, np.maximum(stock, 1)))

    def order_lots(self, stock: Integers) -> Integers | None:
        """Units per order at base stocks of shape (n_parts, n_locations); None where all are 1.

        As `lots_held`, but what nobody asks for is never ordered.
        """
        if not (self.lots > 1).any():
            return None
        return np.where(self.rate > 0, self.lots_held(stock), 1)

    @lazy
    def order(self) -> tuple[int, ...]:
        """Locations, each after the one that replenishes it."""
        return tuple(int(j) for j in np.argsort(self.depth, kind="stable"))

    @lazy
    def depth(self) -> Integers:
        """Replenishment steps from the root; 0 at a root."""
        return depths(self.parents)

    @lazy
    def children(self) -> tuple[tuple[int, ...], ...]:
        """For each location the locations it replenishes, in location order."""
        return tuple(
            tuple(int(j) for j in np.flatnonzero(self.parents == location))
            for location in range(len(self.parents))
        )

    @lazy
    def rate(self) -> Floats:
        r"""Total demand :math:`\lambda_l`: own customers and the children's orders [units/day]."""
        rate = self.own_rate.copy()
        for j in reversed(self.order):
            if self.parents[j] >= 0:
                rate[:, self.parents[j]] += (1.0 - self.repair_fraction[:, j]) * rate[:, j]
        return rate

    @lazy
    def share(self) -> Floats:
        r"""Share of the parent's demand that j places, 0 at a root.

        :math:`f_j = (1 - r_j) \lambda_j / \lambda_l`.
        """
        orders = (1.0 - self.repair_fraction) * self.rate
        parent_rate = np.where(self.parents >= 0, self.rate[:, self.parents], 0.0)
        return np.divide(orders, parent_rate, out=np.zeros_like(orders), where=parent_rate > 0)

    def pipeline(self, window_days: Floats | float = 0.0) -> Floats:
        r"""Mean units under way that a wait of ``window_days`` does not bring [units].

        :math:`\lambda_l [(1 - r)(T - u)^+ + r (R - u)^+]`, with :math:`u = 0` the ordinary
        pipeline without the parent's delays.
        """
        transit = np.maximum(self.transit_days - window_days, 0.0)
        repair = np.maximum(self.repair_days - window_days, 0.0)
        return self.rate * ((1.0 - self.repair_fraction) * transit + self.repair_fraction * repair)

    @lazy
    def is_clustered(self) -> bool:
        """Whether any demand is clustered."""
        is_more = self.variance_to_mean > 1.0
        return bool(is_more.any() and (is_more & (self.own_rate > 0)).any())

    @lazy
    def clustering(self) -> Floats:
        r"""Variance over mean, minus 1, of all that customers and children ask a location for.

        Variances of independent streams add up. What a location orders is a share :math:`1 - r`
        of its units, drawn unit by unit, which leaves :math:`(1 - r)` times its own clustering.
        """
        if not self.is_clustered:
            return self._whole(np.zeros((1, 1)))
        excess = self.own_rate * (self.variance_to_mean - 1.0)
        for j in reversed(self.order):
            if self.parents[j] >= 0:
                excess[:, self.parents[j]] += (1.0 - self.repair_fraction[:, j]) ** 2 * excess[:, j]
        return np.divide(excess, self.rate, out=np.zeros_like(excess), where=self.rate > 0)

    @lazy
    def order_clustering(self) -> Floats:
        """Variance over mean, minus 1, of what a location orders."""
        if not self.is_clustered:
            return self.clustering
        return (1.0 - self.repair_fraction) * self.clustering

    @lazy
    def clustered_roots(self) -> NDArray[np.bool_]:
        """Where demand is clustered and has an exact law: roots that supply nobody with the part.

        All units of an order come back after the same time: a root that repairs a share of them
        itself has none.
        """
        return self._touched & ~self.without_exact_law if self.is_clustered else self._nowhere()

    @lazy
    def without_exact_law(self) -> NDArray[np.bool_]:
        """Where clustered demand, there or elsewhere in the tree, leaves no exact law."""
        if not self.is_clustered:
            return self._nowhere()
        asked_by_children = np.zeros(self.own_rate.shape, dtype=np.bool_)
        orders = (1.0 - self.repair_fraction) * self.rate > 0
        for j, parent in enumerate(self.parents):
            if parent >= 0:
                asked_by_children[:, parent] |= orders[:, j]
        splits = (self.repair_fraction > 0) & (self.repair_fraction < 1)
        return self._touched & ((self.parents >= 0) | asked_by_children | splits)

    @lazy
    def exact_clustering(self) -> Floats:
        """Clustering at `clustered_roots`, NaN where clustering leaves no exact law, else 0."""
        if not self.is_clustered:
            return self.clustering
        known = np.where(self.clustered_roots, self.clustering, 0.0)
        return np.where(self.without_exact_law, np.nan, known)

    @lazy
    def _touched(self) -> NDArray[np.bool_]:
        """Where clustered demand is seen, or waited for behind others of the same parent."""
        touched = self.clustering > 0
        for j in self.order:
            if self.parents[j] >= 0:
                orders = (1.0 - self.repair_fraction[:, j]) * self.rate[:, j] > 0
                touched[:, j] |= touched[:, self.parents[j]] & orders
        return touched

    def pipeline_excess(self) -> Floats:
        r"""Variance minus mean of ``pipeline()``: what clustering adds [units^2].

        :math:`\lambda (c - 1) [\min(T, R) + p^2 |T - R|]`: of the units that came longer than the
        shorter time ago, only the share p that takes the longer way is still under way.
        """
        shorter = np.minimum(self.transit_days, self.repair_days)
        longer = np.maximum(self.transit_days, self.repair_days)
        repaired = self.repair_fraction
        share = np.where(self.transit_days > self.repair_days, 1.0 - repaired, repaired)
        days = np.where(repaired > 0, shorter + share**2 * (longer - shorter), self.transit_days)
        return self.rate * self.clustering * days


def uniform(array: NDArray[Number]) -> NDArray[Number]:
    """The same figures in the memory of one, read-only, where all are equal."""
    if array.size and (array == array.flat[0]).all():
        return np.broadcast_to(array.ravel()[:1].copy(), array.shape)
    return array


def _rows_of(array: NDArray[Number], rows: Integers) -> NDArray[Number]:
    """Some rows; where all rows are one in memory, they stay so."""
    if len(array) and array.strides[0] == 0:
        return np.broadcast_to(array[0], (len(rows), *array.shape[1:]))
    return array[rows]


def depths(parents: Integers) -> Integers:
    """Steps from the root of every node of a forest, given each one's parent (-1 at a root)."""
    depth = np.zeros(len(parents), dtype=np.int64)
    step = parents
    while (step >= 0).any():
        depth += step >= 0
        step = np.where(step >= 0, parents[step], -1)
    return depth


def sums_on_paths(values: Floats, parents: Integers) -> Floats:
    """Sums over every node and all above it; the last axis is that of the nodes."""
    sums, depth = values.copy(), depths(parents)
    for level in range(1, int(depth.max(initial=0)) + 1):
        nodes = np.flatnonzero(depth == level)
        sums[..., nodes] += sums[..., parents[nodes]]
    return sums
