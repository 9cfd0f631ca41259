"""Forecasts of a usage table: smoothing, its constants and the classes, with the ids.

Constants can be chosen in the sample, for each series by itself, from a grid that all series
pass through together.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import product
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partsplan.demand.smoothing import (
    Method,
    SmoothedUsage,
    checked_method,
    forecast_of,
    months_first,
    smoothed_states,
    smoothed_usage,
    smoothing_constants,
)
from partsplan.demand.usage_classes import UsageClasses, usage_classes
from partsplan.demand.usage_history import Missing, UsageHistory, history_of
from partsplan.network import frame_of

Floats = NDArray[np.float64]

Criterion = Literal["rate", "one_step"]
"""What the constants shall make small."""

GRID = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
"""Smoothing constants that are tried."""


def best_smoothing(
    units: ArrayLike,
    method: Method,
    *,
    criterion: Criterion = "rate",
    grid: Sequence[float] = GRID,
) -> tuple[Floats, Floats]:
    r"""Choose the smoothing constants of each series in the sample.

    Parameters
    ----------
    units : array_like of float, shape (n_series, n_months)
        Units used, 0 or more; NaN where not observed [units].
    method : {"croston", "sba", "tsb"}
        The method.
    criterion : {"rate", "one_step"}, default "rate"
        The mean square, from the month after the first demand on, of the forecast minus the mean
        usage of all months up to and with the one forecast (Kourentzes' rate), or of the
        forecast minus the month's usage. Of months without usage the second asks for 0, which no
        mean rate can be.
    grid : sequence of float
        Constants to try, above 0 and at most 1; every pair of them is tried.

    Returns
    -------
    alpha, beta : ndarray of float, shape (n_series,)
        The pair with the least criterion, the first of equal ones: the first of the grid where
        nothing can be compared.

    Raises
    ------
    ValueError
        When units, the method, the criterion or the grid are out of range.

    References
    ----------
    Kourentzes (2014), On intermittent demand model optimisation and selection, International
    Journal of Production Economics 156, 180-190.

    Examples
    --------
    >>> alpha, beta = best_smoothing([[2, 0, 2, 0, 2, 0, 6, 6, 6, 6]], "tsb")
    >>> float(alpha[0]), float(beta[0])
    (0.2, 0.2)
    """
    if criterion not in get_args(Criterion):
        raise ValueError(f"criterion must be 'rate' or 'one_step', got {criterion!r}")
    checked_method(method)
    by_month = months_first(units)
    n_series = by_month.shape[1]
    if len(grid) == 0:
        raise ValueError("grid must hold at least one constant, got none")
    smoothing_constants(len(grid), np.asarray(grid, dtype=np.float64), None)
    target = _running_mean(by_month) if criterion == "rate" else by_month
    least = np.full(n_series, np.inf)
    best_alpha, best_beta = np.full(n_series, grid[0]), np.full(n_series, grid[0])
    for alpha, beta in product(grid, grid):
        error = _squared_error(by_month, target, method, alpha, beta)
        better = error < least
        least[better] = error[better]
        best_alpha[better], best_beta[better] = alpha, beta
    return best_alpha, best_beta


def _running_mean(by_month: Floats) -> Floats:
    observed = ~np.isnan(by_month)
    seen = np.cumsum(observed, axis=0)
    total = np.cumsum(np.where(observed, by_month, 0.0), axis=0)
    return np.where(observed, total / np.maximum(seen, 1), np.nan)


def _squared_error(
    by_month: Floats, target: Floats, method: Method, alpha: float, beta: float
) -> Floats:
    n_series = by_month.shape[1]
    constants = smoothing_constants(n_series, alpha, beta)
    error = np.zeros(n_series)
    states = smoothed_states(by_month, method, *constants)
    for wanted, (size, pace) in zip(target, states, strict=False):
        off = forecast_of(method, size, pace, constants[1]) - wanted
        error += np.where(np.isnan(size) | np.isnan(wanted), 0.0, off * off)
    return error


@dataclass(frozen=True, repr=False, eq=False)
class UsageForecast:
    """Forecast usage per part and location, made by :func:`forecast_usage`."""

    history: UsageHistory
    """The usage, its span and the rule about months without a row."""
    smoothed: SmoothedUsage
    """Forecasts and constants, one per series of the history."""
    classes: UsageClasses
    """Class of each series."""

    def to_records(self) -> list[dict[str, Any]]:
        """One dict per part and location, in the order of the table.

        Returns
        -------
        list of dict
            ``part_id``, ``location_id``, ``observed_months``, ``units`` [units], ``usage_class``,
            ``interval`` [months] and ``cv2`` (None where unknown), ``per_month`` [units/month],
            ``per_year`` [units/year], ``alpha``, ``beta``.
        """
        columns = self._columns()
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        records = [dict(zip(columns, row, strict=True)) for row in rows]
        for record in records:
            for name in ("interval", "cv2"):
                record[name] = None if np.isnan(record[name]) else record[name]
        return records

    def to_frame(self) -> Any:
        """The same as a frame of the library that the table came in."""
        return frame_of(self._columns(), self.history.frame_backend)

    def _columns(self) -> dict[str, NDArray[Any]]:
        smoothed = self.smoothed
        return {
            **self.history.ids(),
            "observed_months": self.history.observed_months,
            "units": self.history.total_units,
            "usage_class": self.classes.names,
            "interval": self.classes.interval,
            "cv2": self.classes.cv2,
            "per_month": smoothed.per_month,
            "per_year": smoothed.per_year,
            "alpha": smoothed.alpha,
            "beta": smoothed.beta,
        }

    def summary(self) -> str:
        """Say what was observed, the classes, and the forecast in total."""
        classes = ", ".join(f"{count:,} {word}" for word, count in self.classes.counts().items())
        return "\n".join(
            [
                self.history.summary(),
                f"  classes   {classes}",
                f"  forecast  {self.smoothed.per_year.sum():,.6g} units per year by "
                f"{self.smoothed.method}",
            ]
        )

    def __repr__(self) -> str:
        return (
            f"UsageForecast(n_series={self.history.n_series}, method={self.smoothed.method!r}, "
            f"total={self.smoothed.per_year.sum():.6g} per year)"
        )

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.summary())}</pre>"


def forecast_usage(
    usage: Any,
    *,
    method: Method = "sba",
    alpha: ArrayLike | Literal["optimized"] = 0.1,
    beta: ArrayLike | None = None,
    first: datetime.date | str | None = None,
    last: datetime.date | str | None = None,
    missing: Missing = "zero",
) -> UsageForecast:
    """Forecast a usage table by Croston's method or one of its successors, and classify it.

    Parameters
    ----------
    usage
        A ``usage`` table in any form, ``network.usage``, or a `UsageHistory`.
    method : {"sba", "croston", "tsb"}, default "sba"
        The method: see :func:`sba`, :func:`croston` and :func:`tsb`.
    alpha, beta
        Smoothing constants of size and interval; "optimized" chooses both by
        :func:`best_smoothing`.
    first, last, missing
        The observed span, and what a month without a row means, as in
        `UsageHistory.from_table`; not for a `UsageHistory`, which has them.

    Returns
    -------
    UsageForecast

    Raises
    ------
    InputError
        With every finding of the table.
    ValueError
        When an argument is out of range.

    Examples
    --------
    >>> rows = [{"part_id": "FAN", "location_id": "BERN", "month": "2025-02", "units": 3},
    ...         {"part_id": "FAN", "location_id": "BERN", "month": "2025-06", "units": 8}]
    >>> forecast = forecast_usage(rows, method="croston", alpha=0.2, first="2025-01")
    >>> forecast.to_records()[0]["per_year"]
    20.0
    >>> print(forecast.summary())
    Usage: 1 part at 1 location, 1 pair with a row, 11 units
      observed  2025-01 to 2025-06, 6 months; no row means no usage
      no usage  0 pairs
      classes   0 smooth, 1 intermittent, 0 erratic, 0 lumpy, 0 no demand
      forecast  20 units per year by croston
    """
    checked_method(method)
    history = history_of(usage, first=first, last=last, missing=missing)
    if isinstance(alpha, str):
        if alpha != "optimized":
            raise ValueError(f"alpha must be a number or 'optimized', got {alpha!r}")
        if beta is not None:
            raise ValueError("beta must be left out where alpha is 'optimized': it is chosen too")
        alpha, beta = best_smoothing(history.units, method)
    return UsageForecast(
        history=history,
        smoothed=smoothed_usage(history.units, method, alpha, beta),
        classes=usage_classes(history.units),
    )
