r"""Fits the overdispersion of counts by likelihood: one figure per class of groups.

The negative binomial likelihood is searched on a grid and refined by parabolas, for all classes at
once; the groups' rates are profiled out, or integrated out by Laplace's method.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.overdispersion import (
    GroupedCounts,
    GroupPriors,
    group_rates,
    member_log_likelihood,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LEAST_DISPERSION = 1e-4
"""Smallest overdispersion told from none: a spread of 1 % of the rate."""

_GRID = np.log(np.array([LEAST_DISPERSION, 1e-3, 0.01, 0.1, 0.5, 2.0, 10.0, 100.0]))
_MOST_REFINEMENTS = 100
_NEAR = 0.3
"""Distance of logarithms within which a parabola needs a neighbor for its top to be believed."""
_BLOCK_MEMBERS = 20_000


@dataclass(frozen=True, eq=False)
class Dispersion:
    """Overdispersion per class of groups, each of shape (n_classes,)."""

    value: Floats
    """Variance of the members' factors; 0 where they differ no more than by chance."""
    log_likelihood: Floats
    """Log likelihood there, up to the members' ``gammaln(failures + 1)``."""


@dataclass(frozen=True, eq=False)
class DispersionProfile:
    """Log likelihood of the overdispersion of classes of groups.

    With ``is_marginal`` the groups' rates are integrated out by Laplace's method, as is right where
    groups have few members; without, they take their most likely value.
    """

    counts: GroupedCounts
    priors: GroupPriors
    class_of: Integers
    """Shape (n_groups,): position of each group's class."""
    n_classes: int
    is_marginal: bool

    def at(self, dispersion: Floats, start: Floats | None = None) -> tuple[Floats, Floats]:
        """Log likelihood by class, and most likely rates of groups, at given overdispersions."""
        value = np.zeros(self.n_classes)
        mode = np.empty(self.counts.n_groups)
        for block in self._blocks:
            here = block.groups
            first = None if start is None else start[here]
            amounts, mode[here] = block.profile(dispersion, first, self.is_marginal)
            value += np.bincount(block.class_of, amounts, self.n_classes)
        return value, mode

    @cached_property
    def _blocks(self) -> list[_Block]:
        """The groups in pieces that fit into a processor's cache."""
        counts = self.counts
        order = np.argsort(counts.group, kind="stable")
        start_of = np.searchsorted(counts.group[order], np.arange(counts.n_groups + 1))
        n_blocks = max(len(order) // _BLOCK_MEMBERS, 1)
        ends = np.searchsorted(start_of, np.linspace(0, len(order), n_blocks + 1)[1:])
        ends[-1] = counts.n_groups
        blocks, first = [], 0
        for end in np.unique(ends).tolist():
            members = order[start_of[first] : start_of[end]]
            here = slice(first, end)
            own = GroupedCounts(
                counts.failures[members],
                counts.exposure[members],
                counts.group[members] - first,
                end - first,
            )
            priors = GroupPriors(self.priors.shape[here], self.priors.exposure[here])
            blocks.append(_Block(here, own, priors, self.class_of[here]))
            first = end
        return blocks


@dataclass(frozen=True, eq=False)
class _Block:
    """Some groups with their members."""

    groups: slice
    counts: GroupedCounts
    priors: GroupPriors
    class_of: Integers

    def profile(
        self, dispersion: Floats, start: Floats | None, is_marginal: bool
    ) -> tuple[Floats, Floats]:
        """Log likelihood and most likely rate of every group."""
        counts, priors = self.counts, self.priors
        class_of_member = self.class_of[counts.group]
        rates = group_rates(counts, dispersion[class_of_member], priors, start)
        value = counts.total(member_log_likelihood(counts, dispersion, class_of_member, rates.mode))
        if is_marginal:
            mean = rates.mode[counts.group] * counts.exposure
            information = counts.total(mean / (1.0 + dispersion[class_of_member] * mean))
            value += priors.log_density(rates.mode, information) - 0.5 * np.log(rates.shape)
        return value, rates.mode


def fit_dispersion(profile: DispersionProfile, tolerance: float = 1e-7) -> Dispersion:
    r"""Fit one overdispersion per class of groups by maximum likelihood.

    Parameters
    ----------
    profile
        The likelihood. Every group needs failures or a prior, and exposure or a prior.
    tolerance
        Wanted accuracy of the logarithm of the overdispersion.

    Notes
    -----
    The likelihood is searched on a grid of :math:`\alpha` from 1e-4 to 100 and refined by
    parabolas. Where nothing on the grid beats :math:`\alpha = 0`, or the least on the grid is the
    best, there is no overdispersion.
    """
    n_classes = profile.n_classes
    without, rates = profile.at(np.zeros(n_classes))
    values = []
    for point in _GRID:
        value, rates = profile.at(np.full(n_classes, np.exp(point)), rates)
        values.append(value)
    grid = np.array(values)
    best = grid.argmax(axis=0)
    at_edge = (best == 0) | (grid.max(axis=0) <= without)
    place, value = _refined(profile, grid, np.clip(best, 1, len(_GRID) - 2), tolerance)
    return Dispersion(np.where(at_edge, 0.0, np.exp(place)), np.where(at_edge, without, value))


def _refined(
    profile: DispersionProfile, grid: Floats, best: Integers, tolerance: float
) -> tuple[Floats, Floats]:
    """Follow vertices of parabolas from the best point of each class; its place and value.

    A parabola through points far apart may have its vertex at the middle one by chance; a point
    beside it then shows where the top is.
    """
    classes = np.arange(profile.n_classes)
    x = np.array([_GRID[best - 1], _GRID[best], _GRID[best + 1]])
    y = np.array([grid[best - 1, classes], grid[best, classes], grid[best + 1, classes]])
    rates: Floats | None = None
    for _ in range(_MOST_REFINEMENTS):
        vertex = np.clip(_vertices(x, y), x[0], x[2])
        by_chance = (np.abs(vertex - x[1]) <= tolerance) & (np.diff(x, axis=0).min(axis=0) > _NEAR)
        vertex = np.where(by_chance, 0.5 * (x[1] + x[2]), vertex)
        is_open = np.abs(vertex - x[1]) > tolerance
        if not is_open.any():
            break
        value, rates = profile.at(np.exp(vertex), rates)
        x, y = _narrowed(x, y, np.where(is_open, vertex, x[1]), np.where(is_open, value, y[1]))
    return x[1], y[1]


def _vertices(x: Floats, y: Floats) -> Floats:
    """Place of the extreme of the parabola through three points; the middle one where straight."""
    left = (x[1] - x[0]) * (y[1] - y[2])
    right = (x[1] - x[2]) * (y[1] - y[0])
    top = (x[1] - x[0]) * left - (x[1] - x[2]) * right
    bottom = left - right
    shift = np.divide(top, 2.0 * bottom, out=np.zeros_like(top), where=bottom > 0.0)
    return np.asarray(x[1] - shift)


def _narrowed(x: Floats, y: Floats, new: Floats, value: Floats) -> tuple[Floats, Floats]:
    """Keep the three points around the best of four."""
    is_same, is_right, is_better = new == x[1], new > x[1], value >= y[1]
    narrow_x = np.where(
        is_better,
        np.where(is_right, [x[1], new, x[2]], [x[0], new, x[1]]),
        np.where(is_right, [x[0], x[1], new], [new, x[1], x[2]]),
    )
    narrow_y = np.where(
        is_better,
        np.where(is_right, [y[1], value, y[2]], [y[0], value, y[1]]),
        np.where(is_right, [y[0], y[1], value], [value, y[1], y[2]]),
    )
    return np.where(is_same, x, narrow_x), np.where(is_same, y, narrow_y)
