"""What a customer measures over one period: the failures that happened, each with its own hours.

In the long run the mix of the demand is known; in a quarter it is what it happened to be.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.commitments import HOURS_PER_DAY
from partsplan.evaluation.model import ServiceModel
from partsplan.evaluation.promise_terms import window_days
from partsplan.simulation.customers import CustomerClasses
from partsplan.simulation.promised import (
    LateSlots,
    PromiseEntries,
    PromiseWeights,
    SparseMatrix,
    sparse_matrix,
)
from partsplan.simulation.sourced import SourcedCustomers, SourcedWeights, values_by_source

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


def measured_weights(model: ServiceModel, customers: CustomerClasses) -> PromiseWeights:
    """Weights of what is measured; ``customers`` are those of `customer_stops`.

    A promise measures amount / base; an uptime measures amount / days of the period, the days
    that a machine is down.
    """
    promises, shape = model.promises, (model.n_promises, len(customers))
    entries = PromiseEntries.of(promises)
    window = window_days(entries.within, customers.lane_hours[entries.stream])
    klass = customers.of_stream[entries.stream]
    is_direct = customers.location[klass] != customers.shipper[klass]
    metric = entries.metric
    never = (metric == "fill_rate") & is_direct
    never |= (metric == "response") & (window < 0)
    is_up = metric == "uptime"
    per_machine = _share_of_a_stop(customers, entries, is_up)
    hours = entries.hours_down(model, customers.lane_hours) / HOURS_PER_DAY
    every = np.ones(len(klass), dtype=bool)

    def matrix(value: Floats, places: Booleans) -> SparseMatrix:
        """Of demands that stop the machine and, but for uptime, of those that do not."""
        both = places & ~is_up
        return sparse_matrix(
            np.concatenate([value[places], value[both]]),
            np.concatenate([entries.promise[places], entries.promise[both]]),
            np.concatenate([klass[places], klass[both] + 1]),
            shape,
        )

    one = np.ones(len(klass))
    in_time = (metric == "response") & ~never
    twice = np.concatenate([in_time, in_time])
    slots = LateSlots.of(np.concatenate([klass, klass + 1]), np.tile(window, 2), twice)
    return PromiseWeights(
        demand=matrix(one, every),
        wait=matrix(np.where(is_up, per_machine, HOURS_PER_DAY), is_up | (metric == "mean_wait")),
        stocked_out=matrix(one, (metric == "fill_rate") & ~never),
        late=slots.matrix(np.ones(len(twice)), np.tile(entries.promise, 2), shape[0]),
        always=matrix(np.where(is_up, per_machine * hours, 1.0), is_up | never),
        slot_class=slots.klass,
        slot_days=slots.days,
        scale=np.ones(shape[0]),
        fixed=np.zeros(shape[0]),
    )


def _share_of_a_stop(
    customers: CustomerClasses, entries: PromiseEntries, is_up: Booleans
) -> Floats:
    """Machine-days that a promise of uptime loses per machine in its scope and day of a stop."""
    stops = customers.per_day[customers.of_stream[entries.stream]]
    none = np.zeros(len(stops))
    return np.asarray(np.divide(entries.weight, stops, out=none, where=is_up & (stops > 0)))


def measured_shipments(model: ServiceModel, customers: SourcedCustomers) -> SourcedWeights:
    """The same where shortages are expedited; ``customers`` are those of `sourced_stops`."""
    promises, classes = model.promises, customers.classes
    entries = PromiseEntries.of(promises)
    klass, stream = classes.of_stream[entries.stream], entries.stream
    is_up = entries.metric == "uptime"
    hours = customers.hours[stream]
    each = np.where(is_up, _share_of_a_stop(classes, entries, is_up), 1.0)
    in_hours = np.where(entries.metric == "mean_wait", HOURS_PER_DAY, 1.0)
    value = values_by_source(model, entries, hours) * (each * in_hours)[:, np.newaxis]
    n_sources = hours.shape[1]
    shape = (len(promises), len(classes))
    demand, shipped = [], []
    for step, chosen in ((0, np.ones(len(klass), dtype=bool)), (1, ~is_up)):
        column = (klass + step)[:, np.newaxis] * n_sources + np.arange(n_sources)
        row = np.broadcast_to(entries.promise[:, np.newaxis], value.shape)
        known = ~np.isnan(hours) & chosen[:, np.newaxis]
        one = np.ones(int(chosen.sum()))
        demand.append(sparse_matrix(one, entries.promise[chosen], klass[chosen] + step, shape))
        wide = (shape[0], shape[1] * n_sources)
        shipped.append(sparse_matrix(value[known], row[known], column[known], wide))
    return SourcedWeights(
        demand=demand[0] + demand[1],
        shipped=shipped[0] + shipped[1],
        longer=np.zeros((len(classes), n_sources)),
        n_sources=n_sources,
        scale=np.ones(len(promises)),
        fixed=np.zeros(len(promises)),
    )
