"""Waiting times: computed cases, a simulation, and every rule of a window."""

import numpy as np
import pytest
from cases_levels_and_windows import CHANNEL_FILL, TOLERANCE
from cases_single_location import TIME_WINDOW
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from supply_trees import simulated_waits, tree_of, two_levels

from partsplan.evaluation import poisson
from partsplan.evaluation.exact import exact_figures
from partsplan.evaluation.waiting import late_is_exact, late_shares


@pytest.mark.parametrize(("rate", "lead_time", "stock", "window", "share"), TIME_WINDOW)
def test_one_location(rate, lead_time, stock, window, share):
    late = late_shares(tree_of([-1], [[rate]], lead_time), np.array([[stock]]), [(0, window)])
    assert_allclose(1.0 - late[0, 0], share, rtol=TOLERANCE)


@pytest.mark.parametrize("case", CHANNEL_FILL)
def test_channel_fill_rates(case):
    rates, transit, resupply, depot_stock, stock, window, shares = case
    tree = two_levels(rates, transit, resupply)
    windows = [(location, window) for location in range(1, len(rates) + 1)]
    late = late_shares(tree, np.array([[depot_stock, *stock]]), windows)
    assert_allclose(1.0 - late[0], shares, rtol=TOLERANCE)


@pytest.mark.parametrize(
    "stock", [[2, 1, 0, 1, 2], [0, 2, 1, 0, 1], [3, 0, 2, 0, 0], [0, 0, 0, 0, 0], [1, 0, 1, 2, 0]]
)
def test_agrees_with_a_simulation_at_three_levels(stock):
    tree = tree_of([-1, 0, 0, 1, 1], [[0.02, 0.0, 0.1, 0.06, 0.03]], [12.0, 3.0, 2.0, 1.0, 4.0])
    lengths = [0.0, 0.5, 1.0, 2.5, 4.0, 6.5, 9.0, 13.0, 17.5]
    windows = [(location, u) for location in (0, 2, 3, 4) for u in lengths]
    late = late_shares(tree, np.array([stock]), windows)[0]
    waits = simulated_waits(tree, stock, 150_000, np.random.default_rng(11))
    for share, (location, u) in zip(late, windows, strict=True):
        batches = np.array([(b > u).mean() for b in np.array_split(waits[location], 40)])
        error = max(batches.std(ddof=1) / 40**0.5, 3e-5)
        assert abs(batches.mean() - share) < 4.5 * error, (location, u)


def test_uncertain_rates_agree_with_a_mixed_simulation():
    own, days, stock = np.array([[0.0, 0.05, 0.05]]), [20.0, 2.0, 1.0], [2, 1, 1]
    tree = tree_of([-1, 0, 0], own, days, rate_shape=2.0)
    windows = [(1, 0.0), (1, 1.0), (2, 5.0), (2, 12.0)]
    late = late_shares(tree, np.array([stock]), windows)[0]
    rng = np.random.default_rng(5)
    factors = rng.gamma(2.0, 0.5, 300)
    shares = np.zeros((len(factors), len(windows)))
    for i, factor in enumerate(factors):
        known = tree_of([-1, 0, 0], own * factor, days)
        waits = simulated_waits(known, stock, 3000, rng)
        shares[i] = [(waits[location] > u).mean() for location, u in windows]
    mean = (factors[:, np.newaxis] * shares).mean(axis=0) / factors.mean()
    deviation = factors[:, np.newaxis] * (shares - mean)
    error = deviation.std(axis=0) / len(factors) ** 0.5
    assert (np.abs(mean - late) < 4.5 * error).all()


def test_window_zero_is_the_stockout_where_something_is_stocked():
    tree = tree_of([-1, 0, 0], [[0.1, 0.2, 0.3]], [9.0, 2.0, 1.0], 0.2, 3.0, rate_shape=2.0)
    stock = np.array([[2, 1, 4]])
    late = late_shares(tree, stock, [(0, 0.0), (1, 0.0), (2, 0.0)])
    assert_allclose(late, exact_figures(tree, stock).stockout, rtol=1e-12)


def test_far_tails_keep_their_digits():
    late = late_shares(tree_of([-1], [[0.01]], 10.0), np.array([[30]]), [(0, 0.0), (0, 9.0)])
    assert_allclose(late[0], poisson.stockout_rate(30, [0.1, 0.01]), rtol=1e-12)
    assert late[0, 1] < 1e-90


def test_unstocked_chain_waits_for_all_times():
    tree = tree_of([-1, 0], [[0.0, 0.2]], [10.0, 2.0])
    windows = [(1, 1.0), (1, 2.0), (1, 11.9), (1, 12.0), (0, 9.9), (0, 10.0)]
    late = late_shares(tree, np.array([[0, 0]]), windows)
    assert late.tolist() == [[1.0, 1.0, 1.0, 0.0, 1.0, 0.0]]


def test_unstocked_location_with_local_repair():
    """Half is back from its own repair after 3 days, half comes over the parent after 2."""
    tree = tree_of([-1, 0], [[0.0, 0.2]], [10.0, 2.0], [0.0, 0.5], [0.0, 3.0])
    parent = late_shares(tree, np.array([[1, 0]]), [(0, 0.0), (0, 0.5), (0, 3.0)])[0]
    late = late_shares(tree, np.array([[1, 0]]), [(1, 1.0), (1, 2.0), (1, 2.5), (1, 5.0)])[0]
    assert_allclose(late, [1.0, 0.5 + 0.5 * parent[0], 0.5 + 0.5 * parent[1], 0.5 * parent[2]])


def test_parts_with_different_times_share_a_block():
    days = [[12.0, 3.0, 1.0], [5.0, 1.0, 4.0], [30.0, 2.0, 0.0]]
    own = [[0.01, 0.1, 0.2], [0.3, 0.0, 0.1], [0.0, 0.02, 0.03]]
    stock = np.array([[2, 1, 0], [0, 0, 1], [1, 2, 0]])
    windows = [(1, 0.0), (1, 2.0), (2, 2.0), (2, 6.0), (0, 4.0), (2, 2.0)]
    together = late_shares(tree_of([-1, 0, 1], own, days), stock, windows)
    for p in range(3):
        alone = late_shares(tree_of([-1, 0, 1], own[p], days[p]), stock[p : p + 1], windows)
        assert_allclose(together[p], alone[0], rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=3, max_size=3),
    st.lists(st.floats(0.0, 20.0), min_size=2, max_size=5),
    st.sampled_from([np.inf, 1.0, 10.0]),
)
def test_longer_windows_and_more_stock_never_hurt(stock, lengths, shape):
    tree = tree_of([-1, 0, 1], [[0.0, 0.03, 0.1]], [9.0, 3.0, 2.0], rate_shape=shape)
    windows = [(2, u) for u in sorted(lengths)]
    late = late_shares(tree, np.array([stock]), windows)[0]
    assert ((late >= 0) & (late <= 1)).all()
    assert (np.diff(late) <= 1e-12).all()
    for location in range(3):
        more = np.array([stock])
        more[0, location] += 1
        better = late_shares(tree, more, windows)[0]
        assert (better <= late + 1e-12).all() or stock[location] == 0


def test_local_repair_marks_where_orders_cross():
    tree = tree_of([-1, 0], [[0.1, 0.2], [0.1, 0.2]], [10.0, 2.0], [[0.1, 0.5], [0.0, 0.0]], 3.0)
    windows = [(1, 0.0), (1, 1.9), (1, 2.0), (0, 2.9), (0, 3.0)]
    assert late_is_exact(tree, windows).tolist() == [
        [True, True, False, True, False],
        [True, True, True, True, True],
    ]


def test_crossing_above_reaches_down_only_through_the_window():
    tree = tree_of([-1, 0], [[0.0, 0.2]], [10.0, 2.0], [0.3, 0.0], [4.0, 0.0])
    assert late_is_exact(tree, [(1, 1.0), (1, 5.9), (1, 6.0)]).tolist() == [[True, True, False]]


def test_no_windows():
    assert late_shares(tree_of([-1], [[0.1]], 1.0), np.array([[1]]), []).shape == (1, 0)


@pytest.mark.parametrize("window", [-0.1, np.nan])
def test_wrong_windows_are_named(window):
    with pytest.raises(ValueError, match="windows must be at least 0 days"):
        late_shares(tree_of([-1], [[0.1]], 1.0), np.array([[1]]), [(0, window)])
