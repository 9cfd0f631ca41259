"""The front door: published figures, seeds and workers, what it says, and what it refuses."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from random_stocks import random_network

import partsplan as pp
from partsplan.simulation.arrivals import mean_order_size
from small_networks import one_location_tables, two_level_tables

RUN = {"years": 2.0, "replications": 5, "rng": 1}


@pytest.fixture(name="two_level")
def _two_level():
    network = pp.ServiceNetwork.from_tables(**two_level_tables())
    return network, pp.estimate_demand(network), {("P1", "DC"): 1, ("P1", "F1"): 1}


def arrays(performance):
    names = ("expected_backorders", "fill_rate", "mean_wait_days", "on_hand")
    return [getattr(performance, name) for name in names]


def test_two_levels_with_local_repair_are_as_computed_exactly():
    """shared/cases/exact_two_echelon_base_repair.json, second case (convolution, Graves 1985)."""
    network = pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P", "unit_cost": 1, "resupply_days": 8.0}],
        locations=[
            {"location_id": "DC", "kind": "central"},
            *(
                {
                    "location_id": name,
                    "kind": "forward",
                    "replenished_from": "DC",
                    "replenishment_days": days,
                }
                for name, days in (("B1", 1.0), ("B2", 2.0))
            ),
        ],
        part_locations=[
            {
                "part_id": "P",
                "location_id": name,
                "local_repair_fraction": share,
                "local_repair_days": 3.0,
            }
            for name, share in (("B1", 0.4), ("B2", 0.2))
        ],
    )
    rates = [[0.0, 0.3 * 365, 0.6 * 365]]
    demand = pp.DemandRates.from_arrays(["P"], ["DC", "B1", "B2"], rates)
    stock = {("P", "DC"): 4, ("P", "B1"): 2, ("P", "B2"): 3}
    seen = pp.simulate(network, demand, stock, years=10, replications=60, rng=1, confidence=0.999)
    published = {
        "expected_backorders": [1.6479352134361798, 0.12531402414097584, 0.5384051030030131],
        "fill_rate": [0.2278974405815866, 0.7392011978502959, 0.5601975579531648],
        "mean_wait_days": [2.4968715355093636, 0.41771341380325283, 0.8973418383383552],
    }
    for name, figures in published.items():
        bounds = seen.interval(name)
        assert (bounds.lower[0] < figures).all(), name
        assert (bounds.upper[0] > figures).all(), name
        assert (bounds.upper[0] - bounds.lower[0] < 0.2 * np.array(figures)).all(), name


def test_same_seed_gives_same_bytes_for_any_workers(two_level):
    run = RUN | {"years": 200.0, "replications": 120}
    here = pp.simulate(*two_level, **run)
    with ThreadPoolExecutor(3) as threads, ProcessPoolExecutor(2) as processes:
        others = [pp.simulate(*two_level, **run, executor=pool) for pool in (threads, processes)]
    again = pp.simulate(*two_level, **run | {"rng": 2})
    for other in others:
        assert all((a == b).all() for a, b in zip(here.sums.base, other.sums.base, strict=True))
        pairs = zip(arrays(here), arrays(other), strict=True)
        assert all(a.tobytes() == b.tobytes() for a, b in pairs)
        assert here.commitments.to_records() == other.commitments.to_records()
    assert again.commitments.to_records() != here.commitments.to_records()


def test_a_generator_is_a_seed_too(two_level):
    first, second = (
        pp.simulate(*two_level, **RUN | {"rng": np.random.default_rng(4)}) for _ in range(2)
    )
    assert first.commitments.to_records() == second.commitments.to_records()
    rng = np.random.default_rng(4)
    once, twice = (pp.simulate(*two_level, **RUN | {"rng": rng}) for _ in range(2))
    assert once.commitments.to_records() == first.commitments.to_records()
    assert twice.commitments.to_records() != first.commitments.to_records()


def test_without_stock_every_demand_waits_the_whole_way(two_level):
    network, demand, _ = two_level
    seen = pp.simulate(network, demand, {}, **RUN)
    part, f1 = network.part_index["P1"], network.location_index["F1"]
    assert seen.mean_wait_days[part, f1] == pytest.approx(33.0)
    assert seen.fill_rate[part, f1] == 0.0
    assert (seen.on_hand == 0.0).all()
    uptime = seen.commitments[0]
    # P1: 2 stops a year of 33 days and 2 h, P2: 1 stop of 24 + 3 days and 2 h
    rho = (2 * (33 * 24 + 2) + (27 * 24 + 2)) / 8760
    assert uptime.lower <= 1 / (1 + rho) <= uptime.upper


def test_demands_are_poisson_with_the_rate_of_the_network():
    network = pp.ServiceNetwork.from_tables(**one_location_tables())
    demand = pp.estimate_demand(network)
    seen = pp.simulate(network, demand, {("P1", "DC"): 1}, years=1, replications=4000, rng=3)
    places = seen.sums.places
    mean = places.demands[0, 0] / 4000
    variance = places.demands2[0, 0] / 4000 - mean**2
    assert mean == pytest.approx(12.0, abs=4 * np.sqrt(12 / 4000))
    assert variance == pytest.approx(12.0, rel=4 * np.sqrt(2 / 4000))


def test_clustered_demand_has_the_variance_asked_for():
    network = pp.ServiceNetwork.from_tables(**one_location_tables())
    rows = [{"part_id": "P1", "location_id": "DC", "per_year": 12.0, "variance_to_mean": 3.0}]
    demand = pp.DemandRates.from_table(rows)
    seen = pp.simulate(network, demand, {}, years=1, replications=8000, rng=3)
    mean = seen.sums.places.demands[0, 0] / 8000
    variance = seen.sums.places.demands2[0, 0] / 8000 - mean**2
    assert mean == pytest.approx(12.0, abs=0.3)
    assert variance == pytest.approx(36.0, rel=0.1)


def test_mean_order_size_is_that_of_the_logarithmic_law():
    q = 1 - 1 / 2.5
    assert mean_order_size(np.array([1.0, 2.5])) == pytest.approx(
        [1.0, -q / ((1 - q) * np.log(1 - q))]
    )


def test_nothing_late_is_not_proof_of_no_lateness(two_level):
    network, demand, _ = two_level
    stock = {(part, at): 30 for part in network.part_ids for at in network.location_ids}
    seen = pp.simulate(network, demand, stock, **RUN)
    fill = seen.commitments[1]
    n = seen.sums.units[1]
    assert (fill.achieved, fill.upper) == (1.0, 1.0)
    assert fill.lower == pytest.approx(0.025 ** (1 / n))


def test_a_scope_without_simulated_demand_is_unknown_and_without_any_is_kept(two_level):
    network, _, _ = two_level
    stock = {("P1", "F2"): 1}
    rows = [{"part_id": "P1", "site_id": "B", "per_year": 1e-6}]
    demand = pp.DemandRates.from_table(rows).aligned(network)
    seen = pp.simulate(network, demand, stock, **RUN)
    uptime, fill = seen.commitments
    assert (uptime.achieved, uptime.is_met) == (None, True)
    assert (fill.achieved, fill.lower, fill.upper, fill.is_met) == (None, None, None, None)
    assert "unknown fill" in seen.summary()


def test_events_are_the_demands_that_were_counted(two_level):
    seen = pp.simulate(*two_level, **RUN)
    counted = 0
    waits = 0.0
    for replication in range(5):
        table = seen.events("P1", replication)
        inside = table[table["is_counted"]]
        counted += len(inside)
        waits += inside["wait_days"].sum()
        assert (np.diff(table["day"]) >= 0).all()
        assert set(table["location_id"]) <= {"F1", "F2"}
        assert (inside["from_shelf"] | (inside["wait_days"] > 0)).all()
    assert counted > 0
    part = seen.experiment.model.network.part_index["P1"]
    classes = seen.experiment.customers.part == part
    assert classes.any()
    places = seen.sums.places
    assert counted == places.demands[part, 0]  # all of them are demands on the centre as well
    assert waits > 0


def test_records_frames_and_words(two_level):
    seen = pp.simulate(*two_level, **RUN)
    records = seen.to_records()
    assert records[0]["part_id"] == "P1"
    assert set(seen.to_frame().columns) == set(records[0])
    assert list(seen.commitments.to_frame()["commitment_id"]) == ["up", "fill"]
    assert "Simulated performance" in seen._repr_html_()
    assert "replications=5" in repr(seen)
    assert "5 replications of 2 years" in seen.summary()


def test_progress_counts_pieces(two_level):
    told = []
    pp.simulate(*two_level, **RUN, progress=lambda done, all_: told.append((done, all_)))
    assert told[-1][0] == told[-1][1] == len(told)


def test_a_network_without_demand_is_simulated_as_it_is(two_level):
    network, _, stock = two_level
    demand = pp.DemandRates.from_table([{"part_id": "P1", "location_id": "F1", "per_year": 0.0}])
    seen = pp.simulate(network, demand, stock, **RUN)
    assert seen.demands == 0
    assert seen.on_hand.sum() == 2.0
    assert seen.events("P1").empty


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"years": -1}, "years must be above 0, got -1"),
        ({"years": float("nan")}, "years must be above 0, got nan"),
        ({"replications": 0}, "replications must be a whole number of 2 or more, got 0"),
        ({"replications": 2.5}, "replications must be a whole number of 2 or more, got 2.5"),
        ({"rng": -3}, "rng must be a whole number of 0 or more or a numpy Generator, got -3"),
        ({"rng": None}, "rng must be a whole number of 0 or more or a numpy Generator, got None"),
        ({"confidence": 1.0}, "confidence must be strictly between 0 and 1, got 1.0"),
        ({"warmup_years": -1}, "warmup_years must be 0 or more, got -1"),
        ({"lead_times": "normal"}, "lead_times must be one of deterministic, exponential"),
        ({"lead_times": "gamma"}, "resupply_cv must be above 0 for lead_times='gamma'"),
        ({"resupply_cv": 0.3}, "resupply_cv must be left out with lead_times='deterministic'"),
        ({"lead_times": "gamma", "resupply_cv": 0.0}, "resupply_cv must be above 0, got 0.0"),
    ],
)
def test_bad_arguments_say_what_they_must_be(two_level, changes, message):
    with pytest.raises(ValueError, match=message):
        pp.simulate(*two_level, **RUN | changes)


def test_stock_of_another_network_names_the_part(two_level):
    network, demand, _ = two_level
    with pytest.raises(pp.InputError, match="'PX' is not a part"):
        pp.simulate(network, demand, {("PX", "DC"): 1}, **RUN)


def test_demand_of_another_network_names_the_location(two_level):
    network, _, stock = two_level
    demand = pp.DemandRates.from_table([{"part_id": "P1", "location_id": "Z", "per_year": 1.0}])
    with pytest.raises(pp.InputError, match="'Z' is not a location"):
        pp.simulate(network, demand, stock, **RUN)


def test_swapped_arguments_are_named(two_level):
    network, demand, stock = two_level
    with pytest.raises(ValueError, match="network comes first"):
        pp.simulate(demand, network, stock, **RUN)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda seen: seen.interval("speed"), "figure must be one of expected_backorders"),
        (lambda seen: seen.events("P9"), "part_id must be a part of the network, got 'P9'"),
        (lambda seen: seen.events("P1", 5), "replication must be from 0 to 4, got 5"),
    ],
)
def test_bad_questions_say_what_there_is(two_level, ask, message):
    seen = pp.simulate(*two_level, **RUN)
    with pytest.raises(ValueError, match=message):
        ask(seen)


def test_a_longer_warmup_changes_nothing_but_chance():
    network, demand, stock = random_network(3)
    plain, long = (
        pp.simulate(
            network,
            demand,
            stock,
            years=20,
            replications=60,
            rng=6,
            warmup_years=warmup,
            confidence=0.999,
        )
        for warmup in (None, 3.0)
    )
    for name in ("expected_backorders", "on_hand"):
        bounds = plain.interval(name)
        inside = (bounds.lower <= getattr(long, name)) & (getattr(long, name) <= bounds.upper)
        assert inside.mean() >= 0.8
