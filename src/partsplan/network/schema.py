"""What each table holds, derived from its record class.

Column names, kinds, defaults, keys and references come from the annotations in `records`; there
is no second list of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

from partsplan.network.fields import RefersTo
from partsplan.network.records import OTHER_FORMS, RECORDS, Record
from partsplan.network.row_rules import RowRule
from partsplan.network.scanning import ValueType
from partsplan.network.values import Flag, Text, Whole


@dataclass(frozen=True)
class ColumnSpec:
    """One column of a table."""

    name: str
    kind: ValueType
    required: bool
    default: Any
    """Value of an empty cell; ``None`` where empty stays empty."""
    refers_to: str | None
    """Table whose ids the column holds."""

    def typed(self, values: NDArray[Any], empty: NDArray[np.bool_]) -> NDArray[Any]:
        """Fill defaults in and give the column its final type; unreadable cells become 0 or ''."""
        if isinstance(self.kind, Text) or values.dtype.kind == "M":
            return values
        if self.default is not None:
            values = np.where(empty, float(self.default), values)
        if self.default is None and not self.required:
            return values
        if isinstance(self.kind, Whole):
            values = np.nan_to_num(values).astype(np.int64)
        if isinstance(self.kind, Flag):
            values = np.nan_to_num(values).astype(bool)
        return values

    def blank(self) -> NDArray[Any]:
        """Give the column of a table without rows."""
        return self.typed(self.kind.blank(0), np.zeros(0, dtype=bool))


@dataclass(frozen=True)
class TableSpec:
    """One table."""

    name: str
    record: type[Record]
    key: tuple[str, ...]
    repeat_fix: str
    """The way out where two rows have the same key."""
    columns: Mapping[str, ColumnSpec]
    rules: tuple[RowRule, ...]


def _spec_of(record: type[Record]) -> TableSpec:
    columns = {name: _column_spec(name, info) for name, info in record.model_fields.items()}
    return TableSpec(
        record.table,
        record,
        record.key,
        record.repeat_fix,
        MappingProxyType(columns),
        tuple(record.rules),
    )


def _column_spec(name: str, info: Any) -> ColumnSpec:
    metadata = list(info.metadata)
    for choice in get_args(info.annotation):
        if get_origin(choice) is Annotated:
            metadata += choice.__metadata__
    kind = next(item for item in metadata if isinstance(item, ValueType))
    refers_to = next((item.table for item in metadata if isinstance(item, RefersTo)), None)
    required = info.is_required()
    default = None if required or info.default in (None, "") else info.default
    return ColumnSpec(name, kind, required, default, refers_to)


SCHEMA: Mapping[str, TableSpec] = MappingProxyType(
    {record.table: _spec_of(record) for record in RECORDS}
)
"""Every table by name."""

FORMS: Mapping[str, tuple[TableSpec, ...]] = MappingProxyType(
    {
        name: (spec, *(_spec_of(record) for record in OTHER_FORMS if record.table == name))
        for name, spec in SCHEMA.items()
    }
)
"""What each table may hold, the usual form first; the columns given tell which form it is."""

ID_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "parts": "part_id",
        "locations": "location_id",
        "sites": "site_id",
        "equipment": "equipment_id",
    }
)
"""Tables that others refer to, with the column that holds their id."""
