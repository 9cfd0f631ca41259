"""Which blocks keep their tables between passes, and which are a sample of all.

Tables of ten million part-locations would fill the memory of a laptop, so beyond some size they
are made anew in every pass. The sample, which is passed most often, keeps its own first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from partsplan.evaluation.supply import depths
from partsplan.optimization.axes import Integers
from partsplan.optimization.problem import PlanningProblem

KEPT_BYTES = 640 * 2**20
"""Memory meant for tables."""
_LISTED = 9
"""Stocks listed of a location, about."""
_SAMPLED_PARTS = 3_000
_SAMPLED_SHARE = 0.05


def kept_blocks(n_parts: Sequence[int], problem: PlanningProblem) -> list[bool]:
    """Whether each block, given its number of parts, keeps its tables."""
    each = _bytes_per_part(problem)
    sample = sampled_places(len(n_parts), sum(n_parts)).tolist()
    kept = np.zeros(len(n_parts), dtype=np.bool_)
    kept[sample] = True
    sizes = np.where(kept, 0, n_parts) * each
    kept |= np.cumsum(sizes) <= KEPT_BYTES - each * sum(n_parts[place] for place in sample)
    return kept.tolist()


def _bytes_per_part(problem: PlanningProblem) -> int:
    """Memory that the tables of a part take, about."""
    depth = np.zeros(problem.network.n_locations, dtype=np.int64)
    for forest in problem.network.forests:
        depth = np.maximum(depth, depths(forest.parents))
    metrics = [promise.metric for promise in problem.model.promises]
    kinds = 1 + ("fill_rate" in metrics) + 2 * ("response" in metrics)
    return int(8 * kinds * (float(_LISTED) ** (1 + depth)).sum())


def sampled_places(n_blocks: int, n_parts: int) -> Integers:
    """Every k-th block; none where there are too few parts for a sample.

    Blocks are sorted by the units they have under way, so the sample has all kinds of parts.
    """
    step = int(n_parts / max(_SAMPLED_PARTS, _SAMPLED_SHARE * n_parts))
    if step < 2:
        return np.zeros(0, dtype=np.int64)
    return np.arange(step // 2, n_blocks, step)
