"""How long 100,000 parts and 1,000,000 bill-of-materials rows take to load, and in what memory.

Run ``python benchmarks/loading.py [csv|dict|records|pandas|polars|pyarrow ...]``; each source is
measured in a process of its own. To reach: under 10 s and 1 GiB.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

N_PARTS = 100_000
N_ROWS = 1_000_000
N_MACHINES = 500
SOURCES = ("csv", "parquet", "dict", "records", "pandas", "polars", "pyarrow")


def seeded_tables(seed: int = 1) -> dict[str, dict[str, Any]]:
    """Columns of a large network."""
    rng = np.random.default_rng(seed)
    parts = np.array([f"P{i:06d}" for i in range(N_PARTS)], dtype=object)
    machines = np.array([f"M{i:03d}" for i in range(N_MACHINES)], dtype=object)
    per_machine = N_ROWS // N_MACHINES
    chosen = np.concatenate(
        [rng.choice(N_PARTS, per_machine, replace=False) for _ in range(N_MACHINES)]
    )
    return {
        "parts": {
            "part_id": parts,
            "unit_cost": np.round(rng.lognormal(5.7, 1.4, N_PARTS), 2) + 0.01,
            "resupply_days": rng.choice([30.0, 60.0, 90.0], N_PARTS),
        },
        "locations": {"location_id": ["DC"], "kind": ["central"]},
        "sites": {"site_id": ["S"], "served_by": ["DC"]},
        "equipment": {"equipment_id": machines},
        "bill_of_materials": {
            "equipment_id": np.repeat(machines, per_machine),
            "part_id": parts[chosen],
            "quantity": rng.integers(1, 5, N_ROWS),
            "failures_per_year": np.round(rng.lognormal(-3, 1, N_ROWS), 6) + 1e-5,
        },
        "installed_base": {
            "site_id": ["S"] * N_MACHINES,
            "equipment_id": machines,
            "machines": [1] * N_MACHINES,
        },
    }


def write_folder(folder: Path, ending: str) -> None:
    """Write the tables as CSV or Parquet files."""
    import polars

    for name, columns in seeded_tables().items():
        frame = polars.DataFrame({key: list(values) for key, values in columns.items()})
        if ending == "csv":
            frame.write_csv(folder / f"{name}.csv")
        else:
            frame.write_parquet(folder / f"{name}.parquet")


def sources_of(kind: str) -> dict[str, Any]:
    """Make the tables in memory as frames, dicts or records."""
    tables: dict[str, Any] = seeded_tables()
    if kind == "pandas":
        import pandas

        return {name: pandas.DataFrame(columns) for name, columns in tables.items()}
    if kind in ("polars", "pyarrow"):
        import polars

        frames = {
            name: polars.DataFrame({key: list(values) for key, values in columns.items()})
            for name, columns in tables.items()
        }
        return frames if kind == "polars" else {n: f.to_arrow() for n, f in frames.items()}
    if kind == "records":
        return {
            name: [
                dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
            ]
            for name, columns in tables.items()
        }
    return tables


def measure(kind: str, folder: str | None) -> None:
    """Load once in this process and print seconds and peak memory."""
    from partsplan.network import ServiceNetwork

    sources = None if folder else sources_of(kind)
    before = peak_memory()
    start, cpu = time.perf_counter(), time.process_time()
    if folder:
        network = ServiceNetwork.from_folder(folder)
    else:
        network = ServiceNetwork.from_tables(**sources)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    rows = len(network.bill_of_materials)
    print(
        f"{kind:8} {rows:9,} rows  {seconds:6.2f} s ({cpu:.2f} s of one core)  "
        f"peak {peak_memory():5.0f} MiB ({before:.0f} before loading)"
    )


def peak_memory() -> float:
    """Peak memory of this process [MiB]; a child does not inherit its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure each source in a fresh process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="*", default=SOURCES)
    parser.add_argument("--here", default=None, help=argparse.SUPPRESS)
    parser.add_argument("--folder", default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        measure(options.here, options.folder)
        return
    for kind in options.sources:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, "--here", kind]
            if kind in ("csv", "parquet"):
                write_folder(Path(folder), kind)
                command += ["--folder", folder]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
