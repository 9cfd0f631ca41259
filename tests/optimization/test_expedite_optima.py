"""Plans where shortages are expedited: brute force, bounds, pooling, and what cannot be kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import partsplan as pp
from partsplan.evaluation.expedite_model import ExpediteModel
from partsplan.evaluation.performance import service_model
from partsplan.network import read_limits
from partsplan.optimization.clock import Clock
from partsplan.optimization.expedite_blocks import lower_bounds
from partsplan.optimization.expedite_search import ExpediteSearch
from partsplan.optimization.problem import PlanningProblem

MOST = 3


def random_network(seed: int, *, lateral: bool = True, **changes: Any) -> pp.ServiceNetwork:
    """Two parts, a centre and two or three forward locations whose sites may ask each other."""
    rng = np.random.default_rng(seed)
    n_forward, n_sites = int(rng.integers(2, 4)), 4
    has_centre = seed % 3 > 0
    locations: list[dict[str, Any]] = [
        {"location_id": f"F{j}", "kind": "forward"} for j in range(n_forward)
    ]
    if has_centre:
        for row in locations:
            row |= {"replenished_from": "DC", "replenishment_days": float(rng.uniform(1, 5))}
        locations.append({"location_id": "DC", "kind": "central"})
    parts = [
        {
            "part_id": name,
            "unit_cost": float(rng.uniform(50, 500)),
            "resupply_days": float(rng.uniform(10, 40)),
            "emergency_hours": float(rng.uniform(12, 60)),
            "emergency_cost": float(rng.uniform(50, 400)),
        }
        for name in ("P", "Q")
    ]
    serving = rng.integers(0, n_forward, n_sites)
    lanes = []
    for k in range(n_sites):
        for j, row in enumerate(locations):
            if j == serving[k] or (lateral and rng.random() < 0.7):
                hours = float(rng.uniform(1, 4) if j == serving[k] else rng.uniform(3, 20))
                cost = float(rng.uniform(5, 40))
                lanes.append(
                    {"location_id": row["location_id"], "site_id": f"S{k}", "hours": hours}
                    | {"cost": cost}
                )
    tables: dict[str, Any] = {
        "parts": parts,
        "locations": locations,
        "sites": [
            {"site_id": f"S{k}", "served_by": f"F{serving[k]}", "region": "EW"[k % 2]}
            for k in range(n_sites)
        ],
        "equipment": [{"equipment_id": "M"}],
        "bill_of_materials": [
            {"equipment_id": "M", "part_id": p["part_id"], "failures_per_year": rng.uniform(0.3, 3)}
            for p in parts
        ],
        "installed_base": [
            {"site_id": f"S{k}", "equipment_id": "M", "machines": int(rng.integers(1, 4))}
            for k in range(n_sites)
        ],
        "lanes": lanes,
        "commitments": [
            {"commitment_id": "up", "metric": "uptime", "target": 0.985, "each": "region"},
            {
                "commitment_id": "fast",
                "metric": "response",
                "target": float(rng.uniform(0.6, 0.9)),
                "within_hours": 8.0,
            },
        ],
        "stock": [
            {"part_id": p["part_id"], "location_id": row["location_id"], "maximum": MOST}
            for p in parts
            for row in locations
        ],
    }
    return pp.ServiceNetwork.from_tables(**(tables | changes), shortages="expedite")


def least_cost_by_brute_force(network: pp.ServiceNetwork, demand: pp.DemandRates) -> float:
    """Least cost over all stock vectors of both parts; ``inf`` if none keeps the commitments."""
    model = service_model(network, demand, "exact")
    levels = np.indices((MOST + 1,) * network.n_locations).reshape(network.n_locations, -1).T
    costs, uses = [], []
    for block in ExpediteModel(model).blocks(1):
        many = block.of_parts(np.zeros(len(levels), dtype=np.int64))
        missed = many.met(levels).missed
        unit = network.parts["unit_cost"][block.parts] * network.holding_rates(block.parts)[0]
        costs.append(levels @ unit + many.cost.at(missed)[:, 0])
        uses.append(many.use.at(missed))
    allowed = np.array([promise.allowed for promise in model.promises])
    keeps = np.ones((len(levels), len(levels)), dtype=bool)
    for c, most in enumerate(allowed):
        keeps &= uses[0][:, None, c] + uses[1][None, :, c] <= most * (1.0 + 1e-9)
    total = costs[0][:, None] + costs[1][None, :]
    return float(np.where(keeps, total, np.inf).min())


@pytest.mark.parametrize("seed", range(32))
def test_optimum_equals_brute_force(seed: int) -> None:
    network = random_network(seed)
    demand = pp.estimate_demand(network)
    best = least_cost_by_brute_force(network, demand)
    plan = pp.optimize(network, demand, gap=0.0)
    if np.isinf(best):
        assert plan.status in (pp.PlanStatus.INFEASIBLE, pp.PlanStatus.NO_SOLUTION)
        return
    assert plan.status == pp.PlanStatus.OPTIMAL
    assert plan.cost == pytest.approx(best, rel=1e-9)
    assert plan.bound == pytest.approx(best, rel=1e-8)
    assert all(row.is_met for row in plan.commitments)


def in_lots(network: pp.ServiceNetwork, seed: int) -> pp.ServiceNetwork:
    """The same with parts that the top locations order in lots of two to four."""
    lots = np.random.default_rng(seed).integers(2, 5, 2).tolist()
    rows = network.parts.to_records()
    return network.replace(
        parts=[row | {"order_quantity": lot} for row, lot in zip(rows, lots, strict=True)]
    )


@pytest.mark.parametrize("seed", range(6))
def test_optimum_with_lots_equals_brute_force(seed: int) -> None:
    network = in_lots(random_network(seed), seed)
    demand = pp.estimate_demand(network)
    best = least_cost_by_brute_force(network, demand)
    plan = pp.optimize(network, demand, gap=0.0)
    assert np.isfinite(best) == plan.has_solution
    if plan.has_solution:
        assert plan.status == pp.PlanStatus.OPTIMAL
        assert plan.cost == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4])
def test_pooling_never_costs_more_than_separate_locations(seed: int) -> None:
    network = random_network(seed, stock=None, commitments=[])
    network = network.replace(
        commitments=[{"commitment_id": "w", "metric": "mean_wait", "target": 6.0}]
    )
    demand = pp.estimate_demand(network)
    together = pp.optimize(network, demand, gap=0.0)
    own = [
        lane
        for lane in network.lanes.to_records()
        if network.sites["served_by"][network.site_index[lane["site_id"]]] == lane["location_id"]
    ]
    # a lateral shipment costs no more than one from outside and is no slower
    cheapest = float(network.parts["emergency_cost"].min())
    assert all(lane["cost"] <= cheapest for lane in network.lanes.to_records())
    apart = pp.optimize(network.replace(lanes=own), demand, gap=0.0)
    assert together.cost <= apart.cost * (1 + 1e-9)


def searched(network: pp.ServiceNetwork) -> tuple[PlanningProblem, ExpediteModel]:
    model = service_model(network, pp.estimate_demand(network), "exact")
    limits = read_limits(network, None)
    return PlanningProblem.of(model, limits, "holding_cost", "exact"), ExpediteModel(model)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("size", [1e2, 1e4, 1e6])
def test_relaxed_bound_is_a_bound(seed: int, size: float) -> None:
    """At random prices of any size the relaxation is at most the least over all vectors."""
    problem, model = searched(random_network(seed))
    rng = np.random.default_rng(seed)
    price = size * rng.random(len(problem.kept)) ** 3
    for block in model.blocks(1):
        listed = ExpediteSearch(problem, model, block, (100_000, 100_000))
        _, exact = listed.best(price)
        relaxed = ExpediteSearch(problem, model, block, (0, 0))
        columns, _ = relaxed.best(price)
        bound = lower_bounds([relaxed], price, Clock(None), 500)
        assert bound[0] >= 0.0
        assert bound[0] <= exact[0] * (1 + 1e-9) + 1e-9
        assert float((columns.cost + columns.uses @ price)[0]) >= exact[0] * (1 - 1e-9)


def test_relaxation_of_two_centres_counts_both_being_empty() -> None:
    """Customers who ask two dear centres in turn: the bound is more than half the least."""
    days = {"unit_cost": 4_000.0, "resupply_days": 60.0, "emergency_hours": 48.0}
    network = pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P", "emergency_cost": 2_500.0} | days],
        locations=[{"location_id": name, "kind": "central"} for name in ("A", "B")]
        + [
            {"location_id": f"F{j}", "kind": "forward", "replenished_from": name}
            | {"replenishment_days": 2.0}
            for j, name in enumerate("AB")
        ],
        sites=[{"site_id": f"S{j}", "served_by": name} for j, name in enumerate("AB")],
        lanes=[
            {"location_id": name, "site_id": f"S{j}", "hours": 12.0 + (name != own)}
            for j, own in enumerate("AB")
            for name in "AB"
        ],
        equipment=[{"equipment_id": "M"}],
        bill_of_materials=[{"equipment_id": "M", "part_id": "P", "failures_per_year": 1.0}],
        installed_base=[
            {"site_id": f"S{j}", "equipment_id": "M", "machines": 10} for j in range(2)
        ],
        shortages="expedite",
    )
    problem, model = searched(network)
    (block,) = model.blocks(1)
    _, least = ExpediteSearch(problem, model, block, (100_000, 100_000)).best(np.zeros(0))
    relaxed = ExpediteSearch(problem, model, block, (0, 0))
    relaxed.best(np.zeros(0))
    bound = lower_bounds([relaxed], np.zeros(0), Clock(None))
    assert 0.5 * least[0] <= bound[0] <= least[0] * (1 + 1e-9)


def test_relaxation_of_one_location_is_tight() -> None:
    network = pp.ServiceNetwork.from_tables(
        parts=[
            {
                "part_id": "P",
                "unit_cost": 100.0,
                "resupply_days": 20.0,
                "emergency_hours": 24.0,
                "emergency_cost": 300.0,
            }
        ],
        locations=[{"location_id": "L", "kind": "central"}],
        demand=[{"part_id": "P", "location_id": "L", "per_year": 20.0}],
        shortages="expedite",
    )
    problem, model = searched(network)
    (block,) = model.blocks(1)
    search = ExpediteSearch(problem, model, block, (0, 0))
    columns, _ = search.best(np.zeros(0))
    bound = lower_bounds([search], np.zeros(0), Clock(None))
    assert float(columns.cost[0]) == pytest.approx(float(bound[0]), rel=1e-9)


def test_descent_with_a_proven_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without lists: the plan keeps everything, and the optimum lies between bound and cost."""
    monkeypatch.setattr("partsplan.optimization.expedite_plan.MOST_VECTORS", 0)
    for seed in (1, 2, 4, 6):
        network = random_network(seed)
        demand = pp.estimate_demand(network)
        best = least_cost_by_brute_force(network, demand)
        plan = pp.optimize(network, demand)
        if np.isinf(best):
            continue
        assert plan.bound is not None
        assert plan.bound <= best * (1 + 1e-9)
        assert best <= plan.cost * (1 + 1e-9)
        assert plan.cost <= 1.15 * best
        assert all(row.is_met for row in plan.commitments)


@pytest.mark.parametrize("objective", ["investment", "new_investment"])
def test_other_objectives(objective: Any) -> None:
    network = random_network(5)
    rows = network.stock.to_records()
    for row in rows:
        row["on_hand"] = 1
    network = network.replace(stock=rows)
    demand = pp.estimate_demand(network)
    plan = pp.optimize(network, demand, objective=objective, gap=0.0)
    assert plan.status == pp.PlanStatus.OPTIMAL
    unit = network.parts["unit_cost"]
    units = plan.stock.array.sum(axis=1)
    owned = network.n_locations if objective == "new_investment" else 0
    assert plan.cost == pytest.approx(float((unit * np.maximum(units - owned, 0)).sum()))
    holding = unit[:, None] * network.holding_rates(np.arange(2)) * plan.stock.array
    shipments = plan.performance.shipment_cost
    assert plan.annual_cost == pytest.approx(float(holding.sum()) + shipments)


def test_lane_hours_alone_exceed_a_promise() -> None:
    promise = [{"commitment_id": "r", "metric": "response", "target": 0.9, "within_hours": 0.5}]
    network = random_network(3, commitments=promise)
    plan = pp.optimize(network, pp.estimate_demand(network))
    assert plan.status == pp.PlanStatus.INFEASIBLE
    (row,) = plan.impossible
    assert row.best_attainable == 0.0
    assert "whatever is stocked and whoever ships" in row.reason


def test_summary_tells_shipments_apart() -> None:
    network = random_network(7)
    plan = pp.optimize(network, pp.estimate_demand(network))
    performance = plan.performance
    lines = plan.summary().splitlines()
    shipments = f"{performance.shipment_cost:,.2f} per year"
    assert any(line.startswith("  shipments") and shipments in line for line in lines)
    assert plan.cost == pytest.approx(plan.annual_cost)


@pytest.mark.parametrize("listed", [True, False])
def test_limits_on_stock_break_a_promise(monkeypatch: pytest.MonkeyPatch, listed: bool) -> None:
    """Nothing may be stocked, so nothing is there within 8 hours: impossible, and told why."""
    if not listed:
        monkeypatch.setattr("partsplan.optimization.expedite_plan.MOST_VECTORS", 0)
    network = random_network(4)
    rows = [row | {"maximum": 0} for row in network.stock.to_records()]
    network = network.replace(stock=rows)
    plan = pp.optimize(network, pp.estimate_demand(network))
    assert plan.status == pp.PlanStatus.INFEASIBLE
    told = {row.commitment_id: row for row in plan.impossible}
    best = told["fast"].best_attainable
    assert best == pytest.approx(0.0, abs=1e-3) if listed else 0.0 <= best < told["fast"].target
    assert "the limits on stock forbid it: P at F" in told["fast"].reason
