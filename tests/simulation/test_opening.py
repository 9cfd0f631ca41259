"""From today's position: stock above or below the plan, and what is on order."""

import numpy as np
import pytest

import partsplan as pp


def network_of(rows, per_year=36.5):
    network = pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P", "unit_cost": 1, "resupply_days": 30.0}],
        locations=[
            {"location_id": "DC", "kind": "central"},
            {
                "location_id": "F",
                "kind": "forward",
                "replenished_from": "DC",
                "replenishment_days": 5.0,
            },
        ],
        stock=[{"part_id": "P", "location_id": at} | row for at, row in rows.items()],
    )
    rows = [{"part_id": "P", "location_id": "F", "per_year": per_year}]
    return network, pp.DemandRates.from_table(rows)


def simulated(network, demand, stock, *, years=0.2, replications=4000, **more):
    return pp.simulate(
        network,
        demand,
        {("P", at): units for at, units in stock.items()},
        years=years,
        replications=replications,
        rng=1,
        opening="position",
        confidence=0.999,
        **more,
    )


def test_in_the_long_run_the_opening_is_forgotten():
    network, demand = network_of({"DC": {"on_hand": 9, "on_order": 2}, "F": {"on_hand": 0}})
    stock = {"DC": 4, "F": 2}
    seen = simulated(network, demand, stock, years=40, replications=100)
    exact = pp.evaluate(network, demand, {("P", at): units for at, units in stock.items()})
    assert seen.fill_rate[0] == pytest.approx(exact.fill_rate[0], abs=0.01)
    assert seen.on_hand[0] == pytest.approx(exact.on_hand[0], abs=0.03)
    assert seen.expected_backorders[0] == pytest.approx(exact.expected_backorders[0], abs=0.01)


def test_what_is_missing_is_ordered_on_the_first_day():
    """Nothing anywhere, almost no demand: the location's order waits 30 + 5 days on its way.

    Of 73 days the centre's own unit lies on the shelf for 43, the location's for 38.
    """
    network, demand = network_of({"DC": {"on_hand": 0}, "F": {"on_hand": 0}}, per_year=1e-6)
    seen = simulated(network, demand, {"DC": 1, "F": 1}, replications=10)
    assert seen.on_hand[0] == pytest.approx([43 / 73, 38 / 73])


def test_units_on_order_come_in_evenly():
    network, demand = network_of({"DC": {"on_order": 3}, "F": {"on_hand": 1}}, per_year=1e-6)
    seen = simulated(network, demand, {"DC": 3, "F": 1}, replications=10)
    assert seen.on_hand[0] == pytest.approx([(68 + 58 + 48) / 73, 1.0])


def test_what_is_too_much_is_not_reordered():
    """Ten units too many at the location: none of the first ten demands reaches the centre."""
    network, demand = network_of({"DC": {"on_hand": 1}, "F": {"on_hand": 11}}, per_year=18.25)
    seen = simulated(network, demand, {"DC": 1, "F": 1})
    assert seen.fill_rate[0, 1] > 0.99
    orders = seen.sums.places.demands[0, 0] / 4000
    assert orders < 0.01
    assert seen.on_hand[0, 0] == pytest.approx(1.0, abs=0.01)
    demands = seen.sums.places.demands[0, 1] / 4000
    assert seen.on_hand[0, 1] == pytest.approx(11 - demands / 2, abs=0.05)
    assert seen.events("P")["wait_days"].max() == 0.0


def test_today_below_the_plan_serves_worse_than_the_plan():
    network, demand = network_of({"DC": {"on_hand": 1}, "F": {"on_hand": 0, "on_order": 1}})
    today = simulated(network, demand, {"DC": 4, "F": 2})
    plan = pp.simulate(
        network, demand, {("P", "DC"): 4, ("P", "F"): 2}, years=0.2, replications=4000, rng=1
    )
    assert today.fill_rate[0, 1] < plan.fill_rate[0, 1]
    assert np.isfinite(today.mean_wait_days[0]).all()


def test_what_is_refused():
    network, demand = network_of({"DC": {"base_stock": 1}})
    with pytest.raises(pp.PartsplanError, match="reads on_hand and on_order of the stock table"):
        simulated(network, demand, {"DC": 1})
    network, demand = network_of({"DC": {"on_hand": 1}})
    with pytest.raises(ValueError, match="opening must be 'plan' with indentures"):
        simulated(network, demand, {"DC": 1}, indentures=True)
    with pytest.raises(ValueError, match="opening must be one of plan, position, got 'now'"):
        pp.simulate(network, demand, {}, years=1, replications=2, rng=1, opening="now")
