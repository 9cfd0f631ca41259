"""Running a simulation in pieces: blocks of parts times batches of replications.

Each piece has its own random stream, spawned from the seed by its place, and hands back small
sums; which worker takes it, and when, changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.model import ServiceModel
from partsplan.simulation.arrivals import draw_arrivals
from partsplan.simulation.blocks import SimulatedBlock, simulated_blocks
from partsplan.simulation.customers import CustomerClasses, customer_classes
from partsplan.simulation.lead_times import LeadTimes
from partsplan.simulation.promised import PromiseWeights, promise_weights
from partsplan.simulation.tallies import PlaceTally, tally_classes, tally_places
from partsplan.simulation.waiting import WaitingRun, run_waiting

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

logger = logging.getLogger("partsplan")

Progress = bool | Callable[[int, int], None]
"""True logs; a callable is called with pieces done and pieces in all."""

_DEMANDS_PER_PIECE = 60_000


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
    weights: PromiseWeights
    blocks: tuple[SimulatedBlock, ...]

    @classmethod
    def of(
        cls,
        model: ServiceModel,
        stock: Integers,
        lead_times: LeadTimes,
        window_days: float,
        warmup_days: float | None = None,
    ) -> Experiment:
        """An experiment on a model at a stock."""
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

    @classmethod
    def of_customers(
        cls,
        model: ServiceModel,
        stock: Integers,
        customers: CustomerClasses,
        weights: PromiseWeights,
        *,
        lead_times: LeadTimes,
        window_days: float,
        warmup_days: float | None = None,
    ) -> Experiment:
        """An experiment on classes of customers of one's own."""
        blocks = simulated_blocks(
            model,
            stock,
            customers,
            lead_times,
            window_days=window_days,
            warmup_days=warmup_days,
        )
        return cls(
            model=model,
            stock=stock,
            lead_times=lead_times,
            window_days=window_days,
            warmup_days=warmup_days,
            customers=customers,
            weights=weights,
            blocks=tuple(blocks),
        )


@dataclass(frozen=True, eq=False)
class Piece:
    """One block in some replications, with its random stream."""

    block: SimulatedBlock
    weights: PromiseWeights
    first: int
    """First replication."""
    n_replications: int
    seed: np.random.SeedSequence

    def run(self) -> WaitingRun:
        """What became of every demand."""
        rng = np.random.Generator(np.random.PCG64DXSM(self.seed))
        arrivals = draw_arrivals(self.block, self.n_replications, rng)
        return run_waiting(self.block, arrivals, self.n_replications, rng)


@dataclass(frozen=True, eq=False)
class PlaceMoments:
    """Sums over replications per part and location; what intervals are made of."""

    demands: Floats
    demands2: Floats
    wait: Floats
    wait2: Floats
    wait_cross: Floats
    out: Floats
    out2: Floats
    out_cross: Floats
    on_hand: Floats
    """Mean units on the shelf in each replication."""
    on_hand2: Floats

    NAMES = (
        "demands",
        "demands2",
        "wait",
        "wait2",
        "wait_cross",
        "out",
        "out2",
        "out_cross",
        "on_hand",
        "on_hand2",
    )

    @classmethod
    def of(cls, tally: PlaceTally, stock: Integers, window_days: float) -> PlaceMoments:
        """Moments of the sums of some replications."""
        n, wait, out = tally.demands, tally.wait_days, tally.stocked_out
        on_hand = stock[:, :, np.newaxis] - (tally.lead_days - wait) / window_days
        products = (n, n * n, wait, wait * wait, n * wait, out, out * out, n * out)
        sums = [array.sum(axis=2) for array in (*products, on_hand, on_hand * on_hand)]
        return cls(*sums)

    @classmethod
    def zeros(cls, shape: tuple[int, int]) -> PlaceMoments:
        """Nothing counted yet."""
        return cls(*(np.zeros(shape) for _ in cls.NAMES))

    def add(self, parts: Integers, other: PlaceMoments) -> None:
        """Add the moments of some parts, in place."""
        for name in self.NAMES:
            getattr(self, name)[parts] += getattr(other, name)


@dataclass(frozen=True, eq=False)
class PieceSums:
    """What a piece hands back."""

    base: Floats
    """Shape (n_promises, n_replications): weight of the demands."""
    amount: Floats
    """Weight of what was bad among them."""
    units: Floats
    """Shape (n_promises,): units counted behind each promise."""
    places: PlaceMoments
    n_units: int
    """Units asked for, warm-up included."""


def sums_of(piece: Piece) -> PieceSums:
    """Run a piece and add it up."""
    run = piece.run()
    block, weights = piece.block, piece.weights
    tally = tally_classes(block, run, weights.slot_class, weights.slot_days)
    base, amount = weights.amounts(tally)
    return PieceSums(
        base=base,
        amount=amount,
        units=np.asarray((weights.demand != 0).astype(np.float64) @ tally.demands.sum(axis=1)),
        places=PlaceMoments.of(tally_places(block, run), block.stock, block.window_days),
        n_units=len(run.arrivals.row),
    )


@dataclass(eq=False)
class Sums:
    """Sums of all pieces so far."""

    base: Floats
    """Shape (n_promises, n_replications)."""
    amount: Floats
    units: Floats
    places: PlaceMoments
    n_units: int = field(default=0)

    @property
    def n_replications(self) -> int:
        """Replications counted."""
        return int(self.base.shape[1])

    def extended(self, other: Sums) -> Sums:
        """These and further replications."""
        places = PlaceMoments(
            *(
                getattr(self.places, name) + getattr(other.places, name)
                for name in PlaceMoments.NAMES
            )
        )
        return Sums(
            np.concatenate([self.base, other.base], axis=1),
            np.concatenate([self.amount, other.amount], axis=1),
            self.units + other.units,
            places,
            self.n_units + other.n_units,
        )


def pieces_of(
    experiment: Experiment, n_replications: int, entropy: tuple[int, ...], batch: int = 0
) -> Iterator[Piece]:
    """Pieces of some replications; ``batch`` counts earlier calls with the same entropy."""
    for b, block in enumerate(experiment.blocks):
        per_replication = float((block.per_day * block.horizon_days[block.class_part]).sum())
        size = int(min(n_replications, max(1.0, _DEMANDS_PER_PIECE // max(per_replication, 1.0))))
        weights = experiment.weights.of_classes(block.classes)
        for first in range(0, n_replications, size):
            seed = np.random.SeedSequence(entropy, spawn_key=(batch, b, first))
            yield Piece(block, weights, first, min(size, n_replications - first), seed)


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
    n_promises = experiment.model.n_promises
    total = Sums(
        base=np.zeros((n_promises, n_replications)),
        amount=np.zeros((n_promises, n_replications)),
        units=np.zeros(n_promises),
        places=PlaceMoments.zeros(experiment.stock.shape),
    )
    results = map(sums_of, pieces) if executor is None else executor.map(sums_of, pieces)
    for done, (piece, sums) in enumerate(zip(pieces, results, strict=True), start=1):
        columns = slice(piece.first, piece.first + piece.n_replications)
        total.base[:, columns] += sums.base
        total.amount[:, columns] += sums.amount
        total.units += sums.units
        total.places.add(piece.block.parts, sums.places)
        total.n_units += sums.n_units
        _tell(progress, done, len(pieces))
    return total


def _tell(progress: Progress, done: int, n_pieces: int) -> None:
    if callable(progress):
        progress(done, n_pieces)
    elif progress:
        logger.info("simulated %d of %d pieces", done, n_pieces)
