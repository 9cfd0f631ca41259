"""Tiny random networks of all shapes, and one check that holds for every plan of them.

Run as a script for more networks than the test run takes::

    python tests/optimization/random_networks.py 500
"""

import sys

import numpy as np
from brute_force import BruteForce
from numpy.testing import assert_allclose

import partsplan as pp

OBJECTIVES = ("holding_cost", "investment", "new_investment")


def random_case(seed, *, with_lots=False):
    """Tables, objective and evaluation; the promises are those that some random stock keeps."""
    rng = np.random.default_rng([20260713, seed])
    evaluation = str(rng.choice(["exact", "exact", "exact", "vari_metric", "metric"]))
    objective = str(rng.choice(OBJECTIVES, p=[0.5, 0.3, 0.2]))
    tables = {"parts": _parts(rng), "locations": _locations(rng)}
    if with_lots:
        for part in tables["parts"]:
            part["order_quantity"] = int(rng.choice([1, 2, 3, 4, 7]))
    _add_exceptions(rng, tables)
    by_site = rng.random() < 0.6
    with_machines = by_site and rng.random() < 0.6
    if by_site:
        _add_sites(rng, tables)
    if with_machines:
        _add_machines(rng, tables)
    else:
        _add_demand(rng, tables, by_site, uncertain=evaluation == "exact")
    _add_limits(rng, tables, objective)
    _add_commitments(rng, tables, by_site, with_machines)
    _set_targets(rng, tables, evaluation)
    return tables, objective, evaluation


def _parts(rng):
    return [
        {
            "part_id": f"P{p}",
            "unit_cost": float(np.round(np.exp(rng.normal(5.0, 1.2)), 2)),
            "resupply_days": float(rng.uniform(5, 60)),
            "holding_rate": float(rng.choice([0.1, 0.2, 0.3])),
            "part_group": str(rng.choice(["a", "b"])),
        }
        for p in range(rng.integers(1, 4))
    ]


def _locations(rng):
    """A forest of at most five locations and four levels; every location after its source."""
    depth, locations = [], []
    for loc in range(rng.integers(1, 6)):
        above = [a for a in range(loc) if depth[a] < 3]
        row = {"location_id": f"L{loc}", "kind": "forward"}
        if above and rng.random() < 0.85:
            source = int(rng.choice(above))
            row["replenished_from"] = f"L{source}"
            row["replenishment_days"] = float(rng.uniform(0.5, 8))
            depth.append(depth[source] + 1)
        else:
            row["kind"] = "central"
            depth.append(0)
        if rng.random() < 0.1:
            row["stocks_parts"] = False
        if rng.random() < 0.3:
            row["holding_rate"] = float(rng.uniform(0.1, 0.4))
        locations.append(row)
    return locations


def _add_exceptions(rng, tables):
    """Local repair, other sources and parts that may not be stocked."""
    roots = [r["location_id"] for r in tables["locations"] if "replenished_from" not in r]
    parents = {r["location_id"]: r.get("replenished_from") for r in tables["locations"]}
    rows = []
    for part in tables["parts"]:
        for location, parent in parents.items():
            row = {}
            if rng.random() < 0.2:
                row["local_repair_fraction"] = float(rng.choice([0.1, 0.5, 1.0]))
                row["local_repair_days"] = float(rng.uniform(0.5, 10))
            if rng.random() < 0.08:
                row["stocks_part"] = False
            others = [root for root in roots if root not in (location, parent)]
            if parent and others and rng.random() < 0.2:
                row["replenished_from"] = str(rng.choice(others))
                row["replenishment_days"] = float(rng.uniform(1, 10))
            if row:
                rows.append({"part_id": part["part_id"], "location_id": location} | row)
    if rows:
        tables["part_locations"] = rows


def _add_sites(rng, tables):
    locations = [row["location_id"] for row in tables["locations"]]
    tables["sites"] = [
        {
            "site_id": f"S{s}",
            "served_by": str(rng.choice(locations)),
            "customer_id": str(rng.choice(["C1", "C2"])),
            "region": str(rng.choice(["north", "south"])),
        }
        for s in range(rng.integers(1, 5))
    ]
    if rng.random() < 0.8:
        tables["lanes"] = [
            {
                "location_id": location,
                "site_id": site["site_id"],
                "hours": float(np.round(rng.uniform(0.5, 30), 1)),
            }
            for site in tables["sites"]
            for location in locations
            if location == site["served_by"] or rng.random() < 0.4
        ]


def _add_machines(rng, tables):
    tables["equipment"] = [{"equipment_id": "M1"}, {"equipment_id": "M2"}]
    bill = []
    for machine in ("M1", "M2"):
        for part in tables["parts"]:
            if rng.random() < 0.75 or (machine == "M1" and part["part_id"] == "P0"):
                bill.append(
                    {
                        "equipment_id": machine,
                        "part_id": part["part_id"],
                        "quantity": int(rng.integers(1, 3)),
                        "failures_per_year": float(rng.uniform(0.2, 4)),
                        "stopping_fraction": float(rng.choice([1.0, 0.5])),
                        "diagnosis_hours": float(rng.choice([0.0, 1.0])),
                        "repair_hours": float(rng.choice([0.0, 2.0])),
                    }
                )
    tables["bill_of_materials"] = bill
    tables["installed_base"] = [
        {
            "site_id": site["site_id"],
            "equipment_id": "M1" if s == 0 or bill[-1]["equipment_id"] == "M1" else "M2",
            "machines": int(rng.integers(1, 4)),
        }
        for s, site in enumerate(tables["sites"])
    ]


def _add_demand(rng, tables, by_site, uncertain):
    key = "site_id" if by_site else "location_id"
    places = [row[key] for row in tables["sites" if by_site else "locations"]]
    rows = []
    for part in tables["parts"]:
        shape = float(rng.choice([1.2, 2.0, 5.0])) if uncertain and rng.random() < 0.3 else None
        chosen = [place for place in places if rng.random() < 0.7] or [places[-1]]
        for place in chosen:
            row = {"part_id": part["part_id"], key: place}
            row["per_year"] = float(np.exp(rng.normal(1.6, 0.8)))
            if shape:
                row["per_year"] = min(row["per_year"], 10.0)
                row["rate_shape"] = shape
            rows.append(row)
    tables["demand"] = rows


def _add_limits(rng, tables, objective):
    locations = {row["location_id"]: row for row in tables["locations"]}
    never = {
        (row["part_id"], row["location_id"])
        for row in tables.get("part_locations", [])
        if row.get("stocks_part") is False
    }
    rows = []
    for part in tables["parts"]:
        for name, location in locations.items():
            place = (part["part_id"], name)
            row = {}
            may = location.get("stocks_parts", True) and place not in never
            if may and rng.random() < 0.2:
                row["minimum"] = int(rng.integers(0, 3))
            if may and rng.random() < 0.2:
                row["maximum"] = row.get("minimum", 0) + int(rng.integers(0, 4))
            if may and not row and rng.random() < 0.1:
                row["fixed"] = int(rng.integers(0, 3))
            if objective == "new_investment":
                row["on_hand"] = int(rng.choice([0, 0, 0, 1, 2]))
                row["on_order"] = int(rng.choice([0, 0, 0, 1]))
            if row:
                rows.append({"part_id": place[0], "location_id": place[1]} | row)
    if rows:
        tables["stock"] = rows


def _add_commitments(rng, tables, by_site, with_machines):
    asked = BruteForce(tables).facts.streams
    rows = []
    for c in range(rng.integers(1, 4)):
        metrics = ["mean_wait", "fill_rate", "response"] + ["uptime"] * with_machines
        row = {"commitment_id": f"C{c}", "metric": str(rng.choice(metrics)), "target": 0.5}
        if row["metric"] == "response":
            row["within_hours"] = float(rng.choice([4.0, 24.0, 100.0, 300.0]))
        words = {"location": "location_id", "part": "part_id", "part_group": "part_group"}
        if by_site:
            words |= {"customer": "customer_id", "region": "region", "site": "site_id"}
        if with_machines:
            words["equipment"] = "equipment_id"
        if rng.random() < 0.6:
            word = str(rng.choice(list(words)))
            labels = sorted({stream.labels[word] for stream in asked})
            row[words[word]] = str(rng.choice(labels))
        elif rng.random() < 0.4:
            row["each"] = str(rng.choice([word for word in words if word != "part"]))
        rows.append(row)
    tables["commitments"] = rows


def _set_targets(rng, tables, evaluation):
    """Targets a little looser than what a random stock within the limits reaches."""
    brute = BruteForce(tables, evaluation=evaluation)
    facts = brute.facts
    most = rng.choice([1, 2, 3])
    stock = [
        [
            int(
                min(
                    max(rng.integers(facts.own_rate[p][loc] > 0, most + 1), facts.minimum[p][loc]),
                    facts.maximum[p][loc],
                )
            )
            for loc in range(len(facts.locations))
        ]
        for p in range(len(facts.parts))
    ]
    used = brute.used(stock)
    kept = []
    for row in tables["commitments"]:
        of_row = [
            use
            for promise, use in zip(facts.promises, used, strict=True)
            if promise.id.split(":")[0] == row["commitment_id"]
        ]
        use = max(of_row) * float(rng.uniform(1.002, 1.4))
        if use >= 0.99 and row["metric"] in ("fill_rate", "response") and rng.random() < 0.8:
            continue
        if row["metric"] == "mean_wait":
            row["target"] = max(use, 1e-4)
        elif row["metric"] == "uptime":
            row["target"] = 1 / (1 + max(use, 1e-6))
        else:
            row["target"] = 1 - min(max(use, 1e-6), 0.999)
        kept.append(row)
    tables["commitments"] = kept


def plan_of(tables, objective="holding_cost", evaluation="exact", **options):
    network = pp.ServiceNetwork.from_tables(**tables)
    demand = pp.estimate_demand(network)
    return pp.optimize(network, demand, objective=objective, evaluation=evaluation, **options)


def check_case(tables, objective, evaluation):
    """Compare a plan with brute force; returns the plan's status."""
    brute = BruteForce(tables, objective, evaluation)
    best = brute.optimum()
    plan = plan_of(tables, objective, evaluation)
    if best.cost is None:
        assert not plan.has_solution
        return plan.status.value
    assert plan.has_solution, plan.impossible.to_records()
    check_plan(plan, brute, best)
    return plan.status.value


def check_plan(plan, brute, best):
    """bound <= optimum <= cost, the promises kept by our own evaluation, and a true status."""
    stock = plan.stock.array
    assert (stock >= np.array(brute.facts.minimum)).all()
    assert (stock <= np.array(brute.facts.maximum)).all()
    assert_allclose(plan.cost, brute.cost(stock), rtol=1e-12)
    assert (brute.used(stock) <= brute.allowed * (1 + 2e-9)).all()
    achieved = [result.achieved for result in plan.commitments]
    assert_allclose(achieved, brute.achieved(stock), rtol=1e-8, atol=1e-10)
    assert all(result.is_met for result in plan.commitments)
    assert plan.cost >= best.cost * (1 - 1e-12)
    if plan.bound is None:
        assert plan.evaluation == "vari_metric"
        assert (plan.status, plan.gap) == ("feasible", None)
        return
    assert plan.bound <= plan.cost
    assert plan.bound <= best.strict_cost * (1 + 1e-12)
    gap = (plan.cost - plan.bound) / plan.cost if plan.cost else 0.0
    assert_allclose(plan.gap, gap, atol=1.01e-9)
    assert (plan.status == "optimal") == (plan.gap <= 1e-9)
    if plan.status == "optimal":
        assert plan.cost <= best.strict_cost * (1 + 1e-12)


def main(count):
    counts = {}
    for seed in range(count):
        try:
            status = check_case(*random_case(seed))
        except Exception as error:
            status = "FAILED"
            print(f"seed {seed}: {type(error).__name__}: {error}")  # noqa: T201
        counts[status] = counts.get(status, 0) + 1
    print(counts)  # noqa: T201
    return counts.get("FAILED", 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
