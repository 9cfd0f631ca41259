"""Making the tables of a block of parts whose rates are uncertain, without a quadrature.

Below a root the units under way there say all there is to know of a part's rate, so that two
levels have laws in closed form (see `conditional_rates`). Late units are means over time, shares of
demand over demands, which come more often when the rate is high: each is made with its own law of
the rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from partsplan.evaluation.gamma_rates import GammaRates
from partsplan.evaluation.laws import UNDERFLOW
from partsplan.evaluation.rate_chain import MOST_UNDER_WAY
from partsplan.evaluation.supply import SupplyTree
from partsplan.optimization.axes import Booleans, Floats, Integers
from partsplan.optimization.conditional import Given
from partsplan.optimization.conditional_rates import (
    MOST_FIGURES,
    NEVER,
    GivenCounts,
    tables_of,
)
from partsplan.optimization.grids import Grids
from partsplan.optimization.late_units import LateUnits
from partsplan.optimization.sweeping import Kind
from partsplan.optimization.tables import Family, Weighed
from partsplan.optimization.tabulation import TableBuilder

_MOST_COUNTS = 8_000
"""Units under way at a root that a sweep goes over at most; factors and leaps are sooner beyond."""


def closed_parts(tree: SupplyTree, grids: Grids) -> tuple[Integers, Integers]:
    """Parts whose tables have a closed form, and the counts that their roots' laws take.

    Two levels at most, uncertain rates, no lots, no clustering, and not too many units under way;
    what underflows with none of them must not grow back with all.
    """
    none = np.zeros(0, dtype=np.int64)
    if tree.depth.max(initial=0) > 1:
        return none, none
    is_closed: Booleans = np.isfinite(tree.rate_shape)
    is_closed &= (tree.asked_lots == 1).all(axis=1) & (tree.clustering == 0.0).all(axis=1)
    is_closed &= tree.pipeline().max(axis=1, initial=0.0) < MOST_UNDER_WAY
    parts = np.flatnonzero(is_closed)
    some = tree.of_parts(parts)
    rates = GammaRates.of(some.rate_shape, per_demand=True)
    counts = rates.reach(some.pipeline()[:, some.parents < 0].max(axis=1, initial=0.0))
    highest = np.zeros(len(parts))
    for lists in grids.leaves.values():
        highest = np.maximum(highest, lists[parts].max(axis=(1, 2), initial=0))
    grows = GammaRates.of(some.rate_shape).growth(counts, highest + 1.0)
    is_few = (counts <= _MOST_COUNTS) & (grows < UNDERFLOW + np.log(NEVER))
    is_few &= (counts + 1) * (highest + 1.0) <= MOST_FIGURES
    return parts[is_few], counts[is_few]


def rate_tables(tree: SupplyTree, grids: Grids, weighed: Weighed) -> Family:
    """Tables of parts that `closed_parts` names."""
    units = _RateTableBuilder(tree, grids, replace(weighed, has_stockout=False, windows=()), False)
    if not weighed.has_shares:
        return units.build()
    shares = _RateTableBuilder(tree, grids, replace(weighed, has_waits=False), True)
    return units.build().with_shares(shares.build())


class _RateTableBuilder(TableBuilder):
    """Builds tables at one law of the uncertain rates."""

    def __init__(self, tree: SupplyTree, grids: Grids, weighed: Weighed, per_demand: bool) -> None:
        super().__init__(tree, grids, weighed)
        self._rates = GammaRates.of(tree.rate_shape, per_demand=per_demand)

    def _given(
        self, locations: Sequence[int], mean: Floats, stock: Integers
    ) -> Mapping[Kind, Given]:
        _, tail, loss = tables_of(self._rates, mean, 1 + int(stock.max(initial=0)))
        share = self.tree.share[:, list(locations)]
        return {
            "tail": GivenCounts(tail, share, "tail", mean),
            "loss": GivenCounts(loss, share, "loss", mean),
        }

    def _late_units(self, location: int, above: LateUnits | None, wait: Floats) -> LateUnits:
        mean = self.tree.pipeline(wait[:, None])[:, location]
        law = self._rates.law(mean, 1 + int(self._rates.reach(mean).max()))
        stock = self.grids.branch[location]
        return LateUnits(law, stock, rates=self._rates.with_none_of(mean))
