"""Which promises no allowed stock can keep, how close one can come, and why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from partsplan.evaluation.commitments import Promise
from partsplan.evaluation.measuring import measure_block
from partsplan.evaluation.performance import MET_TOLERANCE
from partsplan.evaluation.results import ImpossibleCommitment
from partsplan.evaluation.supply import SupplyTree
from partsplan.optimization.axes import Booleans, Floats
from partsplan.optimization.crew import Crew
from partsplan.optimization.grids import endless_stock
from partsplan.optimization.problem import PlanningProblem
from partsplan.optimization.search import BlockSearch


def use_at_most_stock(problem: PlanningProblem, searches: list[BlockSearch]) -> Floats:
    """Use of every promise when every place holds as much as it may; shape (n_promises,).

    Places without a maximum never run out; of parts that have none, only fixed use is left.
    """
    total = np.zeros(problem.model.n_promises)
    for use in Crew().each(searches, _use_of_block):
        total += use
    return total


def _use_of_block(search: BlockSearch) -> Floats:
    block = search.block
    lowest, highest = search.limits
    is_limited = np.isfinite(highest).any(axis=1)
    if is_limited.any():
        is_limited = (np.isfinite(highest) & (block.tree.rate > 0)).any(axis=1)
    use = block.weights.fixed_use()[~is_limited].sum(axis=0)
    rows = np.flatnonzero(is_limited)
    if len(rows):
        some = block.of_parts(rows)
        endless = endless_stock(some.tree)
        most = np.minimum(endless, highest[rows]).astype(np.int64)
        some = replace(some, tree=_without_delays(some.tree, highest[rows] >= endless))
        evaluation = search.problem.evaluation
        measured = measure_block(some, np.maximum(most, lowest[rows]), evaluation)
        use = use + measured.uses().sum(axis=0)
    return np.asarray(use)


def _without_delays(tree: SupplyTree, places: Booleans) -> SupplyTree:
    """The same where nothing is ever under way to some places: laws of endless stock are wide."""
    return replace(
        tree,
        transit_days=np.where(places, 0.0, tree.transit_days),
        repair_days=np.where(places, 0.0, tree.repair_days),
    )


def impossible_commitments(
    problem: PlanningProblem, searches: list[BlockSearch], fixed: Floats
) -> list[ImpossibleCommitment]:
    """A record for every promise that no allowed stock keeps.

    Mostly more stock never harms, so the most there may be decides; where it can harm, the least
    use is found by the price search at a price beside which holding costs nothing.
    """
    model = problem.model
    use = use_at_most_stock(problem, searches)
    found = []
    for row, c in enumerate(problem.kept.tolist()):
        promise = model.promises[c]
        least = float(use[c])
        if least > promise.allowed * (1.0 + MET_TOLERANCE):
            if any(Crew().each(searches, _more_may_harm)):
                least = min(least, float(fixed[c]) + _least_use(searches, row, len(problem.kept)))
            if least > promise.allowed * (1.0 + MET_TOLERANCE):
                reason = _reason(problem, promise, float(fixed[c]))
                found.append(impossible_commitment(promise, least, reason))
    return found


def _more_may_harm(search: BlockSearch) -> bool:
    """Whether a unit more may serve customers worse.

    So it may where an ancestor ships what a location does not hold, and within a response window
    where a shelf hands out units in the order in which repairs and orders, which cross, were begun.
    """
    block = search.block
    has_repairs = bool((block.tree.repair_fraction > 0).any())
    return block.weights.has_direct_routes or (has_repairs and bool(block.weights.windows))


def _least_use(searches: list[BlockSearch], row: int, n_rows: int) -> float:
    """Least use of one promise over all stocks, without fixed use."""
    crew = Crew()
    dearest = max(crew.each(searches, lambda one: float(one.unit_price.max(initial=0.0))))
    price = np.zeros(n_rows)
    price[row] = 1e9 * max(dearest, 1e-9)
    least = sum(crew.each(searches, lambda one: float(one.best(price)[1].sum())))
    return least / float(price[row])


def impossible_commitment(promise: Promise, least: float, reason: str) -> ImpossibleCommitment:
    """The record of a promise whose least use is more than allowed."""
    return ImpossibleCommitment(
        commitment_id=promise.commitment_id,
        metric=promise.metric,
        target=promise.target,
        best_attainable=promise.achieved(least),
        unit=promise.unit,
        reason=reason,
    )


def _reason(problem: PlanningProblem, promise: Promise, fixed: float) -> str:
    if fixed > promise.allowed * (1.0 + MET_TOLERANCE):
        if promise.metric == "response":
            return (
                "lane hours alone exceed it: for a share of "
                f"{100 * fixed:.2f} % of the demand the lane takes longer than "
                f"{promise.within_hours:g} hours, whatever is stocked"
            )
        return "diagnosis, lane and repair hours alone exceed it, whatever is stocked"
    return limits_reason(problem, promise)


def limits_reason(problem: PlanningProblem, promise: Promise) -> str:
    """That limits on stock forbid a promise, with the places that they bind.

    These are places in scope with a maximum (or without ``stocks_parts``), and the user's reasons.
    """
    network, streams = problem.network, problem.model.streams
    places = dict.fromkeys(
        zip(
            streams.part[promise.streams].tolist(),
            streams.location[promise.streams].tolist(),
            strict=True,
        )
    )
    highest = problem.highest(np.arange(network.n_parts))
    bound = [place for place in places if np.isfinite(highest[place])]
    named = [
        f"{network.part_ids[p]} at {network.location_ids[at]} at most {highest[p, at]:g}"
        + (f" ({problem.limits.reasons[p, at]})" if problem.limits.reasons.get((p, at)) else "")
        for p, at in bound[:3]
    ]
    more = f", and {len(bound) - 3} more" if len(bound) > 3 else ""
    places_named = f": {', '.join(named)}{more}" if named else ""
    return f"the limits on stock forbid it{places_named}"
