"""One location with a Poisson pipeline: the base-stock figures of every textbook.

By Palm's theorem any independent resupply times give a Poisson pipeline with mean demand times
resupply time. All tails are direct sums of positive terms.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from partsplan.evaluation import negative_binomial
from partsplan.evaluation.laws import count_law
from partsplan.evaluation.supply import Floats


def poisson_pmf(mean: ArrayLike, highest: int) -> Floats:
    r"""Poisson probabilities of 0, 1, ..., highest along a last axis.

    Parameters
    ----------
    mean : array_like of float
        :math:`\mu` [units].
    highest : int
        Last count of the table.

    Returns
    -------
    ndarray, shape (*mean.shape, highest + 1)

    Examples
    --------
    >>> poisson_pmf([0.5, 1.0], 2).round(4).tolist()
    [[0.6065, 0.3033, 0.0758], [0.3679, 0.3679, 0.1839]]
    """
    means = np.asarray(mean, dtype=np.float64)
    if not (np.isfinite(means) & (means >= 0)).all() or highest < 0:
        raise ValueError("mean must be finite and at least 0, highest at least 0")
    flat = means.ravel()
    table = np.zeros((flat.size, highest + 1))
    bulk = np.ceil(flat + 13.0 * np.sqrt(flat) + 60.0).astype(np.int64)
    law = count_law(flat, np.zeros(flat.size), np.maximum(bulk, highest))
    counts = law.start[:, np.newaxis] + np.arange(law.width)
    rows, steps = np.nonzero((counts >= 0) & (counts <= highest))
    table[rows, counts[rows, steps]] = law.mass[steps, rows]
    return table.reshape(*means.shape, highest + 1)


def expected_backorders(stock: ArrayLike, pipeline: ArrayLike) -> Floats:
    r"""Expected backorders :math:`E[(X - S)^+]` of a Poisson pipeline [units].

    Parameters
    ----------
    stock : array_like of int
        Base-stock level :math:`S` [units].
    pipeline : array_like of float, broadcastable to ``stock``
        Mean units on order or in repair :math:`\mu` [units].

    Returns
    -------
    ndarray
        Expected backorders, in the broadcast shape; right relative to themselves in far tails.

    Raises
    ------
    ValueError
        If a stock is not an integer of at least 0 or a pipeline is negative or not finite.

    References
    ----------
    Sherbrooke, Optimal Inventory Modeling of Systems, 2nd ed., sec. 2.6.

    Examples
    --------
    >>> expected_backorders([0, 1, 2, 5], 1.0).round(6).tolist()
    [1.0, 0.367879, 0.103638, 0.000689]
    """
    return negative_binomial.expected_backorders(stock, pipeline, pipeline)


def backorder_variance(stock: ArrayLike, pipeline: ArrayLike) -> Floats:
    r"""Variance of the backorders :math:`Var[(X - S)^+]` [units^2]; see `expected_backorders`."""
    return negative_binomial.backorder_variance(stock, pipeline, pipeline)


def stockout_rate(stock: ArrayLike, pipeline: ArrayLike) -> Floats:
    r"""Share of demand not met from the shelf :math:`P(X \ge S)`; see `expected_backorders`."""
    return negative_binomial.stockout_rate(stock, pipeline, pipeline)


def fill_rate(stock: ArrayLike, pipeline: ArrayLike) -> Floats:
    r"""Share of demand met at once :math:`P(X \le S - 1)`; see `expected_backorders`."""
    return negative_binomial.fill_rate(stock, pipeline, pipeline)


def ready_rate(stock: ArrayLike, pipeline: ArrayLike) -> Floats:
    r"""Share of time without a backorder :math:`P(X \le S)`; see `expected_backorders`."""
    return negative_binomial.ready_rate(stock, pipeline, pipeline)


def on_hand(stock: ArrayLike, pipeline: ArrayLike) -> Floats:
    r"""Mean units on the shelf :math:`E[(S - X)^+]` [units]; see `expected_backorders`."""
    return negative_binomial.on_hand(stock, pipeline, pipeline)
