r"""Likelihood-ratio intervals of a lifetime figure, for all groups at once.

The bounds are where the profile log-likelihood lies :math:`z^2 / 2` below its maximum. The signed
root :math:`\sqrt{2 (\ell_{max} - \ell_p(\psi))}` is nearly a straight line in :math:`\psi`, so
Newton's method on it, kept within brackets, takes a few steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.life_likelihood import LifeLikelihood
from partsplan.demand.life_paths import Path, PathLikelihood, turn_of
from partsplan.demand.newton import Maximum, maximize

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

_STEPS = 60
_CLOSE = 1e-6
SURELY_FAIL = 15.0
"""Logit of the fraction that ever fails beyond which it counts as 1."""
_OFF_EDGE = 4.0
_FLATTEST = 1e-100
"""Information below which there is none."""
_STEEPEST = 10.0
"""Standardized distance over which a search begins at most."""
_FAR = 100.0
"""Distance from the estimate, in logs, beyond which a bound counts as endless."""


def profile_bound(
    likelihood: LifeLikelihood,
    path: Path,
    peak: Maximum,
    drop: float,
) -> Floats:
    r"""Find where the profile has fallen by a given amount, on one side.

    Parameters
    ----------
    likelihood : LifeLikelihood
        The likelihood.
    path : Path
        The figure :math:`\psi`.
    peak : Maximum
        Parameters at the maximum, shape (n_groups, k), and the log-likelihood there.
    drop : float
        Signed root of twice the fall, :math:`\pm z`: negative for the lower bound.

    Returns
    -------
    ndarray, shape (n_groups,)
        The bound of :math:`\psi`; infinite where the profile never falls that far, NaN where the
        search came to no end.
    """
    side, wanted = np.sign(drop), abs(drop)
    bound = np.full(len(peak.value), np.nan)
    search = _Search.begin(likelihood, path, peak, side, wanted)
    for _ in range(_STEPS):
        root = search.root()
        reached = search.psi
        done = search.is_sound & (np.abs(root - wanted) < _CLOSE * wanted)
        endless = (search.reach > _FAR) & (root < wanted)
        bound[search.groups[done]] = reached[done]
        bound[search.groups[endless]] = side * np.inf
        left = np.flatnonzero(~np.isfinite(bound[search.groups]) & ~endless)
        if not len(left):
            break
        search.next(root)
        if len(left) < 0.5 * len(search.groups):
            search = search.take(left)
    return bound


@dataclass
class _Search:
    """All groups under way to a bound on one side."""

    likelihood: LifeLikelihood
    path: Path
    theta: Floats
    best: Floats
    wanted: float
    side: float
    groups: Integers
    estimate: Floats
    free: Floats
    reach: Floats
    """Distance from the estimate that is tried next."""
    inside: Floats
    outside: Floats
    slope: Floats
    is_sound: Mask
    """Whether the free parameters came to rest at the figure tried last."""

    @classmethod
    def begin(
        cls,
        likelihood: LifeLikelihood,
        path: Path,
        peak: Maximum,
        side: float,
        wanted: float,
    ) -> _Search:
        """Stand at the estimate and look as far as Wald's interval."""
        theta = peak.parameters
        error = figure_errors(likelihood, path, theta)
        reach = np.clip(np.where(np.isfinite(error), wanted * error, 1.0), 1e-8, 3.0)
        n_groups = len(theta)
        return cls(
            likelihood, path, theta, peak.value, wanted, side,
            groups=np.arange(n_groups),
            estimate=path.figure(theta),
            free=_start(theta, path),
            reach=reach,
            inside=np.zeros(n_groups),
            outside=np.full(n_groups, np.inf),
            slope=np.zeros(n_groups),
            is_sound=np.ones(n_groups, dtype=bool),
        )  # fmt: skip

    @property
    def psi(self) -> Floats:
        """Figure that is tried."""
        return self.estimate + self.side * self.reach

    def root(self) -> Floats:
        """Signed root of the fall at the figure that is tried."""
        problem = PathLikelihood(self.likelihood, self.path, self.psi, self.theta)
        if self.path.free:
            self._begin_gently()
            found = maximize(problem, self.free)
            self.free, self.is_sound = found.parameters, found.is_found
        value, slope = problem.slope(self.free)
        self.slope = -self.side * slope
        root: Floats = np.sqrt(np.maximum(2.0 * (self.best - value), 0.0))
        return root

    def _begin_gently(self) -> None:
        """Begin far out with a wide law, so that no life is off by many orders of magnitude."""
        if 1 in self.path.free:
            s = self.free[:, self.path.free.index(1)]
            np.minimum(s, _STEEPEST / self.reach, out=s)

    def next(self, root: Floats) -> None:
        """Newton on the root, kept within the bracket; without one the reach grows fourfold."""
        short = root < self.wanted
        self.inside = np.where(short, np.maximum(self.inside, self.reach), self.inside)
        self.outside = np.where(short, self.outside, np.minimum(self.outside, self.reach))
        bracketed = np.isfinite(self.outside)
        farthest = np.where(bracketed, self.outside, np.minimum(4.0 * self.reach, 1.01 * _FAR))
        middle = 0.5 * (self.inside + np.where(bracketed, self.outside, self.inside))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = self.reach + (self.wanted - root) * root / self.slope
        usable = np.isfinite(step) & (step > self.inside) & (step < farthest)
        self.reach = np.where(usable, step, np.where(bracketed, middle, farthest))

    def take(self, left: Integers) -> _Search:
        """Go on with some groups only."""
        return _Search(
            self.likelihood.take(left), self.path, self.theta[left], self.best[left],
            self.wanted, self.side, self.groups[left], self.estimate[left], self.free[left],
            self.reach[left], self.inside[left], self.outside[left], self.slope[left],
            self.is_sound[left],
        )  # fmt: skip


def _start(theta: Floats, path: Path) -> Floats:
    """Give the free parameters of the maximum; a fraction at its edge is moved off it."""
    inner = theta.copy()
    if theta.shape[1] == 3:
        inner[:, 2] = np.minimum(inner[:, 2], _OFF_EDGE)
    return inner[:, list(path.free)]


def figure_errors(likelihood: LifeLikelihood, path: Path, theta: Floats) -> Floats:
    r"""Standard error of a figure by the delta method, NaN where the information is singular.

    The information about :math:`\psi` is what its profile has: minus the curvature of the
    log-likelihood along :math:`\psi`, with the free parameters following.
    """
    psi = path.figure(theta)
    bound = path.bound_value(psi, theta)
    local = likelihood.at(theta)
    ahead = np.zeros((len(psi), theta.shape[1], 1))
    ahead[:, path.bound, 0] = bound.by_psi
    turn = np.concatenate([ahead, turn_of(path, bound, theta)], axis=2)
    information = -np.einsum("gkf,gkl,glh->gfh", turn, local.hessian, turn)
    if 2 in path.free:
        _take_as_known(information, 1 + path.free.index(2), theta[:, 2] >= SURELY_FAIL)
    return _first_error(information)


def _take_as_known(information: Floats, place: int, which: Mask) -> None:
    """Cut a parameter that lies at its edge out of the information."""
    information[which, place, :] = 0.0
    information[which, :, place] = 0.0
    information[which, place, place] = information[which, 0, 0]


def _first_error(information: Floats) -> Floats:
    """Square root of the first diagonal entry of the inverse, where it is positive definite."""
    values, vectors = np.linalg.eigh(information)
    sound = values[:, 0] > np.maximum(1e-13 * values[:, -1], _FLATTEST)
    safe = np.where(sound[:, None], values, 1.0)
    variance = (vectors[:, 0, :] ** 2 / safe).sum(axis=1)
    return np.where(sound, np.sqrt(variance), np.nan)
