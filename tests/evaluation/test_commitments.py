"""Commitments: every metric, scope and ``each`` against plain Python, and by hand."""

import numpy as np
import pytest
from awkward_networks import all_commitments, awkward_tables
from numpy.testing import assert_allclose
from plain_service import PlainService

import partsplan as pp


def evaluated(tables, stock, **options):
    network = pp.ServiceNetwork.from_tables(**tables)
    return pp.evaluate(network, pp.estimate_demand(network), stock, **options)


@pytest.mark.parametrize("local_repair", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_every_scope_and_each_against_plain_python(seed, local_repair):
    tables, stock = awkward_tables(seed, local_repair=local_repair)
    tables["commitments"] = all_commitments(tables)
    performance = evaluated(tables, stock)
    expected = PlainService(tables, stock).commitments()
    assert [c.commitment_id for c in performance.commitments] == [name for name, _ in expected]
    for result, (name, achieved) in zip(performance.commitments, expected, strict=True):
        assert (result.achieved is None) == (achieved is None), name
        if achieved is not None:
            assert_allclose(result.achieved, achieved, rtol=1e-9, atol=1e-12, err_msg=name)


ONE_PLACE = {
    "parts": [{"part_id": "FAN", "unit_cost": 10.0, "resupply_days": 36.5, "part_group": "AIR"}],
    "locations": [{"location_id": "BERN", "kind": "central"}],
    "sites": [
        {"site_id": "MINT", "served_by": "BERN", "customer_id": "STATE", "region": "WEST"},
        {"site_id": "ZOO", "served_by": "BERN", "customer_id": "CITY"},
    ],
    "equipment": [{"equipment_id": "RACK"}, {"equipment_id": "DESK"}],
    "bill_of_materials": [
        {
            "equipment_id": "RACK",
            "part_id": "FAN",
            "quantity": 2,
            "failures_per_year": 0.5,
            "stopping_fraction": 0.25,
            "diagnosis_hours": 2.0,
            "repair_hours": 1.0,
        }
    ],
    "installed_base": [
        {"site_id": "MINT", "equipment_id": "RACK", "machines": 10},
        {"site_id": "MINT", "equipment_id": "DESK", "machines": 10},
        {"site_id": "ZOO", "equipment_id": "DESK", "machines": 5},
    ],
    "lanes": [
        {"location_id": "BERN", "site_id": "MINT", "hours": 4.0},
        {"location_id": "BERN", "site_id": "ZOO", "hours": 1.0},
    ],
}
"""Ten failures a year of one part, one under way on average: a Poisson pipeline of mean 1."""

WAIT_HOURS = 876.0 * np.exp(-1.0)
"""One unit held: EBO = exp(-1), so each of 10 a year waits 36.5 exp(-1) days."""


def promise(metric, **rest):
    target = 24.0 if metric == "mean_wait" else 0.5
    return {"commitment_id": "X", "metric": metric, "target": target, **rest}


def achieved(*commitments, stock=1, **changes):
    tables = {**ONE_PLACE, **changes, "commitments": list(commitments)}
    performance = evaluated(tables, {("FAN", "BERN"): stock})
    return {c.commitment_id: c.achieved for c in performance.commitments}


def test_metrics_by_hand():
    assert_allclose(achieved(promise("mean_wait"))["X"], WAIT_HOURS, rtol=1e-12)
    assert_allclose(achieved(promise("fill_rate"))["X"], np.exp(-1.0), rtol=1e-12)


@pytest.mark.parametrize(
    ("within", "share"),
    [
        (3.999, 0.0),
        (4.0, np.exp(-1.0)),
        (4.0 + 24 * 18.25, np.exp(-0.5)),
        (3.999 + 24 * 36.5, np.exp(-0.001 / 876)),
        (4.0 + 24 * 36.5, 1.0),
    ],
)
def test_response_counts_the_lane(within, share):
    result = achieved(promise("response", within_hours=within))["X"]
    assert_allclose(result, share, rtol=1e-12)


@pytest.mark.parametrize(("within", "share"), [(3.0, 0.0), (4 + 875.9, 0.0), (4 + 876.0, 1.0)])
def test_response_without_stock_is_the_resupply_time(within, share):
    assert achieved(promise("response", within_hours=within), stock=0)["X"] == share


@pytest.mark.parametrize(
    ("scope", "machines"),
    [
        ({"equipment_id": "RACK"}, 10),
        ({"customer_id": "STATE"}, 20),
        ({"region": "WEST"}, 20),
        ({"site_id": "MINT"}, 20),
        ({}, 25),
        ({"location_id": "BERN"}, 10),
        ({"part_id": "FAN"}, 10),
        ({"part_group": "AIR"}, 10),
        ({"site_id": "MINT", "part_id": "FAN"}, 10),
    ],
)
def test_uptime_is_over_the_machines_in_the_scope(scope, machines):
    """10 machines stop 0.25 times a year; a scope of parts or places has the machines that ask."""
    rho = 10 * 0.25 * (2.0 + WAIT_HOURS + 4.0 + 1.0) / 8760.0 / machines
    assert_allclose(achieved(promise("uptime", **scope))["X"], 1.0 / (1.0 + rho), rtol=1e-12)


def test_failures_that_stop_nothing_leave_full_uptime():
    bill = [{**ONE_PLACE["bill_of_materials"][0], "stopping_fraction": 0.0}]
    assert achieved(promise("uptime"), bill_of_materials=bill) == {"X": 1.0}


@pytest.mark.parametrize("metric", ["uptime", "fill_rate", "mean_wait", "response"])
def test_without_demand_nothing_is_achieved_and_everything_kept(metric):
    within = {"within_hours": 1.0} if metric == "response" else {}
    tables = {**ONE_PLACE, "commitments": [promise(metric, site_id="ZOO", **within)]}
    (result,) = evaluated(tables, {}).commitments
    assert (result.achieved, result.is_met) == (None, True)


def test_each_gives_one_promise_per_value_with_demand():
    assert list(achieved(promise("fill_rate", each="site"))) == ["X:MINT"]
    assert list(achieved(promise("uptime", each="equipment"))) == ["X:RACK"]


@pytest.mark.parametrize(("target", "is_met"), [(0.3678794411, True), (0.3678794425, False)])
def test_a_promise_is_kept_to_nine_digits(target, is_met):
    tables = {**ONE_PLACE, "commitments": [promise("fill_rate") | {"target": target}]}
    (result,) = evaluated(tables, {("FAN", "BERN"): 1}).commitments
    assert result.is_met is is_met


def test_an_exact_hit_is_kept():
    tables = {**ONE_PLACE, "commitments": [promise("mean_wait") | {"target": WAIT_HOURS}]}
    assert evaluated(tables, {("FAN", "BERN"): 1}).commitments[0].is_met


BY_LOCATION = {
    "parts": [
        {"part_id": "A", "unit_cost": 1.0, "resupply_days": 20.0, "part_group": "G"},
        {"part_id": "B", "unit_cost": 1.0, "resupply_days": 30.0},
    ],
    "locations": [
        {"location_id": "DC", "kind": "central"},
        {
            "location_id": "F",
            "kind": "forward",
            "replenished_from": "DC",
            "replenishment_days": 2.0,
        },
    ],
    "demand": [
        {"part_id": "A", "location_id": "DC", "per_year": 5.0},
        {"part_id": "A", "location_id": "F", "per_year": 10.0},
        {"part_id": "B", "location_id": "F", "per_year": 20.0, "rate_shape": 2.0},
    ],
}


def every_metric(scopes, eaches):
    rows = [
        promise(metric, each=each, within_hours=24.0 if metric == "response" else None, **scope)
        for metric in ("response", "fill_rate", "mean_wait")
        for scope in scopes
        for each in eaches
    ]
    return [row | {"commitment_id": f"C{i}"} for i, row in enumerate(rows)]


def assert_as_plain(tables, stock):
    performance = evaluated(tables, stock)
    expected = PlainService(tables, stock).commitments()
    assert [c.commitment_id for c in performance.commitments] == [name for name, _ in expected]
    assert_allclose(
        [c.achieved for c in performance.commitments],
        [a for _, a in expected],
        rtol=1e-9,
        atol=1e-13,
    )
    return performance


@pytest.mark.parametrize("stock", [{}, {("A", "DC"): 1, ("B", "F"): 2}, {("B", "DC"): 3}])
def test_demand_by_location(stock):
    """Without sites nothing is shipped past the location: S = 0 waits for the tree."""
    scopes = [
        {},
        {"location_id": "F"},
        {"location_id": "DC"},
        {"part_id": "B"},
        {"part_group": "G"},
    ]
    commitments = [
        row
        for row in every_metric(scopes, [None, "location", "part_group"])
        if (row.get("part_id"), row["each"]) != ("B", "part_group")  # B is in no group
    ]
    assert_as_plain({**BY_LOCATION, "commitments": commitments}, stock)


@pytest.mark.parametrize("stock", [{}, {("A", "DC"): 1, ("B", "F"): 2}, {("B", "DC"): 3}])
@pytest.mark.parametrize("with_lanes", [False, True])
def test_demand_by_site(stock, with_lanes):
    sites = [
        {"site_id": "S1", "served_by": "F", "customer_id": "K", "region": "R"},
        {"site_id": "S2", "served_by": "DC", "customer_id": "L"},
    ]
    lanes = [
        {"location_id": "F", "site_id": "S1", "hours": 1.0},
        {"location_id": "DC", "site_id": "S2", "hours": 3.0},
        {"location_id": "DC", "site_id": "S1", "hours": 12.0},
    ]
    demand = [
        {"part_id": "A", "site_id": "S1", "per_year": 5.0},
        {"part_id": "A", "site_id": "S2", "per_year": 10.0},
        {"part_id": "B", "site_id": "S1", "per_year": 20.0, "rate_shape": 1.5},
    ]
    scopes = [{}, {"customer_id": "K"}, {"site_id": "S2"}, {"part_id": "B"}, {"region": "R"}]
    tables = {**BY_LOCATION, "sites": sites, "demand": demand}
    if with_lanes:
        tables["lanes"] = lanes
    tables["commitments"] = every_metric(scopes, [None, "location", "site", "customer"])
    assert_as_plain(tables, stock)


def test_uncertain_rates_through_the_front_door():
    """Two bases at 0.05 a day, T 2, L 20, S0 2, S 1, shape 2 (per day): the reference figures."""
    locations = [{"location_id": "DC", "kind": "central"}] + [
        {
            "location_id": name,
            "kind": "forward",
            "replenished_from": "DC",
            "replenishment_days": 2.0,
        }
        for name in ("F1", "F2")
    ]
    demand = [
        {"part_id": "A", "location_id": name, "per_year": 0.05 * 365, "rate_shape": 2.0}
        for name in ("F1", "F2")
    ]
    tables = {
        "parts": [{"part_id": "A", "unit_cost": 1.0, "resupply_days": 20.0}],
        "locations": locations,
        "demand": demand,
        "commitments": [promise("fill_rate"), promise("mean_wait") | {"commitment_id": "Y"}],
    }
    stock = {("A", "DC"): 2, ("A", "F1"): 1, ("A", "F2"): 1}
    performance = assert_as_plain(tables, stock)
    assert_allclose(performance.expected_backorders[0, 1:], 0.193921712248, rtol=1e-11)
    assert_allclose(performance.fill_rate[0, 1:], 0.556059386052, rtol=1e-11)
    fill, wait = performance.commitments
    assert_allclose(fill.achieved, 0.556059386052, rtol=1e-11)
    assert_allclose(wait.achieved, 24 * 0.193921712248 / 0.05, rtol=1e-11)
    assert performance.is_exact


def test_condemnation_sets_the_resupply_time():
    """A quarter is bought anew: 0.75 x 20 + 0.25 x 86 = 36.5 days."""
    parts = [
        {
            "part_id": "FAN",
            "unit_cost": 10.0,
            "repair_days": 20.0,
            "condemnation_fraction": 0.25,
            "procurement_days": 86.0,
        }
    ]
    result = achieved(promise("fill_rate"), parts=parts)["X"]
    assert_allclose(result, np.exp(-1.0), rtol=1e-12)
