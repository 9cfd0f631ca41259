"""Forecasts of intermittent usage: Croston, Syntetos-Boylan and Teunter-Syntetos-Babai.

Size and interval (or probability) of demands are smoothed by themselves. All series are taken
together, one step per month.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

Method = Literal["croston", "sba", "tsb"]
"""Croston (1972), Syntetos and Boylan (2005), Teunter, Syntetos and Babai (2011)."""

MONTHS_PER_YEAR = 12.0


@dataclass(frozen=True)
class SmoothedUsage:
    """State of a smoothing method after the last month, one entry per series."""

    method: Method
    """The method."""
    per_month: Floats
    """Forecast of mean usage [units/month]; 0 for a series without any demand."""
    size: Floats
    """Smoothed size of a demand, given that there is one [units]; NaN without any demand."""
    interval: Floats
    """Smoothed months between demands; for tsb 1 / probability [months]; NaN without any demand."""
    alpha: Floats
    """Smoothing constant of the size [-]."""
    beta: Floats
    """Smoothing constant of the interval, for tsb of the probability [-]."""

    @property
    def per_year(self) -> Floats:
        """Forecast of mean usage [units/year]."""
        return MONTHS_PER_YEAR * self.per_month


def croston(
    units: ArrayLike, alpha: ArrayLike = 0.1, beta: ArrayLike | None = None
) -> SmoothedUsage:
    r"""Forecast usage by Croston's method.

    Parameters
    ----------
    units : array_like of float, shape (n_series, n_months)
        Units used, oldest month first, 0 or more; NaN where not observed [units].
    alpha : array_like of float, default 0.1
        Smoothing constant of the size, above 0 and at most 1: one number or shape (n_series,).
    beta : array_like of float, optional
        Smoothing constant of the interval; by default ``alpha``.

    Returns
    -------
    SmoothedUsage

    Raises
    ------
    ValueError
        When units are negative or infinite, or a constant is out of range.

    Notes
    -----
    In a month with demand :math:`y`, :math:`q` observed months after the one before,
    :math:`z \leftarrow z + \alpha (y - z)` and :math:`p \leftarrow p + \beta (q - p)`; the
    forecast is :math:`z / p`. It starts with the first demand and the months up to it. It is
    biased upwards, by about :math:`\beta / (2 - \beta) (1 - 1/p)` of itself [2]_. Months that
    were not observed count neither as usage nor in the interval.

    References
    ----------
    .. [1] Croston (1972), Forecasting and stock control for intermittent demands, Operational
       Research Quarterly 23, 289-303.
    .. [2] Syntetos and Boylan (2001), On the bias of intermittent demand estimates,
       International Journal of Production Economics 71, 457-466.

    Examples
    --------
    >>> forecast = croston([[0, 3, 0, 0, 0, 8]], alpha=0.2)
    >>> forecast.size, forecast.interval, forecast.per_month.round(4)
    (array([4.]), array([2.4]), array([1.6667]))
    """
    return smoothed_usage(units, "croston", alpha, beta)


def sba(units: ArrayLike, alpha: ArrayLike = 0.1, beta: ArrayLike | None = None) -> SmoothedUsage:
    r"""Forecast usage by the Syntetos-Boylan approximation: Croston times 1 - beta / 2.

    Parameters
    ----------
    units, alpha, beta
        As in :func:`croston`.

    Returns
    -------
    SmoothedUsage

    Raises
    ------
    ValueError
        As in :func:`croston`.

    Notes
    -----
    The factor takes away Croston's bias where demands are rare. Where there is one nearly every
    month Croston has none to take away, and the approximation is low by up to
    :math:`\beta / 2`.

    References
    ----------
    Syntetos and Boylan (2005), The accuracy of intermittent demand estimates, International
    Journal of Forecasting 21, 303-314.

    Examples
    --------
    >>> sba([[0, 3, 0, 0, 0, 8]], alpha=0.2).per_month.round(4)
    array([1.5])
    """
    return smoothed_usage(units, "sba", alpha, beta)


def tsb(units: ArrayLike, alpha: ArrayLike = 0.1, beta: ArrayLike | None = None) -> SmoothedUsage:
    r"""Forecast usage by the method of Teunter, Syntetos and Babai, which sinks without demand.

    Parameters
    ----------
    units, alpha
        As in :func:`croston`.
    beta : array_like of float, optional
        Smoothing constant of the probability of a demand; by default ``alpha``.

    Returns
    -------
    SmoothedUsage

    Raises
    ------
    ValueError
        As in :func:`croston`.

    Notes
    -----
    In every observed month :math:`\pi \leftarrow \pi + \beta (1[y > 0] - \pi)`, in a month with
    demand also :math:`z \leftarrow z + \alpha (y - z)`; the forecast is :math:`\pi z`. It starts
    as Croston's does: with the first demand and one over the months up to it.

    References
    ----------
    Teunter, Syntetos and Babai (2011), Intermittent demand: linking forecasting to inventory
    obsolescence, European Journal of Operational Research 214, 606-615.

    Examples
    --------
    >>> tsb([[0, 3, 0, 0, 0, 8]], alpha=0.2).per_month.round(4)
    array([1.6192])
    """
    return smoothed_usage(units, "tsb", alpha, beta)


def smoothed_usage(
    units: ArrayLike, method: Method, alpha: ArrayLike = 0.1, beta: ArrayLike | None = None
) -> SmoothedUsage:
    """Forecast usage by one of the methods; see :func:`croston`, :func:`sba` and :func:`tsb`."""
    by_month = months_first(units)
    constants = smoothing_constants(by_month.shape[1], alpha, beta)
    *_, (size, pace) = smoothed_states(by_month, checked_method(method), *constants)
    return SmoothedUsage(
        method=method,
        per_month=forecast_of(method, size, pace, constants[1]),
        size=size,
        interval=1.0 / pace if method == "tsb" else pace,
        alpha=constants[0],
        beta=constants[1],
    )


def one_step_forecasts(
    units: ArrayLike, method: Method, alpha: ArrayLike = 0.1, beta: ArrayLike | None = None
) -> Floats:
    """Forecast each month from the months before it.

    Parameters
    ----------
    units, alpha, beta
        As in :func:`croston`.
    method : {"croston", "sba", "tsb"}
        The method.

    Returns
    -------
    ndarray of float, shape (n_series, n_months)
        Forecasts [units/month]; 0 up to the first demand.

    Raises
    ------
    ValueError
        As in :func:`croston`.

    Examples
    --------
    >>> one_step_forecasts([[0, 3, 0, 0]], "tsb", alpha=0.5)
    array([[0.  , 0.  , 1.5 , 0.75]])
    """
    by_month = months_first(units)
    n_months, n_series = by_month.shape
    constants = smoothing_constants(n_series, alpha, beta)
    forecasts = np.empty((n_series, n_months))
    states = smoothed_states(by_month, checked_method(method), *constants)
    for month, (size, pace) in zip(range(n_months), states, strict=False):
        forecasts[:, month] = forecast_of(method, size, pace, constants[1])
    return forecasts


def forecast_of(method: Method, size: Floats, pace: Floats, beta: Floats) -> Floats:
    """Mean usage per month by a state; 0 before the first demand."""
    mean = size * pace if method == "tsb" else size / pace
    if method == "sba":
        mean = mean * (1.0 - beta / 2.0)
    forecast: Floats = np.nan_to_num(mean, nan=0.0)
    return forecast


def smoothed_states(
    by_month: Floats, method: Method, alpha: Floats, beta: Floats
) -> Iterator[tuple[Floats, Floats]]:
    """Yield size and interval (for tsb: probability) before each month, and after the last one.

    The arrays are those of the state itself: copy what is to be kept.
    """
    n_series = by_month.shape[1]
    size, pace = np.full(n_series, np.nan), np.full(n_series, np.nan)
    waited = np.zeros(n_series)
    for used in by_month:
        yield size, pace
        waited += ~np.isnan(used)
        hit = np.flatnonzero(used > 0.0)
        is_new = np.isnan(size[hit])
        begun, new = hit[~is_new], hit[is_new]
        if method == "tsb":
            pace -= np.where(np.isnan(used), 0.0, beta * pace)
            pace[begun] += beta[begun]
            pace[new] = 1.0 / waited[new]
        else:
            pace[begun] += beta[begun] * (waited[begun] - pace[begun])
            pace[new] = waited[new]
        size[begun] += alpha[begun] * (used[begun] - size[begun])
        size[new] = used[new]
        waited[hit] = 0.0
    yield size, pace


def months_first(units: ArrayLike) -> Floats:
    """Check an array of series and lay it out by month, shape (n_months, n_series)."""
    try:
        array = np.asarray(units, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"units must be numbers of shape (n_series, n_months), got {type(units).__name__}: "
            "UsageHistory.from_table(table).units makes them of a table"
        ) from None
    if array.ndim != 2:
        raise ValueError(f"units must be of shape (n_series, n_months), got {array.shape}")
    wrong = (array < 0.0) | np.isinf(array)
    if wrong.any():
        raise ValueError(
            f"units must be 0 or more and finite, or NaN where not observed, got {array[wrong][0]}"
        )
    return np.ascontiguousarray(array.T)


def smoothing_constants(
    n_series: int, alpha: ArrayLike, beta: ArrayLike | None
) -> tuple[Floats, Floats]:
    """Check both constants and give each series its own."""
    found = []
    for name, given in (("alpha", alpha), ("beta", alpha if beta is None else beta)):
        values = np.asarray(given, dtype=np.float64)
        if values.shape not in ((), (n_series,)):
            raise ValueError(
                f"{name} must be one number or of shape (n_series,) = ({n_series},), "
                f"got shape {values.shape}"
            )
        wrong = ~((values > 0.0) & (values <= 1.0))
        if wrong.any():
            raise ValueError(f"{name} must be above 0 and at most 1, got {values[wrong][0]}")
        found.append(np.broadcast_to(values, (n_series,)))
    return found[0], found[1]


def checked_method(method: str) -> Method:
    """Take the name of a method, or say which there are."""
    if method not in get_args(Method):
        words = ", ".join(repr(word) for word in get_args(Method))
        raise ValueError(f"method must be one of {words}, got {method!r}")
    return method  # type: ignore[return-value]
