"""Running a simulation in pieces: blocks of parts times batches of replications.

Each piece has its own random stream, spawned from the seed by its place, and hands back small
sums; which worker takes it, and when, changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.commitments import HOURS_PER_DAY
from partsplan.evaluation.indenture_table import Indentures
from partsplan.evaluation.model import ServiceModel
from partsplan.simulation.adding_up import expedited_sums, waiting_sums
from partsplan.simulation.arrivals import Arrivals, draw_arrivals
from partsplan.simulation.blocks import SimulatedBlock, simulated_blocks
from partsplan.simulation.customers import CustomerClasses, customer_classes, customers_by_stream
from partsplan.simulation.expediting import ExpeditedRun, run_expediting
from partsplan.simulation.following import run_following
from partsplan.simulation.indentures import run_indentures, with_repairs
from partsplan.simulation.lead_times import LeadTimes
from partsplan.simulation.opening import Opening
from partsplan.simulation.positions import Positions
from partsplan.simulation.promised import PromiseWeights, promise_weights
from partsplan.simulation.sourced import SourcedWeights, sourced_customers, sourced_weights
from partsplan.simulation.sums import PieceSums, Sums
from partsplan.simulation.waiting import WaitingRun, run_waiting

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

logger = logging.getLogger("partsplan")

Progress = bool | Callable[[int, int], None]
"""True logs; a callable is called with pieces done and pieces in all."""

_DEMANDS_PER_PIECE = 60_000
_DEMANDS_PER_LOOP = 1_000_000
"""The same where events are taken in order of time: the more rows in a step, the better."""


@dataclass(frozen=True, eq=False)
class Families:
    """Parts within parts, and which classes are repairs that ask for them."""

    indentures: Indentures
    is_repair: NDArray[np.bool_]
    """Shape (n_classes,)."""


@dataclass(frozen=True, eq=False)
class Experiment:
    """Everything that is drawn from: network, demand, stock, and how lead times vary."""

    model: ServiceModel
    stock: Integers
    """Shape (n_parts, n_locations) [units]."""
    lead_times: LeadTimes
    window_days: float
    """Length of one replication after its warm-up [days]."""
    warmup_days: float | None
    """None: as long as each part needs."""
    customers: CustomerClasses
    weights: PromiseWeights | SourcedWeights
    blocks: tuple[SimulatedBlock, ...]
    longest_days: float
    """Wait to fear where none was seen [days]."""
    sources: tuple[int, int]
    """Number of classes and of sources, the outside included; no sources where shortages wait."""
    families: Families | None = None
    """Parts within parts; None where they are not followed."""
    positions: Positions | None = None
    """Installed units whose lives are followed; None: all demand comes in Poisson streams."""

    @classmethod
    def of(
        cls,
        model: ServiceModel,
        stock: Integers,
        lead_times: LeadTimes,
        window_days: float,
        warmup_days: float | None = None,
    ) -> Experiment:
        """An experiment on a model at a stock, by the network's rule for shortages."""
        if model.network.shortages == "expedite":
            asked = sourced_customers(model)
            return cls.of_customers(
                model,
                stock,
                asked.classes,
                sourced_weights(model, asked),
                lead_times=lead_times,
                window_days=window_days,
                warmup_days=warmup_days,
                asked_in_turn=asked.sources,
                longest_days=float(np.nanmax(asked.hours, initial=0.0)) / HOURS_PER_DAY,
            )
        customers = customer_classes(model, stock)
        return cls.of_customers(
            model,
            stock,
            customers,
            promise_weights(model, customers),
            lead_times=lead_times,
            window_days=window_days,
            warmup_days=warmup_days,
        )

    def opened(self, opening: Opening) -> Experiment:
        """The same from units of the first day, without a warm-up."""
        blocks = tuple(
            replace(
                block,
                opening=opening.of_parts(block.parts),
                warmup_days=np.zeros(block.n_parts),
            )
            for block in self.blocks
        )
        return replace(self, blocks=blocks, warmup_days=0.0)

    @classmethod
    def of_families(
        cls,
        model: ServiceModel,
        stock: Integers,
        lead_times: LeadTimes,
        window_days: float,
        warmup_days: float | None,
    ) -> Experiment:
        """One that follows parts within parts (waiting rules); as usual where there are none."""
        return cls.of_waiting(
            model,
            stock,
            customer_classes(model, stock),
            promise_weights,
            lead_times=lead_times,
            window_days=window_days,
            warmup_days=warmup_days,
        )

    @classmethod
    def of_waiting(
        cls,
        model: ServiceModel,
        stock: Integers,
        customers: CustomerClasses,
        weigh: Callable[[ServiceModel, CustomerClasses], PromiseWeights],
        *,
        lead_times: LeadTimes,
        window_days: float,
        warmup_days: float | None = None,
    ) -> Experiment:
        """One on customers of one's own that follows parts within parts (waiting rules)."""
        families, together = None, None
        if model.indentures is not None:
            customers, is_repair = with_repairs(model, customers, model.indentures)
            families = Families(model.indentures, is_repair)
            together = np.where(model.indentures.parts, model.indentures.depth, -1)
        experiment = cls.of_customers(
            model,
            stock,
            customers,
            weigh(model, customers),
            lead_times=lead_times,
            window_days=window_days,
            warmup_days=warmup_days,
            together=together,
        )
        return replace(experiment, families=families)

    @classmethod
    def by_stream(
        cls, model: ServiceModel, stock: Integers, lead_times: LeadTimes, window_days: float
    ) -> Experiment:
        """One whose demands are the same at every stock, for comparing stocks."""
        if model.network.shortages == "expedite":
            return cls.of(model, stock, lead_times, window_days)
        customers = customers_by_stream(model, stock)
        return cls.of_customers(
            model,
            stock,
            customers,
            promise_weights(model, customers),
            lead_times=lead_times,
            window_days=window_days,
        )

    @classmethod
    def of_customers(
        cls,
        model: ServiceModel,
        stock: Integers,
        customers: CustomerClasses,
        weights: PromiseWeights | SourcedWeights,
        *,
        lead_times: LeadTimes,
        window_days: float,
        warmup_days: float | None = None,
        asked_in_turn: Integers | None = None,
        longest_days: float | None = None,
        together: Integers | None = None,
    ) -> Experiment:
        """An experiment on classes of customers of one's own."""
        blocks = tuple(
            simulated_blocks(
                model,
                stock,
                customers,
                lead_times,
                window_days=window_days,
                warmup_days=warmup_days,
                sources=asked_in_turn,
                together=together,
            )
        )
        if longest_days is None:
            longest_days = max((float(block.warmup_days.max()) for block in blocks), default=0.0)
        return cls(
            model=model,
            stock=stock,
            lead_times=lead_times,
            window_days=window_days,
            warmup_days=warmup_days,
            customers=customers,
            weights=weights,
            blocks=blocks,
            longest_days=longest_days,
            sources=(len(customers), getattr(weights, "n_sources", 0)),
        )


@dataclass(frozen=True, eq=False)
class Piece:
    """One block in some replications, with its random stream."""

    block: SimulatedBlock
    weights: PromiseWeights | SourcedWeights
    first: int
    """First replication."""
    n_replications: int
    seed: np.random.SeedSequence
    positions: Positions | None
    families: Families | None

    def run(self) -> WaitingRun | ExpeditedRun:
        """What became of every demand."""
        if self.families is not None and self.block.has_indentures:
            is_repair = self.families.is_repair[self.block.classes]
            return run_indentures(
                self.block, self.families.indentures, is_repair, self.n_replications, self.seed
            )
        if self.positions is not None:
            return run_following(
                self.block, self.positions, self.n_replications, self.seed, self._served
            )
        rng = np.random.Generator(np.random.PCG64DXSM(self.seed))
        return self._served(draw_arrivals(self.block, self.n_replications, rng), rng)[0]

    def _served(
        self, arrivals: Arrivals, rng: np.random.Generator
    ) -> tuple[WaitingRun | ExpeditedRun, Floats]:
        """What became of demands, and how much later than a part at hand each came [days]."""
        if self.block.sources is None:
            waited = run_waiting(self.block, arrivals, self.n_replications, rng)
            return waited, waited.wait_days
        run = run_expediting(self.block, arrivals, self.n_replications, rng)
        longer = cast(SourcedWeights, self.weights).longer / HOURS_PER_DAY
        return run, np.asarray(longer[arrivals.customers, run.source])

    def sums(self) -> PieceSums:
        """Run it and add it up."""
        run = self.run()
        if isinstance(run, WaitingRun):
            return waiting_sums(self.block, run, cast(PromiseWeights, self.weights))
        return expedited_sums(self.block, run, cast(SourcedWeights, self.weights))


def sums_of(piece: Piece) -> PieceSums:
    """Run a piece and add it up, wherever a worker takes it."""
    return piece.sums()


def pieces_of(
    experiment: Experiment, n_replications: int, entropy: tuple[int, ...], batch: int = 0
) -> Iterator[Piece]:
    """Pieces of some replications; ``batch`` counts earlier calls with the same entropy."""
    for b, block in enumerate(experiment.blocks):
        per_replication = float((block.per_day * block.horizon_days[block.class_part]).sum())
        positions = experiment.positions
        if positions is not None:
            positions = positions.of_classes(block.classes)
            per_replication += float(positions.count.sum())
        weights = experiment.weights.of_classes(block.classes)
        most = _DEMANDS_PER_PIECE if block.sources is None else _DEMANDS_PER_LOOP
        size = int(min(n_replications, max(1.0, most // max(per_replication, 1.0))))
        for first in range(0, n_replications, size):
            seed = np.random.SeedSequence(entropy, spawn_key=(batch, b, first))
            count = min(size, n_replications - first)
            yield Piece(block, weights, first, count, seed, positions, experiment.families)


def run_pieces(
    experiment: Experiment,
    n_replications: int,
    entropy: tuple[int, ...],
    *,
    batch: int = 0,
    executor: Executor | None = None,
    progress: Progress = False,
) -> Sums:
    """Run all pieces and add them up in a fixed order."""
    pieces = list(pieces_of(experiment, n_replications, entropy, batch))
    total = Sums.zeros(
        experiment.model.n_promises, n_replications, experiment.stock.shape, experiment.sources
    )
    total.drawn = ((batch, n_replications),)
    results = map(sums_of, pieces) if executor is None else executor.map(sums_of, pieces)
    for done, (piece, sums) in enumerate(zip(pieces, results, strict=True), start=1):
        total.add(piece.first, piece.block.parts, piece.block.classes, sums)
        _tell(progress, done, len(pieces))
    return total


def _tell(progress: Progress, done: int, n_pieces: int) -> None:
    if callable(progress):
        progress(done, n_pieces)
    elif progress:
        logger.info("simulated %d of %d pieces", done, n_pieces)
