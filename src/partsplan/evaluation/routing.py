"""Who can ship to whom: for every demand stream its own route and those from the ancestors.

A location that holds nothing lets the nearest ancestor with stock and a lane serve its customers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.demand import DemandStreams
from partsplan.evaluation.weights import Route
from partsplan.network import Forest, ServiceNetwork

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RoutedStreams:
    """Demand streams of one forest with the ways they can be served."""

    routes: tuple[Route, ...]
    route: Integers
    """Shape (n_streams, n_choices): own route first, then the ancestors' by distance; -1 = none."""
    hours: Floats
    """Shape (n_streams, n_choices): lane hours of each choice."""

    def choices(self, streams: DemandStreams, stock: Integers) -> Integers:
        """Choice that serves every stream at a stock; 0 is its own route."""
        shipper = np.array([route.shipper for route in self.routes] or [0])
        chosen = np.zeros(len(streams), dtype=np.int64)
        for choice in range(self.route.shape[1] - 1, 0, -1):
            route = self.route[:, choice]
            ships = (route >= 0) & (stock[streams.part, shipper[route]] > 0)
            chosen[ships] = choice
        chosen[stock[streams.part, streams.location] > 0] = 0
        return chosen

    def shippers(self, streams: DemandStreams, stock: Integers) -> tuple[Integers, Floats]:
        """Location that ships to every stream at a stock, and its lane hours."""
        chosen = self.choices(streams, stock)
        every = np.arange(len(chosen))
        shipper = np.array([route.shipper for route in self.routes] or [0])
        return shipper[self.route[every, chosen]], self.hours[every, chosen]


def routed_streams(
    network: ServiceNetwork, streams: DemandStreams, forest: Forest
) -> RoutedStreams:
    """Own route of every stream, and one for each ancestor with a lane to its site."""
    location, site = streams.location, streams.site
    hours = [_lane_hours(network, location, site, missing=0.0)]
    ancestors = []
    ancestor = forest.parents[location]
    while network.has_lanes and (ancestor >= 0).any():
        ancestors.append(ancestor)
        hours.append(_lane_hours(network, ancestor, site, missing=np.nan))
        ancestor = np.where(ancestor >= 0, forest.parents[ancestor], -1)
    hours_by_choice = np.stack(hours, axis=1)
    has_lane = ~np.isnan(hours_by_choice[:, 1:])
    key = location * 2 ** len(ancestors) + (has_lane @ (2 ** np.arange(len(ancestors)))).astype(
        np.int64
    )
    _, first, kind = np.unique(key, return_index=True, return_inverse=True)
    routes: list[Route] = []
    route_of_kind = np.full((len(first), 1 + len(ancestors)), -1, dtype=np.int64)
    for k, example in enumerate(first):
        here = int(location[example])
        shippers = [
            int(a[example]) if has_lane[example, d] else -1 for d, a in enumerate(ancestors)
        ]
        route_of_kind[k, 0] = len(routes)
        routes.append(Route(here, here, tuple(a for a in shippers if a >= 0)))
        for d, shipper in enumerate(shippers):
            if shipper >= 0:
                route_of_kind[k, d + 1] = len(routes)
                routes.append(Route(here, shipper, tuple(a for a in shippers[:d] if a >= 0)))
    route = route_of_kind[kind]
    return RoutedStreams(tuple(routes), route, hours_by_choice)


def _lane_hours(
    network: ServiceNetwork, location: Integers, site: Integers, missing: float
) -> Floats:
    known = (location >= 0) & (site >= 0)
    hours = np.full(len(location), missing)
    hours[known] = network.lane_hours(location[known], site[known])
    return hours
