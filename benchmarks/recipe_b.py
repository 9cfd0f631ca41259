"""Recipe B: a network as awkward as real ones, seeded, by number of parts.

Three levels: 2 centres, 4 regional centres, 12 FSLs (numpy ``default_rng(seed)``). 8 customers with
a site at 1 to 5 FSLs each; every site has lanes of 1 to 4 h from its FSL, 4 to 16 h from the
regional centre and 12 to 30 h from the centre, so what an FSL does not stock is shipped directly.
6 machine types with shares of the parts; demand of a part lognormal, median 2 per year, sigma 1.3;
unit cost lognormal, median 300, sigma 1.4; resupply 30 to 120 days. FSLs repair 10 % themselves.
Half of the parts are known from one failure only: one gamma factor of shape 2 on all their rates.
Promised: uptime 98 % to every customer, 80 % within 4 hours and 90 % within 24 hours in every
region, and a fill rate of 85 % over all.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from partsplan import DemandRates, ServiceNetwork, estimate_demand

N_REGIONALS = 4
N_FSLS = 12
N_CUSTOMERS = 8
N_EQUIPMENT = 6
HOURS_PER_YEAR = 8760.0

Rows = list[dict[str, Any]]


def recipe_b(seed: int, n_parts: int) -> tuple[ServiceNetwork, DemandRates]:
    """Network and demand of recipe B."""
    rng = np.random.default_rng(seed)
    unit_cost = rng.lognormal(np.log(300.0), 1.4, n_parts)
    resupply_days = rng.choice([30.0, 60.0, 90.0, 120.0], n_parts)
    locations = _locations(rng)
    sites, lanes = _sites_and_lanes(rng)
    installed_base = [
        {"site_id": site["site_id"], "equipment_id": f"E{e}", "machines": int(rng.integers(1, 20))}
        for site in sites
        for e in sorted(rng.choice(N_EQUIPMENT, rng.integers(1, 4), replace=False))
    ]
    bill_of_materials, failures = _parts_in_machines(rng, installed_base, n_parts)
    part_ids = [f"P{p:05d}" for p in range(n_parts)]
    network = ServiceNetwork.from_tables(
        parts={"part_id": part_ids, "unit_cost": unit_cost, "resupply_days": resupply_days},
        locations=locations,
        part_locations={
            "part_id": np.repeat(part_ids, N_FSLS),
            "location_id": np.tile([f"FSL{f}" for f in range(N_FSLS)], n_parts),
            "local_repair_fraction": np.full(n_parts * N_FSLS, 0.1),
            "local_repair_days": np.full(n_parts * N_FSLS, 3.0),
        },
        sites=sites,
        lanes=lanes,
        equipment=[{"equipment_id": f"E{e}"} for e in range(N_EQUIPMENT)],
        bill_of_materials=bill_of_materials,
        installed_base=installed_base,
        failures=failures,
        commitments=[
            {"commitment_id": "UPTIME", "metric": "uptime", "target": 0.98, "each": "customer"},
            {"commitment_id": "4H", "metric": "response", "within_hours": 4, "target": 0.80,
             "each": "region"},
            {"commitment_id": "NEXT-DAY", "metric": "response", "within_hours": 24,
             "target": 0.90, "each": "region"},
            {"commitment_id": "FILL", "metric": "fill_rate", "target": 0.85},
        ],
    )  # fmt: skip
    return network, estimate_demand(network)


def _locations(rng: np.random.Generator) -> Rows:
    rows: Rows = [{"location_id": f"DC{c}", "kind": "central"} for c in range(2)]
    for kind, prefix, source, count, days in (
        ("regional", "RDC", "DC", N_REGIONALS, (2.0, 7.0)),
        ("forward", "FSL", "RDC", N_FSLS, (1.0, 5.0)),
    ):
        sources = 2 if source == "DC" else N_REGIONALS
        rows += [
            {
                "location_id": f"{prefix}{k}",
                "kind": kind,
                "replenished_from": f"{source}{k % sources}",
                "replenishment_days": float(rng.uniform(*days)),
            }
            for k in range(count)
        ]
    return rows


def _sites_and_lanes(rng: np.random.Generator) -> tuple[Rows, Rows]:
    sites: Rows = []
    lanes: Rows = []
    for customer in range(N_CUSTOMERS):
        for f in sorted(rng.choice(N_FSLS, rng.integers(1, 6), replace=False).tolist()):
            site_id, regional = f"C{customer}-{f}", f % N_REGIONALS
            sites.append(
                {
                    "site_id": site_id,
                    "served_by": f"FSL{f}",
                    "customer_id": f"C{customer}",
                    "region": f"REGION{regional}",
                }
            )
            for location_id, low, high in (
                (f"FSL{f}", 1.0, 4.0),
                (f"RDC{regional}", 4.0, 16.0),
                (f"DC{regional % 2}", 12.0, 30.0),
            ):
                hours = round(float(rng.uniform(low, high)), 1)
                lanes.append({"location_id": location_id, "site_id": site_id, "hours": hours})
    return sites, lanes


def _parts_in_machines(
    rng: np.random.Generator, installed_base: Rows, n_parts: int
) -> tuple[Rows, Rows]:
    """Bill of materials, and one counted failure for every second part."""
    machines = np.zeros(N_EQUIPMENT)
    for row in installed_base:
        machines[int(row["equipment_id"][1:])] += row["machines"]
    per_year = rng.lognormal(np.log(2.0), 1.3, n_parts)
    bill: Rows = []
    failures: Rows = []
    for p in range(n_parts):
        types = sorted(rng.choice(N_EQUIPMENT, rng.integers(1, 3), replace=False).tolist())
        rate = float(per_year[p] / max(machines[types].sum(), 1.0))
        bill += [
            {
                "equipment_id": f"E{e}",
                "part_id": f"P{p:05d}",
                "failures_per_year": rate,
                "stopping_fraction": 0.8,
                "repair_hours": 1.0,
            }
            for e in types
        ]
        if p % 2 == 1:
            hours = HOURS_PER_YEAR / rate
            failures.append({"part_id": f"P{p:05d}", "failures": 1, "operating_hours": hours})
    return bill, failures
