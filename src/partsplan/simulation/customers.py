"""Who asks for which part, and who ships it: the classes of customers that a simulation draws.

Customers of one location that the same location ships to are one class. A location that holds
none of a part leaves its customers to the nearest ancestor that does and has a lane to them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.commitments import DAYS_PER_YEAR
from partsplan.evaluation.model import ServiceModel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CustomerClasses:
    """Customers by (part, serving location, shipping location), sorted in this order."""

    part: Integers
    """Shape (n_classes,): position of the part."""
    location: Integers
    """Location that serves them, in the words of the commitments."""
    shipper: Integers
    """Location whose stock they draw on."""
    per_day: Floats
    """Mean demand, where the rate's factor is 1 [units/day]."""
    variance_to_mean: Floats
    """Clustering of the demand; 1 = Poisson."""
    of_stream: Integers
    """Shape (n_streams,): class of every demand stream of the model."""
    lane_hours: Floats
    """Shape (n_streams,): lane from the shipping location to the stream's site [hours]."""

    def __len__(self) -> int:
        return len(self.part)

    def starts(self, n_parts: int) -> Integers:
        """Shape (n_parts + 1,): where the classes of each part start."""
        return np.searchsorted(self.part, np.arange(n_parts + 1)).astype(np.int64)


def customer_classes(model: ServiceModel, stock: Integers) -> CustomerClasses:
    """Classes of customers at a stock of shape (n_parts, n_locations)."""
    streams, n_locations = model.streams, model.network.n_locations
    shipper, hours = model.shippers(stock)
    key = (streams.part * n_locations + streams.location) * n_locations + shipper
    places, of_stream = np.unique(key, return_inverse=True)
    part_location, ships = np.divmod(places, n_locations)
    part, location = np.divmod(part_location, n_locations)
    per_year = np.bincount(of_stream, streams.per_year, minlength=len(places))
    return CustomerClasses(
        part=part,
        location=location,
        shipper=ships,
        per_day=per_year / DAYS_PER_YEAR,
        variance_to_mean=clustering_of(model, part, location),
        of_stream=of_stream.astype(np.int64).reshape(-1),
        lane_hours=hours,
    )


def customers_by_stream(model: ServiceModel, stock: Integers) -> CustomerClasses:
    """Every demand stream as a class of its own, whatever the stock: so demands stay the same."""
    streams = model.streams
    shipper, hours = model.shippers(stock)
    order = np.argsort(streams.part, kind="stable")
    rank = np.empty(len(streams), dtype=np.int64)
    rank[order] = np.arange(len(streams))
    part, location = streams.part[order], streams.location[order]
    return CustomerClasses(
        part=part,
        location=location,
        shipper=shipper[order],
        per_day=streams.per_year[order] / DAYS_PER_YEAR,
        variance_to_mean=clustering_of(model, part, location),
        of_stream=rank,
        lane_hours=hours,
    )


def customer_stops(model: ServiceModel, stock: Integers) -> CustomerClasses:
    """Every demand stream as two classes: demands that stop the machine, and the others.

    For what a customer measures on the failures that happened. ``of_stream`` gives the class
    that stops; the other one follows it. Parts that no promise speaks of have no demand.
    """
    single = customers_by_stream(model, stock)
    promised = [model.streams.part[promise.streams] for promise in model.promises]
    asked = np.isin(single.part, np.concatenate([np.zeros(0, np.int64), *promised]))
    per_day = np.where(asked, single.per_day, 0.0)
    stops = np.empty(len(single))
    stops[single.of_stream] = model.streams.stopping_fraction
    return CustomerClasses(
        part=single.part.repeat(2),
        location=single.location.repeat(2),
        shipper=single.shipper.repeat(2),
        per_day=np.stack([per_day * stops, per_day * (1.0 - stops)], axis=1).ravel(),
        variance_to_mean=single.variance_to_mean.repeat(2),
        of_stream=2 * single.of_stream,
        lane_hours=single.lane_hours,
    )


def clustering_of(model: ServiceModel, part: Integers, location: Integers) -> Floats:
    """Variance-to-mean ratio of the demand of pairs of a part and a serving location."""
    if model.demand.clustering is None:
        return np.ones(len(part))
    asked, row = np.unique(part, return_inverse=True)
    ratios: Floats = model.demand.variance_to_mean_block(asked)[row, location]
    return ratios
