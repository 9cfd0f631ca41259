"""Negative binomial pipelines: computed cases, the Poisson limit and heavy tails."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from cases_single_location import NEGATIVE_BINOMIAL, TOLERANCE
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from partsplan.evaluation import negative_binomial, poisson

HEAVY_TAIL_VBO = 1e-8
"""The cases cut the tail of mean 0.2, variance 1.0: their own VBO is 6e-9 low (decimal check)."""


def decimal_moments(mean, ratio, stock, counts=4000):
    """EBO, VBO, P(X >= S), on hand in 60 digits."""
    with localcontext() as context:
        context.prec = 60
        q = 1 - 1 / Decimal(ratio)
        a = Decimal(mean) / Decimal(ratio)
        p = (1 - q) ** (a / q)
        law = []
        for x in range(counts):
            law.append(p)
            p *= (a + q * x) / (x + 1)
        ebo = sum((k - stock) * p for k, p in enumerate(law) if k > stock)
        vbo = sum((max(k - stock, 0) - ebo) ** 2 * p for k, p in enumerate(law))
        on_hand = sum((stock - k) * p for k, p in enumerate(law) if k < stock)
        return float(ebo), float(vbo), float(sum(law[stock:])), float(on_hand)


@pytest.mark.parametrize(
    ("mean", "ratio", "stock", "ebo", "vbo", "fill", "ready"), NEGATIVE_BINOMIAL
)
def test_single_location_cases(mean, ratio, stock, ebo, vbo, fill, ready):
    arguments = (stock, mean, mean * ratio)
    assert_allclose(negative_binomial.expected_backorders(*arguments), ebo, rtol=TOLERANCE)
    assert_allclose(negative_binomial.backorder_variance(*arguments), vbo, rtol=HEAVY_TAIL_VBO)
    assert_allclose(negative_binomial.fill_rate(*arguments), fill, rtol=TOLERANCE)
    assert_allclose(negative_binomial.ready_rate(*arguments), ready, rtol=TOLERANCE)


@pytest.mark.parametrize("mean", [0.25, 3.0, 40.0])
@pytest.mark.parametrize("ratio", [1.25, 4.0, 16.0])
@pytest.mark.parametrize("stock", [0, 1, 9, 120])
def test_every_digit_against_decimal_arithmetic(mean, ratio, stock):
    ebo, vbo, stockout, on_hand = decimal_moments(mean, ratio, stock)
    arguments = (stock, mean, mean * ratio)
    assert_allclose(negative_binomial.expected_backorders(*arguments), ebo, rtol=1e-12)
    assert_allclose(negative_binomial.backorder_variance(*arguments), vbo, rtol=1e-12)
    assert_allclose(negative_binomial.stockout_rate(*arguments), stockout, rtol=1e-12)
    assert_allclose(negative_binomial.on_hand(*arguments), on_hand, rtol=1e-12)


@pytest.mark.parametrize("mean", [1e-6, 0.4, 30.0])
@pytest.mark.parametrize("excess", [0.0, 1e-15, 1e-12, 1e-9, 1e-6, 1e-3])
def test_smooth_down_to_poisson(mean, excess):
    """No switching band: every digit is right however near the variance is to the mean."""
    stock = int(mean) + 1
    variance = mean * (1.0 + excess)
    if variance == mean:
        ebo = poisson.expected_backorders(stock, mean)
    else:
        ebo = decimal_moments(mean, Decimal(variance) / Decimal(mean), stock, counts=200)[0]
    assert_allclose(negative_binomial.expected_backorders(stock, mean, variance), ebo, rtol=1e-13)


@pytest.mark.parametrize(("mean", "shape"), [(1e5, 2.0), (1e5, 143.0), (800.0, 150.0), (5.0, 0.05)])
def test_wide_laws_keep_littles_law(mean, shape):
    variance = mean + mean * mean / shape
    stocks = np.array([0, int(mean) // 2, 3 * int(mean)])
    ebo = negative_binomial.expected_backorders(stocks, mean, variance)
    on_hand = negative_binomial.on_hand(stocks, mean, variance)
    assert_allclose(ebo - on_hand, mean - stocks, rtol=1e-10, atol=1e-9 * mean)
    assert_allclose(negative_binomial.backorder_variance(0, mean, variance), variance, rtol=1e-10)


@given(st.floats(1e-6, 50.0), st.floats(1.0, 20.0), st.integers(0, 80))
def test_recursion_in_stock(mean, ratio, stock):
    ebo = negative_binomial.expected_backorders([stock, stock + 1], mean, mean * ratio)
    unready = negative_binomial.stockout_rate(stock + 1, mean, mean * ratio)
    assert_allclose(ebo[0], ebo[1] + unready, rtol=1e-11)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 2.0, 1.9), "variance must be at least the mean, got 1.9 below 2.0"),
        ((1, np.nan, 1.0), "must be finite"),
        ((1, 1.0, np.inf), "must be finite"),
        ((1.5, 1.0, 1.0), "stock must be integers"),
    ],
)
def test_wrong_calls_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        negative_binomial.expected_backorders(*arguments)
