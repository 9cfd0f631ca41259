"""Speed of rates from counts: 1,000,000 part-segments against the 5 s that partsplan promises.

Run ``python -m benchmarks.counts [--parts 200000] [--segments 5]``; the status is non-zero when the
time is missed. True factors are drawn from the model, so the fitted figures can be looked at too.
"""

from __future__ import annotations

import argparse
import sys
from time import perf_counter, process_time

import numpy as np
from benchmarks.tables import machine, print_table

from partsplan.demand import RateEstimates, estimate_rates

PROMISED_SECONDS = 5.0
CATALOGUE_PER_HOUR = 1e-5
PART_SHAPE, SEGMENT_SHAPE = 4.0, 5.0
N_FAMILIES = 50


def table(n_parts: int, n_segments: int) -> tuple[dict[str, object], np.ndarray]:
    """Counts with true factors of parts and segments, and the true rates."""
    rng = np.random.default_rng(1)
    n = n_parts * n_segments
    parts = np.array([f"P{i:06d}" for i in range(n_parts)], dtype=object)
    segments = np.array([f"S{j:03d}" for j in range(n_segments)], dtype=object)
    of_part = np.repeat(rng.gamma(PART_SHAPE, 1 / PART_SHAPE, n_parts), n_segments)
    factor = of_part * rng.gamma(SEGMENT_SHAPE, 1 / SEGMENT_SHAPE, n)
    hours = rng.lognormal(13.0, 1.0, n)
    columns: dict[str, object] = {
        "part_id": np.repeat(parts, n_segments),
        "segment": np.tile(segments, n_parts),
        "failures": rng.poisson(CATALOGUE_PER_HOUR * factor * hours),
        "operating_hours": hours,
    }
    return columns, CATALOGUE_PER_HOUR * factor


def report(label: str, rates: RateEstimates, true: np.ndarray, seconds: list[float]) -> list[str]:
    """One row: times, and how well the truth was found."""
    n_parts = rates.n_parts
    lower, upper = (end[n_parts:] for end in rates.interval_per_hour)
    covered = ((lower <= true) & (true <= upper)).mean()
    return [
        label,
        f"{len(rates) - n_parts:,}",
        f"{seconds[0]:.2f}",
        f"{seconds[1]:.2f}",
        f"{np.median(rates.segment_spread):.3f}",
        f"{100 * covered:.2f} %",
        f"{rates.is_different.sum():,}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=int, default=200_000)
    parser.add_argument("--segments", type=int, default=5)
    options = parser.parse_args()
    columns, true = table(options.parts, options.segments)
    parts = columns["part_id"][:: options.segments].tolist()  # type: ignore[index]
    catalogue = dict.fromkeys(parts, CATALOGUE_PER_HOUR)
    family = {part: f"F{i % N_FAMILIES}" for i, part in enumerate(parts)}
    estimate_rates([{"part_id": "P", "failures": 1, "operating_hours": 1.0}])  # loads scipy
    rows, slowest = [], 0.0
    for label, arguments in (
        ("prior from the catalogue", {}),
        (f"prior fitted in {N_FAMILIES} families", {"prior": "family", "family": family}),
    ):
        wall, cpu = perf_counter(), process_time()
        rates = estimate_rates(columns, catalogue_per_hour=catalogue, **arguments)  # type: ignore[arg-type]
        seconds = [perf_counter() - wall, process_time() - cpu]
        slowest = max(slowest, seconds[0])
        rows.append(report(label, rates, true, seconds))
    print(f"Rates of parts and segments from a table of counts; {machine()}")
    print(f"true spread of segments {SEGMENT_SHAPE**-0.5:.3f}; intervals of 95 %\n")
    head = ["", "part-segments", "seconds", "CPU seconds", "spread fitted", "covered", "differ"]
    print_table(head, rows)
    reached = slowest <= PROMISED_SECONDS
    print(f"\n{'pass' if reached else 'FAIL'}  at most {PROMISED_SECONDS:g} s: {slowest:.2f} s")
    sys.exit(0 if reached else 1)


if __name__ == "__main__":
    main()
