"""Tables that no network holds, such as repair histories: read with the network's kinds of value.

Columns, bounds and words are those of the network's tables; every finding comes at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import Finding, InputError
from partsplan.network.column_checks import rename_columns
from partsplan.network.raw_tables import RawTable, raw_table
from partsplan.network.scanning import MOST_ROWS, ValueType, nearest, plain, shown

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class OwnColumn:
    """One column of such a table."""

    kind: ValueType
    """How a value is read."""
    is_required: bool = True
    """Whether every row needs a value."""
    source: str = ""
    """What gives such a column, as a sentence for whoever lacks it."""


def read_own_table(
    name: str,
    source: Any,
    columns: Mapping[str, OwnColumn],
    *,
    unread: Collection[str] = (),
    rename: Mapping[str, str] | None = None,
    extra_columns: Literal["error", "ignore"] = "error",
) -> tuple[Columns, list[Finding]]:
    """Read a table of columns that no network holds.

    Parameters
    ----------
    name
        What findings call the table.
    source
        A frame, dict of columns or list of records.
    columns
        Every column that is read.
    unread
        Columns that the table may have beside them.
    rename
        Own column names and what they are here.
    extra_columns
        Whether an unknown column is an error or is dropped.

    Returns
    -------
    columns : dict of str to ndarray
        Text '' , number NaN and day NaT where a cell is empty.
    findings : list of Finding
        Everything that could not be read; the columns are then not to be used.
    """
    if extra_columns not in ("error", "ignore"):
        raise ValueError(f"extra_columns must be 'error' or 'ignore', got {extra_columns!r}")
    raw = raw_table(name, source)
    rename_columns(raw, rename or {})
    findings = list(raw.findings)
    if extra_columns == "error":
        findings += _unknown_columns(raw, columns, unread)
    if raw.findings and not raw.columns:
        return {}, findings
    read: Columns = {}
    for column, what in columns.items():
        read[column], found = _read_column(raw, column, what)
        findings += found
    return read, findings


def raise_findings(findings: list[Finding]) -> None:
    """Raise every finding at once, where there is one.

    Raises
    ------
    InputError
        With the findings.
    """
    if findings:
        raise InputError(findings)


def _unknown_columns(
    raw: RawTable, columns: Mapping[str, OwnColumn], unread: Collection[str]
) -> list[Finding]:
    free = tuple(name for name in columns if name not in raw.columns)
    return [
        Finding(
            raw.name,
            None,
            name,
            name,
            f"{shown(name)} is not a column of {raw.name}.",
            nearest(name, free) or f"Known columns are {', '.join(columns)}.",
        )
        for name in raw.columns
        if name not in columns and name not in unread
    ]


def _read_column(raw: RawTable, name: str, what: OwnColumn) -> tuple[NDArray[Any], list[Finding]]:
    if name not in raw.columns:
        found = []
        if what.is_required and raw.n_rows:
            rule = f"the column {name} is missing."
            given = ", ".join(raw.columns)
            fix = f"{what.source} The columns given are: {given}.".lstrip()
            found = [Finding(raw.name, None, name, None, rule, fix)]
        return what.kind.blank(raw.n_rows), found
    given_values = raw.columns[name]
    reading = what.kind.column(given_values)
    found = [
        Finding(raw.name, row + 1, name, plain(given_values[row]), misread.rule, misread.fix)
        for row, misread in reading.misreads.items()
    ]
    missing = np.flatnonzero(reading.empty & ~reading.bad_rows())
    if what.is_required:
        rule = "is empty, but every row needs it."
        found += [Finding(raw.name, int(row) + 1, name, None, rule) for row in missing[:MOST_ROWS]]
    return reading.values, found
