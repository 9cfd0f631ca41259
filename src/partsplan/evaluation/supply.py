"""The supply tree: what the kernels know of a block of parts that share one replenishment forest.

A block holds plain arrays with axes (part, location) and one parent per location. Everything is
in days and units per day; ids, tables and commitments stay outside. Rates climb the tree as in
Graves (1985): a location orders what it demands and does not repair itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


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
    """

    parents: Integers
    own_rate: Floats
    transit_days: Floats
    repair_fraction: Floats
    repair_days: Floats
    rate_shape: Floats

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
            repair_fraction=self.repair_fraction[rows],
            repair_days=self.repair_days[rows],
            rate_shape=self.rate_shape[rows],
        )

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Locations, each after the one that replenishes it."""
        return tuple(int(j) for j in np.argsort(self.depth, kind="stable"))

    @cached_property
    def depth(self) -> Integers:
        """Replenishment steps from the root; 0 at a root."""
        depth = np.zeros(len(self.parents), dtype=np.int64)
        step = self.parents.copy()
        while (step >= 0).any():
            depth += step >= 0
            step = np.where(step >= 0, self.parents[step], -1)
        return depth

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """For each location the locations it replenishes, in location order."""
        return tuple(
            tuple(int(j) for j in np.flatnonzero(self.parents == l))
            for l in range(len(self.parents))
        )

    @cached_property
    def rate(self) -> Floats:
        r"""Total demand :math:`\lambda_l`: own customers and the orders of the children [units/day]."""
        rate = self.own_rate.copy()
        for j in reversed(self.order):
            if self.parents[j] >= 0:
                rate[:, self.parents[j]] += (1.0 - self.repair_fraction[:, j]) * rate[:, j]
        return rate

    @cached_property
    def share(self) -> Floats:
        r"""Share :math:`f_j = (1 - r_j) \lambda_j / \lambda_l` of the parent's demand that j places; 0 at a root."""
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
        return self.rate * (
            (1.0 - self.repair_fraction) * transit + self.repair_fraction * repair
        )
