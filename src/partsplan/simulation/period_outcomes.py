"""What the demands of a period come to, where each depends on the demands at one place at most.

Along the way from outside to a customer, a place without stock passes the wait on and adds its own
time, one that never runs out ends all waiting; at most one place on it may run out by chance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.simulation.blocks import SimulatedBlock
from partsplan.simulation.promised import PromiseWeights, SparseMatrix
from partsplan.simulation.running import Experiment
from partsplan.simulation.tallies import LATE_TOLERANCE_DAYS

Floats = NDArray[np.float64]

_NEVER = 1e-9
"""Most missed demands expected in a period at a place that is said never to run out."""
_FACTORS = 48
"""Nodes of an uncertain rate."""


@dataclass(eq=False)
class Kinds:
    """Kinds of demand: how often, whether they count, and what they weigh if kept or missed."""

    per_day: list[float] = field(default_factory=list)
    counted: list[float] = field(default_factory=list)
    kept: list[float] = field(default_factory=list)
    missed: list[float] = field(default_factory=list)

    def add(self, per_day: float, counted: float, kept: float, missed: float) -> None:
        """One more kind."""
        self.per_day.append(per_day)
        self.counted.append(counted)
        self.kept.append(kept)
        self.missed.append(missed)


@dataclass(eq=False)
class PlaceDemands:
    """A place that may run out, and all demands that draw on it."""

    stock: int
    lead_days: float
    """From an order to the shelf, less what a response window leaves."""
    is_exponential: bool
    kinds: Kinds


@dataclass(eq=False)
class PartDemands:
    """Demands of one part that matter to a promise."""

    rate_shape: float
    places: list[PlaceDemands]
    alone: Kinds
    """Demands that weigh the same whatever happens."""
    error: float
    """Probability that a place said never to run out does."""


@dataclass(frozen=True, slots=True)
class _Place:
    """What is known of a place: a wait that is always the same, or when it runs out."""

    wait_days: float | None
    """Wait of each demand there; None where it varies."""
    is_out: bool
    """Whether no demand finds a unit."""
    longest_days: float | None
    """Longest time from an order to the shelf; None where there is none."""
    queue: tuple[float, bool] | None = None
    """Lead time [days] and whether it is exponential, where only its own demand decides."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a demand weighs if kept or missed."""

    kept: float
    missed: float
    decided_by: tuple[int, float] | None = None
    """Place that decides, and how close demands must be for the later to be missed [days]."""


def part_demands(experiment: Experiment, promise: int) -> list[PartDemands] | None:
    """Demands of all parts that a promise weighs; None where more than one place decides."""
    if experiment.positions is not None or experiment.sources[1] > 0:
        return None
    found = []
    for block in experiment.blocks:
        weights = cast(PromiseWeights, experiment.weights).of_classes(block.classes)
        amounts = _Amounts.of(weights, promise)
        for row in range(block.n_parts):
            classes = np.flatnonzero(block.class_part == row)
            if not amounts.matters[classes].any():
                continue
            if not _is_plain(block, row, classes):
                return None
            part = _PartReader(block, row, classes, amounts).read()
            if part is None:
                return None
            found.append(part)
    return found


def _is_plain(block: SimulatedBlock, row: int, classes: NDArray[np.int64]) -> bool:
    """Whether demand is Poisson, one unit at a time, and nothing is repaired below the top."""
    tree = block.tree
    single = block.lots is None or bool((block.lots[row] == 1).all())
    alone = not block.has_indentures and not tree.repair_fraction[row].any()
    return alone and single and bool((block.variance_to_mean[classes] <= 1.0).all())


@dataclass(frozen=True, eq=False)
class _Amounts:
    """Weights of one promise per class."""

    counted: Floats
    per_day: Floats
    stocked_out: Floats
    always: Floats
    late: list[list[tuple[float, float]]]
    """Per class, windows [days] and the weight of a demand that comes after."""

    @classmethod
    def of(cls, weights: PromiseWeights, promise: int) -> _Amounts:
        """Rows of the weights as plain arrays."""

        def row(matrix: SparseMatrix) -> Floats:
            return np.asarray(matrix[[promise], :].todense(), dtype=np.float64).ravel()

        counted, slots = row(weights.demand), row(weights.late)
        late: list[list[tuple[float, float]]] = [[] for _ in counted]
        for slot in np.flatnonzero(slots).tolist():
            late[weights.slot_class[slot]].append((float(weights.slot_days[slot]), slots[slot]))
        return cls(counted, row(weights.wait), row(weights.stocked_out), row(weights.always), late)

    @property
    def matters(self) -> NDArray[np.bool_]:
        """Whether a demand of each class counts or weighs anything."""
        matters: NDArray[np.bool_] = (self.counted != 0) | (self.always != 0)
        return matters


class _PartReader:
    """Reads the demands of one part of a block."""

    def __init__(
        self, block: SimulatedBlock, row: int, classes: NDArray[np.int64], amounts: _Amounts
    ) -> None:
        self.block, self.row, self.classes, self.amounts = block, row, classes, amounts
        self.days = block.window_days
        self.error = 0.0
        self.paths = [block.ancestors[block.class_shipper[c]] for c in classes]
        n_locations = block.stock.shape[1]
        self.rate = np.zeros(n_locations)
        for path, c in zip(self.paths, classes, strict=True):
            self.rate[path[path >= 0]] += block.per_day[c]
        self.shape = float(block.tree.rate_shape[row])
        self.places = self._places()

    def _places(self) -> dict[int, _Place]:
        """Every place with demand, from the top down."""
        tree, places = self.block.tree, dict[int, _Place]()
        laws = self.block.lead_times
        for j in tree.order:
            if self.rate[j] == 0.0:
                continue
            parent, own = int(tree.parents[j]), float(tree.transit_days[self.row, j])
            cv = float(laws.cv_of(np.array([self.row]), np.array([parent < 0]))[0])
            is_fixed = cv == 0.0 or own == 0.0
            is_exponential = cv == 1.0 and laws.law in ("exponential", "gamma") and not is_fixed
            above = _Place(0.0, False, 0.0) if parent < 0 else places[parent]
            longest = above.longest_days
            places[j] = self._place(
                j,
                lead=own + above.wait_days if is_fixed and above.wait_days is not None else None,
                mean=own if parent < 0 and is_exponential else None,
                longest=own + longest if is_fixed and longest is not None else None,
            )
        return places

    def _place(
        self, at: int, *, lead: float | None, mean: float | None, longest: float | None
    ) -> _Place:
        """By a time that is always the same, the mean of an exponential one, or the longest."""
        stock = int(self.block.stock[self.row, at])
        if stock == 0:
            return _Place(lead, is_out=True, longest_days=longest)
        known = next((time for time in (lead, mean, longest) if time is not None), None)
        if known is not None:
            missed = self._missed(self.rate[at], stock, known)
            if missed <= _NEVER:
                self.error += missed
                return _Place(0.0, is_out=False, longest_days=longest)
        queue = None
        if lead is not None:
            queue = (lead, False)
        elif mean is not None:
            queue = (mean, True)
        return _Place(None, is_out=False, longest_days=longest, queue=queue)

    def _missed(self, rate: float, stock: int, lead: float) -> float:
        """Missed demands expected in a period (a bound of the chance that there is any)."""
        factor, weight = factors(self.shape)
        tail = scipy.special.gammainc(stock, factor * rate * lead) if lead > 0.0 else 0.0
        return float((weight * factor * rate * self.days * tail).sum())

    def read(self) -> PartDemands | None:
        """All demands, by the place that decides what becomes of them."""
        known = [self._outcome(c) for c in self.classes]
        outcomes = [outcome for outcome in known if outcome is not None]
        deciding = {o.decided_by[0]: o.decided_by[1] for o in outcomes if o.decided_by}
        if len(outcomes) < len(known) or any(
            o.decided_by and deciding[o.decided_by[0]] != o.decided_by[1] for o in outcomes
        ):
            return None  # or customers of one place have different windows
        found = {
            at: PlaceDemands(
                stock=int(self.block.stock[self.row, at]),
                lead_days=lead,
                is_exponential=cast("tuple[float, bool]", self.places[at].queue)[1],
                kinds=Kinds(),
            )
            for at, lead in deciding.items()
        }
        alone = Kinds()
        for c, path, outcome in zip(self.classes, self.paths, outcomes, strict=True):
            on_way = [at for at in deciding if at in path]
            if len(on_way) > 1:
                return None
            kinds = found[on_way[0]].kinds if on_way else alone
            counted = float(self.amounts.counted[c] != 0)
            kinds.add(float(self.block.per_day[c]), counted, outcome.kept, outcome.missed)
        return PartDemands(self.shape, list(found.values()), alone, self.error)

    def _outcome(self, c: int) -> _Outcome | None:
        """What a demand of a class comes to; None where no formula says."""
        amounts, place = self.amounts, self.places[int(self.block.class_shipper[c])]
        always, out = float(amounts.always[c]), float(amounts.stocked_out[c])
        late = amounts.late[c]
        if place.wait_days is not None:
            wait = place.wait_days
            value = always + float(amounts.per_day[c]) * wait + out * place.is_out
            value += sum(weight for window, weight in late if wait > window + LATE_TOLERANCE_DAYS)
            return _Outcome(value, value)
        if amounts.per_day[c] != 0.0:
            return None
        if not late and (out == 0.0 or place.is_out):
            return _Outcome(always + out, always + out)
        return self._by_chance(c, always, out, place)

    def _by_chance(self, c: int, always: float, out: float, place: _Place) -> _Outcome | None:
        """The outcome at a place that runs out by chance."""
        if place.queue is None:
            return None
        at, (lead, is_exponential) = int(self.block.class_shipper[c]), place.queue
        if out != 0.0:
            return _Outcome(always, always + out, (at, lead))
        windows = self.amounts.late[c]
        if len(windows) > 1 or is_exponential:
            return None
        window, weight = windows[0]
        if window >= lead:
            return _Outcome(always, always)
        return _Outcome(always, always + weight, (at, lead - window))


def factors(shape: float) -> tuple[Floats, Floats]:
    """Nodes and weights of a rate's factor (Gauss and Laguerre); 1 where the rate is known."""
    if not np.isfinite(shape):
        return np.ones(1), np.ones(1)
    return factor_rule(shape, _FACTORS)


def factor_rule(shape: float, size: int) -> tuple[Floats, Floats]:
    """So many nodes and weights of a gamma factor of mean 1."""
    nodes, weights = scipy.special.roots_genlaguerre(size, shape - 1.0)
    return nodes / shape, weights / weights.sum()
