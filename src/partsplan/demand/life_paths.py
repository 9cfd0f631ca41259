r"""Lifetime figures held fixed: the likelihood along the parameters that are left free.

A quantile at log time :math:`\psi` means :math:`a = s \psi - w`, which keeps the profile concave;
a mean bends the path. The parameters are those of `life_likelihood`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.life_likelihood import LifeLikelihood
from partsplan.demand.newton import Local
from partsplan.demand.standard_laws import Curve, StandardLaw

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Bound:
    """A bound parameter, with its derivatives by the figure and by the free parameters."""

    value: Floats
    by_psi: Floats
    first: Mapping[int, Floats] = field(default_factory=dict)
    """By free parameter; those left out are 0."""
    second: Mapping[int, Floats] = field(default_factory=dict)
    """By free parameter twice; those left out, and mixed ones, are 0."""


class Path(Protocol):
    r"""All parameter vectors with the same figure :math:`\psi`."""

    @property
    def free(self) -> tuple[int, ...]:
        """Parameters that stay free."""
        ...

    def figure(self, theta: Floats) -> Floats:
        """Give the figure at parameters of shape (n_groups, k)."""
        ...

    def bound_value(self, psi: Floats, theta: Floats) -> Bound:
        """Give the bound parameter and how it moves: see `Bound`."""
        ...

    @property
    def bound(self) -> int:
        """Parameter that follows from the figure and the free ones."""
        ...


@dataclass(frozen=True)
class LogShape:
    """The figure is log s."""

    free: tuple[int, ...]
    bound: int = 1

    def figure(self, theta: Floats) -> Floats:
        """Give log s."""
        return np.log(theta[:, 1])

    def bound_value(self, psi: Floats, theta: Floats) -> Bound:
        """Give s, which depends on the figure alone."""
        return Bound(np.exp(psi), np.exp(psi))


@dataclass(frozen=True)
class LogitFraction:
    """The figure is the logit of the fraction that ever fails."""

    free: tuple[int, ...] = (0, 1)
    bound: int = 2

    def figure(self, theta: Floats) -> Floats:
        """Give q."""
        return theta[:, 2].copy()

    def bound_value(self, psi: Floats, theta: Floats) -> Bound:
        """Give q, which is the figure."""
        return Bound(psi, np.ones_like(psi))


@dataclass(frozen=True)
class LogQuantile:
    """The figure is the log time at which the standard law stands at ``w``."""

    w: float
    free: tuple[int, ...]
    bound: int = 0

    def figure(self, theta: Floats) -> Floats:
        """Give (a + w) / s."""
        time: Floats = (theta[:, 0] + self.w) / theta[:, 1]
        return time

    def bound_value(self, psi: Floats, theta: Floats) -> Bound:
        """Give a = s psi - w."""
        s = theta[:, 1]
        return Bound(s * psi - self.w, s, {1: psi})


@dataclass(frozen=True)
class LogMean:
    """The figure is the log of the mean life."""

    law: StandardLaw
    free: tuple[int, ...]
    bound: int = 0

    def figure(self, theta: Floats) -> Floats:
        """Give a / s + log_mean(s)."""
        s = theta[:, 1]
        mean: Floats = theta[:, 0] / s + self.law.log_mean(s)[0]
        return mean

    def bound_value(self, psi: Floats, theta: Floats) -> Bound:
        """Give a = s (psi - log_mean(s))."""
        s = theta[:, 1]
        m, m1, m2 = self.law.log_mean(s)
        return Bound(s * (psi - m), s, {1: psi - m - s * m1}, {1: -2.0 * m1 - s * m2})


@dataclass(frozen=True)
class LogQuantileOfAll:
    """The figure is the log time by which a share of all units fails, where some never do."""

    law: StandardLaw
    share: float
    free: tuple[int, ...] = (1, 2)
    bound: int = 0

    def figure(self, theta: Floats) -> Floats:
        """Give (a + w(q)) / s; NaN where the share is never reached."""
        time: Floats = (theta[:, 0] + self._w(theta)[0]) / theta[:, 1]
        return time

    def bound_value(self, psi: Floats, theta: Floats) -> Bound:
        """Give a = s psi - w(q)."""
        s = theta[:, 1]
        w, first, second = self._w(theta)
        return Bound(s * psi - w, s, {1: psi, 2: -first}, {2: -second})

    def _w(self, theta: Floats) -> Curve:
        """Give where the law stands at the share of those that ever fail, and its curve in q."""
        rest = self.share * np.exp(-np.maximum(theta[:, 2], -50.0))
        among = self.share + rest
        within = among < 1.0
        w = self.law.quantile(np.where(within, among, 0.5))
        log_density, slope, _ = self.law.log_density(w)
        stretch = np.exp(-log_density)
        first, second = -stretch * rest, -slope * (stretch * rest) ** 2 + stretch * rest
        return np.where(within, w, np.nan), first, second


@dataclass(frozen=True)
class PathLikelihood:
    """The likelihood where a figure is fixed, as a function of the free parameters."""

    likelihood: LifeLikelihood
    path: Path
    psi: Floats
    fixed: Floats
    """Shape (n_groups, k): values of parameters that are neither free nor bound."""

    @property
    def positive(self) -> tuple[int, ...]:
        """Free parameters that must stay above 0: the shape, where it is free."""
        return tuple(place for place, name in enumerate(self.path.free) if name == 1)

    def take(self, groups: Integers) -> PathLikelihood:
        """Give the problem of some groups only."""
        return PathLikelihood(
            self.likelihood.take(groups), self.path, self.psi[groups], self.fixed[groups]
        )

    def theta(self, free: Floats) -> Floats:
        """Give all parameters."""
        theta = self.fixed.copy()
        theta[:, list(self.path.free)] = free
        theta[:, self.path.bound] = self.path.bound_value(self.psi, theta).value
        return theta

    def at(self, parameters: Floats) -> Local:
        """Evaluate at free parameters of shape (n_groups, f)."""
        theta = self.theta(parameters)
        local = self._local(theta)
        turn = self._turn(theta)
        gradient = np.einsum("gk,gkf->gf", local.gradient, turn)
        hessian = np.einsum("gkf,gkl,glh->gfh", turn, local.hessian, turn)
        for name, bend in self.path.bound_value(self.psi, theta).second.items():
            place = self.path.free.index(name)
            hessian[:, place, place] += local.gradient[:, self.path.bound] * bend
        return Local(local.value, gradient, hessian)

    def slope(self, parameters: Floats) -> tuple[Floats, Floats]:
        """Value, and derivative by the figure where the free parameters are optimal."""
        theta = self.theta(parameters)
        local = self._local(theta)
        by_psi = self.path.bound_value(self.psi, theta).by_psi
        return local.value, local.gradient[:, self.path.bound] * by_psi

    def _local(self, theta: Floats) -> Local:
        """Evaluate at all parameters; impossible where the path does not lead there."""
        there = np.asarray(np.isfinite(theta).all(axis=1))
        local = self.likelihood.at(np.where(there[:, None], theta, 1.0))
        return Local(np.where(there, local.value, -np.inf), local.gradient, local.hessian)

    def _turn(self, theta: Floats) -> Floats:
        """Derivatives of all parameters by the free ones, shape (n_groups, k, f)."""
        return turn_of(self.path, self.path.bound_value(self.psi, theta), theta)


def turn_of(path: Path, bound: Bound, theta: Floats) -> Floats:
    """Derivatives of all parameters by the free ones of a path, shape (n_groups, k, f)."""
    turn = np.zeros((*theta.shape, len(path.free)))
    for place, name in enumerate(path.free):
        turn[:, name, place] = 1.0
        if name in bound.first:
            turn[:, path.bound, place] = bound.first[name]
    return turn
