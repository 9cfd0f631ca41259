"""Which parts stand for all while prices are still far off.

Most of what promises are used for falls on few dear parts, so those are taken whole; of the
others every k-th is taken, sorted alike, and counts k times.
"""

from __future__ import annotations

import numpy as np

from partsplan.optimization.axes import Floats
from partsplan.optimization.problem import PlanningProblem

SAMPLED_PARTS = 2_000
_LARGEST_SHARE = 0.5
"""Samples of more than this share of all parts save too little."""
_LEAST_STREAMS = 100
"""Demand streams of a promise that a sample has to have."""


def importance(problem: PlanningProblem) -> Floats:
    r"""What parts probably cost beyond their mean demand, about: :math:`h \sqrt{\lambda T}`."""
    unit_cost = problem.network.parts["unit_cost"]
    return np.asarray(unit_cost * np.sqrt(problem.model.pipeline_at_root))


def sampled(important: Floats) -> Floats | None:
    """How often each part counts, 0 where it is not sampled; None where most parts would be."""
    n_parts, n = len(important), SAMPLED_PARTS
    if n > _LARGEST_SHARE * n_parts:
        return None
    order = np.argsort(-important, kind="stable")
    counted = np.zeros(n_parts)
    counted[order[: n // 2]] = 1.0
    others = order[n // 2 :]
    step = max(2, round(len(others) / max(n - n // 2, 1)))
    some = others[step // 2 :: step]
    counted[some] = len(others) / len(some)
    return counted


def share_counted(problem: PlanningProblem, counted: Floats) -> Floats | None:
    """Share of the demand of every kept promise that a sample counts; None where it has too few."""
    share = np.zeros(len(problem.kept))
    model = problem.model
    for row, c in enumerate(problem.kept.tolist()):
        promise = model.promises[c]
        times = counted[model.streams.part[promise.streams]]
        if np.count_nonzero(times) < _LEAST_STREAMS:
            return None
        share[row] = (promise.weights * times).sum() / promise.weights.sum()
    return share
