"""Price search of parts that sit in each other: a family is priced as one.

With endless inner parts every part of a family stands alone and is searched like any other; its
late units are then the fewest there can be. A stock vector of the whole family costs at least the
sum of these values, so all vectors that could beat the best one known are listed and evaluated.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import scipy

from partsplan.errors import PartsplanError
from partsplan.evaluation.families import (
    Family,
    family_figures,
    family_late_shares,
    stockless_pipelines,
)
from partsplan.evaluation.laws import poisson_reach
from partsplan.evaluation.model import PartBlock
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.clock import Clock
from partsplan.optimization.columns import Columns
from partsplan.optimization.enumeration import TooManyStocksError
from partsplan.optimization.grids import ENDLESS_TAIL
from partsplan.optimization.problem import PlanningProblem
from partsplan.optimization.search import BlockSearch

MOST_VECTORS = (10_000, 200_000)
"""Stock vectors of a family that are listed at one set of prices at most; the second where a
proven optimum is asked for, however long it takes."""
MOST_CLOSING = (60_000, 500_000)
"""The same at the end, when all that could beat the plan is listed."""
_UNCERTAIN = 6
"""So many times fewer where rates are uncertain, each vector being a mixture of some dozens."""
_SHARES = (1.0, 0.6, 0.35, 0.2, 0.1)
"""Shares of the doubt about the best vector that are tried to be listed."""
_MOST_STEPS = 300


@dataclass
class _Known:
    """Stock vectors evaluated so far; rows are vectors, parts one after the other."""

    stock: Integers
    uses: Floats
    cost: Floats
    places: dict[bytes, int] = field(default_factory=dict)


class FamilySearch:
    """Price search of one family.

    Parameters
    ----------
    problem, block
        The planning problem and the family.
    tolerance, clock
        As for `BlockSearch`.
    is_patient
        Whether a proven optimum is worth longer lists.
    """

    def __init__(
        self,
        problem: PlanningProblem,
        block: PartBlock,
        tolerance: float,
        clock: Clock,
        *,
        is_patient: bool = False,
    ) -> None:
        if block.family is None:
            raise PartsplanError("a family search needs a family; please report the tables")
        self.problem = problem
        self.block = block
        self.family: Family = block.family
        self.clock = clock
        self.is_patient = is_patient
        alone = replace(block.tree, rate_shape=self.family.rate_shape)
        relaxed = problem.of_block(PartBlock(block.parts, alone, block.weights))
        self.relaxed = BlockSearch(block.parts, lambda: relaxed, tolerance, clock)
        """The same parts with endless inner parts."""
        self.unit_price = self.relaxed.unit_price
        self.shape = self.unit_price.shape
        lowest, highest = problem.lowest(block.parts), problem.highest(block.parts)
        self.lowest = lowest.ravel()
        asked = block.tree.rate > 0
        self.highest = np.where(asked, highest, lowest).ravel()
        is_uncertain = bool(np.isfinite(self.family.rate_shape).any())
        self.fewer = _UNCERTAIN if is_uncertain else 1
        self.latest = self.lowest.copy()
        none = np.zeros((0, self.lowest.size), dtype=np.int64)
        self._known = _Known(none, np.zeros((0, len(problem.kept))), np.zeros(0))

    def best(self, price: Floats, *, slack: float = 0.0) -> tuple[int, float]:
        """Place of the best vector known, and a lower bound of the cost and penalties of all.

        The bound holds where late units fall with the stock of inner parts (not proven for
        VARI-METRIC). ``slack`` is how far it may stay below.
        """
        least = self._least_alone(price)
        place, value = self._descended(price)
        base = float(least.sum())
        if value - base <= slack:
            return place, min(base, value)
        low = base
        for share in _SHARES:
            room = share * (value - base) * (1.0 + 1e-12)
            vectors = self._within(price, least, room, MOST_VECTORS[self.is_patient])
            if vectors is not None:
                self._evaluate(vectors)
                low = base + room
                break
        values = self._values(price)
        place = int(values.argmin())
        self.latest = self._known.stock[place]
        return place, min(low, float(values[place]))

    def use_at_most(self) -> Floats:
        """Use of the kept promises, without fixed use, when all is held that may be held."""
        shape = np.where(np.isfinite(self.family.rate_shape), self.family.rate_shape, 1e12)
        factor = scipy.special.gammainccinv(shape + 1.0, ENDLESS_TAIL) / shape
        reach = poisson_reach((stockless_pipelines(self.family) * factor[:, None]).ravel(), 0.0)
        most = np.maximum(np.minimum(self.highest, reach), self.lowest).astype(np.int64)
        uses, _ = self._figures(most[np.newaxis])
        return np.asarray(uses[0])

    def columns_within(self, price: Floats, slack: float) -> Integers | None:
        """Places of all vectors within a slack of the best; None where they are too many."""
        _, value = self._descended(price)
        least = self._least_alone(price)
        room = value + slack - float(least.sum())
        vectors = self._within(price, least, room, MOST_CLOSING[self.is_patient])
        if vectors is None:
            return None
        self._evaluate(vectors)
        values = self._values(price)
        return np.flatnonzero(values <= values.min() + slack)

    def near(self, price: Floats, most: int) -> Integers:
        """Places of the best vectors known."""
        return np.argsort(self._values(price), kind="stable")[:most]

    def columns(self, places: Integers) -> Columns:
        """Known vectors as columns of the family's first part; stock has all parts in a row."""
        known = self._known
        first = np.full(len(places), self.block.parts[0])
        return Columns(first, known.stock[places], known.cost[places], known.uses[places])

    def _least_alone(self, price: Floats) -> Floats:
        return self.relaxed.best(price)[1]

    def _values(self, price: Floats) -> Floats:
        return np.asarray(self._known.cost + self._known.uses @ price)

    def _within(self, price: Floats, least: Floats, room: float, limit: int) -> Integers | None:
        """All vectors whose parts, each alone, exceed their least by no more than a room."""
        most = limit // self.fewer
        try:
            columns = self.relaxed.columns_within(price, room, most)
        except TooManyStocksError:
            return None
        row = np.searchsorted(self.block.parts, columns.parts)
        excess = columns.reduced_cost_by(price, least[row])
        vectors = np.zeros((1, 0), dtype=np.int64)
        spent = np.zeros(1)
        for part in range(self.shape[0]):
            own = np.flatnonzero(row == part)
            own = own[np.argsort(excess[own], kind="stable")]
            count = np.searchsorted(excess[own], room - spent, side="right")
            if count.sum() > most:
                return None
            before = np.repeat(np.arange(len(vectors)), count)
            chosen = own[np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)]
            vectors = np.concatenate([vectors[before], columns.stock[chosen]], axis=1)
            spent = spent[before] + excess[chosen]
        return vectors

    def _descended(self, price: Floats) -> tuple[int, float]:
        """The best vector met by steps of one unit at one place, or from one place to another."""
        if len(self._known.cost):
            self.latest = self._known.stock[int(self._values(price).argmin())]
        place, value = self._value_of(self.latest, price)
        step = 4
        for _ in range(_MOST_STEPS):
            trials = self._neighbors(self._known.stock[place], step)
            places = self._evaluate(trials)
            values = self._values(price)[places]
            best = float(values.min(initial=np.inf))
            if best < value:
                place, value = self._value_of(trials[int(values.argmin())], price)
            elif step > 1:
                step //= 2
            else:
                break
            if self.clock.is_over:
                break
        self.latest = self._known.stock[place]
        return place, value

    def _value_of(self, vector: Integers, price: Floats) -> tuple[int, float]:
        place = int(self._evaluate(vector[np.newaxis])[0])
        return place, float(self._values(price)[place])

    def _neighbors(self, vector: Integers, step: int) -> Integers:
        """Vectors with a step more, less, or moved from one place to another."""
        open_places = np.flatnonzero(self.highest > self.lowest)
        units = step * np.eye(len(vector), dtype=np.int64)[open_places]
        moves = np.concatenate([units, -units, *(units - unit for unit in units)])
        found = np.clip(vector + moves, self.lowest, self.highest).astype(np.int64)
        return np.unique(found, axis=0)

    def _evaluate(self, vectors: Integers) -> Integers:
        """Places of vectors among the known ones; those not met before are evaluated."""
        known = self._known
        keys = [vector.tobytes() for vector in vectors]
        fresh: dict[bytes, int] = {}
        for row, key in enumerate(keys):
            if key not in known.places and key not in fresh:
                fresh[key] = row
        if fresh:
            new = vectors[list(fresh.values())]
            uses, cost = self._figures(new)
            for key in fresh:
                known.places[key] = len(known.places)
            known.stock = np.concatenate([known.stock, new])
            known.uses = np.concatenate([known.uses, uses])
            known.cost = np.concatenate([known.cost, cost])
        return np.array([known.places[key] for key in keys], dtype=np.int64)

    def _figures(self, vectors: Integers) -> tuple[Floats, Floats]:
        """Uses (without fixed use) and cost of vectors."""
        family, weights = self.family, self.block.weights
        stock = vectors.reshape(len(vectors), *self.shape)
        figures = family_figures(family, stock, self.problem.evaluation)
        stockout = figures.stockout
        if self.problem.evaluation != "exact" and not weights.stockout.is_empty:
            stockout = family_figures(family, stock, "exact").stockout
        late = family_late_shares(family, stock, weights.windows)
        rate = np.broadcast_to(family.tree.rate, stock.shape)
        wait = np.divide(
            figures.expected_backorders, rate, out=np.zeros(stock.shape), where=rate > 0
        )
        uses = np.zeros((len(vectors), len(self.problem.kept)))
        cost = np.zeros(len(vectors))
        for part, network_part in enumerate(self.block.parts.tolist()):
            rows = weights.of_parts(np.full(len(vectors), part))
            used = rows.uses(stock[:, part], wait[:, part], stockout[:, part], late[:, part])
            uses += used[:, self.problem.kept] - self.relaxed.fixed_use[part]
            every = np.full(len(vectors), network_part)
            cost += self.problem.cost(every, stock[:, part])
        return uses, cost
