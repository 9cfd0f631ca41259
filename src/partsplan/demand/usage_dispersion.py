r"""Is usage clustered, or does its level change? Variance to mean within years, levels between.

Three things make counts spread, and they are told apart. Clustering (several units per demand)
makes the months of one year differ by more than chance; a change of level makes years differ;
what is not known about the rate makes no months differ at all: it is left to the rate's law.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from partsplan.demand.smoothing import months_first
from partsplan.demand.usage_history import UsageHistory

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MONTHS_IN_YEAR = 12

LEAST_PER_YEAR = 5.0
"""Fewest units (discounted for clustering) per year of history from which years are compared."""


@dataclass(frozen=True)
class YearTotals:
    """Counts of each series in spans of a year, the last of which ends with the history.

    The first span takes what is left over: it has 12 to 23 months; a history of less than two
    years is one span. Arrays have shape (n_series, n_years).
    """

    units: Floats
    """Units used [units]."""
    pairs: Floats
    r"""Pairs of units in the same month, :math:`\sum y (y - 1) / 2`."""
    months: Floats
    """Months observed [months]."""


@dataclass(frozen=True)
class UsageDispersion:
    """Clustering and change of level, one entry per group of series."""

    ratio: Floats
    """Variance over mean within years, as estimated, also below 1 [-]; NaN without usage."""
    clustering_p_value: Floats
    """Chance of months at least as uneven if demand were Poisson in each year; NaN without usage
    or with one month in a year."""
    drift_p_value: Floats
    """Chance of years at least as uneven if the level stayed; NaN with too few units or years."""


def usage_dispersion(units: ArrayLike, group: ArrayLike | None = None) -> UsageDispersion:
    r"""Measure how clustered usage is, and whether its level changes.

    Parameters
    ----------
    units : array_like of float, shape (n_series, n_months)
        Units used, 0 or more; NaN where not observed [units].
    group : array_like of int, shape (n_series,), optional
        Series that share their clustering, such as the locations of a part, numbered from 0;
        each series by itself where not given.

    Returns
    -------
    UsageDispersion

    Raises
    ------
    ValueError
        When units are negative or infinite, or ``group`` does not fit.

    Notes
    -----
    Given :math:`N` units in a span of :math:`T` months, Poisson demand of a constant rate puts each
    in any month alike, so that :math:`N (N - 1) / 2T` pairs of units fall in the same month. The
    ratio is :math:`1 + 2 (P - E P) / \sum N (1 - 1/T)`, :math:`P` the pairs counted, summed over
    the years and series of a group: the usual variance over mean around each year's own level,
    without bias under Poisson demand. The p-value is the larger of two: :math:`P` taken as
    Poisson, right where pairs are few, and the ratio as chi-square over its degrees of freedom, by
    its variance, right where they are many. Seasons within a year count as clustering. Years are
    compared by Pearson's chi-square, where the ratio is above 1 by F, from 5 units per year on
    (divided by the ratio).

    References
    ----------
    Fisher, Thornton and Mackenzie (1922), The accuracy of the plating method, Annals of Applied
    Biology 9, 325-359 (index of dispersion).

    Examples
    --------
    >>> months = [0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0, 4]
    >>> found = usage_dispersion([months, [1] * 12])
    >>> found.ratio.round(3), found.clustering_p_value.round(4)
    (array([3.273, 0.   ]), array([1.e-04, 1.e+00]))
    """
    by_month = months_first(units)
    n_series = by_month.shape[1]
    groups = np.arange(n_series) if group is None else np.asarray(group, dtype=np.int64)
    if groups.shape != (n_series,) or (groups < 0).any():
        raise ValueError(
            f"group must be of shape (n_series,) = ({n_series},) and 0 or more, got "
            f"{groups.shape} from {groups.min(initial=0)}"
        )
    n_groups = int(groups.max(initial=-1)) + 1
    return dispersion_of(array_totals(by_month), groups, n_groups)


def array_totals(by_month: Floats) -> YearTotals:
    """Year totals of an array of shape (n_months, n_series)."""
    n_months, n_series = by_month.shape
    year, n_years = _years(n_months)
    units, pairs, months = (np.zeros((n_series, n_years)) for _ in range(3))
    for place, used in zip(year, np.nan_to_num(by_month), strict=True):
        units[:, place] += used
        pairs[:, place] += used * (used - 1.0) / 2.0
    for place, used in zip(year, by_month, strict=True):
        months[:, place] += ~np.isnan(used)
    return YearTotals(units, pairs, months)


def history_totals(history: UsageHistory) -> YearTotals:
    """Year totals of a history, from its rows alone."""
    year, n_years = _years(history.n_months)
    shape = (history.n_series, n_years)
    cell = history.row_series * n_years + year[history.row_month]
    used = history.row_units

    def total(weights: Floats | None) -> Floats:
        counted = np.bincount(cell, weights, history.n_series * n_years)
        return counted.astype(np.float64).reshape(shape)

    if history.missing == "unknown":
        months = total(None)
    else:
        end = np.searchsorted(year, np.arange(n_years), side="right")
        begin = np.concatenate([[0], end[:-1]])
        from_month = np.maximum(begin, history.start[:, np.newaxis])
        months = np.maximum(end - from_month, 0).astype(np.float64)
    return YearTotals(total(used), total(used * (used - 1.0) / 2.0), months)


def _years(n_months: int) -> tuple[Integers, int]:
    """Year of each month, the last one whole, and the number of years."""
    n_years = max(n_months // MONTHS_IN_YEAR, 1)
    back = (n_months - 1 - np.arange(n_months)) // MONTHS_IN_YEAR
    return np.maximum(n_years - 1 - back, 0), n_years


def dispersion_of(totals: YearTotals, group: Integers, n_groups: int) -> UsageDispersion:
    """Clustering and change of level by group; see :func:`usage_dispersion`."""
    n, t = totals.units, np.maximum(totals.months, 1.0)

    def by_group(amounts: Floats) -> Floats:
        return np.bincount(group, amounts.sum(axis=1), n_groups).astype(np.float64)

    chance = n * (n - 1.0) / (2.0 * t)
    pairs, expected = by_group(totals.pairs), by_group(chance)
    scale = by_group(n * (1.0 - 1.0 / t))
    known = scale > 0.0
    ratio = np.full(n_groups, np.nan)
    ratio[known] = 1.0 + 2.0 * (pairs[known] - expected[known]) / scale[known]
    p_value = np.where(known, 1.0, np.nan)
    some = known & (pairs > 0.0)
    freedom = np.full(n_groups, np.nan)
    freedom[some] = scale[some] ** 2 / (2.0 * by_group(chance * (1.0 - 1.0 / t))[some])
    p_value[some] = np.maximum(
        scipy.special.gammainc(pairs[some], expected[some]),
        scipy.special.chdtrc(freedom[some], (freedom * ratio)[some]),
    )
    return UsageDispersion(ratio, p_value, _drift_p_values(totals, group, ratio, freedom))


def _drift_p_values(totals: YearTotals, group: Integers, ratio: Floats, freedom: Floats) -> Floats:
    """Test that a group's years have the level of all its years: F where there is clustering."""
    n_years, n_groups = totals.units.shape[1], len(ratio)
    months = totals.months.sum(axis=1, keepdims=True)
    level = totals.units.sum(axis=1, keepdims=True) / np.maximum(months, 1.0)
    cell = group[:, np.newaxis] * n_years + np.arange(n_years)

    def by_cell(amounts: Floats) -> Floats:
        counted = np.bincount(cell.ravel(), amounts.ravel(), n_groups * n_years)
        return counted.astype(np.float64).reshape(n_groups, n_years)

    counted, expected = by_cell(totals.units), by_cell(level * totals.months)
    spread = np.maximum(np.nan_to_num(ratio, nan=1.0), 1.0)
    seen = expected > 0.0
    between = seen.sum(axis=1) - 1
    squares = np.divide((counted - expected) ** 2, expected, where=seen, out=0.0 * expected)
    chi_square = squares.sum(axis=1) / spread
    tested = (between > 0) & (counted.sum(axis=1) / spread >= LEAST_PER_YEAR * (between + 1))
    wide = tested & (spread > 1.0)
    p_value = np.full(n_groups, np.nan)
    p_value[tested] = scipy.special.chdtrc(between[tested], chi_square[tested])
    p_value[wide] = scipy.special.fdtrc(
        between[wide], freedom[wide], chi_square[wide] / between[wide]
    )
    return p_value
