"""How often do our parts really fail, where more often, do they age, and what hurts most?

Six airlines with 50 aircraft fly three components: D, E and F. The catalogue gives each one a mean
time between failures; 677 removals in 13 million flight hours say otherwise. Which airlines truly
differ from the others (two have reported no removal at all: do they report?), do the components
wear out, and where do downtime and cost come from?
The figures and their sources are in data/aircraft_components/SOURCES.md.
"""

import csv
from pathlib import Path

import partsplan as pp

TABLES = Path(__file__).parent / "data" / "aircraft_components"
LIVES = TABLES / "lives" / "lives.csv"
DOWNTIME_COST = 1_000  # of one aircraft standing still [currency/hour]


def main() -> None:
    """Read the field's evidence: counts by airline, lives, and the weak points they make."""
    network = pp.ServiceNetwork.from_folder(TABLES)
    catalogue = pp.estimate_demand(network.replace(failures=None))
    demand = pp.estimate_demand(network, segments="customer")

    print(demand.evidence.summary(), end="\n\n")
    print("Removals a year   catalogue   counted: mean (rate_shape)")
    for part, before, after, shape in zip(
        network.part_ids,
        catalogue.per_year.sum(axis=1),
        demand.per_year.sum(axis=1),
        demand.rate_shape,
        strict=True,
    ):
        print(f"  {part:<15} {before:>10.1f}   {after:.1f} ({shape:.0f})")
    print()

    with LIVES.open(newline="", encoding="utf-8") as file:
        fits = pp.fit_lifetimes(list(csv.DictReader(file)))
    print(fits.summary(), end="\n\n")

    points = pp.weak_points(
        network, demand, by=("part", "customer"), downtime_cost_per_hour=DOWNTIME_COST
    )
    print(points.summary())


if __name__ == "__main__":
    main()
