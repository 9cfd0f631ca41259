"""All stock vectors of a part up to a budget: the exact price search where shortages are expedited.

A vector outside the budget costs more than the budget to hold, so once a vector inside costs no
more than that at some prices, it is the best of all stock vectors there are. Vectors are listed
with figures that they are at least; they are evaluated only once they could be the best.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from partsplan.evaluation.expedite_model import ExpediteBlock
from partsplan.optimization.axes import Booleans, Floats, Integers

_CELLS = 3_000_000
_GROWTH = 1.25
_MOST_STEPS = 200


@dataclass(frozen=True, eq=False)
class StockBox:
    """Which stock vectors a part may have, and what holding them costs."""

    lowest: Integers
    """Shape (n_locations,) [units]."""
    highest: Floats
    """Shape (n_locations,): ``inf`` where there is no limit."""
    unit_price: Floats
    """Shape (n_locations,): cost of a unit, in the objective's unit."""
    owned: float
    """Units that cost nothing, over all locations."""

    def cost(self, stock: Integers) -> Floats:
        """Cost of holding stock vectors of shape (n, n_locations)."""
        if self.owned <= 0:
            return np.asarray(stock @ self.unit_price)
        units = np.maximum(stock.sum(axis=1) - self.owned, 0.0)
        return np.asarray(units * self.unit_price.max())

    @property
    def size(self) -> float:
        """Number of all vectors; ``inf`` where there is no limit."""
        return float(np.prod(self.highest - self.lowest + 1.0))

    @property
    def step(self) -> float:
        """Least price of a unit that is not free; 0 where all are."""
        costs = self.unit_price[(self.highest > self.lowest) & (self.unit_price > 0)]
        return float(costs.min()) if len(costs) else 0.0

    def within(self, budget: float, limit: int) -> Integers | None:
        """All vectors whose holding cost is at most a budget; None if there are more than asked."""
        vectors = self.lowest[np.newaxis, :].copy()
        for place in range(len(self.lowest)):
            grown, last, count = [vectors], vectors, len(vectors)
            while len(last):
                last = last.copy()
                last[:, place] += 1
                fits = last[:, place] <= self.highest[place]
                last = last[fits & (self.cost(last) <= budget)]
                grown.append(last)
                count += len(last)
                if count > limit:
                    return None
            vectors = np.concatenate(grown)
        return vectors


Figures = Callable[[Integers], tuple[Floats, Floats]]
"""Uses and shipment costs of stock vectors."""


@dataclass(eq=False)
class PartTable:
    """Stock vectors of one part within a budget, with their cost and use of every promise.

    Parameters
    ----------
    box
        Which vectors there are.
    evaluate
        Gives uses and shipment costs of vectors.
    at_least
        Gives uses and shipment costs that theirs are at least; None where the evaluation is quick.
    least_cost
        Shipment cost that no vector can undercut.
    most_listed, most_evaluated
        Vectors listed and evaluated at most.
    """

    box: StockBox
    evaluate: Figures
    at_least: Figures | None
    least_cost: float
    most_listed: int
    most_evaluated: int
    stock: Integers = field(init=False)
    cost: Floats = field(init=False)
    """In the objective's unit, shipments included where it counts them."""
    uses: Floats = field(init=False)
    is_known: Booleans = field(init=False)
    """Whether cost and uses of a vector are the true ones, not those that they are at least."""
    budget: float = field(init=False)

    def __post_init__(self) -> None:
        first = self.box.lowest[np.newaxis, :]
        self.budget = float(self.box.cost(first)[0])
        found = self.box.within(self.budget, self.most_listed)
        self.stock = first if found is None else found
        self.budget = self.budget if found is not None else -np.inf
        self.uses, self.cost, self.is_known = self._figures(self.stock)
        if not self.is_known.any():
            self.learn(np.zeros(1, dtype=np.int64))

    def _figures(self, stock: Integers) -> tuple[Floats, Floats, Booleans]:
        """Uses and costs of vectors, or what they are at least."""
        uses, cost = (self.at_least or self.evaluate)(stock)
        is_known = np.full(len(stock), self.at_least is None)
        return uses, cost + self.box.cost(stock), is_known

    @property
    def beyond(self) -> float:
        """Least cost of any vector that is not listed."""
        return np.inf if len(self.stock) >= self.box.size else self.budget + self.least_cost

    def grow(self) -> bool:
        """List at least twice as many vectors; False if there would be too many."""
        start = float(self.box.cost(self.box.lowest[np.newaxis, :])[0])
        budget, wanted = max(self.budget, start), min(2 * len(self.stock), self.box.size)
        for _ in range(_MOST_STEPS):
            budget = start + _GROWTH * (budget - start) + 0.5 * self.box.step
            found = self.box.within(budget, self.most_listed)
            if found is None:
                return False
            if len(found) >= wanted:
                fresh = found[self.box.cost(found) > self.budget]
                uses, cost, is_known = self._figures(fresh)
                self.stock = np.concatenate([self.stock, fresh])
                self.uses = np.concatenate([self.uses, uses])
                self.cost = np.concatenate([self.cost, cost])
                self.is_known = np.concatenate([self.is_known, is_known])
                self.budget = budget
                return True
        return False

    def learn(self, places: Integers) -> None:
        """Evaluate some vectors."""
        self.uses[places], cost = self.evaluate(self.stock[places])
        self.cost[places] = cost + self.box.cost(self.stock[places])
        self.is_known[places] = True

    @property
    def may_learn(self) -> bool:
        """Whether more vectors may be evaluated."""
        return int(self.is_known.sum()) < self.most_evaluated

    def promising(self, price: Floats, most: float) -> Integers:
        """Places of vectors not evaluated that may cost at most some value, the least first."""
        values = np.where(self.is_known, np.inf, self.cost + self.uses @ price)
        places = np.flatnonzero(values <= most)
        return places[np.argsort(values[places], kind="stable")]

    def least(self, price: Floats) -> tuple[int, float]:
        """Place of the best evaluated vector at some prices, and its cost and penalties."""
        values = np.where(self.is_known, self.cost + self.uses @ price, np.inf)
        best = int(values.argmin())
        return best, float(values[best])

    def lower(self, price: Floats) -> float:
        """What the cost and penalties of any vector are at least, as far as it is known."""
        return min(float((self.cost + self.uses @ price).min()), self.beyond)

    def within(self, price: Floats, most: float) -> Booleans:
        """Listed vectors whose cost and penalties are at most some value."""
        return np.asarray(self.cost + self.uses @ price <= most)


def figures_of(block: ExpediteBlock, stock: Integers, *, by_chains: bool) -> tuple[Floats, Floats]:
    """Use of every promise and cost of shipments of one stock vector per part of a block."""
    rows = max(1, _CELLS // max(block.sources.n_nodes, 1))
    uses, costs = [], []
    for start in range(0, len(stock), rows):
        some = np.arange(start, min(start + rows, len(stock)))
        piece = block if len(some) == len(block.parts) else block.of_parts(some)
        missed = piece.met(stock[some], by_chains=by_chains).missed
        uses.append(piece.use.at(missed))
        costs.append(piece.cost.at(missed)[:, 0])
    return np.concatenate(uses), np.concatenate(costs)
