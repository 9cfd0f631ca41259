"""Random small networks with everything that makes service awkward, as plain tables.

Two centres, three levels, sites at centres and forward locations, lanes from some ancestors, parts
with a source of their own, sourcing, local repair, machines without parts, failures that stop
nothing.
"""

import itertools

import numpy as np

METRICS = ("uptime", "response", "fill_rate", "mean_wait")
TARGETS = {"uptime": 0.99, "response": 0.9, "fill_rate": 0.9, "mean_wait": 24.0}
EACH = (None, "customer", "region", "site", "equipment", "location", "part_group")

LOCATIONS = [
    {"location_id": "HUB", "kind": "central"},
    {"location_id": "MILL", "kind": "central"},
    {
        "location_id": "REG",
        "kind": "regional",
        "replenished_from": "HUB",
        "replenishment_days": 3.0,
    },
    {
        "location_id": "F1",
        "kind": "forward",
        "replenished_from": "REG",
        "replenishment_days": 1.5,
    },
    {
        "location_id": "F2",
        "kind": "forward",
        "replenished_from": "REG",
        "replenishment_days": 2.0,
    },
    {
        "location_id": "F3",
        "kind": "forward",
        "replenished_from": "MILL",
        "replenishment_days": 4.0,
    },
]

SITES = [
    {"site_id": "S1", "served_by": "F1", "customer_id": "ACME", "region": "NORTH"},
    {"site_id": "S2", "served_by": "F1", "customer_id": "BOLT", "region": "NORTH"},
    {"site_id": "S3", "served_by": "F2", "customer_id": "ACME", "region": "SOUTH"},
    {"site_id": "S4", "served_by": None, "customer_id": "BOLT", "region": "SOUTH"},
    {"site_id": "S5", "served_by": "HUB", "customer_id": "ACME", "region": None},
    {"site_id": "S6", "served_by": "F3", "customer_id": None, "region": "NORTH"},
]

PARENTS = {"F1": ("REG", "HUB"), "F2": ("REG", "HUB"), "F3": ("MILL",), "HUB": (), "REG": ("HUB",)}


def awkward_tables(seed, *, local_repair=False):
    """Tables without commitments, and a stock."""
    rng = np.random.default_rng(seed)
    parts = [
        {
            "part_id": f"P{i}",
            "unit_cost": 100.0,
            "resupply_days": float(rng.choice([8, 15, 30])),
            "part_group": ["A", "B", "A", None][i],
        }
        for i in range(4)
    ]
    bill = [
        {
            "equipment_id": machine,
            "part_id": f"P{i}",
            "quantity": int(rng.integers(1, 3)),
            "failures_per_year": float(rng.choice([0.1, 0.4])),
            "stopping_fraction": float(rng.choice([0.0, 0.5, 1.0])),
            "diagnosis_hours": float(rng.choice([0.0, 2.0])),
            "repair_hours": float(rng.choice([0.0, 3.0])),
        }
        for machine, i in (("PUMP", 0), ("PUMP", 1), ("SCAN", 1), ("SCAN", 2), ("SCAN", 3))
    ]
    bill[3] |= {"failures_per_year": None, "mtbf_hours": 20_000.0}
    part_locations = [
        {
            "part_id": "P1",
            "location_id": "F2",
            "replenished_from": "MILL",
            "replenishment_days": 5.0,
        },
        {"part_id": "P0", "location_id": "HUB", "resupply_days": 11.0},
        {"part_id": "P2", "location_id": "F1", "replenishment_days": 0.5},
    ]
    if local_repair:
        part_locations[2] |= {"local_repair_fraction": 0.4, "local_repair_days": 6.0}
        part_locations.append(
            {
                "part_id": "P1",
                "location_id": "MILL",
                "local_repair_fraction": 0.25,
                "local_repair_days": 2.0,
            }
        )
    tables = {
        "parts": parts,
        "locations": LOCATIONS,
        "part_locations": part_locations,
        "sites": SITES,
        "sourcing": [
            {"site_id": "S1", "part_id": "P3", "served_by": "REG"},
            {"site_id": "S3", "part_id": "P0", "served_by": "F1"},
        ],
        "equipment": [{"equipment_id": name} for name in ("SCAN", "PUMP", "DESK")],
        "bill_of_materials": bill,
        "installed_base": _machines(rng),
        "lanes": _lanes(rng),
    }
    return tables, _stock(rng)


def _machines(rng):
    rows = []
    for site, machine in itertools.product(SITES, ("PUMP", "SCAN")):
        if rng.random() < 0.75:
            rows.append(
                {
                    "site_id": site["site_id"],
                    "equipment_id": machine,
                    "machines": int(rng.integers(0, 6)),
                    "hours_per_year": float(rng.choice([2000, 8760])),
                }
            )
    rows.append({"site_id": "S1", "equipment_id": "DESK", "machines": 2})
    return rows


def _lanes(rng):
    """The lanes that must be, and each ancestor's by chance; S4 is nearest to F2."""
    serving = {("F1", "S1"), ("F1", "S2"), ("F2", "S3"), ("F2", "S4"), ("HUB", "S5"), ("F3", "S6"),
               ("REG", "S1"), ("F1", "S3")}  # fmt: skip
    lanes = {lane: float(rng.choice([0, 1, 4, 7])) for lane in sorted(serving)}
    lanes["F2", "S4"] = 0.5
    for location, site in sorted(serving):
        for above in (*PARENTS[location], "MILL"):
            if rng.random() < 0.6:
                lanes.setdefault((above, site), float(rng.choice([1, 9, 20, 30])))
    return [
        {"location_id": location, "site_id": site, "hours": hours}
        for (location, site), hours in lanes.items()
    ]


def _stock(rng):
    places = [(f"P{i}", row["location_id"]) for i in range(4) for row in LOCATIONS]
    return {place: int(rng.choice([0, 0, 1, 2, 3])) for place in places}


def all_commitments(tables):
    """Every metric with no scope, each scope column, some pairs of them, and every ``each``."""
    location = "F1"
    scopes = [
        {},
        {"customer_id": "ACME"},
        {"region": "NORTH"},
        {"site_id": _busiest_site(tables)},
        {"equipment_id": "SCAN"},
        {"location_id": location},
        {"part_id": "P1"},
        {"part_group": "A"},
        {"region": "NORTH", "part_group": "B"},
        {"customer_id": "ACME", "equipment_id": "PUMP"},
    ]
    rows = []
    for metric, scope, each in itertools.product(METRICS, scopes, EACH):
        windows = (0.0, 4.0, 24.0, 30.0, 200.0) if not scope and each is None else (24.0,)
        for within in windows if metric == "response" else (None,):
            rows.append(
                {
                    "commitment_id": f"C{len(rows)}",
                    "metric": metric,
                    "target": TARGETS[metric],
                    "within_hours": within,
                    "each": each,
                    **scope,
                }
            )
    return rows


def _busiest_site(tables):
    count = {}
    for row in tables["installed_base"]:
        count[row["site_id"]] = count.get(row["site_id"], 0) + row["machines"]
    return max(count, key=lambda site: count[site])
