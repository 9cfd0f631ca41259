"""Who ships a part, and how parts are put into blocks."""

import numpy as np
import pytest
from awkward_networks import all_commitments, awkward_tables
from numpy.testing import assert_allclose

import partsplan as pp
from partsplan.evaluation.commitments import promises_of
from partsplan.evaluation.measuring import used
from partsplan.evaluation.model import ServiceModel

HOURS = {"F": 1.0, "REG": 6.0, "HUB": 20.0}
PER_YEAR = 12.0


def chain_tables(lanes, **changes):
    """HUB replenishes REG, REG replenishes F; F serves one site with one machine."""
    locations = [
        {"location_id": "HUB", "kind": "central"},
        {
            "location_id": "REG",
            "kind": "regional",
            "replenished_from": "HUB",
            "replenishment_days": 3.0,
        },
        {
            "location_id": "F",
            "kind": "forward",
            "replenished_from": "REG",
            "replenishment_days": 1.0,
        },
    ]
    tables = {
        "parts": [{"part_id": "FAN", "unit_cost": 10.0, "resupply_days": 20.0}],
        "locations": locations,
        "sites": [{"site_id": "SITE", "served_by": "F"}],
        "equipment": [{"equipment_id": "RACK"}],
        "bill_of_materials": [
            {"equipment_id": "RACK", "part_id": "FAN", "failures_per_year": PER_YEAR}
        ],
        "installed_base": [{"site_id": "SITE", "equipment_id": "RACK", "machines": 1}],
        "lanes": [
            {"location_id": place, "site_id": "SITE", "hours": HOURS[place]} for place in lanes
        ],
        "commitments": [
            {"commitment_id": "UP", "metric": "uptime", "target": 0.5},
            {"commitment_id": "WAIT", "metric": "mean_wait", "target": 5.0},
            {"commitment_id": "FILL", "metric": "fill_rate", "target": 0.5},
            {"commitment_id": "IN8", "metric": "response", "target": 0.5, "within_hours": 8.0},
            {"commitment_id": "IN30", "metric": "response", "target": 0.5, "within_hours": 30.0},
        ],
    }
    return tables | changes


def evaluated(tables, held):
    network = pp.ServiceNetwork.from_tables(**tables)
    stock = {("FAN", place): level for place, level in held.items()}
    return pp.evaluate(network, pp.estimate_demand(network), stock)


CHAIN = ("F", "REG", "HUB")
CASES = [
    # lanes, held, who ships
    (CHAIN, {"F": 1, "REG": 1, "HUB": 1}, "F"),
    (CHAIN, {"F": 0, "REG": 1, "HUB": 1}, "REG"),
    (CHAIN, {"F": 0, "REG": 0, "HUB": 1}, "HUB"),
    (CHAIN, {"F": 0, "REG": 0, "HUB": 0}, "F"),
    (("F", "HUB"), {"F": 0, "REG": 1, "HUB": 1}, "HUB"),
    (("F", "HUB"), {"F": 0, "REG": 1, "HUB": 0}, "F"),
    (("F", "REG"), {"F": 0, "REG": 0, "HUB": 2}, "F"),
    (("F", "REG"), {"F": 0, "REG": 3, "HUB": 0}, "REG"),
    (("F",), {"F": 0, "REG": 2, "HUB": 1}, "F"),
    (("F",), {"F": 2, "REG": 0, "HUB": 0}, "F"),
]


@pytest.mark.parametrize(("lanes", "held", "shipper"), CASES)
def test_the_nearest_ancestor_with_stock_and_a_lane_ships(lanes, held, shipper):
    performance = evaluated(chain_tables(lanes), held)
    place = ["HUB", "REG", "F"].index(shipper)
    achieved = {c.commitment_id: c.achieved for c in performance.commitments}
    wait_hours = 24.0 * performance.mean_wait_days[0, place]
    assert_allclose(achieved["WAIT"], wait_hours, rtol=1e-12)
    rho = PER_YEAR * (wait_hours + HOURS[shipper]) / 8760.0
    assert_allclose(achieved["UP"], 1.0 / (1.0 + rho), rtol=1e-12)
    assert_allclose(achieved["FILL"], performance.fill_rate[0, 2], rtol=1e-12)


@pytest.mark.parametrize(("lanes", "held", "shipper"), CASES)
def test_response_has_the_window_of_the_shipper(lanes, held, shipper):
    performance = evaluated(chain_tables(lanes), held)
    achieved = {c.commitment_id: c.achieved for c in performance.commitments}
    if shipper == "HUB":
        assert achieved["IN8"] == 0.0
        days = 20.0 - 10.0 / 24.0
        mean = PER_YEAR / 365.0 * days
        assert held["HUB"] == 1
        assert_allclose(achieved["IN30"], np.exp(-mean), rtol=1e-12)
    elif not any(held.values()):
        assert achieved["IN8"] == achieved["IN30"] == 0.0
    elif held[shipper]:
        place = ["HUB", "REG", "F"].index(shipper)
        assert achieved["IN30"] > achieved["IN8"] > performance.fill_rate[0, place]


def test_where_no_stock_may_be_the_centre_ships():
    tables = chain_tables(CHAIN)
    barred = [row | {"stocks_parts": row["location_id"] == "HUB"} for row in tables["locations"]]
    one = evaluated(tables | {"locations": barred}, {"HUB": 1})
    other = evaluated(tables, {"HUB": 1})
    assert one.commitments.to_records() == other.commitments.to_records()


def test_without_any_lane_the_part_goes_down_the_tree():
    tables = chain_tables(CHAIN)
    del tables["lanes"]
    performance = evaluated(tables, {"HUB": 1})
    achieved = {c.commitment_id: c.achieved for c in performance.commitments}
    assert_allclose(achieved["WAIT"], 24.0 * performance.mean_wait_days[0, 2], rtol=1e-12)
    assert performance.mean_wait_days[0, 2] > 4.0


def test_an_empty_served_by_is_the_nearest_lane():
    tables = chain_tables(("REG", "HUB"), sites=[{"site_id": "SITE"}])
    performance = evaluated(tables, {"REG": 1})
    assert [row["location"] for row in performance.by("location")] == ["REG"]


def test_sourcing_moves_one_part():
    sourcing = [{"site_id": "SITE", "part_id": "FAN", "served_by": "HUB"}]
    performance = evaluated(chain_tables(CHAIN, sourcing=sourcing), {"HUB": 1, "F": 1})
    assert [row["location"] for row in performance.by("location")] == ["HUB"]
    assert np.isnan(performance.fill_rate[0]).tolist() == [False, True, True]


def test_a_part_with_its_own_source_skips_the_region():
    own = [
        {
            "part_id": "FAN",
            "location_id": "F",
            "replenished_from": "HUB",
            "replenishment_days": 2.0,
        }
    ]
    performance = evaluated(chain_tables(CHAIN, part_locations=own), {"REG": 4, "HUB": 1})
    achieved = {c.commitment_id: c.achieved for c in performance.commitments}
    assert_allclose(achieved["WAIT"], 24.0 * performance.mean_wait_days[0, 0], rtol=1e-12)
    assert np.isnan(performance.fill_rate[0, 1])


@pytest.fixture(scope="module")
def model():
    tables, _ = awkward_tables(0)
    tables["demand"] = [
        {"part_id": "P0", "site_id": "S1", "per_year": 9.0, "rate_shape": 2.0},
        {"part_id": "P3", "site_id": "S5", "per_year": 2.0},
    ]
    tables["commitments"] = all_commitments(tables)
    network = pp.ServiceNetwork.from_tables(**tables)
    return ServiceModel(network, pp.estimate_demand(network))


@pytest.mark.parametrize("size", [1, 2, 3, 500])
def test_blocks_hold_every_part_once(model, size):
    blocks = list(model.blocks(size))
    parts = np.concatenate([block.parts for block in blocks])
    assert sorted(parts.tolist()) == [0, 1, 2, 3]
    for block in blocks:
        assert 1 <= len(block.parts) <= size
        assert len(set(np.isfinite(block.tree.rate_shape).tolist())) == 1
        parents = model.network.parents(block.parts)
        assert (parents == block.tree.parents).all()


@pytest.mark.parametrize("evaluation", ["exact", "vari_metric"])
def test_the_size_of_blocks_changes_nothing(model, evaluation, monkeypatch):
    stock = np.arange(24).reshape(4, 6) % 3
    figures = []
    for size in (1, 3, 500):
        monkeypatch.setattr("partsplan.evaluation.measuring._BLOCK_SIZE", size)
        figures.append(used(model, stock, evaluation))
    assert_allclose(figures[1], figures[0], rtol=1e-10, atol=1e-15)
    assert_allclose(figures[2], figures[0], rtol=1e-10, atol=1e-15)


def test_each_combination_of_words_has_its_own_promise(model):
    promises = promises_of(model.network, model.demand)
    ids = [promise.commitment_id for promise in promises]
    assert len(ids) == len(set(ids)) == model.n_promises
    for promise in promises:
        if promise.metric != "uptime" and promise.has_demand:
            assert_allclose(promise.weights.sum(), 1.0, rtol=1e-12)


def test_figures_that_are_the_same_everywhere_are_held_once():
    network = pp.ServiceNetwork.from_tables(
        parts={"part_id": ["A", "B", "C"], "unit_cost": [1.0] * 3, "resupply_days": [9.0] * 3},
        locations=[{"location_id": "DC", "kind": "central"}],
    )
    demand = pp.DemandRates.from_arrays(["A", "B", "C"], ["DC"], [[1.0], [2.0], [3.0]])
    (block,) = ServiceModel(network, demand.aligned(network)).blocks(500)
    for tree in (block.tree, block.tree.of_parts(np.array([2, 0, 0]))):
        for array in (tree.repair_fraction, tree.repair_days, tree.variance_to_mean, tree.lots):
            assert array.shape == (3, 1)
            assert array.strides[0] == 0
            assert array.base is None or array.base.size == 1
        assert not tree.exact_clustering.any()
        assert not tree.clustered_roots.any()
