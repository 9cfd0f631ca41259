"""Many parts: a sample first, tables made anew in every pass, plans from the nearest columns."""

from types import SimpleNamespace

import numpy as np
import pytest
from many_parts import all_kept, many_parts

import partsplan as pp
from partsplan.optimization import kept_blocks, prices, run, sampling
from partsplan.optimization.all_blocks import AllBlocks
from partsplan.optimization.columns import Columns
from partsplan.optimization.integer import PlanSearch
from partsplan.optimization.nearest import nearest_plan, prices_of_columns


@pytest.fixture
def small_is_large(monkeypatch):
    """A few hundred parts are worked as if they were many."""
    monkeypatch.setattr(prices, "MANY_PARTS", 300)
    monkeypatch.setattr(run, "_MOST_IN_MASTER", 300)
    monkeypatch.setattr(sampling, "SAMPLED_PARTS", 150)


@pytest.mark.parametrize("evaluation", ["exact", "vari_metric"])
def test_many_parts_agree_with_few(small_is_large, monkeypatch, evaluation):
    network, demand = many_parts(1, 600)
    many = pp.optimize(network, demand, evaluation=evaluation)
    monkeypatch.undo()
    few = pp.optimize(network, demand, evaluation=evaluation)
    assert all_kept(network, demand, many, evaluation)
    assert many.gap < 5e-4
    # each bound holds for the other's plan, and they lie close together
    assert many.bound <= few.cost * (1 + 1e-12)
    assert few.bound <= many.cost * (1 + 1e-12)
    assert many.bound == pytest.approx(few.bound, rel=5e-4)


def test_tables_made_anew_give_the_same_bound(small_is_large, monkeypatch):
    network, demand = many_parts(2, 600)
    kept = pp.optimize(network, demand)
    monkeypatch.setattr(kept_blocks, "KEPT_BYTES", 2**18)
    seen = []
    original = AllBlocks.priced

    def watched(self, *args, **options):
        result = original(self, *args, **options)
        seen.append([search for search in self.searches if search._problem is not None])
        return result

    monkeypatch.setattr(AllBlocks, "priced", watched)
    anew = pp.optimize(network, demand)
    assert all_kept(network, demand, anew)
    assert anew.gap < 5e-4
    assert anew.bound == pytest.approx(kept.bound, rel=5e-4)
    assert any(seen)
    assert all(search.keeps_tables for searches in seen for search in searches)
    assert not all(search.keeps_tables for search in _searches_of(network, demand))


def _searches_of(network, demand):
    found = []
    original = run.OptimizationRun.block_searches

    def watched(self, among=None):
        made = original(self, among)
        found.extend(made)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run.OptimizationRun, "block_searches", watched)
        pp.optimize(network, demand)
    return found


def test_no_sample_where_a_promise_has_little_in_it(small_is_large):
    network, demand = many_parts(3, 400)
    rates = demand.block(np.arange(400))
    rates[40:, 2] = 0.0
    rare = pp.DemandRates.from_arrays(network.part_ids, network.location_ids, rates)
    plan = pp.optimize(network, rare)
    assert all_kept(network, rare, plan)
    assert plan.gap < 5e-4


def columns_of(rows):
    parts, cost, uses = zip(*rows, strict=True)
    stock = np.arange(len(rows))[:, None]
    return Columns(np.array(parts), stock, np.array(cost, float), np.array(uses, float))


def test_nearest_plan_keeps_promises_at_least_cost():
    # two parts, dear units that use nothing or cheap ones that use 1; only one may be cheap
    columns = columns_of([(0, 1, [1.0]), (0, 5, [0.0]), (1, 1, [1.0]), (1, 3, [0.0])])
    found = nearest_plan(columns, np.array([0.5]), np.array([1.0]), 2, 10)
    assert columns.cost[found.picked].sum() == 4.0
    assert columns.uses[found.picked].sum() == 1.0
    none = nearest_plan(columns, np.array([0.5]), np.array([1.0]), 2, 0)
    assert none.picked is None


def test_prices_of_columns_maximize_the_lagrangian():
    rng = np.random.default_rng(0)
    n_parts = 400
    use = rng.exponential(size=n_parts)
    rows = [(p, 0.0, [use[p]]) for p in range(n_parts)]
    rows += [(p, rng.exponential(), [0.2 * use[p]]) for p in range(n_parts)]
    columns, allowed = columns_of(rows), np.array([0.5 * use.sum()])

    def value(price):
        values = (columns.cost + columns.uses[:, 0] * price).reshape(2, n_parts)
        return values.min(axis=0).sum() - price * allowed[0]

    best = max(value(price) for price in np.linspace(0.01, 5.0, 2000))
    found = prices_of_columns(columns, np.array([0.1]), allowed, n_parts)
    assert value(found[0]) == pytest.approx(best, rel=1e-4)
    values = columns.value(found).reshape(2, n_parts)
    used = columns.uses[:, 0].reshape(2, n_parts)[values.argmin(axis=0), np.arange(n_parts)].sum()
    assert used < 1.02 * allowed[0]


def test_best_columns_that_cost_nothing_beside_dear_ones():
    # the best column of each part is owned, so the plan to mend costs nothing
    columns = columns_of([(0, 0.0, [3.0]), (0, 4e3, [0.2]), (1, 0.0, [2.0]), (1, 9e3, [0.1])])
    found = nearest_plan(columns, np.array([1.0]), np.array([2.5]), 2, 10)
    assert columns.cost[found.picked].sum() == 4e3


def finder_of(allowed, n_parts):
    """A price finder of parts that cost 100 each; its blocks are not looked at."""
    blocks = SimpleNamespace(
        allowed=np.array(allowed),
        n_parts=n_parts,
        is_sample=False,
        cost_of_one_each=100.0 * n_parts,
        sample=None,
    )
    return prices.PriceFinder(blocks, None)


def test_a_broken_promise_does_not_stay_at_no_price():
    finder = finder_of([1.0, 2.0, 2.0], 10)
    stepped = finder._stepped(np.array([0.0, 1e-30, 1.0]), np.array([5.0, 4.0, 1.0]))
    assert (stepped[:2] > 1e-4).all()
    assert 0.0 < stepped[2] < 1.0
    nothing = finder._stepped(np.zeros(3), np.array([5.0, 1.0, 1.0]))
    assert nothing[0] > 1e-4
    assert not nothing[1:].any()


@pytest.mark.parametrize(
    ("used", "goes_to"),
    [
        ([0.95, 0.96, 0.92, 0.97], "sample"),
        ([1.03, 1.02, 1.04, 0.99], "sample"),
        ([1.45, 0.85, 0.97, 0.82], "nearest"),
    ],
)
def test_what_is_off_alike_is_mended_by_the_sample(used, goes_to):
    """Uncertain rates: 30,000 x 100 took five passes where all promises had 4 % left, now three."""

    class Finder(prices.PriceFinder):
        def look_at(self, price, near):
            looks.append(price)
            self._looked = price, np.array(used)
            return True

        def further(self):
            return "sample"

    class Search(PlanSearch):
        def _near_slack(self, price):
            return 1.0

        def round_nearest(self, gap):
            self.nearest_price = "nearest"
            return True

    looks = []
    finder = Finder(finder_of([1.0] * 4, 10).blocks, None)
    finder.blocks.sample = object()
    clock = SimpleNamespace(is_over=False, report=lambda *what: None)
    Search(finder.blocks, finder.state, None, clock).approach(1e-4, finder)
    assert set(looks[1:]) == {goes_to}
    finder.blocks.sample = None
    assert not finder.is_off_alike


def test_every_part_has_a_useful_column_where_bounds_are_far_below(small_is_large):
    # owned units: the least of a part may lie below all of its columns, and below nothing
    finder = finder_of([1.0], 300)
    rows = [(p, 10.0 + k, [0.5 - 0.1 * k]) for p in range(300) for k in range(2)]
    finder.state.pool.add(columns_of(rows))
    finder.state.price, finder.state.bound = np.array([0.0]), -1e3
    finder.state.least = np.full(300, -50.0)
    is_useful = finder._useful_columns()
    assert is_useful.tolist() == [True, False] * 300


def test_shares_are_in_the_order_of_the_pool():
    is_useful = np.array([False, True, False, True])
    share = prices._in_pool(np.array([0.25, 0.75, 1.0]), is_useful)
    assert share.tolist() == [0.0, 0.25, 0.0, 0.75, 1.0]
