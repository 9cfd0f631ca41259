"""Confirming a plan: replications are added until each commitment is confirmed or refuted.

Then the assumptions of the formulas are dropped one at a time, and what changes is reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from partsplan.demand import DemandRates
from partsplan.evaluation.model import ServiceModel
from partsplan.evaluation.performance import check_network_and_demand
from partsplan.evaluation.results import Rows
from partsplan.network import ServiceNetwork
from partsplan.simulation.arguments import check_count, check_executor, check_run, entropy_of
from partsplan.simulation.describing import SimulatedCommitment
from partsplan.simulation.performance import (
    SimulatedPerformance,
    promise_uses,
    simulated_performance,
)
from partsplan.simulation.running import Experiment, Progress, run_pieces
from partsplan.simulation.simulate import experiment_on
from partsplan.simulation.sums import Sums
from partsplan.simulation.verdicts import (
    AssumptionChange,
    Confirmation,
    ConfirmedCommitment,
    Verdict,
)

_LONG_TAILED_CV = 1.0
"""Coefficient of variation of resupply times where the parts table states none."""


def confirm(
    network: ServiceNetwork,
    demand: DemandRates,
    stock: Any = None,
    *,
    rng: int | np.random.Generator,
    confidence: float = 0.99,
    margin: float = 0.05,
    years: float = 2.0,
    replications: int = 200,
    most_replications: int = 6400,
    life_shapes: Mapping[str, float] | None = None,
    drop_assumptions: bool = True,
    executor: Executor | None = None,
    progress: Progress = False,
) -> Confirmation:
    r"""Confirm or refute every commitment of a stock by simulation.

    Parameters
    ----------
    network : ServiceNetwork
    demand : DemandRates
    stock : table, plan, plan's stock, or dict {(part_id, location_id): S}
        Base stock S [units]; ``None`` means ``network.stock``.
    rng : int or numpy Generator
        Seed; the same seed gives the same figures to the last bit, whatever the executor.
    confidence : float
        Confidence that a commitment's verdict is right, over all looks at it.
    margin : float
        Share of what a promise allows (1 - target of shares, the hours of a mean wait) by which
        a confirmed one may be missed. A least-cost plan keeps its promises by a hair, which no
        simulation confirms without a margin.
    years : float
        Length of one replication after its warm-up [years].
    replications, most_replications : int
        Replications of the first look, doubled until all is decided or the most is reached.
    life_shapes : mapping of part_id to float, optional
        Weibull shapes of parts that age; what it changes is reported.
    drop_assumptions : bool
        Whether to report what changes with long-tailed resupply times (lognormal, with the
        coefficient of variation of the parts table, or 1 where it has none), with a finite fleet
        (where the demand comes from an installed base and no part sits in another), and with the
        ``life_shapes``.
    executor : concurrent.futures.Executor, optional
        Where pieces run; by default here.
    progress : bool or callable
        True logs; a callable is called with the pieces done and all pieces.

    Returns
    -------
    Confirmation

    Raises
    ------
    ValueError, InputError, PartsplanError
        As in `simulate`.

    Notes
    -----
    A commitment is refuted when the whole interval breaks the promise, confirmed when the whole
    interval keeps it within the margin. With :math:`k` looks, each interval has the confidence
    :math:`1 - (1 - c) / k`, so that looking again does not add errors.

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
    >>> [confirm(network, demand, {("P1", "DC"): s}, rng=1).commitments[0].verdict
    ...  for s in (2, 3)]
    ['refuted', 'confirmed']
    """
    check_network_and_demand(network, demand)
    check_run(years, replications, confidence)
    check_count("most_replications", most_replications, replications)
    check_executor(executor)
    if not 0.0 <= margin < 1.0:
        raise ValueError(f"margin must be a share from 0 to below 1, got {margin!r}")
    entropy = entropy_of(rng)
    experiment = experiment_on(network, demand, stock, years=years)
    n_looks = 1 + int(np.ceil(np.log2(most_replications / replications)))
    run = _Runs(entropy, 1.0 - (1.0 - confidence) / n_looks, years, executor, progress)
    sums = run.sums(experiment, replications)
    verdicts = _verdicts(experiment, sums, run.confidence, margin)
    while "undecided" in verdicts and sums.n_replications < most_replications:
        more = min(sums.n_replications, most_replications - sums.n_replications)
        sums = sums.extended(run.sums(experiment, more))
        verdicts = _verdicts(experiment, sums, run.confidence, margin)
    seen = run.performance(experiment, sums)
    changes = []
    options = _dropped(network, experiment.model, life_shapes) if drop_assumptions else {}
    for name, option in options.items():
        changed = experiment_on(network, demand, stock, years=years, **option)
        without = run.performance(changed, run.sums(changed, sums.n_replications))
        changes += _changes(name, seen, without)
    rows = [_verdict_of(row, word) for row, word in zip(seen.commitments, verdicts, strict=True)]
    return Confirmation(
        commitments=Rows(rows, ConfirmedCommitment, network.frame_backend),
        changes=Rows(changes, AssumptionChange, network.frame_backend),
        performance=seen,
        confidence=confidence,
        margin=margin,
        runtime_seconds=perf_counter() - run.start,
    )


@dataclass
class _Runs:
    """Runs of one confirmation, each with random streams of its own."""

    entropy: tuple[int, ...]
    confidence: float
    """Confidence of every interval."""
    years: float
    executor: Executor | None
    progress: Progress
    start: float = field(default_factory=perf_counter)
    batch: int = 0

    def sums(self, experiment: Experiment, replications: int) -> Sums:
        """Sums of new replications."""
        sums = run_pieces(
            experiment,
            replications,
            self.entropy,
            batch=self.batch,
            executor=self.executor,
            progress=self.progress,
        )
        self.batch += 1
        return sums

    def performance(self, experiment: Experiment, sums: Sums) -> SimulatedPerformance:
        """Figures of what was counted."""
        return simulated_performance(
            experiment,
            sums,
            confidence=self.confidence,
            years=self.years,
            entropy=self.entropy,
            runtime_seconds=perf_counter() - self.start,
        )


def _verdict_of(row: SimulatedCommitment, verdict: Verdict) -> ConfirmedCommitment:
    return ConfirmedCommitment(
        commitment_id=row.commitment_id,
        metric=row.metric,
        target=row.target,
        achieved=row.achieved,
        lower=row.lower,
        upper=row.upper,
        unit=row.unit,
        verdict=verdict,
    )


def _verdicts(
    experiment: Experiment, sums: Sums, confidence: float, margin: float
) -> list[Verdict]:
    _, least, most = promise_uses(experiment, sums, confidence)
    verdicts: list[Verdict] = []
    for promise, low, high in zip(experiment.model.promises, least, most, strict=True):
        if not promise.has_demand:
            verdicts.append("no demand")
        elif low > promise.allowed:
            verdicts.append("refuted")
        elif high <= promise.allowed * (1.0 + margin):
            verdicts.append("confirmed")
        else:
            verdicts.append("undecided")
    return verdicts


def _dropped(
    network: ServiceNetwork, model: ServiceModel, life_shapes: Mapping[str, float] | None
) -> dict[str, dict[str, Any]]:
    """Assumptions to drop, with the options of the simulation that drops them."""
    has_cv = bool((network.parts["resupply_cv"] > 0).any())
    cv = None if has_cv else _LONG_TAILED_CV
    words = "as in the parts table" if has_cv else f"{_LONG_TAILED_CV:g}"
    options: dict[str, dict[str, Any]] = {
        f"resupply times vary (lognormal, coefficient of variation {words})": {
            "lead_times": "lognormal",
            "resupply_cv": cv,
        }
    }
    streams = model.streams
    asked = streams.per_year > 0
    is_alone = model.indentures is None
    units_are_known = bool((streams.installed_row[asked] >= 0).all())
    if is_alone and units_are_known:
        options["a failed unit cannot fail again until it is replaced"] = {"finite_fleet": True}
    if life_shapes:
        options["parts age"] = {"life_shapes": life_shapes}
    return options


def _changes(
    name: str, assumed: SimulatedPerformance, without: SimulatedPerformance
) -> list[AssumptionChange]:
    return [
        AssumptionChange(
            assumption=name,
            commitment_id=after.commitment_id,
            metric=after.metric,
            target=after.target,
            assumed=before.achieved,
            achieved=after.achieved,
            lower=after.lower,
            upper=after.upper,
            difference=_difference(before, after),
            unit=after.unit,
            is_certain=_are_apart(before, after),
            is_met=after.is_met,
        )
        for before, after in zip(assumed.commitments, without.commitments, strict=True)
    ]


def _difference(before: SimulatedCommitment, after: SimulatedCommitment) -> float | None:
    if before.achieved is None or after.achieved is None:
        return None
    return after.achieved - before.achieved


def _are_apart(before: SimulatedCommitment, after: SimulatedCommitment) -> bool:
    bounds = (before.lower, before.upper, after.lower, after.upper)
    if None in bounds:
        return False
    low, high, least, most = (float(bound or 0.0) for bound in bounds)
    return least > high or most < low
