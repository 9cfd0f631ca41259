"""Networks with expedited shortages, made of a reference case: one site per location and order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import partsplan as pp


def pooled_network(
    days: Sequence[float],
    orders: Sequence[Sequence[int]],
    *,
    parents: Sequence[int] | None = None,
    emergency: dict[str, Any] | None = None,
    **tables: Any,
) -> pp.ServiceNetwork:
    """Locations L0, L1, ... with resupply (or replenishment) days, and site S{k} of order k.

    Lanes of the k-th source take k hours and cost 10 k; the outside supply takes 48 hours and
    costs 1000.
    """
    parents = parents or [-1] * len(days)
    locations, own = [], []
    for j, (time, parent) in enumerate(zip(days, parents, strict=True)):
        row: dict[str, Any] = {"location_id": f"L{j}", "kind": "forward"}
        if parent >= 0:
            row |= {"replenished_from": f"L{parent}", "replenishment_days": time}
        else:
            own.append({"part_id": "P", "location_id": f"L{j}", "resupply_days": time})
        locations.append(row)
    outside = {"emergency_hours": 48.0, "emergency_cost": 1000.0} | (emergency or {})
    given: dict[str, Any] = {
        "parts": [{"part_id": "P", "unit_cost": 100.0, "resupply_days": 1.0} | outside],
        "locations": locations,
        "part_locations": own,
        "sites": [
            {"site_id": f"S{k}", "served_by": f"L{order[0]}"} for k, order in enumerate(orders)
        ],
        "lanes": [
            {"location_id": f"L{j}", "site_id": f"S{k}", "hours": float(step), "cost": 10.0 * step}
            for k, order in enumerate(orders)
            for step, j in enumerate(order)
        ],
    }
    return pp.ServiceNetwork.from_tables(**(given | tables), shortages="expedite")


def pooled_demand(
    network: pp.ServiceNetwork, per_day: Sequence[float], **more: Any
) -> pp.DemandRates:
    """Demand of the sites."""
    rows = [
        {"part_id": "P", "site_id": f"S{k}", "per_year": 365.0 * rate} | more
        for k, rate in enumerate(per_day)
    ]
    return pp.DemandRates.from_table(rows).aligned(network)


def shares(performance: Any) -> list[dict[str, float]]:
    """Share of every site's demand by source."""
    found: dict[str, dict[str, float]] = {}
    for row in performance.sources("site"):
        found.setdefault(row["site"], {})[row["source"]] = row["share"]
    return list(found.values())
