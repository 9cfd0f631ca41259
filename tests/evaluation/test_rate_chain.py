"""Closed forms of two levels at uncertain rates: against direct sums, and against a quadrature."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from partsplan.evaluation import exact
from partsplan.evaluation.chain import Chain
from partsplan.evaluation.exact import exact_figures, mixed_figures
from partsplan.evaluation.gamma_rates import GammaRates
from partsplan.evaluation.rate_chain import has_closed_laws
from partsplan.evaluation.supply import SupplyTree
from partsplan.evaluation.uncertainty import rate_nodes
from partsplan.evaluation.waiting import late_shares


def two_levels(rng, n_parts=4, scale=1.0):
    """Two or more roots and children of the first; some with local repair, some unasked for."""
    n_locations = int(rng.integers(2, 7))
    parents = np.where(rng.random(n_locations) < 0.3, -1, 0)
    parents[0] = -1
    size = (n_parts, n_locations)
    return SupplyTree(
        parents=parents,
        own_rate=scale * rng.uniform(0.01, 0.3, size) * (rng.random(size) < 0.8),
        transit_days=rng.uniform(0.0, 25.0, size) * (rng.random(size) < 0.9),
        repair_fraction=rng.choice([0.0, 0.0, 0.4], size),
        repair_days=rng.uniform(0.0, 20.0, size),
        rate_shape=10.0 ** rng.uniform(-0.7, 2.0, n_parts),
    )


def by_quadrature(monkeypatch):
    """From here on all parts are mixed over twice the factors."""
    monkeypatch.setattr(exact, "has_closed_laws", lambda _, shape: np.zeros(len(shape), bool))
    monkeypatch.setattr(
        exact,
        "rate_nodes",
        lambda shape, mean, stock, **_: rate_nodes(shape, mean, stock + 5.0, refine=2),
    )


def law_of_child(shape, root, child, share, held, length=60, most=900):
    """P(X = k) by sums over the units at the root and over the child's share of the late ones."""
    n = np.arange(most)
    at_root = stats.nbinom.pmf(n, shape, shape / (shape + root))
    law = np.zeros(length)
    for count in n:
        chance = (shape + root) / (shape + root + child)
        own = stats.nbinom.pmf(np.arange(length), shape + count, chance)
        late = stats.binom.pmf(np.arange(length), max(count - held, 0), share)
        law += at_root[count] * np.convolve(own, late)[:length]
    return law


@pytest.mark.parametrize(("shape", "root", "held"), [(2.0, 3.0, 4), (0.6, 5.0, 0), (40.0, 12.0, 9)])
def test_laws_are_direct_sums(shape, root, held):
    child, share, stock = 0.4, 0.3, 2
    chain = Chain(
        np.array([-1, 0]),
        np.array([[root, child]]),
        np.array([[0.0, share]]),
        np.array([[held, stock]]),
    )
    figures = mixed_figures(chain, np.array([shape]), np.zeros((1, 2)))
    count = np.arange(200)
    law = law_of_child(shape, root, child, share, held, length=200)
    mean = law @ count
    late = np.maximum(count - stock, 0)
    assert_allclose(law.sum(), 1.0, rtol=1e-9)
    assert_allclose(figures.expected_backorders[0, 1], law @ late, rtol=1e-8)
    assert_allclose(figures.backorder_variance[0, 1], law @ late**2 - (law @ late) ** 2, rtol=1e-6)
    assert_allclose(figures.unready[0, 1], law[stock + 1 :].sum(), rtol=1e-8)
    assert_allclose(figures.ready_rate[0, 1], law[: stock + 1].sum(), rtol=1e-10)
    assert_allclose(figures.on_hand[0, 1], law @ np.maximum(stock - count, 0), rtol=1e-10)
    assert_allclose(figures.pipeline_mean[0, 1], mean, rtol=1e-8)
    assert_allclose(figures.pipeline_variance[0, 1], law @ count**2 - mean**2, rtol=1e-6)
    scale = 1.0 + 1.0 / shape  # demands see the size-biased rate
    seen = law_of_child(shape + 1.0, scale * root, scale * child, share, held, length=200)
    assert_allclose(figures.stockout[0, 1], seen[stock:].sum(), rtol=1e-8)
    assert_allclose(figures.fill_rate[0, 1], seen[:stock].sum(), rtol=1e-10)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("most", [3, 20])
def test_figures_are_those_of_a_quadrature(seed, most, monkeypatch):
    rng = np.random.default_rng([seed, most])
    tree = two_levels(rng, scale=10.0 ** rng.uniform(-2.5, 0.3))
    stock = rng.integers(0, most, tree.own_rate.shape)
    windows = [(int(rng.integers(tree.n_locations)), float(rng.uniform(0, 25))) for _ in range(3)]
    closed, late = exact_figures(tree, stock), late_shares(tree, stock, windows)
    by_quadrature(monkeypatch)
    mixed = exact_figures(tree, stock)
    for field in fields(closed):
        one, other = getattr(closed, field.name), getattr(mixed, field.name)
        assert_allclose(one, other, rtol=2e-10, atol=1e-200, err_msg=field.name)
    assert_allclose(late, late_shares(tree, stock, windows), rtol=2e-10, atol=1e-200)


def test_far_tails_are_right_relative_to_themselves(monkeypatch):
    tree = SupplyTree(
        parents=np.array([-1, 0, 0]),
        own_rate=np.array([[0.0, 0.05, 0.002]] * 2),
        transit_days=np.array([[20.0, 2.0, 3.0]] * 2),
        repair_fraction=np.zeros((2, 3)),
        repair_days=np.zeros((2, 3)),
        rate_shape=np.array([1.5, 30.0]),
    )
    stock = np.array([[40, 12, 9], [60, 1, 25]])
    closed = exact_figures(tree, stock)
    by_quadrature(monkeypatch)
    mixed = exact_figures(tree, stock)
    assert (closed.stockout[:, 2] < 1e-20).all()
    assert_allclose(closed.stockout, mixed.stockout, rtol=2e-10)
    assert_allclose(closed.expected_backorders, mixed.expected_backorders, rtol=2e-10)


def chain_of(parents, pipeline, stock, lots=None):
    share = np.where(np.array(parents) < 0, 0.0, 0.5)[None]
    lots = None if lots is None else np.array([lots])
    return Chain(np.array(parents), np.array([pipeline]), share, np.array([stock]), lots)


def test_which_rows_have_closed_laws():
    few = chain_of([-1, 0], [3.0, 0.2], [4, 1])
    assert has_closed_laws(few, np.array([2.0])).all()
    assert not has_closed_laws(few, np.array([np.inf])).any()
    assert not has_closed_laws(chain_of([-1, 0, 1], [3.0, 0.2, 0.1], [4, 1, 1]), np.ones(1)).any()
    assert not has_closed_laws(chain_of([-1, 0], [3.0, 0.2], [4, 1], [2, 1]), np.ones(1)).any()
    assert not has_closed_laws(chain_of([-1, 0], [400.0, 0.2], [4, 1]), np.ones(1)).any()
    assert not has_closed_laws(chain_of([-1, 0], [900.0, 0.2], [4, 1]), np.array([9.0])).any()
    # own units that are never as many as asked for unless hundreds are at the root
    assert not has_closed_laws(chain_of([-1, 0], [3.8, 7.8], [0, 0]), np.array([0.19])).any()


@pytest.mark.parametrize("shape", [0.3, 2.0, 500.0])
def test_counts_at_gamma_rates(shape):
    rates = GammaRates.of(np.array([shape]))
    mean = np.array([[0.01, 3.0, 20.0]])
    law = rates.law(mean, 60)[0]
    expected = stats.nbinom.pmf(np.arange(60), shape, (shape / (shape + mean))[0][:, None])
    assert_allclose(law, expected, rtol=1e-9)
    assert_allclose(rates.rareness(np.full((1, 3), 7.0), mean)[0], -np.log(law[:, 7]), rtol=1e-10)
    reach = rates.reach(mean, 4.0)[0]
    beyond = stats.nbinom.sf(reach, shape, shape / (shape + mean[0]))
    assert (beyond < 1e-17 * stats.nbinom.sf(4, shape, shape / (shape + mean[0]))).all()


def test_a_count_moves_the_rate():
    shape, root, child, seen = 1.7, 2.5, 0.6, 5
    factor = np.linspace(1e-6, 40.0, 400_001)
    joint = stats.gamma.pdf(factor, shape, scale=1.0 / shape)
    joint *= stats.poisson.pmf(seen, factor * root)
    direct = np.trapezoid(joint * stats.poisson.pmf(2, factor * child), factor)
    direct /= np.trapezoid(joint, factor)
    after = GammaRates.of(np.array([shape])).with_none_of(np.array([root]))
    after = after.having_seen(np.array([[float(seen)]]))
    assert_allclose(after.law(np.array([[child]]), 3)[0, 0, 2], direct, rtol=1e-7)
