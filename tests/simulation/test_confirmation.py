"""Verdicts on plans that keep, miss or just keep their promises, and what assumptions change."""

from concurrent.futures import ProcessPoolExecutor
from math import exp
from random import Random

import pytest

import partsplan as pp
from partsplan.simulation import confirm
from small_networks import one_location_tables, two_level_tables


def one_location(target, metric="fill_rate", **more):
    tables = one_location_tables()
    tables["commitments"] = [
        {"commitment_id": "C", "metric": metric, "target": target} | more,
    ]
    network = pp.ServiceNetwork.from_tables(**tables)
    return network, pp.estimate_demand(network)


def one_machine_park(machines=6, shortages="wait", **part):
    """Machines of one part at one site; a failure a year each, resupplied in 73 days."""
    return pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P", "unit_cost": 1, "resupply_days": 73.0} | part],
        locations=[{"location_id": "DC", "kind": "central"}],
        sites=[{"site_id": "A", "served_by": "DC"}],
        equipment=[{"equipment_id": "M"}],
        bill_of_materials=[{"equipment_id": "M", "part_id": "P", "failures_per_year": 1.0}],
        installed_base=[{"site_id": "A", "equipment_id": "M", "machines": machines}],
        commitments=[{"commitment_id": "wait", "metric": "mean_wait", "target": 400.0}],
        shortages=shortages,
    )


def test_replications_are_added_until_all_is_decided():
    """One unit, a pipeline of 1: the fill rate is exp(-1) = 36.79 %."""
    for target, verdict, least in ((0.30, "confirmed", 50), (0.45, "refuted", 50)):
        network, demand = one_location(target)
        found = confirm(network, demand, {("P1", "DC"): 1}, rng=1, replications=50)
        row = found.commitments[0]
        assert row.verdict == verdict
        assert row.lower < 0.3679 < row.upper
        assert found.performance.replications >= least
    hard = one_location(0.37)
    few = confirm(
        *hard, {("P1", "DC"): 1}, rng=1, replications=50, most_replications=150, margin=0.0
    )
    assert few.performance.replications == 150
    assert few.commitments[0].verdict == "undecided"
    assert not few.is_confirmed


def test_a_margin_decides_what_is_kept_by_a_hair():
    network, demand = one_location(0.3678)
    options = {"rng": 2, "replications": 100, "years": 10.0, "drop_assumptions": False}
    exactly = confirm(
        network, demand, {("P1", "DC"): 1}, margin=0.0, most_replications=200, **options
    )
    about = confirm(
        network, demand, {("P1", "DC"): 1}, margin=0.1, most_replications=3200, **options
    )
    assert exactly.commitments[0].verdict == "undecided"
    assert about.commitments[0].verdict == "confirmed"
    assert about.is_confirmed
    assert len(about.changes) == 0


def test_same_seed_same_verdicts_and_words():
    network = pp.ServiceNetwork.from_tables(**two_level_tables())
    demand = pp.estimate_demand(network)
    stock = {("P1", "DC"): 1, ("P1", "F1"): 1, ("P2", "F1"): 1}
    first, second = (
        confirm(network, demand, stock, rng=5, replications=20, most_replications=40)
        for _ in range(2)
    )
    assert first.commitments.to_records() == second.commitments.to_records()
    assert first.changes.to_records() == second.changes.to_records()
    assert "refuted   fill" in first.summary()
    assert "a failed unit cannot fail again" in first.summary()
    assert "1 refuted" in repr(first)
    assert "<pre>" in first._repr_html_()


def test_long_tails_change_a_response_but_no_fill_rate():
    """Palm: on the shelf or not depends on the mean resupply time; how late, on its law."""
    tables = one_location_tables()
    tables["parts"][0]["resupply_cv"] = 2.0
    tables["commitments"] = [
        {"commitment_id": "fill", "metric": "fill_rate", "target": 0.3},
        {"commitment_id": "20 d", "metric": "response", "target": 0.5, "within_hours": 480.0},
    ]
    network = pp.ServiceNetwork.from_tables(**tables)
    found = confirm(network, pp.estimate_demand(network), {("P1", "DC"): 1}, rng=3, years=20.0)
    fill, response = found.changes
    assert "as in the parts table" in fill.assumption
    assert not fill.is_certain
    assert response.is_certain
    assert response.difference == pytest.approx(response.achieved - response.assumed)


def test_a_finite_fleet_asks_for_less():
    """Without stock: machines fail once a year while up and are down 73 days each time.

    A fleet of 6 with 1 unit in stock waits less than the formula says, as machines that are down
    do not fail again.
    """
    network = one_machine_park()
    demand = pp.estimate_demand(network)
    endless, finite = (
        pp.simulate(
            network, demand, {("P", "DC"): 1}, years=20, replications=300, rng=4, finite_fleet=f
        )
        for f in (False, True)
    )
    assert finite.commitments[0].upper < endless.commitments[0].lower
    none = pp.simulate(network, demand, {}, years=20, replications=300, rng=4, finite_fleet=True)
    failures = none.sums.places.demands[0, 0] / (300 * 20 * 6)
    assert failures == pytest.approx(1 / (1 + 73 / 365), rel=0.015)
    exact = pp.evaluate(network, demand, {("P", "DC"): 1}).commitments[0].achieved
    assert endless.commitments[0].lower < exact < endless.commitments[0].upper


def test_one_machine_and_one_spare_alternate():
    """The unit of one failure serves the next: each wait is (73 - last wait - time up)+ days."""
    network = one_machine_park(machines=1)
    seen = pp.simulate(
        network,
        pp.estimate_demand(network),
        {("P", "DC"): 1},
        years=50,
        replications=400,
        rng=4,
        finite_fleet=True,
    )
    random = Random(1)
    wait, total, n = 0.0, 0.0, 100_000
    for _ in range(n):
        wait = max(73.0 - wait - random.expovariate(1 / 365), 0.0)
        total += wait
    row = seen.commitments[0]
    assert row.achieved == pytest.approx(24 * total / n, rel=0.04)
    assert row.upper - row.lower < 0.1 * row.achieved


def test_ageing_parts_keep_their_rate_and_fail_more_evenly():
    network = one_machine_park(machines=3)
    demand = pp.estimate_demand(network)
    plain, ageing = (
        pp.simulate(
            network,
            demand,
            {("P", "DC"): 1},
            years=20,
            replications=300,
            rng=4,
            life_shapes=shapes,
        )
        for shapes in (None, {"P": 4.0})
    )
    places = ageing.sums.places
    per_year = places.demands[0, 0] / (300 * 20)
    assert per_year == pytest.approx(3.0, rel=0.01)
    variance = places.demands2[0, 0] / 300 - (places.demands[0, 0] / 300) ** 2
    assert variance < 0.2 * 60  # of Poisson demand it would be 60
    assert ageing.commitments[0].upper < plain.commitments[0].lower


def test_a_finite_fleet_whose_shortages_are_expedited():
    """Nothing held: each failure waits 73 days for the outside, and the machine does not fail.

    One unit held for one machine: it is back after 73 days, and so is a machine without it.
    """
    network = one_machine_park(shortages="expedite", emergency_hours=73.0 * 24.0)
    demand = pp.estimate_demand(network)
    options = {"years": 20, "replications": 100, "rng": 4, "finite_fleet": True}
    none = pp.simulate(network, demand, {}, **options)
    failures = none.sums.places.demands[0, 0] / (100 * 20 * 6)
    assert failures == pytest.approx(1 / (1 + 73 / 365), rel=0.02)
    options["finite_fleet"] = False
    ageing = pp.simulate(network, demand, {}, **options, life_shapes={"P": 4.0})
    places = ageing.sums.places
    assert places.demands[0, 0] / (100 * 20) == pytest.approx(6.0, rel=0.01)
    assert places.demands2[0, 0] / 100 - (places.demands[0, 0] / 100) ** 2 < 0.3 * 120
    one = one_machine_park(1, "expedite", emergency_hours=73.0 * 24.0)
    options |= {"finite_fleet": True, "replications": 1000, "rng": 5}
    seen = pp.simulate(one, pp.estimate_demand(one), {("P", "DC"): 1}, **options)
    again = 1 - exp(-73 / 365)  # fails before the unit is back; then it never does twice in turn
    fill = seen.interval("fill_rate")
    assert fill.lower[0, 0] < 1 - again / (1 + again) < fill.upper[0, 0]


def test_what_is_refused():
    network, demand = one_location(0.5)
    for options, message in (
        ({"margin": 1.0}, "margin must be a share from 0 to below 1, got 1.0"),
        ({"most_replications": 10}, "most_replications must be a whole number of 200 or more"),
    ):
        with pytest.raises(ValueError, match=message):
            confirm(network, demand, {}, rng=1, **options)
    with pytest.raises(pp.PartsplanError, match="no machine of the installed base explains"):
        pp.simulate(network, demand, {}, years=1, replications=2, rng=1, finite_fleet=True)
    with pytest.raises(pp.PartsplanError, match="'P9' is not a part"):
        pp.simulate(network, demand, {}, years=1, replications=2, rng=1, life_shapes={"P9": 2.0})
    with pytest.raises(ValueError, match=r"life_shapes must be above 0, got -2\.0 for part 'P1'"):
        pp.simulate(network, demand, {}, years=1, replications=2, rng=1, life_shapes={"P1": -2.0})


def test_a_plan_confirms_itself():
    network, demand = one_location(0.9)
    plan = pp.optimize(network, demand)
    assert plan.confirm(rng=1, drop_assumptions=False).is_confirmed
    impossible = pp.optimize(
        network, demand, limits=[{"part_id": "P1", "location_id": "DC", "maximum": 0}]
    )
    with pytest.raises(ValueError, match="confirm needs a plan, but the status is infeasible"):
        impossible.confirm(rng=1)


def test_events_of_added_replications_are_those_that_were_counted():
    network, demand = one_location(0.37)
    found = confirm(
        network,
        demand,
        {("P1", "DC"): 1},
        rng=1,
        replications=3,
        most_replications=9,
        margin=0.0,
        drop_assumptions=False,
    )
    seen = found.performance
    assert seen.sums.drawn == ((0, 3), (1, 3), (2, 3))
    tables = [seen.events("P1", replication) for replication in range(9)]
    counted = sum(int(table["is_counted"].sum()) for table in tables)
    assert counted == seen.sums.places.demands[0, 0]


def test_expedited_networks_are_confirmed_too():
    tables = one_location_tables()
    tables["parts"][0]["emergency_hours"] = 24.0
    tables["commitments"] = [
        {"commitment_id": "wait", "metric": "mean_wait", "target": 6.0},
        {"commitment_id": "fill", "metric": "fill_rate", "target": 0.9},
    ]
    network = pp.ServiceNetwork.from_tables(**tables, shortages="expedite")
    found = confirm(network, pp.estimate_demand(network), {("P1", "DC"): 2}, rng=1)
    assert [row.verdict for row in found.commitments] == ["confirmed", "refuted"]
    # Erlang's loss with a load of 1 and 2 units is 1 in 5, whatever the law of the resupply
    assert found.commitments[0].lower < 24 / 5 < found.commitments[0].upper
    assert not any(row.is_certain for row in found.changes)


def test_any_workers_give_the_same_verdicts():
    network, demand = one_location(0.36)
    options = {"rng": 8, "replications": 20, "most_replications": 40, "years": 2}
    here = confirm(network, demand, {("P1", "DC"): 1}, **options)
    with ProcessPoolExecutor(2) as workers:
        there = confirm(network, demand, {("P1", "DC"): 1}, **options, executor=workers)
    assert here.commitments.to_records() == there.commitments.to_records()
    assert here.changes.to_records() == there.changes.to_records()
