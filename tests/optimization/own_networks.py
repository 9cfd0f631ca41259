"""Small networks by shape, as tables of records; each a few lines to change.

Names: D and E are centres, R a regional location, F, G and H forward ones. Parts P, Q and V cost
100, 40 and 900.
"""

import copy

COSTS = {"P": 100.0, "Q": 40.0, "V": 900.0}


def located(locations, demand, commitments, /, **tables):
    """A network with demand by location.

    ``locations`` maps an id to (source or "", days); ``demand`` a part to {location: per year}.
    """
    rows = []
    for name, (source, days) in locations.items():
        row = {"location_id": name, "kind": "forward" if source else "central"}
        if source:
            row |= {"replenished_from": source, "replenishment_days": days}
        rows.append(row)
    return {
        "parts": [
            {"part_id": part, "unit_cost": COSTS[part], "resupply_days": days}
            for part, days in (("P", 20.0), ("Q", 35.0), ("V", 50.0))
            if part in demand
        ],
        "locations": rows,
        "demand": [
            {"part_id": part, "location_id": location, "per_year": rate}
            for part, rates in demand.items()
            for location, rate in rates.items()
        ],
        "commitments": commitments,
    } | tables


def promise(metric, target, name="C", **scope):
    return {"commitment_id": name, "metric": metric, "target": target} | scope


ONE = {"D": ("", 0.0)}
TWO = {"D": ("", 0.0), "F": ("D", 2.0), "G": ("D", 3.0)}
THREE = {"D": ("", 0.0), "R": ("D", 4.0), "F": ("R", 1.0), "G": ("R", 2.0)}
FOUR = {"D": ("", 0.0), "R": ("D", 4.0), "F": ("R", 1.0), "G": ("F", 2.0)}
TWO_ROOTS = {"D": ("", 0.0), "E": ("", 0.0), "F": ("D", 2.0), "G": ("E", 3.0)}
FG = {"P": {"F": 9.0, "G": 5.0}, "Q": {"F": 20.0, "G": 12.0}}
FGV = FG | {"V": {"F": 2.0, "G": 1.0}}


def with_sites(tables, served_by, lanes=None):
    """The same demand by site: one site per location that serves, with customer and region."""
    tables = copy.deepcopy(tables)
    tables["sites"] = [
        {
            "site_id": f"S{location}",
            "served_by": location,
            "customer_id": f"C{i % 2}",
            "region": "north" if i else "south",
        }
        for i, location in enumerate(served_by)
    ]
    for row in tables["demand"]:
        row["site_id"] = "S" + row.pop("location_id")
    if lanes:
        tables["lanes"] = [
            {"location_id": location, "site_id": site, "hours": hours}
            for (location, site), hours in lanes.items()
        ]
    return tables


def machines(served_by, lanes, commitments, locations=None, **tables):
    """Machines M at one site per serving location, with bills of P and Q (half of V stops)."""
    found = located(locations or TWO, {"P": {}, "Q": {}, "V": {}}, commitments)
    found = with_sites(found, served_by, lanes)
    del found["demand"]
    found["equipment"] = [{"equipment_id": "M"}, {"equipment_id": "N"}]
    found["bill_of_materials"] = [
        {"equipment_id": "M", "part_id": "P", "failures_per_year": 1.5, "repair_hours": 2.0},
        {"equipment_id": "M", "part_id": "Q", "quantity": 2, "mtbf_hours": 4380.0},
        {
            "equipment_id": "N",
            "part_id": "V",
            "failures_per_year": 0.8,
            "stopping_fraction": 0.5,
            "diagnosis_hours": 1.0,
        },
        {"equipment_id": "N", "part_id": "P", "failures_per_year": 1.0},
    ]
    found["installed_base"] = [
        {"site_id": site["site_id"], "equipment_id": "MN"[i % 2], "machines": 3 - i % 2}
        for i, site in enumerate(found["sites"])
    ]
    found["installed_base"][0]["hours_per_year"] = 6000.0
    return found | tables


LANES = {("F", "SF"): 2.0, ("G", "SG"): 4.0}
DIRECT = LANES | {("D", "SF"): 20.0, ("D", "SG"): 30.0}

CASES = {
    # one location
    "one location, mean wait": located(ONE, {"P": {"D": 30.0}}, [promise("mean_wait", 20.0)]),
    "one location, fill rate": located(
        ONE, {"P": {"D": 30.0}, "Q": {"D": 50.0}}, [promise("fill_rate", 0.93)]
    ),
    "one location, response": located(
        ONE,
        {"P": {"D": 30.0}, "Q": {"D": 50.0}, "V": {"D": 3.0}},
        [promise("response", 0.95, within_hours=120.0)],
    ),
    # two levels
    "two levels, mean wait each": located(TWO, FG, [promise("mean_wait", 12.0, each="location")]),
    "two levels, mean wait of three parts": located(TWO, FGV, [promise("mean_wait", 30.0)]),
    "two levels, fill rate over all": located(TWO, FGV, [promise("fill_rate", 0.9)]),
    "two levels, fill rate per part group": located(
        TWO,
        FGV,
        [promise("fill_rate", 0.85, each="part_group")],
        parts=[
            {"part_id": "P", "unit_cost": 100.0, "resupply_days": 20.0, "part_group": "a"},
            {"part_id": "Q", "unit_cost": 40.0, "resupply_days": 35.0, "part_group": "a"},
            {"part_id": "V", "unit_cost": 900.0, "resupply_days": 50.0, "part_group": "b"},
        ],
    ),
    "two levels, response": located(
        TWO, FGV, [promise("response", 0.9, within_hours=24.0, each="location")]
    ),
    "two levels, overlapping promises": located(
        TWO,
        FG,
        [
            promise("fill_rate", 0.8, "all"),
            promise("fill_rate", 0.9, "F", location_id="F"),
            promise("mean_wait", 30.0, "Q", part_id="Q"),
            promise("response", 0.97, "R", within_hours=72.0),
        ],
    ),
    "two levels, demand at the centre too": located(
        TWO,
        {"P": {"D": 6.0, "F": 9.0}, "Q": {"D": 3.0, "G": 12.0}},
        [promise("fill_rate", 0.9, each="location")],
    ),
    "customers at the centre directly": with_sites(
        located(
            TWO,
            {"P": {"D": 6.0, "F": 9.0}, "Q": {"D": 3.0, "F": 8.0}},
            [promise("response", 0.9, within_hours=30.0, each="customer")],
        ),
        "DF",
        {("D", "SD"): 6.0, ("F", "SF"): 6.0},
    ),
    "a part without demand": located(
        TWO,
        {"P": {"F": 9.0, "G": 5.0}, "V": {}},
        [promise("mean_wait", 10.0)],
        stock=[{"part_id": "V", "location_id": "F", "minimum": 1}],
    ),
    "a part that costs nothing": located(
        TWO,
        FG,
        [promise("mean_wait", 10.0)],
        parts=[
            {"part_id": "P", "unit_cost": 0.0, "resupply_days": 20.0},
            {"part_id": "Q", "unit_cost": 40.0, "resupply_days": 35.0},
        ],
    ),
    "stock that costs nothing at one place": located(
        TWO,
        FG,
        [promise("fill_rate", 0.95)],
        part_locations=[{"part_id": "Q", "location_id": "D", "holding_rate": 0.0}],
    ),
    # deeper trees and several roots
    "three levels, mean wait": located(THREE, FG, [promise("mean_wait", 15.0, each="location")]),
    "three levels, fill rate": located(THREE, FGV, [promise("fill_rate", 0.85)]),
    "three levels, response": located(
        THREE, FG, [promise("response", 0.9, within_hours=48.0), promise("fill_rate", 0.5, "F")]
    ),
    "three levels, demand on every level": located(
        THREE,
        {"P": {"D": 3.0, "R": 4.0, "F": 5.0}, "Q": {"R": 10.0, "G": 12.0}},
        [promise("fill_rate", 0.88, each="location")],
    ),
    "four levels, mean wait": located(FOUR, {"P": {"G": 12.0}}, [promise("mean_wait", 8.0)]),
    "four levels, response": located(
        FOUR, {"P": {"F": 4.0, "G": 12.0}}, [promise("response", 0.9, within_hours=60.0)]
    ),
    "two roots": located(TWO_ROOTS, FGV, [promise("fill_rate", 0.9)]),
    "two forests": located(
        TWO_ROOTS,
        FG,
        [promise("mean_wait", 14.0, each="location")],
        part_locations=[
            {
                "part_id": "Q",
                "location_id": "F",
                "replenished_from": "E",
                "replenishment_days": 6.0,
            }
        ],
    ),
    # local repair and condemnation
    "local repair": located(
        TWO,
        FG,
        [promise("mean_wait", 10.0, each="location")],
        part_locations=[
            {
                "part_id": "P",
                "location_id": "F",
                "local_repair_fraction": 0.4,
                "local_repair_days": 5.0,
            }
        ],
    ),
    "local repair of everything": located(
        TWO,
        FG,
        [promise("fill_rate", 0.9, each="location")],
        part_locations=[
            {
                "part_id": "P",
                "location_id": location,
                "local_repair_fraction": 1.0,
                "local_repair_days": 9.0,
            }
            for location in "FG"
        ],
    ),
    "local repair, response": located(
        THREE,
        FG,
        [promise("response", 0.9, within_hours=24.0)],
        part_locations=[
            {
                "part_id": "Q",
                "location_id": location,
                "local_repair_fraction": 0.3,
                "local_repair_days": 6.0,
            }
            for location in "RFG"
        ],
    ),
    "condemnation": located(
        TWO,
        FG,
        [promise("mean_wait", 10.0)],
        parts=[
            {
                "part_id": "P",
                "unit_cost": 100.0,
                "repair_days": 12.0,
                "condemnation_fraction": 0.25,
                "procurement_days": 80.0,
            },
            {
                "part_id": "Q",
                "unit_cost": 40.0,
                "condemnation_fraction": 1.0,
                "repair_days": 1.0,
                "procurement_days": 60.0,
            },
        ],
    ),
    # limits and costs
    "minimum": located(
        TWO,
        FG,
        [promise("fill_rate", 0.9)],
        stock=[
            {"part_id": "P", "location_id": "F", "minimum": 3},
            {"part_id": "Q", "location_id": "D", "minimum": 2},
        ],
    ),
    "maximum": located(
        TWO,
        FG,
        [promise("fill_rate", 0.85)],
        stock=[
            {"part_id": "P", "location_id": "F", "maximum": 1},
            {"part_id": "Q", "location_id": "G", "maximum": 2},
            {"part_id": "Q", "location_id": "D", "maximum": 1},
        ],
    ),
    "fixed": located(
        THREE,
        FG,
        [promise("mean_wait", 30.0)],
        stock=[
            {"part_id": "P", "location_id": "R", "fixed": 2},
            {"part_id": "Q", "location_id": "F", "fixed": 0},
        ],
    ),
    "places that hold nothing": located(
        THREE,
        FG,
        [promise("mean_wait", 60.0)],
        part_locations=[{"part_id": "P", "location_id": "R", "stocks_part": False}],
        locations=[
            {"location_id": "D", "kind": "central"},
            {
                "location_id": "R",
                "kind": "regional",
                "replenished_from": "D",
                "replenishment_days": 4.0,
            },
            {
                "location_id": "F",
                "kind": "van",
                "replenished_from": "R",
                "replenishment_days": 1.0,
                "stocks_parts": False,
            },
            {
                "location_id": "G",
                "kind": "forward",
                "replenished_from": "R",
                "replenishment_days": 2.0,
            },
        ],
    ),
    "unequal holding rates": located(
        TWO,
        FG,
        [promise("mean_wait", 10.0, each="location")],
        part_locations=[
            {"part_id": "P", "location_id": "D", "holding_rate": 0.05},
            {"part_id": "P", "location_id": "F", "holding_rate": 0.5},
            {"part_id": "Q", "location_id": "G", "holding_rate": 0.35},
        ],
    ),
    # machines, lanes and direct shipping
    "uptime": machines("FG", LANES, [promise("uptime", 0.985)]),
    "uptime per customer": machines("FG", LANES, [promise("uptime", 0.98, each="customer")]),
    "uptime of one machine and response": machines(
        "FG",
        LANES,
        [
            promise("uptime", 0.985, "M", equipment_id="M"),
            promise("response", 0.8, "R", within_hours=8.0, region="north"),
        ],
    ),
    "uptime of one part": machines("FG", LANES, [promise("uptime", 0.995, part_id="P")]),
    "direct shipping, uptime": machines("FG", DIRECT, [promise("uptime", 0.975)]),
    "direct shipping, response next day": machines(
        "FG", DIRECT, [promise("response", 0.9, within_hours=26.0)]
    ),
    "direct shipping, mean wait and fill rate": machines(
        "FG",
        DIRECT,
        [promise("mean_wait", 20.0, "W"), promise("fill_rate", 0.4, "F", location_id="F")],
    ),
    "direct shipping over the region": machines(
        "FG",
        LANES | {("R", "SG"): 9.0, ("D", "SF"): 20.0, ("D", "SG"): 25.0},
        [promise("response", 0.85, within_hours=24.0, each="site")],
        THREE,
    ),
    "the centre's lane is the faster one": machines(
        "FG", {("F", "SF"): 30.0, ("G", "SG"): 4.0, ("D", "SF"): 2.0}, [promise("uptime", 0.99)]
    ),
    "only the centre is near enough": machines(
        "FG",
        {("F", "SF"): 30.0, ("G", "SG"): 4.0, ("D", "SF"): 6.0},
        [promise("response", 0.9, within_hours=8.0)],
    ),
    "sourcing from elsewhere": machines(
        "FG",
        LANES | {("G", "SF"): 7.0},
        [promise("response", 0.85, within_hours=8.0)],
        sourcing=[{"site_id": "SF", "part_id": "P", "served_by": "G"}],
    ),
}


def _uncertain(tables, **shapes):
    tables = copy.deepcopy(tables)
    for row in tables["demand"]:
        if row["part_id"] in shapes:
            row["rate_shape"] = shapes[row["part_id"]]
    return tables


CASES |= {
    "uncertain rates, mean wait": _uncertain(
        located(TWO, {"P": FG["P"]}, [promise("mean_wait", 40.0, each="location")]), P=2.0
    ),
    "uncertain rates, fill rate": _uncertain(located(TWO, FG, [promise("fill_rate", 0.8)]), P=2.0),
    "uncertain rates, response": _uncertain(
        located(TWO, FG, [promise("response", 0.85, within_hours=48.0)]), P=3.5, Q=1.5
    ),
    "uncertain rates, three levels": _uncertain(
        located(THREE, FG, [promise("fill_rate", 0.7)]), Q=2.0
    ),
    "uncertain rates, direct shipping": _uncertain(
        with_sites(located(TWO, FG, [promise("response", 0.8, within_hours=36.0)]), "FG", DIRECT),
        P=2.0,
    ),
}

OWNED = [
    {"part_id": "P", "location_id": "D", "on_hand": 2, "on_order": 1},
    {"part_id": "Q", "location_id": "F", "on_hand": 3},
]

OBJECTIVES = {
    "investment": located(TWO, FGV, [promise("mean_wait", 24.0)]),
    "investment, unequal holding": CASES["unequal holding rates"],
    "new investment, nothing owned": located(TWO, FG, [promise("fill_rate", 0.9)]),
    "new investment": located(TWO, FG, [promise("fill_rate", 0.9)], stock=OWNED),
    "new investment, mean wait": located(TWO, FGV, [promise("mean_wait", 20.0)], stock=OWNED),
    "new investment, each": located(
        TWO, FG, [promise("mean_wait", 10.0, each="location")], stock=OWNED
    ),
    "new investment, nothing to buy": located(
        TWO, FG, [promise("fill_rate", 0.3)], stock=[row | {"on_hand": 9} for row in OWNED]
    ),
    "new investment, limits": located(
        TWO,
        FG,
        [promise("fill_rate", 0.8)],
        stock=[OWNED[0] | {"maximum": 1}, OWNED[1] | {"minimum": 1}],
    ),
}
