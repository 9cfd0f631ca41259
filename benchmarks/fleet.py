"""Fleet forecast of 10,000 parts, 36 months and 300,000 machines, and how far its figures are off.

Run ``python -m benchmarks.fleet``; ``--rows`` changes the rows of the installed base. Seconds are
wall and CPU of one run. Accuracy is against the renewal equation solved to 1e-7 and against exact
laws of small fleets.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from benchmarks.tables import machine, print_table

from partsplan import ServiceNetwork
from partsplan.demand import (
    FleetForecast,
    LifeLaws,
    count_quantile,
    forecast_fleet,
    last_time_buy,
    renewal_count_pmf,
    renewal_function,
)
from partsplan.demand.renewal_solutions import UnitGroups
from partsplan.demand.renewal_windows import window_counts

N_PARTS, N_EQUIPMENT, N_SITES, N_LOCATIONS = 10_000, 100, 400, 20
N_MACHINES, N_MONTHS = 300_000, 36


def main() -> None:
    """Print speed and accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000, help="rows of the installed base")
    rows = parser.parse_args().rows
    print(machine())
    network, lives = fleet(rows)
    units = len(network.installed_base) * (N_PARTS // N_EQUIPMENT)
    print(
        f"\n{N_PARTS:,} parts, {N_MONTHS} months, {N_MACHINES:,} machines in {rows:,} rows of "
        f"their own age and hours: {units:,} groups of units\n"
    )
    result: dict[str, FleetForecast] = {}

    def run(name: str, **options: Any) -> Callable[[], Any]:
        def forecast() -> None:
            result[name] = forecast_fleet(
                network, options.pop("lives", lives), start="2027-01", months=N_MONTHS, **options
            )

        return forecast

    numbers = network.parts["part_id"]
    changes = {"part_id": numbers[0:1000:2], "superseded_by": numbers[1:1000:2]}
    other = network.replace(supersessions=changes | {"from_date": ["2028-03-15"] * 500})

    def superseded() -> None:
        forecast_fleet(other, lives, start="2027-01", months=N_MONTHS)

    steps = {
        "forecast, catalogue rates": run("rates", lives=None),
        "forecast, minimal repair": run("minimal", repair="minimal"),
        "forecast, replacement on failure": run("renewal"),
        "the same, parts replaced since the machine was new": run("machines", ages="machines"),
        "the same, 500 parts superseded by parts of another life": superseded,
        "by part, location and month, with limits": lambda: result["renewal"].to_frame(level=0.9),
        "last-time buy of every part": lambda: last_time_buy(result["renewal"]),
    }
    print_table(("step", "seconds", "CPU"), [timed(*step) for step in steps.items()])
    print("\nError of means and variances of one unit, 36 months\n")
    head = ("Weibull shape, scale", "age", "mean of a month", "total mean", "total variance")
    print_table(head, list(moment_errors()))
    print("\nQuantiles of exact laws, 240 cases per row (4 shapes, 4 horizons, 3 ages, 5 shares)\n")
    print_table(("units", "same", "one more", "one less", "shortfall"), list(quantile_errors()))


def fleet(rows: int) -> tuple[ServiceNetwork, dict[str, Any]]:
    """Random fleet: every part in one machine type, every row with its own age and hours."""
    rng = np.random.default_rng(2026)
    parts = [f"P{p:05d}" for p in range(N_PARTS)]
    places = [f"L{x:02d}" for x in range(N_LOCATIONS)]
    kinds = [f"E{e:03d}" for e in range(N_EQUIPMENT)]
    sites = [f"S{s:03d}" for s in range(N_SITES)]
    pair = rng.choice(N_SITES * N_EQUIPMENT, rows, replace=False)
    start = np.datetime64("2027-01-01") + rng.integers(-2000, 900, rows)
    network = ServiceNetwork.from_tables(
        parts={"part_id": parts, "unit_cost": rng.lognormal(5, 1.4, N_PARTS).round(2)}
        | {"resupply_days": np.full(N_PARTS, 60)},
        locations={"location_id": places, "kind": ["forward"] * N_LOCATIONS},
        sites={"site_id": sites, "served_by": rng.choice(places, N_SITES)},
        equipment={"equipment_id": kinds},
        bill_of_materials={
            "equipment_id": np.repeat(kinds, N_PARTS // N_EQUIPMENT),
            "part_id": parts,
            "mtbf_hours": rng.lognormal(10.5, 1.0, N_PARTS),
        },
        installed_base={
            "site_id": np.array(sites)[pair // N_EQUIPMENT],
            "equipment_id": np.array(kinds)[pair % N_EQUIPMENT],
            "machines": rng.multinomial(N_MACHINES, np.full(rows, 1 / rows)),
            "hours_per_year": rng.uniform(2000, 8760, rows).round(0),
            "age_hours": np.where(start < np.datetime64("2027-01-01"), 1, 0)
            * rng.uniform(0, 30000, rows).round(0),
            "start_date": start,
            "end_date": start + rng.integers(2500, 4000, rows),
        },
    )
    lives = {
        "part_id": parts,
        "distribution": ["weibull"] * N_PARTS,
        "shape": rng.uniform(0.8, 3.5, N_PARTS),
        "scale": rng.lognormal(10.5, 1.0, N_PARTS),
    }
    return network, lives


def timed(name: str, run: Callable[[], Any]) -> tuple[str, str, str]:
    """Run once."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return name, f"{time.perf_counter() - wall:.1f}", f"{time.process_time() - cpu:.1f}"


def moment_errors() -> Any:
    """Windows against the renewal equation at a tolerance."""
    clock = np.linspace(0.0, 26_280.0, N_MONTHS + 1)
    zero = np.zeros(1, dtype=np.int64)
    for shape, scale in (
        (0.5, 2_000),
        (0.5, 20_000),
        (0.8, 5_000),
        (1.5, 1_000),
        (3, 8_000),
        (8, 3_000),
    ):
        for age in (0.0, 0.5 * scale, 1.2 * scale):
            life = LifeLaws.of("weibull", shape=shape, scale=scale)
            counts = window_counts(UnitGroups(life, zero, np.array([age]), zero, clock[None]))
            exact = np.diff(renewal_function(life, clock, age=age, tolerance=1e-7))
            pmf = renewal_count_pmf(life, clock[-1], age=age, tolerance=1e-7)
            n = np.arange(len(pmf))
            mean = (pmf * n).sum()
            spread = (pmf * n**2).sum() - mean**2
            errors = (
                np.abs(counts.mean[0] / exact - 1.0)[exact > 1e-6].max(),
                abs(counts.total_mean[0] / mean - 1.0),
                abs(counts.total_variance[0] / spread - 1.0),
            )
            yield f"{shape}, {scale:,}", f"{age:,.0f}", *(f"{error:.1e}" for error in errors)


def quantile_errors() -> Any:
    """Quantiles by two moments against exact convolutions of equal units."""
    for units in (1, 2, 5, 20, 100):
        off = []
        shortfall = 0.0
        for shape in (0.7, 1.5, 3.0, 8.0):
            for hours in (0.1, 0.3, 1.0, 3.0):
                for age in (0.0, 0.5, 1.2):
                    life = LifeLaws.of("weibull", shape=shape, scale=1.0)
                    one = renewal_count_pmf(life, hours, age=age, tolerance=1e-6)
                    law = np.ones(1)
                    for _ in range(units):
                        law = np.convolve(law, one)
                    k, below = np.arange(len(law)), np.cumsum(law)
                    mean = (k * law).sum()
                    variance = (k**2 * law).sum() - mean**2
                    for share in (0.5, 0.8, 0.9, 0.95, 0.99):
                        told = int(count_quantile(mean, share, variance=variance))
                        off.append(told - int(np.searchsorted(below, share - 1e-12)))
                        shortfall = max(shortfall, share - below[min(told, len(law) - 1)])
        counts = [sum(o == d for o in off) for d in (0, 1, -1)]
        assert sum(counts) == len(off)
        yield str(units), *(str(count) for count in counts), f"{shortfall:.3f}"


if __name__ == "__main__":
    main()
