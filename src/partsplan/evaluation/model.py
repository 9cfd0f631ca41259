"""The service model: network, demand and promises, compiled into blocks of arrays.

Evaluation and optimization see the same blocks: parts that share a replenishment forest, sorted
by the units they have under way so that a block's laws have about the same length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from partsplan.demand import DemandRates, DemandStreams
from partsplan.evaluation.commitments import (
    DAYS_PER_YEAR,
    HOURS_PER_DAY,
    Promise,
    promises_of,
    streams_of,
)
from partsplan.evaluation.supply import SupplyTree
from partsplan.evaluation.weights import Route, ServiceWeights, Terms
from partsplan.network import Forest, ServiceNetwork

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_PIPELINE_SPREAD = 2.0
"""Largest ratio of the pipelines (plus 1 unit) of parts in one block."""


@dataclass(frozen=True, eq=False)
class PartBlock:
    """Parts worked together: their positions, supply tree and service weights."""

    parts: Integers
    tree: SupplyTree
    weights: ServiceWeights

    def of_parts(self, rows: Integers) -> PartBlock:
        """The same for some parts of the block, by their place in it."""
        return PartBlock(self.parts[rows], self.tree.of_parts(rows), self.weights.of_parts(rows))


@dataclass(frozen=True, eq=False)
class _RoutedStreams:
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


class ServiceModel:
    """Everything that evaluation and optimization need to know, in arrays.

    Parameters
    ----------
    network
        The network, with its commitments.
    demand
        Demand aligned to the network.
    promises
        What is measured; the network's commitments by default.
    """

    def __init__(
        self,
        network: ServiceNetwork,
        demand: DemandRates,
        promises: tuple[Promise, ...] | None = None,
    ) -> None:
        self.network = network
        self.demand = demand
        self.streams: DemandStreams = streams_of(demand)
        self.promises = promises_of(network, demand) if promises is None else promises

    @property
    def n_promises(self) -> int:
        """Number of promises, ``each`` expanded."""
        return len(self.promises)

    @cached_property
    def pipeline_at_root(self) -> Floats:
        """Mean units under way per part over all roots [units]; sorts parts into blocks."""
        total = np.zeros(self.network.n_parts)
        for forest in self.network.forests:
            for parts in np.array_split(forest.parts, max(1, len(forest.parts) // 2000)):
                tree = self.tree(forest, parts)
                roots = forest.parents < 0
                total[parts] = tree.pipeline()[:, roots].sum(axis=1)
        return total

    def tree(self, forest: Forest, parts: Integers) -> SupplyTree:
        """Supply tree of some parts of a forest."""
        return SupplyTree(
            parents=forest.parents,
            own_rate=self.demand.block(parts) / DAYS_PER_YEAR,
            transit_days=self.network.transit_days(parts),
            repair_fraction=self.network.local_repair_fractions(parts),
            repair_days=self.network.local_repair_days(parts),
            rate_shape=self.demand.rate_shape[parts],
            variance_to_mean=self.demand.variance_to_mean_block(parts),
        )

    def blocks(self, size: int) -> Iterator[PartBlock]:
        """Blocks of at most ``size`` parts, together all parts once, in a fixed order."""
        for forest, routed in zip(self.network.forests, self._routed, strict=True):
            kind = self._kind_of_rate[forest.parts]
            pipeline = self.pipeline_at_root[forest.parts]
            order = np.lexsort((pipeline, kind))
            for piece in _cut(pipeline[order], kind[order], size):
                chosen = forest.parts[order[piece]]
                yield PartBlock(chosen, self.tree(forest, chosen), self._weights(routed, chosen))

    def shippers(self, stock: Integers) -> tuple[Integers, Floats]:
        """Location that ships to every demand stream at a stock, and its lane hours.

        ``stock`` has the shape (n_parts, n_locations).
        """
        shipper = self.streams.location.copy()
        hours = np.zeros(len(shipper))
        for forest, routed in zip(self.network.forests, self._routed, strict=True):
            inside = np.isin(self.streams.part, forest.parts)
            places, lanes = routed.shippers(self.streams, stock)
            shipper[inside], hours[inside] = places[inside], lanes[inside]
        return shipper, hours

    @cached_property
    def _kind_of_rate(self) -> Integers:
        """Per part: 1 where the rate is uncertain, and 2 more where demand is clustered."""
        kind = np.isfinite(self.demand.rate_shape).astype(np.int64)
        if self.demand.clustering is not None:
            kind += 2 * (np.diff(self.demand.clustering.tocsr().indptr) > 0)
        return kind

    @cached_property
    def _routed(self) -> tuple[_RoutedStreams, ...]:
        return tuple(
            _routed_streams(self.network, self.streams, forest) for forest in self.network.forests
        )

    @cached_property
    def _entries(self) -> tuple[Integers, Integers, Floats, Integers]:
        """(stream, promise, weight) of every promise, by part, and where each part starts."""
        stream = np.concatenate([p.streams for p in self.promises] or [np.zeros(0, np.int64)])
        promise = np.repeat(np.arange(self.n_promises), [len(p.streams) for p in self.promises])
        weight = np.concatenate([p.weights for p in self.promises] or [np.zeros(0)])
        order = np.argsort(self.streams.part[stream], kind="stable")
        stream, promise, weight = stream[order], promise[order], weight[order]
        starts = np.searchsorted(self.streams.part[stream], np.arange(self.network.n_parts + 1))
        return stream, promise.astype(np.int64), weight, starts.astype(np.int64)

    def _weights(self, routed: _RoutedStreams, parts: Integers) -> ServiceWeights:
        all_streams, all_promises, all_weights, starts = self._entries
        counts = starts[parts + 1] - starts[parts]
        picked = np.repeat(starts[parts] - np.cumsum(counts) + counts, counts) + np.arange(
            counts.sum()
        )
        entries = _Entries(
            part=np.repeat(np.arange(len(parts)), counts),
            stream=all_streams[picked],
            promise=all_promises[picked],
            weight=all_weights[picked],
        )
        return _service_weights(self, routed, entries, len(parts))


def _cut(pipeline: Floats, kind: Integers, size: int) -> Iterator[slice]:
    """Slices of sorted parts: at most ``size``, alike in pipeline and of one kind."""
    start = 0
    for end in range(1, len(pipeline) + 1):
        if (
            end == len(pipeline)
            or end - start == size
            or kind[end] != kind[start]
            or pipeline[end] > _PIPELINE_SPREAD * (pipeline[start] + 1.0)
        ):
            yield slice(start, end)
            start = end


@dataclass(frozen=True, eq=False)
class _Entries:
    """What promises weigh of the streams of a block of parts."""

    part: Integers
    stream: Integers
    promise: Integers
    weight: Floats

    def of(self, chosen: NDArray[np.bool_]) -> _Entries:
        """The chosen entries."""
        return _Entries(
            self.part[chosen], self.stream[chosen], self.promise[chosen], self.weight[chosen]
        )


def _routed_streams(
    network: ServiceNetwork, streams: DemandStreams, forest: Forest
) -> _RoutedStreams:
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
    return _RoutedStreams(tuple(routes), route, hours_by_choice)


def _lane_hours(
    network: ServiceNetwork, location: Integers, site: Integers, missing: float
) -> Floats:
    known = (location >= 0) & (site >= 0)
    hours = np.full(len(location), missing)
    hours[known] = network.lane_hours(location[known], site[known])
    return hours


def _service_weights(
    model: ServiceModel, routed: _RoutedStreams, entries: _Entries, n_parts: int
) -> ServiceWeights:
    metric = np.array([promise.metric for promise in model.promises], dtype=object)
    kind = metric[entries.promise] if len(metric) else np.zeros(0, dtype=object)
    shape = (n_parts, len(routed.routes), model.n_promises)
    waits = [_mean_wait_terms(routed, entries.of(kind == "mean_wait"))]
    up_waits, up_fixed = _uptime_terms(model.streams, routed, entries.of(kind == "uptime"))
    slots, lates, late_fixed = _response_terms(model, routed, entries.of(kind == "response"))
    filled = entries.of(kind == "fill_rate")
    stockout = (filled.part, model.streams.location[filled.stream], filled.promise, filled.weight)
    windows = tuple(dict.fromkeys((w[1], w[2]) for w in slots))
    position = {window: w for w, window in enumerate(windows)}
    return ServiceWeights(
        routes=routed.routes,
        windows=windows,
        late_route=np.array([s[0] for s in slots], dtype=np.int64),
        late_window=np.array([position[s[1], s[2]] for s in slots], dtype=np.int64),
        wait=Terms.summed(shape, _joined([*waits, *up_waits])),
        stockout=Terms.summed((n_parts, model.network.n_locations, model.n_promises), stockout),
        late=Terms.summed((n_parts, len(slots), model.n_promises), lates),
        fixed=Terms.summed(shape, _joined([*up_fixed, *late_fixed])),
    )


_Quad = tuple[Integers, Integers, Integers, Floats]


def _joined(parts: list[_Quad]) -> _Quad:
    none = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    part, slot, promise, weight = zip(none, *parts, strict=True)
    return (
        np.concatenate(part),
        np.concatenate(slot),
        np.concatenate(promise),
        np.concatenate(weight),
    )


def _on_route(routed: _RoutedStreams, entries: _Entries, choice: int) -> tuple[_Entries, Integers]:
    """Entries whose stream has the choice, and its route."""
    route = routed.route[entries.stream, choice]
    return entries.of(route >= 0), route[route >= 0]


def _mean_wait_terms(routed: _RoutedStreams, entries: _Entries) -> _Quad:
    terms = []
    for choice in range(routed.route.shape[1]):
        chosen, route = _on_route(routed, entries, choice)
        terms.append((chosen.part, route, chosen.promise, chosen.weight * HOURS_PER_DAY))
    return _joined(terms)


def _uptime_terms(
    streams: DemandStreams, routed: _RoutedStreams, entries: _Entries
) -> tuple[list[_Quad], list[_Quad]]:
    """Stops per machine times days down: waiting, and diagnosis, lane and repair as fixed use."""
    waits: list[_Quad] = []
    fixed: list[_Quad] = []
    for choice in range(routed.route.shape[1]):
        chosen, route = _on_route(routed, entries, choice)
        own_hours = routed.hours[chosen.stream, 0]
        if choice == 0:
            hours = (
                own_hours
                + streams.diagnosis_hours[chosen.stream]
                + streams.repair_hours[chosen.stream]
            )
        else:
            hours = routed.hours[chosen.stream, choice] - own_hours
        waits.append((chosen.part, route, chosen.promise, chosen.weight))
        fixed.append((chosen.part, route, chosen.promise, chosen.weight * hours / HOURS_PER_DAY))
    return waits, fixed


def _response_terms(
    model: ServiceModel, routed: _RoutedStreams, entries: _Entries
) -> tuple[list[tuple[int, int, float]], _Quad, list[_Quad]]:
    """Late slots (route, shipper, days), their weights, and demand that is always late."""
    within = np.array([promise.within_hours for promise in model.promises])
    lates: list[tuple[_Entries, Integers, Floats]] = []
    fixed: list[_Quad] = []
    for choice in range(routed.route.shape[1]):
        chosen, route = _on_route(routed, entries, choice)
        window = window_days(within[chosen.promise], routed.hours[chosen.stream, choice])
        own_window = window_days(within[chosen.promise], routed.hours[chosen.stream, 0])
        always_late = (window < 0).astype(np.float64)
        if choice > 0:
            always_late -= own_window < 0
        fixed.append((chosen.part, route, chosen.promise, chosen.weight * always_late))
        in_time = window >= 0
        lates.append((chosen.of(in_time), route[in_time], window[in_time]))
    route = np.concatenate([item[1] for item in lates])
    window = np.concatenate([item[2] for item in lates])
    pairs, slot = np.unique(np.stack([route, window], axis=1), axis=0, return_inverse=True)
    slots = [(int(r), routed.routes[int(r)].shipper, float(u)) for r, u in pairs]
    quad = (
        np.concatenate([item[0].part for item in lates]),
        slot.astype(np.int64).reshape(-1),
        np.concatenate([item[0].promise for item in lates]),
        np.concatenate([item[0].weight for item in lates]),
    )
    return slots, quad, fixed


def window_days(within_hours: Floats, lane_hours: Floats) -> Floats:
    """Days a part may take to leave its location; rounded so that equal windows are one."""
    return np.round((within_hours - lane_hours) / HOURS_PER_DAY, 12)
