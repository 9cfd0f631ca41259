"""Networks of many parts: one centre and some FSLs, a promise on the mean wait at each."""

import numpy as np

import partsplan as pp


def many_parts(seed, n_parts, n_fsls=5):
    """Network and demand; costs and demand of the parts are lognormal, shares uneven."""
    rng = np.random.default_rng(seed)
    fsls = [f"F{j}" for j in range(n_fsls)]
    network = pp.ServiceNetwork.from_tables(
        parts={
            "part_id": [f"P{p:05d}" for p in range(n_parts)],
            "unit_cost": rng.lognormal(5.7, 1.4, n_parts),
            "resupply_days": rng.choice([30.0, 60.0, 90.0], n_parts),
        },
        locations={
            "location_id": ["DC", *fsls],
            "kind": ["central"] + ["forward"] * n_fsls,
            "replenished_from": [""] + ["DC"] * n_fsls,
            "replenishment_days": [None, *rng.uniform(1.0, 7.0, n_fsls)],
        },
        commitments={
            "commitment_id": [f"wait at {fsl}" for fsl in fsls],
            "metric": ["mean_wait"] * n_fsls,
            "target": [12.0] * n_fsls,
            "location_id": fsls,
        },
    )
    shares = rng.dirichlet(np.full(n_fsls, 0.7), n_parts)
    demand = np.column_stack(
        [np.zeros(n_parts), rng.lognormal(0.7, 1.3, n_parts)[:, None] * shares]
    )
    return network, pp.DemandRates.from_arrays(network.part_ids, network.location_ids, demand)


def all_kept(network, demand, plan, evaluation="exact"):
    """Whether the plan's stock keeps every promise when it is evaluated anew."""
    found = pp.evaluate(network, demand, plan.stock, evaluation=evaluation)
    return all(result.is_met for result in found.commitments)
