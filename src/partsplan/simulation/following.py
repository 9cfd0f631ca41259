"""Runs in which installed units are followed: their failures depend on when parts arrive.

Demand of a finite fleet depends on waits, and waits on demand. As a wait depends on earlier
demand only, passing over all lives again and again settles from the start of the run onwards.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import PartsplanError
from partsplan.simulation.arrivals import (
    Arrivals,
    merged_arrivals,
    poisson_arrivals,
    rate_factors,
)
from partsplan.simulation.blocks import SimulatedBlock
from partsplan.simulation.expediting import ExpeditedRun
from partsplan.simulation.positions import Lives, Positions, draw_lives
from partsplan.simulation.waiting import WaitingRun

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

Serve = Callable[[Arrivals, np.random.Generator], tuple[WaitingRun | ExpeditedRun, Floats]]

_MOST_PASSES = 200
_SETTLED_DAYS = 1e-6


def run_following(
    block: SimulatedBlock,
    positions: Positions,
    n_replications: int,
    seed: np.random.SeedSequence,
    serve: Serve,
) -> WaitingRun | ExpeditedRun:
    """Serve the demand of followed units, and of the Poisson streams of all others.

    ``serve`` gives what became of demands, and how much later than a part at hand each unit got
    its part [days].

    Raises
    ------
    PartsplanError
        If failures and waits do not settle.
    """
    for_arrivals, for_serving = seed.spawn(2)
    rng = np.random.Generator(np.random.PCG64DXSM(for_arrivals))
    factor = rate_factors(block.tree.rate_shape, n_replications, rng)
    streams = np.where(positions.count > 0, 0.0, block.per_day)
    others = poisson_arrivals(block, streams, factor, rng)
    rate = block.per_day / np.maximum(positions.count, 1)
    row = block.class_part[:, np.newaxis] * n_replications + np.arange(n_replications)
    lives = draw_lives(
        positions,
        rate[:, np.newaxis] * factor[block.class_part],
        row,
        block.horizon_days[block.class_part],
        rng,
    )
    down = np.zeros(len(lives.days))
    for _ in range(_MOST_PASSES):
        arrivals, life = _arrivals(block, others, lives, down)
        serving = np.random.Generator(np.random.PCG64DXSM(for_serving))
        run, wait_days = serve(arrivals, serving)
        if not positions.wait_for_parts:
            return run
        waits = np.zeros(len(down))
        known = life >= 0
        waits[life[known]] = wait_days[known]
        longer = waits + positions.down_days[lives.customers]
        if np.abs(longer - down).max(initial=0.0) < _SETTLED_DAYS:
            return run
        down = longer
    raise PartsplanError(
        f"failures and waits of a finite fleet did not settle in {_MOST_PASSES} passes; "
        "leave finite_fleet out."
    )


def _arrivals(
    block: SimulatedBlock, others: Arrivals, lives: Lives, down: Floats
) -> tuple[Arrivals, Integers]:
    """All demands in order of row and time, and which life each one ends; -1 for streams."""
    days = lives.failures(down)
    inside = np.flatnonzero(days < block.horizon_days[block.class_part[lives.customers]])
    order = inside[np.lexsort((days[inside], lives.row[inside]))]
    failed = Arrivals(others.n_rows, lives.row[order], days[order], lives.customers[order], None)
    if len(others.row) == 0:
        return failed, order
    merged = merged_arrivals(others, failed)
    life = np.concatenate([np.full(len(others.row), -1), order])
    row = np.concatenate([others.row, failed.row])
    when = np.concatenate([others.days, failed.days])
    return merged, life[np.lexsort((when, row))]
