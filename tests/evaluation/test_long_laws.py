"""Laws of fast movers: leaps against steps, what is left out, and chains of many units by hand."""

from functools import partial

import numpy as np
import pytest
import scipy
from numpy.testing import assert_allclose

from partsplan.evaluation import chain as chains
from partsplan.evaluation import exact, laws
from partsplan.evaluation.chain import Chain, chain_figures
from partsplan.evaluation.exact import exact_figures
from partsplan.evaluation.laws import Law, short_stock_moments, stock_moments, thinned_law
from partsplan.evaluation.supply import SupplyTree

FIGURES = ("expected_backorders", "backorder_variance", "stockout", "unready", "filled", "ready")


def late_units(mean, n_columns, width):
    """Some of the law of Poisson counts, from 0 on, the same in every column."""
    mass = scipy.stats.poisson.pmf(np.arange(width), mean)
    return np.repeat(mass[:, np.newaxis], n_columns, axis=1)


@pytest.mark.parametrize("width", [1, 2, 63, 64, 65, 130, 401])
@pytest.mark.parametrize("highest", [0, 1, 40, 64, 70, 400])
def test_leaps_are_steps(width, highest):
    share = np.array([0.0, 1e-3, 0.2, 0.6, 1.0])
    late, top = late_units(0.6 * width, len(share), width), min(highest, width - 1)
    steps = laws._thinned_by_steps(late, share, top)
    leaps = laws._thinned_by_leaps(late, share, top)
    assert_allclose(leaps, steps, rtol=1e-12, atol=1e-290)


def test_a_share_of_poisson_counts_is_poisson():
    mean, share = 3_000.0, np.array([0.013, 0.2])
    late = Law(np.zeros(2, dtype=np.int64), late_units(mean, 2, 4_500))
    law = thinned_law(late, share, np.array([900, 900]))
    for column, chance in enumerate(share):
        count = np.arange(900)
        known = scipy.stats.poisson.pmf(count, mean * chance)
        assert_allclose(law.mass[count, column], known, rtol=1e-10, atol=1e-30)


@pytest.mark.parametrize("n_columns", [1, 40])
def test_sums_by_column_are_sums_by_row(n_columns, monkeypatch):
    rng = np.random.default_rng(3)
    start = np.zeros(n_columns, dtype=np.int64)
    one, other = (Law(start, rng.random((width, n_columns)) ** 9) for width in (30, 77))
    top = np.full(n_columns, 85)
    monkeypatch.setattr(laws, "_COLUMN_SECONDS", 0.0)
    monkeypatch.setattr(laws, "_PRODUCT_SECONDS", 0.0)
    by_column = laws.sum_law(one, other, top).mass
    monkeypatch.setattr(laws, "_COLUMN_SECONDS", 1.0)
    assert_allclose(by_column, laws.sum_law(one, other, top).mass, rtol=1e-13)


def test_what_is_short_is_known_from_what_is_left():
    mean, stock = np.array([30.0, 55.0, 9.0]), np.array([14, 0, 2])
    count = np.arange(200)
    whole = Law(np.zeros(3, dtype=np.int64), scipy.stats.poisson.pmf(count[:, None], mean))
    lower = Law(whole.start, whole.mass[: stock.max() + 1])
    known, found = stock_moments(whole, stock), short_stock_moments(lower, stock, mean, mean)
    for name in (*FIGURES, "on_hand"):
        assert_allclose(getattr(found, name), getattr(known, name), rtol=1e-11, err_msg=name)


def fast_chain(seed, stocked=(0.3, 1.5), n_rows=6):
    rng = np.random.default_rng(seed)
    parents = np.array([-1, 0, 0, 0, 1, 1])
    pipeline = np.exp(rng.normal(1.5, 0.8, (n_rows, 6)))
    pipeline[:, 0] *= 30.0
    share = np.array([0.0, 0.3, 0.5, 0.2, 0.4, 0.6])
    stock = np.round(pipeline * rng.uniform(*stocked, (n_rows, 6))).astype(np.int64)
    return Chain(parents, pipeline, np.tile(share, (n_rows, 1)), stock)


@pytest.mark.parametrize("stocked", [(0.3, 1.5), (0.0, 0.2)])
@pytest.mark.parametrize("seed", range(5))
def test_nothing_that_counts_is_left_out_of_long_laws(seed, stocked, monkeypatch):
    monkeypatch.setattr(chains, "_LONG", np.inf)
    whole = fast_chain(seed, stocked)
    known = chain_figures(whole)
    monkeypatch.setattr(chains, "_LONG", 3.0)
    shorter = fast_chain(seed, stocked)
    found = chain_figures(shorter)
    for name in (*FIGURES, "on_hand"):
        values = getattr(found, name), getattr(known, name)
        assert_allclose(*values, rtol=1e-11, atol=1e-31, err_msg=name)
    assert (shorter.top <= whole.top).all()
    assert (shorter.top < whole.top).any()


def test_where_nothing_is_ever_left_no_law_is_made(monkeypatch):
    asked = []

    def counted(late, share, top):
        asked.extend(share)
        return thinned_law(late, share, top)

    monkeypatch.setattr(chains, "thinned_law", counted)
    short = Chain(
        np.array([-1, 0, 0]),
        np.array([[2_000.0, 3.0, 3.0]]),
        np.array([[0.0, 0.7, 0.3]]),
        np.array([[400, 100, 700]]),
    )
    figures = chain_figures(short)
    assert asked == [0.3]
    assert figures.expected_backorders[0, 1] == pytest.approx(0.7 * 1_600 + 3 - 100, rel=1e-12)
    assert figures.backorder_variance[0, 1] == pytest.approx(
        0.49 * 2_000 + 0.21 * 1_600 + 3.0, rel=1e-12
    )
    assert figures.ready[0, 1] == figures.on_hand[0, 1] == 0.0
    assert figures.stockout[0, 1] == figures.unready[0, 1] == 1.0


def test_rates_of_two_levels_are_as_exact_as_those_of_one(monkeypatch):
    """Both levels' demand sharpens what a rate decides; quadrature against a finer one."""
    tree = SupplyTree(
        parents=np.array([-1, 0]),
        own_rate=np.array([[1.46, 1.39]]),
        transit_days=np.array([[14.0, 17.0]]),
        repair_fraction=np.zeros((1, 2)),
        repair_days=np.zeros((1, 2)),
        rate_shape=np.array([14.2]),
    )
    stock = np.array([[47, 36]])
    found = exact_figures(tree, stock)
    finer = partial(exact.rate_nodes, refine=3, digits=40.0)
    monkeypatch.setattr(exact, "rate_nodes", finer)
    known = exact_figures(tree, stock)
    for name in ("expected_backorders", "stockout", "unready"):
        assert_allclose(getattr(found, name), getattr(known, name), rtol=2e-12, err_msg=name)
