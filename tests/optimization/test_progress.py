"""What a running optimization tells, and what comes back when the user stops it."""

import logging

import pytest
from many_parts import many_parts
from own_networks import CASES

import partsplan as pp
from partsplan.optimization import Progress
from partsplan.optimization.all_blocks import AllBlocks
from partsplan.optimization.branching import BranchAndPrice

NAME = "three levels"


def tables():
    name = next(name for name in CASES if name.startswith(NAME))
    return CASES[name]


def planned(**options):
    network = pp.ServiceNetwork.from_tables(**tables())
    return pp.optimize(network, pp.estimate_demand(network), **options)


def test_a_function_is_told_of_every_step():
    steps = []
    plan = planned(progress=steps.append)
    assert all(isinstance(step, Progress) for step in steps)
    assert [step.passes for step in steps] == sorted(step.passes for step in steps)
    assert steps[0].cost is None
    assert steps[0].gap is None
    assert steps[-1].cost == pytest.approx(plan.cost)
    assert steps[-1].bound <= plan.cost * (1 + 1e-9)
    assert steps[-1].seconds_left is None
    limited = []
    planned(progress=limited.append, time_limit=60.0)
    assert 0.0 < limited[-1].seconds_left < 60.0


def test_what_is_known_is_told_from_then_on_and_once():
    network, demand = many_parts(0, 2_100)
    steps = []
    pp.optimize(network, demand, progress=steps.append, gap=1e-4)
    told = [(step.passes, step.bound, step.cost) for step in steps]
    assert len(set(told)) == len(told)
    costs = [step.cost for step in steps]
    first = next(place for place, cost in enumerate(costs) if cost is not None)
    assert all(cost is not None for cost in costs[first:])
    assert costs[first:] == sorted(costs[first:], reverse=True)


def test_a_line_tells_how_much_time_is_left():
    step = Progress(passes=3, bound=10.0, cost=10.5, gap=0.5 / 10.5, seconds=2.0, seconds_left=7.6)
    assert str(step) == "pass 3, bound 10, cost 10.5, gap 4.7619 %, 8 s left"


def test_the_log_tells_the_same(caplog):
    with caplog.at_level(logging.INFO, logger="partsplan"):
        steps = []
        planned(progress=steps.append)
    assert [str(step) for step in steps] == [
        record.message for record in caplog.records if record.message.startswith("pass ")
    ]


def test_progress_must_be_a_function():
    with pytest.raises(ValueError, match="progress must be True, False or a function, got 'bar'"):
        planned(progress="bar")


def interrupting(monkeypatch, owner, method, call):
    """The user's Ctrl-C in the given call of a method."""
    original, calls = getattr(owner, method), []

    def stopped(self, *args, **kwargs):
        calls.append(method)
        if len(calls) == call:
            raise KeyboardInterrupt
        return original(self, *args, **kwargs)

    monkeypatch.setattr(owner, method, stopped)


def test_interrupt_while_prices_are_sought_gives_the_best_plan_so_far(monkeypatch):
    interrupting(monkeypatch, AllBlocks, "priced", 8)
    plan = planned()
    assert plan.has_solution
    assert all(result.is_met for result in plan.commitments)
    assert plan.bound <= plan.cost
    assert plan.stopped_by in ("interrupt", "gap")


def test_interrupt_in_the_search_keeps_its_plan(monkeypatch):
    interrupting(monkeypatch, BranchAndPrice, "run", 1)
    plan = planned(gap=0.0)
    assert plan.has_solution
    assert all(result.is_met for result in plan.commitments)
    assert plan.stopped_by in ("interrupt", "gap")


def test_interrupt_before_anything_is_known_is_an_interrupt(monkeypatch):
    interrupting(monkeypatch, AllBlocks, "priced", 1)
    with pytest.raises(KeyboardInterrupt):
        planned()
