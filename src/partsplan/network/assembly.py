"""From sources to a complete set of checked tables, or one error with every finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from partsplan.errors import Finding, InputError
from partsplan.network.column_checks import (
    CheckedTable,
    blank_table,
    check_table,
    rename_columns,
)
from partsplan.network.raw_tables import RawTable, raw_table
from partsplan.network.references import NEEDED, check_references
from partsplan.network.schema import SCHEMA
from partsplan.network.table import Table
from partsplan.network.table_sets import TableSet


def raw_tables(
    sources: Mapping[str, Any],
) -> tuple[dict[str, RawTable], dict[str, CheckedTable]]:
    """Take the columns out of every source; tables of another network are taken as checked."""
    raws: dict[str, RawTable] = {}
    checked: dict[str, CheckedTable] = {}
    for name, source in sources.items():
        if isinstance(source, Table) and source.name == name:
            checked[name] = source.checked
        elif source is not None:
            raws[name] = raw_table(name, source)
    return raws, checked


def checked_tables(
    raws: Mapping[str, RawTable],
    kept: Mapping[str, CheckedTable],
    rename: Mapping[str, str] | None,
    extra_columns: str,
    findings: Sequence[Finding] = (),
    *,
    shortages: str = "wait",
) -> TableSet:
    """Check every table by itself and all of them together.

    Parameters
    ----------
    raws : mapping of str to RawTable
        Tables as given.
    kept : mapping of str to CheckedTable
        Tables that were checked before.
    rename : mapping of str to str or None
        Names of the user to names of ours.
    extra_columns : {"error", "ignore"}
        What to do with unknown columns.
    findings : sequence of Finding
        What reading has found already.
    shortages : {"wait", "expedite"}
        What a customer's demand does when the shelf is empty.

    Returns
    -------
    TableSet
        Every table of the schema, blank where it was not given.

    Raises
    ------
    InputError
        With every finding, in the order of the tables.
    """
    found = list(findings)
    tables = {name: blank_table(name) for name in SCHEMA} | dict(kept)
    for name, raw in raws.items():
        rename_columns(raw, rename or {})
        tables[name], own = check_table(raw, extra_columns)
        found += own
    found += _check_needed(tables)
    table_set = TableSet(tables)
    found += check_references(table_set, shortages)
    if found:
        order = {name: place for place, name in enumerate(SCHEMA)}
        raise InputError(sorted(found, key=lambda finding: order.get(finding.table, -1)))
    return table_set


def _check_needed(tables: Mapping[str, CheckedTable]) -> list[Finding]:
    findings = []
    for name in NEEDED:
        table = tables[name]
        if not table.is_given:
            rule = f"there is no {name} table."
            fix = "parts and locations are always needed."
            findings.append(Finding(name, None, None, None, rule, fix))
        elif not table.n_rows and not table.bad:
            rule = f"the {name} table has no rows."
            findings.append(Finding(name, None, None, None, rule, "Give at least one row."))
    return findings
