"""Which parts stand for all while prices are still far off.

Most of what promises are used for falls on few dear parts, so those are taken whole; of the
others every k-th is taken, sorted alike, and counts k times.
"""

from __future__ import annotations

import numpy as np

from partsplan.optimization.axes import Floats
from partsplan.optimization.problem import PlanningProblem

SAMPLED_PARTS = 2_000
_PER_PROMISE = 40
_SAMPLED_SHARE = 0.08
_LARGEST_SHARE = 0.5
"""Samples of more than this share of all parts save too little."""
_LEAST_STREAMS = 100
"""Demand streams of a promise that a sample has to have."""


def importance(problem: PlanningProblem) -> Floats:
    r"""What the uncertainty of each part's demand costs, about: :math:`h \sqrt{\lambda T}`.

    ``h`` is the dearest unit held, in the objective's unit; shape (n_parts,).
    """
    parts = np.arange(problem.network.n_parts)
    unit = problem.network.parts["unit_cost"]
    if problem.objective == "holding_cost":
        unit = unit * problem.network.holding_rates(parts).max(axis=1)
    return np.asarray(unit * np.sqrt(problem.model.pipeline_at_root))


def sampled(important: Floats, n_promises: int) -> Floats | None:
    """How often each part counts, 0 where it is not sampled; None where most parts would be."""
    n_parts = len(important)
    n = max(SAMPLED_PARTS, _PER_PROMISE * n_promises, int(_SAMPLED_SHARE * n_parts))
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
        total = promise.weights.sum()
        share[row] = (promise.weights * times).sum() / total if total > 0.0 else 1.0
    return share
