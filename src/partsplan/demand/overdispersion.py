r"""How much rates differ between members of a group: the negative binomial likelihood of counts.

Failures of member i of a group are Poisson with mean :math:`m e_i z_i`: :math:`m` is the group's
rate, :math:`e_i` the exposure, and :math:`z_i` is gamma of mean 1 and variance :math:`\alpha`, the
overdispersion; :math:`\alpha = 0` is one rate for all. Everything is fitted for all groups at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.errors import PartsplanError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LEAST_DISPERSION = 1e-4
"""Smallest overdispersion told from none: a spread of 1 % of the rate."""

_GRID = np.log(np.array([LEAST_DISPERSION, 1e-3, 0.01, 0.1, 0.5, 2.0, 10.0, 100.0]))
_LARGEST_STEP = 2.0
_MOST_STEPS = 100
_BLOCK_MEMBERS = 20_000
_CLOSE = 1e-9
"""Newton step of the log rate below which it is found; the next one would be its square."""


@dataclass(frozen=True, eq=False)
class GroupedCounts:
    """Failures of members of groups; arrays of members have shape (n_members,)."""

    failures: Floats
    """Failures, which may be weighted sums."""
    exposure: Floats
    """Exposure in any unit, above 0: hours, or the failures that a reference rate expects."""
    group: Integers
    """Position of each member's group."""
    n_groups: int

    def total(self, amounts: Floats) -> Floats:
        """Sum of members' amounts by group, shape (n_groups,)."""
        return np.bincount(self.group, amounts, self.n_groups).astype(np.float64)


@dataclass(frozen=True, eq=False)
class GroupPriors:
    r"""Gamma priors of the groups' rates, each of shape (n_groups,).

    A prior of shape 1/2 without exposure is Jeffreys'. Where members differ, Jeffreys' prior of a
    negative binomial mean is proportional to the root of :math:`R = \sum_i \mu_i B_i`,
    :math:`B_i = 1 / (1 + \alpha_i \mu_i)`, and stays bounded where a power of the rate would not.
    """

    shape: Floats
    exposure: Floats

    @classmethod
    def none(cls, n_groups: int) -> GroupPriors:
        """No prior: the likelihood alone."""
        return cls(np.zeros(n_groups), np.zeros(n_groups))

    @property
    def is_flat(self) -> NDArray[np.bool_]:
        """Shape (n_groups,): whether there is a prior without exposure."""
        return np.asarray((self.shape > 0.0) & (self.exposure == 0.0))

    def derivatives(self, rate: Floats, information: Information | None) -> tuple[Floats, Floats]:
        """First derivative, and minus the second, of the log density by the log rate."""
        slope, curve = self.shape - self.exposure * rate, self.exposure * rate
        if information is not None:
            flat = self.is_flat
            ratio = information.slope[flat] / information.value[flat]
            slope[flat] = self.shape[flat] * ratio
            bend = information.curve[flat] / information.value[flat] - ratio**2
            curve[flat] = -self.shape[flat] * bend
        return slope, curve

    def log_density(self, rate: Floats, information: Floats) -> Floats:
        """Log density of the log rate, up to a constant of each group."""
        power = np.where(self.is_flat, information, rate)
        return np.asarray(scipy.special.xlogy(self.shape, power) - self.exposure * rate)


@dataclass(frozen=True, eq=False)
class Information:
    r"""Expected information on the groups' log rates, :math:`R = \sum_i \mu_i B_i`."""

    value: Floats
    slope: Floats
    """First derivative by the log rate."""
    curve: Floats
    """Second derivative."""

    @classmethod
    def of(cls, counts: GroupedCounts, mean: Floats, kept: Floats) -> Information:
        r"""Sum over members with mean :math:`\mu_i` and :math:`B_i` = ``kept``."""
        first = mean * kept
        second = first * kept
        return cls(
            counts.total(first), counts.total(second), counts.total(second * (2.0 * kept - 1.0))
        )


@dataclass(frozen=True, eq=False)
class GroupRates:
    r"""Rate of each group and how well it is known; all of shape (n_groups,).

    :math:`\log m` has a concave log density. Where members do not differ, the law is the gamma law
    of mean ``mode`` and shape ``shape``; else moments follow by Laplace's method.
    """

    mode: Floats
    """Most likely rate, on the scale of its logarithm."""
    shape: Floats
    """Minus the second derivative there, :math:`A`: the gamma shape."""
    bend: Floats
    """Minus the third derivative there; equal to the shape for a gamma law."""

    @property
    def mean(self) -> Floats:
        """Mean rate, to the second order."""
        return np.asarray(self.mode * np.exp((self.shape - self.bend) / (2.0 * self.shape**2)))


def group_rates(
    counts: GroupedCounts, dispersion: Floats, priors: GroupPriors, start: Floats | None = None
) -> GroupRates:
    """Find the most likely log rate of every group by Newton steps on all of them at once.

    Parameters
    ----------
    counts
        Failures and exposure. A group needs failures or a prior, and exposure or a prior.
    dispersion
        Shape (n_members,): overdispersion of each member [-].
    priors
        Priors of the groups' rates.
    start
        Shape (n_groups,): rates to start from; pooled rates where not given.
    """
    n, e, group = counts.failures, counts.exposure, counts.group
    if start is None or not dispersion.any():
        failures = priors.shape + counts.total(n)
        start = failures / (priors.exposure + counts.total(e))
        if not dispersion.any():
            return GroupRates(start, failures, failures)
    x = np.log(start)
    has_flat = bool(priors.is_flat.any())
    for _ in range(_MOST_STEPS):
        rate = np.exp(x)
        mean = rate[group] * e
        kept = 1.0 / (1.0 + dispersion * mean)
        information = Information.of(counts, mean, kept) if has_flat else None
        slope, shape = priors.derivatives(rate, information)
        slope += counts.total(kept * (n - mean))
        curve = kept * kept * mean * (1.0 + dispersion * n)
        shape += counts.total(curve)
        step = np.clip(slope / shape, -_LARGEST_STEP, _LARGEST_STEP)
        if np.abs(step).max(initial=0.0) < _CLOSE:
            bend = priors.exposure * rate + counts.total(curve * (2.0 * kept - 1.0))
            return GroupRates(rate, shape, bend)
        x = x + step
    raise PartsplanError("The rates of groups of counts were not found in 100 Newton steps.")


def member_log_likelihood(
    counts: GroupedCounts, dispersion: Floats, class_of: Integers, rate: Floats
) -> Floats:
    """Log probability of each member's failures, up to ``gammaln(failures + 1)``.

    Parameters
    ----------
    counts
        Failures and exposure.
    dispersion
        Shape (n_classes,): overdispersion of each class [-].
    class_of
        Shape (n_members,): class of each member.
    rate
        Shape (n_groups,): rate of each group.
    """
    n, mean = counts.failures, rate[counts.group] * counts.exposure
    poisson = scipy.special.xlogy(n, mean) - mean
    if not dispersion.any():
        return np.asarray(poisson)
    shape = 1.0 / np.where(dispersion > 0.0, dispersion, 1.0)
    constant = scipy.special.gammaln(shape)[class_of]
    a = shape[class_of]
    odds = mean / a
    mixed = (
        scipy.special.gammaln(a + n)
        - constant
        + scipy.special.xlogy(n, odds)
        - (n + a) * np.log1p(odds)
    )
    return np.where(dispersion[class_of] > 0.0, mixed, poisson)


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
    """Follow vertices of parabolas from the best point of each class; its place and value."""
    classes = np.arange(profile.n_classes)
    x = np.array([_GRID[best - 1], _GRID[best], _GRID[best + 1]])
    y = np.array([grid[best - 1, classes], grid[best, classes], grid[best + 1, classes]])
    rates: Floats | None = None
    for _ in range(_MOST_STEPS):
        vertex = np.clip(_vertices(x, y), x[0], x[2])
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
