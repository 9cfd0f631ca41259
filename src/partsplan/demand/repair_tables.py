"""Tables that repair histories are read from: failures by age, or lives one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.own_tables import Columns, OwnColumn, raise_findings, read_own_table
from partsplan.errors import Finding
from partsplan.network import Table
from partsplan.network.scanning import MOST_ROWS
from partsplan.network.values import Choice, Day, Number, Text

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

TABLE = "repair history"
_COLUMNS = {
    "unit_id": OwnColumn(Text()),
    "hours": OwnColumn(Number("operating hours, 0 or more", at_least=0.0, at_most=1e12)),
    "outcome": OwnColumn(
        Choice(
            words=("failed", "censored"),
            way_out="Write failed for a failure, censored for the end of observation.",
        )
    ),
}
_LIFE_COLUMNS = _COLUMNS | {
    "part_id": OwnColumn(Text(), is_required=False),
    "date": OwnColumn(Day(), is_required=False),
    "entry_hours": OwnColumn(Number(), is_required=False),
    "failure_mode": OwnColumn(Text(), is_required=False),
    "segment": OwnColumn(Text(), is_required=False),
}


def read_events(
    table: Any,
    *,
    rename: Mapping[str, str] | None = None,
    extra_columns: Literal["error", "ignore"] = "error",
) -> Columns:
    """Read failures by age and ends of observation: ``unit_id``, ``hours``, ``outcome``.

    Raises
    ------
    InputError
        With every finding of the table.
    """
    read, findings = read_own_table(
        TABLE, table, _COLUMNS, rename=rename, extra_columns=extra_columns
    )
    raise_findings(findings)
    raise_findings(_repeated_ends(read))
    return read


def read_chained_lives(
    table: Any,
    part_id: str | None,
    *,
    rename: Mapping[str, str] | None = None,
    extra_columns: Literal["error", "ignore"] = "error",
) -> Columns:
    """Read lives and add them up to ages, with the columns of `read_events`.

    Raises
    ------
    InputError
        With every finding of the table.
    ValueError
        When ``part_id`` is not a part of the table, or is needed.
    """
    read, findings = read_own_table(
        TABLE, _plain_columns(table), _LIFE_COLUMNS, rename=rename, extra_columns=extra_columns
    )
    raise_findings(findings)
    read, rows = _lives_of(read, part_id)
    raise_findings([*_late_entries(read, rows), *_lives_after_the_end(read, rows)])
    names, unit = named(read["unit_id"])
    total = np.concatenate([[0.0], np.cumsum(_grouped(read["hours"], unit))])
    counts = np.bincount(unit, minlength=len(names))
    begun = np.repeat(total[np.cumsum(counts) - counts], counts)
    age = np.empty(len(unit))
    age[np.argsort(unit, kind="stable")] = total[1:] - begun
    return {"unit_id": read["unit_id"], "hours": age, "outcome": read["outcome"]}


def named(unit_ids: NDArray[Any]) -> tuple[tuple[str, ...], Integers]:
    """Give the distinct units in order of first appearance, and the unit of each row."""
    positions: dict[str, int] = {}
    unit = [positions.setdefault(name, len(positions)) for name in unit_ids.tolist()]
    return tuple(positions), np.array(unit, dtype=np.int64)


def _repeated_ends(read: Columns) -> list[Finding]:
    seen: set[str] = set()
    findings = []
    for row in np.flatnonzero(read["outcome"] == "censored").tolist():
        name = read["unit_id"][row]
        if name in seen:
            rule = f"unit {name!r} has more than one censored row."
            fix = "Keep the one at which its observation ends."
            findings.append(Finding(TABLE, row + 1, "outcome", "censored", rule, fix))
        seen.add(name)
    return findings[:MOST_ROWS]


def _plain_columns(table: Any) -> Any:
    """Take the columns that have values out of a network's table of lives."""
    if not isinstance(table, Table):
        return table
    return {name: table[name] for name in table.columns if name in table.given_columns}


def _lives_of(read: Columns, part_id: str | None) -> tuple[Columns, Integers]:
    """Lives of one part in the order of time within each unit, and the row of each."""
    parts = dict.fromkeys(read["part_id"].tolist())
    if part_id is None and len(parts) > 1:
        raise ValueError(
            f"part_id must name one of {len(parts)} parts, such as {next(iter(parts))!r}"
        )
    if part_id is not None and part_id not in parts:
        raise ValueError(f"part_id must be a part of the table, got {part_id!r}")
    rows = np.arange(len(read["hours"]))
    if part_id is not None:
        rows = rows[read["part_id"] == part_id]
    if not np.isnat(read["date"][rows]).any():
        rows = rows[np.argsort(read["date"][rows], kind="stable")]
    return {name: column[rows] for name, column in read.items()}, rows


def _grouped(values: Floats, unit: Integers) -> Floats:
    """Values unit by unit, in order within each."""
    return np.asarray(values[np.argsort(unit, kind="stable")])


def _late_entries(read: Columns, rows: Integers) -> list[Finding]:
    late = np.flatnonzero(read["entry_hours"] > 0.0)[:MOST_ROWS]
    rule = "lives with a late entry do not add up to an age."
    fix = "Leave out the unit, or give its ages by RepairHistory.from_arrays(start_hours=...)."
    return [
        Finding(TABLE, int(rows[i]) + 1, "entry_hours", float(read["entry_hours"][i]), rule, fix)
        for i in late
    ]


def _lives_after_the_end(read: Columns, rows: Integers) -> list[Finding]:
    ended: set[str] = set()
    findings = []
    lives = zip(rows.tolist(), read["unit_id"].tolist(), read["outcome"].tolist(), strict=True)
    for row, name, outcome in lives:
        if name in ended:
            rule = f"unit {name!r} has a life after its censored one."
            fix = "Order the lives of a unit in time; only the last may be censored."
            findings.append(Finding(TABLE, row + 1, "outcome", outcome, rule, fix))
        if outcome == "censored":
            ended.add(name)
    return findings[:MOST_ROWS]
