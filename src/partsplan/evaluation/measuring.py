"""Measuring a stock: the figures of every part and location, and what every promise makes of them.

Late units come from the chosen evaluation. Shares that a promise speaks of (fill rate, response)
are always measured by the exact law: the approximations are approximations of late units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.exact import exact_figures
from partsplan.evaluation.families import family_figures, family_late_shares
from partsplan.evaluation.figures import SupplyFigures
from partsplan.evaluation.model import PartBlock, ServiceModel
from partsplan.evaluation.moments import metric_figures, vari_metric_figures
from partsplan.evaluation.supply import SupplyTree
from partsplan.evaluation.threads import in_threads
from partsplan.evaluation.waiting import late_is_exact, late_shares

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

Evaluation = Literal["exact", "vari_metric", "metric"]
Read = TypeVar("Read")

EVALUATIONS: tuple[Evaluation, ...] = get_args(Evaluation)

_FIGURES: dict[str, Callable[[SupplyTree, Integers], SupplyFigures]] = {
    "exact": exact_figures,
    "vari_metric": vari_metric_figures,
    "metric": metric_figures,
}
_BLOCK_SIZE = 500
_BLOCK_CELLS = 32_000
"""Parts times locations of a block, so that its figures stay in the cache of a core."""


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

    def used(self) -> Floats:
        """Use of every promise by all parts of the block together."""
        total: Floats = self.uses().sum(axis=0)
        return total

    def amounts(self, promise: int) -> Floats:
        """Use of one promise by every (part, location) of demand."""
        return self.block.weights.amounts(
            promise, self.stock, self.wait_days, self.stockout, self.late
        )


def measure_block(block: PartBlock, stock: Integers, evaluation: str) -> BlockMeasure:
    """Figures of a block of parts; ``stock`` has one row per part of the block."""
    weights = block.weights
    figures = supply_figures(block, stock, evaluation)
    stockout = figures.stockout
    if evaluation != "exact" and not weights.stockout.is_empty:
        stockout = supply_figures(block, stock, "exact").stockout
    rate = block.tree.rate
    wait = np.divide(figures.expected_backorders, rate, out=np.zeros_like(rate), where=rate > 0)
    late = block_late_shares(block, stock, weights.windows)
    is_exact = figures.is_exact and _service_is_exact(block, stock)
    return BlockMeasure(block, stock, figures, wait, stockout, late, is_exact)


def supply_figures(block: PartBlock, stock: Integers, evaluation: str) -> SupplyFigures:
    """Figures of a block, parts that sit in each other together."""
    if block.family is None:
        return _FIGURES[evaluation](block.tree, stock)
    found = family_figures(block.family, stock[np.newaxis], evaluation)
    names = [field.name for field in fields(found) if field.name != "is_exact"]
    return replace(found, **{name: getattr(found, name)[0] for name in names})


def block_late_shares(
    block: PartBlock, stock: Integers, windows: Sequence[tuple[int, float]]
) -> Floats:
    """`late_shares` of a block, parts that sit in each other together."""
    if block.family is None:
        return late_shares(block.tree, stock, windows)
    return np.asarray(family_late_shares(block.family, stock[np.newaxis], windows)[0])


def _service_is_exact(block: PartBlock, stock: Integers) -> bool:
    """Whether nothing that a promise weighs is an approximation at this stock.

    Two things are: the law of the wait where orders cross, and what an ancestor ships for a
    location that repairs a share of the demand itself.
    """
    tree, weights, family = block.tree, block.weights, block.family
    if family is None and not (tree.repair_fraction > 0).any():
        return True
    active = weights.active_routes(stock)
    part, slot = np.divmod(weights.late.row, max(weights.late.n_slots, 1))
    asked = active[part, weights.late_route[slot]]
    windows_are_exact = (
        late_is_exact(tree, weights.windows)
        if family is None
        else family.windows_are_exact(weights.windows)
    )
    law = windows_are_exact[part, weights.late_window[slot]]
    direct = active & (weights.route_location != weights.route_shipper)
    repairs = tree.repair_fraction[:, weights.route_location] > 0
    asks = tree.own_rate[:, weights.route_location] > 0
    return bool(law[asked].all() and not (direct & repairs & asks).any())


def measured(
    model: ServiceModel,
    stock: Integers,
    evaluation: str,
    read: Callable[[BlockMeasure], Read],
    *,
    among: NDArray[np.bool_] | None = None,
    threads: int | None = None,
) -> Iterator[Read]:
    """What ``read`` takes of the figures of every block of parts, in a fixed order of the blocks.

    Blocks are made, measured and read in threads and then forgotten, so that nothing but what is
    read is held for all parts at once.

    Parameters
    ----------
    model, evaluation
        What is evaluated, and how.
    stock
        Shape (n_parts, n_locations): base stock [units].
    read
        Called for several blocks at the same time.
    among
        Shape (n_parts,): which parts are measured, see `ServiceModel.pieces`; all by default.
    threads
        Number of threads; by default one per core, see `n_threads`.
    """

    def work(piece: Callable[[], PartBlock]) -> Read:
        block = piece()
        return read(measure_block(block, stock[block.parts], evaluation))

    size = max(1, min(_BLOCK_SIZE, _BLOCK_CELLS // max(1, model.network.n_locations)))
    return in_threads(work, model.pieces(size, among), threads)


def used(
    model: ServiceModel, stock: Integers, evaluation: str, *, threads: int | None = None
) -> Floats:
    """Use of every promise at a stock, shape (n_promises,)."""
    total = np.zeros(model.n_promises)
    for use in measured(model, stock, evaluation, BlockMeasure.used, threads=threads):
        total += use
    return total
