"""Optima known from elsewhere: their cost exactly, proven, and above the relaxation's bound."""

import cases_optima as cases
import pytest
from brute_force import BruteForce
from numpy.testing import assert_allclose
from random_networks import check_plan, plan_of


def depot_tables(items, commitments):
    return {
        "parts": [
            {"part_id": f"P{i}", "unit_cost": cost, "resupply_days": days}
            for i, (cost, _, days) in enumerate(items)
        ],
        "locations": [{"location_id": "D", "kind": "central"}]
        + [
            {
                "location_id": base,
                "kind": "forward",
                "replenished_from": "D",
                "replenishment_days": 1.0,
            }
            for base in ("B1", "B2")
        ],
        "demand": [
            {"part_id": f"P{i}", "location_id": base, "per_year": 365 * rate}
            for i, (_, rates, _) in enumerate(items)
            for base, rate in zip(("B1", "B2"), rates, strict=True)
        ],
        "commitments": commitments,
    }


@pytest.mark.parametrize(("wait", "cost", "relaxation"), cases.WAIT)
def test_three_items_two_bases_mean_wait(wait, cost, relaxation):
    tables = depot_tables(
        cases.ITEMS,
        [{"commitment_id": "W", "metric": "mean_wait", "target": 24 * wait, "each": "location"}],
    )
    plan = plan_of(tables, "investment")
    assert (plan.status, plan.gap) == ("optimal", 0.0)
    assert_allclose([plan.cost, plan.investment], cost, rtol=1e-12)
    tolerance = cases.WAIT_TOLERANCE * cost
    assert relaxation - tolerance <= plan.bound <= cost
    brute = BruteForce(tables, "investment")
    assert_allclose(brute.relaxation()[0], relaxation, rtol=cases.WAIT_TOLERANCE)
    check_plan(plan, brute, brute.optimum())


@pytest.mark.parametrize(("at_once", "within_a_day", "cost"), cases.WINDOW)
def test_two_items_two_bases_time_windows(at_once, within_a_day, cost):
    response = {"metric": "response", "within_hours": 24.0, "each": "location"}
    tables = depot_tables(
        cases.ITEMS[:2],
        [
            {"commitment_id": "F", "metric": "fill_rate", "target": at_once, "each": "location"},
            {"commitment_id": "R", "target": within_a_day} | response,
        ],
    )
    plan = plan_of(tables, "investment")
    assert (plan.status, plan.gap, plan.bound) == ("optimal", 0.0, plan.cost)
    assert_allclose(plan.cost, cost, rtol=1e-12)


def frontier_tables(value):
    """Four units at one location; demand met at once is at least ``value`` units a day."""
    total = sum(rate for rate, _, _ in cases.UNITS)
    return {
        "parts": [
            {"part_id": f"U{i}", "unit_cost": cost, "resupply_days": days}
            for i, (_, days, cost) in enumerate(cases.UNITS)
        ],
        "locations": [{"location_id": "D", "kind": "central"}],
        "demand": [
            {"part_id": f"U{i}", "location_id": "D", "per_year": 365 * rate}
            for i, (rate, _, _) in enumerate(cases.UNITS)
        ],
        "commitments": [
            {"commitment_id": "F", "metric": "fill_rate", "target": value / total - 1e-7}
        ],
    }


@pytest.mark.parametrize(("cost", "value"), cases.FRONTIER)
def test_fill_rate_frontier(cost, value):
    plan = plan_of(frontier_tables(value), "investment")
    assert (plan.status, plan.gap) == ("optimal", 0.0)
    assert_allclose(plan.cost, cost, rtol=1e-12)
    assert plan.bound <= cost


def test_marginal_analysis_is_dearer_somewhere():
    """The frontier is a test of the proof because greedy misses it."""
    missed = 0
    for _, value in cases.FRONTIER:
        optimum = min(cost for cost, reached in cases.FRONTIER if reached >= value)
        greedy = min((cost for cost, reached in cases.GREEDY if reached >= value), default=None)
        missed += greedy is not None and greedy > optimum
    assert missed >= 20
