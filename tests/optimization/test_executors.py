"""The same plan by threads, processes and a cluster, and when workers die."""

import os
import signal
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from time import perf_counter

import pytest
from many_parts import many_parts

import partsplan as pp
from partsplan import simulation
from partsplan.optimization import crew, remote


@pytest.fixture(scope="module")
def instance():
    network, demand = many_parts(8, 700)
    with ThreadPoolExecutor(1) as executor:
        return network, demand, pp.optimize(network, demand, executor=executor)


def processes(n):
    return ProcessPoolExecutor(n, mp_context=get_context("spawn"))


def is_same(plan, other):
    """To the last bit."""
    figures = ("cost", "bound", "passes")
    return (plan.stock.array == other.stock.array).all() and all(
        getattr(plan, name) == getattr(other, name) for name in figures
    )


def test_threads_of_any_number(instance, monkeypatch):
    network, demand, worked = instance
    plan = pp.optimize(network, demand)
    assert (plan.stock.array == worked.stock.array).all()
    for threads in (1, 3):
        monkeypatch.setattr(crew, "n_threads", lambda threads=threads: threads)
        assert is_same(pp.optimize(network, demand), plan)


def test_processes_of_any_number(instance):
    network, demand, plan = instance
    for n in (1, 2):
        with processes(n) as executor:
            assert is_same(pp.optimize(network, demand, executor=executor), plan)


def test_threads_as_an_executor(instance):
    network, demand, plan = instance
    with ThreadPoolExecutor(2) as executor:
        assert is_same(pp.optimize(network, demand, executor=executor), plan)


def test_a_worker_that_is_killed_changes_nothing(instance, caplog):
    network, demand, plan = instance
    passes = []

    def killing(step):
        passes.append(step)
        if len(passes) == 3:
            os.kill(next(iter(executor._processes)), signal.SIGKILL)

    with processes(2) as executor:
        again = pp.optimize(network, demand, executor=executor, progress=killing)
    assert is_same(again, plan)
    assert "and so is all the rest" in caplog.text


def test_a_dask_cluster_of_processes_and_the_death_of_one(instance):
    distributed = pytest.importorskip("distributed")
    network, demand, plan = instance
    passes = []

    def killing(step):
        passes.append(step)
        if len(passes) == 3:
            os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)

    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    )
    with cluster, distributed.Client(cluster) as client:
        assert is_same(pp.optimize(network, demand, executor=client.get_executor()), plan)
        again = pp.optimize(network, demand, executor=client.get_executor(), progress=killing)
    assert len(passes) >= 3
    assert is_same(again, plan)


class Lazy(Executor):
    """Takes some tasks and fails at the rest."""

    def __init__(self, good):
        self.left = good

    def submit(self, fn, /, *args, **kwargs):
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("cannot schedule new futures after shutdown")
        return ThreadPoolExecutor(1).submit(fn, *args, **kwargs)


def test_an_executor_that_fails_is_asked_no_more(instance, caplog):
    network, demand, plan = instance
    assert is_same(pp.optimize(network, demand, executor=Lazy(5)), plan)
    assert caplog.text.count("cannot schedule new futures") == remote._MOST_FAILURES


class Silent(Executor):
    """Takes tasks and works some of them; of the rest nothing is heard."""

    def __init__(self, good):
        self.left = good
        self.threads = ThreadPoolExecutor(1)

    def submit(self, fn, /, *args, **kwargs):
        self.left -= 1
        return Future() if self.left < 0 else self.threads.submit(fn, *args, **kwargs)


@pytest.mark.parametrize("good", [0, 7])
def test_an_executor_that_falls_silent_is_asked_no_more(instance, good, caplog, monkeypatch):
    """As a pool does of which a worker is killed in the middle of an answer."""
    monkeypatch.setattr(remote, "_PATIENCE", 0.5)
    network, demand, plan = instance
    executor = Silent(good)
    assert is_same(pp.optimize(network, demand, executor=executor), plan)
    assert caplog.text.count("no task has ended for 0.5 s") == 1
    assert executor.left >= -remote._UNDER_WAY


def test_a_silent_executor_does_not_outlast_the_time_limit(instance):
    network, demand, _ = instance
    started = perf_counter()
    plan = pp.optimize(network, demand, executor=Silent(0), time_limit=1.0)
    assert perf_counter() - started < 8.0
    assert all(row.is_met for row in plan.commitments)


def test_a_fault_in_a_task_is_not_hidden(instance, monkeypatch):
    network, demand, _ = instance
    monkeypatch.setattr(remote.BlockSearch, "best", _faulty)
    with ThreadPoolExecutor(1) as executor, pytest.raises(ZeroDivisionError):
        pp.optimize(network, demand, executor=executor)


def _faulty(self, *args, **options):
    raise ZeroDivisionError


@pytest.mark.parametrize("wrong", ["2", 4, True, ProcessPoolExecutor])
def test_what_is_no_executor_is_refused(instance, wrong):
    network, demand, plan = instance
    told = "executor must be a concurrent.futures.Executor or None, got "
    with pytest.raises(ValueError, match=told):
        pp.optimize(network, demand, executor=wrong)
    with pytest.raises(ValueError, match=told):
        pp.simulate(network, demand, plan, years=1, replications=2, rng=1, executor=wrong)
    with pytest.raises(ValueError, match=told):
        plan.confirm(rng=1, executor=wrong)
    with pytest.raises(ValueError, match=told):
        simulation.period_probabilities(network, demand, plan, rng=1, executor=wrong)
    with pytest.raises(ValueError, match=told):
        simulation.stress(network, demand, plan, [], rng=1, executor=wrong)
