"""Optima by brute force: for every kind of network the plan's cost is the least, and proven."""

import copy

import numpy as np
import pytest
from brute_force import BruteForce
from numpy.testing import assert_allclose
from own_networks import CASES, OBJECTIVES
from random_networks import check_plan, plan_of
from scipy.integrate import quad
from scipy.special import gammaln


@pytest.mark.parametrize("name", CASES)
def test_least_holding_cost(name):
    _check_optimum(CASES[name], "holding_cost")


@pytest.mark.parametrize("name", OBJECTIVES)
def test_least_of_other_objectives(name):
    objective = "investment" if name.startswith("investment") else "new_investment"
    _check_optimum(OBJECTIVES[name], objective)


@pytest.mark.parametrize("evaluation", ["vari_metric", "metric"])
@pytest.mark.parametrize(
    "name", ["two levels, mean wait each", "three levels, mean wait", "uptime", "local repair"]
)
def test_least_holding_cost_by_moments(name, evaluation):
    _check_optimum(CASES[name], "holding_cost", evaluation)


def _check_optimum(tables, objective, evaluation="exact"):
    brute = BruteForce(tables, objective, evaluation)
    best = brute.optimum()
    assert best.cost == best.strict_cost
    assert best.cost > 0 or objective == "new_investment"
    plan = plan_of(tables, objective, evaluation)
    check_plan(plan, brute, best)
    is_proven = evaluation != "vari_metric" or len(plan.stock.network.forests[0].parents) < 4
    assert (plan.status, plan.gap) == (("optimal", 0.0) if is_proven else ("feasible", None))
    assert_allclose(plan.cost, best.cost, rtol=1e-12)


@pytest.mark.parametrize("shape", [0.8, 2.0, 3.5])
def test_brute_force_of_uncertain_rates_by_integration(shape):
    """The sum over factors against an adaptive integral over the gamma density."""
    tables = copy.deepcopy(CASES["uncertain rates, mean wait"])
    for row in tables["demand"]:
        row["rate_shape"] = shape
    laws = BruteForce(tables).laws[0]

    def integral(figure, biased):
        a = shape + biased

        def weighed(factor):
            laws.factors, laws._known = [factor], {}
            density = np.exp((a - 1) * np.log(factor) - shape * factor - gammaln(a))
            return density * shape**a * figure()

        return quad(weighed, 0, 30, limit=400, epsabs=1e-11)[0]

    ours = laws.backorders(1, (1,), 2), laws.stockout(1, (1,), 2), laws.late(1, (1,), 1, 4.0)
    laws.often = laws.often_by_demand = [1.0]
    theirs = (
        integral(lambda: laws.backorders(1, (1,), 2), 0),
        integral(lambda: laws.stockout(1, (1,), 2), 1),
        integral(lambda: laws.late(1, (1,), 1, 4.0), 1),
    )
    assert_allclose(ours, theirs, rtol=1e-7)


@pytest.mark.parametrize("name", ["two levels, overlapping promises", "three levels, fill rate"])
def test_brute_force_agrees_with_plain_enumeration(name):
    """The enumeration's own short cuts: cost cut-off, dominance, prices."""
    tables = CASES[name]
    brute = BruteForce(tables)
    best = brute.optimum()
    part = 0
    options = brute.part_options(part, best.cost)
    tried = {tuple(vector[0]) for vector in options.stock}
    size = len(brute.facts.locations)
    price = np.array(brute.facts.price[part])
    for stock in np.ndindex(*(5,) * size):
        vector = np.zeros((len(brute.facts.parts), size), dtype=int)
        vector[part] = stock
        use = sum(
            brute._use(
                part, loc, tuple(stock[a] for a in brute.laws[part].ancestors[loc]), stock[loc]
            )
            for loc in range(size)
        )
        cost = float(price @ stock)
        if cost > best.cost or (use > brute.allowed).any() or stock in tried:
            continue
        better = (options.cost <= cost + 1e-12) & (options.uses <= use + 1e-15).all(axis=1)
        assert better.any(), stock
