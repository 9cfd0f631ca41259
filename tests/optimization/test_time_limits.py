"""Time limits: passes are cut, a plan found is never lost, and there is always one."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from many_parts import all_kept, many_parts

import partsplan as pp
from partsplan.evaluation.performance import service_model
from partsplan.optimization import clock, run
from partsplan.optimization.branching import BranchAndPrice
from partsplan.optimization.clock import Clock, TimeIsOverError
from partsplan.optimization.first_lists import first_lists
from partsplan.optimization.grids import PIECES, Gap
from partsplan.optimization.prices import PriceFinder
from partsplan.optimization.search import BlockSearch
from partsplan.optimization.stock_tables import StockTables


@pytest.fixture
def no_grace(monkeypatch):
    monkeypatch.setattr(clock, "_GRACE", 0.0)
    monkeypatch.setattr(clock, "_GRACE_SHARE", 0.0)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(run, "_LARGEST_BLOCK", 10)


def slow_searches(monkeypatch, seconds):
    """Every search of a block takes some time; returns the parts of those that were searched."""
    searched, original = [], BlockSearch.searched

    def slow(self, *args, **options):
        time.sleep(seconds)
        searched.append(self.parts)
        return original(self, *args, **options)

    monkeypatch.setattr(BlockSearch, "searched", slow)
    return searched


def test_a_clock_cuts_after_some_grace_and_at_once_when_there_is_a_plan():
    within = Clock(60.0)
    within.check()
    over = Clock(1e-9)
    over.check()  # no plan yet
    over.has_plan = True
    with pytest.raises(TimeIsOverError):
        over.check()
    interrupted = Clock(None)
    interrupted.has_plan = True
    interrupted.check()
    interrupted.interrupt()
    with pytest.raises(TimeIsOverError):
        interrupted.check()


def test_a_first_pass_that_is_cut_leaves_a_plan_with_plenty(no_grace, small_blocks, monkeypatch):
    network, demand = many_parts(6, 400)
    searched = slow_searches(monkeypatch, 0.05)
    plan = pp.optimize(network, demand, time_limit=0.2)
    assert 0 < len(searched) < 40  # the first pass was not finished
    assert plan.status == "feasible"
    assert plan.stopped_by == "time"
    assert all_kept(network, demand, plan)
    assert plan.bound is None
    assert plan.gap is None
    assert "proof         none" in plan.summary()
    assert all(row.price is None for row in plan.commitments)


@pytest.mark.parametrize("with_executor", [False, True])
def test_a_plan_to_start_with_is_kept_when_a_pass_is_cut(small_blocks, monkeypatch, with_executor):
    network, demand = many_parts(6, 400)
    good = pp.optimize(network, demand)
    searched = slow_searches(monkeypatch, 0.05)
    executor = ThreadPoolExecutor(2) if with_executor else None
    plan = pp.optimize(network, demand, start=good.stock.array, time_limit=0.2, executor=executor)
    assert len(searched) < 60
    assert plan.stopped_by == "time"
    assert all_kept(network, demand, plan)
    assert plan.cost <= good.cost


def test_a_start_beyond_all_measure_is_not_the_plan(no_grace):
    network, demand = many_parts(6, 300)
    absurd = np.full((300, 6), 10**6)
    plan = pp.optimize(network, demand, start=absurd, time_limit=1e-9)
    assert all_kept(network, demand, plan)
    assert plan.cost <= pp.optimize(network, demand, time_limit=1e-9).cost


@pytest.mark.parametrize("cut", [TimeIsOverError, KeyboardInterrupt])
def test_what_branching_proved_holds_when_a_pass_is_cut(monkeypatch, cut):
    network, demand = many_parts(6, 12)
    original, bounds = BranchAndPrice._work, []

    def cut_at_sixth(self, node, *rest):
        bounds.append(min(node.bound, self.bound))
        if len(bounds) == 6:
            raise cut
        return original(self, node, *rest)

    optimum = pp.optimize(network, demand, gap=0.0)
    assert optimum.status == "optimal"
    monkeypatch.setattr(BranchAndPrice, "_work", cut_at_sixth)
    plan = pp.optimize(network, demand, gap=0.0)
    assert len(bounds) == 6
    assert bounds[0] < bounds[5]
    assert bounds[5] <= plan.bound * (1.0 + 1e-12)
    assert plan.bound <= optimum.cost * (1.0 + 1e-9)
    assert plan.status == "feasible"


def test_a_stopped_plan_says_so(no_grace):
    network, demand = many_parts(6, 100)
    told = pp.optimize(network, demand, time_limit=1e-9).summary()
    assert "stopped       by the time limit after " in told
    assert "it may cost far more than need be" in told
    assert "stopped" not in pp.optimize(network, demand).summary()


def test_rough_passes_of_many_parts_make_plenty_cheaper(no_grace, monkeypatch):
    """Time is over before the first precise pass: what was found on the way is of use."""
    network, demand = many_parts(6, 2500)
    plenty = pp.optimize(network, demand, time_limit=1e-9)

    def late(self, price, near):
        while not self.clock.is_over:
            time.sleep(0.05)
        raise TimeIsOverError

    monkeypatch.setattr(PriceFinder, "look_at", late)
    plan = pp.optimize(network, demand, time_limit=2.0)
    assert plan.stopped_by == "time"
    assert plan.bound is not None
    assert all_kept(network, demand, plan)
    assert plan.cost < 0.6 * plenty.cost
    assert plan.gap < 0.2


def test_progress_tells_of_a_plan_with_plenty(no_grace):
    network, demand = many_parts(6, 100)
    steps = []
    plan = pp.optimize(network, demand, time_limit=1e-9, progress=steps.append)
    assert steps[-1].cost == pytest.approx(plan.cost, rel=1e-12)


def test_an_interrupt_while_lists_grow_leaves_figures_that_fit(monkeypatch):
    network, demand = many_parts(6, 12)
    model = service_model(network, demand, "exact")
    block = next(model.blocks(12))
    worth = np.full(block.tree.rate.shape, 20.0)
    limits = np.zeros(worth.shape, dtype=np.int64), np.full(worth.shape, np.inf)
    grids = first_lists(block.tree, limits, worth, has_gaps=True)
    tables = StockTables("exact", block, grids, Clock(None))
    before = tables.figures
    n = len(block.parts)
    at_end = np.full(n, grids.branch[0].shape[1])  # beyond each list
    gap = Gap(0, np.arange(n), at_end, np.full(n, PIECES))
    with monkeypatch.context() as patch:
        patch.setattr(StockTables, "_built", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tables.refine([gap])
    anew = StockTables("exact", block, tables.grids, Clock(None))
    assert tables.figures is not before
    for mine, theirs in zip(tables.figures.branches, anew.figures.branches, strict=True):
        np.testing.assert_array_equal(mine.figures.backorders, theirs.figures.backorders)


def test_time_cuts_the_tables_of_uncertain_rates_between_factors():
    network, demand = many_parts(6, 12)
    block = next(service_model(network, demand, "exact").blocks(12))
    uncertain = np.full(len(block.parts), 0.8)
    block = replace(block, tree=replace(block.tree, rate_shape=uncertain))
    worth = np.full(block.tree.rate.shape, 20.0)
    limits = np.zeros(worth.shape, dtype=np.int64), np.full(worth.shape, np.inf)
    grids = first_lists(block.tree, limits, worth, has_gaps=True)
    over = CutClock(None)
    tables = StockTables("exact", block, grids, over)
    with pytest.raises(TimeIsOverError):
        tables.figures  # noqa: B018
    assert over.checks == CutClock.most
    unhurried = StockTables("exact", block, grids, Clock(None))
    over.most = np.inf
    for mine, theirs in zip(tables.figures.branches, unhurried.figures.branches, strict=True):
        np.testing.assert_array_equal(mine.figures.backorders, theirs.figures.backorders)


class CutClock(Clock):
    """Time is over at the second look."""

    most = 2
    checks = 0

    def check(self):
        self.checks += 1
        if self.checks == self.most:
            raise TimeIsOverError


def interrupted(*arguments):
    raise KeyboardInterrupt


def test_plenty_is_within_the_limits(no_grace):
    network, demand = many_parts(7, 300)
    most = np.full((300, 6), 1)
    most[:, 0] = 40
    limits = [
        {"part_id": part, "location_id": location, "maximum": int(most[p, at])}
        for p, part in enumerate(network.part_ids)
        for at, location in enumerate(network.location_ids)
    ]
    plan = pp.optimize(network, demand, limits=limits, time_limit=1e-9)
    assert plan.has_solution
    assert (plan.stock.array <= most).all()
    assert all_kept(network, demand, plan)


def test_plenty_of_an_uncertain_fast_mover_is_no_endless_stock(no_grace):
    sites = [f"F{k}" for k in range(3)]
    shipped = {"kind": "forward", "replenished_from": "D", "replenishment_days": 3.0}
    network = pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P", "unit_cost": 5.0, "resupply_days": 40.0}],
        locations=[
            {"location_id": "D", "kind": "central"},
            *({"location_id": site, **shipped} for site in sites),
        ],
        demand=[
            {"part_id": "P", "location_id": site, "per_year": 400.0, "rate_shape": 1.0}
            for site in sites
        ],
        commitments=[
            {"commitment_id": "C", "metric": "fill_rate", "target": 0.97, "each": "location"}
        ],
    )
    demand = pp.estimate_demand(network)
    plenty = pp.optimize(network, demand, time_limit=1e-9)
    assert plenty.stopped_by == "time"
    assert all_kept(network, demand, plenty)
    under_way = 3 * 400.0 * 40.0 / 365.0
    assert plenty.stock.array.sum() < 12.0 * under_way  # what is endless is 70 times as much
