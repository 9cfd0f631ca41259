"""Choosing one column per part: repair, improvement, the linear and the integer master."""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import linprog

from partsplan.errors import PartsplanError
from partsplan.optimization.closing import cheapest_choice, undominated
from partsplan.optimization.columns import ColumnPool, Columns
from partsplan.optimization.master import IntegerMaster, pulp_solver
from partsplan.optimization.restricted import RestrictedMaster
from partsplan.optimization.rounding import Choice, exchanged, improved, largest_shares, mended

SEEDS = range(12)


def random_columns(seed, n_parts=4, each=5, n_promises=2):
    """Dearer columns use less; the columns of the parts are mixed."""
    rng = np.random.default_rng(seed)
    parts = rng.permutation(np.repeat(np.arange(n_parts), each))
    cost = np.round(rng.uniform(1, 50, len(parts)), 1)
    uses = np.exp(-cost[:, None] / 25) * rng.uniform(0.2, 1.0, (len(parts), n_promises))
    stock = np.column_stack([np.arange(len(parts)), np.zeros(len(parts), int)])
    return Columns(parts, stock.astype(np.int64), cost, uses)


def allowed_of(columns, n_parts=4):
    """What the middle of all choices uses, so that about half of them are feasible."""
    return np.array([columns.uses[columns.parts == p].mean(axis=0) for p in range(n_parts)]).sum(0)


def choices(columns, n_parts=4):
    return product(*(np.flatnonzero(columns.parts == p) for p in range(n_parts)))


def cheapest(columns, allowed):
    """Least cost over all choices that keep the promises."""
    costs = [
        columns.cost[list(picked)].sum()
        for picked in choices(columns)
        if (columns.uses[list(picked)].sum(axis=0) <= allowed).all()
    ]
    return min(costs, default=None)


@pytest.mark.parametrize("seed", SEEDS)
def test_repair_and_improvement_keep_every_promise(seed):
    columns = random_columns(seed)
    allowed = allowed_of(columns)
    cheap = [
        min(np.flatnonzero(columns.parts == p), key=columns.cost.__getitem__) for p in range(4)
    ]
    kept = mended(Choice(columns, np.array(cheap)), np.ones(2), allowed)
    assert kept is not None
    assert kept.keeps(allowed)
    better = improved(kept, allowed)
    assert better.keeps(allowed)
    assert better.cost <= kept.cost
    assert (columns.parts[better.picked] == np.arange(4)).all()
    assert better.cost >= cheapest(columns, allowed) - 1e-12


def test_improvement_finds_a_free_step_down():
    columns = Columns(
        np.array([0, 0, 1]), np.arange(6).reshape(3, 2), np.array([9.0, 4.0, 1.0]),
        np.array([[0.1], [0.2], [0.5]]),
    )  # fmt: skip
    best = improved(Choice(columns, np.array([0, 2])), np.array([0.7]))
    assert best.picked.tolist() == [1, 2]


def test_repair_gives_up_where_nothing_mends():
    columns = random_columns(0)
    first = Choice(columns, np.array(next(choices(columns))))
    assert mended(first, np.ones(2), np.full(2, 1e-9)) is None


def test_repair_with_columns_that_cost_nothing():
    columns = random_columns(1)
    free = Columns(columns.parts, columns.stock, np.zeros(len(columns)), columns.uses)
    kept = mended(Choice(free, np.array(next(choices(free)))), np.zeros(2), allowed_of(free))
    assert kept is not None
    assert kept.keeps(allowed_of(free))


def test_mending_takes_what_costs_least_for_what_it_mends():
    # the first promise is over by 0.5: 0.5 of it for 3, all of it for 10, or 0.1 of it for 1
    columns = Columns(
        np.array([0, 0, 0, 0]), np.arange(4)[:, None], np.array([1.0, 4.0, 11.0, 2.0]),
        np.array([[1.5, 0.0], [1.0, 0.0], [0.5, 0.0], [1.4, 0.0]]),
    )  # fmt: skip
    for price in ([2.0, 1.0], [0.0, 1.0]):  # also where a broken promise has no price yet
        kept = mended(Choice(columns, np.array([0])), np.array(price), np.ones(2))
        assert kept is not None
        assert kept.picked.tolist() == [1]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_one_or_two_changes_save_after_exchanges(seed):
    columns = random_columns(seed, n_parts=5, each=6, n_promises=3)
    allowed, taken = allowed_of(columns, 5) * [1.1, 1.0, 1.2], np.array([0.1, 0.0, 0.2])
    dearest = [
        max(np.flatnonzero(columns.parts == p), key=columns.cost.__getitem__) for p in range(5)
    ]
    start = mended(Choice(columns, np.array(dearest)), np.ones(3), allowed, taken)
    assert start is not None
    better = exchanged(start, allowed, taken)
    assert (better.used + taken <= allowed * (1 + 1e-9)).all()
    for changes in product(range(len(columns)), repeat=2):
        picked = better.picked.copy()
        picked[columns.parts[list(changes)]] = changes
        other = Choice(columns, picked)
        breaks = (other.used + taken > allowed * (1 + 1e-9)).any()
        assert breaks or other.cost >= better.cost - 1e-9


def test_largest_shares():
    columns = random_columns(2)
    share = np.random.default_rng(2).random(len(columns))
    picked = largest_shares(columns, share, 4).picked
    for part in range(4):
        own = np.flatnonzero(columns.parts == part)
        assert picked[part] == own[share[own].argmax()]


def test_pool_keeps_each_column_once():
    columns = random_columns(3)
    pool = ColumnPool()
    assert len(pool.add(columns)) == len(columns)
    assert len(pool.add(columns.of(np.array([4, 2])))) == 0
    assert len(pool.columns) == len(columns)


@pytest.mark.parametrize("seed", SEEDS)
def test_restricted_master_is_the_linear_programme(seed):
    columns = random_columns(seed)
    allowed = allowed_of(columns)
    master = RestrictedMaster(allowed, 4, 100.0)
    master.add(columns.of(np.arange(10)))
    master.add(columns.of(np.arange(10, len(columns))))
    solution = master.solve()
    found = linprog(
        columns.cost,
        A_ub=columns.uses.T,
        b_ub=allowed,
        A_eq=(columns.parts == np.arange(4)[:, None]).astype(float),
        b_eq=np.ones(4),
    )
    assert_allclose(solution.objective, found.fun, rtol=1e-9)
    assert_allclose(solution.price, -found.ineqlin.marginals, rtol=1e-6, atol=1e-9)
    assert_allclose(columns.cost @ solution.share, found.fun, rtol=1e-9)
    assert solution.slack_share == 0.0


def test_restricted_master_without_some_columns():
    """Allowing only some columns gives the programme of those; slack tells that none fits."""
    columns = random_columns(5)
    allowed = allowed_of(columns)
    few = np.zeros(len(columns), dtype=bool)
    for part in range(4):
        few[np.flatnonzero(columns.parts == part)[:2]] = True
    master = RestrictedMaster(allowed, 4, 100.0)
    master.add(columns)
    whole = master.solve().objective
    master.allow_only(few)
    alone = RestrictedMaster(allowed, 4, 100.0)
    alone.add(columns.of(few))
    assert_allclose(master.solve().objective, alone.solve().objective, rtol=1e-9)
    master.allow_only(np.ones(len(columns), dtype=bool))
    assert_allclose(master.solve().objective, whole, rtol=1e-9)
    tight = RestrictedMaster(np.full(2, 1e-6), 4, 100.0)
    tight.add(columns)
    assert tight.solve().slack_share > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_cheapest_choice(seed):
    columns = random_columns(seed)
    allowed = allowed_of(columns)
    best = cheapest(columns, allowed)
    answer = cheapest_choice(undominated(columns), allowed, 4, best * 1.1, 5.0)
    assert_allclose(answer.choice.cost, best, rtol=1e-12)
    assert answer.choice.keeps(allowed)
    assert answer.bound <= best * (1 + 1e-9)
    assert (answer.choice.columns.parts[answer.choice.picked] == np.arange(4)).all()


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_cheapest_choice_says_that_none_is_cheaper(seed):
    columns = random_columns(seed)
    allowed = allowed_of(columns)
    best = cheapest(columns, allowed)
    answer = cheapest_choice(undominated(columns), allowed, 4, best * (1 - 1e-9), 5.0)
    assert answer.choice is None
    assert answer.bound >= best * (1 - 1e-8)


def test_undominated_columns_hold_every_best_choice():
    columns = random_columns(7, each=12)
    kept = undominated(columns)
    assert len(kept) < len(columns)
    allowed = allowed_of(columns)
    assert_allclose(cheapest(kept, allowed), cheapest(columns, allowed), rtol=1e-12)


def available_solvers():
    pulp = pytest.importorskip("pulp")
    return pulp.listSolvers(onlyAvailable=True)


@pytest.mark.filterwarnings("ignore:PULP_CBC_CMD is deprecated:DeprecationWarning")
@pytest.mark.parametrize("solver", [None, "HiGHS", "PULP_CBC_CMD"])
@pytest.mark.parametrize("seed", SEEDS[:3])
def test_integer_master(seed, solver):
    if solver == "PULP_CBC_CMD" and solver not in available_solvers():
        pytest.skip("this PuLP brings no CBC (PULP_CBC_CMD)")
    columns = random_columns(seed)
    allowed = allowed_of(columns)
    picked = IntegerMaster(columns, allowed, allowed).solve(solver, 10.0, 0.0, 0.0)
    assert (columns.parts[picked[np.argsort(columns.parts[picked])]] == np.arange(4)).all()
    assert_allclose(columns.cost[picked].sum(), cheapest(columns, allowed), rtol=1e-9)


def test_integer_master_without_a_choice():
    columns = random_columns(0)
    assert IntegerMaster(columns, np.full(2, 1e-9), np.ones(2)).solve(None, 5.0, 0.0, 0.0) is None


def test_solver_names():
    pulp = pytest.importorskip("pulp")
    with pytest.raises(ValueError, match=r"solver must be one that PuLP has here .*'NOBODY'"):
        pulp_solver("NOBODY", 1.0, 0.0, 0.0)
    absent = set(pulp.listSolvers()) - set(available_solvers())
    mine = object()
    assert pulp_solver(mine, 1.0, 0.0, 0.0) is mine
    if "GUROBI_CMD" in absent:
        with pytest.raises(PartsplanError, match="not installed here"):
            pulp_solver("GUROBI_CMD", 1.0, 0.0, 0.0)


def test_integer_master_that_stops_at_its_node_limit(monkeypatch):
    """PuLP 3.3 fails with a KeyError on the status that HiGHS then reports."""
    monkeypatch.setattr("partsplan.optimization.master._MOST_NODES", 1)
    rng = np.random.default_rng(5)
    parts = np.repeat(np.arange(60), 12)
    uses = rng.uniform(0.0, 1.0, (len(parts), 6))
    cost = rng.uniform(1.0, 2.0, len(parts)) / (0.1 + uses.sum(axis=1))
    columns = Columns(parts, np.arange(len(parts))[:, None], cost, uses)
    allowed = np.full(6, 0.35 * 60)
    master = IntegerMaster(columns, allowed, allowed)
    picked = master.solve(None, None, 0.0, 0.0)
    solver = pulp_solver(None, None, 0.0, 0.0)
    assert solver.highs_options["mip_max_nodes"] == 1
    if picked is not None:
        assert (np.sort(columns.parts[picked]) == np.arange(60)).all()
        assert (uses[picked].sum(axis=0) <= allowed * (1 + 1e-9)).all()
