"""One table by itself: known columns, readable values, unique keys and the rules within a row.

Everything is decided by column, with the kinds, bounds and rules that the record class declares.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import Finding
from partsplan.network.forms import form_of, known_columns
from partsplan.network.raw_tables import RawTable
from partsplan.network.row_rules import RowRule
from partsplan.network.scanning import MOST_ROWS, Mask, nearest, plain, shown
from partsplan.network.schema import FORMS, SCHEMA, ColumnSpec, TableSpec
from partsplan.network.values import Text

logger = logging.getLogger("partsplan")

Array = NDArray[Any]

_ELSEWHERE = {
    (table, column): f"Give {column} in parts: only the top of the network orders in lots."
    for table in ("locations", "part_locations")
    for column in ("order_quantity", "order_cost")
}
"""What to do with a column that belongs into another table."""


@dataclass
class CheckedTable:
    """A table whose columns are typed; rows with a finding are marked per column."""

    name: str
    columns: dict[str, Array]
    n_rows: int
    given: frozenset[str] = frozenset()
    """Columns that the user gave."""
    bad: dict[str, Mask] = field(default_factory=dict)
    """Rows of a column that could not be read, or lack a required value."""
    lines: NDArray[np.int64] | None = None
    backend: str | None = None
    is_given: bool = True
    form: int = 0
    """Which of the table's forms it has."""

    @property
    def spec(self) -> TableSpec:
        """What the table holds."""
        return FORMS[self.name][self.form]

    def is_clean(self, *columns: str) -> bool:
        """Whether every value of these columns could be read."""
        return not any(column in self.bad for column in columns)

    def readable(self, *columns: str) -> Mask:
        """Rows in which every one of these columns could be read."""
        good = np.ones(self.n_rows, dtype=bool)
        for column in columns:
            if column in self.bad:
                good &= ~self.bad[column]
        return good

    def line(self, row: int) -> int | None:
        """Line of a row in its CSV file."""
        return None if self.lines is None else int(self.lines[row])

    def finding(self, row: int, column: str | None, rule: str, fix: str = "") -> Finding:
        """Note a finding about one row."""
        value = None
        if column is not None:
            value = plain(self.columns[column][row])
        return Finding(self.name, row + 1, column, value, rule, fix, self.line(row))


def blank_table(name: str) -> CheckedTable:
    """Give the table that stands for one that was not given."""
    columns = {column.name: column.blank() for column in SCHEMA[name].columns.values()}
    return CheckedTable(name, columns, 0, is_given=False)


def counted(findings: list[Finding], total: int, table: str, column: str | None) -> list[Finding]:
    """Add what was not written out row by row."""
    if total > len(findings):
        more = total - len(findings)
        rule = f"{more} more rows have the same fault."
        findings = [*findings, Finding(table, None, column, None, rule)]
    return findings


def rename_columns(raw: RawTable, rename: Mapping[str, str]) -> None:
    """Give columns the names that the user maps them to."""
    renamed: dict[str, Array] = {}
    for name, column in raw.columns.items():
        new = rename.get(name, name)
        if new in renamed:
            raw.fault(
                f"{new!r} is there twice after rename.",
                "Rename one column to it only.",
                column=new,
            )
            continue
        renamed[new] = column
    raw.columns = renamed


def check_table(raw: RawTable, extra_columns: str) -> tuple[CheckedTable, list[Finding]]:
    """Check one table by itself."""
    if raw.findings and not raw.columns:
        return _unreadable_table(raw.name), list(raw.findings)
    form, mixed = form_of(raw)
    findings = [*raw.findings, *mixed]
    if mixed:
        return _unreadable_table(raw.name), findings
    table = CheckedTable(raw.name, {}, raw.n_rows, lines=raw.lines, backend=raw.backend, form=form)
    spec = table.spec
    findings += _check_names(raw, spec, extra_columns)
    table.given = frozenset(name for name in raw.columns if name in spec.columns)
    theirs = ", ".join(raw.columns) or "none"
    for column in spec.columns.values():
        if column.name in raw.columns:
            findings += _read_column(table, raw.columns.pop(column.name), column)
        else:
            findings += _missing_column(table, column, theirs)
    findings += _check_row_rules(table, spec.rules)
    findings += _check_key(table, spec.key, spec.repeat_fix)
    return table, findings


def _unreadable_table(name: str) -> CheckedTable:
    """Give the table that stands for one that was given, but of which nothing can be read."""
    table = blank_table(name)
    table.bad = {column: np.zeros(0, dtype=bool) for column in table.columns}
    table.is_given = True
    return table


def _check_names(raw: RawTable, spec: TableSpec, extra_columns: str) -> list[Finding]:
    unknown = [name for name in raw.columns if name not in spec.columns]
    if not unknown:
        return []
    if extra_columns == "ignore":
        logger.info("%s: ignored columns %s", raw.name, ", ".join(unknown))
        return []
    findings = []
    free = tuple(name for name in spec.columns if name not in raw.columns)
    for name in unknown:
        fix = (
            _ELSEWHERE.get((raw.name, name))
            or nearest(name, free)
            or (
                f"Known columns are {known_columns(raw.name)}; "
                "leave others out (extra_columns='ignore' does, where the call takes it)."
            )
        )
        rule = f"{shown(name)} is not a column of {raw.name}."
        findings.append(Finding(raw.name, None, name, name, rule, fix))
    return findings


def _read_column(table: CheckedTable, given: Array, spec: ColumnSpec) -> list[Finding]:
    reading = spec.kind.column(given)
    findings = [
        Finding(
            table.name,
            row + 1,
            spec.name,
            plain(given[row]),
            misread.rule,
            misread.fix,
            table.line(row),
        )
        for row, misread in reading.misreads.items()
    ]
    bad = reading.bad_rows()
    findings = counted(findings, int(bad.sum()), table.name, spec.name)
    missing = reading.empty & ~bad
    if spec.required and missing.any():
        rule = "is empty, but every row needs it."
        found = [
            Finding(table.name, int(row) + 1, spec.name, None, rule, "", table.line(int(row)))
            for row in np.flatnonzero(missing)[:MOST_ROWS]
        ]
        findings += counted(found, int(missing.sum()), table.name, spec.name)
        bad = bad | missing
    table.columns[spec.name] = spec.typed(reading.values, reading.empty)
    if bad.any():
        table.bad[spec.name] = bad
    return findings


def _missing_column(table: CheckedTable, spec: ColumnSpec, theirs: str) -> list[Finding]:
    everywhere = np.ones(table.n_rows, dtype=bool)
    table.columns[spec.name] = spec.typed(spec.kind.blank(table.n_rows), everywhere)
    if not spec.required or not table.n_rows:
        return []
    table.bad[spec.name] = everywhere
    rule = f"the column {spec.name} is missing."
    fix = (
        "Add it, or give yours this name (rename maps it, where the call takes it); "
        f"the columns given are: {theirs}."
    )
    return [Finding(table.name, None, spec.name, None, rule, fix)]


def _check_row_rules(table: CheckedTable, rules: Iterable[RowRule]) -> list[Finding]:
    findings: list[Finding] = []
    for rule in rules:
        broken = rule.broken(table.columns) & table.readable(*rule.reads)
        rows = np.flatnonzero(broken)
        found = []
        for row in rows[:MOST_ROWS]:
            values = {name: plain(table.columns[name][row]) for name in rule.reads}
            words, fix = rule.explain(values)
            found.append(table.finding(int(row), rule.reads[0], words, fix))
        findings += counted(found, len(rows), table.name, rule.reads[0])
    return findings


def codes(column: Array) -> NDArray[np.int64]:
    """Number the distinct values of a column in order of appearance."""
    if column.dtype == object:
        values = column.tolist()
        numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
        places = map(numbers.__getitem__, values)
        return np.fromiter(places, dtype=np.int64, count=len(values))
    return np.unique(column, return_inverse=True)[1].astype(np.int64).reshape(len(column))


def _check_key(table: CheckedTable, key: tuple[str, ...], fix: str) -> list[Finding]:
    if not key or table.n_rows < 2:
        return []
    combined = _key_codes(table, key)
    rows = np.flatnonzero(table.readable(*key))
    in_order = np.sort(combined[rows])
    if not (in_order[1:] == in_order[:-1]).any():
        return []
    _, first, inverse = np.unique(combined[rows], return_index=True, return_inverse=True)
    original = first[inverse.reshape(-1)]
    repeats = np.flatnonzero(original != np.arange(len(rows)))
    found = []
    for repeat in repeats[:MOST_ROWS]:
        row, earlier = int(rows[repeat]), int(rows[original[repeat]])
        told = _key_words(table, key, row)
        found.append(table.finding(row, key[0], f"{told} is already in row {earlier + 1}.", fix))
    return counted(found, len(repeats), table.name, key[0])


def _key_codes(table: CheckedTable, key: tuple[str, ...]) -> NDArray[np.int64]:
    """Give rows with the same key the same number."""
    combined = np.zeros(table.n_rows, dtype=np.int64)
    kinds = 1
    for name in key:
        numbers = codes(table.columns[name])
        count = int(numbers.max()) + 1
        if kinds * count > 2**62:
            combined = codes(combined)
            kinds = int(combined.max()) + 1
        combined = combined * count + numbers
        kinds *= count
    return combined


def _key_words(table: CheckedTable, key: tuple[str, ...], row: int) -> str:
    kinds = table.spec.columns
    words = []
    for name in key:
        value = table.columns[name][row]
        if isinstance(kinds[name].kind, Text):
            if value or len(key) == 1:
                words.append(shown(value))
        elif not np.isnat(value):
            words.append(kinds[name].kind.told(value))
    return ", ".join(words)
