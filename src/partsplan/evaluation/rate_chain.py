r"""Exact laws of two levels at uncertain rates, in closed form: one sum over the units at the root.

Given that n units are under way at the root, the rate has a gamma law that grows by one unit of
shape with each (`gamma_rates`), so a child's own units are negative binomial, and its share of the
units late at the root is binomial as ever. The sum over n costs about what two chains of known
rates do, where a quadrature over the rate takes dozens. Own laws step up with n by
:math:`p_{r+1}(k) = (1 - q)(1 + k / r) p_r(k)`; late units are taken on the way down, by Horner's
rule. All terms are positive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.evaluation.chain import Chain
from partsplan.evaluation.gamma_rates import GammaRates
from partsplan.evaluation.laws import (
    NEGLIGIBLE,
    UNDERFLOW,
    Law,
    StockMoments,
    similar_widths,
    stock_moments,
)
from partsplan.evaluation.negative_binomial import moments_of_stock
from partsplan.evaluation.supply import Floats, Integers

MOST_COUNTS = 2_000
"""Units under way at a root that a sum goes over at most; a quadrature is sooner beyond."""
MOST_UNDER_WAY = 500.0
"""Mean of a count up to which its law can be built up from P(X = 0)."""
_LAWS_AT_ONCE = 16
_SPARED = 10.0
"""Log by which sums end sooner than laws usually do; exp(-35) = 6e-16 is left out."""


def has_closed_laws(chain: Chain, rate_shape: Floats) -> NDArray[np.bool_]:
    """Rows of a chain whose figures are sums over the units at the root; shape (n_rows,).

    Those of uncertain rates, two levels at most, no lots, and not too many units under way.
    """
    if len(chain.levels) > 2:
        return np.zeros(len(rate_shape), dtype=np.bool_)
    is_closed = np.isfinite(rate_shape) & (chain.pipeline < MOST_UNDER_WAY).all(axis=1)
    if chain.lots is not None:
        is_closed &= (chain.lots == 1).all(axis=1)
    rows = np.flatnonzero(is_closed)
    if len(rows):
        rates = GammaRates.of(rate_shape[rows], per_demand=True)
        is_closed[rows] = _RootCounts.of(chain.of_rows(rows), rates).are_few
    return is_closed


def rate_chain_figures(chain: Chain, rates: GammaRates) -> StockMoments:
    """Figures of all nodes at one law of the uncertain rates; rows as `has_closed_laws` has them.

    Moments of units are right at the law over time, shares of demand at that over demands.
    """
    figures = StockMoments.idle(chain.stock)
    is_fed = _is_fed(chain)
    cells = np.nonzero(chain.is_live & ~is_fed)
    scale = chain.pipeline[cells] / rates.rate[cells[0]]
    mean = rates.shape[cells[0]] * scale
    figures.put(cells, moments_of_stock(chain.stock[cells], mean, mean * scale))
    row, node = np.nonzero(is_fed)
    counts = _RootCounts.of(chain, rates)
    for some in counts.blocks(row, node):
        cells = row[some], node[some]
        children = _Children.of(chain, rates, *cells)
        law = children.law(int(counts.most[cells].max()), 1 + int(counts.own[cells].max()))
        start = np.zeros(len(some), dtype=np.int64)
        figures.put(cells, stock_moments(Law(start, law), chain.stock[cells]))
    return figures


def _is_fed(chain: Chain) -> NDArray[np.bool_]:
    """Nodes that units late above them can be for."""
    from_above = chain.pipeline[:, chain.parents] > 0.0
    return (chain.parents >= 0) & (chain.share > 0.0) & from_above


def backorders_by_rate(chain: Chain, rate_shape: Floats, figures: StockMoments) -> Floats:
    r"""Covariance of each node's late units with the factor on its part's rate, at roots.

    As n units under way speak for a factor of :math:`(a + n) / (a + m)`.
    """
    shape, stock = rate_shape[:, None], chain.stock
    late, square = figures.expected_backorders, figures.backorder_variance
    together = (shape + stock) * late + square + late * late
    return np.asarray(together / (shape + chain.pipeline) - late)


@dataclass(frozen=True, eq=False)
class _RootCounts:
    """Counts that matter to nodes that are fed; shape (n_rows, n_nodes), 0 at others."""

    most: Integers
    """Of the units under way at the root."""
    own: Integers
    """Of those at the child itself."""
    lost: Floats
    """Log of what may be lost to underflow, relative to the likelihood of a shortage, at most."""

    @classmethod
    def of(cls, chain: Chain, rates: GammaRates) -> _RootCounts:
        """Counts beyond which nothing is likely given that the child is short.

        As in `Chain.top`: jointly, with what is left to come at the rate that the units seen speak
        for, or apart, beside the likelihood of a shortage. A child is short at least when its own
        units exceed its stock, or when all the first late units are its own.
        """
        most, own = (np.zeros(chain.stock.shape, dtype=np.int64) for _ in range(2))
        lost = np.full(chain.stock.shape, -np.inf)
        is_fed = _is_fed(chain)
        for nodes in chain.levels[1:]:
            above = chain.parents[nodes]
            stock = chain.stock.astype(np.float64)
            held, short = stock[:, above], stock[:, nodes] + 1.0
            at_root, mean = chain.pipeline[:, above], chain.pipeline[:, nodes]
            taken = -scipy.special.xlogy(short, chain.share[:, nodes])
            rare = np.minimum(
                rates.rareness(short, mean), rates.rareness(held + short, at_root) + taken
            )
            seen = held + short
            at_most = seen + rates.having_seen(seen).reach(at_root + mean, 0.0, -_SPARED)
            at_most = np.minimum(at_most, rates.reach(at_root, 0.0, rare - _SPARED))
            most[:, nodes] = np.where(is_fed[:, nodes], at_most, 0)
            arriving = chain.stockless_mean[:, nodes]
            jointly = rates.having_seen(held).reach(arriving, short - 1.0, -_SPARED)
            apart = rates.reach(arriving, 0.0, rare - _SPARED)
            at_most = np.maximum(np.minimum(jointly, apart), short)
            own[:, nodes] = np.where(is_fed[:, nodes], at_most, 0)
            grown = rare + rates.growth(most[:, nodes], own[:, nodes]) - UNDERFLOW
            lost[:, nodes] = np.where(is_fed[:, nodes] & (mean > 0.0), grown, -np.inf)
        return cls(most, own, lost)

    @property
    def are_few(self) -> NDArray[np.bool_]:
        """Rows whose laws can be summed: what has underflown cannot grow back."""
        return np.asarray(((self.most <= MOST_COUNTS) & (self.lost < -NEGLIGIBLE)).all(axis=1))

    def blocks(self, row: Integers, node: Integers) -> Iterator[Integers]:
        """Places of cells alike in both counts, so many that their laws fit the cache."""
        most, own = self.most[row, node], self.own[row, node]
        for alike in similar_widths(most):
            longest = int(most[alike].max())
            for some in similar_widths(own[alike] + 1, 1 + longest // _LAWS_AT_ONCE):
                yield alike[some]


@dataclass(frozen=True, eq=False)
class _Children:
    """Some children of roots; arrays of shape (n,)."""

    rates: GammaRates
    """Where no unit is under way at the root."""
    at_root: GammaRates
    root_mean: Floats
    mean: Floats
    share: Floats
    held: Integers
    """Stock of the root."""

    @classmethod
    def of(cls, chain: Chain, rates: GammaRates, row: Integers, node: Integers) -> _Children:
        """Of some cells of a chain."""
        above = row, chain.parents[node]
        own = rates.of_parts(row)
        root_mean = chain.pipeline[above]
        return cls(
            own.with_none_of(root_mean),
            own,
            root_mean,
            chain.pipeline[row, node],
            chain.share[row, node],
            chain.stock[above],
        )

    def law(self, last: int, width: int) -> Floats:
        """Law of the units under way, with up to ``last`` at the root; shape (width, n)."""
        weight = np.ascontiguousarray(self.at_root.law(self.root_mean, last + 1).T)
        first = int(self.held.min()) + 1
        mass = np.zeros((width, len(self.held)))
        late = np.empty((max(last + 1 - first, 0), *mass.shape))
        moved = np.empty_like(mass)
        for count, law in enumerate(self._own_laws(last, width)):
            if count < first:
                np.multiply(law, weight[count], out=moved)
                mass += moved
                continue
            is_late = count > self.held
            np.multiply(law, weight[count] * is_late, out=late[count - first])
            if not is_late.all():
                np.multiply(law, weight[count] * ~is_late, out=moved)
                mass += moved
        return mass + self._thinned(late, first)

    def _own_laws(self, last: int, width: int) -> Iterator[Floats]:
        """Own laws with 0 .. ``last`` units at the root, in one array that changes."""
        law = np.ascontiguousarray(self.rates.law(self.mean, width).T)
        stay = 1.0 - self.rates.odds(self.mean)
        units, step = np.arange(float(width))[:, None], np.empty_like(law)
        for count in range(last + 1):
            yield law
            np.multiply(units, stay / (self.rates.shape + count), out=step)
            step += stay
            law *= step

    def _thinned(self, late: Floats, first: int) -> Floats:
        """Sum of laws, each with the child's share of the units late at its count."""
        mass = np.zeros(late.shape[1:])
        carry = np.empty_like(mass)
        everywhere = int(self.held.max())
        for place in range(len(late) - 1, -1, -1):
            mass += late[place]
            share = self.share
            if first + place <= everywhere:
                share = np.where(first + place > self.held, share, 0.0)
            np.multiply(mass[:-1], share, out=carry[1:])
            mass *= 1.0 - share
            mass[1:] += carry[1:]
        return mass
