r"""How much rates differ between members of a group: the negative binomial likelihood of counts.

Failures of member i of a group are Poisson with mean :math:`m e_i z_i`: :math:`m` is the group's
rate, :math:`e_i` the exposure, and :math:`z_i` is gamma of mean 1 and variance :math:`\alpha`, the
overdispersion; :math:`\alpha = 0` is one rate for all. Everything is fitted for all groups at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.errors import PartsplanError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_LARGEST_STEP = 2.0
_MOST_STEPS = 200
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


def shifted(skew: Floats, shape: Floats) -> Floats:
    r"""Factor :math:`\exp(s / (2 A^2))` from a mode to a mean, at most e up or down.

    Beyond that, where hardly anything is known, the expansion behind it does not hold.
    """
    return np.asarray(np.exp(np.clip(skew / (2.0 * shape**2), -1.0, 1.0)))


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
        return np.asarray(self.mode * shifted(self.shape - self.bend, self.shape))


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
    search = _RootSearch.around(np.log(start))
    has_flat = bool(priors.is_flat.any())
    for _ in range(_MOST_STEPS):
        rate = np.exp(search.place)
        mean = rate[group] * e
        kept = 1.0 / (1.0 + dispersion * mean)
        information = Information.of(counts, mean, kept) if has_flat else None
        slope, shape = priors.derivatives(rate, information)
        slope += counts.total(kept * (n - mean))
        curve = kept * kept * mean * (1.0 + dispersion * n)
        shape += counts.total(curve)
        if search.is_near(slope, shape).all():
            bend = priors.exposure * rate + counts.total(curve * (2.0 * kept - 1.0))
            return GroupRates(rate, shape, bend)
        search.step(slope, shape)
    raise PartsplanError("The rates of groups of counts were not found in 200 steps.")


@dataclass(eq=False)
class _RootSearch:
    """Where falling slopes are 0: Newton steps, kept inside what is known to hold the root."""

    place: Floats
    low: Floats
    high: Floats
    last: Floats
    """Size of the last step."""

    @classmethod
    def around(cls, place: Floats) -> _RootSearch:
        endless = np.full(len(place), np.inf)
        return cls(place, -endless, endless.copy(), endless.copy())

    def is_near(self, slope: Floats, shape: Floats) -> NDArray[np.bool_]:
        """Whether a root is no farther than a step of no account."""
        return np.asarray((np.abs(slope) < _CLOSE * shape) | (self.high - self.low < _CLOSE))

    def step(self, slope: Floats, shape: Floats) -> None:
        """Go to the root of the tangents, or to the middle where that helps too little."""
        rises = slope > 0.0
        self.low = np.where(rises, self.place, self.low)
        self.high = np.where(rises, self.high, self.place)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = self.place + slope / shape
            middle = np.where(
                np.isinf(self.low) | np.isinf(self.high),
                self.place + np.where(rises, _LARGEST_STEP, -_LARGEST_STEP),
                0.5 * (self.low + self.high),
            )
            size = np.abs(newton - self.place)
            is_good = (shape > 0.0) & (newton > self.low) & (newton < self.high)
            is_good &= (size <= 0.5 * self.last) & (size <= _LARGEST_STEP)
        new = np.where(is_good, newton, middle)
        new = np.where(self.is_near(slope, shape), self.place, new)
        self.last = np.abs(new - self.place)
        self.place = new


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
