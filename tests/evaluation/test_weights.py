"""Sparse weights: added up, picked by part, and priced as the dense sums they stand for."""

import numpy as np
import pytest
from awkward_networks import all_commitments, awkward_tables
from numpy.testing import assert_allclose

import partsplan as pp
from partsplan.evaluation.measuring import measure_block
from partsplan.evaluation.model import ServiceModel
from partsplan.evaluation.weights import Route, Terms

SHAPE = (4, 3, 5)
"""Parts, slots, promises."""


@pytest.fixture
def dense(rng):
    """Weights with axes (part, slot, promise), most of them 0; part 2 has none."""
    weights = rng.uniform(0.1, 1.0, SHAPE) * (rng.random(SHAPE) < 0.4)
    weights[2] = 0.0
    return weights


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def terms_of(dense):
    """Each weight in two pieces, in a shuffled order."""
    part, slot, promise = (np.tile(axis, 2) for axis in np.nonzero(dense))
    weight = 0.5 * dense[part, slot, promise]
    order = np.random.default_rng(1).permutation(len(part))
    return Terms.summed(dense.shape, (part[order], slot[order], promise[order], weight[order]))


def test_pieces_are_added_up_and_zeros_dropped(dense):
    terms = terms_of(dense)
    assert len(terms.row) == np.count_nonzero(dense)
    assert not terms.is_empty
    assert terms_of(0.0 * dense).is_empty


def test_sums_are_those_of_the_dense_weights(dense, rng):
    terms, figures, price = terms_of(dense), rng.random(SHAPE[:2]), rng.random(SHAPE[2])
    assert_allclose(terms.uses(figures), np.einsum("psc,ps->pc", dense, figures))
    assert_allclose(terms.prices(price), dense @ price)
    assert_allclose(terms.amounts(3, figures), dense[:, :, 3] * figures)


@pytest.mark.parametrize("rows", [[0, 1, 2, 3], [3, 0], [1, 1, 2, 1], [2], []])
def test_parts_are_picked_in_order_and_again(dense, rng, rows):
    picked = terms_of(dense).of_parts(np.array(rows, dtype=np.int64))
    figures = rng.random((len(rows), SHAPE[1]))
    expected = np.einsum("psc,ps->pc", dense[rows], figures)
    assert_allclose(picked.uses(figures), expected)
    assert_allclose(picked.prices(np.ones(SHAPE[2])), dense[rows].sum(axis=2))


@pytest.mark.parametrize("shape", [(0, 3, 5), (4, 0, 5), (4, 3, 0)])
def test_nothing_is_weighed(shape):
    terms = terms_of(np.zeros(shape))
    assert terms.uses(np.zeros(shape[:2])).shape == (shape[0], shape[2])
    assert terms.prices(np.zeros(shape[2])).shape == shape[:2]


def test_own_route():
    assert Route(2, 2, (1, 0)).is_own
    assert not Route(2, 0, (1,)).is_own


@pytest.fixture
def measures():
    tables, stock = awkward_tables(1)
    tables["commitments"] = all_commitments(tables)
    network = pp.ServiceNetwork.from_tables(**tables)
    model = ServiceModel(network, pp.estimate_demand(network))
    levels = pp.evaluate(network, model.demand, stock).stock
    return [measure_block(block, levels[block.parts], "exact") for block in model.blocks(2)]


def test_exactly_one_route_of_a_stream_is_active(measures):
    for measure in measures:
        active = measure.block.weights.active_routes(measure.stock)
        first = None
        count = np.zeros(len(active), dtype=int)
        for r, route in enumerate(measure.block.weights.routes):
            if route.is_own:
                assert first is None or (count == 1).all()
                first, count = r, np.zeros(len(active), dtype=int)
            count += active[:, r]
        assert (count == 1).all()


def test_amounts_add_up_to_uses(measures):
    for measure in measures:
        uses = measure.uses()
        for promise in range(0, uses.shape[1], 7):
            assert_allclose(measure.amounts(promise).sum(axis=1), uses[:, promise], atol=1e-15)


def test_weights_of_some_parts_give_their_uses(measures):
    for measure in measures:
        rows = np.array([len(measure.stock) - 1, 0, 0])
        weights = measure.block.weights.of_parts(rows)
        uses = weights.uses(
            measure.stock[rows],
            measure.wait_days[rows],
            measure.stockout[rows],
            measure.late[rows],
        )
        assert_allclose(uses, measure.uses()[rows], atol=1e-15)


def test_fixed_use_is_what_no_stock_avoids(measures):
    """Endless stock at the serving locations: no wait, no stock-out, nothing late."""
    for measure in measures:
        weights = measure.block.weights
        full = np.ones_like(measure.stock)
        nothing = np.zeros_like(measure.wait_days)
        uses = weights.uses(full, nothing, nothing, np.zeros_like(measure.late))
        assert_allclose(uses, weights.fixed_use(), atol=1e-15)
