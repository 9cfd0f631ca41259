"""Plans that keep commitments in a period: against enumeration, closed forms and fresh periods."""

from itertools import product
from math import exp

import numpy as np
import pytest

import partsplan as pp
from partsplan.evaluation.commitments import Promise
from partsplan.optimization.target_search import TargetSearch
from partsplan.simulation import period_probabilities
from small_networks import one_location_tables, two_level_tables

QUARTER = {"period_months": 3}


def one_place(parts, target=0.9, **more):
    """Parts (unit cost, demand per year) at one location, a fill rate over all."""
    network = pp.ServiceNetwork.from_tables(
        parts=[
            {"part_id": f"P{p}", "unit_cost": cost, "resupply_days": 10.0}
            for p, (cost, _) in enumerate(parts)
        ],
        locations=[{"location_id": "DC", "kind": "central"}],
        commitments=[{"commitment_id": "C", "metric": "fill_rate", "target": target} | more],
    )
    rows = [
        {"part_id": f"P{p}", "location_id": "DC", "per_year": rate}
        for p, (_, rate) in enumerate(parts)
    ]
    return network, pp.DemandRates.from_table(rows)


def two_levels(commitments, **options):
    tables = two_level_tables()
    for part in tables["parts"]:
        part["emergency_hours"] = 24.0
    tables["installed_base"] = [row | {"machines": 5} for row in tables["installed_base"]]
    tables["commitments"] = [row | QUARTER for row in commitments]
    network = pp.ServiceNetwork.from_tables(**tables, **options)
    return network, pp.estimate_demand(network)


def probabilities(network, demand, stock, *, rng=77, periods=8000):
    return period_probabilities(network, demand, stock, rng=rng, periods=periods)


def test_cost_is_the_least_of_all_stocks_of_two_parts():
    """Enumerated: every stock of 0 to 6 units of each part, seen in its own periods."""
    parts = [(100.0, 36.5), (30.0, 20.0)]
    network, demand = one_place(parts, **QUARTER)
    plan = pp.optimize(network, demand, objective="investment", confidence=0.9)
    costs = {}
    for held in product(range(7), repeat=2):
        stock = {("P0", "DC"): held[0], ("P1", "DC"): held[1]}
        if pp.evaluate(network, demand, stock).commitments[0].achieved >= 0.9:
            row = probabilities(network, demand, stock, periods=4000)[0]
            costs[held] = 100.0 * held[0] + 30.0 * held[1] if row.probability >= 0.9 else np.inf
    assert plan.cost == min(costs.values())
    assert plan.period_confidence.plain_cost < plan.cost
    assert plan.bound <= plan.period_confidence.plain_cost


@pytest.mark.parametrize("shortages", ["wait", "expedite"])
def test_fresh_periods_keep_each_commitment_as_often_as_asked(shortages):
    network, demand = two_levels(
        [
            {"commitment_id": "up", "metric": "uptime", "target": 0.97, "each": "site"},
            {"commitment_id": "fill", "metric": "fill_rate", "target": 0.8},
            {"commitment_id": "wait", "metric": "mean_wait", "target": 20.0},
        ],
        shortages=shortages,
    )
    plan = pp.optimize(network, demand, confidence=0.9, rng=3)
    assert plan.has_solution
    rows = probabilities(network, demand, plan)
    for row, promised in zip(rows, plan.period_probabilities, strict=True):
        assert row.commitment_id == promised.commitment_id
        assert row.upper >= 0.9
        assert promised.lower >= promised.asked == 0.9
        assert row.probability == pytest.approx(promised.probability, abs=0.02)
    assert all(result.is_met for result in plan.commitments)
    plain = pp.optimize(network, demand)
    assert plan.period_confidence.plain_cost == plain.cost < plan.cost
    assert plan.bound == plain.bound
    assert plan.performance.commitments.to_records() == [
        row | {"price": None} for row in plan.commitments.to_records()
    ]


def test_uncertain_rates_are_paid_for():
    """A rate that may be twice as high takes more stock to be sure of a quarter."""
    network, known = one_place([(100.0, 36.5)], **QUARTER)
    rows = [{"part_id": "P0", "location_id": "DC", "per_year": 36.5, "rate_shape": 3.0}]
    unsure = pp.DemandRates.from_table(rows)
    plans = [pp.optimize(network, demand, confidence=0.9) for demand in (known, unsure)]
    assert plans[0].cost < plans[1].cost
    stock = plans[1].stock
    assert probabilities(network, unsure, stock)[0].upper >= 0.9
    fewer = {("P0", "DC"): int(stock.array[0, 0]) - 1}
    assert probabilities(network, unsure, fewer)[0].lower < 0.9


def test_a_plain_plan_that_is_sure_enough_is_taken():
    """Five demands in a hundred years: nineteen quarters in twenty have none."""
    network, demand = one_place([(100.0, 0.05)], **QUARTER)
    plan = pp.optimize(network, demand, confidence=0.9)
    plain = pp.optimize(network, demand)
    assert plan.status == plain.status == "optimal"
    assert (plan.stock.array == plain.stock.array).all()
    assert plan.cost == plain.cost == plan.period_confidence.plain_cost
    assert plan.period_probabilities[0].planned_target == 0.9


def test_commitments_without_a_period_keep_their_own_target():
    tables = two_level_tables()
    tables["commitments"] = [
        {"commitment_id": "year", "metric": "fill_rate", "target": 0.6, "customer_id": "C1"}
        | {"period_months": 12},
        {"commitment_id": "never", "metric": "fill_rate", "target": 0.6, "customer_id": "C2"},
    ]
    network = pp.ServiceNetwork.from_tables(**tables)
    plan = pp.optimize(network, pp.estimate_demand(network), confidence=0.9)
    assert [row.commitment_id for row in plan.period_probabilities] == ["year"]
    assert [row.commitment_id for row in plan.commitments] == ["year", "never"]


def test_what_repair_hours_alone_break_is_named():
    """A stop takes 10 hours, half of them; 0.997 of a quarter allows 6.6: only none will do.

    A has 3 failures a year that stop it one time in two: none in a quarter with exp(-0.375).
    """
    tables = two_level_tables()
    for row in tables["bill_of_materials"]:
        row |= {"stopping_fraction": 0.5, "repair_hours": 8.0}
    tables["commitments"] = [
        {"commitment_id": "up", "metric": "uptime", "target": 0.997, "site_id": "A"} | QUARTER
    ]
    tables["sites"][0]["served_by"] = "F1"
    network = pp.ServiceNetwork.from_tables(**tables)
    demand = pp.estimate_demand(network)
    assert pp.optimize(network, demand).has_solution
    plan = pp.optimize(network, demand, confidence=0.9)
    assert not plan.has_solution
    row = plan.impossible[0]
    assert (row.commitment_id, row.target) == ("up", 0.997)
    kept = float(row.reason.split()[2])
    assert kept == pytest.approx(100 * exp(-0.375), abs=3)
    assert "not in 90 %" in row.reason
    # one stop of 10 hours in 2190: what 90 % of the quarters reach
    assert row.best_attainable == pytest.approx(1 / (1 + 10 / 2190))
    assert "up: promised 0.997" in plan.summary()


def test_a_maximum_that_stands_in_the_way_is_infeasible():
    network, demand = one_place([(100.0, 36.5)], **QUARTER)
    limits = [{"part_id": "P0", "location_id": "DC", "maximum": 3}]
    plan = pp.optimize(network, demand, confidence=0.9, limits=limits)
    assert plan.status == "infeasible"
    assert "with the most stock that is allowed" in plan.impossible[0].reason
    assert pp.optimize(network, demand, limits=limits).has_solution


def test_same_seed_gives_the_same_plan_and_the_summary_says_what_it_costs():
    network, demand = one_place([(100.0, 36.5), (30.0, 20.0)], **QUARTER)
    first, second = (pp.optimize(network, demand, confidence=0.8, rng=5) for _ in range(2))
    assert (first.stock.array == second.stock.array).all()
    records = first.period_probabilities.to_records()
    assert records == second.period_probabilities.to_records()
    text = first.summary()
    assert "each kept with 80 % or more" in text
    assert f"the plain plan costs {first.period_confidence.plain_cost:,.2f} per year" in text
    assert "no plan for the long run has less than" in text
    assert "3-month periods" in first._repr_html_()
    plain = pp.optimize(network, demand)
    assert plain.period_confidence is None
    assert len(plain.period_probabilities) == 0


def test_what_is_refused():
    network, demand = one_place([(100.0, 36.5)], **QUARTER)
    for value in (0.0, 1.0, 90):
        with pytest.raises(ValueError, match="confidence must be strictly between 0 and 1"):
            pp.optimize(network, demand, confidence=value)
    with pytest.raises(ValueError, match="rng must be a whole number"):
        pp.optimize(network, demand, confidence=0.9, rng=-1)
    network, demand = one_place([(100.0, 36.5)])
    with pytest.raises(pp.PartsplanError, match=r"give period_months in the commitments table"):
        pp.optimize(network, demand, confidence=0.9)
    tables = one_location_tables()
    tables["commitments"] = []
    network = pp.ServiceNetwork.from_tables(**tables)
    with pytest.raises(pp.PartsplanError, match="confidence needs a commitment with demand"):
        pp.optimize(network, pp.estimate_demand(network), confidence=0.9)


@pytest.mark.parametrize("best", [0.001, 0.02, 0.049])
def test_a_target_search_finds_the_largest_use_that_is_kept(best):
    """Plans come in steps of 0.0005 of use; a quantile grows with the square of the use."""
    search = TargetSearch(0.05, 0.0, 0.0)
    kept = []
    for _ in range(20):
        use = 0.0005 * np.floor(search.aim / 0.0005)
        kept.append((use <= best, use))
        search.saw(use, 0.05 * (use / best) ** 2, is_kept=use <= best)
    assert max(use for is_kept, use in kept if is_kept) == pytest.approx(best, abs=0.0011)
    assert search.is_settled


@pytest.mark.parametrize("metric", ["uptime", "response", "fill_rate", "mean_wait"])
def test_use_is_what_gives_the_achieved_figure(metric):
    nothing = np.zeros(0)
    promise = Promise("C", metric, 0.9, 1.0, nothing.astype(int), nothing, has_demand=True)
    assert promise.use_of(promise.achieved(0.2)) == pytest.approx(0.2)
