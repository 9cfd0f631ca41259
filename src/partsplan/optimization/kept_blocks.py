"""Which blocks keep their tables between passes.

Tables of ten million part-locations would fill the memory of a laptop, so beyond some size they
are made anew in every pass.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from partsplan.evaluation.supply import depths
from partsplan.optimization.problem import PlanningProblem

KEPT_BYTES = 640 * 2**20
"""Memory meant for tables."""
_LISTED = 9
"""Stocks listed of a location, about."""


def kept_blocks(n_parts: Sequence[int], problem: PlanningProblem) -> list[bool]:
    """Whether each block, given its number of parts, keeps its tables."""
    sizes = np.asarray(n_parts) * _bytes_per_part(problem)
    return [bool(fits) for fits in np.cumsum(sizes) <= KEPT_BYTES]


def _bytes_per_part(problem: PlanningProblem) -> int:
    """Memory that the tables of a part take, about."""
    depth = np.zeros(problem.network.n_locations, dtype=np.int64)
    for forest in problem.network.forests:
        depth = np.maximum(depth, depths(forest.parents))
    metrics = [promise.metric for promise in problem.model.promises]
    kinds = 1 + ("fill_rate" in metrics) + 2 * ("response" in metrics)
    return int(8 * kinds * (float(_LISTED) ** (1 + depth)).sum())
