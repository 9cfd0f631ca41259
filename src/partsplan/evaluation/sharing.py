r"""How the late units of a location part over those who asked for them, when orders are clustered.

By Little's law each stream's part is its rate times its mean wait, and units of large orders wait
longer: they stand behind others of their own order. With equal clustering the parts are the shares
of demand.
"""

from __future__ import annotations

import numpy as np

from partsplan.evaluation.orders import short_units
from partsplan.evaluation.supply import Floats, Integers, SupplyTree

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(6)


def late_unit_shares(
    tree: SupplyTree, parent: int, stock: Integers, mean: Floats, excess: Floats
) -> Floats:
    r"""Share of a location's late units that is for each of its children.

    Parameters
    ----------
    tree : SupplyTree
        Block of parts.
    parent : int
        The location.
    stock, mean, excess : ndarray, shape (n_parts,)
        Its base stock [units], and mean and variance minus mean of its pipeline.

    Returns
    -------
    ndarray, shape (n_parts, n_children)
        :math:`f_i W_i / \sum_k f_k W_k` over children and own customers, with the mean wait of
        stream i over that of an order, :math:`W_i = \int_0^1 P(X_y + J_i \ge S) dy`; X_y is the
        pipeline law with y times its moments, what was asked for in the last part y of the time,
        and J_i the units before a unit in its order (`orders.units_before`).
    """
    children = list(tree.children[parent])
    share, clustering = tree.share[:, children], tree.order_clustering[:, children]
    own = tree.own_rate[:, [parent]]
    own_share = np.divide(own, tree.rate[:, [parent]], out=np.zeros_like(own), where=own > 0)
    ratio = np.broadcast_to(tree.variance_to_mean, tree.own_rate.shape)[:, [parent]]
    shares = np.concatenate([share, own_share], axis=1)
    streams = np.where(shares > 0, np.concatenate([clustering, ratio - 1.0], axis=1), np.nan)
    if _is_equal(streams, tree.clustering[:, [parent]]):
        return share
    lots = tree.order_lots(np.repeat(stock[:, np.newaxis], len(tree.parents), axis=1))
    lot = np.ones(len(stock)) if lots is None else lots[:, parent]
    cases = np.column_stack([stock, lot, mean, excess, shares, streams])
    distinct, case = np.unique(np.nan_to_num(cases), axis=0, return_inverse=True)
    n = shares.shape[1]
    levels, sizes = distinct[:, :2].T.astype(np.int64)
    waits = _relative_waits((levels, sizes), distinct[:, 2:4], distinct[:, 4 + n :])
    parts = distinct[:, 4 : 4 + n] * waits
    total = parts.sum(axis=1, keepdims=True)
    split = np.divide(parts, total, out=distinct[:, 4 : 4 + n].copy(), where=total > 0)
    return np.asarray(split[case.reshape(-1), :-1], dtype=np.float64)


def _is_equal(streams: Floats, whole: Floats) -> bool:
    """Whether all streams are clustered like the whole."""
    return not bool((np.abs(streams - whole) > 1e-12 * (1.0 + whole)).any())


def _relative_waits(
    stock_and_lots: tuple[Integers, Integers], moments: Floats, clustering: Floats
) -> Floats:
    """Mean wait of each stream's units over the wait for an order; shape of ``clustering``."""
    stock, lots = stock_and_lots
    waits = np.zeros_like(clustering)
    for node, weight in zip(0.5 * (_NODES + 1.0), 0.5 * _WEIGHTS, strict=True):
        mean, excess = node * moments.T
        waits += weight * short_units(stock, mean, excess, clustering, lots)
    return waits
