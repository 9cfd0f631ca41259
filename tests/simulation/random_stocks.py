"""Small random networks with a stock, of one to three levels, for comparing two methods on them."""

import numpy as np

import partsplan as pp


def random_network(seed):
    """Network, demand and stock; every third has uncertain rates, every fourth local repair."""
    rng = np.random.default_rng([7, seed])
    locations = _locations(rng, levels=1 + seed % 3)
    repairs, uncertain, lanes = seed % 4 == 1, seed % 3 == 1, seed % 5 == 2
    parts = [
        {
            "part_id": f"P{p}",
            "unit_cost": 10.0,
            "resupply_days": float(rng.uniform(10, 60)),
            "part_group": f"G{p}",
        }
        for p in range(2)
    ]
    sites = [
        {"site_id": f"S{j}", "served_by": row["location_id"], "region": f"R{j % 2}"}
        for j, row in enumerate(locations)
    ]
    tables = {
        "parts": parts,
        "locations": locations,
        "sites": sites,
        "equipment": [{"equipment_id": "M"}],
        "bill_of_materials": [
            {
                "equipment_id": "M",
                "part_id": part["part_id"],
                "failures_per_year": float(rng.uniform(0.5, 3)),
                "stopping_fraction": 0.7,
                "diagnosis_hours": 1.0,
                "repair_hours": 2.0,
            }
            for part in parts
        ],
        "installed_base": [
            {"site_id": site["site_id"], "equipment_id": "M", "machines": int(rng.integers(1, 6))}
            for site in sites
        ],
        "commitments": _commitments(),
    }
    if repairs:
        tables["part_locations"] = [
            {
                "part_id": "P0",
                "location_id": row["location_id"],
                "local_repair_fraction": float(rng.choice([0.3, 1.0])),
                "local_repair_days": float(rng.uniform(2, 15)),
            }
            for row in locations[1:]
        ]
    if lanes and not repairs:
        tables["lanes"] = _lanes(rng, locations, sites)
    if uncertain:
        tables["failures"] = [
            {"part_id": part["part_id"], "failures": 4, "operating_hours": 20_000.0}
            for part in parts
        ]
    network = pp.ServiceNetwork.from_tables(**tables)
    stock = {
        (part, location): int(rng.integers(0, 4))
        for part in network.part_ids
        for location in network.location_ids
    }
    return network, pp.estimate_demand(network), stock


def _locations(rng, levels):
    rows = [{"location_id": "DC", "kind": "central"}]
    above = ["DC"]
    for level in range(1, levels):
        here = [f"L{level}{j}" for j in range(2)]
        rows += [
            {
                "location_id": name,
                "kind": "forward",
                "replenished_from": str(rng.choice(above)),
                "replenishment_days": float(rng.uniform(1, 8)),
            }
            for name in here
        ]
        above = here
    return rows


def _lanes(rng, locations, sites):
    """Every location reaches every site, its own the fastest."""
    return [
        {
            "location_id": location["location_id"],
            "site_id": site["site_id"],
            "hours": 2.0 if site["served_by"] == location["location_id"] else 20.0,
        }
        for location in locations
        for site in sites
    ]


def _commitments():
    windows = {"response-day": 24.0, "response-week": 168.0}
    return [
        {"commitment_id": "uptime", "metric": "uptime", "target": 0.99, "each": "region"},
        {"commitment_id": "fill", "metric": "fill_rate", "target": 0.9, "each": "location"},
        {"commitment_id": "wait", "metric": "mean_wait", "target": 24.0, "each": "part_group"},
        *(
            {"commitment_id": name, "metric": "response", "target": 0.9, "within_hours": hours}
            for name, hours in windows.items()
        ),
    ]
