"""The tables that prices are put on: every entry against the evaluation of that very stock."""

from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
import pytest
from brute_force import BruteForce
from numpy.testing import assert_allclose
from own_networks import CASES, OBJECTIVES

import partsplan as pp
from partsplan.evaluation.exact import exact_figures
from partsplan.evaluation.moments import metric_figures, vari_metric_figures
from partsplan.evaluation.performance import service_model
from partsplan.evaluation.supply import SupplyTree
from partsplan.evaluation.waiting import late_shares
from partsplan.network import read_limits
from partsplan.optimization.building import build_tables
from partsplan.optimization.choices import figures_of_rows
from partsplan.optimization.clock import Clock
from partsplan.optimization.enumeration import TooManyStocksError
from partsplan.optimization.first_lists import first_lists
from partsplan.optimization.grids import PIECES, Gap, Grids, endless_stock
from partsplan.optimization.problem import PlanningProblem
from partsplan.optimization.search import BlockSearch
from partsplan.optimization.tables import OUTSIDE, Weighed

FORESTS = {
    "one location": [-1],
    "two levels": [-1, 0, 0],
    "three levels": [-1, 0, 1, 1],
    "four levels": [-1, 0, 1, 2],
    "two roots": [-1, -1, 0, 1],
    "leaf beside branch": [-1, 0, 0, 1],
    "source after child": [1, -1, 1],
}
N_PARTS = 3


def random_tree(forest, seed, *, shape=np.inf, lots=1):
    rng = np.random.default_rng(seed)
    parents = np.array(forest)
    size = (N_PARTS, len(parents))
    return SupplyTree(
        parents=parents,
        own_rate=rng.uniform(0.01, 0.1, size) * (rng.random(size) < 0.8),
        transit_days=rng.uniform(1, 15, size),
        repair_fraction=rng.choice([0.0, 0.0, 0.3], size),
        repair_days=rng.uniform(1, 8, size),
        rate_shape=np.full(N_PARTS, shape),
        lots=np.where(parents < 0, np.outer(np.arange(N_PARTS), [lots - 1]) + 1, 1),
    )


def lists_from(tree, lowest, worth, *, has_gaps, highest=np.inf):
    limits = (lowest, np.full(lowest.shape, highest))
    return first_lists(tree, limits, np.full(lowest.shape, worth), has_gaps=has_gaps)


def grids_of(tree, lowest=0, step=1):
    """Lists of three stocks for a location with children and four for the others."""
    low = np.arange(tree.n_locations) % 2 * lowest
    grids = lists_from(tree, np.tile(low, (tree.n_parts, 1)), 1.0, has_gaps=True)
    parts = np.arange(tree.n_parts)[:, None] % 2
    branch = {at: low[at] + (step + parts) * np.arange(3) for at in grids.branch}
    leaves = {
        parent: low[list(inside)][:, None] + (step + parts[..., None]) * np.arange(4)
        for parent, inside in grids.members.items()
    }
    return replace(grids, branch=branch, leaves=leaves)


def lists_of(tree, grids):
    return [grids.of(loc, int(tree.parents[loc])) for loc in range(tree.n_locations)]


def tabulated(tree, grids):
    """Every tabulated stock of every part: place in the block and stock."""
    lists = lists_of(tree, grids)
    rows, stock = [], []
    for part in range(tree.n_parts):
        each = list(product(*(own[part] for own in lists)))
        rows += [part] * len(each)
        stock += each
    return np.array(rows), np.array(stock)


def parts_of(tree, rows):
    return SupplyTree(
        tree.parents,
        tree.own_rate[rows],
        tree.transit_days[rows],
        tree.repair_fraction[rows],
        tree.repair_days[rows],
        tree.rate_shape[rows],
        lots=tree.lots[rows],
    )


def windows_of(tree):
    last = tree.n_locations - 1
    return ((last, 0.0), (last, 2.5), (0, 1.0), (last, 9.0))


def all_weighed(tree):
    return Weighed(windows_of(tree), has_stockout=True, has_waits=True)


def check_tables(tree, grids, evaluation="exact", tables=None):
    windows = windows_of(tree)
    rows, stock = tabulated(tree, grids)
    backorders, stockout, late = figures_of_rows(
        tables or build_tables(evaluation, tree, grids, all_weighed(tree), Clock(None)),
        grids,
        rows,
        stock,
        list(windows),
    )
    each = parts_of(tree, rows)
    exact = exact_figures(each, stock)
    figures = {"exact": exact_figures, "metric": metric_figures, "vari_metric": vari_metric_figures}
    has_demand = each.rate > 0
    expected = figures[evaluation](each, stock).expected_backorders
    assert_allclose(backorders[has_demand], expected[has_demand], rtol=1e-10, atol=1e-14)
    assert_allclose(stockout[has_demand], exact.stockout[has_demand], rtol=1e-10, atol=1e-15)
    wanted = late_shares(each, stock, windows)
    asked = has_demand[:, [location for location, _ in windows]]
    assert_allclose(late[asked], wanted[asked], rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("lowest", [0, 2])
@pytest.mark.parametrize("forest", FORESTS)
def test_exact_tables(forest, lowest):
    tree = random_tree(FORESTS[forest], 1)
    check_tables(tree, grids_of(tree, lowest))


@pytest.mark.parametrize("shape", [0.7, 3.0])
@pytest.mark.parametrize("forest", ["one location", "two levels", "three levels", "two roots"])
def test_tables_of_uncertain_rates(forest, shape):
    tree = random_tree(FORESTS[forest], 2, shape=shape)
    check_tables(tree, grids_of(tree, 1))


@pytest.mark.parametrize("lots", [2, 6])
@pytest.mark.parametrize("shape", [np.inf, 1.5])
@pytest.mark.parametrize("forest", FORESTS)
def test_tables_of_lots(forest, shape, lots):
    """Parts with lots of 1, Q and 2 Q - 1 in one block, stocks below and above."""
    tree = random_tree(FORESTS[forest], 7, shape=shape, lots=lots)
    if np.isinf(shape) or tree.n_locations < 4:
        check_tables(tree, grids_of(tree, 1, step=2))


@pytest.mark.parametrize("forest", ["one location", "two levels", "three levels"])
def test_tables_of_lots_far_beyond_the_demand_of_a_resupply_time(forest):
    tree = random_tree(FORESTS[forest], 9, lots=40)
    check_tables(tree, grids_of(tree, 0, step=30))


@pytest.mark.parametrize("evaluation", ["metric", "vari_metric"])
@pytest.mark.parametrize("forest", ["one location", "two levels", "leaf beside branch"])
def test_tables_of_lots_by_moments(forest, evaluation):
    tree = random_tree(FORESTS[forest], 8, lots=3)
    check_tables(tree, grids_of(tree, 1), evaluation)


@pytest.mark.parametrize("evaluation", ["metric", "vari_metric"])
@pytest.mark.parametrize("lowest", [0, 2])
@pytest.mark.parametrize("forest", FORESTS)
def test_tables_by_moments(forest, lowest, evaluation):
    tree = random_tree(FORESTS[forest], 3)
    check_tables(tree, grids_of(tree, lowest), evaluation)


def test_refined_lists_are_filled_up_and_hold_the_same_figures():
    tree = random_tree(FORESTS["leaf beside branch"], 4)
    old = grids_of(tree, step=4)
    part = np.array([1])
    cut = np.array([PIECES])
    gaps = [Gap(at, part, np.array([place]), cut) for at, place in ((0, 3), (0, 1), (3, 2))]
    grids = old.refined(gaps)
    assert old.branch[0][1].tolist() == [0, 5, 10]
    assert grids.branch[0][1].tolist() == [0, 1, 2, 3, 5, 10, 11, 12, 17]
    assert grids.branch[0][0].tolist() == [0, 4, 8, 8, 8, 8, 8, 8, 8]
    assert grids.leaves[1][1, 0].tolist() == [0, 5, 6, 7, 8, 10, 15]
    fresh = build_tables(
        "exact", tree.of_parts(part), grids.of_parts(part), all_weighed(tree), Clock(None)
    )
    tables = build_tables("exact", tree, old, all_weighed(tree), Clock(None)).with_parts(
        part, fresh
    )
    check_tables(tree, grids, tables=tables)


@pytest.mark.parametrize(
    ("pieces", "wide", "narrow"),
    [(2, [60], [4, 8, 12]), (3, [40, 80], [4, 8, 12]), (8, [15, 30, 45, 60, 75, 90, 105], None)],
)
def test_gaps_are_cut_into_as_many_pieces_as_asked_for(pieces, wide, narrow):
    """Where few stocks lie between, into more: they are soon all listed."""
    lists = np.array([[0, 120], [0, 16]])
    grids = Grids({0: lists}, {}, {}, True)
    both, at = np.array([0, 1]), np.array([1, 1])
    found = grids.refined([Gap(0, both, at, np.full(2, pieces))]).branch[0]
    assert np.unique(found[0]).tolist() == [0, *wide, 120]
    if narrow is not None:
        assert np.unique(found[1]).tolist() == [0, *narrow, 16]


def test_lists_without_gaps_grow_by_counting_on():
    tree = random_tree(FORESTS["two levels"], 4)
    grids = lists_from(tree, np.zeros((N_PARTS, 3), int), 30.0, has_gaps=False)
    size = grids.branch[0].shape[1]
    more = grids.refined([Gap(0, np.array([2]), np.array([size]), np.array([PIECES]))]).branch[0]
    assert (np.diff(more[2]) == 1).all()
    assert more.shape[1] > size
    assert more[0].tolist() == [
        *grids.branch[0][0],
        *[grids.branch[0][0, -1]] * (more.shape[1] - size),
    ]


def test_first_lists_end_at_the_highest_stock():
    tree = random_tree(FORESTS["two levels"], 5)
    grids = lists_from(tree, np.ones((N_PARTS, 3), int), 30.0, has_gaps=True, highest=2.0)
    for lists in lists_of(tree, grids):
        assert (lists[:, 0] == 1).all()
        assert (lists.max(axis=1) == 2).all()
    one = lists_from(tree, np.ones((N_PARTS, 3), int), 30.0, has_gaps=True, highest=1.0)
    assert one.branch[0].tolist() == [[1]] * N_PARTS


def test_first_lists_start_at_the_lowest_stock():
    tree = random_tree(FORESTS["two levels"], 5)
    grids = lists_from(tree, np.full((N_PARTS, 3), 4), 30.0, has_gaps=True)
    for lists in lists_of(tree, grids):
        assert (lists[:, 0] == 4).all()
        assert (np.diff(lists) >= 0).all()
    assert set(grids.branch) == {0}
    assert grids.members == {OUTSIDE: (), 0: (1, 2)}


@pytest.mark.parametrize("lots", [1, 20])
@pytest.mark.parametrize("shape", [np.inf, 0.7, 3.0])
def test_endless_stock_never_runs_out(shape, lots):
    tree = random_tree(FORESTS["three levels"], 6, shape=shape, lots=lots)
    enough = endless_stock(tree)
    for location in range(tree.n_locations):
        stock = np.zeros_like(enough)
        stock[:, location] = enough[:, location]
        assert (exact_figures(tree, stock).stockout[:, location] < 1e-12).all()


# -- the search over the tables, against the brute force's own options ----------------------

SEARCHED = [
    "two levels, overlapping promises",
    "three levels, response",
    "two forests",
    "local repair, response",
    "maximum",
    "minimum",
    "direct shipping, mean wait and fill rate",
    "direct shipping over the region",
    "the centre's lane is the faster one",
    "only the centre is near enough",
    "uncertain rates, fill rate",
]


def searches_of(tables, objective="holding_cost", evaluation="exact"):
    network = pp.ServiceNetwork.from_tables(**tables)
    model = service_model(network, pp.estimate_demand(network), evaluation)
    problem = PlanningProblem.of(model, read_limits(network, None), objective, evaluation)
    return [
        BlockSearch(block.parts, partial(problem.of_block, block), 1e-9, Clock(None))
        for block in problem.blocks(50)
    ]


def random_prices(brute, seed):
    """Prices at which using all that is allowed costs about as much as a few units."""
    rng = np.random.default_rng(seed)
    return 10 ** rng.uniform(0.5, 2.5, len(brute.allowed)) / brute.allowed


def least_values(brute, price):
    """Least cost and penalties per part."""
    return np.array([brute.least_value(part, price) for part in range(len(brute.facts.parts))])


@pytest.mark.parametrize("name", SEARCHED)
def test_price_search_finds_the_least(name):
    brute = BruteForce(CASES[name])
    for seed in range(3):
        price = random_prices(brute, seed)
        least = least_values(brute, price)
        total = 0.0
        for search in searches_of(CASES[name]):
            columns, low = search.best(price)
            fixed = search.fixed_use @ price
            assert_allclose(low + fixed, least[search.block.parts], rtol=1e-8)
            assert_allclose(columns.cost + columns.uses @ price, low, rtol=1e-8)
            assert (low + fixed <= least[search.block.parts] * (1 + 1e-10)).all()
            total += low.sum()
        assert np.isfinite(total)


@pytest.mark.parametrize("name", SEARCHED)
def test_rough_search_bounds_from_both_sides(name):
    """With lists left as they are, and pruned to what one price needs, the bound still holds."""
    brute = BruteForce(CASES[name])
    searches = searches_of(CASES[name])
    for seed in range(3):
        price = random_prices(brute, seed)
        least = least_values(brute, price)
        for search in searches:
            columns, low = search.best(price, slack=np.inf)
            fixed = search.fixed_use @ price
            assert (low + fixed <= least[search.block.parts] * (1 + 1e-10)).all()
            values = columns.cost + columns.uses @ price + fixed
            assert (values >= least[search.block.parts] * (1 - 1e-10)).all()
            search.prune(price)
    for search in searches:  # and what was forgotten is found again
        _, low = search.best(price)
        assert_allclose(low + search.fixed_use @ price, least[search.block.parts], rtol=1e-8)


def test_lists_for_far_lower_prices_are_made_anew():
    """At a few times the prices lists are made longer; at hundreds of times they begin anew."""
    name = "three levels, response"
    brute = BruteForce(CASES[name])
    low_price = 0.01 * random_prices(brute, 1)
    for factor, begins_anew in ((3.0, False), (3000.0, True)):
        price = factor * low_price
        least = least_values(brute, price)
        for search, fresh in zip(searches_of(CASES[name]), searches_of(CASES[name]), strict=True):
            search.best(low_price)
            _, low = search.best(price)
            fresh.best(price)
            assert_allclose(low + search.fixed_use @ price, least[search.parts], rtol=1e-8)
            listed, wanted = search.lists, fresh.lists
            assert (listed.grids.n_stocks == wanted.grids.n_stocks) == begins_anew
            assert (listed.worth == wanted.worth).all() == begins_anew


@pytest.mark.parametrize("name", ["new investment", "new investment, mean wait"])
def test_price_search_with_owned_units_bounds_from_below(name):
    """A lower bound, and close to the least: the owned units are priced by a grid of shares."""
    brute = BruteForce(OBJECTIVES[name], "new_investment")
    parts = range(len(brute.facts.parts))
    anything = np.full(len(brute.allowed), np.inf)
    for seed in range(3):
        price = 20 * random_prices(brute, seed)
        least = np.array(
            [
                min(one.cost + one.uses @ price)
                for one in (brute.part_options(p, np.inf, anything) for p in parts)
            ]
        )
        for search in searches_of(OBJECTIVES[name], "new_investment"):
            columns, low = search.best(price)
            low = low + search.fixed_use @ price
            assert (low <= least[search.block.parts] * (1 + 1e-10)).all()
            values = columns.cost + (columns.uses + search.fixed_use[0]) @ price
            for part, value in zip(columns.parts, values, strict=True):
                assert value >= least[part] * (1 - 1e-10)


@pytest.mark.parametrize("name", ["two levels, overlapping promises", "direct shipping, uptime"])
def test_columns_within_a_slack_are_complete(name):
    """All stocks within the slack of the best, by pricing a whole box of them."""
    brute = BruteForce(CASES[name])
    price, slack, box = random_prices(brute, 0), 30.0, 9
    least, listed = least_values(brute, price), 0
    for search in searches_of(CASES[name]):
        found = search.columns_within(price, slack, 100_000)
        for place, part in enumerate(search.block.parts):
            laws = brute.laws[part]
            expected = set()
            for stock in product(range(box), repeat=len(brute.facts.locations)):
                use = sum(
                    brute._use(part, loc, tuple(stock[a] for a in laws.ancestors[loc]), stock[loc])
                    for loc in range(len(stock))
                )
                cost = np.array(brute.facts.price[part]) @ stock
                if cost + use @ price <= least[part] + slack * (1 - 1e-9):
                    expected.add(stock)
            own = {tuple(stock) for stock in found.stock[found.parts == part].tolist()}
            assert len(own) == (found.parts == part).sum()
            assert expected <= own, place
            listed += len(expected)
    assert listed > 40


def test_too_many_columns_are_refused():
    brute = BruteForce(CASES["two levels, fill rate over all"])
    for search in searches_of(CASES["two levels, fill rate over all"]):
        with pytest.raises(TooManyStocksError):
            search.columns_within(random_prices(brute, 1), 200.0, 20)
