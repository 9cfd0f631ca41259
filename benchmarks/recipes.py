"""Seeded random instances by size: recipe A of the project's quality and speed figures.

Recipe A (numpy ``default_rng(seed)``, drawn in this order): unit cost lognormal, median 300, sigma
1.4; demand of a part lognormal, median 2 per year, sigma 1.3; split over the FSLs by Dirichlet(0.7)
weights times lognormal noise of sigma 0.5; resupply of the centre 30, 60, 90 or 120 days;
replenishment uniform 1 to 7 days per FSL; at every FSL a mean wait of at most 12 hours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partsplan import DemandRates, ServiceNetwork

CENTRE = "DC"
MEAN_WAIT_HOURS = 12.0
RESUPPLY_DAYS = (30.0, 60.0, 90.0, 120.0)


def recipe_a(
    seed: int, n_parts: int, n_fsls: int, *, common_weights: bool = False
) -> tuple[ServiceNetwork, DemandRates]:
    """Network and demand of recipe A: one centre, ``n_fsls`` FSLs, a commitment for each FSL.

    The Dirichlet weights are drawn for every part (parts are used in different places); with
    ``common_weights`` once for all parts (FSLs of different size): the recipe can be read
    both ways.
    """
    rng = np.random.default_rng(seed)
    unit_cost = rng.lognormal(np.log(300.0), 1.4, n_parts)
    per_year = rng.lognormal(np.log(2.0), 1.3, n_parts)
    share = _fsl_shares(rng, n_parts, n_fsls, common_weights)
    resupply_days = rng.choice(RESUPPLY_DAYS, n_parts)
    replenishment_days = rng.uniform(1.0, 7.0, n_fsls)
    network = _two_level_network(unit_cost, resupply_days, replenishment_days)
    demand = np.zeros((n_parts, 1 + n_fsls))
    np.multiply(per_year[:, np.newaxis], share, out=demand[:, 1:])
    return network, DemandRates.from_arrays(network.part_ids, network.location_ids, demand)


def _fsl_shares(
    rng: np.random.Generator, n_parts: int, n_fsls: int, common_weights: bool
) -> NDArray[np.float64]:
    weights = rng.dirichlet(np.full(n_fsls, 0.7), 1 if common_weights else n_parts)
    noisy = rng.lognormal(0.0, 0.5, (n_parts, n_fsls))
    noisy *= weights
    noisy /= noisy.sum(axis=1, keepdims=True)
    return noisy


def _two_level_network(
    unit_cost: NDArray[np.float64],
    resupply_days: NDArray[np.float64],
    replenishment_days: NDArray[np.float64],
) -> ServiceNetwork:
    """One centre and FSLs below it, every table as columns."""
    n_fsls = len(replenishment_days)
    fsls = [f"FSL{j:03d}" for j in range(1, n_fsls + 1)]
    return ServiceNetwork.from_tables(
        parts={
            "part_id": [f"P{p:06d}" for p in range(1, len(unit_cost) + 1)],
            "unit_cost": unit_cost,
            "resupply_days": resupply_days,
        },
        locations={
            "location_id": [CENTRE, *fsls],
            "kind": ["central"] + ["forward"] * n_fsls,
            "replenished_from": [""] + [CENTRE] * n_fsls,
            "replenishment_days": np.concatenate([[np.nan], replenishment_days]),
        },
        commitments={
            "commitment_id": [f"wait at {fsl}" for fsl in fsls],
            "metric": ["mean_wait"] * n_fsls,
            "target": np.full(n_fsls, MEAN_WAIT_HOURS),
            "location_id": fsls,
        },
    )
