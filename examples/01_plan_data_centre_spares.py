"""Which disk drives to hold where, so that every customer's commitment is kept?

Storage servers with twenty models of disk drive stand at thirteen sites in the United States and
Europe. Drives come from Memphis, through Leipzig to Europe, and are held at five forward stocking
locations. Does today's stock keep what was promised, and what is the least stock that does?
The figures and their sources are in data/data_centre_spares/SOURCES.md.
"""

from pathlib import Path

import numpy as np

import partsplan as pp

TABLES = Path(__file__).parent / "data" / "data_centre_spares"
OPTIMALITY_GAP = 5e-4  # share of its cost by which the plan may exceed the proven bound


def main() -> None:
    """Plan the least stock that keeps every commitment, beside today's stock."""
    network = pp.ServiceNetwork.from_folder(TABLES)
    demand = pp.estimate_demand(network)
    print(f"{demand.per_year.sum():.0f} failed drives a year\n")

    today = pp.evaluate(network, demand, network.stock)
    plan = pp.optimize(network, demand, gap=OPTIMALITY_GAP)
    print(plan.summary())

    print(f"\n{'commitment':<24}{'promised':>10}{'today':>10}{'plan':>10}")
    for before, after in zip(today.commitments, plan.commitments, strict=True):
        figures = (after.target, before.achieved, after.achieved)
        print(f"{after.commitment_id:<24}" + "".join(f"{figure:10.5f}" for figure in figures))

    print(f"\n{'units held':<14}" + "".join(f"{name:>6}" for name in network.location_ids), end="")
    print(f"{'USD':>10}")
    for name, levels in (("today", held_today(network)), ("plan", plan.stock.array)):
        units = "".join(f"{total:6d}" for total in levels.sum(axis=0))
        print(f"{name:<14}{units}{network.parts['unit_cost'] @ levels.sum(axis=1):10,.0f}")


def held_today(network: pp.ServiceNetwork) -> np.ndarray:
    """Today's base-stock levels, axes (part, location) [units]."""
    levels = np.zeros((network.n_parts, network.n_locations), dtype=np.int64)
    rows = network.stock
    levels[rows.index("part_id"), rows.index("location_id")] = rows["base_stock"]
    return levels


if __name__ == "__main__":
    main()
