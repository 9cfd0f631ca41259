"""One location whose pipeline is negative binomial with a given mean and variance.

Used for pipelines known by two moments (VARI-METRIC), for uncertain rates and for clustered
demand. Poisson is the limit variance = mean of the same formulas, without a switching band.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from partsplan.evaluation.laws import (
    UNDERFLOW,
    StockMoments,
    count_law,
    count_reach,
    lot_law,
    poisson_reach,
    similar_widths,
    stock_moments,
)
from partsplan.evaluation.supply import Floats, Integers


def expected_backorders(stock: ArrayLike, mean: ArrayLike, variance: ArrayLike) -> Floats:
    r"""Expected backorders :math:`E[(X - S)^+]` of a negative binomial pipeline [units].

    Parameters
    ----------
    stock : array_like of int
        Base-stock level :math:`S` [units].
    mean, variance : array_like of float, broadcastable to ``stock``
        Moments of the pipeline :math:`m \le v` [units, units^2].

    Returns
    -------
    ndarray
        Expected backorders, in the broadcast shape; right relative to themselves in far tails.

    Raises
    ------
    ValueError
        If a figure is negative or not finite, or a variance is below its mean.

    Notes
    -----
    :math:`p(x + 1) / p(x) = (m^2 / v + q x) / (x + 1)` with :math:`q = 1 - m / v`.

    Examples
    --------
    >>> expected_backorders([0, 1, 2], 0.5, [0.5, 0.75, 0.75]).round(6).tolist()
    [0.5, 0.166667, 0.055556]
    """
    return _moments(stock, mean, variance).expected_backorders


def backorder_variance(stock: ArrayLike, mean: ArrayLike, variance: ArrayLike) -> Floats:
    r"""Variance of the backorders :math:`Var[(X - S)^+]` [units^2]; see `expected_backorders`."""
    return _moments(stock, mean, variance).backorder_variance


def stockout_rate(stock: ArrayLike, mean: ArrayLike, variance: ArrayLike) -> Floats:
    r"""Share of time without stock :math:`P(X \ge S)`; see `expected_backorders`."""
    return _moments(stock, mean, variance).stockout


def fill_rate(stock: ArrayLike, mean: ArrayLike, variance: ArrayLike) -> Floats:
    r"""Share of time with stock :math:`P(X \le S - 1)`; see `expected_backorders`."""
    return _moments(stock, mean, variance).filled


def ready_rate(stock: ArrayLike, mean: ArrayLike, variance: ArrayLike) -> Floats:
    r"""Share of time without a backorder :math:`P(X \le S)`; see `expected_backorders`."""
    return _moments(stock, mean, variance).ready


def on_hand(stock: ArrayLike, mean: ArrayLike, variance: ArrayLike) -> Floats:
    r"""Mean units on the shelf :math:`E[(S - X)^+]` [units]; see `expected_backorders`."""
    return _moments(stock, mean, variance).on_hand


def moments_of_stock(
    stock: Integers, mean: Floats, excess: Floats, lots: Integers | None = None
) -> StockMoments:
    """All figures for flat arrays of equal length; ``excess`` is the variance minus the mean.

    ``lots`` are units per order, at most the stock; None: one for one.
    """
    figures = StockMoments.idle(stock, lots)
    asked = np.flatnonzero(mean > 0)
    if len(asked) < len(mean):
        stock, mean, excess = stock[asked], mean[asked], excess[asked]
        lots = None if lots is None else lots[asked]
    top = count_reach(mean, excess, stock.astype(np.float64))
    if not excess.any():
        top = np.minimum(top, poisson_reach(mean, 0.0, UNDERFLOW))
    if lots is not None:
        top = top + lots - 1
    for block in similar_widths(top + 1):
        law = count_law(mean[block], excess[block], top[block])
        law = lot_law(law, None if lots is None else lots[block], top[block])
        figures.put(asked[block], stock_moments(law, stock[block]))
    return figures


def _moments(stock: ArrayLike, mean: ArrayLike, variance: ArrayLike) -> StockMoments:
    levels, m, v = np.broadcast_arrays(
        np.asarray(stock), np.asarray(mean, np.float64), np.asarray(variance, np.float64)
    )
    checked = _checked_stock(levels)
    if not (np.isfinite(m) & (m >= 0) & np.isfinite(v)).all():
        raise ValueError("mean and variance must be finite and at least 0")
    if (v < m * (1.0 - 1e-12)).any():
        worst = int(np.argmin(np.where(v < m, v - m, 0.0)))
        raise ValueError(
            f"variance must be at least the mean, got {v.flat[worst]} below {m.flat[worst]}"
        )
    excess = np.maximum(v - m, 0.0)
    flat = moments_of_stock(checked.ravel(), m.ravel(), excess.ravel())
    return flat.reshaped(levels.shape)


def _checked_stock(stock: np.ndarray) -> Integers:
    if np.issubdtype(stock.dtype, np.integer) and (stock >= 0).all():
        return stock.astype(np.int64)
    raise ValueError("stock must be integers of at least 0")
