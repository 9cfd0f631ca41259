"""Expedited shortages against exact Markov chains (shared/cases, computed in double precision)."""

from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

import partsplan as pp
from partsplan.simulation.lead_times import LeadTimes
from partsplan.simulation.performance import simulated_performance
from partsplan.simulation.running import Experiment, run_pieces
from partsplan.simulation.simulate import experiment_on

LATERAL = [
    # exact_lateral_ctmc.json: demand and resupply rates per day, stock, order of the sources,
    # shares shipped by the own location and from outside, units on the shelf
    ([0.1, 0.1], [0.1, 0.1], [1, 1], None, [0.4, 0.4], [0.4, 0.4], [0.4, 0.4]),
    (
        [0.05, 0.2],
        [0.1, 0.1],
        [1, 2],
        None,
        [0.46320541760722334, 0.565237020316027],
        [0.2821670428893906, 0.2821670428893906],
        [0.46320541760722334, 0.7422121962616527],
    ),
    (
        [0.3, 0.3, 0.3],
        [0.2, 0.2, 0.2],
        [2, 2, 2],
        None,
        [0.5240929703458593, 0.551350517980912, 0.5860903489400444],
        [0.15416648173337774] * 3,
        [0.6814025428757555, 0.7268517637537857, 0.7854948611706561],
    ),
    (
        [0.1, 0.2],
        [0.1, 0.4],
        [2, 1],
        None,
        [0.66379840196681, 0.6367547633681623],
        [0.15673017824216356] * 2,
        [0.9231714812538412, 0.6367547633681623],
    ),
    (
        [0.05, 0.1, 0.2],
        [0.1, 0.1, 0.1],
        [1, 1, 2],
        [[0, 1, 2], [1, 2, 0], [2, 0, 1]],
        [0.4023146697459583, 0.3685960305286714, 0.5014694730573758],
        [0.26027100271002684] * 3,
        [0.4023146697459583, 0.3685960305286714, 0.6400378092104655],
    ),
]

CENTRE = [
    # exact_emergency_two_echelon_ctmc.json: demand per day, transport rates, repair rate, stock of
    # the centre and of the locations, shares shipped by the location, by the centre, from outside
    (
        ([0.1], [1.0], 0.1, 1, [1]),
        ([0.7523510971786833], [0.006269592476489028], [0.24137931034482765]),
    ),
    (
        ([0.05, 0.3], [0.5, 1.0], 0.125, 3, [1, 2]),
        (
            [0.8640285726048236, 0.8780668066241104],
            [0.03335195287629529, 0.006027756927029188],
            [0.10261947451888151, 0.11590543644886071],
        ),
    ),
]


def pool(days, orders, *, parents=None, shortages="expedite", commitments=()):
    """Locations L0, L1, ...; site S{k} asks the k-th order; the n-th source takes n hours."""
    locations, own = [], []
    for j, time in enumerate(days):
        row = {"location_id": f"L{j}", "kind": "forward"}
        if parents and parents[j] >= 0:
            row |= {"replenished_from": f"L{parents[j]}", "replenishment_days": time}
        else:
            own.append({"part_id": "P", "location_id": f"L{j}", "resupply_days": time})
        locations.append(row)
    return pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P", "unit_cost": 1.0, "resupply_days": 1.0, "emergency_hours": 48.0}],
        locations=locations,
        part_locations=own,
        sites=[{"site_id": f"S{k}", "served_by": f"L{o[0]}"} for k, o in enumerate(orders)],
        lanes=[
            {"location_id": f"L{j}", "site_id": f"S{k}", "hours": float(n)}
            for k, order in enumerate(orders)
            for n, j in enumerate(order)
        ],
        commitments=list(commitments),
        shortages=shortages,
    )


def demand_of(per_day):
    return pp.DemandRates.from_table(
        [
            {"part_id": "P", "site_id": f"S{k}", "per_year": 365 * rate}
            for k, rate in enumerate(per_day)
        ]
    )


def simulated(network, demand, stock, *, laws=None, years=2.0, replications=1500, rng=1):
    experiment = experiment_on(network, demand, stock, years=years, lead_times="exponential")
    if laws is not None:
        experiment = Experiment.of(experiment.model, experiment.stock, laws, years * 365.0)
    sums = run_pieces(experiment, replications, (rng,))
    return simulated_performance(
        experiment, sums, confidence=0.999, years=years, entropy=(rng,), runtime_seconds=0.0
    )


def assert_share(seen, location, source, share):
    row = next(
        row for row in seen.sources() if (row["location_id"], row["source"]) == (location, source)
    )
    assert row["lower"] <= share <= row["upper"], (location, source, row, share)
    assert row["upper"] - row["lower"] < 0.03


@pytest.mark.parametrize("case", LATERAL)
def test_lateral_supply_is_that_of_the_markov_chain(case):
    rates, resupply, stock, orders, local, outside, on_hand = case
    n = len(rates)
    orders = orders or [[j, *(i for i in range(n) if i != j)] for j in range(n)]
    network = pool([1 / rate for rate in resupply], orders)
    levels = {("P", f"L{j}"): units for j, units in enumerate(stock)}
    seen = simulated(network, demand_of(rates), levels)
    for j in range(n):
        assert_share(seen, f"L{j}", f"L{j}", local[j])
        assert_share(seen, f"L{j}", "outside", outside[j])
    shelf = seen.interval("on_hand")
    fill = seen.interval("fill_rate")
    assert (shelf.lower[0] <= on_hand).all()
    assert (shelf.upper[0] >= on_hand).all()
    assert (fill.lower[0] <= local).all()
    assert (fill.upper[0] >= local).all()


@pytest.mark.parametrize("case", CENTRE)
def test_a_centre_with_finite_stock_is_that_of_the_markov_chain(case):
    """Transport is exponential in the chain, so here it is too; the centre is the last source."""
    (rates, transport, repair, at_centre, stock), (local, centre, outside) = case
    n = len(rates)
    network = pool(
        [1 / repair, *(1 / rate for rate in transport)],
        [[j + 1, 0] for j in range(n)],
        parents=[-1, *([0] * n)],
    )
    levels = {("P", "L0"): at_centre} | {("P", f"L{j + 1}"): s for j, s in enumerate(stock)}
    laws = LeadTimes("exponential", np.ones(1), transit_cv=1.0)
    seen = simulated(network, demand_of(rates), levels, laws=laws, replications=2000)
    for j in range(n):
        assert_share(seen, f"L{j + 1}", f"L{j + 1}", local[j])
        assert_share(seen, f"L{j + 1}", "L0", centre[j])
        assert_share(seen, f"L{j + 1}", "outside", outside[j])


@pytest.mark.parametrize(
    ("load", "stock", "fill"),
    # exact_erlang_loss.json
    [(0.5, 1, 0.6666666666666667), (0.5, 3, 0.9873417721518988), (1.0, 2, 0.8)],
)
@pytest.mark.parametrize("law", ["deterministic", "exponential", "gamma"])
def test_one_location_loses_by_erlang_whatever_the_law(load, stock, fill, law):
    network = pool([10.0], [[0]])
    seen = pp.simulate(
        network,
        demand_of([load / 10]),
        {("P", "L0"): stock},
        years=2,
        replications=2000,
        rng=2,
        confidence=0.999,
        lead_times=law,
        resupply_cv=0.6 if law == "gamma" else None,
    )
    bounds = seen.interval("fill_rate")
    assert bounds.lower[0, 0] <= fill <= bounds.upper[0, 0]
    shelf = seen.interval("on_hand")
    assert shelf.lower[0, 0] <= stock - load * fill <= shelf.upper[0, 0]


def test_commitments_follow_from_who_ships():
    """Erlang loss at one location: a share of 1/3 comes from outside in 48 hours."""
    network = pool(
        [10.0],
        [[0]],
        commitments=[
            {"commitment_id": "fill", "metric": "fill_rate", "target": 0.5},
            {"commitment_id": "wait", "metric": "mean_wait", "target": 20.0},
            {"commitment_id": "day", "metric": "response", "target": 0.5, "within_hours": 24.0},
            {"commitment_id": "week", "metric": "response", "target": 0.5, "within_hours": 168.0},
        ],
    )
    seen = simulated(network, demand_of([0.05]), {("P", "L0"): 1})
    expected = {"fill": 2 / 3, "wait": 16.0, "day": 2 / 3, "week": 1.0}
    for row in seen.commitments:
        assert row.lower <= expected[row.commitment_id] <= row.upper
    exact = pp.evaluate(network, demand_of([0.05]), {("P", "L0"): 1})
    assert [row.achieved for row in exact.commitments] == pytest.approx(list(expected.values()))


def test_who_ships_reorders_and_the_outside_does_not():
    """L1 holds nothing: L0 ships all it can, and every unit on the way is L0's own order."""
    network = pool([5.0, 5.0], [[0], [1, 0]])
    seen = simulated(network, demand_of([0.001, 0.3]), {("P", "L0"): 2})
    shares = {(row["location_id"], row["source"]): row["share"] for row in seen.sources()}
    assert shares["L1", "L1"] == 0.0
    load = 0.301 * 5
    loss = (load**2 / 2) / (1 + load + load**2 / 2)
    assert_share(seen, "L1", "outside", loss)
    assert seen.on_hand[0, 0] == pytest.approx(2 - load * (1 - loss), abs=0.02)
    assert seen.on_hand[0, 1] == 0.0


def test_events_name_who_shipped():
    network = pool([10.0, 10.0], [[0, 1], [1, 0]])
    seen = simulated(
        network, demand_of([0.1, 0.1]), {("P", "L0"): 1, ("P", "L1"): 1}, replications=20
    )
    table = seen.events("P")
    assert set(table["shipped_from"]) == {"L0", "L1", "outside"}
    own = table["shipped_from"] == table["location_id"]
    assert (own == table["from_shelf"]).all()
    assert set(table["wait_days"][own]) == {0.0}
    outside = table[table["shipped_from"] == "outside"]
    assert set(outside["wait_days"]) == {2.0}


def test_same_seed_same_figures_and_local_repair():
    network = pool([10.0, 3.0], [[1, 0]], parents=[-1, 0])
    network = network.replace(
        part_locations=[
            {
                "part_id": "P",
                "location_id": "L1",
                "local_repair_fraction": 0.5,
                "local_repair_days": 1.0,
            }
        ]
    )
    stock = {("P", "L0"): 2, ("P", "L1"): 2}
    first, second = (simulated(network, demand_of([0.2]), stock, replications=60) for _ in range(2))
    assert first.sources() == second.sources()
    assert first.fill_rate[0, 1] > 0.9


def test_any_workers_give_the_same_bytes():
    network = pool([10.0, 10.0], [[0, 1], [1, 0]])
    stock = {("P", "L0"): 1, ("P", "L1"): 1}
    run = {"years": 4.0, "replications": 4000, "rng": 8}
    here = pp.simulate(network, demand_of([0.2, 0.2]), stock, **run)
    with ProcessPoolExecutor(2) as workers:
        there = pp.simulate(network, demand_of([0.2, 0.2]), stock, **run, executor=workers)
    assert here.sources() == there.sources()
    for name in ("fill_rate", "on_hand", "mean_wait_days", "expected_backorders"):
        assert getattr(here, name).tobytes() == getattr(there, name).tobytes()
