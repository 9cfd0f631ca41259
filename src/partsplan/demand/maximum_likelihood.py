"""Maximum likelihood of lifetimes, for all groups at once, and why a group may have none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.life_data import LifeData
from partsplan.demand.life_likelihood import LifeLikelihood
from partsplan.demand.life_paths import LogShape, PathLikelihood
from partsplan.demand.lifetime_families import Family
from partsplan.demand.newton import Maximum, maximize
from partsplan.demand.profile_intervals import SURELY_FAIL, figure_errors

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

NO_FAILURE = "no failure"
ONE_TIME = "all failures at one time"
ONE_TIME_OR_NEVER = "all failures at one time, and the other units may never fail"
EDGE = "the likelihood rises toward an edge"
ALL_FAIL = "no sign of units that never fail"

_NARROWEST, _WIDEST = 1e4, 1e-4
_GAIN = 1e-3
"""Log-likelihood by which a vanishing fraction that never fails must be better than none."""
_FLAT = 50.0
"""Standard error of a log rate, a log shape or a mu beyond which the likelihood is flat."""
CERTAIN = 40.0
"""Logit that stands for a fraction of 1 without loss."""


@dataclass(frozen=True)
class Estimates:
    """Parameters per group, and what to know about them."""

    likelihood: LifeLikelihood
    """Of the groups in ``known``, numbered anew."""
    known: Integers
    """Groups with an estimate."""
    peak: Maximum
    """Parameters (a, s[, q]) for centered log hours, and the log-likelihood there."""
    causes: tuple[str, ...]
    """Why a group has no estimate, or one at an edge; '' for most."""

    def take(self, places: Integers) -> Estimates:
        """Give some of the known groups only; ``known`` still numbers them among all."""
        return Estimates(
            self.likelihood.take(places), self.known[places], self.peak.take(places), self.causes
        )


def estimates(data: LifeData, family: Family) -> Estimates:
    """Fit a family to every group that has a maximum."""
    causes = np.full(data.n_groups, "", dtype=object)
    causes[data.observed_failures <= 0.0] = NO_FAILURE
    if not family.has_fixed_shape:
        causes[(causes == "") & _fails_at_one_time(data)] = ONE_TIME
    if family.has_fraction:
        causes[(causes == "") & _fails_at_one_time_if_ever(data)] = ONE_TIME_OR_NEVER
    groups = np.flatnonzero(causes == "")
    likelihood = LifeLikelihood(data.take(groups), family.law, family.has_fraction)
    found = _maximum(likelihood, family)
    theta, is_known = found.parameters, found.is_found & np.isfinite(found.value)
    is_known &= _is_pinned_down(likelihood, family, theta)
    causes[groups[~is_known]] = EDGE
    if family.has_fraction:
        causes[groups[is_known & (theta[:, 2] >= SURELY_FAIL)]] = ALL_FAIL
    known = np.flatnonzero(is_known)
    return Estimates(
        likelihood if is_known.all() else likelihood.take(known),
        groups[known],
        found.take(known),
        tuple(causes.tolist()),
    )


def _fails_at_one_time(data: LifeData) -> Mask:
    """Whether nothing bounds the shape: every failure at one time and no unit outlives it."""
    last = _most(data, np.where(data.is_running, -np.inf, data.upper))
    first = -_most(data, np.where(data.is_running, -np.inf, -data.lower))
    latest = _most(data, data.lower)
    only_exact = data.sums(data.is_between.astype(float)) == 0.0
    at_one: Mask = only_exact & (last == first) & (latest <= last)
    return at_one


def _fails_at_one_time_if_ever(data: LifeData) -> Mask:
    """Whether all failures may be at one known time, which units that never fail may outlive.

    The likelihood then rises without end as all units that ever fail do so at that time.
    """
    exact, failed = data.is_failed, ~data.is_running
    last = _most(data, np.where(exact, data.upper, -np.inf))
    first = -_most(data, np.where(exact, -data.lower, -np.inf))
    time = last[data.group]
    elsewhere = failed & ~((data.lower <= time) & (time <= data.upper))
    at_one: Mask = np.isfinite(last) & (first == last) & (data.sums(elsewhere.astype(float)) == 0)
    return at_one


def _most(data: LifeData, values: Floats) -> Floats:
    if not data.n_groups:
        return np.zeros(0)
    starts = np.searchsorted(data.group, np.arange(data.n_groups))
    return np.maximum.reduceat(values, starts)


def _maximum(likelihood: LifeLikelihood, family: Family) -> Maximum:
    start = _start(likelihood, family)
    if family.has_fixed_shape:
        nothing = np.zeros(len(start))
        problem = PathLikelihood(likelihood, LogShape((0,)), nothing, start)
        found = maximize(problem, start[:, :1])
        theta = np.column_stack([found.parameters[:, 0], np.ones(len(start))])
        return Maximum(theta, found.value, found.is_found)
    if family.has_fraction:
        return _with_fraction(likelihood, start)
    return maximize(likelihood, start)


def _start(likelihood: LifeLikelihood, family: Family) -> Floats:
    """Spread of the log hours of failures, and their share, as a first guess.

    The guess is wide enough for the longest life not to be off by many orders of magnitude.
    """
    data = likelihood.data
    ended = ~data.is_running
    middle = np.where(data.is_between, 0.5 * (data.lower + data.upper), data.lower)
    y = np.log(np.where(ended, middle, 1.0)) - likelihood.center[data.group]
    weight = np.where(ended, data.weight, 0.0)
    spread = np.sqrt(data.sums(weight * y**2) / data.observed_failures)
    longest = _most(data, data.lower)
    beyond = np.log(np.where(longest > 0.0, longest, 1.0)) - likelihood.center
    s = np.clip(1.0 / np.maximum(spread, 1e-3), 0.2, 5.0 / np.maximum(beyond, 0.05))
    if family.has_fixed_shape:
        s = np.ones_like(s)
    share = data.observed_failures / (data.observed_failures + data.censored)
    a = -family.law.quantile(0.6 * share)
    return np.column_stack([a, s])


def _with_fraction(likelihood: LifeLikelihood, start: Floats) -> Maximum:
    """Climb from where all units fail and from where only those that did; keep the best.

    The likelihood is not concave in the fraction, and where the plain Weibull is as good the
    fraction that never fails is 0. Where the likelihood rises as the fraction vanishes, yet to more
    than it has without one, there is no maximum: a unit that entered after all others had failed
    needs some fraction, however small.
    """
    data = likelihood.data
    plain = maximize(LifeLikelihood(data, likelihood.law), start)
    whole = np.full(len(start), CERTAIN)
    most = np.clip(data.observed_failures / (data.observed_failures + data.censored), 0.01, 0.98)
    odds = np.log(most / (1.0 - most))
    near = np.column_stack([plain.parameters, np.full(len(start), 2.0)])
    only_failed = np.column_stack([_fit_of_failures(likelihood), odds])
    vanishing = np.full(len(start), -np.inf)
    best = Maximum(np.column_stack([plain.parameters, whole]), plain.value, plain.is_found)
    for first in (near, only_failed):
        found = maximize(likelihood, first)
        better = found.is_found & (found.value > best.value + 1e-7)
        is_at_edge = found.parameters[:, 2] >= SURELY_FAIL
        better &= ~is_at_edge
        vanishing = np.where(is_at_edge, np.maximum(vanishing, found.value), vanishing)
        best = Maximum(
            np.where(better[:, None], found.parameters, best.parameters),
            np.where(better, found.value, best.value),
            np.where(better, found.is_found, best.is_found),
        )
    has_maximum = vanishing <= best.value + _GAIN
    return Maximum(best.parameters, best.value, best.is_found & has_maximum)


def _fit_of_failures(likelihood: LifeLikelihood) -> Floats:
    """Plain Weibull of the failures alone, as if all units without one never failed."""
    data = likelihood.data
    failed = replace(data, weight=np.where(data.is_running, 0.0, data.weight))
    alone = LifeLikelihood(failed, likelihood.law)
    narrow = np.column_stack([np.zeros(data.n_groups), np.ones(data.n_groups)])
    found = maximize(alone, narrow).parameters
    s = np.clip(found[:, 1], 0.01, 100.0)
    return np.column_stack([found[:, 0] * s / found[:, 1], s])


def _is_pinned_down(likelihood: LifeLikelihood, family: Family, theta: Floats) -> Mask:
    """Whether no parameter is running away or left open by a flat likelihood."""
    s = theta[:, 1]
    within: Mask = (s < _NARROWEST) & (s > _WIDEST)
    error = figure_errors(likelihood, family.figures[0].path, theta)
    return within & (np.nan_to_num(error, nan=np.inf) < _FLAT)
