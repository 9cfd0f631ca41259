"""A folder of tables: one CSV or Parquet file per table, named after it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from partsplan.errors import Finding
from partsplan.network.csv_files import read_csv
from partsplan.network.raw_tables import RawTable, raw_table
from partsplan.network.scanning import nearest
from partsplan.network.schema import SCHEMA

logger = logging.getLogger("partsplan")

_ENDINGS = (".csv", ".parquet")


def read_folder(path: Path, extra_columns: str) -> tuple[dict[str, RawTable], list[Finding]]:
    """Read every table in a folder; findings are about the folder and its files."""
    if not path.is_dir():
        what = "is not a folder" if path.exists() else "does not exist"
        rule = f"{str(path)!r} {what}."
        return {}, [Finding("folder", None, None, str(path), rule, "Name a folder of tables.")]
    files = {
        file.name: file
        for file in sorted(path.iterdir())
        if file.suffix.lower() in _ENDINGS and file.is_file()
    }
    tables: dict[str, RawTable] = {}
    findings: list[Finding] = []
    by_table = _by_table(files)
    for stem, found in by_table.items():
        if stem not in SCHEMA:
            findings += _unknown_file(found[0], stem, extra_columns)
        elif len(found) > 1:
            names = " and ".join(file.name for file in found)
            rule = f"{names} are both in the folder."
            findings.append(Finding(stem, None, None, names, rule, "Keep one of them."))
            tables[stem] = RawTable(stem, findings=[findings.pop()])
        else:
            tables[stem] = _read_file(stem, found[0])
    return tables, findings


def _by_table(files: Mapping[str, Path]) -> dict[str, list[Path]]:
    by_table: dict[str, list[Path]] = {}
    for file in files.values():
        by_table.setdefault(file.stem, []).append(file)
    return by_table


def _unknown_file(file: Path, stem: str, extra_columns: str) -> list[Finding]:
    if extra_columns == "ignore":
        logger.info("%s is not a table of the network and was not read", file.name)
        return []
    rule = f"{file.name} is not a table of the network."
    fix = nearest(stem, tuple(SCHEMA)) or "Take it out of the folder."
    return [Finding("folder", None, None, file.name, rule, fix)]


def _read_file(name: str, file: Path) -> RawTable:
    if file.suffix.lower() == ".csv":
        return read_csv(name, file)
    try:
        frame = _read_parquet(file)
    except ImportError:
        raw = RawTable(name)
        raw.fault(
            f"{file.name} needs pyarrow or polars, and neither is installed.",
            "Run: pip install 'partsplan[pyarrow]', or save the table as CSV.",
        )
        return raw
    except Exception as error:  # parquet readers raise many kinds
        raw = RawTable(name)
        raw.fault(f"{file.name} is not a readable Parquet file: {error}", "Write it again.")
        return raw
    raw = raw_table(name, frame)
    raw.backend = None
    return raw


def _read_parquet(file: Path) -> object:
    try:
        from pyarrow import parquet  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError:
        import polars  # noqa: PLC0415

        return polars.read_parquet(file)
    return parquet.read_table(file, partitioning=None)
