"""One location with a Poisson pipeline: published figures, far tails and extreme sizes."""

from fractions import Fraction

import numpy as np
import pytest
from cases_single_location import POISSON, TIME_WINDOW, TOLERANCE
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from supply_trees import decimal_figures, tree_of

from partsplan.evaluation import poisson


@pytest.mark.parametrize(("pipeline", "stock", "ebo", "vbo", "fill", "ready", "on_hand"), POISSON)
def test_single_location_cases(pipeline, stock, ebo, vbo, fill, ready, on_hand):
    assert_allclose(poisson.expected_backorders(stock, pipeline), ebo, rtol=TOLERANCE)
    assert_allclose(poisson.backorder_variance(stock, pipeline), vbo, rtol=TOLERANCE)
    assert_allclose(poisson.fill_rate(stock, pipeline), fill, rtol=TOLERANCE)
    assert_allclose(poisson.ready_rate(stock, pipeline), ready, rtol=TOLERANCE)
    assert_allclose(poisson.on_hand(stock, pipeline), on_hand, rtol=TOLERANCE, atol=1e-10)


@pytest.mark.parametrize(("rate", "lead_time", "stock", "window", "share"), TIME_WINDOW)
def test_share_served_within_a_window(rate, lead_time, stock, window, share):
    left = rate * max(lead_time - window, 0.0)
    assert_allclose(poisson.fill_rate(stock, left), share, rtol=TOLERANCE)


@pytest.mark.parametrize("pipeline", [1e-12, 1e-3, 0.3, 1.0, 4.0, 12.0])
@pytest.mark.parametrize("stock", [0, 1, 2, 7, 25])
def test_every_digit_against_decimal_arithmetic(pipeline, stock):
    expected = decimal_figures(tree_of([-1], [[pipeline]], [1.0]), [stock], counts=90)[0]
    figures = {
        "expected_backorders": poisson.expected_backorders(stock, pipeline),
        "backorder_variance": poisson.backorder_variance(stock, pipeline),
        "stockout": poisson.stockout_rate(stock, pipeline),
        "on_hand": poisson.on_hand(stock, pipeline),
    }
    for name, value in figures.items():
        assert_allclose(value, expected[name], rtol=1e-13, atol=1e-300, err_msg=name)


@pytest.mark.parametrize(("pipeline", "stock"), [(1000, 1400), (1000, 600), (20000, 20900)])
def test_large_pipelines_against_exact_ratios(pipeline, stock):
    """Ratios of tail sums to one probability need no exponential: exact in fractions."""
    term = unready = backorders = Fraction(1)
    for k in range(2, 1200):
        term = (term * pipeline / (stock + k)).limit_denominator(10**40)
        unready += term
        backorders += k * term
    mean_excess = float(backorders / unready)
    if stock > pipeline:
        value = poisson.expected_backorders(stock, float(pipeline)) / (
            1.0 - poisson.ready_rate(stock, float(pipeline))
            if stock < 1.02 * pipeline
            else poisson.stockout_rate(stock + 1, float(pipeline))
        )
        assert_allclose(value, mean_excess, rtol=1e-11)
    else:
        assert_allclose(
            poisson.expected_backorders(stock, float(pipeline)), pipeline - stock, rtol=1e-12
        )


def test_extreme_sizes():
    pipelines = np.array([0.0, 1e-12, 1e-6, 1.0, 1e3, 1e5])
    stocks = np.array([0, 1, 1000, 100_000, 1_000_000])
    ebo = poisson.expected_backorders(stocks[:, np.newaxis], pipelines)
    assert_allclose(ebo[0], pipelines, rtol=1e-13)
    assert_allclose(ebo[1, 1], 0.5e-24, rtol=1e-12)
    assert_allclose(ebo[3, 5], 1e5**0.5 / (2 * np.pi) ** 0.5, rtol=1e-4)
    assert (ebo[4] == 0).all()
    assert (ebo[:, 0] == 0).all()
    on_hand = poisson.on_hand(stocks[:, np.newaxis], pipelines)
    assert_allclose(ebo - on_hand, pipelines - stocks[:, np.newaxis], rtol=1e-12, atol=1e-9)
    stockout = poisson.stockout_rate(stocks[:, np.newaxis], pipelines)
    assert (stockout[0] == 1).all()
    assert_allclose(stockout[1], -np.expm1(-pipelines), rtol=1e-12)


@given(st.floats(1e-9, 300.0), st.integers(0, 400))
def test_littles_law_and_recursion_in_stock(pipeline, stock):
    ebo = poisson.expected_backorders([stock, stock + 1], pipeline)
    assert_allclose(
        ebo[0] - poisson.on_hand(stock, pipeline), pipeline - stock, rtol=1e-12, atol=1e-12
    )
    unready = poisson.stockout_rate(stock + 1, pipeline)
    assert_allclose(ebo[0], ebo[1] + unready, rtol=1e-12)
    assert ebo[1] <= ebo[0]


def test_table_of_probabilities():
    table = poisson.poisson_pmf([[0.0, 0.7], [3.0, 900.0]], 2000)
    assert table.shape == (2, 2, 2001)
    assert_allclose(table.sum(axis=-1), 1.0, rtol=1e-13)
    assert_allclose(table @ np.arange(2001.0), [[0.0, 0.7], [3.0, 900.0]], rtol=1e-12)


@pytest.mark.parametrize(
    ("stock", "pipeline", "message"),
    [
        (-1, 1.0, "stock must be integers"),
        (0.5, 1.0, "stock must be integers"),
        (1, -1.0, "finite and at least 0"),
        (1, np.nan, "finite and at least 0"),
        (1, np.inf, "finite and at least 0"),
    ],
)
def test_wrong_calls_are_named(stock, pipeline, message):
    with pytest.raises(ValueError, match=message):
        poisson.expected_backorders(stock, pipeline)


def test_table_rejects_a_negative_mean():
    with pytest.raises(ValueError, match="mean must be finite"):
        poisson.poisson_pmf(-1.0, 3)
