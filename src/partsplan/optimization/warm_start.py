"""Where a search may begin: yesterday's stock, and what its promises cost.

A stock that still keeps every promise is a plan from the first second on. Prices that were proven
for almost the same problem need one pass in place of many. A plan of this process, or one that
was pickled, also remembers its search, part by part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from partsplan.network import ServiceNetwork, read_base_stock
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.memory import SearchMemory
from partsplan.optimization.plan import StockingPlan
from partsplan.optimization.problem import PlanningProblem


@dataclass(frozen=True, eq=False)
class WarmStart:
    """A stock to begin with, and prices where they are known."""

    stock: Integers
    """Shape (n_parts, n_locations) [units]."""
    prices: Mapping[str, float]
    """Price of one target step by commitment; empty where a table was given."""
    memory: SearchMemory | None = None
    """What the plan remembers of its search, if it was one."""

    @classmethod
    def of(cls, network: ServiceNetwork, start: Any) -> WarmStart | None:
        """The start that a user gave; None for none.

        Raises
        ------
        InputError
            As `partsplan.network.read_base_stock`.
        """
        if start is None:
            return None
        if not isinstance(start, StockingPlan) or start.stock is None:
            return cls(read_base_stock(network, start), {})
        stock = start.stock.array
        if not _has_same_ids(start.stock.network, network):
            stock = read_base_stock(network, start)
        prices = {
            result.commitment_id: result.price
            for result in start.commitments
            if result.price is not None
        }
        return cls(stock, prices, start.memory)

    def price(self, problem: PlanningProblem) -> Floats | None:
        """Price of one unit of use of every kept promise; None where one is not known."""
        promises = [problem.model.promises[c] for c in problem.kept.tolist()]
        if not all(promise.commitment_id in self.prices for promise in promises):
            return None
        price = [
            self.prices[promise.commitment_id] / promise.use_per_target_step for promise in promises
        ]
        return np.array(price, dtype=np.float64)


def _has_same_ids(one: ServiceNetwork, other: ServiceNetwork) -> bool:
    return one.part_ids == other.part_ids and one.location_ids == other.location_ids
