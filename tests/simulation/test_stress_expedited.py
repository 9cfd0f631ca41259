"""Scenarios where shortages are expedited: against a plain event loop, and courses said by hand."""

import heapq
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import partsplan as pp
from partsplan.simulation import FleetEvent, Outage, Scenario, stress
from partsplan.simulation.arrivals import draw_arrivals
from partsplan.simulation.expediting import run_expediting
from partsplan.simulation.running import Experiment
from partsplan.simulation.scenarios import effects_of
from partsplan.simulation.simulate import experiment_on
from partsplan.simulation.stressing import BlockDisruption


def pool(metric="fill_rate", target=0.9, machines=50, rate=1e-9, **more):
    """Batteries at a centre and at two locations that help each other, then the centre."""
    names = ["DC", "F0", "F1"]
    network = pp.ServiceNetwork.from_tables(
        parts=[
            {
                "part_id": "BATTERY",
                "unit_cost": 100,
                "resupply_days": 20.0,
                "emergency_hours": 96.0,
            }
        ],
        locations=[
            {"location_id": "DC", "kind": "central"},
            *(
                {
                    "location_id": name,
                    "kind": "forward",
                    "replenished_from": "DC",
                    "replenishment_days": 3.0,
                }
                for name in names[1:]
            ),
        ],
        sites=[{"site_id": f"S{j}", "served_by": f"F{j}"} for j in range(2)],
        equipment=[{"equipment_id": "M"}],
        bill_of_materials=[{"equipment_id": "M", "part_id": "BATTERY", "failures_per_year": rate}],
        installed_base=[
            {"site_id": f"S{j}", "equipment_id": "M", "machines": machines} for j in range(2)
        ],
        lanes=[
            {
                "location_id": at,
                "site_id": f"S{j}",
                "hours": {f"F{j}": 0.0, "DC": 24.0}.get(at, 12.0),
            }
            for j in range(2)
            for at in names
        ],
        commitments=[{"commitment_id": "C", "metric": metric, "target": target} | more],
        shortages="expedite",
    )
    return network, pp.estimate_demand(network)


def plain_sources(demands, orders, stock, parents, transit, *, closed, longer):
    """Who ships each demand (day, class): one event after the other; -1 is the outside.

    ``closed`` is (location, first day, last day), ``longer`` (first day, last day, factor of what
    is ordered outside).
    """
    shelf, waiting = list(stock), [deque() for _ in stock]
    events = [(day, 2, n, n) for n, (day, _) in enumerate(demands)]
    events.append((closed[2], 0, -1, closed[0]))
    heapq.heapify(events)
    found = [-1] * len(demands)
    count = len(events)

    def is_open(at, day):
        return at != closed[0] or not closed[1] <= day < closed[2]

    def arrive(day, at):
        nonlocal count
        count += 1
        heapq.heappush(events, (day, 1, count, at))

    def order(day, at):
        if parents[at] < 0:
            factor = longer[2] if longer[0] <= day < longer[1] else 1.0
            arrive(day + transit[at] * factor, at)
            return
        above = parents[at]
        if shelf[above] > 0 and is_open(above, day):
            shelf[above] -= 1
            arrive(day + transit[at], at)
        else:
            waiting[above].append(at)
        order(day, above)

    while events:
        day, kind, _, at = heapq.heappop(events)
        if kind == 2:
            sources = orders[demands[at][1]]
            found[at] = next((k for k, s in enumerate(sources) if shelf[s] and is_open(s, day)), -1)
            if found[at] >= 0:
                shelf[sources[found[at]]] -= 1
                order(day, sources[found[at]])
            continue
        if kind == 1:
            shelf[at] += 1
        while waiting[at] and shelf[at] > 0 and is_open(at, day):
            shelf[at] -= 1
            child = waiting[at].popleft()
            arrive(day + transit[child], child)
    return found


@pytest.mark.parametrize("closed", ["DC", "F0"])
def test_who_ships_is_that_of_a_plain_event_loop(closed):
    """A centre or a location closes for three weeks while resupply takes twice as long."""
    network, demand = pool(rate=0.6)
    stock = {("BATTERY", "DC"): 3, ("BATTERY", "F0"): 2, ("BATTERY", "F1"): 1}
    scenario = Scenario(
        "worse", lead_time_factor=2.0, days=60.0, outages=[Outage(closed, days=21, start_day=10)]
    )
    whole = experiment_on(network, demand, stock, years=0.5)
    experiment = Experiment.by_stream(whole.model, whole.stock, whole.lead_times, whole.window_days)
    (block,) = experiment.blocks
    disruption = BlockDisruption(block, effects_of(network, scenario))
    n = 40
    rng = np.random.default_rng(5)
    arrivals = draw_arrivals(block, n, rng)
    run = run_expediting(block, arrivals, n, rng, disruption)
    usual = run_expediting(block, arrivals, n, rng)
    assert (run.source != usual.source).mean() > 0.02
    start = float(block.warmup_days[0])
    end = start + block.window_days
    at = network.location_index[closed]
    for row in range(n):
        chosen = np.flatnonzero((arrivals.row == row) & (arrivals.days < end))
        demands = list(
            zip(arrivals.days[chosen].tolist(), arrivals.customers[chosen].tolist(), strict=True)
        )
        orders = [[int(s) for s in places if s >= 0] for places in block.asked_in_turn]
        found = plain_sources(
            demands,
            orders,
            [3, 2, 1],
            [-1, 0, 0],
            [20.0, 3.0, 3.0],
            closed=(at, start + 10, start + 31),
            longer=(start, start + 60, 2.0),
        )
        assert found == run.source[chosen].tolist()


def test_the_next_source_ships_for_a_closed_location():
    """F0 closed for two weeks: F1 ships in 12 hours to its half of the customers."""
    network, demand = pool("mean_wait", 1.0, rate=2.0)
    stock = {("BATTERY", at): 300 for at in network.location_ids}
    closed = Scenario("closed", outages=[Outage("F0", days=14)])
    found = stress(network, demand, stock, closed, rng=1)
    curve = found.curves["closed"][0]
    assert curve[:2] == pytest.approx([6.0, 6.0], rel=0.05)
    assert (curve[2:] == 0.0).all()
    row = found.commitments[0]
    assert (row.usual, row.recovery_days, row.is_met) == (0.0, 14.0, True)
    assert row.stressed == pytest.approx(6.0 * 14 / 91, rel=0.05)


def test_orders_wait_at_a_closed_centre():
    """The centre closed for good: what the locations hold is all there is, then the outside."""
    network, demand = pool(rate=2.0)
    stock = {("BATTERY", at): {"DC": 300, "F0": 3, "F1": 4}[at] for at in network.location_ids}
    shut = Scenario("shut", outages=[Outage("DC", days=364)])
    found = stress(network, demand, stock, shut, rng=1, find_extra_stock=False)
    curve = found.curves["shut"][0]
    # 200 a year: 7 units, and those on the way on the first day (1.6), last two weeks
    assert curve[0] > 0.5
    assert (curve[8:] == 0.0).all()
    assert found.commitments[0].recovery_days is None


def test_a_fleet_event_takes_what_is_there_and_extra_stock_carries_it():
    """All 100 batteries within 5 days, of which the locations ship 10; 80 more fill nine tenths."""
    network, demand = pool()
    stock = {("BATTERY", "F0"): 5, ("BATTERY", "F1"): 5}
    event = Scenario("recall", fleet_events=[FleetEvent("BATTERY", share=1.0, days=5)])
    found = stress(network, demand, stock, event, rng=2)
    row = found.commitments[0]
    assert row.usual is None
    # ten units are shipped; the last of them by one location for the other, which is no fill
    assert 0.07 < row.stressed < 0.10
    assert 80 <= sum(extra.units for extra in found.extra_stock) <= 84
    assert {extra.location_id for extra in found.extra_stock} == {"F0", "F1"}


def test_failures_and_lead_times_and_the_same_bytes_for_any_workers():
    """Erlang's loss at each location by itself would be 1 in 2 at a load of 1 with one unit."""
    network, demand = pool("response", 0.5, rate=0.5, within_hours=24.0)
    stock = {("BATTERY", "F0"): 1, ("BATTERY", "F1"): 2, ("BATTERY", "DC"): 1}
    scenarios = [
        Scenario("more", rate_factor={"BATTERY": 3.0}, days=60),
        Scenario("longer", lead_time_factor=3.0),
        Scenario("fewer", rate_factor=0.0),
    ]
    options = {"rng": 3, "replications": 200, "find_extra_stock": False}
    found = stress(network, demand, stock, scenarios, **options)
    more, longer, fewer = found.commitments
    assert more.stressed < more.usual
    assert longer.stressed < longer.usual
    assert fewer.stressed is None
    assert found.curves["more"][0, -4:] == pytest.approx([more.usual] * 4, abs=0.12)
    with ThreadPoolExecutor(3) as workers:
        again = stress(network, demand, stock, scenarios, **options, executor=workers)
    assert found.commitments.to_records() == again.commitments.to_records()
    assert all((found.curves[name] == again.curves[name]).all() for name in ("more", "longer"))


def test_lots_are_refused():
    network, demand = pool()
    parts = [row | {"order_quantity": 4} for row in network.parts.to_records()]
    network = network.replace(parts=parts)
    with pytest.raises(pp.PartsplanError, match="lot"):
        stress(network, demand, {("BATTERY", "DC"): 8}, Scenario("S"), rng=1)
