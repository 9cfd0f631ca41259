"""One block under a scenario: its demands, its service, and sums per step of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.simulation.adding_up import shipped_units
from partsplan.simulation.arrivals import (
    Arrivals,
    merged_arrivals,
    poisson_arrivals,
    rate_factors,
)
from partsplan.simulation.blocks import SimulatedBlock
from partsplan.simulation.expediting import run_expediting
from partsplan.simulation.promised import PromiseWeights
from partsplan.simulation.scenarios import Effects
from partsplan.simulation.sourced import SourcedWeights
from partsplan.simulation.tallies import tally_classes
from partsplan.simulation.waiting import run_waiting

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class StressedPiece:
    """A block in some replications, under a scenario or (without effects) as usual."""

    block: SimulatedBlock
    weights: PromiseWeights | SourcedWeights
    units: Integers
    """Shape (n_classes,): installed units behind each class."""
    effects: Effects | None
    first: int
    """First replication."""
    n_replications: int
    n_steps: int
    step_days: float
    seed: np.random.SeedSequence

    def sums(self) -> tuple[Floats, Floats]:
        """What was weighed and what of it was bad; (n_promises, n_replications, n_steps)."""
        usual, more, serving = (
            np.random.Generator(np.random.PCG64DXSM(seed)) for seed in self.seed.spawn(3)
        )
        block, n = self.block, self.n_replications
        factor = rate_factors(block.tree.rate_shape, n, usual)
        arrivals = poisson_arrivals(block, block.per_day, factor, usual)
        disruption = None
        if self.effects is not None:
            disruption = BlockDisruption(block, self.effects)
            arrivals = self._stressed(self.effects, arrivals, factor, more)
        column, columns = self._column(arrivals), n * self.n_steps
        if isinstance(self.weights, SourcedWeights):
            shipments = run_expediting(block, arrivals, n, serving, disruption)
            shipped = shipped_units(block, shipments, column, columns, self.weights.n_sources)
            base, amount = self.weights.amounts(shipped)
        else:
            run = run_waiting(block, arrivals, n, serving, disruption)
            tally = tally_classes(block, run, self.weights.slots, column, columns)
            base, amount = self.weights.amounts(tally)
        shape = (len(base), n, self.n_steps)
        return base.reshape(shape), amount.reshape(shape)

    def _column(self, arrivals: Arrivals) -> Integers:
        """Replication and step of every demand, -1 before the scenario and after the end."""
        start = self.block.warmup_days[self.block.class_part[arrivals.customers]]
        step = np.floor((arrivals.days - start) / self.step_days).astype(np.int64)
        inside = (step >= 0) & (step < self.n_steps)
        column = arrivals.row % self.n_replications * self.n_steps + step
        return np.where(inside, column, -1)

    def _stressed(
        self, effects: Effects, usual: Arrivals, factor: Floats, rng: np.random.Generator
    ) -> Arrivals:
        """The usual demands with those of the scenario, or without those that it takes away."""
        block = self.block
        change = effects.rate_factor[block.parts]
        arrivals = _within(usual, ~self._taken_away(effects, usual, change, rng))
        if (change > 1.0).any():
            extra = block.per_day * np.maximum(change - 1.0, 0.0)[block.class_part]
            more = poisson_arrivals(block, extra, factor, rng)
            arrivals = merged_arrivals(arrivals, _within(more, self._during(effects, more)))
        for part, share, first, last in effects.events:
            row = np.flatnonzero(block.parts == part)
            if len(row):
                fleet = self._fleet_demand(int(row[0]), (share, first, last), rng)
                arrivals = merged_arrivals(arrivals, fleet)
        return arrivals

    def _during(self, effects: Effects, arrivals: Arrivals) -> NDArray[np.bool_]:
        start = self.block.warmup_days[self.block.class_part[arrivals.customers]]
        inside: NDArray[np.bool_] = (arrivals.days >= start) & (
            arrivals.days < start + effects.days
        )
        return inside

    def _taken_away(
        self, effects: Effects, arrivals: Arrivals, change: Floats, rng: np.random.Generator
    ) -> NDArray[np.bool_]:
        """Demands that do not happen where the rate falls; orders fall away as a whole."""
        keep = np.minimum(change, 1.0)[self.block.class_part[arrivals.customers]]
        order = np.arange(len(keep)) if arrivals.order is None else arrivals.order
        drawn = rng.random(int(order.max(initial=-1)) + 1)[order]
        return self._during(effects, arrivals) & (drawn >= keep)

    def _fleet_demand(
        self, part: int, event: tuple[float, float, float], rng: np.random.Generator
    ) -> Arrivals:
        """Replacements of installed units, spread evenly over the event."""
        share, first, last = event
        n = self.n_replications
        classes = np.flatnonzero(self.block.class_part == part)
        counts = rng.binomial(self.units[classes, np.newaxis], share, (len(classes), n))
        customers = np.repeat(np.repeat(classes, n), counts.ravel())
        replication = np.repeat(np.tile(np.arange(n), len(classes)), counts.ravel())
        days = self.block.warmup_days[part] + rng.uniform(first, last, len(customers))
        row = part * n + replication
        order = np.lexsort((days, row))
        n_rows = self.block.n_parts * n
        return Arrivals(n_rows, row[order], days[order], customers[order], None)


def _within(arrivals: Arrivals, chosen: NDArray[np.bool_]) -> Arrivals:
    return Arrivals(
        arrivals.n_rows,
        arrivals.row[chosen],
        arrivals.days[chosen],
        arrivals.customers[chosen],
        None if arrivals.order is None else arrivals.order[chosen],
    )


@dataclass(frozen=True, eq=False)
class BlockDisruption:
    """What a scenario does to resupply times and closed locations of a block."""

    block: SimulatedBlock
    effects: Effects

    @property
    def closed(self) -> tuple[tuple[int, float, float], ...]:
        """Location, first and last day of every closure, from the start of the scenario."""
        return self.effects.outages

    def lead_factor(self, part: Integers, days: Floats) -> Floats:
        """Factor on the resupply time of orders of parts at times."""
        start = self.block.warmup_days[part]
        changed = (days >= start) & (days < start + self.effects.days)
        return np.where(changed, self.effects.lead_factor[self.block.parts][part], 1.0)

    def reopened(self, part: Integers, location: Integers, days: Floats) -> Floats:
        """When a location that would release a unit at a time does so."""
        start = self.block.warmup_days[part]
        for closed, first, last in self.effects.outages:
            waits = (location == closed) & (days >= start + first) & (days < start + last)
            days = np.where(waits, start + last, days)
        return days


def stressed_sums(piece: StressedPiece) -> tuple[Floats, Floats]:
    """Run a piece and add it up, wherever a worker takes it."""
    return piece.sums()
