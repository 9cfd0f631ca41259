"""Replacements of many installed units in windows of time: means and variances, in blocks.

The renewal equation of every law is solved once; each group of units of one age follows from it
by one convolution, and each window by a few panels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.renewal import even_grid, transformed_sums
from partsplan.demand.renewal_solutions import FirstLife, RenewalSolution, UnitGroups, solutions

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


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
