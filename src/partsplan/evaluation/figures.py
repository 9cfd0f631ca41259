"""The figures of a base-stock policy: what one stock level delivers, per part and location.

Shortfalls of service are kept beside the shares (``stockout`` beside ``fill_rate``), neither as 1
minus the other, so that 99.9999 % keeps all its digits. The product over parts is Sherbrooke's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from partsplan.evaluation.supply import Floats


@dataclass(frozen=True)
class SupplyFigures:
    r"""What a stock delivers; every array has the shape (n_parts, n_locations).

    Parameters
    ----------
    expected_backorders
        :math:`E[(X - S)^+]`, EBO [units].
    backorder_variance
        :math:`Var[(X - S)^+]`, VBO [units^2].
    stockout
        :math:`P(X \ge S)`, share of demand that finds the shelf empty; 1 - fill rate.
    unready
        :math:`P(X > S)`, share of time with a backorder; 1 - ready rate.
    fill_rate
        :math:`P(X \le S - 1)`, share of demand met at once from the shelf.
    ready_rate
        :math:`P(X \le S)`, share of time without a backorder.
    on_hand
        :math:`E[(S - X)^+]`, mean units on the shelf [units].
    pipeline_mean
        :math:`E[X]`, mean units on order or in repair [units].
    pipeline_variance
        :math:`Var[X]` [units^2].
    is_exact
        True where the figures follow from the model without approximation.
    """

    expected_backorders: Floats
    backorder_variance: Floats
    stockout: Floats
    unready: Floats
    fill_rate: Floats
    ready_rate: Floats
    on_hand: Floats
    pipeline_mean: Floats
    pipeline_variance: Floats
    is_exact: bool


def supply_availability(
    expected_backorders: ArrayLike, per_system: ArrayLike, systems: ArrayLike
) -> Floats:
    r"""Sherbrooke's supply availability: share of systems that miss no part.

    Parameters
    ----------
    expected_backorders : array_like, shape (..., n_parts)
        EBO of each part over all systems [units].
    per_system : array_like, broadcastable
        Units of the part in one system :math:`Z` [units].
    systems : array_like, shape (...)
        Systems at work :math:`N`.

    Returns
    -------
    ndarray, shape (...)
        :math:`A = \prod_i (1 - EBO_i / (N Z_i))^{Z_i}`; 0 where a part has more backorders than
        places. Parts with :math:`N Z_i = 0` do not count.

    References
    ----------
    Sherbrooke, Optimal Inventory Modeling of Systems, 2nd ed., eq. 2.11.

    Examples
    --------
    >>> float(supply_availability([0.1065306597, 0.1], [1, 1], 10).round(6))
    0.979453
    """
    backorders = np.asarray(expected_backorders, dtype=np.float64)
    quantity = np.asarray(per_system, dtype=np.float64)
    places = np.asarray(systems, dtype=np.float64)[..., np.newaxis] * quantity
    backorders, places, quantity = np.broadcast_arrays(backorders, places, quantity)
    missing = np.divide(backorders, places, out=np.zeros(places.shape), where=places > 0)
    return np.asarray(np.prod((1.0 - np.minimum(missing, 1.0)) ** quantity, axis=-1))
