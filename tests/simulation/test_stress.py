"""Scenarios whose course can be said by hand, and what is refused."""

from concurrent.futures import ThreadPoolExecutor

import pytest

import partsplan as pp
from partsplan.simulation import FleetEvent, Outage, Scenario, stress
from small_networks import two_level_tables


def park(machines=50, rate=1e-9, resupply_days=20.0, **commitment):
    """Machines with one battery each at a site next to the only location."""
    network = pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "BATTERY", "unit_cost": 100, "resupply_days": resupply_days}],
        locations=[{"location_id": "DC", "kind": "central"}],
        sites=[{"site_id": "A", "served_by": "DC"}],
        equipment=[{"equipment_id": "M"}],
        bill_of_materials=[{"equipment_id": "M", "part_id": "BATTERY", "failures_per_year": rate}],
        installed_base=[{"site_id": "A", "equipment_id": "M", "machines": machines}],
        commitments=[{"commitment_id": "C", "metric": "fill_rate", "target": 0.9} | commitment],
    )
    return network, pp.estimate_demand(network)


def test_a_closed_location_makes_customers_wait_until_it_opens():
    """Two weeks closed: on average 10.5 days of waiting in the first, 3.5 in the second."""
    network, demand = park(rate=2.0, metric="mean_wait", target=1.0)
    closed = Scenario("closed", outages=[Outage("DC", days=14)])
    found = stress(network, demand, {("BATTERY", "DC"): 200}, closed, rng=1)
    row = found.commitments[0]
    curve = found.curves["closed"][0]
    assert curve[0] == pytest.approx(24 * 10.5, rel=0.03)
    assert curve[1] == pytest.approx(24 * 3.5, rel=0.03)
    assert (curve[2:] == 0.0).all()
    assert row.stressed == pytest.approx(24 * 14 * 7 / 91, rel=0.03)
    assert (row.usual, row.recovery_days, row.worst_day, row.is_met) == (0.0, 14.0, 0.0, False)
    assert len(found.extra_stock) == 0
    assert "1 of 1 commitments broken" in found.summary()
    assert "recovered after 14 days" in found.summary()


def test_a_fleet_event_needs_the_units_it_takes():
    """All 50 batteries within 10 days, back in 20: 45 units fill nine tenths of the demand."""
    network, demand = park()
    event = FleetEvent("BATTERY", share=1.0, days=10)
    found = stress(
        network, demand, {("BATTERY", "DC"): 5}, Scenario("recall", fleet_events=[event]), rng=2
    )
    row = found.commitments[0]
    assert row.usual is None
    assert row.stressed == pytest.approx(5 / 50)
    assert row.recovery_days == 14.0
    extra = found.extra_stock[0]
    assert (extra.part_id, extra.location_id) == ("BATTERY", "DC")
    assert (extra.units, extra.cost) == (40, 4000.0)
    assert "carried by 40 more BATTERY at DC" in found.summary()


def test_a_share_of_the_fleet_is_drawn_unit_by_unit():
    network, demand = park(machines=40)
    event = FleetEvent("BATTERY", share=0.3, days=10, start_day=30)
    found = stress(
        network, demand, {("BATTERY", "DC"): 1}, Scenario("some", fleet_events=[event]), rng=2
    )
    # units come back after 20 days, so the only one fills one of 12 demands on average
    assert found.commitments[0].stressed == pytest.approx(1 / 12, rel=0.03)
    assert found.commitments[0].worst_day in {28.0, 35.0}


def test_longer_lead_times_last_as_long_as_they_last():
    """Without stock a demand waits its resupply: 20 days for orders of 30 days, then 10."""
    network, demand = park(rate=2.0, resupply_days=10.0, metric="mean_wait", target=245.0)
    slow = Scenario("slow", lead_time_factor={"BATTERY": 2.0}, days=30)
    found = stress(network, demand, {}, slow, rng=3, find_extra_stock=False)
    row = found.commitments[0]
    assert row.usual == pytest.approx(240.0)
    assert row.stressed == pytest.approx(24 * (30 * 20 + 61 * 10) / 91, rel=0.02)
    assert found.curves["slow"][0][0] == pytest.approx(480.0)
    assert found.curves["slow"][0][-1] == pytest.approx(240.0)
    assert 28.0 <= row.recovery_days <= 49.0


def test_more_and_fewer_failures():
    network, demand = park(rate=1.0, metric="fill_rate", target=0.6)
    scenarios = [Scenario(f"times {f:g}", rate_factor=f) for f in (0.0, 0.5, 1.0, 2.0)]
    found = stress(network, demand, {("BATTERY", "DC"): 4}, scenarios, rng=4)
    none, half, same, double = found.commitments
    assert none.stressed is None
    assert same.stressed == pytest.approx(same.usual, abs=0.03)
    assert half.stressed > same.usual > double.stressed
    assert double.recovery_days is None
    assert "not recovered within 364 days" in found.summary()


def test_same_seed_same_course_for_any_workers_and_parts_without_stress_stay():
    network = pp.ServiceNetwork.from_tables(**two_level_tables())
    demand = pp.estimate_demand(network)
    stock = {("P1", "DC"): 1, ("P1", "F1"): 2, ("P2", "F1"): 1, ("P1", "F2"): 1}
    scenarios = [
        Scenario("F1 closed", outages=[Outage("F1", days=14, start_day=7)]),
        Scenario("P1", rate_factor={"P1": 3.0}, days=50),
        Scenario("nothing"),
    ]
    options = {"rng": 5, "replications": 50}
    here = stress(network, demand, stock, scenarios, **options)
    with ThreadPoolExecutor(2) as pool:
        there = stress(network, demand, stock, scenarios, **options, executor=pool)
    assert here.commitments.to_records() == there.commitments.to_records()
    assert here.extra_stock.to_records() == there.extra_stock.to_records()
    nothing = [row for row in here.commitments if row.scenario == "nothing"]
    assert all(row.is_met is not False or row.usual < row.target for row in nothing)
    assert "StressTest(3 scenarios" in repr(here)
    assert "<pre>" in here._repr_html_()


def test_what_is_refused():
    network, demand = park()
    stock = {("BATTERY", "DC"): 1}

    def tried(scenario, **options):
        return stress(network, demand, stock, scenario, rng=1, **options)

    with pytest.raises(pp.InputError, match=r"scenario 'S', column fleet_events: 'BATERY' is not"):
        tried(Scenario("S", fleet_events=[FleetEvent("BATERY", 0.3, 10)]))
    with pytest.raises(pp.InputError, match="Did you mean 'BATTERY'"):
        tried(Scenario("S", rate_factor={"BATERY": 2.0}))
    with pytest.raises(pp.InputError, match="'F9' is not a location"):
        tried(Scenario("S", outages=[Outage("F9", 14)]))
    with pytest.raises(ValueError, match=r"share must be above 0 and at most 1, got 1\.5"):
        FleetEvent("BATTERY", 1.5, 10)
    with pytest.raises(ValueError, match="days must be above 0, got 0"):
        Outage("DC", 0)
    with pytest.raises(ValueError, match="start_day must be 0 or more, got -1"):
        Outage("DC", 5, -1)
    with pytest.raises(ValueError, match="rate_factor must be 0 or more, got -2"):
        Scenario("S", rate_factor=-2)
    with pytest.raises(ValueError, match="horizon_days must be at least judged_days, got 10"):
        tried(Scenario("S"), horizon_days=10)
    given = pp.DemandRates.from_table(
        [{"part_id": "BATTERY", "location_id": "DC", "per_year": 1.0}]
    )
    bare = network.replace(
        installed_base=None, bill_of_materials=None, equipment=None, sites=None, commitments=None
    )
    with pytest.raises(pp.PartsplanError, match="comes from no installed machine"):
        stress(
            bare, given, stock, Scenario("S", fleet_events=[FleetEvent("BATTERY", 0.5, 9)]), rng=1
        )


def test_what_is_no_scenario_is_refused():
    network, demand = park()
    with pytest.raises(ValueError, match="scenarios must be Scenario objects, got 'closed'"):
        stress(network, demand, {("BATTERY", "DC"): 5}, ["closed"], rng=1)
