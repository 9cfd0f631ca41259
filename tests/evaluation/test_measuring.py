"""What is exact, and what an approximate evaluation leaves exact."""

import pytest
from test_model import CHAIN, chain_tables

import partsplan as pp


def repaired(fraction, days=4.0, place="F"):
    return [
        {
            "part_id": "FAN",
            "location_id": place,
            "local_repair_fraction": fraction,
            "local_repair_days": days,
        }
    ]


def performance_of(held, evaluation="exact", lanes=CHAIN, **changes):
    network = pp.ServiceNetwork.from_tables(**chain_tables(lanes, **changes))
    stock = {("FAN", place): level for place, level in held.items()}
    return pp.evaluate(network, pp.estimate_demand(network), stock, evaluation=evaluation)


def response(within_hours, **scope):
    row = {"commitment_id": "R", "metric": "response", "target": 0.5, "within_hours": within_hours}
    return [row | scope]


@pytest.mark.parametrize(
    ("within", "fraction", "is_exact"),
    [
        (1.0, 0.3, True),  # u = 0: the fill rate
        (24.9, 0.3, True),  # u below T = 1 day, R = 4 days
        (25.0, 0.3, False),  # u = T: orders cross
        (200.0, 0.3, False),
        (200.0, 0.0, True),
        (25.0, 1.0, True),  # all repaired: nothing to cross
        (0.5, 0.3, True),  # u < 0: always late
    ],
)
def test_windows_with_local_repair(within, fraction, is_exact):
    performance = performance_of(
        {"F": 1}, part_locations=repaired(fraction), commitments=response(within)
    )
    assert performance.is_exact is is_exact


def test_other_metrics_stay_exact_with_local_repair():
    commitments = [
        {"commitment_id": metric, "metric": metric, "target": 0.5}
        for metric in ("uptime", "fill_rate", "mean_wait")
    ]
    tables = {"part_locations": repaired(0.3), "commitments": commitments}
    assert performance_of({"F": 1}, **tables).is_exact


def test_direct_shipping_past_a_repair_shop_is_approximate():
    tables = {"part_locations": repaired(0.3), "commitments": response(6.0)}
    assert not performance_of({"HUB": 1, "REG": 1}, **tables).is_exact
    assert performance_of({"F": 1, "REG": 1}, **tables).is_exact
    assert performance_of({"REG": 1}, lanes=("F",), **tables).is_exact


def test_windows_of_ancestors_that_do_not_ship_do_not_count():
    """REG repairs in 12 hours and has 17 for its lane of 6; it ships only while F holds nothing."""
    tables = {"part_locations": repaired(0.3, place="REG"), "commitments": response(23.0)}
    tables["part_locations"][0]["local_repair_days"] = 0.5
    assert performance_of({"F": 1, "REG": 1}, **tables).is_exact
    assert not performance_of({"REG": 1}, **tables).is_exact


@pytest.mark.parametrize("evaluation", ["vari_metric", "metric"])
def test_shares_stay_exact_under_an_approximate_evaluation(evaluation):
    held = {"F": 1, "REG": 1, "HUB": 2}
    exact = {c.commitment_id: c.achieved for c in performance_of(held).commitments}
    performance = performance_of(held, evaluation)
    other = {c.commitment_id: c.achieved for c in performance.commitments}
    for name in ("FILL", "IN8", "IN30"):
        assert other[name] == exact[name]
    for name in ("WAIT", "UP"):
        assert other[name] != exact[name]
    assert not performance.is_exact
    assert performance.evaluation == evaluation
