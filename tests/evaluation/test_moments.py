"""METRIC and VARI-METRIC: computed cases, limits, depth and uncertain rates."""

import numpy as np
import pytest
from cases_two_levels import LARGE, LARGE_TOLERANCE, TOLERANCE, TWO_LEVELS
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from supply_trees import tree_of, two_levels

from partsplan.evaluation import negative_binomial
from partsplan.evaluation.exact import exact_figures
from partsplan.evaluation.moments import metric_figures, vari_metric_figures


@pytest.mark.parametrize("case", TWO_LEVELS)
def test_two_levels(case):
    (rates, transit, resupply, depot_stock, stock), depot, _, *bases = case
    metric_ebo, vari_ebo, metric_fill, vari_fill = bases
    tree, stocks = two_levels(rates, transit, resupply), np.array([[depot_stock, *stock]])
    metric, vari = metric_figures(tree, stocks), vari_metric_figures(tree, stocks)
    assert_allclose(metric.expected_backorders[0, 1:], metric_ebo, rtol=TOLERANCE)
    assert_allclose(metric.fill_rate[0, 1:], metric_fill, rtol=TOLERANCE)
    assert_allclose(vari.expected_backorders[0, 1:], vari_ebo, rtol=TOLERANCE)
    assert_allclose(vari.fill_rate[0, 1:], vari_fill, rtol=TOLERANCE)
    assert_allclose(vari.backorder_variance[0, 0], depot[1], rtol=TOLERANCE)
    assert not metric.is_exact
    assert not vari.is_exact


@pytest.mark.parametrize("case", LARGE)
def test_large_two_levels(case):
    (rates, transit, resupply, depot_stock, stock), *_, totals = case
    tree, stocks = two_levels(rates, transit, resupply), np.array([[depot_stock, *stock]])
    metric, vari = metric_figures(tree, stocks), vari_metric_figures(tree, stocks)
    assert_allclose(metric.expected_backorders[0, 1:].sum(), totals[1], rtol=LARGE_TOLERANCE)
    assert_allclose(vari.expected_backorders[0, 1:].sum(), totals[2], rtol=LARGE_TOLERANCE)


def test_two_levels_have_the_exact_mean_and_variance():
    tree = tree_of([-1, 0, 0], [[0.05, 0.1, 0.02]], [9.0, 2.0, 1.0], 0.2, 4.0)
    stock = np.array([[2, 1, 0]])
    vari, exact = vari_metric_figures(tree, stock), exact_figures(tree, stock)
    assert_allclose(vari.pipeline_mean, exact.pipeline_mean, rtol=1e-13)
    assert_allclose(vari.pipeline_variance, exact.pipeline_variance, rtol=1e-13)


@pytest.mark.parametrize("shape", [0.5, 2.0, 40.0])
def test_uncertain_rates_have_the_exact_mean_and_variance(shape):
    """Down to the second level; the depot is negative binomial, so all of it is exact."""
    tree = tree_of([-1, 0, 0], [[0.0, 0.1, 0.02]], [20.0, 2.0, 1.0], rate_shape=shape)
    stock = np.array([[2, 1, 1]])
    vari, exact = vari_metric_figures(tree, stock), exact_figures(tree, stock)
    assert_allclose(vari.pipeline_mean, exact.pipeline_mean, rtol=1e-11)
    assert_allclose(vari.pipeline_variance, exact.pipeline_variance, rtol=1e-11)
    for name in ("expected_backorders", "backorder_variance", "stockout", "unready", "on_hand"):
        assert_allclose(getattr(vari, name)[0, 0], getattr(exact, name)[0, 0], rtol=1e-11)
    assert_allclose(vari.expected_backorders, exact.expected_backorders, rtol=0.05)
    assert_allclose(vari.stockout, exact.stockout, rtol=0.08)


def test_uncertain_rates_at_depth_stay_near_exact():
    tree = tree_of([-1, 0, 1], [[0.0, 0.02, 0.08]], [20.0, 4.0, 2.0], rate_shape=3.0)
    stock = np.array([[2, 1, 1]])
    vari, exact = vari_metric_figures(tree, stock), exact_figures(tree, stock)
    assert_allclose(vari.expected_backorders, exact.expected_backorders, rtol=0.05)
    assert_allclose(vari.stockout, exact.stockout, rtol=0.05)


def test_nearly_known_rates_tend_to_known_ones():
    stock = np.array([[2, 1, 1]])
    own, days = [[0.0, 0.02, 0.08]], [20.0, 4.0, 2.0]
    known = vari_metric_figures(tree_of([-1, 0, 1], own, days), stock)
    nearly = vari_metric_figures(tree_of([-1, 0, 1], own, days, rate_shape=1e9), stock)
    mixed = vari_metric_figures(
        tree_of([-1, 0, 1], own * 2, days, rate_shape=[np.inf, 2.0]), np.repeat(stock, 2, axis=0)
    )
    for name in ("expected_backorders", "stockout", "pipeline_variance"):
        assert_allclose(getattr(nearly, name), getattr(known, name), rtol=1e-7)
        assert_allclose(getattr(mixed, name)[:1], getattr(known, name), rtol=1e-13)


def test_no_demand_gives_an_idle_shelf():
    tree, stock = tree_of([-1, 0], [[0.0, 0.0]], 5.0), np.array([[0, 3]])
    for figures in (metric_figures(tree, stock), vari_metric_figures(tree, stock)):
        assert (figures.expected_backorders == 0).all()
        assert figures.on_hand.tolist() == [[0.0, 3.0]]


@given(st.floats(1e-6, 20.0), st.integers(0, 8), st.integers(0, 8))
def test_littles_law_at_every_level(pipeline, depot_stock, base_stock):
    tree = tree_of([-1, 0, 1], [[0.0, 0.0, pipeline]], [1.0, 0.1, 0.2])
    stock = np.array([[depot_stock, 1, base_stock]])
    for figures in (metric_figures(tree, stock), vari_metric_figures(tree, stock)):
        assert_allclose(
            figures.expected_backorders - figures.on_hand,
            figures.pipeline_mean - stock,
            rtol=1e-10,
            atol=1e-10,
        )


def test_base_follows_from_its_two_moments():
    tree, stock = two_levels([0.3, 0.1], [2.0, 1.0], 10.0), np.array([[3, 1, 1]])
    figures = vari_metric_figures(tree, stock)
    ebo = negative_binomial.expected_backorders(
        1, figures.pipeline_mean[0, 1], figures.pipeline_variance[0, 1]
    )
    assert_allclose(figures.expected_backorders[0, 1], ebo, rtol=1e-13)
