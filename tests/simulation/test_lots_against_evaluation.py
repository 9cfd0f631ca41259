"""Lots at the top: what `evaluate` says is what `simulate` sees, in every figure and commitment."""

import numpy as np
import pytest

import partsplan as pp


def network_of(part, **tables):
    locations = [
        {"location_id": "DC", "kind": "central"},
        {"location_id": "F", "replenished_from": "DC", "replenishment_days": 3.0},
        {"location_id": "G", "replenished_from": "DC", "replenishment_days": 1.0},
    ]
    return pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P", "unit_cost": 50.0, "resupply_days": 25.0} | part],
        locations=[{"kind": "forward"} | row for row in locations],
        sites=[{"site_id": f"S{at}", "served_by": at} for at in ("DC", "F", "G")],
        equipment=[{"equipment_id": "M"}],
        bill_of_materials=[{"equipment_id": "M", "part_id": "P", "failures_per_year": 2.0}],
        installed_base=[
            {"site_id": f"S{at}", "equipment_id": "M", "machines": machines}
            for at, machines in (("DC", 4), ("F", 12), ("G", 8))
        ],
        lanes=[
            {"location_id": at, "site_id": f"S{to}", "hours": 4.0 + 20.0 * (at != to)}
            for at, to in (("DC", "DC"), ("F", "F"), ("G", "G"), ("DC", "F"))
        ],
        commitments=[
            {"commitment_id": "U", "metric": "uptime", "target": 0.5},
            {"commitment_id": "W", "metric": "mean_wait", "target": 100.0, "each": "location"},
            {"commitment_id": "R", "metric": "response", "target": 0.5, "within_hours": 60.0},
            {"commitment_id": "F", "metric": "fill_rate", "target": 0.5},
        ],
        **tables,
    )


@pytest.mark.parametrize(
    ("part", "stock"),
    [
        ({"order_quantity": 5}, (7, 2, 1)),
        ({"order_quantity": 12}, (8, 1, 1)),
        ({"order_quantity": 3}, (6, 0, 2)),
        ({"order_cost": 60.0}, (14, 1, 0)),
    ],
    ids=["R = 2", "a lot above the stock", "the centre ships", "the economic lot"],
)
@pytest.mark.parametrize("shape", [None, 3.0])
def test_figures_and_commitments(part, stock, shape):
    network = network_of(part)
    demand = pp.estimate_demand(network)
    if shape:
        rows = [
            {"part_id": "P", "site_id": f"S{at}", "per_year": rate, "rate_shape": shape}
            for at, rate in (("DC", 8.0), ("F", 24.0), ("G", 16.0))
        ]
        network = network.replace(
            demand=rows, commitments=[row for row in COMMITMENTS if row["metric"] != "uptime"]
        )
        demand = pp.estimate_demand(network)
    levels = {("P", at): s for at, s in zip(("DC", "F", "G"), stock, strict=True)}
    told = pp.evaluate(network, demand, levels)
    assert told.is_exact
    seen = pp.simulate(
        network, demand, levels, years=20, replications=1500, rng=4, confidence=0.9999
    )
    for name in ("fill_rate", "mean_wait_days", "on_hand"):
        bounds, figure = seen.interval(name), getattr(told, name)
        stocked = np.array([stock]) > 0  # a place without stock leaves its customers to others
        assert (bounds.lower <= figure + 1e-9)[stocked].all(), name
        assert (figure <= bounds.upper + 1e-9)[stocked].all(), name
    for mine, theirs in zip(told.commitments, seen.commitments, strict=True):
        assert theirs.lower <= mine.achieved <= theirs.upper, mine.commitment_id


COMMITMENTS = [
    {"commitment_id": "W", "metric": "mean_wait", "target": 100.0},
    {"commitment_id": "R", "metric": "response", "target": 0.5, "within_hours": 60.0},
    {"commitment_id": "F", "metric": "fill_rate", "target": 0.5},
]


def test_what_is_refused():
    network = network_of({"order_quantity": 5})
    demand = pp.estimate_demand(network)
    run = {"years": 1, "replications": 2, "rng": 1}
    repaired = network.replace(
        part_locations=[
            {
                "part_id": "P",
                "location_id": "DC",
                "local_repair_fraction": 0.5,
                "local_repair_days": 3.0,
            }
        ]
    )
    with pytest.raises(pp.PartsplanError, match="no lots where the top location repairs a share"):
        pp.simulate(repaired, demand, {}, **run)
    today = network.replace(stock=[{"part_id": "P", "location_id": "DC", "on_hand": 3}])
    with pytest.raises(pp.PartsplanError, match="from today's position orders one for one, but"):
        pp.simulate(today, demand, {}, opening="position", **run)
