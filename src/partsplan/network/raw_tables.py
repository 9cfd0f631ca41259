"""A table as it came in: columns of anything, before a single value is believed.

Frames, dicts of columns, lists of records and pydantic objects all become a `RawTable`; what
does not have the shape of a table becomes a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import Finding
from partsplan.network.frames import backend_of, columns_of
from partsplan.network.scanning import MOST_ROWS, shown

Array = NDArray[Any]


@dataclass
class RawTable:
    """Columns of one table as given, all of one length."""

    name: str
    columns: dict[str, Array] = field(default_factory=dict)
    n_rows: int = 0
    lines: NDArray[np.int64] | None = None
    """Line of each row in its CSV file."""
    findings: list[Finding] = field(default_factory=list)
    backend: str | None = None
    """Frame library it came in, if any."""

    def fault(self, rule: str, fix: str = "", **place: Any) -> None:
        """Note a finding about this table."""
        where = {"row": None, "column": None, "value": None, "line": None} | place
        self.findings.append(Finding(self.name, rule=rule, fix=fix, **where))

    @property
    def is_readable(self) -> bool:
        """Whether there is anything to check further."""
        return bool(self.columns) or not self.findings


def raw_table(name: str, source: Any) -> RawTable:
    """Take the columns of a table out of whatever holds it."""
    raw = RawTable(name, backend=backend_of(source))
    if raw.backend is not None:
        _take_frame(raw, source)
    elif isinstance(source, Mapping):
        _take_columns(raw, source)
    elif isinstance(source, (str, bytes)):
        raw.fault(
            f"{shown(source)} is a text, not a table.",
            "Give a frame, a dict of columns or a list of records; "
            "ServiceNetwork.from_folder reads files.",
        )
    elif isinstance(source, np.ndarray) and source.dtype.names:
        _take_columns(raw, {column: source[column] for column in source.dtype.names})
    elif hasattr(source, "to_columns"):
        _take_columns(raw, source.to_columns())
    elif hasattr(source, "to_records"):
        _take_records(raw, source.to_records())
    elif isinstance(source, Iterable) and not isinstance(source, np.ndarray):
        _take_records(raw, source)
    else:
        raw.fault(
            f"an object of type {type(source).__name__} is not a table.",
            "Give a frame, a dict of columns or a list of records.",
        )
    return raw


def _take_frame(raw: RawTable, source: Any) -> None:
    try:
        columns = columns_of(source)
    except Exception as error:  # frame libraries raise many kinds
        raw.fault(f"the frame cannot be read: {error}", "Give it one named column per field.")
        return
    _take_columns(raw, columns)


def _take_columns(raw: RawTable, source: Mapping[Any, Any]) -> None:
    lengths: dict[str, int] = {}
    for name, values in source.items():
        if not isinstance(name, str):
            raw.fault(
                f"{shown(name)} is not a column name.",
                "Give a dict of columns whose keys are the column names.",
                value=name,
            )
            continue
        column = _as_column(values)
        if column is None:
            raw.fault(
                f"{shown(values)} is not a list of values.",
                "Give one value per row.",
                column=name,
                value=values,
            )
            continue
        raw.columns[name] = column
        lengths[name] = len(column)
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raw.fault(f"the columns differ in length: {told}.", "Give one value per row in each.")
        raw.columns.clear()
        return
    raw.n_rows = next(iter(lengths.values()), 0)


def _as_column(values: Any) -> Array | None:
    if isinstance(values, np.ma.MaskedArray):
        plain: Array = values.data.astype(object)
        plain[np.ma.getmaskarray(values)] = None
        return plain if plain.ndim == 1 else None
    if isinstance(values, np.ndarray):
        return values if values.ndim == 1 else None
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        return None
    if backend_of(values) is not None:
        return None
    items = values.tolist() if hasattr(values, "tolist") else list(values)
    if not isinstance(items, list):
        return None
    column = np.empty(len(items), dtype=object)
    column[:] = items
    return column


def _take_records(raw: RawTable, source: Iterable[Any]) -> None:
    if isinstance(source, np.ndarray) and source.dtype.names:
        _take_columns(raw, {column: source[column] for column in source.dtype.names})
        return
    try:
        records = list(source)
    except Exception as error:  # a generator of the user's may raise anything
        raw.fault(f"the records cannot be read: {error}")
        return
    rows: list[Mapping[str, Any]] = []
    wrong: list[int] = []
    for number, record in enumerate(records):
        row = _as_mapping(record)
        if row is None:
            wrong.append(number)
        rows.append(row or {})
    for number in islice(wrong, MOST_ROWS):
        record = records[number]
        raw.fault(
            f"{shown(record)} is not a record.",
            "Give each row as a dict or a pydantic object.",
            row=number + 1,
            value=record,
        )
    raw.n_rows = len(rows)
    raw.columns = {} if wrong else _columns_of_rows(raw, rows)


def _columns_of_rows(raw: RawTable, rows: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
    names: dict[Any, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    columns = {}
    for name in names:
        if not isinstance(name, str):
            raw.fault(f"{shown(name)} is not a column name.", "Give text as keys.", value=name)
            continue
        column = np.empty(len(rows), dtype=object)
        column[:] = [row.get(name) for row in rows]
        columns[name] = column
    return columns


def _as_mapping(record: Any) -> Mapping[Any, Any] | None:
    if isinstance(record, Mapping):
        return record
    fields = getattr(type(record), "model_fields", None)
    if isinstance(fields, Mapping):
        return {name: getattr(record, name) for name in fields}
    if is_dataclass(record) and not isinstance(record, type):
        return {name: getattr(record, name) for name in record.__dataclass_fields__}
    if hasattr(record, "_asdict"):
        return dict(record._asdict())
    return None
