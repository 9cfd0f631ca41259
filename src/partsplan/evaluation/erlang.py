"""One location whose customers do not wait: Erlang's loss formula, alone and as a supplier.

A demand that finds the shelf empty goes elsewhere and orders nothing, so the units under way are
the busy servers of M/G/S/S. Orders of the locations it supplies do wait, first come first served.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

from partsplan.evaluation.laws import poisson_reach
from partsplan.evaluation.negative_binomial import moments_of_stock
from partsplan.evaluation.supply import Floats, Integers

_LIGHT = 500.0
"""Square of the standard deviations that a stock may lie below the mean for its tails to be formed
relative to P(X = S), which is at least about exp(-_LIGHT) then."""


def erlang_loss(stock: ArrayLike, load: ArrayLike) -> Floats:
    r"""Share of demand that finds the shelf empty when nobody waits (Erlang B).

    Parameters
    ----------
    stock : array_like of int
        Base-stock level :math:`S` [units].
    load : array_like of float, broadcastable to ``stock``
        Offered load :math:`a = \lambda T`, demand over the resupply time [units].

    Returns
    -------
    ndarray
        In the broadcast shape; right relative to itself however small.

    Raises
    ------
    ValueError
        If a stock is not an integer of at least 0 or a load is negative or not finite.

    Notes
    -----
    :math:`B(S, a) = \frac{a^S / S!}{\sum_{n \le S} a^n / n!}` by the stable recursion
    :math:`B(s) = a B(s - 1) / (s + a B(s - 1))`. Exact for any law of independent resupply
    times (Sevastyanov).

    References
    ----------
    Erlang (1917); Karush (1957), Operations Research 5, for the inventory model.

    Examples
    --------
    >>> erlang_loss([0, 1, 2], 1.0).round(6).tolist()
    [1.0, 0.5, 0.2]
    """
    levels, loads = np.broadcast_arrays(np.asarray(stock), np.asarray(load, dtype=np.float64))
    if not np.issubdtype(levels.dtype, np.integer) or (levels < 0).any():
        raise ValueError("stock must be integers of at least 0")
    if not (np.isfinite(loads) & (loads >= 0)).all():
        raise ValueError("load must be finite and at least 0")
    return loss_shares(levels.astype(np.int64), loads)


def loss_shares(stock: Integers, load: Floats) -> Floats:
    """Erlang's recursion for arrays of one shape, unchecked."""
    loss = np.ones(stock.shape)
    for level in range(1, int(stock.max(initial=0)) + 1):
        carried = load * loss
        loss = np.where(stock >= level, carried / (level + carried), loss)
    return loss


@dataclass(frozen=True)
class ShelfFigures:
    """A shelf asked by customers who go elsewhere and by orders that wait; arrays of one shape."""

    short: Floats
    """Share of time, and of customers, without a unit on the shelf."""
    late: Floats
    """Mean orders of other locations that wait, EBO [units]."""
    unready: Floats
    """Share of time in which an order waits."""


def shelf_figures(stock: Integers, customers: Floats, orders: Floats) -> ShelfFigures:
    r"""Figures of a shelf whose customers go elsewhere while the orders it supplies wait.

    Parameters
    ----------
    stock
        Base-stock level :math:`S` [units].
    customers, orders
        Load of the customers :math:`a` and of the orders :math:`b`: rate times resupply time
        [units]; same shape.

    Notes
    -----
    The units under way are a birth-death chain with rates :math:`a + b` below S and b from S on,
    so :math:`\pi_n \propto (a + b)^n / n!` up to S and :math:`(a + b)^S b^{n - S} / n!` beyond:
    with :math:`B = B(S, a + b)` and X ~ Poisson(b),

    .. math:: P(n \ge S) = \frac{B P(X \ge S)}{P(X = S) + B P(X > S)}, \quad
        E[(n - S)^+] = \frac{B E[(X - S)^+]}{P(X = S) + B P(X > S)}.

    Without orders this is Erlang's loss; without customers Palm's Poisson pipeline.
    """
    loss = loss_shares(stock, customers + orders)
    if not orders.any():
        return ShelfFigures(loss, np.zeros_like(loss), np.zeros_like(loss))
    found = ShelfFigures(loss.copy(), np.zeros_like(loss), np.zeros_like(loss))
    supplies = np.nonzero(orders > 0.0)
    exactly, above, late = poisson_tails(stock[supplies], orders[supplies])
    lost = loss[supplies]
    weights = exactly + lost * above
    found.short[supplies] = np.minimum(lost * (exactly + above) / weights, 1.0)
    found.late[supplies] = lost * late / weights
    found.unready[supplies] = np.minimum(lost * above / weights, 1.0)
    return found


def poisson_tails(stock: Integers, mean: Floats) -> tuple[Floats, Floats, Floats]:
    """P(X = S), P(X > S) and E[(X - S)+] of Poisson counts, all three times any one factor.

    The factor is 1 / P(X = S), so that nothing underflows, except where that would overflow.
    """
    exactly, above, late = np.ones(mean.shape), np.zeros(mean.shape), np.zeros(mean.shape)
    light = (stock >= mean) | ((mean - stock) ** 2 <= _LIGHT * mean)
    level, rate = stock[light], mean[light]
    reach = poisson_reach(rate, level.astype(np.float64)) - level
    tail, units = np.zeros(level.shape), np.zeros(level.shape)
    for step in range(int(reach.max(initial=0)), 0, -1):
        ratio = rate / (level + step)
        tail = ratio * (1.0 + tail)
        units = tail + ratio * units
    above[light], late[light] = tail, units
    heavy = ~light
    pipeline = moments_of_stock(stock[heavy], mean[heavy], np.zeros(int(heavy.sum())))
    exactly[heavy] = np.exp(
        scipy.special.xlogy(stock[heavy], mean[heavy])
        - mean[heavy]
        - scipy.special.gammaln(stock[heavy] + 1.0)
    )
    above[heavy], late[heavy] = pipeline.unready, pipeline.expected_backorders
    return exactly, above, late
