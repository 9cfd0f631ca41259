"""Exact evaluation of a stock: every law of the supply tree, mixed over uncertain rates.

Any depth, several roots, local repair anywhere (Simon 1971, Graves 1985). An uncertain rate is
one factor for all locations of a part. Two levels of it have a closed form (`rate_chain`); else,
given the factor, the chain of laws is exact, and a quadrature mixes them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.chain import Chain, chain_figures, pipeline_moments
from partsplan.evaluation.figures import SupplyFigures
from partsplan.evaluation.gamma_rates import GammaRates
from partsplan.evaluation.laws import StockMoments
from partsplan.evaluation.lazy import lazy
from partsplan.evaluation.orders import clustered_moments
from partsplan.evaluation.rate_chain import (
    backorders_by_rate,
    has_closed_laws,
    rate_chain_figures,
)
from partsplan.evaluation.supply import Floats, Integers, SupplyTree, sums_on_paths
from partsplan.evaluation.uncertainty import rate_nodes


@dataclass(frozen=True)
class RateMixture:
    """Parts spread over the factors of their uncertain rates.

    Parameters
    ----------
    part, factor, weight
        Shape (n_rows,): the part, the factor on its demand and its probability; rows of a part
        are neighbors, parts in order.
    """

    part: Integers
    factor: Floats
    weight: Floats

    @classmethod
    def of(cls, chain: Chain, rate_shape: Floats) -> RateMixture:
        """Factors for every part of a chain."""
        if np.isinf(rate_shape).all():
            n = len(rate_shape)
            return cls(np.arange(n), np.ones(n), np.ones(n))
        cases = np.column_stack([rate_shape, _rate_extremes(chain)])
        distinct, case = np.unique(cases, axis=0, return_inverse=True)
        rules = [rate_nodes(a, m, s, largest_factor=t) for a, m, s, t in distinct.tolist()]
        counts = np.array([len(nodes) for nodes, _ in rules], dtype=np.int64)[case]
        return cls(
            np.repeat(np.arange(len(rate_shape)), counts),
            np.concatenate([rules[c][0] for c in case]),
            np.concatenate([rules[c][1] for c in case]),
        )

    @lazy
    def is_single(self) -> bool:
        """Whether every part has one factor only, its known rate."""
        return bool((self.weight == 1.0).all() and (self.factor == 1.0).all())

    def mean(self, values: Floats, *, per_demand: bool = False) -> Floats:
        """Mean over the factor, per unit of time or per unit of demand (size-biased)."""
        if self.is_single:
            return values
        weight = self.weight * self.factor if per_demand else self.weight
        first = np.flatnonzero(np.diff(self.part, prepend=-1))
        return np.add.reduceat(values * weight[:, np.newaxis], first, axis=0)


def _rate_extremes(chain: Chain) -> Floats:
    """Per part the largest pipeline and stock on a path, and the factor at which all is short.

    There a node's stock and its share of the stock above are less than its stockless pipeline.
    Rounded up, so that parts share their factors.
    """
    stock, mean = chain.stock.astype(np.float64), chain.stockless_mean
    shared = stock.copy()
    for nodes in chain.levels[1:]:
        shared[:, nodes] += chain.share[:, nodes] * shared[:, chain.parents[nodes]]
    path, pipeline = (
        np.where(mean > 0, sums_on_paths(values, chain.parents), 0.0)
        for values in (stock, chain.pipeline)
    )
    ratio = np.where(mean > 0, (shared + 1.0) / np.maximum(mean, 1e-99), 0.0)
    return np.column_stack(
        [
            _rounded_up(pipeline.max(axis=1, initial=0.0)),
            path.max(axis=1, initial=0.0),
            _rounded_up(ratio.max(axis=1, initial=0.0)),
        ]
    )


def _rounded_up(values: Floats) -> Floats:
    """Next half power of 2; at least 1e-3."""
    return np.exp2(np.ceil(2.0 * np.log2(np.maximum(values, 1e-3))) / 2.0)


def moments_of_nodes(chain: Chain, clustering: Floats) -> StockMoments:
    """Figures of every node of a chain, clustered roots included.

    ``clustering`` has the shape of the pipelines and is as in `SupplyTree.exact_clustering`:
    figures are NaN where it is.
    """
    if not clustering.any():
        return chain_figures(chain)
    figures = chain_figures(
        replace(chain, pipeline=np.where(clustering == 0.0, chain.pipeline, 0.0))
    )
    cells = np.nonzero(clustering > 0.0)
    mean, extra = chain.pipeline[cells], clustering[cells]
    lots = None if chain.lots is None else chain.lots[cells]
    figures.put(cells, clustered_moments(chain.stock[cells], mean, mean * extra, extra, lots))
    for field in fields(figures):
        getattr(figures, field.name)[np.isnan(clustering)] = np.nan
    return figures


def exact_figures(tree: SupplyTree, stock: NDArray[np.int64]) -> SupplyFigures:
    r"""Exact figures of a stock when backorders wait.

    Parameters
    ----------
    tree : SupplyTree
        A block of parts with a common forest; any depth, several roots, local repair anywhere.
    stock : ndarray of int, shape (n_parts, n_locations)
        Base-stock levels :math:`S` [units].

    Returns
    -------
    SupplyFigures
        ``is_exact`` is True; far tails are right relative to themselves. NaN where clustered
        demand leaves no exact law (`SupplyTree.without_exact_law`).

    Notes
    -----
    :math:`X_j = thin(B_l, f_j) + Poisson(\lambda_j [(1 - r_j) T_j + r_j R_j])` with
    :math:`B_l = (X_l - S_l)^+` the backorders of the parent and :math:`f_j` the share of its
    demand that j orders. Under an uncertain rate, backorders, ready rate and stock on hand are
    means over the factor, shares of demand are size-biased means.

    Clustered demand (compound Poisson, logarithmic order sizes, ratio c of variance to mean) has
    an exact law at a root that supplies nobody with the part: X is negative binomial with mean
    :math:`\lambda T` and variance :math:`c \lambda T`, for a fixed resupply time, and for
    random ones that are independent between orders and the same for all units of an order
    (Feeney and Sherbrooke 1966); not if the units of an order come back one by one. ``stockout``
    and ``fill_rate`` then count units (`orders.clustered_moments`). The factor of an uncertain
    rate scales how often orders come, not their size, so c stays.

    Where a root orders Q units at a time, whenever its inventory position (on hand + on order -
    late) has fallen to R = S - Q, the position is uniform on R + 1, ..., S and independent of the
    demand over the resupply time (Hadley and Whitin 1963), whether that is Poisson, negative
    binomial or clustered: every figure there and below is the mean over as many base stocks.
    Exact for fixed resupply times. ``pipeline_mean`` and ``pipeline_variance`` stay those of the
    demand over the resupply time.

    References
    ----------
    Hadley and Whitin (1963), Analysis of Inventory Systems, ch. 4; Simon (1971), Operations
    Research 19; Graves (1985), Management Science 31; Feeney and Sherbrooke (1966), Management
    Science 12.

    Examples
    --------
    >>> tree = SupplyTree(
    ...     parents=np.array([-1, 0, 0]),
    ...     own_rate=np.array([[0.0, 0.05, 0.05]]),
    ...     transit_days=np.array([[20.0, 2.0, 2.0]]),
    ...     repair_fraction=np.zeros((1, 3)),
    ...     repair_days=np.zeros((1, 3)),
    ...     rate_shape=np.array([2.0]),
    ... )
    >>> figures = exact_figures(tree, np.array([[2, 1, 1]]))
    >>> figures.expected_backorders[0, 1:].round(9).tolist()
    [0.193921712, 0.193921712]
    """
    chain = Chain(tree.parents, tree.pipeline(), tree.share, stock, tree.order_lots(stock))
    return mixed_figures(chain, tree.rate_shape, tree.exact_clustering)


def mixed_figures(chain: Chain, rate_shape: Floats, clustering: Floats) -> SupplyFigures:
    """Figures of every node of a chain, means over the rates of its parts (one row each).

    Two levels of uncertain rates have laws in closed form (`rate_chain`); others are mixed over
    the factors of a quadrature.

    Parameters
    ----------
    chain
        At factor 1.
    rate_shape
        Shape (n_rows,).
    clustering
        As in `moments_of_nodes`.
    """
    closed, others = _closed_and_others(chain, rate_shape, clustering)
    if len(closed) == 0:
        return _mixed(chain, rate_shape, clustering)
    if len(others) == 0:
        return _in_closed_form(chain, rate_shape)
    one = _in_closed_form(chain.of_rows(closed), rate_shape[closed])
    another = _mixed(chain.of_rows(others), rate_shape[others], clustering[others])
    joined = {}
    for field in fields(SupplyFigures):
        if field.name != "is_exact":
            joined[field.name] = np.empty(chain.stock.shape)
            joined[field.name][closed] = getattr(one, field.name)
            joined[field.name][others] = getattr(another, field.name)
    return SupplyFigures(**joined, is_exact=True)


def mixed_stockout(chain: Chain, rate_shape: Floats, clustering: Floats) -> Floats:
    """Share of demand that finds a node empty, as `mixed_figures` has it; 1 - fill rate."""
    closed, others = _closed_and_others(chain, rate_shape, clustering)
    stockout = np.empty(chain.stock.shape)
    if len(closed):
        rates = GammaRates.of(rate_shape[closed], per_demand=True)
        stockout[closed] = rate_chain_figures(chain.of_rows(closed), rates).stockout
    if len(others):
        rest = chain.of_rows(others)
        mixture = RateMixture.of(rest, rate_shape[others])
        rows = rest.of_rows(mixture.part).times(mixture.factor)
        figures = moments_of_nodes(rows, clustering[others][mixture.part])
        stockout[others] = mixture.mean(figures.stockout, per_demand=True)
    return np.minimum(stockout, 1.0)


def _closed_and_others(
    chain: Chain, rate_shape: Floats, clustering: Floats
) -> tuple[Integers, Integers]:
    """Rows that have closed laws, and those that have none."""
    is_closed = has_closed_laws(chain, rate_shape) & (clustering == 0.0).all(axis=1)
    return np.flatnonzero(is_closed), np.flatnonzero(~is_closed)


def _in_closed_form(chain: Chain, rate_shape: Floats) -> SupplyFigures:
    """Figures of rows that `has_closed_laws` names."""
    units = rate_chain_figures(chain, GammaRates.of(rate_shape))
    shares = rate_chain_figures(chain, GammaRates.of(rate_shape, per_demand=True))
    mean, variance = _pipeline_moments(chain, units)
    own = chain.pipeline
    late_by_rate = np.where(
        chain.parents >= 0, backorders_by_rate(chain, rate_shape, units)[:, chain.parents], 0.0
    )
    variance += own * own / rate_shape[:, None] + 2.0 * chain.share * own * late_by_rate
    return SupplyFigures(
        expected_backorders=units.expected_backorders,
        backorder_variance=units.backorder_variance,
        stockout=shares.stockout,
        unready=units.unready,
        fill_rate=shares.filled,
        ready_rate=units.ready,
        on_hand=units.on_hand,
        pipeline_mean=mean,
        pipeline_variance=variance,
        is_exact=True,
    )


def _mixed(chain: Chain, rate_shape: Floats, clustering: Floats) -> SupplyFigures:
    """Figures of all rows, mixed over factors on uncertain rates."""
    mixture = RateMixture.of(chain, rate_shape)
    rows = chain.of_rows(mixture.part).times(mixture.factor)
    clustering = clustering[mixture.part]
    figures = moments_of_nodes(rows, clustering)
    mean, variance = _pipeline_moments(rows, figures)
    variance = variance + clustering * rows.pipeline
    backorders = mixture.mean(figures.expected_backorders)
    pipeline_mean = mixture.mean(mean)
    backorder_shift = figures.expected_backorders - backorders[mixture.part]
    mean_shift = mean - pipeline_mean[mixture.part]
    stockout = np.minimum(mixture.mean(figures.stockout, per_demand=True), 1.0)
    return SupplyFigures(
        expected_backorders=backorders,
        backorder_variance=mixture.mean(figures.backorder_variance + backorder_shift**2),
        stockout=np.where(chain.stock <= 0, 1.0, stockout),
        unready=np.minimum(mixture.mean(figures.unready), 1.0),
        fill_rate=np.minimum(mixture.mean(figures.filled, per_demand=True), 1.0),
        ready_rate=np.minimum(mixture.mean(figures.ready), 1.0),
        on_hand=mixture.mean(figures.on_hand),
        pipeline_mean=pipeline_mean,
        pipeline_variance=mixture.mean(variance + mean_shift**2),
        is_exact=True,
    )


def _pipeline_moments(chain: Chain, figures: StockMoments) -> tuple[Floats, Floats]:
    """Mean and variance of every pipeline, from the parent's backorders."""
    has_parent = (chain.parents >= 0) & (chain.share > 0)
    backorders = np.where(has_parent, figures.expected_backorders[:, chain.parents], 0.0)
    variance = np.where(has_parent, figures.backorder_variance[:, chain.parents], 0.0)
    return pipeline_moments(chain.pipeline, chain.share, backorders, variance)
