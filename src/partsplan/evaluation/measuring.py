"""Measuring a stock: the figures of every part and location, and what every promise makes of them.

Late units come from the chosen evaluation. Shares that a promise speaks of (fill rate, response)
are always measured by the exact law: the approximations are approximations of late units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.exact import exact_figures
from partsplan.evaluation.figures import SupplyFigures
from partsplan.evaluation.model import PartBlock, ServiceModel
from partsplan.evaluation.moments import metric_figures, vari_metric_figures
from partsplan.evaluation.supply import SupplyTree
from partsplan.evaluation.waiting import late_is_exact, late_shares

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

Evaluation = Literal["exact", "vari_metric", "metric"]
EVALUATIONS: tuple[Evaluation, ...] = get_args(Evaluation)

_FIGURES: dict[str, Callable[[SupplyTree, Integers], SupplyFigures]] = {
    "exact": exact_figures,
    "vari_metric": vari_metric_figures,
    "metric": metric_figures,
}
_BLOCK_SIZE = 500


@dataclass(frozen=True, eq=False)
class BlockMeasure:
    """Figures of a block of parts at their stock."""

    block: PartBlock
    stock: Integers
    figures: SupplyFigures
    wait_days: Floats
    """Shape (n_parts, n_locations): 0 where there is no demand."""
    stockout: Floats
    """Shape (n_parts, n_locations): P(X >= S) as promises speak of it (exact)."""
    late: Floats
    """Shape (n_parts, n_windows)."""
    is_exact: bool

    def uses(self) -> Floats:
        """Use of every promise by every part, fixed use included."""
        return self.block.weights.uses(self.stock, self.wait_days, self.stockout, self.late)

    def amounts(self, promise: int) -> Floats:
        """Use of one promise by every (part, location) of demand."""
        return self.block.weights.amounts(
            promise, self.stock, self.wait_days, self.stockout, self.late
        )


def measure_block(block: PartBlock, stock: Integers, evaluation: str) -> BlockMeasure:
    """Figures of a block of parts; ``stock`` has one row per part of the block."""
    tree, weights = block.tree, block.weights
    figures = _FIGURES[evaluation](tree, stock)
    stockout = figures.stockout
    if evaluation != "exact" and not weights.stockout.is_empty:
        stockout = exact_figures(tree, stock).stockout
    rate = tree.rate
    wait = np.divide(figures.expected_backorders, rate, out=np.zeros_like(rate), where=rate > 0)
    late = late_shares(tree, stock, weights.windows)
    is_exact = figures.is_exact and _service_is_exact(block, stock)
    return BlockMeasure(block, stock, figures, wait, stockout, late, is_exact)


def _service_is_exact(block: PartBlock, stock: Integers) -> bool:
    """Whether nothing that a promise weighs is an approximation at this stock.

    Two things are: the law of the wait where orders cross, and what an ancestor ships for a
    location that repairs a share of the demand itself.
    """
    tree, weights = block.tree, block.weights
    if not (tree.repair_fraction > 0).any():
        return True
    active = weights.active_routes(stock)
    part, slot = np.divmod(weights.late.row, max(weights.late.n_slots, 1))
    asked = active[part, weights.late_route[slot]]
    law = late_is_exact(tree, weights.windows)[part, weights.late_window[slot]]
    direct = active & (weights.route_location != weights.route_shipper)
    repairs = tree.repair_fraction[:, weights.route_location] > 0
    asks = tree.own_rate[:, weights.route_location] > 0
    return bool(law[asked].all() and not (direct & repairs & asks).any())


def measure(model: ServiceModel, stock: Integers, evaluation: str) -> list[BlockMeasure]:
    """Figures of all parts, block by block; ``stock`` has the shape (n_parts, n_locations)."""
    return [
        measure_block(block, stock[block.parts], evaluation) for block in model.blocks(_BLOCK_SIZE)
    ]


def used(model: ServiceModel, measures: list[BlockMeasure]) -> Floats:
    """Use of every promise, shape (n_promises,)."""
    total = np.zeros(model.n_promises)
    for block in measures:
        total += block.uses().sum(axis=0)
    return total
