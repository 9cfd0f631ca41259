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
    slot_class: Integers
    """Class of each slot, ascending."""
    slot_days: Floats
    """Window of each slot [days]."""
    scale: Floats
    """Shape (n_promises,): use if every demand that can be bad were (per day, of waits)."""
    fixed: Floats
    """Shape (n_promises,): use that no unit of stock changes: lanes, repair hours, direct ways."""

    def of_classes(self, classes: Integers) -> PromiseWeights:
        """The same for some classes, given in ascending order."""
        slots = np.flatnonzero(np.isin(self.slot_class, classes))
        return PromiseWeights(
            demand=self.demand[:, classes],
            wait=self.wait[:, classes],
            stocked_out=self.stocked_out[:, classes],
            late=self.late[:, slots],
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
        )
        return np.asarray(self.demand @ tally.demands), np.asarray(bad)


@dataclass(frozen=True, eq=False)
class _Entries:
    """What promises weigh of the streams: parallel arrays."""

    promise: Integers
    stream: Integers
    weight: Floats
    metric: NDArray[np.object_]
    within: Floats

    def of(self, chosen: NDArray[np.bool_]) -> _Entries:
        return _Entries(
            self.promise[chosen],
            self.stream[chosen],
            self.weight[chosen],
            self.metric[chosen],
            self.within[chosen],
        )


def promise_weights(model: ServiceModel, customers: CustomerClasses) -> PromiseWeights:
    """Weights of all promises of a model."""
    promises, shape = model.promises, (model.n_promises, len(customers))
    entries = _entries(promises)
    window = window_days(entries.within, customers.lane_hours[entries.stream])
    klass = customers.of_stream[entries.stream]
    is_direct = customers.location[klass] != customers.shipper[klass]
    is_wait = np.isin(entries.metric, ("mean_wait", "uptime"))
    fixed = _hours_down(model, customers, entries)
    never = (entries.metric == "fill_rate") & is_direct
    never |= (entries.metric == "response") & (window < 0)
    fixed += np.bincount(entries.promise[never], entries.weight[never], minlength=shape[0])
    open_to = entries.of(~never)
    response = (entries.metric == "response") & ~never
    slot_class, slot_days, late = _late_slots(
        customers, entries.of(response), window[response], len(promises)
    )
    hours = np.array([HOURS_PER_DAY if p.metric == "mean_wait" else 1.0 for p in promises])
    scale = np.bincount(open_to.promise, open_to.weight, minlength=shape[0]) * hours
    filled = (entries.metric == "fill_rate") & ~never
    return PromiseWeights(
        demand=_matrix(customers, open_to, shape),
        wait=_matrix(customers, entries.of(is_wait), shape),
        stocked_out=_matrix(customers, entries.of(filled), shape),
        late=late,
        slot_class=slot_class,
        slot_days=slot_days,
        scale=scale,
        fixed=fixed,
    )


def _entries(promises: Sequence[Promise]) -> _Entries:
    counts = [len(p.streams) for p in promises]
    return _Entries(
        promise=np.repeat(np.arange(len(promises)), counts),
        stream=np.concatenate([np.zeros(0, np.int64), *(p.streams for p in promises)]),
        weight=np.concatenate([np.zeros(0), *(p.weights for p in promises)]),
        metric=np.repeat(np.array([p.metric for p in promises], dtype=object), counts),
        within=np.repeat(np.array([p.within_hours for p in promises]), counts),
    )


def _hours_down(model: ServiceModel, customers: CustomerClasses, entries: _Entries) -> Floats:
    """Use of the uptime promises by lane, diagnosis and repair hours."""
    streams, stream = model.streams, entries.stream
    hours = (
        customers.lane_hours[stream]
        + streams.diagnosis_hours[stream]
        + streams.repair_hours[stream]
    )
    amounts = np.where(entries.metric == "uptime", entries.weight * hours / HOURS_PER_DAY, 0.0)
    return np.bincount(entries.promise, amounts, minlength=model.n_promises).astype(np.float64)


def _per_demand(customers: CustomerClasses, entries: _Entries) -> Floats:
    """Weight of one demand of the class that an entry's stream belongs to."""
    rate = customers.per_day[customers.of_stream[entries.stream]]
    return np.divide(entries.weight, rate, out=np.zeros(len(rate)), where=rate > 0)


def _matrix(customers: CustomerClasses, entries: _Entries, shape: tuple[int, int]) -> SparseMatrix:
    places = (entries.promise, customers.of_stream[entries.stream])
    return _sparse(_per_demand(customers, entries), places, shape)


def _sparse(
    values: Floats, places: tuple[Integers, Integers], shape: tuple[int, int]
) -> SparseMatrix:
    return scipy.sparse.csc_array(scipy.sparse.coo_array((values, places), shape=shape))


def _late_slots(
    customers: CustomerClasses, entries: _Entries, days: Floats, n_promises: int
) -> tuple[Integers, Floats, SparseMatrix]:
    """Distinct (class, window) of response promises, and their weights."""
    pairs = np.stack([customers.of_stream[entries.stream], days], axis=1)
    distinct, slot = np.unique(pairs, axis=0, return_inverse=True)
    places = (entries.promise, slot.reshape(-1))
    late = _sparse(_per_demand(customers, entries), places, (n_promises, len(distinct)))
    return distinct[:, 0].astype(np.int64), distinct[:, 1], late
