"""Reads one table without a network, with the columns, bounds and words of the network's tables.

Ids stay text: what they refer to is looked up when a network is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from partsplan.errors import InputError
from partsplan.network import Table
from partsplan.network.column_checks import check_table, rename_columns
from partsplan.network.raw_tables import raw_table


def read_alone(
    name: str,
    source: Any,
    *,
    rename: Mapping[str, str] | None = None,
    extra_columns: Literal["error", "ignore"] = "error",
) -> Table:
    """Read a table by itself.

    Parameters
    ----------
    name
        Which table it is, such as ``demand``.
    source
        A frame, dict of columns, list of records, or a table of a network.
    rename
        Own column names and what they are here.
    extra_columns
        Whether an unknown column is an error or is dropped.

    Returns
    -------
    Table
        Without positions: its ids refer to nothing yet.

    Raises
    ------
    InputError
        With every finding of the table.
    """
    if extra_columns not in ("error", "ignore"):
        raise ValueError(f"extra_columns must be 'error' or 'ignore', got {extra_columns!r}")
    if isinstance(source, Table) and source.name == name:
        return source
    raw = raw_table(name, source)
    rename_columns(raw, rename or {})
    checked, findings = check_table(raw, extra_columns)
    if findings:
        raise InputError(findings)
    return Table(checked, {}, {}, raw.backend)
