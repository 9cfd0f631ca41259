"""Replacements of many installed units in windows of time: means and variances, in blocks.

The renewal equation of every law is solved once; each group of units of one age follows from it
by one convolution, and each window by a few panels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.life_laws import LifeLaws
from partsplan.demand.renewal import (
    Complexes,
    even_grid,
    ordinary_renewals,
    transform_of,
    transformed_sums,
)
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
class WindowCounts:
    """Failures of one unit of each group, per window and in all windows together."""

    mean: Floats
    """Shape (n_groups, n_windows): expected failures."""
    variance: Floats
    """Shape (n_groups, n_windows)."""
    total_mean: Floats
    """Shape (n_groups,)."""
    total_variance: Floats
    """Shape (n_groups,): of the failures in all windows together, which depend on each other."""

    @classmethod
    def zeros(cls, n_groups: int, n_windows: int) -> WindowCounts:
        """Give counts of units that never fail, to be put over."""
        mean, variance = np.zeros((2, n_groups, n_windows))
        total_mean, total_variance = np.zeros((2, n_groups))
        return cls(mean, variance, total_mean, total_variance)

    def put(self, which: Integers, counts: WindowCounts) -> None:
        """Put the counts of some groups in place."""
        self.mean[which], self.variance[which] = counts.mean, counts.variance
        self.total_mean[which] = counts.total_mean
        self.total_variance[which] = counts.total_variance


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


def window_counts(groups: UnitGroups) -> WindowCounts:
    """Count the failures of units replaced on failure.

    Parameters
    ----------
    groups
        The groups of units.

    Returns
    -------
    WindowCounts
        Of one unit of each group.

    Raises
    ------
    ShortLifeError
        When lives are too short, or too alike, for the hours ahead.
    """
    n_groups, n_bounds = groups.clock.shape
    counts = WindowCounts.zeros(n_groups, n_bounds - 1)
    for solution, which in solutions(groups):
        first, clock = groups.first_life(which), groups.clock[which]
        counts.put(which, counts_of(solution, first, groups.later[which], clock))
    return counts


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


def counts_of(
    solution: RenewalSolution, first: FirstLife, later: Integers, clock: Floats
) -> WindowCounts:
    r"""Count failures in windows.

    With the renewal function :math:`M_a` of units in place and :math:`M_0` of new ones, a window
    (s, t] has mean :math:`M_a(t) - M_a(s)` and
    :math:`E[N (N - 1)] = 2 \int_s^t M_0(t - u) dM_a(u)`.
    """
    points = _panel_points(clock, solution.panels)
    renewed = renewed_at(solution, first, later, points)
    by_panel = np.maximum(np.diff(renewed), 0.0)
    in_windows = by_panel.reshape(len(later), clock.shape[1] - 1, solution.panels)
    mean = in_windows.sum(axis=2)
    pairs = _pairs_in_windows(solution, later, clock, in_windows)
    total_pairs = _pairs(solution, later, points[:, -1:] - points, by_panel[:, np.newaxis])
    total_mean = mean.sum(axis=1)
    return WindowCounts(
        mean=mean,
        variance=_variance(mean, pairs),
        total_mean=total_mean,
        total_variance=_variance(total_mean, total_pairs[:, 0]),
    )


def renewed_at(
    solution: RenewalSolution, first: FirstLife, later: Integers, hours: Floats
) -> Floats:
    """Expected failures by given hours of units in place, shape (n_groups, n_points)."""
    row = solution.row[later]
    later_ones = _later_failures(solution, first, row)
    return first(hours) + solution.read(later_ones, row, hours)


def _later_failures(solution: RenewalSolution, first: FirstLife, row: Integers) -> Floats:
    """Failures after the first, on every second point; the error's leading order taken out."""
    grid = first(even_grid(solution.span[row], solution.steps))
    fine = transformed_sums(np.diff(grid), solution.transforms[0][row])[:, ::2]
    coarse = transformed_sums(np.diff(grid[:, ::2]), solution.transforms[1][row])
    return np.asarray(fine + (fine - coarse) / solution.gain[row, np.newaxis])


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


def _panel_points(clock: Floats, panels: int) -> Floats:
    """Bounds of the panels of all windows, of shape (n_groups, n_windows * panels + 1)."""
    share = np.arange(panels) / panels
    inner = clock[:, :-1, np.newaxis] + np.diff(clock)[:, :, np.newaxis] * share
    return np.concatenate([inner.reshape(len(clock), -1), clock[:, -1:]], axis=1)


def _pairs_in_windows(
    solution: RenewalSolution, later: Integers, clock: Floats, mass: Floats
) -> Floats:
    """E[N (N - 1)] of every window, from the failures in its panels."""
    shares = np.arange(solution.panels, -1, -1) / solution.panels
    left = np.diff(clock)[:, :, np.newaxis] * shares
    return _pairs(solution, later, left.reshape(len(clock), -1), mass)


def _pairs(solution: RenewalSolution, later: Integers, left: Floats, mass: Floats) -> Floats:
    """E[N (N - 1)] of windows; the error's leading order taken out.

    Parameters
    ----------
    solution, later
        Renewals of the units that replace failed ones.
    left
        Shape (n_groups, n_windows * (n_panels + 1)): hours from each panel's bound to the
        window's end.
    mass
        Shape (n_groups, n_windows, n_panels): failures expected in the panels.
    """
    n_groups, n_windows, panels = mass.shape
    renewals = solution.renewals_at(later, left).reshape(n_groups, n_windows, panels + 1)
    fine = _panel_sum(mass, renewals)
    halves = mass[:, :, ::2] + mass[:, :, 1::2]
    coarse = _panel_sum(halves, renewals[:, :, ::2])
    gain = solution.gain[solution.row[later], np.newaxis]
    return np.asarray(np.maximum(fine + (fine - coarse) / gain, 0.0))


def _panel_sum(mass: Floats, renewals: Floats) -> Floats:
    ends = renewals[:, :, 1:] + renewals[:, :, :-1]
    return np.asarray(np.einsum("gwp,gwp->gw", mass, ends))


def _variance(mean: Floats, pairs: Floats) -> Floats:
    """Variance from E[N (N - 1)]; never below that of a count between two whole numbers."""
    part = mean - np.floor(mean)
    return np.asarray(np.maximum(pairs + mean - mean**2, part * (1.0 - part)))
