"""Who shipped to whom in a simulation where shortages are expedited."""

from __future__ import annotations

from typing import Any

import numpy as np

from partsplan.evaluation.expedited import OUTSIDE
from partsplan.simulation.intervals import RatioSums, share_interval
from partsplan.simulation.running import Experiment
from partsplan.simulation.sums import Sums


def source_records(experiment: Experiment, sums: Sums, confidence: float) -> list[dict[str, Any]]:
    """Share of the demand of every class of customers by source, with its interval."""
    network, customers = experiment.model.network, experiment.customers
    n_sources = experiment.sources[1]
    shares = _shares(sums)
    demands = np.broadcast_to(shares.base, shares.amount.shape)
    interval = share_interval(shares, demands, confidence)
    names = (*network.location_ids, OUTSIDE)
    records = []
    for block in experiment.blocks:
        for klass, places in zip(block.classes.tolist(), block.asked_in_turn, strict=True):
            asked = [*(int(place) for place in places if place >= 0), len(names) - 1]
            columns = [*range(len(asked) - 1), n_sources - 1]
            records += [
                {
                    "part_id": network.part_ids[customers.part[klass]],
                    "location_id": network.location_ids[customers.location[klass]],
                    "source": names[place],
                    "share": float(shares.ratio[klass, column]),
                    "lower": float(interval.lower[klass, column]),
                    "upper": float(interval.upper[klass, column]),
                }
                for place, column in zip(asked, columns, strict=True)
                if demands[klass, column] > 0 and n_sources > 0
            ]
    return records


def _shares(sums: Sums) -> RatioSums:
    """Units shipped by each source per unit asked for, by class."""
    asked = sums.shipped.sum(axis=1, keepdims=True)
    # all sources of a class add up to its demand in every replication
    asked2 = sums.shipped_cross.sum(axis=1, keepdims=True)
    shape = sums.shipped.shape
    return RatioSums(
        sums.n_replications,
        np.broadcast_to(asked, shape),
        np.broadcast_to(asked2, shape),
        sums.shipped,
        sums.shipped2,
        sums.shipped_cross,
    )
