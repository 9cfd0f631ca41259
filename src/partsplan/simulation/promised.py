"""What promises weigh of a simulation: sums over demands instead of the laws of the evaluation.

Scopes, weights, lanes and repair hours are facts of the network and known exactly; only waits,
stock-outs and late arrivals are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.evaluation.commitments import HOURS_PER_DAY, Promise
from partsplan.evaluation.model import ServiceModel
from partsplan.evaluation.promise_terms import window_days
from partsplan.simulation.customers import CustomerClasses
from partsplan.simulation.tallies import ClassTally

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SparseMatrix = Any
"""scipy.sparse.csc_array of shape (n_promises, n_classes or n_slots)."""


@dataclass(frozen=True, eq=False)
class PromiseWeights:
    """Weight of one counted demand of every class, per promise; columns are classes or slots."""

    demand: SparseMatrix
    """Weight of a demand that can be good or bad."""
    wait: SparseMatrix
    """Weight of a day that it waits."""
    stocked_out: SparseMatrix
    """Weight of finding no unit on the shelf."""
    late: SparseMatrix
    """Weight of coming after a slot's window; columns are slots."""
    always: SparseMatrix
    """Weight of a demand whatever happens to it."""
    slot_class: Integers
    """Class of each slot, ascending."""
    slot_days: Floats
    """Window of each slot [days]."""
    scale: Floats
    """Shape (n_promises,): use if every demand that can be bad were (per day, of waits)."""
    fixed: Floats
    """Shape (n_promises,): use that is known and not counted: lanes, repair hours, direct ways."""

    @property
    def slots(self) -> tuple[Integers, Floats]:
        """Class and window [days] of every slot."""
        return self.slot_class, self.slot_days

    def of_classes(self, classes: Integers) -> PromiseWeights:
        """The same for some classes, given in ascending order."""
        slots = np.flatnonzero(np.isin(self.slot_class, classes))
        return PromiseWeights(
            demand=self.demand[:, classes],
            wait=self.wait[:, classes],
            stocked_out=self.stocked_out[:, classes],
            late=self.late[:, slots],
            always=self.always[:, classes],
            slot_class=np.searchsorted(classes, self.slot_class[slots]),
            slot_days=self.slot_days[slots],
            scale=self.scale,
            fixed=self.fixed,
        )

    def amounts(self, tally: ClassTally) -> tuple[Floats, Floats]:
        """What was weighed and what of it was bad; each of shape (n_promises, n_replications)."""
        bad = (
            self.wait @ tally.wait_days
            + self.stocked_out @ tally.stocked_out
            + self.late @ tally.late
            + self.always @ tally.demands
        )
        return np.asarray(self.demand @ tally.demands), np.asarray(bad)


@dataclass(frozen=True, eq=False)
class PromiseEntries:
    """What promises weigh of the streams: parallel arrays."""

    promise: Integers
    stream: Integers
    weight: Floats
    metric: NDArray[np.object_]
    within: Floats
    """Response window [hours]; NaN for the other metrics."""

    @classmethod
    def of(cls, promises: Sequence[Promise]) -> PromiseEntries:
        """Every stream of every promise."""
        counts = [len(p.streams) for p in promises]
        metric = np.array([p.metric for p in promises], dtype=object)
        within = np.array([p.within_hours for p in promises], dtype=np.float64)
        return cls(
            promise=np.repeat(np.arange(len(promises)), counts),
            stream=np.concatenate([np.zeros(0, np.int64), *(p.streams for p in promises)]),
            weight=np.concatenate([np.zeros(0), *(p.weights for p in promises)]),
            metric=np.repeat(metric, counts),
            within=np.repeat(within, counts),
        )

    def chosen(self, places: NDArray[np.bool_]) -> PromiseEntries:
        """Some of them."""
        return PromiseEntries(
            self.promise[places],
            self.stream[places],
            self.weight[places],
            self.metric[places],
            self.within[places],
        )

    def hours_down(self, model: ServiceModel, lane_hours: Floats) -> Floats:
        """Hours that a failure of each entry's stream stops the machine, waits excluded."""
        streams, stream = model.streams, self.stream
        return np.asarray(
            lane_hours[stream] + streams.diagnosis_hours[stream] + streams.repair_hours[stream]
        )


def promise_weights(model: ServiceModel, customers: CustomerClasses) -> PromiseWeights:
    """Weights of all promises in the long run, where the mix of the demand is known."""
    promises, shape = model.promises, (model.n_promises, len(customers))
    entries = PromiseEntries.of(promises)
    window = window_days(entries.within, customers.lane_hours[entries.stream])
    klass = customers.of_stream[entries.stream]
    is_direct = customers.location[klass] != customers.shipper[klass]
    never = (entries.metric == "fill_rate") & is_direct
    never |= (entries.metric == "response") & (window < 0)
    is_up = entries.metric == "uptime"
    hours = entries.hours_down(model, customers.lane_hours) / HOURS_PER_DAY
    fixed = np.bincount(
        entries.promise, entries.weight * np.where(is_up, hours, never), minlength=shape[0]
    )
    rate = customers.per_day[klass]
    value = np.divide(entries.weight, rate, out=np.zeros(len(rate)), where=rate > 0)

    def matrix(places: NDArray[np.bool_]) -> SparseMatrix:
        return sparse_matrix(value[places], entries.promise[places], klass[places], shape)

    slots = LateSlots.of(klass, window, (entries.metric == "response") & ~never)
    in_days = np.array([HOURS_PER_DAY if p.metric == "mean_wait" else 1.0 for p in promises])
    counted = np.where(never, 0.0, entries.weight)
    return PromiseWeights(
        demand=matrix(~never),
        wait=matrix(is_up | (entries.metric == "mean_wait")),
        stocked_out=matrix((entries.metric == "fill_rate") & ~never),
        late=slots.matrix(value, entries.promise, shape[0]),
        always=matrix(np.zeros(len(klass), dtype=bool)),
        slot_class=slots.klass,
        slot_days=slots.days,
        scale=np.bincount(entries.promise, counted, minlength=shape[0]) * in_days,
        fixed=fixed.astype(np.float64),
    )


@dataclass(frozen=True, eq=False)
class LateSlots:
    """Distinct pairs of a class and a response window."""

    klass: Integers
    days: Floats
    places: NDArray[np.bool_]
    """Entries that ask for a slot."""
    slot: Integers
    """Slot of each of them."""

    @classmethod
    def of(cls, klass: Integers, window: Floats, places: NDArray[np.bool_]) -> LateSlots:
        """Slots of the entries at ``places``."""
        pairs = np.stack([klass[places], window[places]], axis=1)
        distinct, slot = np.unique(pairs, axis=0, return_inverse=True)
        return cls(distinct[:, 0].astype(np.int64), distinct[:, 1], places, slot.reshape(-1))

    def matrix(self, value: Floats, promise: Integers, n_promises: int) -> SparseMatrix:
        """Weights of the entries' values by (promise, slot)."""
        shape = (n_promises, len(self.klass))
        return sparse_matrix(value[self.places], promise[self.places], self.slot, shape)


def sparse_matrix(
    values: Floats, row: Integers, column: Integers, shape: tuple[int, int]
) -> SparseMatrix:
    """Values added up by place."""
    return scipy.sparse.csc_array(scipy.sparse.coo_array((values, (row, column)), shape=shape))
