"""Adds up failures of many groups of units per part and location."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.demand.renewal_windows import WindowCounts

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass
class FleetTally:
    """Sums of means and variances by a key; groups of units fail independently of each other."""

    n_windows: int
    keys: list[Integers] = field(default_factory=list)
    counts: list[WindowCounts] = field(default_factory=list)

    def add(self, key: Integers, group: Integers, units: Floats, counts: WindowCounts) -> None:
        """Add units of groups whose counts are known.

        Parameters
        ----------
        key
            Shape (n,): what to sum by, such as part x n_locations + location.
        group
            Shape (n,): group of the units, a position in ``counts``.
        units
            Shape (n,): how many units.
        counts
            Failures of one unit of each group.
        """
        if not len(key):
            return
        distinct, place = np.unique(key, return_inverse=True)
        shape = (len(distinct), len(counts.total_mean))
        sums = scipy.sparse.csr_array((units, (place.reshape(-1), group)), shape=shape)
        mean = np.asarray(sums @ counts.mean)
        total_mean = np.asarray(sums @ counts.total_mean)
        is_poisson = counts.variance is counts.mean
        variance = mean if is_poisson else np.asarray(sums @ counts.variance)
        total = total_mean if is_poisson else np.asarray(sums @ counts.total_variance)
        self.keys.append(distinct)
        self.counts.append(WindowCounts(mean, variance, total_mean, total))

    def add_poisson(self, key: Integers, group: Integers, units: Floats, mean: Floats) -> None:
        """Add units of groups whose failures are Poisson, of shape (n_groups, n_windows)."""
        total = mean.sum(axis=1)
        self.add(key, group, units, WindowCounts(mean, mean, total, total))

    def sums(self) -> tuple[Integers, WindowCounts]:
        """Give the distinct keys, ascending, and the counts of all their units together."""
        if not self.keys:
            return np.empty(0, dtype=np.int64), WindowCounts.zeros(0, self.n_windows)
        distinct, place = np.unique(np.concatenate(self.keys), return_inverse=True)
        result = WindowCounts.zeros(len(distinct), self.n_windows)
        bounds = np.cumsum([0, *(len(key) for key in self.keys)])
        for first, last, counts in zip(bounds, bounds[1:], self.counts, strict=False):
            rows = place.reshape(-1)[first:last]
            result.mean[rows] += counts.mean
            result.variance[rows] += counts.variance
            result.total_mean[rows] += counts.total_mean
            result.total_variance[rows] += counts.total_variance
        return distinct, result
