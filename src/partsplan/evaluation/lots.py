"""Lots at the top: how many units of each part the roots of its supply tree order at a time.

A lot Q makes an (R, Q) rule with R = S - Q: whenever the inventory position (on hand + on order -
late) has fallen to R, Q units are ordered. `laws.lot_law` says what that does to a stock.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partsplan.errors import PartsplanError
from partsplan.evaluation.commitments import DAYS_PER_YEAR
from partsplan.evaluation.supply import Integers, SupplyTree
from partsplan.network import ServiceNetwork


def order_lots(network: ServiceNetwork, parts: Integers, tree: SupplyTree) -> Integers:
    """Lots at the roots of some parts, 1 elsewhere; shape (len(parts), n_locations).

    ``order_quantity`` of the part; where it is empty, the economic lot of every root from the
    part's ``order_cost``, the demand and the cost of holding a unit there; else 1, also where
    holding costs nothing.
    """
    table = network.parts
    given, order_cost = table["order_quantity"][parts, None], table["order_cost"][parts, None]
    holding = table["unit_cost"][parts, None] * network.holding_rates(parts)
    is_economic = np.isnan(given) & (order_cost > 0) & (holding > 0)
    lots = np.where(np.isnan(given), 1.0, given)
    if is_economic.any():
        economic = economic_lot(
            np.where(is_economic, order_cost, 0.0),
            tree.rate * DAYS_PER_YEAR,
            np.where(is_economic, holding, 1.0),
        )
        lots = np.where(is_economic, economic, lots)
    return np.where(tree.parents < 0, lots, 1).astype(np.int64)


def check_one_for_one(
    network: ServiceNetwork, what: str, among: NDArray[np.bool_] | None = None
) -> None:
    """Raise `PartsplanError` where (marked) parts are ordered in lots and a function knows none."""
    quantity, cost = network.parts["order_quantity"], network.parts["order_cost"]
    in_lots = (quantity > 1) | (np.isnan(quantity) & (cost > 0))
    rows = np.flatnonzero(in_lots if among is None else in_lots & among)
    if len(rows):
        first = int(rows[0])
        column = "order_quantity" if quantity[first] > 1 else "order_cost"
        told = f"{network.parts[column][first]:g}"
        others = "" if len(rows) == 1 else f" and {len(rows) - 1} more like it"
        raise PartsplanError(
            f"{what} orders one for one, but part {str(network.parts['part_id'][first])!r} has "
            f"{column} {told}{others}. Give order_quantity 1 to plan without lots."
        )


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
