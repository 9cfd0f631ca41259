"""Exact figures down the tree: computed cases, 60-digit arithmetic, properties and extremes."""

import numpy as np
import pytest
from cases_levels_and_windows import THREE_LEVELS
from cases_two_levels import LARGE, LARGE_TOLERANCE, LOCAL_REPAIR, TOLERANCE, TWO_LEVELS
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from supply_trees import decimal_figures, simulated_waits, three_levels, tree_of, two_levels

from partsplan.evaluation import poisson
from partsplan.evaluation.exact import exact_figures

NAMES = ("expected_backorders", "backorder_variance", "stockout", "unready", "on_hand")


def assert_base(figures, tree, location, expected, rtol):
    mean, variance, ebo, fill, ready, wait = expected
    at = (0, location)
    assert_allclose(figures.pipeline_mean[at], mean, rtol=rtol)
    assert_allclose(figures.pipeline_variance[at], variance, rtol=rtol)
    assert_allclose(figures.expected_backorders[at], ebo, rtol=rtol)
    assert_allclose(figures.fill_rate[at], fill, rtol=rtol)
    assert_allclose(figures.ready_rate[at], ready, rtol=rtol)
    assert_allclose(figures.expected_backorders[at] / tree.rate[at], wait, rtol=rtol)


@pytest.mark.parametrize("case", TWO_LEVELS)
def test_two_levels(case):
    (rates, transit, resupply, depot_stock, stock), depot, bases = case[:3]
    tree = two_levels(rates, transit, resupply)
    figures = exact_figures(tree, np.array([[depot_stock, *stock]]))
    assert_allclose(figures.expected_backorders[0, 0], depot[0], rtol=TOLERANCE)
    assert_allclose(figures.backorder_variance[0, 0], depot[1], rtol=TOLERANCE)
    assert_allclose(figures.fill_rate[0, 0], depot[2], rtol=TOLERANCE)
    for location, base in enumerate(bases, start=1):
        assert_base(figures, tree, location, base, TOLERANCE)


@pytest.mark.parametrize("case", LOCAL_REPAIR)
def test_local_repair_at_the_bases(case):
    (rates, transit, resupply, depot_stock, stock), repair, depot, bases = case
    tree = two_levels(rates, transit, resupply, *repair)
    figures = exact_figures(tree, np.array([[depot_stock, *stock]]))
    assert_allclose(figures.expected_backorders[0, 0], depot[0], rtol=TOLERANCE)
    assert_allclose(figures.backorder_variance[0, 0], depot[1], rtol=TOLERANCE)
    for location, base in enumerate(bases, start=1):
        assert_base(figures, tree, location, base, TOLERANCE)


@pytest.mark.parametrize("case", LARGE)
def test_large_two_levels(case):
    (rates, transit, resupply, depot_stock, stock), depot, first, last, totals = case
    tree = two_levels(rates, transit, resupply)
    figures = exact_figures(tree, np.array([[depot_stock, *stock]]))
    assert_allclose(figures.expected_backorders[0, 0], depot[0], rtol=LARGE_TOLERANCE)
    assert_allclose(figures.backorder_variance[0, 0], depot[1], rtol=LARGE_TOLERANCE)
    assert_base(figures, tree, 1, first, LARGE_TOLERANCE)
    assert_base(figures, tree, len(rates), last, LARGE_TOLERANCE)
    assert_allclose(figures.expected_backorders[0, 1:].sum(), totals[0], rtol=LARGE_TOLERANCE)


@pytest.mark.parametrize("case", THREE_LEVELS)
def test_three_levels(case):
    (*times, depot_stock, regional_stock, local_stock), depot, regions = case
    tree = three_levels(*times)
    locals_flat = [units for region in local_stock for units in region]
    figures = exact_figures(tree, np.array([[depot_stock, *regional_stock, *locals_flat]]))
    assert_allclose(figures.expected_backorders[0, 0], depot, rtol=TOLERANCE)
    location = len(regions) + 1
    for i, (ebo, fill, places) in enumerate(regions, start=1):
        assert_allclose(figures.expected_backorders[0, i], ebo, rtol=TOLERANCE)
        assert_allclose(figures.fill_rate[0, i], fill, rtol=TOLERANCE)
        for ebo_local, fill_local, mean, variance, wait in places:
            at = (0, location)
            assert_allclose(figures.expected_backorders[at], ebo_local, rtol=TOLERANCE)
            assert_allclose(figures.fill_rate[at], fill_local, rtol=TOLERANCE)
            assert_allclose(figures.pipeline_mean[at], mean, rtol=TOLERANCE)
            assert_allclose(figures.pipeline_variance[at], variance, rtol=TOLERANCE)
            assert_allclose(figures.expected_backorders[at] / tree.rate[at], wait, rtol=TOLERANCE)
            location += 1


DECIMAL_CASES = [
    ([-1], [[0.3]], [4.0], 0.0, 0.0, [14]),
    ([-1, 0, 0], [[0.0, 0.02, 0.3]], [9.0, 1.0, 2.0], 0.0, 0.0, [6, 5, 0]),
    ([-1, 0, 0], [[0.1, 0.02, 0.3]], [9.0, 1.0, 2.0], [0.5, 0.2, 0.0], [3.0, 5.0, 0.0], [3, 8, 9]),
    ([1, -1, 1, 0], [[0.01, 0.2, 0.001, 0.05]], [2.0, 30.0, 1.0, 0.5], 0.1, 7.0, [3, 2, 12, 7]),
    (
        [-1, 0, 1, 2, 3],
        [[0.0, 0.0, 0.0, 0.0, 0.4]],
        [5.0, 1.0, 0.0, 1.0, 2.0],
        0,
        0,
        [1, 2, 0, 4, 9],
    ),
    ([-1, -1, 0, 1], [[0.0, 0.1, 0.2, 1e-6]], [8.0, 3.0, 1.0, 4.0], 0.0, 0.0, [20, 0, 2, 3]),
]


@pytest.mark.parametrize("case", DECIMAL_CASES)
def test_every_digit_against_decimal_arithmetic(case):
    *tables, stock = case
    tree = tree_of(*tables)
    figures = exact_figures(tree, np.array([stock]))
    for location, expected in enumerate(decimal_figures(tree, stock)):
        for name in (*NAMES, "pipeline_mean"):
            value = getattr(figures, name)[0, location]
            assert_allclose(value, expected[name], rtol=2e-12, err_msg=f"{name} at {location}")


def test_eight_levels_against_decimal_arithmetic():
    tree = tree_of([-1, 0, 1, 2, 3, 4, 5, 6], [[0.0, 0.01, 0, 0, 0.02, 0, 0, 0.05]], 3.0)
    stock = [2, 0, 1, 3, 0, 2, 1, 2]
    figures = exact_figures(tree, np.array([stock]))
    for location, expected in enumerate(decimal_figures(tree, stock, counts=45)):
        for name in NAMES:
            value = getattr(figures, name)[0, location]
            assert_allclose(value, expected[name], rtol=2e-12, err_msg=f"{name} at {location}")


@pytest.mark.parametrize("stock", [[2, 1, 0, 1, 2], [0, 2, 1, 0, 1], [5, 0, 3, 1, 1]])
def test_agrees_with_a_simulation(stock):
    tree = tree_of([-1, 0, 0, 1, 1], [[0.02, 0.0, 0.1, 0.06, 0.03]], [12.0, 3.0, 2.0, 1.0, 4.0])
    figures = exact_figures(tree, np.array([stock]))
    waits = simulated_waits(tree, stock, 200_000, np.random.default_rng(7))
    for location in (0, 2, 3, 4):
        wait = waits[location]
        batches = np.array([b.mean() for b in np.array_split(wait, 40)])
        error = batches.std(ddof=1) / 40**0.5
        mean_wait = figures.expected_backorders[0, location] / tree.rate[0, location]
        if not tree.children[location]:
            assert abs(wait.mean() - mean_wait) < 4.5 * error
        late = np.array([(b > 0).mean() for b in np.array_split(wait, 40)])
        error = max(late.std(ddof=1) / 40**0.5, 1e-12)
        assert abs(late.mean() - figures.stockout[0, location]) < 4.5 * error


def test_one_block_gives_what_single_parts_give():
    rng = np.random.default_rng(3)
    parents = [-1, 0, 0, 1, 1, -1]
    own = rng.lognormal(-3, 3, (40, 6)) * (rng.random((40, 6)) < 0.7)
    days = rng.uniform(0, 20, (40, 6))
    tree = tree_of(parents, own, days, rng.uniform(0, 0.9, (40, 6)), rng.uniform(0, 9, (40, 6)))
    stock = rng.poisson(tree.pipeline()) + rng.integers(0, 3, (40, 6))
    together = exact_figures(tree, stock)
    for p in range(40):
        part = tree_of(parents, own[p], days[p], tree.repair_fraction[p], tree.repair_days[p])
        alone = exact_figures(part, stock[p : p + 1])
        for name in NAMES:
            assert_allclose(getattr(together, name)[p], getattr(alone, name)[0], rtol=1e-11)


@st.composite
def trees_and_stocks(draw):
    n = draw(st.integers(1, 6))
    parents = [-1] + [draw(st.integers(-1, j - 1)) for j in range(1, n)]
    numbers = st.floats(0.0, 3.0)
    own = [draw(st.sampled_from([0.0, 1e-9, 1e-3, 0.1, 1.0])) for _ in range(n)]
    days = [draw(numbers) for _ in range(n)]
    fraction = [draw(st.sampled_from([0.0, 0.3, 1.0])) for _ in range(n)]
    shape = draw(st.sampled_from([np.inf, np.inf, 0.5, 2.0, 30.0]))
    tree = tree_of(parents, [own], days, fraction, [draw(numbers) for _ in range(n)], shape)
    stock = np.array([[draw(st.integers(0, 6)) for _ in range(n)]])
    return tree, stock


@settings(max_examples=60, deadline=None)
@given(trees_and_stocks(), st.data())
def test_properties(tree_and_stock, data):
    tree, stock = tree_and_stock
    figures = exact_figures(tree, stock)
    ebo = figures.expected_backorders
    assert_allclose(ebo - figures.on_hand, figures.pipeline_mean - stock, rtol=1e-10, atol=1e-10)
    for name in ("stockout", "unready"):
        assert ((getattr(figures, name) >= 0) & (getattr(figures, name) <= 1)).all()
    assert (figures.unready <= figures.stockout * (1 + 1e-12)).all() or np.isfinite(
        tree.rate_shape
    ).all()
    assert (figures.backorder_variance >= ebo * (1 - ebo) * (1 - 1e-9) - 1e-15).all()
    location = data.draw(st.integers(0, tree.n_locations - 1))
    more = stock.copy()
    more[0, location] += 1
    better = exact_figures(tree, more)
    for name in ("expected_backorders", "stockout", "unready"):
        assert (getattr(better, name) <= getattr(figures, name) * (1 + 1e-10)).all()


def test_no_demand_gives_an_idle_shelf():
    figures = exact_figures(tree_of([-1, 0], [[0.0, 0.0]], 5.0), np.array([[0, 3]]))
    assert (figures.expected_backorders == 0).all()
    assert figures.on_hand.tolist() == [[0.0, 3.0]]
    assert figures.stockout.tolist() == [[1.0, 0.0]]
    assert figures.unready.tolist() == [[0.0, 0.0]]


def test_a_parent_without_pipeline_delays_nobody():
    """Found by the property test: the root's own pipeline is empty, its child's is not."""
    figures = exact_figures(tree_of([-1, 0], [[0.0, 0.2]], [0.0, 3.0]), np.array([[0, 1]]))
    assert_allclose(
        figures.expected_backorders[0, 1], poisson.expected_backorders(1, 0.2 * 3.0), rtol=1e-14
    )


def test_no_parts():
    tree = tree_of([-1, 0], np.zeros((0, 2)), 1.0)
    assert exact_figures(tree, np.zeros((0, 2), np.int64)).on_hand.shape == (0, 2)


@pytest.mark.parametrize("pipeline", [1e-12, 1e-6, 1.0, 1e3, 1e5])
@pytest.mark.parametrize("offset", [-1.0, -0.01, 0.0, 0.003])
def test_one_location_is_the_poisson_kernel(pipeline, offset):
    stock = max(int(pipeline * (1 + offset)), 0)
    figures = exact_figures(tree_of([-1], [[pipeline]], 1.0), np.array([[stock]]))
    ebo = poisson.expected_backorders(stock, pipeline)
    assert_allclose(figures.expected_backorders[0, 0], ebo, rtol=1e-12)
    assert_allclose(figures.stockout[0, 0], poisson.stockout_rate(stock, pipeline), rtol=1e-12)


def test_stockless_levels_with_huge_pipelines_are_poisson():
    """Without stock above, a location's pipeline is Poisson with the sum of all times."""
    tree = tree_of([-1, 0, 1], [[0.0, 40.0, 60.0]], [1000.0, 5.0, 2.0])
    for stock in ([0, 0, 60500], [0, 0, 0], [0, 0, 59000]):
        figures = exact_figures(tree, np.array([stock]))
        ebo = poisson.expected_backorders(stock[2], 60.0 * 1007.0)
        assert_allclose(figures.expected_backorders[0, 2], ebo, rtol=1e-10)


def test_huge_stock_underflows_to_zero():
    tree = tree_of([-1, 0], [[0.0, 2.0]], [10.0, 1.0])
    figures = exact_figures(tree, np.array([[1_000_000, 1_000_000]]))
    assert (figures.expected_backorders == 0).all()
    assert (figures.stockout == 0).all()
    assert_allclose(figures.on_hand, [[1_000_000 - 20.0, 1_000_000 - 2.0]], rtol=1e-14)


def test_deep_tail_of_a_large_pipeline():
    """A child that takes all the demand of a stocked parent: one Poisson count over both times."""
    tree = tree_of([-1, 0], [[0.0, 1.0]], [2000.0, 0.0])
    figures = exact_figures(tree, np.array([[2300, 400]]))
    ebo = poisson.expected_backorders(2700, 2000.0)
    assert 1e-50 < ebo < 1e-40
    assert_allclose(figures.expected_backorders[0, 1], ebo, rtol=1e-11)
