"""Which disk drives to hold where, so that every customer's commitment is kept?

Storage servers with twenty models of disk drive stand at thirteen sites in the United States and
Europe. Drives come from Memphis, through Leipzig to Europe, and are held at five forward stocking
locations. Does today's stock keep what was promised, and what is the least stock that does?
The figures and their sources are in data/data_centre_spares/SOURCES.md.
"""

from pathlib import Path

import partsplan as pp

TABLES = Path(__file__).parent / "data" / "data_centre_spares"
OPTIMALITY_GAP = 5e-4  # share of its cost by which the plan may exceed the proven bound


def main() -> None:
    """Plan the least stock that keeps every commitment, and set it beside today's."""
    network = pp.ServiceNetwork.from_folder(TABLES)
    demand = pp.estimate_demand(network)
    print(f"{demand.per_year.sum():.0f} failed drives a year\n")

    plan = pp.optimize(network, demand, gap=OPTIMALITY_GAP)
    print(plan.summary(), end="\n\n")

    stocks = {"today": network.stock, "plan": plan}
    print(pp.compare_stocks(network, demand, stocks).summary(), end="\n\n")

    position = pp.stock_position(network, plan)
    print("Units of all drives at  " + "".join(f"{name:>6}" for name in network.location_ids))
    for name, units in (
        ("on hand and on order", position.on_hand + position.on_order),
        ("base stock planned", position.base_stock),
    ):
        print(f"  {name:<22}" + "".join(f"{total:6d}" for total in units.sum(axis=0)))


if __name__ == "__main__":
    main()
