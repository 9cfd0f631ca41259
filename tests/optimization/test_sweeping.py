"""Figures over the late units of a parent, against sums over binomial laws of scipy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from partsplan.optimization.conditional import Given
from partsplan.optimization.late_units import LateUnits
from partsplan.optimization.poisson_tables import poisson_law, poisson_tables
from partsplan.optimization.sweeping import Sweep

SIZE = 12


def figure_of(kind, mean, late, size=SIZE):
    """The figure of Poisson demand and some late units, at stocks or counts from 0."""
    at = np.arange(size)
    demand = np.arange(late, late + 120)
    law = stats.poisson.pmf(demand - late, mean)
    if kind == "loss":
        return (law * np.maximum(demand - at[:, None], 0)).sum(axis=1)
    if kind == "tail":
        return (law * (demand >= at[:, None])).sum(axis=1)
    return stats.poisson.pmf(at - late, mean)


def by_sums(kind, mean, share, under_way, stock):
    """Mean over the late units of the parent and which of them this location waits for."""
    late = np.maximum(np.arange(len(under_way)) - stock, 0)
    mine = np.arange(len(under_way))
    law = under_way @ stats.binom.pmf(mine, late[:, None], share)
    return sum(law[own] * figure_of(kind, mean, own) for own in mine[law > 1e-22])


def alone(kind, mean, size=SIZE):
    tail, loss = poisson_tables(mean, size)
    return {"loss": loss, "tail": tail, "law": poisson_law(mean, size)}[kind]


@pytest.mark.parametrize("kind", ["loss", "tail", "law"])
@pytest.mark.parametrize("pipeline", [6.0, 260.0])
def test_figures_over_late_units(kind, pipeline):
    """Short sweeps go step by step; long ones leap over stocks that nobody asks for."""
    mean, share = np.array([[0.7, 2.0]]), np.array([[0.03, 0.01]])
    under_way = stats.poisson.pmf(np.arange(int(pipeline + 10 * np.sqrt(pipeline)) + 10), pipeline)
    stock = np.array([[0, 3, 40, 150, 255, 256, 900]])
    late = LateUnits(under_way[None], stock)
    found = Given(alone(kind, mean), share, kind).over(late)[0]
    assert found.shape == (8, 2, SIZE)
    for entry, level in enumerate([*stock[0], 10_000]):
        for place in range(2):
            expected = by_sums(kind, mean[0, place], share[0, place], under_way, level)
            assert_allclose(found[entry, place], expected, rtol=1e-10, atol=1e-18)


@pytest.mark.parametrize("kind", ["loss", "tail", "law"])
@pytest.mark.parametrize(("n_places", "most"), [(1, 0.3), (2, 0.12), (60, 0.01)])
@pytest.mark.parametrize("first", [0, 700])
def test_leaps_lead_where_steps_do(kind, n_places, most, first):
    """Few locations of large shares, many of small ones; units under way everywhere or not."""
    rng = np.random.default_rng(3)
    mean = rng.uniform(0.1, 4.0, (2, n_places))
    share = rng.uniform(0.2 * most, most, (2, n_places))
    share[1, 0] = 0.0
    under_way = np.zeros((2, 2, 1000))
    under_way[..., first:] = rng.dirichlet(np.ones(1000 - first), (2, 2))
    leaping, stepping = (Sweep(alone(kind, mean, 80), share, kind, under_way) for _ in range(2))
    n_moves = 0
    for least in (990, 989, 780, 650, 649, 130, 0):
        while leaping.position > least:
            leaping.go_down(least)
            n_moves += 1
        while stepping.position > least:
            stepping.go_down(stepping.position - 1)
        assert_allclose(leaping.current, stepping.current, rtol=1e-10, atol=1e-19)
    assert n_moves < 60


@pytest.mark.parametrize("kind", ["loss", "tail", "law"])
@pytest.mark.parametrize("n_places", [1, 3, 30])
@pytest.mark.parametrize("own", [3.0, 150.0])
def test_a_sweep_begins_where_all_are_short(kind, n_places, own):
    """Before the stocks that are asked for, a line stands for all that is further on."""
    rng = np.random.default_rng(7)
    mean, share = rng.uniform(0.3, 1.0, (2, n_places)) * own, rng.uniform(0.06, 0.2, (2, n_places))
    under_way = stats.poisson.pmf(np.arange(9_000), [[[2_000.0]], [[7_500.0]]])
    none_late = alone(kind, mean, 60)
    near = Sweep(none_late, share, kind, under_way, highest=150)
    far = Sweep(none_late, share, kind, under_way)
    assert near.position < 4_000 < far.position
    for least in (150, 149, 90, 3, 0):
        for sweep in (near, far):
            while sweep.position > least:
                sweep.go_down(least)
        assert_allclose(near.current, far.current, rtol=1e-9, atol=1e-17)


def test_the_highest_stock_takes_its_figures_where_all_are_short_there():
    """With 7,500 under way and 4,000 held, no location has a unit left: lines all the way."""
    mean, share = np.array([[150.0, 90.0]]), np.array([[0.2, 0.1]])
    under_way = stats.poisson.pmf(np.arange(9_000), 7_500.0)
    stock = np.array([[0, 100, 4_000]])
    found = Given(alone("loss", mean), share, "loss").over(LateUnits(under_way[None], stock))[0]
    for entry, level in enumerate(stock[0]):
        late = (mean + share * (7_500.0 - level))[0]
        assert_allclose(found[entry], late[:, None] - np.arange(SIZE), rtol=1e-10)


def test_a_sweep_begins_at_the_end_where_somebody_is_never_short():
    share = np.array([[0.2, 0.0]])
    under_way = stats.poisson.pmf(np.arange(3_000), 2_000.0)[None, None]
    sweep = Sweep(alone("loss", np.ones((1, 2)), 40), share, "loss", under_way, highest=10)
    assert sweep.position > 2_000


@pytest.mark.parametrize("kind", ["loss", "tail", "law"])
@pytest.mark.parametrize("n_places", [1, 40])
def test_a_figure_wider_than_what_is_late_at_first(kind, n_places):
    """The first leaps come from where next to nothing is under way."""
    rng = np.random.default_rng(5)
    mean = rng.uniform(20.0, 90.0, (1, n_places))
    share = rng.uniform(0.5, 1.0, (1, n_places)) * 0.3 / n_places
    under_way = stats.poisson.pmf(np.arange(1200), 800.0)[None, None]
    leaping, stepping = (Sweep(alone(kind, mean, 300), share, kind, under_way) for _ in range(2))
    atol = 3e-18 if kind == "loss" else 1e-20
    for least in (1090, 1050, 900, 801, 0):
        while leaping.position > least:
            leaping.go_down(least)
        while stepping.position > least:
            stepping._step()
        assert_allclose(leaping.current, stepping.current, rtol=1e-9, atol=atol)


def test_the_first_count_under_way_is_not_leapt_over():
    under_way = np.zeros(400)
    under_way[300], under_way[301:] = 0.5, 0.5 / 99
    mean, share = np.array([[0.7]]), np.array([[0.02]])
    late = LateUnits(under_way[None], np.array([[0, 299, 300]]))
    found = Given(alone("tail", mean), share, "tail").over(late)[0]
    for entry, level in enumerate((0, 299, 300)):
        expected = by_sums("tail", 0.7, 0.02, under_way, level)
        assert_allclose(found[entry, 0], expected, rtol=1e-10, atol=1e-18)


def test_lots_take_the_mean_over_their_positions():
    mean, share = np.array([[0.7]]), np.array([[0.2]])
    under_way = stats.poisson.pmf(np.arange(60), 15.0)
    stock, lots = np.array([[0, 2, 5, 18]]), np.array([[1, 2, 4, 4]])
    found = Given(alone("tail", mean), share, "tail").over(LateUnits(under_way[None], stock, lots))
    for entry, (last, size) in enumerate(zip(stock[0], lots[0], strict=True)):
        positions = range(last - size + 1, last + 1)
        expected = np.mean([by_sums("tail", 0.7, 0.2, under_way, y) for y in positions], axis=0)
        assert_allclose(found[0, entry, 0], expected, rtol=1e-10, atol=1e-18)


def test_what_is_never_covered_in_lots_is_nothing():
    under_way = stats.poisson.pmf(np.arange(2000), 1300.0)[None]
    late = LateUnits(under_way, np.array([[419, 1290, 2500]]), np.array([[5, 5, 5]]))
    covered = np.array(
        [stats.poisson.cdf(np.arange(y - 4, y + 1), 1300.0).mean() for y in (419, 1290)]
    )
    none = late.none_late()[0]
    assert 0.0 <= none[0] < 1e-100
    assert_allclose(none[1], covered[1], rtol=1e-12)
    assert none[2:].tolist() == [1.0, 1.0]


def test_moments_of_the_late_units():
    under_way = np.stack([stats.poisson.pmf(np.arange(80), m) for m in (4.0, 20.0)])
    stock = np.array([[0, 3, 9], [10, 25, 90]])
    late = LateUnits(under_way, stock)
    for part in range(2):
        for entry, level in enumerate(stock[part]):
            short = np.maximum(np.arange(80) - level, 0)
            weight = under_way[part]
            assert_allclose(late.mean()[part, entry], weight @ short, rtol=1e-11, atol=1e-20)
            assert_allclose(late.none_late()[part, entry], weight[short == 0].sum(), rtol=1e-12)
            assert_allclose(late.short()[part, entry], weight[level:].sum(), atol=1e-15)
    assert late.mean()[:, -1].tolist() == [0.0, 0.0]
    assert late.none_late()[:, -1].tolist() == [1.0, 1.0]
