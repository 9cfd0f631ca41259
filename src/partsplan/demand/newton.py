"""Newton's method for many small maximizations at once, one per group of data.

Each group takes its own safeguarded steps; groups that are done drop out, so that a few slow ones
do not keep all of the data in work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

_STEPS = 200
_CLOSE = 1e-11
"""Decrement (twice the gain to be expected) below which one more step is the last."""
_NEARLY = 1e-6
"""Decrement that is small enough where rounding leaves no step that gains."""
_STUCK = 1e-9
"""Share of a step below which none gains."""
_LEAST = 1e-9
"""Value that parameters which must stay above 0 do not fall below."""
_LONGEST = 1e4
"""Longest step along an eigenvector of the Hessian."""
_FLATTEST = 1e-150
"""Curvature below which a direction counts as flat."""
_SLACK = 1e-12
"""Relative loss that rounding may feign."""


@dataclass(frozen=True)
class Local:
    """Value, gradient and Hessian of a function of k parameters, per group."""

    value: Floats
    """Shape (n_groups,)."""
    gradient: Floats
    """Shape (n_groups, k)."""
    hessian: Floats
    """Shape (n_groups, k, k)."""


class Problem(Protocol):
    """A function of k parameters per group, to be maximized."""

    @property
    def positive(self) -> tuple[int, ...]:
        """Parameters that must stay above 0."""
        ...

    def at(self, parameters: Floats) -> Local:
        """Evaluate at parameters of shape (n_groups, k)."""
        ...

    def take(self, groups: Integers) -> Self:
        """Give the problem of some groups only."""
        ...


@dataclass(frozen=True)
class Maximum:
    """Where the climb ended, per group."""

    parameters: Floats
    """Shape (n_groups, k)."""
    value: Floats
    """Shape (n_groups,)."""
    is_found: Mask
    """Shape (n_groups,): whether the climb came to rest."""

    def take(self, groups: Integers) -> Maximum:
        """Give some groups only."""
        return Maximum(self.parameters[groups], self.value[groups], self.is_found[groups])


def maximize(problem: Problem, start: Floats) -> Maximum:
    """Climb from ``start`` to a maximum in every group.

    Parameters
    ----------
    problem : Problem
        What to maximize.
    start : ndarray, shape (n_groups, k)
        Parameters where the function is finite.

    Returns
    -------
    Maximum

    Notes
    -----
    A step is Newton's with the absolute values of the Hessian's eigenvalues, so that it climbs
    also where the function is not concave. A step that loses is quartered.
    """
    best = start.copy()
    value = np.full(len(start), -np.inf)
    is_found = np.zeros(len(start), dtype=bool)
    groups = np.arange(len(start))
    climb = _Climb.begin(problem, start)
    for _ in range(_STEPS):
        resting = (climb.decrement < _CLOSE) | (climb.factor < _STUCK)
        if resting.any():
            placed = groups[resting]
            best[placed] = climb.last_step()[resting]
            value[placed] = climb.here.value[resting]
            is_found[placed] = climb.decrement[resting] < _NEARLY
        if resting.all():
            break
        if resting.mean() > 0.5 or (len(resting) < 200 and resting.any()):
            left = np.flatnonzero(~resting)
            groups, climb = groups[left], climb.take(left)
        climb.step()
    left = ~is_found[groups]
    best[groups[left]] = climb.parameters[left]
    value[groups[left]] = climb.here.value[left]
    return Maximum(best, value, is_found)


@dataclass
class _Climb:
    """The state of all groups under way."""

    problem: Problem
    parameters: Floats
    here: Local
    direction: Floats
    factor: Floats
    decrement: Floats

    @classmethod
    def begin(cls, problem: Problem, start: Floats) -> _Climb:
        """Stand at the start."""
        here = problem.at(start)
        direction, decrement = _direction(here)
        return cls(problem, start.copy(), here, direction, np.ones(len(start)), decrement)

    def take(self, groups: Integers) -> _Climb:
        """Go on with some groups only."""
        here = self.here
        return _Climb(
            self.problem.take(groups),
            self.parameters[groups],
            Local(here.value[groups], here.gradient[groups], here.hessian[groups]),
            self.direction[groups],
            self.factor[groups],
            self.decrement[groups],
        )

    def step(self) -> None:
        """Try the step of every group; take it where it does not lose."""
        tried = self._moved(self.factor)
        there = self.problem.at(tried)
        slack = _SLACK * (1.0 + np.abs(self.here.value))
        gains = np.isfinite(there.value) & (there.value >= self.here.value - slack)
        finite = np.isfinite(there.gradient).all(axis=1) & np.isfinite(there.hessian).all((1, 2))
        gains &= finite
        self.parameters[gains] = tried[gains]
        for mine, new in zip(_parts(self.here), _parts(there), strict=True):
            mine[gains] = new[gains]
        self.factor = np.where(gains, 1.0, 0.25 * self.factor)
        fresh, decrement = _direction(self.here)
        self.direction[gains], self.decrement[gains] = fresh[gains], decrement[gains]

    def last_step(self) -> Floats:
        """Give the parameters after one more step."""
        return self._moved(np.where(self.factor < 1.0, 0.0, 1.0))

    def _moved(self, factor: Floats) -> Floats:
        move = factor[:, None] * self.direction
        for place in self.problem.positive:
            most = np.maximum(0.9 * self.parameters[:, place] - _LEAST, 0.0)
            beyond = -move[:, place] > most
            move[beyond] *= (most[beyond] / -move[beyond, place])[:, None]
        return self.parameters + move


def _parts(local: Local) -> tuple[Floats, Floats, Floats]:
    return local.value, local.gradient, local.hessian


def _direction(local: Local) -> tuple[Floats, Floats]:
    """Give the step of each group and its decrement."""
    values, vectors = np.linalg.eigh(local.hessian)
    size = np.abs(values)
    size = np.maximum(size, np.maximum(1e-14 * size.max(axis=1, keepdims=True), _FLATTEST))
    along = np.einsum("gij,gi->gj", vectors, local.gradient)
    along = along / np.maximum(size, np.abs(along) / _LONGEST)
    step = np.einsum("gij,gj->gi", vectors, along)
    return step, np.einsum("gi,gi->g", step, local.gradient)
