"""Customers and promises where shortages are expedited: who is asked in turn, and what it takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.commitments import DAYS_PER_YEAR, HOURS_PER_DAY
from partsplan.evaluation.model import ServiceModel
from partsplan.evaluation.source_orders import source_orders
from partsplan.simulation.customers import CustomerClasses, clustering_of, customer_stops
from partsplan.simulation.promised import PromiseEntries, SparseMatrix, sparse_matrix

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SourcedCustomers:
    """Classes of customers that ask the same sources in turn, and every stream's hours."""

    classes: CustomerClasses
    sources: Integers
    """Shape (n_classes, most_sources): locations asked in turn; -1 beyond the end, and throughout
    where no lane reaches the customers."""
    hours: Floats
    """Shape (n_streams, most_sources + 1): hours from each source, from outside last."""


def sourced_customers(model: ServiceModel) -> SourcedCustomers:
    """Classes of customers by (part, order of sources)."""
    streams = model.streams
    orders = source_orders(model.network, streams)
    node = orders.node[orders.customer]
    last = node.max(axis=1, initial=-1) + 1  # 0 where no lane reaches the customer
    unreached = np.where(last == 0, streams.location, 0)
    key = streams.part * (orders.tree.n_nodes + 1) + last
    key = key * model.network.n_locations + unreached
    kinds, example, of_stream = np.unique(key, return_index=True, return_inverse=True)
    of_stream = of_stream.reshape(-1)
    per_year = np.bincount(of_stream, streams.per_year, minlength=len(kinds))
    part, location = streams.part[example], streams.location[example]
    outside = model.network.parts["emergency_hours"][streams.part]
    lanes = orders.hours[orders.customer]
    classes = CustomerClasses(
        part=part,
        location=location,
        shipper=location,
        per_day=per_year / DAYS_PER_YEAR,
        variance_to_mean=clustering_of(model, part, location),
        of_stream=of_stream.astype(np.int64),
        lane_hours=orders.first_hours[orders.customer],
    )
    sources = np.where(node[example] >= 0, orders.tree.location[node[example]], -1)
    return SourcedCustomers(classes, sources, np.column_stack([lanes, outside]))


@dataclass(frozen=True, eq=False)
class SourcedWeights:
    """Weight of one demand per promise and class, and of one shipped by each source."""

    demand: SparseMatrix
    """Shape (n_promises, n_classes)."""
    shipped: SparseMatrix
    """Shape (n_promises, n_classes * n_sources): the outside supply is the last source."""
    longer: Floats
    """Shape (n_classes, n_sources): hours beyond those of the serving location [hours]."""
    n_sources: int
    scale: Floats
    """Shape (n_promises,): use if every demand were bad (per day, of waits)."""
    fixed: Floats
    """Shape (n_promises,): nothing; all use is counted."""

    def amounts(self, shipped: Floats) -> tuple[Floats, Floats]:
        """What was weighed and what of it was bad, of shape (n_promises, n_columns).

        ``shipped`` are units of shape (n_classes, n_sources, n_columns), the outside last.
        """
        flat = shipped.reshape(-1, shipped.shape[2])
        return np.asarray(self.demand @ shipped.sum(axis=1)), np.asarray(self.shipped @ flat)

    def of_classes(self, classes: Integers) -> SourcedWeights:
        """The same for some classes, given in ascending order."""
        columns = classes[:, np.newaxis] * self.n_sources + np.arange(self.n_sources)
        return SourcedWeights(
            self.demand[:, classes],
            self.shipped[:, columns.ravel()],
            self.longer[classes],
            self.n_sources,
            self.scale,
            self.fixed,
        )


def sourced_stops(model: ServiceModel, stock: Integers) -> SourcedCustomers:
    """Every demand stream as two classes, as in `customer_stops`, with its sources."""
    classes = customer_stops(model, stock)
    orders = source_orders(model.network, model.streams)
    node = orders.node[orders.customer]
    outside = model.network.parts["emergency_hours"][model.streams.part]
    hours = np.column_stack([orders.hours[orders.customer], outside])
    sources = np.full((len(classes), node.shape[1]), -1, dtype=np.int64)
    by_stream = np.where(node >= 0, orders.tree.location[node], -1)
    for step in (0, 1):
        sources[classes.of_stream + step] = by_stream
    first_hours = orders.first_hours[orders.customer]
    served = replace(classes, shipper=classes.location, lane_hours=first_hours)
    return SourcedCustomers(served, sources, hours)


def sourced_weights(model: ServiceModel, customers: SourcedCustomers) -> SourcedWeights:
    """Weights of all promises of a model."""
    promises, classes = model.promises, customers.classes
    entries = PromiseEntries.of(promises)
    klass, stream = classes.of_stream[entries.stream], entries.stream
    rate = classes.per_day[klass]
    each = np.divide(entries.weight, rate, out=np.zeros(len(rate)), where=rate > 0)
    hours = customers.hours[stream]
    n_sources = hours.shape[1]
    column = klass[:, np.newaxis] * n_sources + np.arange(n_sources)
    value = values_by_source(model, entries, hours) * each[:, np.newaxis]
    row = np.broadcast_to(entries.promise[:, np.newaxis], value.shape)
    known = ~np.isnan(hours)
    in_days = np.array([HOURS_PER_DAY if p.metric == "mean_wait" else 1.0 for p in promises])
    weight = np.bincount(entries.promise, entries.weight, minlength=len(promises))
    return SourcedWeights(
        demand=sparse_matrix(each, entries.promise, klass, (len(promises), len(classes))),
        shipped=sparse_matrix(
            value[known], row[known], column[known], (len(promises), len(classes) * n_sources)
        ),
        longer=_longer(model, customers),
        n_sources=n_sources,
        scale=weight * in_days,
        fixed=np.zeros(len(promises)),
    )


def values_by_source(model: ServiceModel, entries: PromiseEntries, hours: Floats) -> Floats:
    """What a shipment from each source is worth to a promise: days, or 1 where it fails."""
    streams, metric = model.streams, entries.metric[:, np.newaxis]
    hands = (streams.diagnosis_hours + streams.repair_hours)[entries.stream][:, np.newaxis]
    first = np.arange(hours.shape[1]) == 0
    return np.select(
        [metric == "mean_wait", metric == "uptime", metric == "response"],
        [
            np.maximum(hours - np.nan_to_num(hours[:, :1]), 0.0) / HOURS_PER_DAY,
            (hours + hands) / HOURS_PER_DAY,
            (hours > entries.within[:, np.newaxis]).astype(np.float64),
        ],
        np.where(first, 0.0, 1.0),
    )


def _longer(model: ServiceModel, customers: SourcedCustomers) -> Floats:
    """Mean hours that a shipment from each source takes longer than the first's, per class."""
    classes, per_year = customers.classes, model.streams.per_year
    first = np.nan_to_num(customers.hours[:, :1])
    longer = np.nan_to_num(np.maximum(customers.hours - first, 0.0))
    total = np.stack(
        [
            np.bincount(classes.of_stream, per_year * column, minlength=len(classes))
            for column in longer.T
        ],
        axis=1,
    )
    rate = classes.per_day[:, np.newaxis] * DAYS_PER_YEAR
    return np.divide(total, rate, out=np.zeros_like(total), where=rate > 0)
