"""All blocks of an experiment under a scenario, summed per promise, replication and step."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import PartsplanError
from partsplan.simulation.positions import installed_units
from partsplan.simulation.promised import PromiseWeights
from partsplan.simulation.running import Experiment
from partsplan.simulation.scenarios import Effects
from partsplan.simulation.stressing import StressedPiece, stressed_sums

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_DEMANDS_PER_PIECE = 60_000
_DEMANDS_PER_LOOP = 1_000_000


@dataclass(frozen=True, eq=False)
class StepSums:
    """What was weighed and what of it was bad; shape (n_promises, n_replications, n_steps)."""

    base: Floats
    amount: Floats
    step_days: float

    def first(self, n_steps: int) -> StepSums:
        """The same for the first steps."""
        return StepSums(self.base[:, :, :n_steps], self.amount[:, :, :n_steps], self.step_days)

    def plus(self, other: StepSums) -> StepSums:
        """The sums of these and other blocks."""
        return StepSums(self.base + other.base, self.amount + other.amount, self.step_days)

    def uses(self, weights: object) -> Floats:
        """Use of every promise over all steps; NaN where no demand was simulated."""
        return _uses(weights, self.base.sum(axis=(1, 2)), self.amount.sum(axis=(1, 2)))

    def uses_by_step(self, weights: object) -> Floats:
        """Shape (n_promises, n_steps)."""
        return _uses(weights, self.base.sum(axis=1), self.amount.sum(axis=1))


def _uses(weights: object, base: Floats, amount: Floats) -> Floats:
    known = cast(PromiseWeights, weights)
    axes = (slice(None), *(np.newaxis,) * (base.ndim - 1))
    scale, fixed = known.scale[axes], known.fixed[axes]
    ratio = np.divide(amount, base, out=np.full(base.shape, np.nan), where=base > 0)
    return np.asarray(fixed + np.where(scale == 0.0, 0.0, scale * ratio))


@dataclass(frozen=True, eq=False)
class StressedRuns:
    """How scenarios are run: the same random streams for each, with and without stock added."""

    n_replications: int
    n_steps: int
    step_days: float
    entropy: tuple[int, ...]
    executor: Executor | None

    def usual(self, experiment: Experiment) -> StepSums:
        """Sums of all blocks without any scenario."""
        return self._sums(experiment, None, [*range(len(experiment.blocks))])

    def spared(self, experiment: Experiment, effects: Effects) -> StepSums:
        """Sums of the blocks that a scenario does not touch."""
        blocks = [b for b in range(len(experiment.blocks)) if not _touches(experiment, b, effects)]
        return self._sums(experiment, None, blocks)

    def touched(self, experiment: Experiment, effects: Effects) -> StepSums:
        """Sums of the blocks that a scenario touches, under it."""
        blocks = [b for b in range(len(experiment.blocks)) if _touches(experiment, b, effects)]
        return self._sums(experiment, effects, blocks)

    def _sums(self, experiment: Experiment, effects: Effects | None, blocks: list[int]) -> StepSums:
        shape = (experiment.model.n_promises, self.n_replications, self.n_steps)
        total = StepSums(np.zeros(shape), np.zeros(shape), self.step_days)
        pieces = list(self._pieces(experiment, effects, blocks))
        run = map if self.executor is None else self.executor.map
        for piece, (base, amount) in zip(pieces, run(stressed_sums, pieces), strict=True):
            rows = slice(piece.first, piece.first + piece.n_replications)
            total.base[:, rows] += base
            total.amount[:, rows] += amount
        return total

    def _pieces(
        self, experiment: Experiment, effects: Effects | None, blocks: list[int]
    ) -> Iterator[StressedPiece]:
        units = class_units(experiment)
        for b in blocks:
            block = experiment.blocks[b]
            demands = float((block.per_day * block.horizon_days[block.class_part]).sum())
            most = _DEMANDS_PER_PIECE if block.sources is None else _DEMANDS_PER_LOOP
            size = int(min(self.n_replications, max(1.0, most // max(demands, 1.0))))
            weights = experiment.weights.of_classes(block.classes)
            for first in range(0, self.n_replications, size):
                yield StressedPiece(
                    block=block,
                    weights=weights,
                    units=units[block.classes],
                    effects=effects,
                    first=first,
                    n_replications=min(size, self.n_replications - first),
                    n_steps=self.n_steps,
                    step_days=self.step_days,
                    seed=np.random.SeedSequence(self.entropy, spawn_key=(b, first)),
                )


def _touches(experiment: Experiment, block: int, effects: Effects) -> bool:
    if effects.outages:
        return True
    return bool(effects.parts[experiment.blocks[block].parts].any())


def class_units(experiment: Experiment) -> Integers:
    """Installed units behind every class of customers."""
    units = installed_units(experiment.model)
    counts = np.bincount(experiment.customers.of_stream, units, minlength=len(experiment.customers))
    return np.asarray(counts, dtype=np.int64)


def check_fleets(experiment: Experiment, effects: Effects) -> None:
    """Raise `PartsplanError` where a fleet event hits a part without installed units."""
    network, parts = experiment.model.network, experiment.customers.part
    units = np.bincount(parts, class_units(experiment), minlength=network.n_parts)
    for part, *_ in effects.events:
        if units[part] == 0:
            raise PartsplanError(
                f"A fleet event replaces installed units of part {network.part_ids[part]!r}, and "
                "the demand comes from no installed machine. Estimate the demand from an "
                "installed_base with a bill_of_materials."
            )
