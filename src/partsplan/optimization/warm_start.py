"""Where a search may begin: yesterday's stock, and what its promises cost.

A stock that still keeps every promise is a plan from the first second on. Prices that were proven
for almost the same problem need one pass in place of many. A plan of this process, or one that
was pickled, also remembers its search, part by part.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from partsplan.network import ServiceNetwork, read_base_stock
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.memory import SearchMemory
from partsplan.optimization.plan import StockingPlan
from partsplan.optimization.problem import PlanningProblem

logger = logging.getLogger("partsplan")


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
        prices = {
            result.commitment_id: result.price
            for result in start.commitments
            if result.price is not None
        }
        place = _places_of_parts(network, start.stock.network)
        if place is None:
            return cls(read_base_stock(network, start), prices)
        stock = np.where(place[:, None] < 0, 0, start.stock.array[place])
        return cls(stock, prices, None if start.memory is None else start.memory.of_parts(place))

    def price(self, problem: PlanningProblem) -> Floats | None:
        """Price of one unit of use of every kept promise; None where one is not known."""
        promises = [problem.model.promises[c] for c in problem.kept.tolist()]
        if not all(promise.commitment_id in self.prices for promise in promises):
            return None
        price = [
            self.prices[promise.commitment_id] / promise.use_per_target_step for promise in promises
        ]
        return np.array(price, dtype=np.float64)


def _places_of_parts(network: ServiceNetwork, before: ServiceNetwork) -> Integers | None:
    """Position of every part in an older network, -1 of new ones; None if locations differ.

    Raises
    ------
    ValueError
        If no part of the older network is known here.
    """
    if before.location_ids != network.location_ids:
        return None
    known = {part: place for place, part in enumerate(before.part_ids)}
    place = np.array([known.get(part, -1) for part in network.part_ids], dtype=np.int64)
    if (place < 0).all():
        raise ValueError("start must be a plan of this network, got one of other parts altogether")
    gone = len(known) - np.count_nonzero(place >= 0)
    if gone:
        logger.info("start: %d parts of the plan are no longer in the network", gone)
    return place
