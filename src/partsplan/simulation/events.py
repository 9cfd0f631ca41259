"""The demands of one part in one replication as a table, drawn again from the same seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.simulation.running import Experiment, Piece, pieces_of
from partsplan.simulation.tallies import in_window


def event_columns(
    experiment: Experiment,
    entropy: tuple[int, ...],
    n_replications: int,
    part: int,
    replication: int,
) -> dict[str, NDArray[Any]]:
    """Columns of every demand of a part in one replication, in order of time."""
    for piece in pieces_of(experiment, n_replications, entropy):
        inside = piece.first <= replication < piece.first + piece.n_replications
        if inside and part in piece.block.parts:
            return _columns(experiment, piece, part, replication - piece.first)
    names = ("day", "is_counted", "location_id", "shipped_from", "wait_days", "from_shelf")
    return {name: np.zeros(0) for name in names}


def _columns(
    experiment: Experiment, piece: Piece, part: int, replication: int
) -> dict[str, NDArray[Any]]:
    run, block = piece.run(), piece.block
    row = int(np.flatnonzero(block.parts == part)[0])
    chosen = run.arrivals.row == row * piece.n_replications + replication
    days = run.arrivals.days[chosen]
    classes = block.classes[run.arrivals.customers[chosen]]
    ids = np.array(experiment.model.network.location_ids, dtype=object)
    return {
        "day": days,
        "is_counted": in_window(block, np.full(len(days), row), days),
        "location_id": ids[experiment.customers.location[classes]],
        "shipped_from": ids[experiment.customers.shipper[classes]],
        "wait_days": run.wait_days[chosen],
        "from_shelf": ~run.stocked_out[chosen],
    }
