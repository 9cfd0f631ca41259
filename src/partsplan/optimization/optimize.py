"""The front door of the optimization: from network and demand to a plan with a proven gap."""

from __future__ import annotations

from concurrent.futures import Executor
from numbers import Real
from typing import Any

import numpy as np

from partsplan.demand import DemandRates
from partsplan.evaluation import Evaluation
from partsplan.evaluation.measuring import EVALUATIONS
from partsplan.evaluation.model import ServiceModel
from partsplan.evaluation.performance import (
    check_choice,
    check_network_and_demand,
    service_model,
)
from partsplan.network import ServiceNetwork, read_limits
from partsplan.optimization.clock import Clock
from partsplan.optimization.contract_run import ContractRun
from partsplan.optimization.expedite_plan import ExpediteRun
from partsplan.optimization.family_plan import FamilyRun
from partsplan.optimization.master import check_solver
from partsplan.optimization.plan import StockingPlan
from partsplan.optimization.problem import OBJECTIVES, Objective, PlanningProblem
from partsplan.optimization.progress import Listener
from partsplan.optimization.run import OptimizationRun
from partsplan.optimization.warm_start import WarmStart
from partsplan.simulation.arguments import check_executor, check_share, entropy_of


def optimize(
    network: ServiceNetwork,
    demand: DemandRates,
    *,
    evaluation: Evaluation = "exact",
    objective: Objective = "holding_cost",
    gap: float = 5e-4,
    time_limit: float | None = None,
    limits: Any = None,
    start: Any = None,
    solver: object = None,
    confidence: float | None = None,
    rng: int | np.random.Generator = 0,
    executor: Executor | None = None,
    progress: bool | Listener = False,
) -> StockingPlan:
    """Find the stock of least cost that keeps every commitment, with a proven gap.

    Parameters
    ----------
    network : ServiceNetwork
        With the commitments to keep.
    demand : DemandRates
        Demand for this network's parts and locations.
    evaluation : {"exact", "vari_metric", "metric"}
        How late units are computed; the proof holds for the same method. Under "vari_metric"
        nothing is proven for three or more levels, nor for clustered demand below the top:
        ``bound``, ``gap`` and prices are ``None`` then.
    objective : {"holding_cost", "investment", "new_investment"}
        unit_cost x holding_rate x S per year; unit_cost x S; or unit_cost x the units of S, per
        part over all locations, above on_hand + on_order.
    gap : float
        Relative gap at which the search may stop; 0 asks for a proven optimum, however long it
        takes. Small problems are usually solved to proven optimality in any case.
    time_limit : float, optional
        Seconds for the search; the best plan found by then comes back, evaluated once more. Without
        one the search goes on for up to a quarter of the limit, two seconds at least, and then
        gives a plan with plenty of stock, far from the least cost. Without a limit, and with a gap
        above 0, the search also stops when a fixed effort has not reached the gap (``stopped_by``
        "effort").
    limits : table, optional
        A ``stock`` table with ``minimum``, ``maximum``, ``fixed`` (and ``on_hand``, ``on_order``
        for new_investment); ``None`` means ``network.stock``.
    start : plan, table, dict or array, optional
        A stock to begin with, as `evaluate` takes it: last night's plan, or any table with
        ``base_stock``. While it keeps every commitment, a run that is stopped by time has a plan
        from the first second on. A `StockingPlan`, of this process or pickled, also remembers its
        search: parts whose inputs are the same are not priced and measured again, and after a
        change of 1 % of the parts a plan takes a fifth of the time. A table alone saves no time.
        None of it changes the gap asked for, nor what is proven. Pairs not named, or without a
        level, start at 0. Parts of a plan that are no longer in the network are left out; rows of
        a table that name such parts or locations are an error: leave them out.
    solver : str or PuLP solver, optional
        Solver of the integer master; ``None`` is HiGHS.
    confidence : float, optional
        Probability, strictly between 0 and 1, with which every commitment that has
        ``period_months`` is also to be kept in a single period, as the contract measures it and
        with uncertain rates drawn anew for each (see `partsplan.simulation.period_probabilities`).
        ``None`` plans for the long run only. Targets are tightened until simulated periods keep
        them; then single units are exchanged for cheaper ones in up to 300 simulated stocks of
        single parts (the 60 with the dearest units; none where parts sit within parts). No plan is
        known to be cheaper then, but ``bound`` is still that of the long run.
    rng : int or numpy Generator
        Seed of the periods simulated for ``confidence``; runs with the same seed repeat.
    executor : concurrent.futures.Executor, optional
        Who prices the parts, in blocks; by default threads of this process. A process pool or a
        Dask cluster (``client.get_executor()``) pays from some 10,000 parts on. The plan is the
        same to the unit for any number of workers, and from 2,000 parts on also without an
        executor; below, both are within the gap. What an executor fails to do, as when a worker
        dies, is done in this process, with a warning in the log; so is all the rest where no task
        ends for a minute. A script that starts processes needs the guard
        ``if __name__ == "__main__":``, or each of them may run the script again.
        Parts within parts and expedited shortages are always worked here.
    progress : bool or callable, default False
        True shows a bar of tqdm; a function is called with a `Progress` record at every step.
        The log of ``partsplan`` tells the same. Ctrl-C ends the search with the best plan so far
        (``stopped_by`` "interrupt"); before there is one, it is raised, and so is a second one.
        What the function raises ends the run and is raised.

    Returns
    -------
    StockingPlan
        Infeasible is a status, not an exception: see ``impossible``.

    Raises
    ------
    ValueError
        If an option is not one of its values.
    InputError
        If limits, start or demand name unknown parts or locations, if a level of start is no whole
        number of 0 or more, or start is a plan without a solution.
    PartsplanError
        If the solver named is not installed, or demand is clustered (``variance_to_mean`` above
        1) where the evaluation has no law.

    Notes
    -----
    Where a part is ordered in lots at the top (``order_quantity``, or ``order_cost``), S there is
    the highest inventory position R + Q, and it is S that every objective charges: what may lie
    on the shelf, not the mean shelf, which is smaller (`Performance.on_hand`). As more stock is
    never worse, bounds and gaps hold as without lots. No plan is charged for its orders. A root
    with a stock below the lot orders S at a time; ``minimum`` in ``limits`` asks for whole lots.

    Where shortages are expedited, the holding cost counts expected shipments too. Every stock
    vector of a part is listed while there are few (up to 100,000), which proves the bound of the
    model evaluated; else vectors are found by descent and the bound comes from a relaxation, which
    may be below the cost (2.5 % for 300 parts at 32 locations). It leaves lots out: they only
    empty shelves more often.

    Parts within parts (``parent_part_id``): an LRU and its SRUs are priced together. With endless
    SRUs each part stands alone, which bounds every joint stock vector from below; those that could
    beat the best known are listed and evaluated, up to 10,000 at one set of prices and 60,000 for
    the final proof (200,000 and 500,000 where ``gap`` is 0; a sixth of these where rates are
    uncertain). Beyond, vectors are found by descent and the bound is that of endless SRUs, which
    may be far below the cost. Under "vari_metric", where late units need not fall with the stock
    of SRUs, nothing is proven.

    References
    ----------
    Kranenburg and van Houtum (2007), Operations Research Letters 35, for the decomposition into
    one column per part; Graves (1985), Management Science 31, for the evaluation.

    Examples
    --------
    >>> import partsplan as pp
    >>> network = pp.ServiceNetwork.from_tables(
    ...     parts=[{"part_id": "P1", "unit_cost": 100, "resupply_days": 10}],
    ...     locations=[{"location_id": "DC", "kind": "central"}],
    ...     commitments=[{"commitment_id": "C1", "metric": "fill_rate", "target": 0.9}],
    ... )
    >>> demand = pp.DemandRates.from_table(
    ...     [{"part_id": "P1", "location_id": "DC", "per_year": 36.5}])
    >>> plan = pp.optimize(network, demand)
    >>> plan.status.value, plan.stock.to_records(), plan.annual_cost
    ('optimal', [{'part_id': 'P1', 'location_id': 'DC', 'base_stock': 3}], 60.0)

    The next night begins with the rows kept, less those of parts that are gone:

    >>> kept = [*plan.stock.to_records(), {"part_id": "OLD", "location_id": "DC", "base_stock": 1}]
    >>> known = set(network.part_ids)
    >>> again = pp.optimize(network, demand, start=[r for r in kept if r["part_id"] in known])
    >>> again.annual_cost
    60.0
    """
    clock = Clock(time_limit, progress)
    check_network_and_demand(network, demand)
    _check_options(network, evaluation, objective, gap, time_limit)
    check_solver(solver)
    check_executor(executor)
    if confidence is not None:
        check_share("confidence", confidence)
    model = service_model(network, demand, evaluation)
    problem = PlanningProblem.of(model, read_limits(network, limits), objective, evaluation)
    run = _kind_of_run(model)(problem, gap, solver, clock)
    run.executor = executor
    run.start = WarmStart.of(network, start)
    if confidence is None:
        return run.plan()
    return ContractRun(run, confidence, entropy_of(rng)).plan()


def _kind_of_run(model: ServiceModel) -> type[OptimizationRun]:
    if model.network.shortages == "expedite":
        return ExpediteRun
    return OptimizationRun if model.indentures is None else FamilyRun


def _check_options(
    network: ServiceNetwork, evaluation: str, objective: str, gap: float, time_limit: float | None
) -> None:
    check_choice("evaluation", evaluation, EVALUATIONS)
    check_choice("objective", objective, OBJECTIVES)
    if not (isinstance(gap, Real) and 0.0 <= gap < 1.0):
        raise ValueError(f"gap must be a share from 0 to below 1, got {gap!r}")
    if time_limit is not None and not (isinstance(time_limit, Real) and time_limit > 0.0):
        raise ValueError(f"time_limit must be positive seconds or None, got {time_limit!r}")
