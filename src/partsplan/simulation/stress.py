"""Stress: what each commitment becomes in a scenario, how long recovery takes, what would carry it.

Demands of the usual kind are the same with and without the scenario (common random numbers).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand import DemandRates
from partsplan.evaluation.commitments import DAYS_PER_YEAR
from partsplan.evaluation.lots import check_one_for_one
from partsplan.evaluation.performance import MET_TOLERANCE, check_network_and_demand
from partsplan.evaluation.results import Rows
from partsplan.network import ServiceNetwork
from partsplan.simulation.arguments import check_count, check_executor, check_positive, entropy_of
from partsplan.simulation.extra_stock import ExtraStock, least_extra_stock
from partsplan.simulation.intervals import RatioSums, student_factor
from partsplan.simulation.running import Experiment
from partsplan.simulation.scenarios import Scenario, effects_of
from partsplan.simulation.simulate import experiment_on
from partsplan.simulation.stress_results import StressedCommitment, StressTest
from partsplan.simulation.stressed_runs import StepSums, StressedRuns, check_fleets

Floats = NDArray[np.float64]

_RECOVERY_CONFIDENCE = 0.95
"""Of all steps together: so seldom does a step look worse by chance."""


def stress(
    network: ServiceNetwork,
    demand: DemandRates,
    stock: Any,
    scenarios: Scenario | Sequence[Scenario],
    *,
    rng: int | np.random.Generator,
    judged_days: float = 91.0,
    horizon_days: float = 364.0,
    step_days: float = 7.0,
    replications: int = 400,
    find_extra_stock: bool = True,
    executor: Executor | None = None,
) -> StressTest:
    """Simulate what goes wrong, and what it would take to carry it.

    Parameters
    ----------
    network : ServiceNetwork
    demand : DemandRates
    stock : table, plan, plan's stock, or dict {(part_id, location_id): S}
        Base stock S [units]; ``None`` means ``network.stock``.
    scenarios : Scenario or sequence of Scenario
        Each starts on day 0, in a network that has settled before.
    rng : int or numpy Generator
        Seed; the same seed gives the same figures to the last bit, whatever the executor.
    judged_days : float
        Days from the start over which a commitment is judged, e.g. a quarter.
    horizon_days, step_days : float
        Days simulated from the start, and the steps in which recovery is followed.
    replications : int
        Independent replications.
    find_extra_stock : bool
        Whether to look for the extra stock.
    executor : concurrent.futures.Executor, optional
        Where pieces run; by default here.

    Returns
    -------
    StressTest

    Raises
    ------
    InputError
        If a scenario names parts or locations that the network does not have.
    PartsplanError
        If a fleet event hits a part without installed units, or shortages are expedited and parts
        come in lots.
    ValueError
        If an argument is not of its kind.

    Notes
    -----
    Each demand counts with its whole wait in the step in which it is asked for. A step has
    recovered when it is not worse, beyond chance, than what is promised (or than usual, where
    that is worse). A closed location hands out nothing until it opens, what it orders comes in
    meanwhile. Its customers wait; where shortages are expedited, the next source ships to them, the
    outside supply last, and orders of other locations wait.
    Extra stock is sought for the parts that the scenario names, in proportion to what they need,
    at the top of the network, at the locations that serve the customers, or half and half,
    whichever costs least: the least that keeps every commitment over the judged days that is kept
    without the scenario. Repairs are taken to find the parts inside that they need.

    Examples
    --------
    >>> import partsplan as pp
    >>> from partsplan.simulation import Scenario, stress
    >>> network = pp.ServiceNetwork.from_tables(
    ...     parts=[{"part_id": "P1", "unit_cost": 100, "resupply_days": 10}],
    ...     locations=[{"location_id": "DC", "kind": "central"}],
    ...     commitments=[{"commitment_id": "C1", "metric": "fill_rate", "target": 0.9}],
    ... )
    >>> demand = pp.DemandRates.from_table(
    ...     [{"part_id": "P1", "location_id": "DC", "per_year": 36.5}])
    >>> twice = Scenario("twice the failures", rate_factor={"P1": 2.0}, days=60)
    >>> found = stress(network, demand, {("P1", "DC"): 3}, twice, rng=1)
    >>> [row.is_met for row in found.commitments]
    [False]
    >>> [(row.part_id, row.location_id, row.units) for row in found.extra_stock]
    [('P1', 'DC', 2)]
    """
    check_network_and_demand(network, demand)
    if network.shortages == "expedite":
        check_one_for_one(network, "a stress test where shortages are expedited")
    check_positive("judged_days", judged_days)
    check_positive("step_days", step_days)
    check_count("replications", replications, 2)
    check_executor(executor)
    if not judged_days <= horizon_days < np.inf:
        raise ValueError(f"horizon_days must be at least judged_days, got {horizon_days!r}")
    given = [scenarios] if isinstance(scenarios, Scenario) else list(scenarios)
    for scenario in given:
        if not isinstance(scenario, Scenario):
            raise ValueError(f"scenarios must be Scenario objects, got {scenario!r}")
    effects = [effects_of(network, scenario) for scenario in given]
    n_steps = int(np.ceil(horizon_days / step_days))
    whole = experiment_on(network, demand, stock, years=n_steps * step_days / DAYS_PER_YEAR)
    experiment = Experiment.by_stream(whole.model, whole.stock, whole.lead_times, whole.window_days)
    for effect in effects:
        check_fleets(experiment, effect)
    judged = int(np.ceil(judged_days / step_days))
    runs = StressedRuns(replications, n_steps, step_days, entropy_of(rng), executor)
    usual = runs.usual(experiment)
    bar = _bar(experiment, usual, judged)
    rows: list[StressedCommitment] = []
    extra: list[ExtraStock] = []
    curves: dict[str, Floats] = {}
    for scenario, effect in zip(given, effects, strict=True):
        spared = runs.spared(experiment, effect)
        sums = spared.plus(runs.touched(experiment, effect))
        found, curve = _judged(experiment, scenario.name, usual, sums, judged)
        rows += found
        curves[scenario.name] = curve
        if find_extra_stock and any(row.is_met is False for row in found):
            extra += least_extra_stock(
                experiment, runs, effect, spared, bar=(bar, judged), name=scenario.name
            )
    backend = network.frame_backend
    return StressTest(
        commitments=Rows(rows, StressedCommitment, backend),
        extra_stock=Rows(extra, ExtraStock, backend),
        curves=curves,
        step_days=step_days,
        judged_days=judged * step_days,
        horizon_days=n_steps * step_days,
        replications=replications,
    )


def _bar(experiment: Experiment, usual: StepSums, judged: int) -> Floats:
    """Most use of every promise: what it allows, or the usual use where that is more.

    Usual is that of the judged steps and of all: the demands are the same as in the scenario.
    """
    allowed = np.array([promise.allowed for promise in experiment.model.promises])
    windows = (usual, usual.first(judged))
    before = [np.nan_to_num(window.uses(experiment.weights)) for window in windows]
    return np.asarray(np.maximum.reduce([allowed, *before]) * (1.0 + MET_TOLERANCE))


def _judged(
    experiment: Experiment, name: str, usual: StepSums, stressed: StepSums, judged: int
) -> tuple[list[StressedCommitment], Floats]:
    """Every commitment in one scenario, and its figure by step of time."""
    weights, promises = experiment.weights, experiment.model.promises
    before, bars = usual.uses(weights), _bar(experiment, usual, judged)
    over = stressed.first(judged).uses(weights)
    by_step = stressed.uses_by_step(weights)
    least = _least_by_step(stressed, weights.fixed, weights.scale)
    rows = []
    curve = np.full(by_step.shape, np.nan)
    for c, promise in enumerate(promises):
        figures = by_step[c]
        known = ~np.isnan(figures)
        curve[c, known] = [promise.achieved(float(use)) for use in figures[known]]
        worst = int(np.nanargmax(figures)) if known.any() else None
        bar = float(bars[c])
        bad = np.flatnonzero(known & (least[c] > bar))
        last = int(bad[-1]) + 1 if len(bad) else 0
        recovered = None if last == len(figures) else last * stressed.step_days
        seen = promise.has_demand and not np.isnan(over[c])
        rows.append(
            StressedCommitment(
                scenario=name,
                commitment_id=promise.commitment_id,
                metric=promise.metric,
                target=promise.target,
                usual=None if np.isnan(before[c]) else promise.achieved(float(before[c])),
                stressed=promise.achieved(float(over[c])) if seen else None,
                worst=None if worst is None else float(curve[c, worst]),
                worst_day=None if worst is None else worst * stressed.step_days,
                recovery_days=recovered,
                unit=promise.unit,
                is_met=bool(over[c] <= bar) if seen else (None if promise.has_demand else True),
            )
        )
    return rows, curve


def _least_by_step(sums: StepSums, fixed: Floats, scale: Floats) -> Floats:
    """Lower bound of the use in every step: what is certain to be late."""
    ratio = RatioSums.of(sums.base.swapaxes(1, 2), sums.amount.swapaxes(1, 2))
    confidence = 1.0 - (1.0 - _RECOVERY_CONFIDENCE) / sums.base.shape[2]
    factor = student_factor(ratio.n, confidence)
    lower = np.maximum(ratio.ratio - factor * ratio.error, 0.0)
    return np.asarray(fixed[:, np.newaxis] + scale[:, np.newaxis] * np.nan_to_num(lower))
