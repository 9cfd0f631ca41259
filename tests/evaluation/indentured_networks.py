"""Small networks with parts within parts."""

from __future__ import annotations

from typing import Any

import partsplan as pp

COMMITMENTS: list[dict[str, Any]] = [
    {"commitment_id": "wait", "metric": "mean_wait", "target": 24.0},
    {"commitment_id": "fill", "metric": "fill_rate", "target": 0.7},
    {"commitment_id": "day", "metric": "response", "target": 0.8, "within_hours": 24.0},
    {"commitment_id": "days", "metric": "response", "target": 0.9, "within_hours": 84.0},
]


def one_site(
    lru: tuple[float, float], shares: list[float], sru_days: list[float], **options: Any
) -> pp.ServiceNetwork:
    """One location that repairs an LRU of ``lru`` = (failures per day, repair days)."""
    rate, days = lru
    names = [f"S{j}" for j in range(len(shares))]
    parts = [{"part_id": "LRU", "unit_cost": 10, "resupply_days": days}]
    parts += [
        {"part_id": name, "unit_cost": 1, "resupply_days": time}
        for name, time in zip(names, sru_days, strict=True)
    ]
    bill = [{"equipment_id": "M", "part_id": "LRU", "failures_per_year": 365.0 * rate}]
    bill += [inside(name, "LRU", share) for name, share in zip(names, shares, strict=True)]
    tables = {
        "parts": parts,
        "locations": [{"location_id": "BASE", "kind": "central"}],
        "sites": [{"site_id": "A", "served_by": "BASE"}],
        "equipment": [{"equipment_id": "M"}],
        "bill_of_materials": bill,
        "installed_base": [{"site_id": "A", "equipment_id": "M", "machines": 1}],
        "commitments": [{"commitment_id": "wait", "metric": "mean_wait", "target": 10.0}],
    }
    return pp.ServiceNetwork.from_tables(**(tables | options))


def inside(part: str, parent: str, share: float) -> dict[str, Any]:
    """A row of the bill of materials."""
    return {
        "equipment_id": "M",
        "part_id": part,
        "parent_part_id": parent,
        "cause_fraction": share,
    }


def two_echelons(local_repair: float, **options: Any) -> pp.ServiceNetwork:
    """A depot and two bases, an LRU with two SRUs; bases repair a share of what fails there."""
    bases = ["B1", "B2"]
    tables: dict[str, Any] = {
        "parts": [
            {"part_id": "LRU", "unit_cost": 100, "resupply_days": 4.0},
            {"part_id": "S0", "unit_cost": 10, "resupply_days": 12.0},
            {"part_id": "S1", "unit_cost": 20, "resupply_days": 8.0},
        ],
        "locations": [{"location_id": "DEPOT", "kind": "central"}]
        + [
            {
                "location_id": base,
                "kind": "forward",
                "replenished_from": "DEPOT",
                "replenishment_days": 2.0,
            }
            for base in bases
        ],
        "part_locations": [
            {
                "part_id": "LRU",
                "location_id": base,
                "local_repair_fraction": local_repair,
                "local_repair_days": 3.0,
            }
            for base in bases
        ],
        "sites": [{"site_id": base, "served_by": base} for base in bases],
        "equipment": [{"equipment_id": "M"}],
        "bill_of_materials": [
            {"equipment_id": "M", "part_id": "LRU", "failures_per_year": 73.0},
            inside("S0", "LRU", 0.6),
            inside("S1", "LRU", 0.3),
        ],
        "installed_base": [
            {"site_id": base, "equipment_id": "M", "machines": n}
            for base, n in zip(bases, (1, 2), strict=True)
        ],
        "commitments": COMMITMENTS,
    }
    return pp.ServiceNetwork.from_tables(**(tables | options))
