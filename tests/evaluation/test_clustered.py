"""Clustered demand: compound Poisson with logarithmic orders, against sums and simulations."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from plain_simulation import served
from scipy.integrate import quad
from scipy.stats import gamma, nbinom, poisson
from supply_trees import tree_of, two_levels

import partsplan as pp
from partsplan.evaluation import (
    exact_figures,
    late_shares,
    metric_figures,
    negative_binomial,
    vari_metric_figures,
)
from partsplan.evaluation.orders import clustered_moments, units_before

# exact_single_location.json, "negative_binomial": (mean, ratio, S, EBO, VBO, ready rate). Its
# "fill_rate" is P(X <= S - 1), what an order finds for its first unit; ours counts units. The
# laws of the last three are cut off at about 1e-9.
SINGLE_LOCATION = [
    (0.5, 1.5, 0, 0.5, 0.75, 0.6666666666666666),
    (0.5, 1.5, 2, 0.055555555555555566, 0.10802469135802474, 0.9629629629629629),
    (0.5, 1.5, 8, 7.620789513793633e-05, 0.00015240998263259134, 0.9999491947365746),
    (1.0, 2.0, 0, 1.0000000000000002, 2.0000000000000004, 0.4999999999999998),
    (1.0, 2.0, 2, 0.2500000000000001, 0.6875000000000004, 0.8749999999999998),
    (1.0, 2.0, 8, 0.0039062499999999996, 0.011703491210937502, 0.9980468749999998),
    (2.0, 3.0, 0, 2.0000000000000013, 6.000000000000002, 0.3333333333333333),
    (2.0, 3.0, 2, 0.8888888888888896, 3.6543209876543243, 0.7037037037037037),
    (2.0, 3.0, 8, 0.07803688462124686, 0.38409466774484485, 0.9739877051262512),
    (5.0, 1.2, 2, 3.064642675397444, 5.522357404714569, 0.14879462670312243),
    (5.0, 1.2, 8, 0.17516667073937398, 0.4799144517780657, 0.9139689769117861),
    (10.0, 4.0, 2, 8.044294099410363, 39.225352076376595, 0.07443869484242169),
    (10.0, 4.0, 8, 3.4373441666953806, 25.57387220727722, 0.47608930851813414),
    (0.2, 5.0, 0, 0.19999999999474521, 0.9999999993977341, 0.9226808345905885),
    (0.2, 5.0, 2, 0.08226890255963676, 0.505601255342125, 0.9750891059953339),
    (0.2, 5.0, 8, 0.011968225558749646, 0.08651175969856387, 0.9969958492444253),
]

RULE = "exact law only at a location that is resupplied from outside"


def demand_of(*rows):
    """Demand of (part, location, per year, variance_to_mean[, rate_shape])."""
    columns = ("part_id", "location_id", "per_year", "variance_to_mean", "rate_shape")
    return pp.DemandRates.from_table([dict(zip(columns, row, strict=False)) for row in rows])


def one_place(commitments=(), resupply_days=10.0):
    return pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P", "unit_cost": 1.0, "resupply_days": resupply_days}],
        locations=[{"location_id": "DC", "kind": "central"}],
        commitments=list(commitments),
    )


def centre_and_field(commitments=(), **part_location):
    own = [{"part_id": "P", **part_location}] if part_location else []
    return pp.ServiceNetwork.from_tables(
        parts=[
            {"part_id": part, "unit_cost": 1.0, "resupply_days": 20.0} for part in ("OTHER", "P")
        ],
        locations=[
            {"location_id": "DC", "kind": "central"},
            {
                "location_id": "F1",
                "kind": "forward",
                "replenished_from": "DC",
                "replenishment_days": 3.0,
            },
            {
                "location_id": "F2",
                "kind": "forward",
                "replenished_from": "DC",
                "replenishment_days": 5.0,
            },
        ],
        part_locations=own,
        commitments=list(commitments),
    )


def root(rate, days, ratio, shape=np.inf):
    tree = tree_of([-1], [[rate]], days, rate_shape=shape)
    return replace(tree, variance_to_mean=np.array([[ratio]]))


def share_short_by_sums(stock, mean, ratio, sizes=4000):
    """Share of units that find no stock: sum over k of P(K >= k) / E[K] P(X + k > S)."""
    q = 1 - 1 / ratio
    k = np.arange(1, sizes)
    size = -(q**k) / k / np.log1p(-q)
    at_least = np.cumsum(size[::-1])[::-1]
    short = np.where(k > stock, 1.0, nbinom.sf(stock - k, mean / (ratio - 1), 1 / ratio))
    return float((at_least * short).sum() / (k * size).sum())


def clustered_at(stock, mean, ratio):
    one = np.array([float(mean)])
    return clustered_moments(np.array([stock]), one, one * (ratio - 1.0), np.array([ratio - 1.0]))


def orders(rng, per_day, ratio, days):
    """Times of units, in order; units of one order have one time."""
    mean_size = (ratio - 1) / np.log(ratio) if ratio > 1 else 1.0
    times = np.sort(rng.uniform(0.0, days, rng.poisson(per_day / mean_size * days)))
    return np.repeat(times, rng.logseries(1 - 1 / ratio, len(times)) if ratio > 1 else 1)


# -- the kernel ------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [1.001, 1.5, 3.0, 20.0])
def test_units_before_are_a_mixture_of_geometric_laws(ratio):
    behind, ahead = units_before(np.array([ratio - 1.0]), 30)
    for d in (0, 1, 2, 7, 30):
        mixed, _ = quad(lambda s, d=d: (s / (1 + s)) ** d, 0, ratio - 1, epsabs=0, epsrel=1e-12)
        assert_allclose(behind[d, 0], mixed / (ratio - 1), rtol=1e-10)
        assert_allclose(ahead[d, 0], 1 - mixed / (ratio - 1), rtol=1e-9, atol=1e-15)


def test_units_before_without_clustering():
    behind, ahead = units_before(np.array([0.0, 1.0]), 2)
    assert_array_equal(behind[:, 0], [1.0, 0.0, 0.0])
    assert_array_equal(ahead[:, 0], [0.0, 1.0, 1.0])


@pytest.mark.parametrize("ratio", [1.01, 1.5, 3.0, 8.0])
@pytest.mark.parametrize("mean", [0.001, 0.5, 6.0, 60.0])
def test_share_of_units_by_sums(mean, ratio):
    for stock in (0, 1, 2, 5, 20, 80):
        figures = clustered_at(stock, mean, ratio)
        assert_allclose(
            figures.stockout[0], share_short_by_sums(stock, mean, ratio), rtol=1e-10, atol=1e-300
        )
        assert_allclose(figures.stockout + figures.filled, 1.0, rtol=1e-12)


@given(st.integers(1, 40), st.floats(0.01, 30.0), st.floats(1.01, 10.0))
def test_share_of_units_is_the_slope_of_late_units(stock, mean, ratio):
    step = 1e-4 * mean
    late = [clustered_at(stock, mean + d, ratio).expected_backorders[0] for d in (-step, step)]
    slope = (late[1] - late[0]) / (2 * step)
    assert_allclose(clustered_at(stock, mean, ratio).stockout[0], slope, rtol=1e-5)


def test_poisson_is_the_limit():
    tree = root(0.1, 20.0, 1.0)
    for stock in (0, 1, 4, 9):
        plain = exact_figures(tree, np.array([[stock]]))
        near = exact_figures(
            replace(tree, variance_to_mean=np.array([[1 + 1e-12]])), np.array([[stock]])
        )
        assert_allclose(near.stockout, plain.stockout, rtol=1e-10)
        assert_allclose(near.expected_backorders, plain.expected_backorders, rtol=1e-10)


def test_share_between_that_of_first_and_of_last_units():
    """P(X >= S) for the first unit of an order; X + J is below the size-biased pipeline."""
    for stock in (1, 3, 8):
        figures = clustered_at(stock, 2.0, 3.0)
        first = negative_binomial.stockout_rate(stock, 2.0, 6.0)
        last = nbinom.sf(stock - 1, 2.0 / 2.0 + 1.0, 1 / 3.0)
        assert first < figures.stockout[0] < last


# -- one location ----------------------------------------------------------------------------


@pytest.mark.parametrize(("mean", "ratio", "stock", "ebo", "vbo", "ready"), SINGLE_LOCATION)
def test_single_location_cases(mean, ratio, stock, ebo, vbo, ready):
    demand = demand_of(("P", "DC", mean * 36.5, ratio))
    performance = pp.evaluate(one_place(), demand, {("P", "DC"): stock})
    assert performance.is_exact
    near = {"rtol": 2e-8, "atol": 0.0} if ratio == 5.0 else {"rtol": 1e-11, "atol": 0.0}
    assert_allclose(performance.expected_backorders[0, 0], ebo, **near)
    assert_allclose(performance.backorder_variance[0, 0], vbo, **near)
    assert_allclose(performance.ready_rate[0, 0], ready, **near)
    units = 1 - share_short_by_sums(stock, mean, ratio)
    assert_allclose(performance.fill_rate[0, 0], units, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(("ratio", "stock"), [(2.0, 3), (5.0, 4)])
def test_single_location_against_simulation(ratio, stock):
    """Units short, late by windows, late units and waits; 25 runs of 20,000 units."""
    rng, rate, days, windows = np.random.default_rng(7), 0.2, 10.0, (0.0, 4.0, 9.5)
    runs = []
    for _ in range(25):
        times = orders(rng, rate, ratio, 1e5)
        waits = served(times, times + days, stock)
        runs.append([waits.sum() / 1e5, *((waits > u + 1e-9).mean() for u in windows)])
    tree = root(rate, days, ratio)
    figures = exact_figures(tree, np.array([[stock]]))
    late = late_shares(tree, np.array([[stock]]), [(0, u) for u in windows])[0]
    assert_allclose(late[0], figures.stockout[0, 0], rtol=1e-13)
    runs = np.array(runs)
    error = np.abs([figures.expected_backorders[0, 0], *late] - runs.mean(0))
    assert (error < 4 * runs.std(0, ddof=1) / 5).all()
    assert_allclose(runs.mean(0)[:3], [figures.expected_backorders[0, 0], *late[:2]], rtol=0.02)


def test_random_resupply_times_of_whole_orders():
    """Palm's theorem holds for orders whose units come back together (Feeney, Sherbrooke)."""
    rng, rate, ratio = np.random.default_rng(3), 0.3, 3.0
    counts = []
    for _ in range(20):
        times = orders(rng, rate, ratio, 2e4)
        order_time, order = np.unique(times, return_inverse=True)
        back = times + rng.exponential(8.0, len(order_time))[order]
        at = rng.uniform(200.0, 2e4, 20_000)
        sent, returned = np.searchsorted(times, at), np.searchsorted(np.sort(back), at)
        counts.append([np.maximum(sent - returned - s, 0).mean() for s in (0, 2, 6)])
    counts = np.array(counts)
    tree = root(rate, 8.0, ratio)
    exact = [exact_figures(tree, np.array([[s]])).expected_backorders[0, 0] for s in (0, 2, 6)]
    assert (np.abs(exact - counts.mean(0)) < 4 * counts.std(0, ddof=1) / np.sqrt(20)).all()


def test_waits_end_with_the_resupply_time():
    tree = root(0.1, 10.0, 4.0)
    late = late_shares(tree, np.array([[2]]), [(0, 10.0 - 1e-9), (0, 10.0), (0, 11.0)])[0]
    behind, _ = units_before(np.array([3.0]), 2)
    assert_allclose(late, [behind[2, 0], 0.0, 0.0], rtol=1e-6)  # the large orders wait to the end
    empty = late_shares(tree, np.array([[0]]), [(0, 0.0), (0, 9.0), (0, 10.0)])[0]
    assert_array_equal(empty, [1.0, 1.0, 0.0])


@pytest.mark.parametrize("shape", [0.7, 4.0])
@pytest.mark.parametrize(("mean", "ratio"), [(0.3, 6.0), (4.0, 2.0)])
def test_clustering_with_an_uncertain_rate(shape, mean, ratio):
    """The factor scales how often orders come, and leaves the ratio."""
    tree = root(mean / 10.0, 10.0, ratio, shape)
    factor = gamma(shape, scale=1 / shape)
    grid = np.exp(np.linspace(np.log(1e-12 ** (1 / shape)) - 3, np.log(factor.isf(1e-16)), 4000))
    weight = factor.pdf(grid) * grid * np.log(grid[1] / grid[0])
    extra = np.full(len(grid), ratio - 1.0)
    for stock in (0, 1, 3, 9):
        given_rate = clustered_moments(
            np.full(len(grid), stock), mean * grid, mean * grid * extra, extra
        )
        late = given_rate.expected_backorders
        figures = exact_figures(tree, np.array([[stock]]))
        assert_allclose(figures.expected_backorders[0, 0], weight @ late, rtol=1e-9)
        assert_allclose(figures.stockout[0, 0], (weight * grid) @ given_rate.stockout, rtol=1e-9)
        assert_allclose(figures.unready[0, 0], weight @ given_rate.unready, rtol=1e-8)


def test_commitments_count_units():
    commitments = [
        {"commitment_id": "FILL", "metric": "fill_rate", "target": 0.5},
        {"commitment_id": "SOON", "metric": "response", "target": 0.5, "within_hours": 96.0},
        {"commitment_id": "WAIT", "metric": "mean_wait", "target": 99.0},
    ]
    demand = demand_of(("P", "DC", 73.0, 3.0))
    performance = pp.evaluate(one_place(commitments), demand, {("P", "DC"): 4})
    fill, soon, wait = (result.achieved for result in performance.commitments)
    assert_allclose(fill, 1 - share_short_by_sums(4, 2.0, 3.0), rtol=1e-12)
    assert_allclose(soon, 1 - share_short_by_sums(4, 1.2, 3.0), rtol=1e-12)
    late = negative_binomial.expected_backorders(4, 2.0, 6.0)
    assert_allclose(wait, 24 * late / 0.2, rtol=1e-12)
    (row,) = performance.by("location")
    assert_allclose(row["fill_rate"], fill, rtol=1e-12)


# -- where there is no exact law -------------------------------------------------------------


def test_a_centre_alone_in_a_network_has_an_exact_law():
    network = centre_and_field()
    demand = demand_of(("P", "DC", 30.0, 3.0), ("OTHER", "F1", 9.0, 1.0), ("OTHER", "DC", 4.0, 1.0))
    stock = {("P", "DC"): 3, ("OTHER", "DC"): 1, ("OTHER", "F1"): 1}
    performance = pp.evaluate(network, demand, stock)
    assert performance.is_exact
    mean = 30.0 / 365 * 20.0
    assert_allclose(
        performance.expected_backorders[1],
        [negative_binomial.expected_backorders(3, mean, 3 * mean), 0.0, 0.0],
        rtol=1e-12,
    )
    plain = pp.evaluate(network, demand_of(("OTHER", "F1", 9.0, 1), ("OTHER", "DC", 4.0, 1)), stock)
    assert_array_equal(performance.expected_backorders[0], plain.expected_backorders[0])
    assert_array_equal(performance.fill_rate[0], plain.fill_rate[0])


@pytest.mark.parametrize("call", [pp.evaluate, pp.optimize])
@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([("P", "F1", 5.0, 2.0)], "part 'P' at location 'DC' (and 1 more)"),
        ([("P", "DC", 5.0, 2.0), ("P", "F2", 1.0, 1.0)], "part 'P' at location 'DC' (and 1 more)"),
        ([("P", "F1", 5.0, 2.0), ("P", "F2", 1.0, 1.0)], "part 'P' at location 'DC' (and 2 more)"),
    ],
)
def test_no_exact_law_below_the_top(call, rows, place):
    with pytest.raises(pp.PartsplanError, match=RULE) as caught:
        call(centre_and_field(), demand_of(*rows), {}) if call is pp.evaluate else call(
            centre_and_field(), demand_of(*rows)
        )
    assert str(caught.value).startswith(place)
    assert "Use evaluation='vari_metric', or a variance_to_mean of 1" in str(caught.value)


def test_no_exact_law_where_a_share_is_repaired_locally():
    network = centre_and_field(location_id="DC", local_repair_fraction=0.5, local_repair_days=2.0)
    with pytest.raises(pp.PartsplanError, match="nor repairs a share of it itself"):
        pp.evaluate(network, demand_of(("P", "DC", 5.0, 2.0)), {})


@pytest.mark.parametrize("evaluation", ["vari_metric", "metric"])
@pytest.mark.parametrize("metric", ["fill_rate", "response"])
def test_shares_cannot_be_promised_below_the_top(evaluation, metric):
    row = {"commitment_id": "C", "metric": metric, "target": 0.5, "location_id": "F1"}
    network = centre_and_field([row | ({"within_hours": 9} if metric == "response" else {})])
    with pytest.raises(pp.PartsplanError, match=rf"commitment 'C', part 'P' .*'F1': .*{metric}"):
        pp.evaluate(network, demand_of(("P", "F1", 5.0, 2.0)), {}, evaluation=evaluation)
    elsewhere = demand_of(("P", "F2", 5.0, 2.0), ("OTHER", "F1", 3.0, 1.0))
    with_poisson = pp.evaluate(network, elsewhere, {("OTHER", "F1"): 1}, evaluation=evaluation)
    assert 0.0 < with_poisson.commitments[0].achieved < 1.0


def test_groups_leave_open_what_has_no_law():
    demand = demand_of(("P", "F1", 5.0, 2.0), ("OTHER", "F1", 3.0, 1.0), ("OTHER", "F2", 3.0, 1.0))
    performance = pp.evaluate(
        centre_and_field(), demand, {("P", "F1"): 1}, evaluation="vari_metric"
    )
    assert not performance.is_exact
    first, second = performance.by("location")
    assert first["fill_rate"] is None
    assert first["mean_wait_hours"] > 0
    assert second["fill_rate"] == 0.0


def test_kernels_return_nan_without_a_law():
    tree = replace(two_levels([0.1, 0.1], [3.0, 5.0], 20.0), variance_to_mean=np.array([[1, 2, 1]]))
    stock = np.array([[2, 1, 1]])
    assert np.isnan(exact_figures(tree, stock).expected_backorders).all()
    assert np.isnan(late_shares(tree, stock, [(1, 0.0), (2, 4.0)])).all()


def test_trees_apart_keep_their_exact_laws():
    """Two centres: one with clustered customers, the other with Poisson children."""
    tree = tree_of([-1, -1, 1], [[0.1, 0.0, 0.2]], [[10.0, 20.0, 3.0]])
    stock = np.array([[2, 3, 1]])
    plain = exact_figures(tree, stock)
    figures = exact_figures(replace(tree, variance_to_mean=np.array([[4.0, 1, 1]])), stock)
    assert_array_equal(figures.expected_backorders[0, 1:], plain.expected_backorders[0, 1:])
    assert_allclose(
        figures.expected_backorders[0, 0], negative_binomial.expected_backorders(2, 1.0, 4.0)
    )


# -- moments ---------------------------------------------------------------------------------


def simulated_late_units(rng, rates, ratios, transit_days, resupply_days, stock, days):
    """Mean late units of a depot without own customers and its bases."""
    own = [orders(rng, *base, days) for base in zip(rates, ratios, strict=True)]
    times = np.concatenate(own)
    base = np.repeat(np.arange(len(own)), [len(t) for t in own])
    order = np.argsort(times, kind="stable")
    above = np.empty(len(times))
    above[order] = served(times[order], times[order] + resupply_days, stock[0])
    waits = [
        served(t, t + transit_days[j] + above[base == j], stock[1 + j]) for j, t in enumerate(own)
    ]
    return np.array([above.sum(), *(w.sum() for w in waits)]) / days


@pytest.mark.parametrize(
    ("ratios", "stock", "within"),
    [
        ((2.0, 2.0), (0, 2, 2), 0.02),  # nothing above: moments are exact
        ((5.0, 5.0), (0, 2, 2), 0.02),
        ((2.0, 2.0), (3, 2, 1), 0.06),
        ((3.0, 3.0), (6, 2, 1), 0.09),
        ((5.0, 5.0), (3, 2, 2), 0.09),
        ((2.0, 4.0), (3, 2, 2), 0.06),
        ((2.0, 4.0), (6, 1, 1), 0.07),
        ((1.0, 5.0), (3, 2, 2), 0.11),
    ],
)
def test_late_units_by_moments_against_simulation(ratios, stock, within):
    rates, transit_days, resupply_days = (0.1, 0.05), (5.0, 3.0), 30.0
    rng = np.random.default_rng(11)
    runs = np.array(
        [
            simulated_late_units(rng, rates, ratios, transit_days, resupply_days, stock, 2.5e5)
            for _ in range(8)
        ]
    )
    tree = two_levels(rates, transit_days, resupply_days)
    tree = replace(tree, variance_to_mean=np.array([[1.0, *ratios]]))
    late = vari_metric_figures(tree, np.array([stock])).expected_backorders[0]
    noise = 3 * runs.std(0, ddof=1) / np.sqrt(8)
    assert (np.abs(late - runs.mean(0)) < within * runs.mean(0) + noise).all()


def test_moments_without_clustering_are_unchanged():
    tree = two_levels([0.1, 0.2], [3.0, 5.0], 20.0, shape=2.0)
    stock = np.array([[2, 1, 3]])
    marked = replace(tree, variance_to_mean=np.ones((1, 3)))
    nearly = replace(tree, variance_to_mean=np.full((1, 3), 1 + 1e-10))
    for name in ("expected_backorders", "stockout", "pipeline_variance", "on_hand"):
        plain = getattr(vari_metric_figures(tree, stock), name)
        assert_array_equal(getattr(vari_metric_figures(marked, stock), name), plain)
        assert_allclose(getattr(vari_metric_figures(nearly, stock), name), plain, rtol=1e-7)


@pytest.mark.parametrize("shape", [np.inf, 3.0])
def test_moments_are_exact_at_a_root_alone(shape):
    """Under an uncertain rate mean and variance are, and a mixture's law is not."""
    tree = root(0.1, 20.0, 3.0, shape)
    exact, moments = (law(tree, np.array([[3]])) for law in (exact_figures, vari_metric_figures))
    assert_allclose(moments.pipeline_variance, exact.pipeline_variance, rtol=1e-10)
    assert_allclose(moments.pipeline_mean, exact.pipeline_mean, rtol=1e-10)
    if np.isinf(shape):
        assert_allclose(moments.stockout, exact.stockout, rtol=1e-12)


def test_variances_without_stock_above_are_those_of_the_whole_time():
    tree = two_levels([0.1, 0.2], [3.0, 5.0], 20.0)
    tree = replace(tree, variance_to_mean=np.array([[1.0, 2.0, 5.0]]))
    figures = vari_metric_figures(tree, np.array([[0, 1, 1]]))
    assert_allclose(figures.pipeline_variance[0, 1:], [2.0 * 0.1 * 23.0, 5.0 * 0.2 * 25.0])
    assert_allclose(figures.pipeline_variance[0, 0], (2.0 * 0.1 + 5.0 * 0.2) * 20.0)


@pytest.mark.parametrize(("transit", "repair"), [(9.0, 4.0), (4.0, 9.0), (6.0, 6.0)])
def test_variance_where_units_are_repaired_one_by_one(transit, repair):
    """Each unit alone is repaired with probability r: an order's units part."""
    rng, rate, ratio, r = np.random.default_rng(5), 0.5, 4.0, 0.3
    counts = []
    for _ in range(30):
        times = orders(rng, rate, ratio, 2e4)
        back = times + np.where(rng.random(len(times)) < r, repair, transit)
        at = rng.uniform(50.0, 2e4, 10_000)
        counts.append((np.searchsorted(times, at) - np.searchsorted(np.sort(back), at)).var(ddof=1))
    tree = tree_of([-1], [[rate]], transit, fraction=r, repair_days=repair)
    tree = replace(tree, variance_to_mean=np.array([[ratio]]))
    variance = vari_metric_figures(tree, np.array([[1]])).pipeline_variance[0, 0]
    assert abs(variance - np.mean(counts)) < 4 * np.std(counts, ddof=1) / np.sqrt(30)


def test_clustering_of_orders_up_the_tree():
    tree = tree_of([-1, 0, 0], [[0.1, 0.2, 0.3]], [[20.0, 3.0, 3.0]], fraction=[[0.0, 0.5, 0.0]])
    tree = replace(tree, variance_to_mean=np.array([[3.0, 5.0, 1.0]]))
    assert_allclose(tree.order_clustering[0, 1:], [2.0, 0.0])
    assert_allclose(tree.clustering[0], [(0.1 * 2 + 0.1 * 2) / 0.5, 4.0, 0.0])


def test_metric_looks_at_means_only():
    tree = two_levels([0.1, 0.2], [3.0, 5.0], 20.0)
    clustered = replace(tree, variance_to_mean=np.array([[1.0, 2.0, 5.0]]))
    stock = np.array([[2, 1, 3]])
    late = metric_figures(clustered, stock).expected_backorders
    assert_array_equal(late, metric_figures(tree, stock).expected_backorders)
    assert_allclose(late[0, 0], poisson(6.0).sf(np.arange(2, 80)).sum())
