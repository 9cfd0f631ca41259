"""The demands of one part in one replication as a table, drawn again from the same seed."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.commitments import HOURS_PER_DAY
from partsplan.evaluation.expedited import OUTSIDE
from partsplan.simulation.expediting import ExpeditedRun
from partsplan.simulation.running import Experiment, Piece, pieces_of
from partsplan.simulation.sourced import SourcedWeights
from partsplan.simulation.tallies import in_window


def event_columns(
    experiment: Experiment,
    entropy: tuple[int, ...],
    drawn: tuple[tuple[int, int], ...],
    part: int,
    replication: int,
) -> dict[str, NDArray[Any]]:
    """Columns of every demand of a part in one replication, in order of time."""
    for batch, n_replications in drawn:
        if replication >= n_replications:
            replication -= n_replications
            continue
        for piece in pieces_of(experiment, n_replications, entropy, batch):
            inside = piece.first <= replication < piece.first + piece.n_replications
            if inside and part in piece.block.parts:
                return _columns(experiment, piece, part, replication - piece.first)
        break
    names = ("day", "is_counted", "location_id", "shipped_from", "wait_days", "from_shelf")
    return {name: np.zeros(0) for name in names}


def _columns(
    experiment: Experiment, piece: Piece, part: int, replication: int
) -> dict[str, NDArray[Any]]:
    run, block = piece.run(), piece.block
    row = int(np.flatnonzero(block.parts == part)[0])
    of_row = run.arrivals.row == row * piece.n_replications + replication
    if run.arrivals.opening_at is not None:
        of_row &= run.arrivals.opening_at < 0
    chosen = np.flatnonzero(of_row)
    customers, days = run.arrivals.customers[chosen], run.arrivals.days[chosen]
    classes = block.classes[customers]
    ids = np.array([*experiment.model.network.location_ids, OUTSIDE], dtype=object)
    if isinstance(run, ExpeditedRun):
        source = run.source[chosen]
        shipper = np.where(source < 0, -1, block.asked_in_turn[customers, source])
        wait_days = cast(SourcedWeights, piece.weights).longer[customers, source] / HOURS_PER_DAY
        from_shelf = source == 0
    else:
        shipper = block.class_shipper[customers]
        wait_days, from_shelf = run.wait_days[chosen], ~run.stocked_out[chosen]
    return {
        "day": days,
        "is_counted": in_window(block, np.full(len(days), row), days),
        "location_id": ids[experiment.customers.location[classes]],
        "shipped_from": ids[shipper],
        "wait_days": wait_days,
        "from_shelf": from_shelf,
    }
