"""What cannot be kept: all of it at once, how close one can come, and why."""

import pytest
from brute_force import BruteForce
from numpy.testing import assert_allclose
from own_networks import CASES, DIRECT, FG, LANES, ONE, THREE, TWO, located, machines, promise
from random_networks import plan_of
from scipy.stats import nbinom

import partsplan as pp


def infeasible(tables, **options):
    """The records of an infeasible plan by commitment, each checked against brute force."""
    plan = plan_of(tables, **options)
    assert plan.status == "infeasible"
    assert not plan.has_solution
    brute = BruteForce(tables, options.get("objective", "holding_cost"))
    names = [found.id for found in brute.facts.promises]
    for row in plan.impossible:
        c = names.index(row.commitment_id)
        best = brute.in_words(c, brute.least_use(c))
        assert_allclose(row.best_attainable, best, rtol=1e-6, atol=1e-9)
        assert row.target == brute.facts.promises[c].target
    impossible = [
        name for c, name in enumerate(names) if brute.least_use(c) > brute.allowed[c] * (1 + 1e-6)
    ]
    assert [row.commitment_id for row in plan.impossible] == impossible
    return {row.commitment_id: row for row in plan.impossible}


def test_lane_longer_than_the_window():
    tables = machines("FG", LANES, [promise("response", 0.9, within_hours=3.0)])
    row = infeasible(tables)["C"]
    assert "lane hours alone" in row.reason
    assert row.unit == "share"
    # only site SF is within 3 hours: 3 machines M with 1.5 + 2 x 8760 / 4380 x 6000 / 8760 failures
    near, far = 3 * (1.5 + 2 * 6000 / 4380), 2 * (0.8 + 1.0)
    assert_allclose(row.best_attainable, near / (near + far), rtol=1e-9)


def test_repair_and_lane_hours_take_the_uptime():
    tables = machines("FG", LANES, [promise("uptime", 0.9999)])
    assert "hours alone" in infeasible(tables)["C"].reason


def test_a_faster_lane_from_the_centre_counts():
    lanes = {("F", "SF"): 30.0, ("G", "SG"): 30.0, ("D", "SF"): 6.0, ("D", "SG"): 10.0}
    tables = machines("FG", lanes, [promise("response", 0.9, within_hours=8.0)])
    assert infeasible(tables)["C"].best_attainable > 0.5


def test_maximum_with_its_reason():
    stock = [
        {"part_id": "P", "location_id": "F", "maximum": 1, "reason": "shelf 3 is full"},
        {"part_id": "P", "location_id": "D", "maximum": 1},
    ]
    tables = located(TWO, FG, [promise("fill_rate", 0.97)], stock=stock)
    reason = infeasible(tables)["C"].reason
    assert "shelf 3 is full" in reason
    assert "P at F at most 1" in reason


def test_one_unit_may_serve_worse_than_none():
    """Without stock the 70 % of demand that is ordered comes in 2 days; one unit on the shelf
    waits in the same queue as the repairs, which take 40."""
    repair = {"local_repair_fraction": 0.3, "local_repair_days": 40.0}
    tables = located(
        {"D": ("", 0.0)},
        {"P": {"D": 60.0}},
        [promise("response", 0.65, within_hours=120.0)],
        part_locations=[{"part_id": "P", "location_id": "D"} | repair],
        stock=[{"part_id": "P", "location_id": "D", "maximum": 1}],
    )
    tables["parts"][0]["resupply_days"] = 2.0
    plan = plan_of(tables)
    assert plan.status == "optimal"
    assert plan.stock.array.tolist() == [[0]]
    assert_allclose(plan.commitments[0].achieved, 0.7, rtol=1e-9)


def test_fixed_forbids_a_mean_wait():
    stock = [{"part_id": "P", "location_id": "D", "fixed": 0, "reason": "kept by the vendor"}]
    tables = located(ONE, {"P": {"D": 20.0}}, [promise("mean_wait", 1.0)], stock=stock)
    row = infeasible(tables)["C"]
    assert_allclose(row.best_attainable, 20 * 24.0, rtol=1e-9)
    assert row.unit == "hours"
    assert "kept by the vendor" in row.reason


def test_location_that_holds_nothing():
    special = [
        {"part_id": part, "location_id": location, "stocks_part": False}
        for part in "PQ"
        for location in "FG"
    ]
    tables = located(TWO, FG, [promise("mean_wait", 40.0)], part_locations=special)
    row = infeasible(tables)["C"]
    demand = {"F": 29.0, "G": 17.0}
    wait = 24 * (2 * demand["F"] + 3 * demand["G"]) / 46.0
    assert_allclose(row.best_attainable, wait, rtol=1e-9)
    assert "at most 0" in row.reason


def test_all_impossible_ones_at_once():
    stock = [{"part_id": part, "location_id": "F", "maximum": 1} for part in "PQ"]
    commitments = [
        promise("fill_rate", 0.9, "possible", location_id="G"),
        promise("fill_rate", 0.99, "fill", location_id="F"),
        promise("mean_wait", 0.5, "wait", location_id="F"),
        promise("response", 0.999, "window", within_hours=10.0),
    ]
    tables = located(TWO, FG, commitments, stock=stock)
    assert list(infeasible(tables)) == ["fill", "wait", "window"]


def test_each_names_the_value():
    stock = [{"part_id": "Q", "location_id": "G", "fixed": 1}]
    tables = located(THREE, FG, [promise("fill_rate", 0.97, each="location")], stock=stock)
    assert list(infeasible(tables)) == ["C:G"]


def test_endless_stock_just_suffices():
    """Half a minute less than the lane is impossible; half a minute more is a plan."""
    for within, status in ((3.99, "infeasible"), (4.01, "optimal")):
        commitments = [promise("response", 0.99, within_hours=within, each="site")]
        assert plan_of(machines("FG", LANES, commitments)).status == status


@pytest.mark.parametrize("objective", ["investment", "new_investment"])
def test_under_every_objective(objective):
    stock = [{"part_id": "P", "location_id": "F", "maximum": 1, "on_hand": 4}]
    tables = located(TWO, FG, [promise("fill_rate", 0.99, location_id="F")], stock=stock)
    assert list(infeasible(tables, objective=objective)) == ["C"]


def test_promises_that_contradict_each_other():
    """Each can be kept alone, but the centre must ship to one and the shelf must fill the other."""
    lanes = {("F", "SF"): 30.0, ("G", "SG"): 4.0, ("D", "SF"): 6.0}
    commitments = [
        promise("response", 0.9, "near", within_hours=8.0, site_id="SF", part_id="P"),
        promise("fill_rate", 0.9, "shelf", site_id="SF", part_id="P"),
    ]
    tables = machines("FG", lanes, commitments)
    plan = plan_of(tables)
    assert plan.status in ("infeasible", "no_solution")
    assert BruteForce(tables).optimum().cost is None


def test_direct_shipping_best_attainable():
    tables = machines("FG", DIRECT, [promise("response", 0.99999, within_hours=3.0)])
    infeasible(tables)


def test_a_plan_without_solution_says_so():
    tables = located(ONE, {"P": {"D": 20.0}}, [promise("mean_wait", 1.0)])
    tables["stock"] = [{"part_id": "P", "location_id": "D", "maximum": 0}]
    plan = plan_of(tables)
    assert plan.stock is None
    figures = (plan.cost, plan.annual_cost, plan.investment, plan.bound, plan.gap)
    assert figures == (None,) * 5
    assert plan.performance is None
    assert len(plan.commitments) == 0
    assert "IMPOSSIBLE C" in plan.summary()
    assert "IMPOSSIBLE C" in plan._repr_html_()
    record = plan.impossible.to_records()[0]
    assert list(record)[:2] == ["commitment_id", "metric"]
    with pytest.raises(ValueError, match="contributions need a plan"):
        plan.contributions("C")


def test_without_promises_nothing_is_held():
    tables = CASES["minimum"] | {"commitments": []}
    plan = plan_of(tables)
    assert plan.status == "optimal"
    assert plan.stock.array.sum() == 5


def test_where_the_centre_may_hold_enough_a_fast_mover_waits_for_transport_alone():
    network = pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P", "unit_cost": 5.0, "resupply_days": 60.0}],
        locations=[
            {"location_id": "D", "kind": "central"},
            {
                "location_id": "F",
                "kind": "forward",
                "replenished_from": "D",
                "replenishment_days": 3.0,
            },
        ],
        demand=[{"part_id": "P", "location_id": "F", "per_year": 6_000.0, "rate_shape": 2.0}],
        commitments=[{"commitment_id": "C", "metric": "fill_rate", "target": 0.9}],
        stock=[{"part_id": "P", "location_id": "F", "maximum": 40}],
    )
    plan = pp.optimize(network, pp.estimate_demand(network))
    # demand sees the rate size-biased: gamma with shape 3 and mean 3 / 2 of the mean rate
    mean = 6_000.0 * 3.0 / 365.0 * 1.5
    known = nbinom.cdf(39, 3.0, 3.0 / (3.0 + mean))
    assert_allclose(plan.impossible[0].best_attainable, known, rtol=1e-9)
