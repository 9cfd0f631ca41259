"""What a run takes over from the plan it starts with, and what its own plan remembers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from partsplan.errors import PartsplanError
from partsplan.evaluation.performance import MeasuredParts
from partsplan.optimization.axes import Booleans, Floats, Integers
from partsplan.optimization.crew import Crew
from partsplan.optimization.fingerprints import Numbers, fingerprints, mixed
from partsplan.optimization.integer import PlanSearch
from partsplan.optimization.memory import SearchMemory, columns_to_keep
from partsplan.optimization.prices import PriceFinder
from partsplan.optimization.problem import PlanningProblem
from partsplan.optimization.search import BlockSearch

_MOST_USES = 20_000_000


def is_worth_remembering(problem: PlanningProblem) -> bool:
    """Whether the uses of every part by every promise fit the memory well."""
    return problem.network.n_parts * problem.model.n_promises <= _MOST_USES


@dataclass(frozen=True)
class Recall:
    """The memory of a run.

    Parameters
    ----------
    problem
        What is planned.
    searches, crew
        The blocks of all parts, and who works them.
    start
        What the start remembers; None where it does not.
    """

    problem: PlanningProblem
    searches: list[BlockSearch]
    crew: Crew
    start: SearchMemory | None

    def into(self, finder: PriceFinder) -> bool:
        """Give a price finder the bounds and columns that still hold; whether there are any."""
        if self._still is None:
            return False
        finder.recall(*self._still)
        return True

    def measured(self, stock: Integers) -> MeasuredParts:
        """Service of a stock; parts that are as they were are not measured again."""
        known = None
        if self._still is not None:
            memory, same = self._still
            before = memory.measured.performance
            # of exact figures it is unknown which parts' are not; of moments none are
            if before.is_exact or self.problem.evaluation != "exact":
                known = memory.measured, same & (before.stock == stock).all(axis=1)
        return MeasuredParts.of(self.problem.model, stock, self.problem.evaluation, known)

    def remembered(self, search: PlanSearch, measured: MeasuredParts) -> SearchMemory:
        """What the plan of a search remembers."""
        state = search.state
        if search.best is None:
            raise PartsplanError("there is no plan to remember; please report the tables")
        picked = state.pool.places(search.best.columns.of(search.best.picked))
        columns, n_parts = state.pool.columns, self.problem.network.n_parts
        balanced = state.price if state.balanced is None else state.balanced
        return SearchMemory(
            of=self._fingerprints,
            commitments=self._commitments,
            volume=self._volume,
            kept=self.problem.kept,
            price=state.price,
            least=state.least,
            columns=columns_to_keep(columns, balanced, picked, n_parts),
            near=state.near,
            measured=measured,
        )

    @cached_property
    def _still(self) -> tuple[SearchMemory, Booleans] | None:
        """What the start remembers, and of which parts it still holds; None if of too few."""
        if self.start is None:
            return None
        same = self.start.unchanged(self._fingerprints, self._commitments)
        return None if same is None else (self.start.at_volume(self._volume), same)

    @cached_property
    def _fingerprints(self) -> Numbers:
        found = np.zeros(self.problem.network.n_parts, dtype=np.uint64)
        volume = self._volume
        each = self.crew.each(self.searches, lambda search: fingerprints(search.problem, volume))
        for search, own in zip(self.searches, each, strict=True):
            found[search.parts] = own
        return found + mixed(self.problem.network.parts["resupply_cv"])

    @property
    def _commitments(self) -> tuple[str, ...]:
        """Names of all promises."""
        return tuple(promise.commitment_id for promise in self.problem.model.promises)

    @property
    def _volume(self) -> Floats:
        """What the weights of every promise are shares of."""
        return np.array([promise.volume for promise in self.problem.model.promises])
