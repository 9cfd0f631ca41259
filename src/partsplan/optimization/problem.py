"""The planning problem: promises to keep, stocks allowed, and what a unit costs.

Each part chooses one stock vector. Its cost and its use of every promise are all that the rest
of the optimization sees, so an objective is a cost per unit and, for new investment, the units
already owned, which cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from partsplan.evaluation.measuring import Evaluation
from partsplan.evaluation.model import PartBlock, ServiceModel
from partsplan.network import ServiceNetwork, StockLimits
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.block_problem import BlockProblem

Objective = Literal["holding_cost", "investment", "new_investment"]
OBJECTIVES: tuple[Objective, ...] = ("holding_cost", "investment", "new_investment")


@dataclass(frozen=True, eq=False)
class PlanningProblem:
    """Least cost such that no promise is used beyond what is allowed."""

    model: ServiceModel
    limits: StockLimits
    objective: Objective
    evaluation: Evaluation
    kept: Integers
    """Positions of the promises that have demand: the rows of the problem."""

    @classmethod
    def of(
        cls, model: ServiceModel, limits: StockLimits, objective: Objective, evaluation: Evaluation
    ) -> PlanningProblem:
        """The problem of a service model; promises without demand are left out."""
        kept = [c for c, promise in enumerate(model.promises) if promise.has_demand]
        return cls(model, limits, objective, evaluation, np.array(kept, dtype=np.int64))

    @property
    def network(self) -> ServiceNetwork:
        """The network planned for."""
        return self.model.network

    @property
    def allowed(self) -> Floats:
        """Allowed use of every promise, fixed use included; shape (n_promises,)."""
        return np.array([promise.allowed for promise in self.model.promises], dtype=np.float64)

    def unit_price(self, parts: Integers) -> Floats:
        """Cost of a unit held, in the objective's unit; shape (len(parts), n_locations).

        Read-only; a price that is the same at all locations is held once.
        """
        unit_cost = self.network.parts["unit_cost"][parts][:, None]
        if self.objective == "holding_cost":
            price = np.asarray(unit_cost * self.network.holding_rates(parts), dtype=np.float64)
            is_same = price.size > 0 and bool((price == price[:, :1]).all())
            return np.broadcast_to(price[:, :1].copy(), price.shape) if is_same else price
        shape = (len(parts), self.network.n_locations)
        return np.broadcast_to(unit_cost.astype(np.float64), shape)

    def owned(self, parts: Integers) -> Floats:
        """Units of each part that cost nothing in this objective; shape (len(parts),)."""
        if self.objective != "new_investment":
            return np.zeros(len(parts))
        return np.asarray(
            (self.limits.on_hand[parts] + self.limits.on_order[parts]).sum(axis=1), np.float64
        )

    def lowest(self, parts: Integers) -> Integers:
        """Fewest units allowed; shape (len(parts), n_locations)."""
        return self.limits.minimum[parts]

    def highest(self, parts: Integers) -> Floats:
        """Most units allowed, ``inf`` where unlimited; shape (len(parts), n_locations)."""
        return np.where(self.network.may_stock(parts), self.limits.maximum[parts], 0.0)

    def cost(self, parts: Integers, stock: Integers) -> Floats:
        """Cost of one stock vector per entry of ``parts``, in the objective's unit."""
        priced = (self.unit_price(parts) * stock).sum(axis=1)
        if self.objective != "new_investment":
            return np.asarray(priced)
        unit_cost = self.network.parts["unit_cost"][parts]
        return np.asarray(unit_cost * np.maximum(stock.sum(axis=1) - self.owned(parts), 0.0))

    def blocks(self, size: int) -> Iterator[PartBlock]:
        """Blocks of parts, as the service model makes them."""
        return self.model.blocks(size)

    def of_block(self, block: PartBlock) -> BlockProblem:
        """The problem of the parts of one block."""
        return BlockProblem(
            evaluation=self.evaluation,
            block=block,
            unit_price=self.unit_price(block.parts),
            owned=self.owned(block.parts),
            lowest=self.lowest(block.parts),
            highest=self.highest(block.parts),
            kept=self.kept,
            n_promises=self.model.n_promises,
        )
