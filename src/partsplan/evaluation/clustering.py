"""Where clustered demand has no exact law, said with the names of part and location.

The exact law holds for a root that supplies nobody with the part. VARI-METRIC takes clustered
demand anywhere, but shares that a promise speaks of are always measured by the exact law.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import PartsplanError
from partsplan.evaluation.model import ServiceModel

_CHUNK = 2000
_RULE = (
    "demand with a variance_to_mean above 1 has an exact law only at a location that is resupplied "
    "from outside and neither supplies another location with the part nor repairs a share of it "
    "itself"
)


def check_clustered_demand(model: ServiceModel, evaluation: str) -> None:
    """Raise `PartsplanError` where clustered demand would need an exact law that there is not."""
    if model.demand.clustering is None:
        return
    _check_families(model)
    missing = _without_exact_law(model)
    if evaluation == "exact" and missing.any():
        raise PartsplanError(
            f"{_place(model, missing)}: {_RULE}. Use evaluation='vari_metric', or a "
            "variance_to_mean of 1 for Poisson demand."
        )
    for promise in model.promises:
        if promise.metric in ("fill_rate", "response"):
            asked = promise.streams[promise.weights > 0]
            place = model.streams.part[asked], model.streams.location[asked]
            if missing[place].any():
                touched = np.zeros_like(missing)
                touched[place] = missing[place]
                raise PartsplanError(
                    f"commitment {promise.commitment_id!r}, {_place(model, touched)}: {_RULE}, and "
                    f"a {promise.metric} is always measured by the exact law. Promise a mean_wait "
                    "or an uptime there (with evaluation='vari_metric'), or use a "
                    "variance_to_mean of 1 for Poisson demand."
                )


def _check_families(model: ServiceModel) -> None:
    """Parts that sit in each other have laws for Poisson demand only."""
    if model.indentures is None or model.demand.clustering is None:
        return
    clustered = np.diff(model.demand.clustering.tocsr().indptr) > 0
    touched = np.flatnonzero(clustered & model.indentures.parts)
    if len(touched):
        raise PartsplanError(
            f"part {model.network.part_ids[touched[0]]!r} has a variance_to_mean above 1 and sits "
            "in another part or has others inside: such parts are evaluated for Poisson demand "
            "only. Use a variance_to_mean of 1, or simulate."
        )


def _without_exact_law(model: ServiceModel) -> NDArray[np.bool_]:
    """Places without an exact law, or that may be served from one; (n_parts, n_locations)."""
    network = model.network
    missing = np.zeros((network.n_parts, network.n_locations), dtype=np.bool_)
    for forest in network.forests:
        for parts in np.array_split(forest.parts, max(1, len(forest.parts) // _CHUNK)):
            tree = model.tree(forest, parts)
            inside = tree.without_exact_law.copy()
            for j in tree.order:
                if tree.parents[j] >= 0:
                    inside[:, j] |= inside[:, tree.parents[j]] & (tree.own_rate[:, j] > 0)
            missing[parts] = inside
    return missing


def _place(model: ServiceModel, places: NDArray[np.bool_]) -> str:
    """Name of the first of some places, and how many more there are."""
    network = model.network
    part, location = (int(axis[0]) for axis in np.nonzero(places))
    more = int(places.sum()) - 1
    return f"part {network.part_ids[part]!r} at location {network.location_ids[location]!r}" + (
        f" (and {more} more)" if more else ""
    )
