"""What promises weigh of the service figures of a block: one function per metric.

Every metric becomes terms (part, slot, promise, weight) on each route its demand can take, beside
the fixed use of that route.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from partsplan.demand import DemandStreams
from partsplan.evaluation.commitments import HOURS_PER_DAY, Promise
from partsplan.evaluation.entry_table import Entries
from partsplan.evaluation.routing import RoutedStreams
from partsplan.evaluation.weights import ServiceWeights, Terms

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def service_weights(
    routed: RoutedStreams,
    entries: Entries,
    promises: Sequence[Promise],
    streams: DemandStreams,
    shape: tuple[int, int],
) -> ServiceWeights:
    """Weights of a block; ``shape`` is its number of parts and of locations."""
    metric = np.array([promise.metric for promise in promises], dtype=object)

    def about(name: str) -> Entries:
        return entries.of((metric == name)[entries.promise])

    n_parts, n_locations = shape
    on_routes = (n_parts, len(routed.routes), len(promises))
    waits = [_mean_wait_terms(routed, about("mean_wait"))]
    up_waits, up_fixed = _uptime_terms(streams, routed, about("uptime"))
    slots, lates, late_fixed = _response_terms(promises, routed, about("response"))
    filled = about("fill_rate")
    stockout = (filled.part, streams.location[filled.stream], filled.promise, filled.weight)
    windows = tuple(dict.fromkeys((w[1], w[2]) for w in slots))
    position = {window: w for w, window in enumerate(windows)}
    return ServiceWeights(
        routes=routed.routes,
        windows=windows,
        late_route=np.array([s[0] for s in slots], dtype=np.int64),
        late_window=np.array([position[s[1], s[2]] for s in slots], dtype=np.int64),
        wait=Terms.summed(on_routes, _joined([*waits, *up_waits])),
        stockout=Terms.summed((n_parts, n_locations, len(promises)), stockout),
        late=Terms.summed((n_parts, len(slots), len(promises)), lates),
        fixed=Terms.summed(on_routes, _joined([*up_fixed, *late_fixed])),
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


def _on_route(routed: RoutedStreams, entries: Entries, choice: int) -> tuple[Entries, Integers]:
    """Entries whose stream has the choice, and its route."""
    route = routed.route(entries.stream, choice)
    return entries.of(route >= 0), route[route >= 0]


def _mean_wait_terms(routed: RoutedStreams, entries: Entries) -> _Quad:
    terms = []
    for choice in range(routed.n_choices):
        chosen, route = _on_route(routed, entries, choice)
        terms.append((chosen.part, route, chosen.promise, chosen.weight * HOURS_PER_DAY))
    return _joined(terms)


def _uptime_terms(
    streams: DemandStreams, routed: RoutedStreams, entries: Entries
) -> tuple[list[_Quad], list[_Quad]]:
    """Stops per machine times days down: waiting, and diagnosis, lane and repair as fixed use."""
    waits: list[_Quad] = []
    fixed: list[_Quad] = []
    for choice in range(routed.n_choices):
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
    promises: Sequence[Promise], routed: RoutedStreams, entries: Entries
) -> tuple[list[tuple[int, int, float]], _Quad, list[_Quad]]:
    """Late slots (route, shipper, days), their weights, and demand that is always late."""
    within = np.array([promise.within_hours for promise in promises])
    lates: list[tuple[Entries, Integers, Floats]] = []
    fixed: list[_Quad] = []
    for choice in range(routed.n_choices):
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
