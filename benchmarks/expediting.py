"""Expedited shortages: error of the fixed point, what pooling saves, and the hospital plan.

``--hospitals FILE`` also plans the hospitals of the public HIFLD table with 300 parts.
"""

from __future__ import annotations

import argparse
import runpy
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import partsplan as pp

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / "tests" / "evaluation"), str(ROOT / "tests" / "optimization")]

from cases_expedited import LATERAL, TWO_ECHELON  # noqa: E402
from expedited_networks import pooled_demand, pooled_network, shares  # noqa: E402
from test_expedite_optima import random_network  # noqa: E402


def fractions(found: Any, orders: list[list[int]]) -> np.ndarray:
    """Local, lateral and emergency share of every site."""
    by_site = shares(found)
    local = [s.get(f"L{order[0]}", 0.0) for s, order in zip(by_site, orders, strict=True)]
    outside = [s.get("outside", 0.0) for s in by_site]
    lateral = [1.0 - a - b for a, b in zip(local, outside, strict=True)]
    return np.array([local, lateral, outside])


def lateral_errors() -> None:
    print("Fixed point against the exact chain, laterals: largest error of a share")
    print("  case  loads per location       local   lateral   emergency    at a tenth of the rates")
    for number, case in enumerate(LATERAL, 1):
        network = pooled_network(case["days"], case["orders"])
        stock = {("P", f"L{j}"): units for j, units in enumerate(case["stock"])}
        errors = []
        for factor in (1.0, 0.1):
            demand = pooled_demand(network, [factor * rate for rate in case["rates"]])
            fixed = pp.evaluate(network, demand, stock, evaluation="metric")
            exact = pp.evaluate(network, demand, stock)
            gap = fractions(fixed, case["orders"]) - fractions(exact, case["orders"])
            errors.append(np.abs(gap).max(axis=1))
        loads = [f"{r * d:.2g}" for r, d in zip(case["rates"], case["days"], strict=True)]
        (local, lateral, emergency), low = errors[0], errors[1].max()
        print(
            f"  {number:>4}  {' '.join(loads):<22} {local:7.4f} {lateral:9.4f} {emergency:11.4f}"
            f" {low:26.4f}"
        )


def centre_errors() -> None:
    print("A centre with finite stock, against the exact chain: largest error of a share")
    for number, case in enumerate(TWO_ECHELON, 1):
        n = len(case["rates"])
        orders = [[j + 1, 0] for j in range(n)]
        network = pooled_network(
            [case["resupply"], *case["transit"]], orders, parents=[-1] + [0] * n
        )
        levels = [case["centre"], *case["stock"]]
        stock = {("P", f"L{j}"): units for j, units in enumerate(levels)}
        demand = pooled_demand(network, case["rates"])
        exact = np.array([case["local"], case["from_centre"], case["outside"]])
        for method in (False, True):
            found = pp.evaluate(network, demand, stock, solve_centres=method)
            worst = np.abs(fractions(found, orders) - exact).max(axis=1)
            told = "  ".join(
                f"{name} {error:.5f}"
                for name, error in zip(("local", "from centre", "outside"), worst, strict=True)
            )
            print(f"  {number:>4}  {'joint chain' if method else 'fixed point'}  {told}")


def pooling() -> None:
    print("What pooling saves: least cost with and without lateral lanes, mean wait at most 6 h")
    for seed in range(5):
        network = random_network(seed, stock=None, commitments=[])
        network = network.replace(
            commitments=[{"commitment_id": "w", "metric": "mean_wait", "target": 6.0}]
        )
        served = network.sites["served_by"]
        own = [
            lane
            for lane in network.lanes.to_records()
            if served[network.site_index[lane["site_id"]]] == lane["location_id"]
        ]
        demand = pp.estimate_demand(network)
        together = pp.optimize(network, demand, gap=0.0)
        apart = pp.optimize(network.replace(lanes=own), demand, gap=0.0)
        saving = 1.0 - together.cost / apart.cost
        print(
            f"  seed {seed}: apart {apart.cost:9.2f}  pooled {together.cost:9.2f}"
            f"  saving {100 * saving:5.2f} %"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hospitals", type=Path)
    arguments = parser.parse_args()
    lateral_errors()
    centre_errors()
    pooling()
    if arguments.hospitals:
        sys.argv = ["03_plan_hospital_service.py", str(arguments.hospitals)]
        start, cpu = time.perf_counter(), time.process_time()
        runpy.run_path(str(ROOT / "examples" / "03_plan_hospital_service.py"), run_name="__main__")
        print(
            f"hospitals: {time.perf_counter() - start:.1f} s, "
            f"{time.process_time() - cpu:.1f} s of processor"
        )


if __name__ == "__main__":
    main()
