"""What every plan holds: its fields, its stock fed back, shares, prices, options and messages."""

import copy
import dataclasses
import importlib

import numpy as np
import pytest
from brute_force import BruteForce
from numpy.testing import assert_allclose
from own_networks import CASES, FG, FGV, OBJECTIVES, TWO, located, promise
from random_networks import plan_of

import partsplan as pp
from partsplan.errors import InputError
from partsplan.evaluation import CommitmentResult
from partsplan.evaluation.performance import performance_of
from partsplan.evaluation.results import Rows

OVERLAPPING = CASES["two levels, overlapping promises"]
KINDS = [
    "two levels, overlapping promises",
    "uptime of one machine and response",
    "direct shipping, mean wait and fill rate",
    "uncertain rates, fill rate",
    "three levels, response",
]


def network_of(tables):
    network = pp.ServiceNetwork.from_tables(**tables)
    return network, pp.estimate_demand(network)


@pytest.fixture(name="plan", scope="module")
def _plan():
    return plan_of(OVERLAPPING)


def test_figures_of_a_plan(plan):
    prices = np.array([[100.0], [40.0]])
    assert plan.has_solution
    assert plan.status == "optimal"
    assert plan.objective == "holding_cost"
    assert_allclose(plan.investment, (prices * plan.stock.array).sum(), rtol=1e-12)
    assert_allclose(plan.annual_cost, 0.2 * plan.investment, rtol=1e-12)
    assert plan.cost == plan.annual_cost
    assert (plan.evaluation, plan.bound_evaluation) == ("exact", "exact")
    assert plan.stopped_by == "gap"
    assert plan.runtime_seconds > 0
    assert plan.passes > 0
    assert len(plan.impossible) == 0
    assert [row.commitment_id for row in plan.commitments] == ["all", "F", "Q", "R"]
    assert [row.unit for row in plan.commitments] == ["share", "share", "hours", "share"]
    assert all(row.price >= 0 for row in plan.commitments)
    assert "optimal" in plan.summary()
    assert "4 of 4 kept" in plan.summary()
    assert "<table>" in plan._repr_html_()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_money_of_other_objectives(name):
    objective = "investment" if name.startswith("investment") else "new_investment"
    plan = plan_of(OBJECTIVES[name], objective)
    holding = BruteForce(OBJECTIVES[name]).cost(plan.stock.array)
    invested = BruteForce(OBJECTIVES[name], "investment").cost(plan.stock.array)
    assert_allclose(plan.annual_cost, holding, rtol=1e-12)
    assert_allclose(plan.investment, invested, rtol=1e-12)
    assert_allclose(plan.cost, BruteForce(OBJECTIVES[name], objective).cost(plan.stock.array))


@pytest.mark.parametrize("form", ["plan", "records", "frame", "dict"])
def test_stock_feeds_back(plan, form):
    network, demand = network_of(OVERLAPPING)
    records = plan.stock.to_records()
    stock = {
        "plan": plan.stock,
        "records": records,
        "frame": plan.stock.to_frame() if form == "frame" else None,
        "dict": {(r["part_id"], r["location_id"]): r["base_stock"] for r in records},
    }[form]
    again = pp.evaluate(network, demand, stock)
    assert (again.stock == plan.stock.array).all()
    assert again.commitments.to_records() == plan.performance.commitments.to_records()


@pytest.mark.parametrize("name", KINDS)
def test_contributions_add_up(name):
    plan = plan_of(CASES[name])
    for result in plan.commitments:
        rows = plan.contributions(result.commitment_id)
        total = sum(row["amount"] for row in rows)
        figure = result.achieved if result.unit == "hours" else 1 - result.achieved
        assert_allclose(total, figure, rtol=1e-9)
        amounts = [row["amount"] for row in rows]
        assert amounts == sorted(amounts, reverse=True)
    with pytest.raises(ValueError, match="commitment_id must be one of"):
        plan.contributions("nobody")


@pytest.mark.parametrize("name", ["two levels, mean wait each", "two levels, fill rate over all"])
def test_prices_are_the_slope_of_the_relaxed_bound(name):
    """Tighten one target a little: our own linear programme rises by price times step."""
    tables = CASES[name]
    plan = plan_of(tables)
    brute = BruteForce(tables)
    bound, price = brute.relaxation()
    assert bound > 0
    for c, (found, result) in enumerate(zip(brute.facts.promises, plan.commitments, strict=True)):
        step = 1.0 if found.metric == "mean_wait" else 0.01
        assert_allclose(result.price, price[c] * step, rtol=1e-3, atol=1e-6)
        tighter = copy.deepcopy(brute)
        tighter.allowed[c] -= 1e-3 * step
        slope = (tighter.relaxation()[0] - bound) / 1e-3
        assert_allclose(result.price, slope, rtol=2e-2)


def test_prices_of_promises_that_do_not_bind():
    tables = located(
        TWO, FG, [promise("fill_rate", 0.9), promise("fill_rate", 0.01, "loose", location_id="F")]
    )
    prices = {row.commitment_id: row.price for row in plan_of(tables).commitments}
    assert prices["C"] > 0
    assert_allclose(prices["loose"], 0.0, atol=1e-9)


def test_uptime_price_is_per_hundredth_of_uptime():
    tables = CASES["uptime"]
    brute = BruteForce(tables)
    target = tables["commitments"][0]["target"]
    price = brute.relaxation()[1][0] * 0.01 / target**2
    assert_allclose(plan_of(tables).commitments[0].price, price, rtol=1e-3)


def test_same_input_gives_the_same_plan():
    plans = [plan_of(CASES["three levels, fill rate"]) for _ in range(2)]
    assert (plans[0].stock.array == plans[1].stock.array).all()
    assert plans[0].bound == plans[1].bound
    assert plans[0].commitments.to_records() == plans[1].commitments.to_records()


@pytest.mark.parametrize("seconds", [1e-9, 1e-3, 0.02])
def test_a_tiny_time_limit_gives_a_plan_or_none(seconds):
    tables = CASES["three levels, mean wait"]
    plan = plan_of(tables, time_limit=seconds)
    assert plan.status in ("optimal", "feasible", "no_solution")
    best = BruteForce(tables).optimum()
    if plan.has_solution:
        assert all(row.is_met for row in plan.commitments)
        assert plan.cost >= best.cost - 1e-9
        assert plan.bound is None or plan.bound <= best.cost + 1e-9
    else:
        assert plan.stopped_by == "time"
        assert plan.cost is plan.bound is plan.gap is None


def test_gap_of_zero_asks_for_the_optimum():
    tables = located(TWO, FGV, [promise("fill_rate", 0.9, each="location")])
    plan = plan_of(tables, gap=0.0, time_limit=20.0)
    assert (plan.status, plan.gap) == ("optimal", 0.0)
    assert_allclose(plan.cost, BruteForce(tables).optimum().cost, rtol=1e-12)


def test_a_wide_gap_may_stop_early_but_is_true():
    tables = located(TWO, FGV, [promise("fill_rate", 0.9, each="location")])
    plan = plan_of(tables, gap=0.3)
    assert plan.gap <= 0.3
    assert plan.bound <= BruteForce(tables).optimum().cost


@pytest.mark.filterwarnings("ignore:PULP_CBC_CMD is deprecated:DeprecationWarning")
def test_another_solver():
    pulp = pytest.importorskip("pulp")
    if "PULP_CBC_CMD" not in pulp.listSolvers(onlyAvailable=True):
        pytest.skip("this PuLP brings no CBC (PULP_CBC_CMD)")
    plan = plan_of(OVERLAPPING, solver="PULP_CBC_CMD")
    assert_allclose(plan.cost, BruteForce(OVERLAPPING).optimum().cost, rtol=1e-12)


def test_solver_must_be_known():
    with pytest.raises(ValueError, match="solver must be one that PuLP has here"):
        plan_of(OVERLAPPING, solver="NO_SUCH_SOLVER")
    with pytest.raises(ValueError, match="a PuLP solver's name or object, got 42"):
        plan_of(OVERLAPPING, solver=42)


@pytest.mark.parametrize("evaluation", ["vari_metric", "metric"])
@pytest.mark.parametrize("name", KINDS)
def test_moment_plans_keep_their_promises_under_their_evaluation(name, evaluation):
    plan = plan_of(CASES[name], evaluation=evaluation)
    assert (plan.evaluation, plan.bound_evaluation) == (evaluation, evaluation)
    network, demand = network_of(CASES[name])
    again = pp.evaluate(network, demand, plan.stock, evaluation=evaluation)
    assert all(row.is_met for row in again.commitments)
    assert plan.bound is None or plan.bound <= plan.cost
    is_proven = evaluation == "metric" or not name.startswith("three levels")
    assert (plan.bound is None) == (not is_proven)
    assert plan.performance.evaluation == evaluation


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"evaluation": "guess"}, "evaluation must be one of exact, vari_metric, metric"),
        ({"objective": "profit"}, "objective must be one of holding_cost, investment"),
        ({"gap": -0.1}, "gap must be a share"),
        ({"gap": 1.0}, "gap must be a share"),
        ({"time_limit": 0.0}, "time_limit must be positive seconds or None"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        plan_of(OVERLAPPING, **options)


def test_limits_given_apart_replace_the_stock_table():
    tables = CASES["minimum"]
    limits = [{"part_id": "P", "location_id": "G", "fixed": 4}]
    plan = plan_of(tables, limits=limits)
    assert plan.stock.array[0, 2] == 4
    best = BruteForce(tables, limits=limits).optimum()
    assert_allclose(plan.cost, best.cost, rtol=1e-12)


def test_limits_name_known_parts():
    with pytest.raises(InputError, match="'X'"):
        plan_of(OVERLAPPING, limits=[{"part_id": "X", "location_id": "F", "minimum": 1}])


def test_a_promise_without_demand_is_kept():
    tables = located(
        TWO,
        {"P": {"F": 9.0, "G": 0.0}},
        [promise("fill_rate", 0.9), promise("fill_rate", 0.9, "none", location_id="G")],
    )
    network = pp.ServiceNetwork.from_tables(**tables)
    rows = pp.optimize(network, pp.estimate_demand(network)).commitments
    assert [(row.achieved is None, row.is_met) for row in rows] == [(False, True), (True, True)]
    assert rows[1].price == 0.0


def test_frames_of_a_plan(plan):
    frame = plan.stock.to_frame()
    assert list(frame["base_stock"]) == [r["base_stock"] for r in plan.stock.to_records()]
    assert list(plan.commitments.to_frame()["commitment_id"]) == ["all", "F", "Q", "R"]


def test_bound_is_for_the_targets_as_promised(plan, monkeypatch):
    """Also when the first plan misses in the evaluation and the targets are tightened."""
    module = importlib.import_module("partsplan.optimization.run")
    monkeypatch.setattr(module, "_TIGHTENING", 0.2)
    met = iter([False, True])

    def judged(*arguments):
        performance = performance_of(*arguments)
        is_met = next(met)
        rows = [dataclasses.replace(row, is_met=is_met) for row in performance.commitments]
        return dataclasses.replace(performance, commitments=Rows(rows, CommitmentResult, None))

    monkeypatch.setattr(module, "is_worth_remembering", lambda problem: False)
    monkeypatch.setattr(module, "performance_of", judged)
    tightened = plan_of(OVERLAPPING)
    assert tightened.cost > plan.cost
    assert tightened.bound <= plan.cost
