r"""Clustered demand: orders of several units at once, and a location that serves them alone.

Demand is compound Poisson with logarithmic order sizes (Quenouille 1949), so that units over any
time span are negative binomial with the same ratio c of variance to mean. Shares of demand count
units: of an order that finds too few on the shelf, the first units are served.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from partsplan.evaluation.laws import (
    Law,
    StockMoments,
    count_law,
    count_reach,
    lot_law,
    similar_widths,
    stock_moments,
)
from partsplan.evaluation.supply import Floats, Integers

_DROP = 45.0
"""Log of the relative share of orders that may be left out above."""


def clustered_moments(
    stock: Integers,
    mean: Floats,
    excess: Floats,
    clustering: Floats,
    lots: Integers | None = None,
) -> StockMoments:
    r"""Figures of a negative binomial pipeline seen by the units of clustered orders.

    Parameters
    ----------
    stock : ndarray of int, shape (n,)
        Base-stock level :math:`S` [units].
    mean, excess : ndarray, shape (n,)
        Mean :math:`m` of the pipeline X [units], and its variance minus its mean [units^2].
    clustering : ndarray, shape (n,)
        Variance over mean of demand, minus 1: :math:`c - 1`.
    lots : ndarray of int, shape (n,), optional
        Lot size Q, at most the stock: whenever the inventory position has fallen to
        :math:`S - Q` or below, as many lots are ordered as raise it above [units].

    Returns
    -------
    StockMoments
        ``stockout`` and ``filled`` are shares of units.

    Notes
    -----
    Orders see X as it is at a random moment (PASTA), whatever their own size. A unit is preceded
    by J others of its order and misses the shelf if :math:`X + J \ge S`, so the share is
    :math:`\sum_x P(X = x) P(J \ge S - x)`, see `units_before`. With :math:`v = c m` it equals
    :math:`\partial EBO / \partial m` at constant c.
    """
    figures = StockMoments.idle(stock, lots)
    top = count_reach(mean, excess, stock.astype(np.float64))
    if lots is not None:
        top = top + lots - 1
    for block in similar_widths(np.where(mean > 0, top + 1, 0)):
        law = count_law(mean[block], excess[block], top[block])
        law = lot_law(law, None if lots is None else lots[block], top[block])
        levels = stock[block]
        short, found = _shares_of_units(law, levels, clustering[block])
        per_unit = replace(
            stock_moments(law, levels),
            stockout=np.where(levels <= 0, 1.0, short),
            filled=np.where(levels <= 0, 0.0, found),
        )
        figures.put(block, per_unit)
    return figures


def short_units(
    stock: Integers, mean: Floats, excess: Floats, clustering: Floats, lots: Integers | None
) -> Floats:
    """Shares of units that miss the shelf, for several streams that see one pipeline.

    As ``stockout`` of `clustered_moments`, with ``clustering`` and the result of shape
    (n, n_streams).
    """
    short = np.repeat((stock <= 0).astype(np.float64)[:, np.newaxis], clustering.shape[1], axis=1)
    top = count_reach(mean, excess, stock.astype(np.float64))
    if lots is not None:
        top = top + lots - 1
    for block in similar_widths(np.where((mean > 0) & (stock > 0), top + 1, 0)):
        law = count_law(mean[block], excess[block], top[block])
        law = lot_law(law, None if lots is None else lots[block], top[block])
        for stream in range(clustering.shape[1]):
            short[block, stream], _ = _shares_of_units(law, stock[block], clustering[block, stream])
    return short


def _shares_of_units(law: Law, stock: Integers, clustering: Floats) -> tuple[Floats, Floats]:
    """Shares of units that miss and that find the shelf."""
    distinct, kind = np.unique(clustering, return_inverse=True)
    reached = np.maximum(stock - law.start - np.arange(law.width)[:, np.newaxis], 0)
    behind, ahead = units_before(distinct, int(reached.max(initial=0)))
    place = reached * len(distinct) + kind
    return (
        np.minimum(np.einsum("xn,xn->n", behind.ravel()[place], law.mass), 1.0),
        np.minimum(np.einsum("xn,xn->n", ahead.ravel()[place], law.mass), 1.0),
    )


def units_before(clustering: Floats, highest: int) -> tuple[Floats, Floats]:
    r"""Law of the units J of the same order that come before a unit.

    Parameters
    ----------
    clustering : ndarray, shape (n,)
        Variance over mean of demand, minus 1: :math:`c - 1 \ge 0`.
    highest : int
        Largest count asked for.

    Returns
    -------
    tuple of ndarray, shape (highest + 1, n)
        :math:`P(J \ge d)` and :math:`P(J < d)` for d = 0, 1, ..., each summed on its own.

    Notes
    -----
    With order sizes :math:`P(K = k) \propto q^k / k`, :math:`q = 1 - 1 / c`:
    :math:`P(J = j) = P(K > j) / E[K] = \frac{1}{c - 1} \sum_{k > j} q^k / k`. It is the mean of
    :math:`P(J \ge d) = (s / (1 + s))^d` over s uniform from 0 to c - 1: a mixture of geometric
    laws.

    Examples
    --------
    >>> behind, ahead = units_before(np.array([1.0]), 2)
    >>> behind[:, 0].round(6).tolist()
    [1.0, 0.306853, 0.113706]
    """
    q = clustering / (1.0 + clustering)
    decay = np.log1p(1.0 / np.maximum(clustering, 1e-300))
    further = int(np.ceil(_DROP / decay.min(initial=_DROP))) + 1
    sizes = np.arange(1.0, highest + further + 1.0)[:, np.newaxis]
    terms = np.exp(-decay * sizes) / sizes
    larger = np.cumsum(terms[::-1], axis=0)[::-1]
    before = np.divide(larger, clustering, out=np.zeros_like(larger), where=clustering > 0)
    before[0] = np.where(q > 0, before[0], 1.0)
    behind = np.minimum(np.cumsum(before[::-1], axis=0)[::-1][: highest + 1], 1.0)
    behind[0] = 1.0
    ahead = np.zeros_like(behind)
    ahead[1:] = np.minimum(np.cumsum(before[:highest], axis=0), 1.0)
    return behind, ahead
