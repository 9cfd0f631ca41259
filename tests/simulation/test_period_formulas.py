"""Contract risk by formulas: against the simulation, and where formulas do not reach."""

import copy

import numpy as np
import pytest

import partsplan as pp
from partsplan.simulation import period_probabilities
from small_networks import one_location_tables, two_level_tables

QUARTER = {"period_months": 3}
PROMISES = [
    {"commitment_id": "fill", "metric": "fill_rate", "target": 0.8},
    {"commitment_id": "A", "metric": "fill_rate", "target": 0.7, "site_id": "A"},
    {"commitment_id": "P2", "metric": "fill_rate", "target": 0.75, "part_id": "P2"},
    {"commitment_id": "soon", "metric": "response", "target": 0.8, "within_hours": 3.0},
    {"commitment_id": "days", "metric": "response", "target": 0.8, "within_hours": 100.0},
    {"commitment_id": "up", "metric": "uptime", "target": 0.97},
    {"commitment_id": "wait", "metric": "mean_wait", "target": 100.0},
]


def two_levels(machines=(3, 5), **more):
    tables = copy.deepcopy(two_level_tables())
    for row, count in zip(tables["installed_base"], machines, strict=True):
        row["machines"] = count
    for row in tables["bill_of_materials"]:
        row |= {"stopping_fraction": 0.5, "repair_hours": 8.0}
    tables["commitments"] = [row | QUARTER for row in PROMISES]
    network = pp.ServiceNetwork.from_tables(**tables | more)
    return network, pp.estimate_demand(network)


def stock_of(network, levels):
    """Levels by part and location in their order."""
    pairs = [(part, at) for part in network.part_ids for at in network.location_ids]
    return dict(zip(pairs, levels, strict=True))


CASES = {
    "nothing held at the top": ([0, 1, 0, 0, 1, 1], {}, {"fill", "A", "P2", "soon"}),
    "a centre that never runs out": ([90, 1, 0, 90, 1, 1], {}, {"fill", "A", "P2", "soon"}),
    "nothing held at all": ([0] * 6, {}, {row["commitment_id"] for row in PROMISES} - {"up"}),
    "plenty": ([90] * 6, {}, {row["commitment_id"] for row in PROMISES}),
    "a centre that may run out": ([2, 1, 1, 1, 90, 90], {}, {"P2"}),
    "uncertain rates": (
        [0, 1, 0, 0, 1, 1],
        {"failures": [{"part_id": "P1", "failures": 3, "operating_hours": 20_000.0}]},
        {"fill", "A", "P2", "soon"},
    ),
}


@pytest.mark.parametrize("name", list(CASES))
def test_formulas_and_simulation_agree(name):
    levels, more, reached = CASES[name]
    network, demand = two_levels(**more)
    stock = stock_of(network, levels)
    exact = period_probabilities(network, demand, stock, rng=1, method="formula")
    options = {"rng": 2, "periods": 8000, "confidence": 0.9999}
    seen = period_probabilities(network, demand, stock, **options, method="simulation")
    by_id = {row.commitment_id: row for row in seen}
    assert reached <= {row.commitment_id for row in exact}
    for row in exact:
        other = by_id[row.commitment_id]
        assert row.method == "formula"
        assert other.method == "simulation"
        assert other.lower <= row.probability <= other.upper
        assert row.upper - row.lower <= 2e-5
        assert row.demands == pytest.approx(other.demands, rel=0.05)
        assert row.lower <= row.probability <= row.upper


@pytest.mark.parametrize("shape", [None, 4.0])
@pytest.mark.parametrize("levels", [(1, 1), (2, 1), (0, 3)])
def test_exponential_times_at_the_top(levels, shape):
    """Two parts at one place: their demands and misses add up, each with a rate of its own."""
    tables = one_location_tables()
    tables["parts"].append({"part_id": "P2", "unit_cost": 1.0, "resupply_days": 20.0})
    rows = [
        {"part_id": part, "location_id": "DC", "per_year": rate}
        for part, rate in (("P1", 5.0), ("P2", 7.0))
    ]
    tables["demand"] = [row | ({"rate_shape": shape} if shape else {}) for row in rows]
    tables["commitments"] = [PROMISES[0] | QUARTER]
    network = pp.ServiceNetwork.from_tables(**tables)
    given = (network, pp.estimate_demand(network), stock_of(network, levels))
    law = {"lead_times": "gamma", "resupply_cv": 1.0}
    exact = period_probabilities(*given, rng=1, **law)[0]
    assert exact.method == "formula"
    seen = period_probabilities(
        *given,
        rng=1,
        lead_times="exponential",
        method="simulation",
        periods=8000,
        confidence=0.9999,
    )[0]
    assert seen.lower <= exact.probability <= seen.upper
    assert exact.median == pytest.approx(seen.median, abs=0.15)


@pytest.mark.parametrize(
    "more",
    [
        {"shortages": "expedite"},
        {
            "part_locations": [
                {
                    "part_id": part,
                    "location_id": "F1",
                    "local_repair_fraction": 0.5,
                    "local_repair_days": 4.0,
                }
                for part in ("P1", "P2")
            ]
        },
    ],
)
def test_what_formulas_do_not_reach_is_simulated(more):
    parts = [row | {"emergency_hours": 24.0} for row in two_level_tables()["parts"]]
    network, demand = two_levels(**more, parts=parts)
    stock = stock_of(network, [0, 1, 1, 0, 1, 1])
    rows = period_probabilities(network, demand, stock, rng=1, periods=50)
    assert {row.method for row in rows} == {"simulation"}
    assert len(period_probabilities(network, demand, stock, rng=1, method="formula")) == 0


def test_lots_and_clusters_are_simulated():
    tables = one_location_tables()
    tables["commitments"] = [PROMISES[0] | QUARTER]
    lots = copy.deepcopy(tables)
    lots["parts"][0]["order_quantity"] = 3
    clustered = copy.deepcopy(tables)
    clustered["demand"][0]["variance_to_mean"] = 1.5
    for given, method in ((tables, "formula"), (lots, "simulation"), (clustered, "simulation")):
        network = pp.ServiceNetwork.from_tables(**given)
        asked = (network, pp.estimate_demand(network), {("P1", "DC"): 3})
        row = period_probabilities(*asked, rng=1, periods=50, lead_times="exponential")[0]
        assert row.method == method


def test_weights_without_a_common_step_are_simulated():
    """Stops of 8 hours and of pi hours have no lattice of a useful width."""
    network, _ = two_levels()
    stock = stock_of(network, [90] * 6)
    bill = network.bill_of_materials.to_records()
    bill[0]["repair_hours"] = float(np.pi)
    odd = network.replace(bill_of_materials=bill)
    methods = {
        row.commitment_id: row.method
        for row in period_probabilities(odd, pp.estimate_demand(odd), stock, rng=1, periods=50)
    }
    assert methods["up"] == "simulation"
    assert methods["fill"] == "formula"


def test_commitments_of_formulas_do_not_depend_on_the_seed_or_the_others():
    network, demand = two_levels()
    stock = stock_of(network, [2, 1, 1, 0, 1, 0])
    rows = [period_probabilities(network, demand, stock, rng=rng, periods=60) for rng in (1, 2)]
    for first, second in zip(*rows, strict=True):
        assert first.method == second.method
        assert (first == second) or first.method == "simulation"
    assert {row.method for row in rows[0]} == {"formula", "simulation"}
