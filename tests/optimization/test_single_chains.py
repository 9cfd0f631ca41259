"""Stock above an only customer: never better than further down, and where that may not be said."""

import copy

import numpy as np
import pytest
from brute_force import BruteForce
from random_networks import check_plan, plan_of

import partsplan as pp
from partsplan.evaluation.measuring import measure_block
from partsplan.evaluation.model import PartBlock
from partsplan.optimization import run
from partsplan.optimization.block_problem import NO_CHILD
from partsplan.optimization.single_chains import only_children

METRICS = {
    "fill rate": {"metric": "fill_rate", "target": 0.8},
    "mean wait": {"metric": "mean_wait", "target": 10.0},
    "response": {"metric": "response", "target": 0.75, "within_hours": 30.0},
}


def chain(metric, n_parts=2, **own):
    """A depot, a region and a shop, the only customer; ``own`` goes to every (part, location)."""
    locations = [
        {"location_id": "C", "kind": "central"},
        {"location_id": "R", "kind": "regional", "replenished_from": "C"},
        {"location_id": "S", "kind": "forward", "replenished_from": "R"},
    ]
    for location in locations[1:]:
        location["replenishment_days"] = 2.0
    parts = [
        {"part_id": f"P{p}", "unit_cost": 100.0 + 30.0 * p, "resupply_days": 25.0}
        for p in range(n_parts)
    ]
    demand = [{"part_id": p["part_id"], "location_id": "S", "per_year": 14.0} for p in parts]
    tables = {
        "parts": parts,
        "locations": locations,
        "demand": demand,
        "commitments": [{"commitment_id": "K", **METRICS[metric]}],
    }
    if own:
        tables["part_locations"] = [
            {"part_id": p["part_id"], "location_id": at["location_id"], **own}
            for p in parts
            for at in locations
        ]
    return tables


def problems_of(tables):
    """The problems that a run searches, before anything is left out."""
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "with_only_children", lambda problem: seen.append(problem) or problem)
        plan_of(tables, gap=0.05)
    return seen


@pytest.mark.parametrize("metric", METRICS)
def test_plans_are_optimal_and_hold_nothing_above(metric):
    tables = chain(metric)
    brute = BruteForce(tables, "holding_cost", "exact")
    plan = plan_of(tables, "holding_cost", "exact")
    check_plan(plan, brute, brute.optimum())
    assert plan.status == "optimal"
    assert not plan.stock.array[:, :2].any()


def _cheaper_above(tables):
    for row in tables["part_locations"]:
        if row["location_id"] == "S":
            row["holding_rate"] = 0.4


def _little_room_below(tables):
    tables["stock"] = [
        {"part_id": row["part_id"], "location_id": "S", "maximum": 2} for row in tables["parts"]
    ]


def _something_held_above(tables):
    tables["stock"] = [
        {"part_id": row["part_id"], "location_id": "C", "minimum": 2} for row in tables["parts"]
    ]


CHANGES = [_cheaper_above, _little_room_below, _something_held_above]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_optimal_where_the_rule_is_bent(metric, change):
    tables = chain(metric, holding_rate=0.2)
    if change is not _little_room_below:
        tables["commitments"][0]["target"] = METRICS[metric]["target"]
    elif metric != "mean wait":
        tables["commitments"][0]["target"] = 0.6
    change(tables)
    brute = BruteForce(tables, "holding_cost", "exact")
    plan = plan_of(tables, "holding_cost", "exact")
    check_plan(plan, brute, brute.optimum())
    assert plan.status == "optimal"


def test_where_it_may_be_said():
    def said(tables):
        found = {
            part: row
            for problem in problems_of(tables)
            for part, row in zip(problem.block.parts, only_children(problem), strict=True)
        }
        return np.array([found[part] for part in sorted(found)])

    assert said(chain("response")).tolist() == [[1, 2, NO_CHILD]] * 2
    with_repair = {"local_repair_fraction": 0.3, "local_repair_days": 5.0}
    assert (said(chain("response", **with_repair)) == NO_CHILD).all()
    assert (said(chain("fill rate", **with_repair))[:, 1] == 2).all()
    dearer = chain("fill rate", holding_rate=0.2)
    _cheaper_above(dearer)
    assert said(dearer).tolist() == [[1, NO_CHILD, NO_CHILD]] * 2
    shared = copy.deepcopy(chain("fill rate"))
    shared["demand"].append({"part_id": "P0", "location_id": "R", "per_year": 1.0})
    assert said(shared).tolist() == [[1, NO_CHILD, NO_CHILD], [1, 2, NO_CHILD]]


@pytest.mark.parametrize("metric", METRICS)
def test_no_figure_rises_when_a_unit_moves_down(metric):
    """The rule itself, against the exact evaluation; rates known and uncertain."""
    tables = chain(metric, n_parts=40)
    rng = np.random.default_rng(8)
    for row in tables["demand"]:
        row["per_year"] = float(rng.uniform(2.0, 80.0))
        if rng.random() < 0.3:
            row["rate_shape"] = 2.0
    problem, *_ = problems_of(tables)
    block = problem.block
    assert isinstance(block, PartBlock)
    n = len(block.parts)
    for _ in range(20):
        stock = rng.integers(0, 25, (n, 3))
        above = rng.integers(0, 2, n)
        stock[np.arange(n), above] += 1
        moved = stock.copy()
        moved[np.arange(n), above] -= 1
        moved[np.arange(n), above + 1] += 1
        before = measure_block(block, stock, "exact").uses()
        after = measure_block(block, moved, "exact").uses()
        assert (after <= before * (1 + 1e-9) + 1e-13).all()


def test_a_fast_mover_of_one_location():
    """Nine hundred units under way: every stock above would have to be looked at."""
    tables = chain("fill rate", n_parts=1)
    tables["demand"][0]["per_year"] = 12_000.0
    plan = plan_of(tables, "holding_cost", "exact")
    assert plan.status == "optimal"
    assert plan.stock.array[0].tolist()[:2] == [0, 0]
    network = pp.ServiceNetwork.from_tables(**tables)
    fewer = [
        {**row, "base_stock": row["base_stock"] - 1}
        for row in plan.stock.to_records()
        if row["location_id"] == "S"
    ]
    kept = pp.evaluate(network, pp.estimate_demand(network), fewer)
    assert not kept.commitments[0].is_met
