"""Parts within parts: evaluation against the event simulation, and time and gap of plans.

``python -m benchmarks.families`` (some minutes). Networks: a depot and three bases, LRUs with three
SRUs each; the depot repairs all LRUs, or the bases repair a share of them (then SRUs are held at
all four places). Numpy ``default_rng(seed)``: failures lognormal, median 3 a year at each base,
LRUs cost 2,000 to 40,000, SRUs 3 to 30 % of their LRU, repair takes 2 to 10 days, SRUs 15 to 60.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

import partsplan as pp

BASES = ("B1", "B2", "B3")
N_SRUS = 3
LOCAL_REPAIR = (0.0, 0.5)


def families(seed: int, n_lrus: int, local_repair: float) -> pp.ServiceNetwork:
    """A network of LRUs with three SRUs each at four places."""
    rng = np.random.default_rng(seed)
    parts: list[dict[str, Any]] = []
    bill: list[dict[str, Any]] = []
    for k in range(n_lrus):
        cost = float(rng.uniform(2_000, 40_000))
        lru = f"L{k}"
        parts.append({"part_id": lru, "unit_cost": cost, "resupply_days": rng.uniform(2, 10)})
        failures = float(rng.lognormal(np.log(3.0), 0.8))
        bill.append({"equipment_id": "M", "part_id": lru, "failures_per_year": failures})
        shares = rng.dirichlet(np.ones(N_SRUS)) * 0.9
        for s, share in enumerate(shares.tolist()):
            sru = f"{lru}S{s}"
            parts.append(
                {"part_id": sru, "unit_cost": cost * rng.uniform(0.03, 0.3)}
                | {"resupply_days": float(rng.uniform(15, 60))}
            )
            bill.append(
                {"equipment_id": "M", "part_id": sru, "parent_part_id": lru}
                | {"cause_fraction": share}
            )
    repairs = [
        {"part_id": f"L{k}", "location_id": base, "local_repair_fraction": local_repair}
        | {"local_repair_days": 4.0}
        for k in range(n_lrus)
        for base in BASES
    ]
    return pp.ServiceNetwork.from_tables(
        parts=parts,
        locations=[{"location_id": "DEPOT", "kind": "central"}]
        + [
            {"location_id": base, "kind": "forward", "replenished_from": "DEPOT"}
            | {"replenishment_days": 3.0}
            for base in BASES
        ],
        part_locations=repairs if local_repair > 0 else None,
        sites=[{"site_id": f"at {base}", "served_by": base} for base in BASES],
        equipment=[{"equipment_id": "M"}],
        bill_of_materials=bill,
        installed_base=[
            {"site_id": f"at {base}", "equipment_id": "M", "machines": 1} for base in BASES
        ],
        commitments=[
            {"commitment_id": "wait", "metric": "mean_wait", "target": 12.0},
            {"commitment_id": "fill", "metric": "fill_rate", "target": 0.85},
        ],
    )


def accuracy(n_seeds: int) -> None:
    """Largest and mean difference from the simulation, at plans and at plans less a few SRUs."""
    print("Evaluation against the simulation (40 years, 300 replications), LRUs at all places")
    print("  repair at     stock of SRUs  method       fill rate      mean wait, hours     exact")
    for local_repair in LOCAL_REPAIR:
        errors: dict[tuple[str, str], list[tuple[float, float, bool]]] = {}
        for seed in range(n_seeds):
            network = families(seed, 1, local_repair)
            demand = pp.estimate_demand(network)
            plan = pp.optimize(network, demand)
            for held, stock in (("planned", plan.stock.array), ("none", without_srus(plan))):
                levels = as_dict(network, stock)
                seen = pp.simulate(network, demand, levels, years=40, replications=300, rng=seed)
                for method in ("exact", "vari_metric"):
                    found = pp.evaluate(network, demand, levels, evaluation=method)
                    fill = np.abs(found.fill_rate - seen.fill_rate)[0, 1:].max()
                    wait = 24.0 * np.abs(found.mean_wait_days - seen.mean_wait_days)[0, 1:].max()
                    errors.setdefault((held, method), []).append((fill, wait, found.is_exact))
        for (held, method), rows in errors.items():
            fills, waits, exact = np.array(rows).T
            place = "depot" if local_repair == 0 else "bases too"
            print(
                f"  {place:<12}  {held:<13}  {method:<11}  {fills.max():.4f} ({fills.mean():.4f})"
                f"  {waits.max():8.2f} ({waits.mean():.2f})     {int(exact.sum())} of {len(rows)}"
            )


def without_srus(plan: Any) -> np.ndarray:
    """A plan's stock of the LRU alone."""
    stock = plan.stock.array.copy()
    stock[1:] = 0
    return stock


def as_dict(network: pp.ServiceNetwork, stock: np.ndarray) -> dict[tuple[str, str], int]:
    """Base stocks by part and location."""
    return {
        (network.part_ids[part], network.location_ids[place]): int(stock[part, place])
        for part, place in np.argwhere(stock > 0)
    }


def plans(sizes: list[int]) -> None:
    """Time and gap of plans, by number of LRUs."""
    print("Plans, default settings")
    print("  LRUs  repair at    parts x places   status     gap       wall      CPU")
    for n_lrus in sizes:
        for local_repair in LOCAL_REPAIR:
            network = families(0, n_lrus, local_repair)
            demand = pp.estimate_demand(network)
            start, cpu = time.perf_counter(), time.process_time()
            plan = pp.optimize(network, demand, time_limit=240.0)
            wall, cpu = time.perf_counter() - start, time.process_time() - cpu
            place = "depot" if local_repair == 0 else "bases too"
            gap = "unknown" if plan.gap is None else f"{100 * plan.gap:.3f} %"
            print(
                f"  {n_lrus:>4}  {place:<10}  {network.n_parts:>4} x {network.n_locations}"
                f"       {plan.status.value:<9}  {gap:>8}  {wall:7.1f} s {cpu:7.1f} s"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--lrus", type=int, nargs="+", default=[1, 10, 50])
    arguments = parser.parse_args()
    accuracy(arguments.seeds)
    plans(arguments.lrus)


if __name__ == "__main__":
    main()
