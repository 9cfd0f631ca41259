"""Lots at the top: orders of Q units whenever the inventory position has fallen to R.

Under (R, Q) the inventory position is uniform on R + 1, ..., R + Q and independent of the demand
over the resupply time (Hadley and Whitin 1963), so every figure of a tree is the mean over as
many base stocks at its root. Orders of the locations below reach the root one by one.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import ArrayLike

from partsplan.evaluation.exact import exact_figures
from partsplan.evaluation.figures import SupplyFigures
from partsplan.evaluation.supply import Floats, Integers, SupplyTree

_VARIANCES = {
    "backorder_variance": "expected_backorders",
    "pipeline_variance": "pipeline_mean",
}


def economic_lot(order_cost: ArrayLike, per_year: ArrayLike, holding_cost: ArrayLike) -> Integers:
    r"""Economic order quantity, rounded to the better whole number [units].

    Parameters
    ----------
    order_cost : array_like of float
        Cost of one order :math:`K` [currency].
    per_year : array_like of float
        Demand :math:`D` [units/year].
    holding_cost : array_like of float
        Cost of holding a unit for a year :math:`h`, positive [currency/year].

    Returns
    -------
    ndarray of int
        The smallest Q with :math:`Q (Q + 1) \ge 2 K D / h`, at least 1: it minimizes
        :math:`K D / Q + h (Q + 1) / 2` over whole numbers.

    Raises
    ------
    ValueError
        If a cost or demand is negative, or the holding cost is not positive.

    References
    ----------
    Harris (1913), Factory, The Magazine of Management 10.

    Examples
    --------
    >>> economic_lot([0.0, 25.0, 25.0], [100.0, 100.0, 2.0], 5.0).tolist()
    [1, 32, 4]
    """
    cost, demand, holding = (
        np.asarray(figure, dtype=np.float64) for figure in (order_cost, per_year, holding_cost)
    )
    if not ((cost >= 0).all() and (demand >= 0).all() and (holding > 0).all()):
        raise ValueError(
            "order_cost and per_year must be at least 0, and holding_cost above 0, got "
            f"{order_cost!r}, {per_year!r} and {holding_cost!r}"
        )
    ratio = 2.0 * cost * demand / holding
    lot = np.ceil(0.5 * (np.sqrt(1.0 + 4.0 * ratio) - 1.0) - 1e-9)
    return np.maximum(lot, 1.0).astype(np.int64)


def lot_figures(tree: SupplyTree, stock: Integers, lots: Integers) -> SupplyFigures:
    """Exact figures of a stock whose roots order in lots.

    Parameters
    ----------
    tree : SupplyTree
        A block of parts with a common forest; rates known or uncertain.
    stock : ndarray of int, shape (n_parts, n_locations)
        Base stock S [units]. At a root it is the highest inventory position R + Q.
    lots : ndarray of int, shape (n_parts, n_locations)
        Units per order Q at the roots, at least 1; read at roots only. A root never waits for a
        backorder to order: where S < Q, it orders S units at a time (one where S is 0).

    Returns
    -------
    SupplyFigures
        As `exact_figures`; with lots of 1 it is the same.

    Raises
    ------
    ValueError
        If a lot is not a whole number of at least 1.

    References
    ----------
    Hadley and Whitin (1963), Analysis of Inventory Systems, ch. 4; Axsater (2015), Inventory
    Control, 3rd ed., sec. 5.3.

    Examples
    --------
    >>> tree = SupplyTree(
    ...     parents=np.array([-1]),
    ...     own_rate=np.array([[0.1]]),
    ...     transit_days=np.array([[10.0]]),
    ...     repair_fraction=np.zeros((1, 1)),
    ...     repair_days=np.zeros((1, 1)),
    ...     rate_shape=np.array([np.inf]),
    ... )
    >>> lot_figures(tree, np.array([[2]]), np.array([[2]])).fill_rate.round(6).tolist()
    [[0.551819]]
    """
    if not np.issubdtype(np.asarray(lots).dtype, np.integer) or (lots < 1).any():
        raise ValueError("lots must be whole numbers of at least 1")
    root = _roots_of(tree)
    lot = np.minimum(lots, np.maximum(stock, 1))[:, root]
    total: dict[str, Floats] = {}
    squares: dict[str, Floats] = {}
    for below in range(int(lot.max(initial=1))):
        level = stock - np.where(tree.parents < 0, np.minimum(below, lot - 1), 0)
        found = exact_figures(tree, level)
        weight = np.where(below < lot, 1.0 / lot, 0.0)
        for field in fields(found):
            if field.name != "is_exact":
                add = weight * getattr(found, field.name)
                total[field.name] = total.get(field.name, 0.0) + add
        for name, mean in _VARIANCES.items():
            squares[name] = squares.get(name, 0.0) + weight * getattr(found, mean) ** 2
    for name, mean in _VARIANCES.items():
        total[name] = total[name] + np.maximum(squares[name] - total[mean] ** 2, 0.0)
    return SupplyFigures(**total, is_exact=True)


def _roots_of(tree: SupplyTree) -> Integers:
    """Root above every location."""
    root = np.arange(tree.n_locations)
    for j in tree.order:
        if tree.parents[j] >= 0:
            root[j] = root[tree.parents[j]]
    return root
