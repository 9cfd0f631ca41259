"""The front door of the simulation: the same network, rules and stock, run demand by demand."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace
from time import perf_counter
from typing import Any, Literal

import numpy as np

from partsplan.demand import DemandRates
from partsplan.evaluation.lots import check_one_for_one
from partsplan.evaluation.model import ServiceModel
from partsplan.evaluation.performance import check_choice, check_network_and_demand
from partsplan.network import ServiceNetwork, read_base_stock
from partsplan.simulation.arguments import check_executor, check_run, check_waits, entropy_of
from partsplan.simulation.lead_times import LeadTimeLaw, lead_times_of
from partsplan.simulation.opening import opening_of
from partsplan.simulation.performance import SimulatedPerformance, simulated_performance
from partsplan.simulation.positions import positions_of
from partsplan.simulation.running import Experiment, Progress, run_pieces

DAYS_PER_YEAR = 365.0
_TOLD_OFF = (
    " (it is True by default where the bill of materials has parent_part_id; False takes repairs "
    "to find the parts they need)"
)


def simulate(
    network: ServiceNetwork,
    demand: DemandRates,
    stock: Any = None,
    *,
    years: float,
    replications: int,
    rng: int | np.random.Generator,
    lead_times: LeadTimeLaw = "deterministic",
    resupply_cv: float | None = None,
    indentures: bool | None = None,
    life_shapes: Mapping[str, float] | None = None,
    finite_fleet: bool = False,
    opening: Literal["plan", "position"] = "plan",
    warmup_years: float | None = None,
    confidence: float = 0.95,
    executor: Executor | None = None,
    progress: Progress = False,
) -> SimulatedPerformance:
    r"""Simulate the service of a stock in continuous time, independent of the formulas.

    Parameters
    ----------
    network : ServiceNetwork
    demand : DemandRates
        Demand for this network's parts and locations, or any subset of them.
    stock : table, plan, plan's stock, or dict {(part_id, location_id): S}
        Base stock S [units]; missing pairs are 0. ``None`` means ``network.stock``.
    years : float
        Length of one replication after its warm-up [years].
    replications : int
        Independent replications, at least 2; intervals come from their scatter.
    rng : int or numpy Generator
        Seed. The same seed gives the same figures to the last bit, whatever the executor.
    lead_times : {"deterministic", "exponential", "gamma", "lognormal"}
        Law of the resupply from outside; each order draws its own. Replenishment between
        locations and local repair always take the time of their tables.
    resupply_cv : float, optional
        Coefficient of variation of every resupply time under "gamma" or "lognormal", in place of
        the column of the parts table.
    indentures : bool, optional
        Whether the repair of an LRU waits for the SRU that it needs (``parent_part_id`` and
        ``cause_fraction``; one SRU or none for each repair, local or from outside but for the
        condemned share); else repairs take the time of their tables. By default it does where
        shortages wait.
    life_shapes : mapping of part_id to float, optional
        Weibull shape of the lives of parts that age (or wear in): each installed unit is
        followed from one replacement to the next, mean lives follow from the demand.
    finite_fleet : bool
        Whether a failed unit cannot fail again until it is replaced; then all units are followed.
    warmup_years : float, optional
        Time before figures are taken [years]; by default, per part, until orders of the start
        no longer matter (exactly so for deterministic times).
    opening : {"plan", "position"}
        "plan": every location opens with its base stock on the shelf. "position": with
        ``on_hand`` and ``on_order`` of the network's stock table, what comes from today on, without
        a warm-up. Units on order come in evenly over the location's resupply time; a location
        orders what it lacks of its base stock on the first day, and nothing until it is down to
        it where it has more. Parts without demand stay at their base stock.
    confidence : float
        Confidence of every interval.
    executor : concurrent.futures.Executor, optional
        Where pieces run; by default here.
    progress : bool or callable
        True logs; a callable is called with the pieces done and all pieces.

    Returns
    -------
    SimulatedPerformance

    Raises
    ------
    InputError
        If stock or demand names unknown parts or locations.
    PartsplanError
        If the network has rules that the simulation does not know; lots among them where a top
        location repairs a share itself, with indentures, and from today's position.
    ValueError
        If an argument is not of its kind.

    Notes
    -----
    Demand is Poisson per part and location; gamma-mixed where the rate is uncertain (one factor
    per part and replication); compound Poisson with logarithmic order sizes where it is
    clustered. Rules are those of the waiting model: one-for-one orders (at the top locations
    lots, where a part has an ``order_quantity`` or an ``order_cost``: an (R, Q) rule whose highest
    inventory position R + Q is the base stock), first come, first served, an order filled by a
    location stays reserved for it, repair is ample, a share of the demand is repaired locally. A
    location without stock leaves its customers to the nearest ancestor with stock and a lane to
    them: they are that ancestor's customers then, and what it ships them is repaired and reordered
    there. Where shortages are expedited, the sources of a
    customer are asked in turn, the serving location first, then its lanes by hours; who ships
    also reorders, and the outside supply ships last and reorders nothing.

    Commitments are ratios of sums over the demand in their scope, e.g. waits per demand; lane,
    diagnosis and repair hours enter exactly. Intervals are Student's t over replications, of the
    logarithm of a wait or the log odds of a share.

    References
    ----------
    Law and Kelton, Simulation Modeling and Analysis, 3rd ed., 9.5 (replication and deletion).

    Examples
    --------
    >>> import partsplan as pp
    >>> network = pp.ServiceNetwork.from_tables(
    ...     parts=[{"part_id": "P1", "unit_cost": 100, "resupply_days": 10}],
    ...     locations=[{"location_id": "DC", "kind": "central"}],
    ... )
    >>> demand = pp.DemandRates.from_table(
    ...     [{"part_id": "P1", "location_id": "DC", "per_year": 36.5}])
    >>> seen = pp.simulate(network, demand, {("P1", "DC"): 1}, years=100, replications=20, rng=1)
    >>> interval = seen.interval("fill_rate")
    >>> bool(interval.lower[0, 0] < 0.367879 < interval.upper[0, 0])
    True
    """
    start = perf_counter()
    check_network_and_demand(network, demand)
    check_run(years, replications, confidence, warmup_years)
    check_executor(executor)
    entropy = entropy_of(rng)
    experiment = experiment_on(
        network,
        demand,
        stock,
        years=years,
        lead_times=lead_times,
        resupply_cv=resupply_cv,
        indentures=indentures,
        life_shapes=life_shapes,
        finite_fleet=finite_fleet,
        opening=opening,
        warmup_years=warmup_years,
    )
    sums = run_pieces(experiment, replications, entropy, executor=executor, progress=progress)
    return simulated_performance(
        experiment,
        sums,
        confidence=confidence,
        years=years,
        entropy=entropy,
        runtime_seconds=perf_counter() - start,
    )


def experiment_on(
    network: ServiceNetwork,
    demand: DemandRates,
    stock: Any,
    *,
    years: float,
    lead_times: str = "deterministic",
    resupply_cv: float | None = None,
    indentures: bool | None = None,
    life_shapes: Mapping[str, float] | None = None,
    finite_fleet: bool = False,
    opening: str = "plan",
    warmup_years: float | None = None,
) -> Experiment:
    """What is simulated, from what a user gives."""
    check_choice("opening", opening, ("plan", "position"))
    model = ServiceModel(network, demand.aligned(network))
    if indentures:
        check_waits(network, "a simulation with indentures")
    if indentures is None:
        indentures = model.indentures is not None
    made = Experiment.of_families if indentures else Experiment.of
    experiment = made(
        model,
        read_base_stock(network, stock),
        lead_times_of(network, lead_times, resupply_cv),
        years * DAYS_PER_YEAR,
        None if warmup_years is None else warmup_years * DAYS_PER_YEAR,
    )
    if opening == "position":
        check_waits(network, "a simulation from today's position")
        check_one_for_one(network, "a simulation from today's position")
        if indentures or warmup_years:
            raise ValueError(
                "opening must be 'plan' with indentures or warmup_years, got 'position'"
                + _TOLD_OFF * indentures
            )
        experiment = experiment.opened(opening_of(network, experiment.stock))
    if indentures and (life_shapes or finite_fleet):
        raise ValueError(
            "indentures must be False with life_shapes or finite_fleet, got True" + _TOLD_OFF
        )
    if not life_shapes and not finite_fleet:
        return experiment
    positions = positions_of(
        experiment.model,
        experiment.customers.of_stream,
        experiment.customers.lane_hours,
        life_shapes=life_shapes,
        finite_fleet=finite_fleet,
    )
    return replace(experiment, positions=positions)
