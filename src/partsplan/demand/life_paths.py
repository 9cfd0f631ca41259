r"""Lifetime figures held fixed: the likelihood along the parameters that are left free.

A quantile at log time :math:`\psi` means :math:`a = s \psi - w`, which keeps the profile concave;
a mean bends the path. The parameters are those of `life_likelihood`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.life_likelihood import LifeLikelihood
from partsplan.demand.newton import Local
from partsplan.demand.standard_laws import StandardLaw

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Path(Protocol):
    r"""All parameter vectors with the same figure :math:`\psi`."""

    @property
    def free(self) -> tuple[int, ...]:
        """Parameters that stay free."""
        ...

    def figure(self, theta: Floats) -> Floats:
        """Give the figure at parameters of shape (n_groups, k)."""
        ...

    def bound_value(self, psi: Floats, theta: Floats) -> Curve2:
        """Give the bound parameter and how it moves: see `Curve2`."""
        ...

    @property
    def bound(self) -> int:
        """Parameter that follows from the figure and the free ones."""
        ...


@dataclass(frozen=True)
class Curve2:
    """A bound parameter, with its derivatives by the shape s (twice) and by the figure."""

    value: Floats
    by_s: Floats
    by_ss: Floats
    by_psi: Floats


@dataclass(frozen=True)
class LogShape:
    """The figure is log s."""

    free: tuple[int, ...]
    bound: int = 1

    def figure(self, theta: Floats) -> Floats:
        """Give log s."""
        return np.log(theta[:, 1])

    def bound_value(self, psi: Floats, theta: Floats) -> Curve2:
        """Give s, which depends on the figure alone."""
        nothing = np.zeros_like(psi)
        return Curve2(np.exp(psi), nothing, nothing, np.exp(psi))


@dataclass(frozen=True)
class LogitFraction:
    """The figure is the logit of the fraction that ever fails."""

    free: tuple[int, ...] = (0, 1)
    bound: int = 2

    def figure(self, theta: Floats) -> Floats:
        """Give q."""
        return theta[:, 2].copy()

    def bound_value(self, psi: Floats, theta: Floats) -> Curve2:
        """Give q, which is the figure."""
        nothing = np.zeros_like(psi)
        return Curve2(psi, nothing, nothing, np.ones_like(psi))


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

    def bound_value(self, psi: Floats, theta: Floats) -> Curve2:
        """Give a = s psi - w."""
        s = theta[:, 1]
        return Curve2(s * psi - self.w, psi, np.zeros_like(psi), s)


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

    def bound_value(self, psi: Floats, theta: Floats) -> Curve2:
        """Give a = s (psi - log_mean(s))."""
        s = theta[:, 1]
        m, m1, m2 = self.law.log_mean(s)
        return Curve2(s * (psi - m), psi - m - s * m1, -2.0 * m1 - s * m2, s)


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
        local = self.likelihood.at(theta)
        turn = self._turn(theta)
        gradient = np.einsum("gk,gkf->gf", local.gradient, turn)
        hessian = np.einsum("gkf,gkl,glh->gfh", turn, local.hessian, turn)
        if 1 in self.path.free:
            bend = self.path.bound_value(self.psi, theta).by_ss
            place = self.path.free.index(1)
            hessian[:, place, place] += local.gradient[:, self.path.bound] * bend
        return Local(local.value, gradient, hessian)

    def slope(self, parameters: Floats) -> tuple[Floats, Floats]:
        """Value, and derivative by the figure where the free parameters are optimal."""
        theta = self.theta(parameters)
        local = self.likelihood.at(theta)
        by_psi = self.path.bound_value(self.psi, theta).by_psi
        return local.value, local.gradient[:, self.path.bound] * by_psi

    def _turn(self, theta: Floats) -> Floats:
        """Derivatives of all parameters by the free ones, shape (n_groups, k, f)."""
        free = self.path.free
        turn = np.zeros((*theta.shape, len(free)))
        for place, name in enumerate(free):
            turn[:, name, place] = 1.0
        if 1 in free:
            by_s = self.path.bound_value(self.psi, theta).by_s
            turn[:, self.path.bound, free.index(1)] = by_s
        return turn
