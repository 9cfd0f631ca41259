"""The renewal equation of many laws at once, on grids, and groups of units to use it for.

Laws are solved in blocks that stay in the cache; the order of the error near 0 follows from the
law and is taken out by halving the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.life_laws import LifeLaws
from partsplan.demand.renewal import Complexes, even_grid, ordinary_renewals, transform_of
from partsplan.errors import PartsplanError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
FirstLife = Callable[[Floats], Floats]
"""Probability that the units in place fail by given hours, shape (n_groups, n_points)."""

LEAST_STEPS, MOST_STEPS = 64, 2**15
"""Bounds of the steps of a grid."""
STEPS_PER_DEVIATION = 6.0
"""Steps of the coarse grid per standard deviation of a life."""
LEAST_PANELS, MOST_PANELS = 2, 64
"""Bounds of the panels of a window; twice the least where early failures make the law steep."""
PANELS_PER_DEVIATION = 8.0
"""Panels per standard deviation of a life."""
_BLOCK = 30_000
"""Numbers in one array of a block, so that it stays in the cache."""


class ShortLifeError(PartsplanError):
    """A life is too short, or too alike, for the hours ahead; ``law`` is its position."""

    def __init__(self, law: int, words: str) -> None:
        super().__init__(words)
        self.law = law

    def __reduce__(self) -> tuple[type[ShortLifeError], tuple[int, str]]:
        return type(self), (self.law, str(self))


@dataclass(frozen=True)
class UnitGroups:
    """Groups of installed units alike: the life in place, the life of replacements, the clock."""

    laws: LifeLaws
    """Laws that positions refer to."""
    first: Integers
    """Shape (n_groups,): law of the units in place."""
    age: Floats
    """Shape (n_groups,): their age at the start [hours]."""
    later: Integers
    """Shape (n_groups,): law of the units that replace them."""
    clock: Floats
    """Shape (n_groups, n_windows + 1): operating hours at the windows' bounds, counted from the
    moment when the units in place had their age; the first window may begin later."""

    def first_life(self, which: Integers) -> FirstLife:
        """Give the residual law of the units in place of some groups."""
        laws, age = self.laws[self.first[which]], self.age[which]
        return lambda hours: laws.residual(age, hours)


@dataclass(frozen=True)
class RenewalSolution:
    """Renewal functions of several laws on grids of equally many steps."""

    laws: LifeLaws
    """All laws; positions refer to them."""
    row: Integers
    """Shape (len(laws),): row of each law in the grids; -1 where it is not here."""
    span: Floats
    """Shape (n_rows,): hours that the grid covers."""
    transforms: tuple[Complexes, Complexes]
    """Of the renewal function of new units, on all points and on every second one."""
    beyond_first: Floats
    """Shape (n_rows, steps + 1): renewal function of new units, less the law of their life."""
    gain: Floats
    """Shape (n_rows,): 2 to the order of the error, less 1."""
    panels: int
    """Panels per window."""

    @property
    def steps(self) -> int:
        """Steps of the grids."""
        return int(self.beyond_first.shape[1]) - 1

    def renewals_at(self, law: Integers, hours: Floats) -> Floats:
        """Renewal function of new units at hours within the span, shape (n_groups, n_points)."""
        row = self.row[law]
        smooth = self.read(self.beyond_first[row], row, hours)
        return np.asarray(self.laws[law].distribution(hours) + smooth)

    def read(self, values: Floats, row: Integers, hours: Floats) -> Floats:
        """Read values, given on even points over the span of each row, at hours."""
        steps = values.shape[1] - 1
        return interpolated(values, hours / self.span[row, np.newaxis] * steps)


def solutions(groups: UnitGroups) -> Iterator[tuple[RenewalSolution, Integers]]:
    """Solve the renewal equation of every law; give blocks of groups with their solution."""
    n_laws = len(groups.laws)
    span = np.zeros(n_laws)
    np.maximum.at(span, groups.later, groups.clock[:, -1])
    runs = groups.clock[:, -1] > groups.clock[:, 0]
    width = np.zeros(n_laws)
    np.maximum.at(width, groups.later, np.diff(groups.clock).max(axis=1, initial=0.0))
    steps, panels = _steps_of(groups.laws, span), _panels_of(groups.laws, width)
    kind = np.where(span > 0.0, steps * (2 * MOST_PANELS) + panels, 0)
    order = np.argsort(groups.later, kind="stable")
    bounds = np.searchsorted(groups.later[order], np.arange(n_laws + 1))
    for one in np.unique(kind[kind > 0]).tolist():
        n_steps, n_panels = divmod(one, 2 * MOST_PANELS)
        for some in _blocks(np.flatnonzero(kind == one), 4 * n_steps):
            solution = _solved(groups.laws, some, span[some], n_steps, n_panels)
            members = np.concatenate([order[bounds[law] : bounds[law + 1]] for law in some])
            for which in _blocks(
                members[runs[members]], max(2 * n_steps, n_panels * groups.clock.shape[1])
            ):
                yield solution, which


def interpolated(values: Floats, position: Floats) -> Floats:
    """Read rows of values between their points, by cubics through four of them.

    Parameters
    ----------
    values : ndarray of float, shape (n, n_points)
        Values at positions 0, 1, 2, ...
    position : ndarray of float, shape (n, m)
        Where to read.
    """
    first = np.clip(np.floor(position).astype(np.int64) - 1, 0, values.shape[1] - 4)
    x = position - first
    flat = values.reshape(-1)
    start = first + (np.arange(len(values)) * values.shape[1])[:, np.newaxis]
    a, b, c = x - 1.0, x - 2.0, x - 3.0
    total = flat[start] * (a * b * c / -6.0)
    total += flat[start + 1] * (x * b * c / 2.0)
    total += flat[start + 2] * (x * a * c / -2.0)
    total += flat[start + 3] * (x * a * b / 6.0)
    return np.asarray(total)


def _steps_of(laws: LifeLaws, span: Floats) -> Integers:
    """Steps of the coarse grid of each law: a power of 2."""
    width = np.minimum(laws.standard_deviation, laws.mean)
    wanted = np.maximum(STEPS_PER_DEVIATION * span / width, LEAST_STEPS)
    if (wanted > MOST_STEPS).any():
        law = int(np.argmax(wanted))
        raise ShortLifeError(
            law,
            f"A mean life of {laws.mean[law]:.4g} operating hours (standard deviation "
            f"{laws.standard_deviation[law]:.4g}) is too short for the {span[law]:,.0f} hours "
            "ahead: the renewal equation would need too many steps. Forecast fewer months, or "
            "give such a part an exponential life.",
        )
    return np.asarray(2 ** np.ceil(np.log2(wanted)), dtype=np.int64)


def _panels_of(laws: LifeLaws, width: Floats) -> Integers:
    """Panels of a window of each law: a power of 2."""
    relative = width / np.minimum(laws.standard_deviation, laws.mean)
    least = np.where(laws.is_lognormal | (laws.slope >= 1.0), LEAST_PANELS, 2 * LEAST_PANELS)
    wanted = np.clip(PANELS_PER_DEVIATION * relative, least, MOST_PANELS)
    return np.asarray(2 ** np.ceil(np.log2(wanted)), dtype=np.int64)


def _solved(
    laws: LifeLaws, which: Integers, span: Floats, steps: int, panels: int
) -> RenewalSolution:
    own = laws[which]
    order = np.where(own.is_lognormal, 2.0, np.minimum(2.0, 1.0 + own.slope))
    gain = 2.0**order - 1.0
    life = own.distribution(even_grid(span, 4 * steps))
    fine = ordinary_renewals(life)[:, ::2]
    renewals = fine + (fine - ordinary_renewals(life[:, ::2])) / gain[:, np.newaxis]
    row = np.full(len(laws), -1, dtype=np.int64)
    row[which] = np.arange(len(which))
    transforms = transform_of(renewals), transform_of(renewals[:, ::2])
    return RenewalSolution(laws, row, span, transforms, renewals - life[:, ::2], gain, panels)


def _blocks(members: Integers, size: int) -> Iterator[Integers]:
    step = max(_BLOCK // max(size, 1), 1)
    for first in range(0, len(members), step):
        yield members[first : first + step]
