"""A sample of all dear parts and every k-th other one stands for all."""

import numpy as np
import pytest
from many_parts import many_parts

import partsplan as pp
from partsplan.optimization import run, sampling
from partsplan.optimization.all_blocks import AllBlocks
from partsplan.optimization.price_steps import StepPowers


def test_dear_parts_count_once_and_the_others_for_all(monkeypatch):
    monkeypatch.setattr(sampling, "SAMPLED_PARTS", 100)
    important = np.random.default_rng(0).lognormal(0.0, 2.0, 1_000)
    counted = sampling.sampled(important, n_promises=1)
    assert counted.sum() == pytest.approx(1_000)
    dear = np.argsort(-important)[:50]
    assert (counted[dear] == 1.0).all()
    assert 80 <= np.count_nonzero(counted) <= 120
    assert sampling.sampled(important[:150], n_promises=1) is None
    assert sampling.sampled(important, n_promises=20) is None  # 40 parts for each price are most


def test_a_sample_uses_about_what_all_parts_use(monkeypatch):
    monkeypatch.setattr(sampling, "SAMPLED_PARTS", 500)
    network, demand = many_parts(21, 3_000)
    seen = []
    original = run.OptimizationRun._blocks
    monkeypatch.setattr(
        run.OptimizationRun, "_blocks", lambda *a: seen.append(original(*a)) or seen[-1]
    )
    plan = pp.optimize(network, demand)
    blocks = seen[0]
    assert isinstance(blocks, AllBlocks)
    price = np.array([c.price for c in plan.commitments])
    whole, part = blocks.priced(price), blocks.sample.priced(price)
    np.testing.assert_allclose(
        part.used / blocks.sample.allowed, whole.used / blocks.allowed, rtol=0.3
    )
    assert part.value == pytest.approx(whole.value, rel=0.1)


def test_steps_learn_how_use_answers_to_price():
    powers, price = StepPowers(), np.array([0.5, 3.0])
    elasticity, target = np.array([0.5, 0.8]), np.array([2.0, 1.0])
    for _ in range(4):
        ratio = (price / target) ** -elasticity
        price = price * ratio ** powers.at(price, ratio)
    np.testing.assert_allclose(price, target, rtol=1e-6)
