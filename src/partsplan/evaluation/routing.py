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
    kind: NDArray[np.int32]
    """Shape (n_streams,): row of ``route_of_kind``."""
    route_of_kind: Integers
    """Shape (n_kinds, n_choices): own route first, then the ancestors' by distance; -1 = none."""
    hours: Floats
    """Shape (n_streams, n_choices): lane hours of each choice."""

    @property
    def n_choices(self) -> int:
        """Most ways to serve one stream."""
        return int(self.route_of_kind.shape[1])

    def route(self, streams: Integers | slice, choice: int) -> Integers:
        """Route of some streams by one choice; -1 where they have none."""
        return np.asarray(self.route_of_kind[self.kind[streams], choice])

    def choices(self, streams: DemandStreams, stock: Integers) -> Integers:
        """Choice that serves every stream at a stock; 0 is its own route."""
        shipper = np.array([route.shipper for route in self.routes] or [0])
        chosen = np.zeros(len(streams), dtype=np.int64)
        for choice in range(self.n_choices - 1, 0, -1):
            route = self.route(slice(None), choice)
            ships = (route >= 0) & (stock[streams.part, shipper[route]] > 0)
            chosen[ships] = choice
        chosen[stock[streams.part, streams.location] > 0] = 0
        return chosen

    def shippers(self, streams: DemandStreams, stock: Integers) -> tuple[Integers, Floats]:
        """Location that ships to every stream at a stock, and its lane hours."""
        chosen = self.choices(streams, stock)
        every = np.arange(len(chosen))
        shipper = np.array([route.shipper for route in self.routes] or [0])
        route = self.route_of_kind[self.kind, chosen]
        return shipper[route], self.hours[every, chosen]


def routed_streams(
    network: ServiceNetwork, streams: DemandStreams, forest: Forest
) -> RoutedStreams:
    """Own route of every stream, and one for each ancestor with a lane to its site."""
    location, site = streams.location, streams.site
    if not network.has_lanes:
        return _own_routes(location, network.n_locations)
    hours = [_lane_hours(network, location, site, missing=0.0)]
    ancestors = []
    ancestor = forest.parents[location]
    while (ancestor >= 0).any():
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
    return RoutedStreams(tuple(routes), kind.astype(np.int32), route_of_kind, hours_by_choice)


def _own_routes(location: Integers, n_locations: int) -> RoutedStreams:
    """Every stream on the own route of its location, without any lane hours."""
    serves = np.bincount(location, minlength=n_locations) > 0
    routes = tuple(Route(here, here, ()) for here in np.flatnonzero(serves).tolist())
    kind = (np.cumsum(serves, dtype=np.int32) - 1)[location]
    every_kind = np.arange(len(routes), dtype=np.int64)[:, np.newaxis]
    hours = np.broadcast_to(np.float64(0.0), (len(location), 1))
    return RoutedStreams(routes, kind, every_kind, hours)


def _lane_hours(
    network: ServiceNetwork, location: Integers, site: Integers, missing: float
) -> Floats:
    known = (location >= 0) & (site >= 0)
    hours = np.full(len(location), missing)
    hours[known] = network.lane_hours(location[known], site[known])
    return hours
