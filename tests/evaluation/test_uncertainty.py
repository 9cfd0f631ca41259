"""Uncertain rates: the closed mixture, adaptive integrals and doubled nodes."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad_vec
from scipy.special import gammaln
from scipy.stats import binom, nbinom
from supply_trees import tree_of, two_levels

from partsplan.evaluation.chain import Chain, chain_figures
from partsplan.evaluation.exact import exact_figures
from partsplan.evaluation.negative_binomial import moments_of_stock
from partsplan.evaluation.uncertainty import rate_nodes


def closed_mixture(shape, rate, means, stocks, counts):
    """Law of a base's pipeline with theta ~ Gamma(shape, rate), closed for two levels.

    Given n units in the depot's pipeline, the base's own orders are negative binomial with shape
    a + n; of the depot's backorders the base has a binomial share.
    """
    depot_mean, own_mean, share = means
    law = np.zeros(counts)
    k = np.arange(counts)
    for n in range(counts):
        weight = nbinom.pmf(n, shape, rate / (rate + depot_mean))
        success = (rate + depot_mean) / (rate + depot_mean + own_mean)
        own = nbinom.pmf(k, shape + n, success)
        received = binom.pmf(k, max(n - stocks[0], 0), share)
        law += weight * np.convolve(received, own)[:counts]
    return law


def test_reference_of_the_issue():
    tree = two_levels([0.05, 0.05], [2.0, 2.0], 20.0, shape=2.0)
    figures = exact_figures(tree, np.array([[2, 1, 1]]))
    assert_allclose(figures.expected_backorders[0, 1:], 0.193921712248, rtol=1e-11)
    assert_allclose(figures.fill_rate[0, 1:], 0.556059386052, rtol=1e-11)


@pytest.mark.parametrize("shape", [0.3, 1.0, 2.0, 6.0, 50.0, 300.0])
@pytest.mark.parametrize("depot_mean", [0.05, 1.0, 5.0])
@pytest.mark.parametrize("stocks", [(0, 0), (2, 1), (1, 6)])
def test_two_levels_against_the_closed_mixture(shape, depot_mean, stocks):
    rates = [0.4 * depot_mean / 20.0, 0.6 * depot_mean / 20.0]
    tree = two_levels(rates, [4.0, 2.0], 20.0, shape=shape)
    figures = exact_figures(tree, np.array([[stocks[0], stocks[1], 0]]))
    means = (depot_mean, rates[0] * 4.0, 0.4)
    counts = int(50 + 12 * depot_mean + 33 * depot_mean / shape)
    k = np.arange(counts)
    law = closed_mixture(shape, shape, means, stocks, counts)
    biased = closed_mixture(shape + 1.0, shape, means, stocks, counts)
    ebo = (np.maximum(k - stocks[1], 0) * law).sum()
    assert_allclose(figures.expected_backorders[0, 1], ebo, rtol=1e-10)
    assert_allclose(figures.stockout[0, 1], biased[stocks[1] :].sum(), rtol=1e-10)
    assert_allclose(figures.fill_rate[0, 1], biased[: stocks[1]].sum(), rtol=1e-10, atol=1e-14)
    assert_allclose(figures.unready[0, 1], law[stocks[1] + 1 :].sum(), rtol=1e-10)
    assert_allclose(
        figures.backorder_variance[0, 1],
        ((np.maximum(k - stocks[1], 0) - ebo) ** 2 * law).sum(),
        rtol=1e-9,
    )


THREE_LEVEL_STOCKS = [[0, 0, 0, 0], [2, 1, 1, 0], [3, 2, 0, 4], [0, 4, 2, 1]]


@pytest.mark.parametrize("shape", [0.7, 3.0, 25.0])
@pytest.mark.parametrize("stock", THREE_LEVEL_STOCKS)
def test_three_levels_against_an_adaptive_integral(shape, stock):
    own, days = np.array([[0.02, 0.0, 0.06, 0.04]]), [15.0, 4.0, 2.0, 1.0]
    tree = tree_of([-1, 0, 1, 1], own, days, rate_shape=shape)
    figures = exact_figures(tree, np.array([stock]))
    scale = shape * np.log(shape) - gammaln(shape)

    def integrand(x):
        """Figures at theta = exp(x), times the density in x."""
        theta = np.exp(x)
        chain = Chain(tree.parents, theta * tree.pipeline(), tree.share, np.array([stock]))
        known = chain_figures(chain)
        density = np.exp(scale + shape * (x - theta))
        return density * np.concatenate(
            [known.expected_backorders[0], theta * known.stockout[0], known.unready[0]]
        )

    value, _ = quad_vec(integrand, -36.0 / shape - 3.0, 4.2, epsrel=1e-13, epsabs=1e-16, limit=400)
    ebo, stockout, unready = value.reshape(3, 4)
    assert_allclose(figures.expected_backorders[0], ebo, rtol=1e-10)
    assert_allclose(figures.stockout[0], stockout, rtol=1e-10)
    assert_allclose(figures.unready[0], unready, rtol=1e-10)


@pytest.mark.parametrize("shape", [0.05, 0.3, 1.0, 2.0, 10.0, 99.0, 101.0, 1e4, 1e7])
@pytest.mark.parametrize("pipeline", [1e-9, 0.01, 0.4, 2.0, 15.0, 300.0])
def test_one_location_is_negative_binomial(shape, pipeline):
    stocks = np.array([0, 1, 4, int(pipeline) + 2, int(2.5 * pipeline) + 12])
    tree = tree_of([-1], np.full((len(stocks), 1), pipeline), 1.0, rate_shape=shape)
    figures = exact_figures(tree, stocks[:, np.newaxis])
    mean = np.full(len(stocks), pipeline)
    known = moments_of_stock(stocks, mean, mean**2 / shape)
    biased_mean = mean * (1.0 + 1.0 / shape)
    biased = moments_of_stock(stocks, biased_mean, biased_mean**2 / (shape + 1.0))
    assert_close = partial(assert_allclose, rtol=1e-10, atol=1e-290)
    assert_close(figures.expected_backorders[:, 0], known.expected_backorders)
    assert_close(figures.backorder_variance[:, 0], known.backorder_variance)
    assert_close(figures.unready[:, 0], known.unready)
    assert_close(figures.stockout[:, 0], biased.stockout)
    assert_allclose(figures.on_hand[:, 0], known.on_hand, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("shape", [0.4, 2.0, 12.0])
@pytest.mark.parametrize("scale", [0.05, 1.0, 4.0])
def test_doubled_nodes_change_nothing(shape, scale):
    own = scale * np.array([0.0, 0.01, 0.05, 0.1])
    tree = tree_of([-1, 0, 0, 1], [own], [20.0, 3.0, 2.0, 1.0])
    for stock in ([0, 0, 0, 0], [2, 1, 0, 1], [8, 3, 3, 4]):
        chain = Chain(tree.parents, tree.pipeline(), tree.share, np.array([stock]))
        path = float(np.max([stock[0] + stock[2], stock[0] + stock[1] + stock[3]]))
        values = []
        for refine in (1, 2):
            nodes, weights = rate_nodes(
                shape, float(chain.stockless_mean.max()), path, refine=refine
            )
            figures = chain_figures(
                chain.of_rows(np.zeros(len(nodes), dtype=np.int64)).times(nodes)
            )
            values.append(
                [
                    weights @ figures.expected_backorders,
                    (weights * nodes) @ figures.stockout,
                ]
            )
        assert_allclose(values[0], values[1], rtol=1e-10)


@pytest.mark.parametrize("shape", [1e-3, 0.1, 1.0, 7.0, 150.0, 1e6, 1e12])
@pytest.mark.parametrize("pipeline", [0.0, 1e-12, 1.0, 1e5])
def test_nodes_keep_probability_and_mean(shape, pipeline):
    nodes, weights = rate_nodes(shape, pipeline, 3.0)
    assert (weights >= 0).all()
    assert len(nodes) < 200_000
    assert_allclose(weights.sum(), 1.0, rtol=1e-11)
    assert_allclose(weights @ nodes, 1.0, rtol=1e-10)
    assert_allclose(weights @ nodes**2, 1.0 + 1.0 / shape, rtol=1e-10)


def test_few_nodes_for_usual_parts():
    assert len(rate_nodes(2.0, 0.5, 3.0)[0]) <= 12
    assert len(rate_nodes(2.0, 2.0, 6.0)[0]) <= 32


def test_known_rate_is_one_node():
    nodes, weights = rate_nodes(np.inf, 5.0)
    assert nodes.tolist() == weights.tolist() == [1.0]


@pytest.mark.parametrize("shape", [0.0, -1.0, np.nan])
def test_wrong_shapes_are_named(shape):
    with pytest.raises(ValueError, match="shape must be positive"):
        rate_nodes(shape, 1.0)


def test_large_uncertain_pipelines_keep_littles_law():
    tree = tree_of([-1, 0, 0], [[0.0, 4.0, 1.0]], [20.0, 1.0, 2.0], rate_shape=0.5)
    stock = np.array([[120, 10, 4]])
    figures = exact_figures(tree, stock)
    surplus = figures.pipeline_mean - stock
    assert_allclose(figures.expected_backorders - figures.on_hand, surplus, rtol=1e-9)
