"""Repairs that wait for parts within parts, against the exact law of one site."""

import numpy as np
import pytest

import partsplan as pp
from partsplan.evaluation import indenture_figures

CASES = [
    # shared/cases/exact_two_indenture_single_site.json: LRU rate and repair days, shares and
    # repair days of the SRUs, stock, EBO of the SRUs and of the LRU, mean of the LRU's pipeline
    (
        (0.5, 2.0, [0.5, 0.3, 0.2], [4.0, 6.0, 10.0], 2, [1, 1, 1]),
        ([0.3678794411714423, 0.30656965974059913, 0.3678794411714423], 0.6135552830840836),
    ),
    (
        (1.2, 1.0, [0.6, 0.4], [5.0, 8.0], 3, [3, 2]),
        ([1.0557596904208397, 1.9655226318553258], 1.6724661663659808),
    ),
]


def one_site(rate, days, shares, sru_days, **lru):
    srus = [f"S{j}" for j in range(len(shares))]
    return pp.ServiceNetwork.from_tables(
        parts=[
            {"part_id": "LRU", "unit_cost": 10, "resupply_days": days} | lru,
            *(
                {"part_id": name, "unit_cost": 1, "resupply_days": time}
                for name, time in zip(srus, sru_days, strict=True)
            ),
        ],
        locations=[{"location_id": "BASE", "kind": "central"}],
        sites=[{"site_id": "A", "served_by": "BASE"}],
        equipment=[{"equipment_id": "M"}],
        bill_of_materials=[
            {"equipment_id": "M", "part_id": "LRU", "failures_per_year": 365.0 * rate},
            *(
                {
                    "equipment_id": "M",
                    "part_id": name,
                    "parent_part_id": "LRU",
                    "cause_fraction": share,
                }
                for name, share in zip(srus, shares, strict=True)
            ),
        ],
        installed_base=[{"site_id": "A", "equipment_id": "M", "machines": 1}],
        commitments=[{"commitment_id": "wait", "metric": "mean_wait", "target": 10.0}],
    )


def simulated(network, stock, **options):
    options = {"years": 4, "replications": 400, "rng": 1, "confidence": 0.999} | options
    return pp.simulate(network, pp.estimate_demand(network), stock, **options)


@pytest.mark.parametrize("case", CASES)
def test_late_units_are_those_of_the_exact_law(case):
    (rate, days, shares, sru_days, held, srus), (sru_late, lru_late) = case
    network = one_site(rate, days, shares, sru_days)
    stock = {("LRU", "BASE"): held} | {(f"S{j}", "BASE"): s for j, s in enumerate(srus)}
    seen = simulated(network, stock)
    bounds = seen.interval("expected_backorders")
    assert (bounds.lower[1:, 0] <= sru_late).all()
    assert (bounds.upper[1:, 0] >= sru_late).all()
    assert bounds.lower[0, 0] <= lru_late <= bounds.upper[0, 0]
    assert bounds.upper[0, 0] - bounds.lower[0, 0] < 0.1 * lru_late
    row = seen.commitments[0]
    assert row.lower <= 24 * lru_late / rate <= row.upper


def test_condemned_units_need_no_inner_part():
    network = one_site(
        0.5,
        None,
        [1.0],
        [50.0],
        repair_days=2.0,
        condemnation_fraction=0.75,
        procurement_days=2.0,
    )
    stock = {("LRU", "BASE"): 3}
    seen = simulated(network, stock)
    per_day = seen.sums.places.demands[1, 0] / (400 * 4 * 365)
    assert per_day == pytest.approx(0.25 * 0.5, rel=0.02)


def test_enough_inner_parts_change_nothing():
    network = one_site(0.5, 2.0, [0.5, 0.5], [4.0, 6.0])
    stock = {("LRU", "BASE"): 2, ("S0", "BASE"): 40, ("S1", "BASE"): 40}
    exact = pp.evaluate(network, pp.estimate_demand(network), stock)
    bounds = simulated(network, stock).interval("fill_rate")
    assert bounds.lower[0, 0] <= exact.fill_rate[0, 0] <= bounds.upper[0, 0]


def test_repairs_at_a_base_need_its_own_inner_parts():
    """A base that repairs all itself: only its own SRUs are asked for, one in two days."""
    network = one_site(0.5, 2.0, [1.0], [4.0]).replace(
        locations=[
            {"location_id": "DEPOT", "kind": "central"},
            {
                "location_id": "BASE",
                "kind": "forward",
                "replenished_from": "DEPOT",
                "replenishment_days": 3.0,
            },
        ],
        part_locations=[
            {
                "part_id": "LRU",
                "location_id": "BASE",
                "local_repair_fraction": 1.0,
                "local_repair_days": 2.0,
            }
        ],
    )
    demand = pp.estimate_demand(network)
    stock = {("LRU", "BASE"): 2, ("S0", "BASE"): 2, ("S0", "DEPOT"): 60}
    seen = simulated(network, stock)
    # the SRU's pipeline at the base is Poisson with 3 days of its demand, the LRU's own 2 days
    sru = indenture_figures((0.5, 2.0, 2), np.array([1.0]), np.array([3.0]), np.array([2]))
    bounds = seen.interval("expected_backorders")
    assert bounds.lower[1, 1] <= sru.sru_backorders[0] <= bounds.upper[1, 1]
    assert bounds.lower[0, 1] <= sru.expected_backorders <= bounds.upper[0, 1]
    assert seen.sums.places.demands[0, 0] == 0
    assert demand.per_year[0, 1] == pytest.approx(182.5)
    evaluated = pp.evaluate(network, demand, stock)
    assert evaluated.is_exact
    assert evaluated.expected_backorders[0, 1] == pytest.approx(sru.expected_backorders, rel=1e-9)


def test_what_is_refused():
    network = one_site(0.5, 2.0, [0.7, 0.5], [4.0, 6.0])
    with pytest.raises(pp.PartsplanError, match=r"inside 'LRU' add up to 1\.2"):
        simulated(network, {})
    with pytest.raises(ValueError, match="indentures must be False with life_shapes"):
        simulated(one_site(0.5, 2.0, [0.5], [4.0]), {}, finite_fleet=True)
