"""Time, memory and gap of ``optimize`` by size, on recipe A, beside a plain evaluation and peers.

Run ``python -m benchmarks.scale [--sizes 1000x20 10000x50 100000x100] [--evaluation exact]``. Every
measurement is a fresh process, so that its peak memory is its own. ``--workers 1 2`` plans with
processes as well, ``--replan`` again after a change of 1 % of the demand; ``--density 0.03`` asks
for every part at 3 % of the FSLs, ``--shape 2`` makes the rates of all parts uncertain.
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import json
import math
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import perf_counter, process_time
from typing import Any

import numpy as np
from benchmarks import peers
from benchmarks.exact_tables import ExactMoves, TwoLevelProblem
from benchmarks.recipes import recipe_a
from benchmarks.tables import machine, print_table

import partsplan as pp

SIZES = ("1000x20", "10000x50", "100000x100")
MARGINAL_LIMIT = 600_000
"""Part-locations up to which marginal analysis is run: every unit takes a look at all of them."""
CBC_LIMIT = 50_000
"""Part-locations up to which the binary model is built; beyond, PuLP alone takes minutes."""
_CHANGED_SHARE = 0.01
_EXTRA_SECONDS = 900.0


@dataclass(frozen=True)
class Task:
    """One measurement, for a process of its own."""

    kind: str
    """plan, workers, replan, marginal or cbc."""
    size: str
    evaluation: str = "exact"
    gap: float = 5e-4
    seed: int = 0
    seconds: float | None = None
    """Time limit of a plan, or of CBC."""
    workers: int = 0
    density: float = 1.0
    """Share of the FSLs that a part is asked for at."""
    rate_shape: float | None = None
    """Gamma shape of the uncertain rate of every part; None where rates are known."""

    @property
    def n_parts(self) -> int:
        return int(self.size.split("x")[0])

    @property
    def n_fsls(self) -> int:
        return int(self.size.split("x")[1])

    @property
    def places(self) -> int:
        """Parts times FSLs."""
        return self.n_parts * self.n_fsls

    @property
    def title(self) -> str:
        return f"{self.n_parts:,} x {self.n_fsls}"


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Result, seconds and processor seconds of some work, solvers it starts included."""
    start, cpu = perf_counter(), _processor_seconds()
    result = work()
    return result, perf_counter() - start, _processor_seconds() - cpu


def _processor_seconds() -> float:
    """Of this process and of those it started that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + ended.ru_utime + ended.ru_stime


def peak_mib() -> float:
    """Most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def missing_option(name: str) -> str | None:
    """Why a plan cannot be made with an option of ``optimize``; None if it can."""
    if name in inspect.signature(pp.optimize).parameters:
        return None
    return f"optimize has no option {name!r}"


def _case(task: Task) -> tuple[pp.ServiceNetwork, pp.DemandRates]:
    """Network and demand; sparse or uncertain where a task asks for it."""
    network, demand = recipe_a(task.seed, task.n_parts, task.n_fsls)
    per_year = demand.per_year
    if task.density < 1.0:
        is_asked = np.random.default_rng([task.seed, 2]).random(per_year.shape) < task.density
        per_year = np.where(is_asked, per_year, 0.0)
    elif task.rate_shape is None:
        return network, demand
    return network, _demand_of(task, network, per_year)


def _demand_of(task: Task, network: pp.ServiceNetwork, per_year: Any) -> pp.DemandRates:
    """Demand of all parts, as uncertain as the task says."""
    ids = network.part_ids, network.location_ids
    return pp.DemandRates.from_arrays(*ids, per_year, task.rate_shape)


def plan_of(task: Task, network: Any, demand: Any, **options: Any) -> pp.StockingPlan:
    """The plan that a task asks for."""
    evaluation: Any = task.evaluation
    return pp.optimize(
        network,
        demand,
        evaluation=evaluation,
        gap=task.gap,
        time_limit=task.seconds,
        **options,
    )


def figures_of(plan: pp.StockingPlan, seconds: float, cpu: float) -> dict[str, Any]:
    """What is told of a plan."""
    units = np.zeros(0) if plan.stock is None else plan.stock.array
    kept = sum(result.is_met for result in plan.commitments)
    return {
        "seconds": seconds,
        "cpu": cpu,
        "cost": plan.cost,
        "bound": plan.bound,
        "gap": plan.gap,
        "passes": plan.passes,
        "stopped_by": plan.stopped_by,
        "kept": f"{kept} of {len(plan.commitments)}",
        "units": int(units.sum()),
        "plan": hashlib.sha256(np.ascontiguousarray(units).tobytes()).hexdigest()[:12],
    }


def measured_plan(task: Task) -> dict[str, Any]:
    """Loading, a plan, its peak memory, and one plain evaluation of it by both methods."""
    (network, demand), loading, _ = timed(lambda: _case(task))
    loaded = peak_mib()
    plan, seconds, cpu = timed(lambda: plan_of(task, network, demand))
    found = figures_of(plan, seconds, cpu) | {
        "loading": loading,
        "loaded_mib": loaded,
        "peak_mib": peak_mib(),
    }
    if plan.stock is not None:
        for evaluation in ("exact", "vari_metric"):
            evaluated = partial(pp.evaluate, network, demand, plan.stock, evaluation=evaluation)
            _, found[f"{evaluation}_pass"], found[f"{evaluation}_cpu"] = timed(evaluated)
    return found


def measured_workers(task: Task) -> dict[str, Any]:
    """A plan with so many processes, which are there before the clock starts."""
    network, demand = _case(task)
    with ProcessPoolExecutor(task.workers) as executor:
        list(executor.map(math.sqrt, range(4 * task.workers)))
        plan, seconds, cpu = timed(lambda: plan_of(task, network, demand, executor=executor))
    return figures_of(plan, seconds, cpu) | {"peak_mib": peak_mib()}


def measured_replan(task: Task) -> dict[str, Any]:
    """A plan, and the plan after a change of the demand of 1 % of the parts, with and without."""
    network, demand = _case(task)
    first, first_seconds, _ = timed(lambda: plan_of(task, network, demand))
    changed = _with_changes(task, network, demand)
    again, seconds, cpu = timed(lambda: plan_of(task, network, changed, start=first))
    anew, anew_seconds, _ = timed(lambda: plan_of(task, network, changed))
    table = first.stock.array if first.stock is not None else None
    _, table_seconds, _ = timed(lambda: plan_of(task, network, changed, start=table))
    return figures_of(again, seconds, cpu) | {
        "first_seconds": first_seconds,
        "anew_seconds": anew_seconds,
        "table_seconds": table_seconds,
        "anew_cost": anew.cost,
    }


def _with_changes(task: Task, network: Any, demand: pp.DemandRates) -> pp.DemandRates:
    """The same demand, half to one and a half times as much of 1 % of the parts."""
    rng = np.random.default_rng([task.seed, 1])
    per_year = demand.per_year.copy()
    n_changed = max(1, round(_CHANGED_SHARE * len(per_year)))
    rows = rng.choice(len(per_year), n_changed, replace=False)
    per_year[rows] *= rng.uniform(0.5, 1.5, (n_changed, 1))
    return _demand_of(task, network, per_year)


def measured_marginal(task: Task) -> dict[str, Any]:
    """Marginal analysis over all parts and places, on exact evaluation."""
    network, demand = _case(task)
    problem = TwoLevelProblem.of(network, demand)
    stock, seconds, cpu = timed(lambda: peers.marginal_analysis(problem, ExactMoves(problem)))
    return _peer_figures(task, problem, stock, seconds, cpu)


def measured_cbc(task: Task) -> dict[str, Any]:
    """The single-level model that planners put into PuLP; its formulas, CBC."""
    network, demand = _case(task)
    problem = TwoLevelProblem.of(network, demand)
    limit = 60.0 if task.seconds is None else task.seconds
    model = peers.SingleLevelModel(problem, peers.PLANNERS_CENTRE_FILL_RATE, limit)
    stock, seconds, cpu = timed(lambda: model.stock(problem.allowed_hours))
    return _peer_figures(task, problem, stock, seconds, cpu)


def _peer_figures(
    task: Task, problem: TwoLevelProblem, stock: Any, seconds: float, cpu: float
) -> dict[str, Any]:
    """Cost of a peer's stock, and what it keeps by ``pp.evaluate``."""
    found: dict[str, Any] = {"seconds": seconds, "cpu": cpu, "peak_mib": peak_mib()}
    if stock is None:
        return found
    network, demand = _case(task)
    results = pp.evaluate(network, demand, _stock_columns(network, stock)).commitments
    kept = sum(result.is_met for result in results)
    return found | {"cost": problem.cost(stock), "kept": f"{kept} of {len(results)}"}


def _stock_columns(network: pp.ServiceNetwork, stock: Any) -> dict[str, Any]:
    part, location = np.nonzero(stock)
    return {
        "part_id": np.array(network.part_ids, dtype=object)[part],
        "location_id": np.array(network.location_ids, dtype=object)[location],
        "base_stock": stock[part, location],
    }


MEASURES: dict[str, Callable[[Task], dict[str, Any]]] = {
    "plan": measured_plan,
    "workers": measured_workers,
    "replan": measured_replan,
    "marginal": measured_marginal,
    "cbc": measured_cbc,
}


def in_fresh_process(task: Task, seconds: float | None = None) -> dict[str, Any] | str:
    """Figures of a task from a process of its own, or why there are none."""
    command = [sys.executable, "-m", "benchmarks.scale", "--task", json.dumps(vars(task))]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"not done in {seconds:,.0f} s"
    if run.returncode != 0:
        return (run.stderr.strip().splitlines() or [f"status {run.returncode}"])[-1]
    figures: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return figures


def exponent(small: tuple[int, float], large: tuple[int, float]) -> float:
    """x of time ~ places ^ x between two sizes (places, seconds)."""
    return math.log(large[1] / small[1]) / math.log(large[0] / small[0])


def print_plans(tasks: Sequence[Task]) -> dict[str, dict[str, Any]]:
    """Plan all sizes and print the table; the figures by size."""
    found: dict[str, dict[str, Any]] = {}
    rows, before = [], None
    for task in tasks:
        figures = in_fresh_process(task)
        if isinstance(figures, str):
            rows.append([task.title, figures, *[""] * 10])
            continue
        found[task.size] = figures
        here = (task.places, figures["seconds"])
        growth = "" if before is None else f"{exponent(before, here):.2f}"
        before = here
        evaluated = figures.get(f"{task.evaluation}_cpu")
        rows.append(
            [
                task.title,
                f"{figures['loading']:.1f}",
                f"{figures['seconds']:.1f}",
                f"{figures['cpu']:.1f}",
                growth,
                f"{figures['loaded_mib']:,.0f}",
                f"{figures['peak_mib']:,.0f}",
                f"{figures['passes']}",
                "" if figures["gap"] is None else f"{100 * figures['gap']:.4f} %",
                "" if figures["cost"] is None else f"{figures['cost']:,.0f}",
                "" if evaluated is None else f"{evaluated:.2f}",
                "" if evaluated is None else f"{figures['cpu'] / evaluated:.1f}",
            ]
        )
    head = ["parts x FSLs", "loading s", "plan s", "CPU s", "growth", "loaded MiB", "peak MiB"]
    head += ["passes", "gap", "cost per year", "evaluate CPU s", "plan / evaluate"]
    print_table(head, rows)
    return found


def print_peers(tasks: Sequence[Task], plans: dict[str, dict[str, Any]], cbc: float) -> None:
    """Marginal analysis and the single-level model beside the plans."""
    rows = []
    for task in tasks:
        ours = plans.get(task.size)
        if ours is None:
            continue
        rows.append(_peer_row(task, "partsplan", ours, ours))
        for method, kind, limit, seconds in (
            ("marginal analysis", "marginal", MARGINAL_LIMIT, None),
            ("single-level PuLP, CBC", "cbc", CBC_LIMIT, cbc),
        ):
            figures: dict[str, Any] | str = f"not run above {limit:,} part-locations"
            if kind == "cbc" and (reason := peers.cbc_missing()) is not None:
                figures = reason
            elif task.places <= limit:
                peer = Task(kind, task.size, seed=task.seed, seconds=seconds)
                figures = in_fresh_process(peer, _EXTRA_SECONDS + (seconds or 0.0))
            rows.append(_peer_row(task, method, figures, ours))
    head = ["parts x FSLs", "method", "seconds", "CPU s", "CPU of ours", "above bound", "kept"]
    print_table(head, rows)


def _peer_row(
    task: Task, method: str, figures: dict[str, Any] | str, ours: dict[str, Any]
) -> list[str]:
    if isinstance(figures, str):
        return [task.title, method, figures, *[""] * 4]
    above = ""
    if figures.get("cost") is not None and ours["bound"]:
        above = f"{100 * (figures['cost'] / ours['bound'] - 1):+.2f} %"
    share = f"{figures['cpu'] / ours['cpu']:.2f}"
    kept = figures.get("kept", "no stock found")
    times = [f"{figures['seconds']:.1f}", f"{figures['cpu']:.1f}", share]
    return [task.title, method, *times, above, kept]


def print_workers(tasks: Sequence[Task], workers: Sequence[int]) -> None:
    """Time by number of processes, and whether the plan is the same."""
    if (reason := missing_option("executor")) is not None:
        print(f"Workers: skipped, {reason}")
        return
    rows = []
    for task in tasks:
        first: dict[str, Any] | None = None
        for n in workers:
            figures = in_fresh_process(Task(**vars(task) | {"kind": "workers", "workers": n}))
            if isinstance(figures, str):
                rows.append([task.title, str(n), figures, "", ""])
                continue
            first = first or figures
            rows.append(
                [
                    task.title,
                    str(n),
                    f"{figures['seconds']:.1f}",
                    f"{first['seconds'] / figures['seconds']:.2f}",
                    "same" if figures["plan"] == first["plan"] else "DIFFERENT",
                ]
            )
    print_table(["parts x FSLs", "processes", "seconds", "times the first", "plan"], rows)


def print_replans(tasks: Sequence[Task]) -> None:
    """Time of a re-plan as a share of the first plan's."""
    if (reason := missing_option("start")) is not None:
        print(f"Re-plan: skipped, {reason}")
        return
    rows = []
    for task in tasks:
        figures = in_fresh_process(Task(**vars(task) | {"kind": "replan"}))
        if isinstance(figures, str):
            rows.append([task.title, figures, *[""] * 6])
            continue
        rows.append(
            [
                task.title,
                f"{figures['first_seconds']:.1f}",
                f"{figures['seconds']:.1f}",
                f"{100 * figures['seconds'] / figures['first_seconds']:.0f} %",
                f"{figures['table_seconds']:.1f}",
                f"{figures['anew_seconds']:.1f}",
                "" if figures["gap"] is None else f"{100 * figures['gap']:.4f} %",
                f"{figures['passes']}",
            ]
        )
    head = [
        "parts x FSLs",
        "first s",
        "re-plan s",
        "share",
        "from a table s",
        "without s",
        "gap",
        "passes",
    ]
    print_table(head, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), help="parts x FSLs")
    parser.add_argument("--evaluation", choices=("exact", "vari_metric"), default="exact")
    parser.add_argument("--gap", type=float, default=5e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, help="time limit of a plan")
    parser.add_argument("--density", type=float, default=1.0, help="share of FSLs with demand")
    parser.add_argument("--shape", type=float, help="rate_shape of all parts")
    parser.add_argument("--cbc-seconds", type=float, default=60.0, help="time limit of CBC")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--workers", type=int, nargs="+", default=[], help="numbers of processes")
    parser.add_argument("--replan", action="store_true")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task is not None:
        task = Task(**json.loads(options.task))
        print(json.dumps(MEASURES[task.kind](task)))
        return
    tasks = [
        Task(
            "plan",
            size,
            options.evaluation,
            options.gap,
            options.seed,
            options.seconds,
            density=options.density,
            rate_shape=options.shape,
        )
        for size in options.sizes
    ]
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"Recipe A, seed {options.seed}, {options.evaluation}, gap {options.gap:g}")
    print(f"{machine()}, {load} at the start\n")
    plans = print_plans(tasks)
    if not options.no_peers:
        print()
        print_peers(tasks, plans, options.cbc_seconds)
    if options.workers:
        print()
        print_workers(tasks, options.workers)
    if options.replan:
        print()
        print_replans(tasks)


if __name__ == "__main__":
    main()
