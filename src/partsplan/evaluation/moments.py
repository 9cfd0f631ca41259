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
    moments = _metric_moments(chain, np.ones(len(chain.parents), dtype=np.bool_))
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
    laws = _vari_metric_moments(chain, tree, np.ones(len(chain.parents), dtype=np.bool_))
    return laws[0].figures(laws[min(1, len(laws) - 1)].stock)


def pipeline_moments(
    evaluation: MomentMethod, tree: SupplyTree, stock: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Mean and excess variance of every pipeline, given the stocks of locations with children.

    Parameters
    ----------
    evaluation
        By whose moments.
    tree, stock
        As in `vari_metric_figures`; stocks of childless locations do not enter.

    Returns
    -------
    tuple
        Mean [units], and variance less mean [units^2]; each of shape (n_parts, n_locations).
    """
    chain = Chain(tree.parents, tree.pipeline(), tree.share, stock, tree.order_lots(stock))
    has_children = np.isin(np.arange(len(chain.parents)), chain.parents)
    if evaluation == "metric":
        moments = _metric_moments(chain, has_children)
    else:
        moments = _vari_metric_moments(chain, tree, has_children)[0]
    return moments.mean, moments.excess


def _metric_moments(chain: Chain, is_stocked: NDArray[np.bool_]) -> _PipelineMoments:
    moments = _PipelineMoments.of(chain, is_stocked)
    for nodes in chain.levels:
        above = chain.parents[nodes]
        backorders = np.where(above >= 0, moments.stock.expected_backorders[:, above], 0.0)
        mean = chain.pipeline[:, nodes] + chain.share[:, nodes] * backorders
        moments.enter(chain, nodes, mean, np.zeros_like(mean))
    return moments


def _vari_metric_moments(
    chain: Chain, tree: SupplyTree, is_stocked: NDArray[np.bool_]
) -> list[_PipelineMoments]:
    """Moments under 0, 1, ... size biases of the uncertain rates; one entry where all are known."""
    known = bool(np.isinf(tree.rate_shape).all())
    depth = len(chain.levels)
    laws = [_PipelineMoments.of(chain, is_stocked) for _ in range(1 if known else depth + 1)]
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
    is_stocked: NDArray[np.bool_]
    """Nodes whose stock is looked at; the others have moments only."""

    @classmethod
    def of(cls, chain: Chain, is_stocked: NDArray[np.bool_]) -> _PipelineMoments:
        shape = chain.stock.shape
        stock = StockMoments.idle(chain.stock)
        return cls(np.zeros(shape), np.zeros(shape), stock, is_stocked)

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
        chosen = self.is_stocked[nodes]
        if not chosen.all():
            nodes, mean, excess = nodes[chosen], mean[:, chosen], excess[:, chosen]
            clustering = None if clustering is None else clustering[:, chosen]
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
    r"""Moments of one level under the factor Gamma(a + bias, rate a), given the level above.

    The second of ``laws`` holds the level above under one more size bias:
    :math:`E_k[\theta B] = (1 + k / a) E_{k+1}[B]`.
    """
    law, biased = laws
    factor = (1.0 + bias / tree.rate_shape)[:, np.newaxis]
    factor_variance = factor / tree.rate_shape[:, np.newaxis]
    above = chain.parents[nodes]
    has_parent = above >= 0
    pipeline, share = chain.pipeline[:, nodes], chain.share[:, nodes]
    if tree.is_clustered and has_parent.any():
        share = _shares(tree, nodes, law, chain.stock)
    backorders = np.where(has_parent, law.stock.expected_backorders[:, above], 0.0)
    variance = np.where(has_parent, law.stock.backorder_variance[:, above], 0.0)
    shifted = np.where(has_parent, biased.stock.expected_backorders[:, above], 0.0)
    covariance = factor * np.maximum(shifted - backorders, 0.0)
    crowded = (1.0 + tree.clustering[:, above]) * backorders if tree.is_clustered else backorders
    excess = (
        pipeline * pipeline * factor_variance
        + share * share * np.maximum(variance - crowded, 0.0)
        + 2.0 * share * pipeline * covariance
    )
    mean = factor * pipeline + share * backorders
    if not tree.is_clustered:
        law.enter(chain, nodes, mean, excess)
        return
    excess += factor * tree.pipeline_excess()[:, nodes]
    excess += share * tree.order_clustering[:, nodes] * backorders
    law.enter(chain, nodes, mean, excess, tree.clustering[:, nodes])


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
