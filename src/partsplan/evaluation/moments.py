"""Approximate evaluation of a stock by moments: METRIC and VARI-METRIC, any depth.

METRIC (Sherbrooke 1968) takes every pipeline for Poisson with the right mean. VARI-METRIC (Graves
1985, Sherbrooke 1986) takes it for negative binomial with the right mean and, down to the second
level, variance. Neither is monotone in the parent's stock by construction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.chain import Chain
from partsplan.evaluation.figures import SupplyFigures
from partsplan.evaluation.laws import StockMoments
from partsplan.evaluation.negative_binomial import moments_of_stock
from partsplan.evaluation.orders import clustered_moments
from partsplan.evaluation.sharing import late_unit_shares
from partsplan.evaluation.supply import Floats, Integers, SupplyTree

MomentMethod = Literal["vari_metric", "metric"]


def metric_figures(tree: SupplyTree, stock: NDArray[np.int64]) -> SupplyFigures:
    r"""METRIC: every pipeline Poisson with mean :math:`m_j = \lambda_j T_j + f_j EBO_l`.

    Looks at means only: the uncertainty of a rate (``rate_shape``) and the clustering of demand
    (``variance_to_mean``) do not enter.

    Parameters
    ----------
    tree : SupplyTree
        A block of parts with a common forest.
    stock : ndarray of int, shape (n_parts, n_locations)
        Base-stock levels :math:`S` [units].

    Returns
    -------
    SupplyFigures
        ``is_exact`` is False.

    References
    ----------
    Sherbrooke (1968), Operations Research 16.
    """
    chain = Chain(tree.parents, tree.pipeline(), tree.share, stock, tree.order_lots(stock))
    moments = _metric_moments(chain)
    return moments.figures(moments.stock)


def vari_metric_figures(tree: SupplyTree, stock: NDArray[np.int64]) -> SupplyFigures:
    r"""VARI-METRIC: every pipeline negative binomial through its mean and variance.

    Parameters
    ----------
    tree : SupplyTree
        A block of parts with a common forest.
    stock : ndarray of int, shape (n_parts, n_locations)
        Base-stock levels :math:`S` [units].

    Returns
    -------
    SupplyFigures
        ``is_exact`` is False.

    Notes
    -----
    :math:`m_j = \lambda_j T_j + f_j EBO_l` and
    :math:`v_j = \lambda_j T_j + f_j^2 VBO_l + f_j (1 - f_j) EBO_l`. Under an uncertain rate with
    shape a, :math:`v_j` gains :math:`(\lambda_j T_j)^2 Var(\theta) + 2 f_j \lambda_j T_j
    Cov(\theta, B_l)`, where :math:`E[\theta B_l]` is :math:`E[\theta]` times the size-biased EBO
    (shape a + 1), itself found by the same recursion; shares of demand are size-biased as well.

    Clustered demand (ratio c of variance to mean; :math:`c_l` of all that the parent is asked
    for, :math:`c_j` of what j orders): :math:`v_j = c_j \lambda_j T_j + f_j^2 VBO_l +
    f_j (c_j - f_j c_l) EBO_l`, because the units of an order go to one child; exact for a parent
    without stock. Late units part by rate times wait (`sharing.late_unit_shares`); with equal
    clustering :math:`f_j` stays the share of demand. Correlations between an order's late units
    beyond its own size are left out, and the law of several streams of unequal clustering is
    taken for negative binomial. ``stockout`` and ``fill_rate`` count units.

    Where a root orders in lots, its late units are mixed over the inventory position
    (`laws.lot_law`); EBO and VBO of the mixture go on to its children.

    References
    ----------
    Graves (1985), Management Science 31; Sherbrooke (1986), Operations Research 34.
    """
    chain = Chain(tree.parents, tree.pipeline(), tree.share, stock, tree.order_lots(stock))
    laws = _vari_metric_moments(chain, tree)
    return laws[0].figures(laws[min(1, len(laws) - 1)].stock)


@dataclass(frozen=True)
class LateUnits:
    """Units late at a location: arrays of one shape."""

    mean: Floats
    """:math:`EBO` [units]."""
    variance: Floats
    """:math:`VBO` [units^2]."""
    biased_mean: Floats
    """The mean under one more size bias of the part's uncertain rate; the same at known rates."""


@dataclass(frozen=True)
class Clustering:
    """What clustered demand adds to a pipeline; as `SupplyTree` has it."""

    above: Floats
    """Variance over mean, minus 1, of all that the location above is asked for."""
    order: Floats
    """The same of what the location itself orders."""
    excess: Floats
    """Variance minus mean of the pipeline without delays from above [units^2]."""


def pipeline_moments(
    own: tuple[Floats, Floats],
    above: LateUnits,
    rate_shape: Floats,
    bias: int = 0,
    clustering: Clustering | None = None,
) -> tuple[Floats, Floats]:
    r"""Mean and excess variance of pipelines by VARI-METRIC, given the late units above.

    Parameters
    ----------
    own
        Pipelines without delays from above [units], and shares of the late units above.
    above
        Late units of the location above each, 0 at roots.
    rate_shape
        Gamma shape a of the uncertain rates; ``inf`` where they are known.
    bias
        Size biases k of the rate: its factor is Gamma(a + k, rate a).
    clustering
        What clustered demand adds; None for none.

    Returns
    -------
    tuple
        Mean [units], and variance less mean [units^2]; in the shape that all arrays have together.

    Notes
    -----
    As `vari_metric_figures`, with :math:`E_k[\theta B] = (1 + k / a) E_{k+1}[B]`.
    """
    pipeline, share = own
    factor = 1.0 + bias / rate_shape
    crowded = above.mean if clustering is None else (1.0 + clustering.above) * above.mean
    excess = share * share * np.maximum(above.variance - crowded, 0.0)
    if np.isfinite(rate_shape).any():
        covariance = factor * np.maximum(above.biased_mean - above.mean, 0.0)
        excess = excess + pipeline * (pipeline * factor / rate_shape + 2.0 * share * covariance)
    if clustering is not None:
        excess = excess + factor * clustering.excess + share * clustering.order * above.mean
    return factor * pipeline + share * above.mean, excess


def _metric_moments(chain: Chain) -> _PipelineMoments:
    moments = _PipelineMoments.of(chain)
    for nodes in chain.levels:
        above = chain.parents[nodes]
        backorders = np.where(above >= 0, moments.stock.expected_backorders[:, above], 0.0)
        mean = chain.pipeline[:, nodes] + chain.share[:, nodes] * backorders
        moments.enter(chain, nodes, mean, np.zeros_like(mean))
    return moments


def _vari_metric_moments(chain: Chain, tree: SupplyTree) -> list[_PipelineMoments]:
    """Moments under 0, 1, ... size biases of the uncertain rates; one entry where all are known."""
    known = bool(np.isinf(tree.rate_shape).all())
    depth = len(chain.levels)
    laws = [_PipelineMoments.of(chain) for _ in range(1 if known else depth + 1)]
    for d, nodes in enumerate(chain.levels):
        for bias in range(1 if known else depth + 1 - d):
            biased = laws[bias if known or d == 0 else bias + 1]
            _descend(chain, nodes, (laws[bias], biased), tree, bias)
    return laws


@dataclass(frozen=True)
class _PipelineMoments:
    """Mean and excess variance of every pipeline, and what the stock makes of them."""

    mean: Floats
    excess: Floats
    stock: StockMoments

    @classmethod
    def of(cls, chain: Chain) -> _PipelineMoments:
        shape = chain.stock.shape
        stock = StockMoments.idle(chain.stock)
        return cls(np.zeros(shape), np.zeros(shape), stock)

    def enter(
        self,
        chain: Chain,
        nodes: Integers,
        mean: Floats,
        excess: Floats,
        clustering: Floats | None = None,
    ) -> None:
        """Set the moments of some nodes and evaluate the stock there."""
        self.mean[:, nodes] = mean
        self.excess[:, nodes] = excess
        levels = chain.stock[:, nodes]
        lots = None if chain.lots is None else chain.lots[:, nodes].ravel()
        if clustering is None:
            flat = moments_of_stock(levels.ravel(), mean.ravel(), excess.ravel(), lots)
        else:
            flat = clustered_moments(
                levels.ravel(), mean.ravel(), excess.ravel(), clustering.ravel(), lots
            )
        self.stock.put((slice(None), nodes), flat.reshaped(levels.shape))

    def figures(self, per_demand: StockMoments) -> SupplyFigures:
        """The figures, with shares of demand from their own (size-biased) law."""
        return SupplyFigures(
            expected_backorders=self.stock.expected_backorders,
            backorder_variance=self.stock.backorder_variance,
            stockout=per_demand.stockout,
            unready=self.stock.unready,
            fill_rate=per_demand.filled,
            ready_rate=self.stock.ready,
            on_hand=self.stock.on_hand,
            pipeline_mean=self.mean,
            pipeline_variance=self.mean + self.excess,
            is_exact=False,
        )


def _descend(
    chain: Chain,
    nodes: Integers,
    laws: tuple[_PipelineMoments, _PipelineMoments],
    tree: SupplyTree,
    bias: int,
) -> None:
    """Moments of one level under some size biases, given the level above.

    The second of ``laws`` holds the level above under one more.
    """
    law, biased = laws
    above = chain.parents[nodes]
    has_parent = above >= 0
    share, clustering = chain.share[:, nodes], None
    if tree.is_clustered:
        if has_parent.any():
            share = _shares(tree, nodes, law, chain.stock)
        clustering = Clustering(
            tree.clustering[:, above],
            tree.order_clustering[:, nodes],
            tree.pipeline_excess()[:, nodes],
        )
    late = LateUnits(
        np.where(has_parent, law.stock.expected_backorders[:, above], 0.0),
        np.where(has_parent, law.stock.backorder_variance[:, above], 0.0),
        np.where(has_parent, biased.stock.expected_backorders[:, above], 0.0),
    )
    own = chain.pipeline[:, nodes], share
    shape = tree.rate_shape[:, np.newaxis]
    mean, excess = pipeline_moments(own, late, shape, bias, clustering)
    law.enter(chain, nodes, mean, excess, tree.clustering[:, nodes] if tree.is_clustered else None)


def _shares(tree: SupplyTree, nodes: Integers, law: _PipelineMoments, stock: Integers) -> Floats:
    """Shares of the late units above that are for some nodes with clustered orders."""
    share = np.zeros((tree.n_parts, len(tree.parents)))
    for parent in np.unique(tree.parents[nodes]).tolist():
        if parent >= 0:
            children = list(tree.children[parent])
            share[:, children] = late_unit_shares(
                tree, parent, stock[:, parent], law.mean[:, parent], law.excess[:, parent]
            )
    return share[:, nodes]
