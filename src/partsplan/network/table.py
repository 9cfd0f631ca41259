"""One validated table of a network: read-only columns, rows in input order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.network.column_checks import CheckedTable
from partsplan.network.frames import frame_of
from partsplan.network.values import Flag, Whole


class Table:
    """One validated table.

    ``table["column"]`` is a read-only array: text as an object array of ``str`` ('' is empty),
    numbers as ``float64`` (``NaN`` is empty), whole numbers that are never empty as ``int64``,
    ``bool``, and days as ``datetime64[D]`` (``NaT`` is empty). Defaults are filled in.

    Examples
    --------
    >>> from partsplan.network import ServiceNetwork
    >>> network = ServiceNetwork.from_tables(
    ...     parts=[{"part_id": "P1", "unit_cost": 10, "resupply_days": 5}],
    ...     locations=[{"location_id": "DC", "kind": "central"}])
    >>> len(network.parts), network.parts["unit_cost"]
    (1, array([10.]))
    """

    def __init__(
        self,
        checked: CheckedTable,
        derived: Mapping[str, NDArray[Any]],
        indices: Mapping[str, NDArray[np.int64]],
        backend: str | None,
    ) -> None:
        self.name = checked.name
        self._checked = checked
        self._columns = {
            name: _read_only(column) for name, column in (checked.columns | dict(derived)).items()
        }
        self._indices = {name: _read_only(index) for name, index in indices.items()}
        self._backend = backend

    def __len__(self) -> int:
        return self._checked.n_rows

    def __getitem__(self, column: str) -> NDArray[Any]:
        if column not in self._columns:
            raise KeyError(f"{self.name} has no column {column!r}; it has {list(self._columns)}")
        return self._columns[column]

    def __contains__(self, column: object) -> bool:
        return column in self._columns

    def __repr__(self) -> str:
        return f"Table({self.name!r}, {len(self)} rows)"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(self._columns)

    @property
    def given_columns(self) -> frozenset[str]:
        """Names of the columns that the user gave."""
        return self._checked.given

    @property
    def checked(self) -> CheckedTable:
        """The table as it was read, before figures were derived between tables."""
        return self._checked

    @property
    def is_given(self) -> bool:
        """Whether the user gave this table."""
        return self._checked.is_given

    def index(self, column: str) -> NDArray[np.int64]:
        """Position of a reference column's ids in their own table.

        Parameters
        ----------
        column : str
            A column that holds ids of parts, locations, sites or equipment.

        Returns
        -------
        ndarray of int, shape (n_rows,)
            Positions; -1 where the cell is empty.
        """
        if column not in self._indices:
            raise KeyError(f"{self.name}.{column} does not hold ids of another table")
        return self._indices[column]

    def line(self, row: int) -> int | None:
        """Line in the CSV file of the row at a position; None for other sources."""
        return self._checked.line(row)

    def to_records(self) -> list[dict[str, Any]]:
        """Rows as plain dicts with the values given, defaults filled in; None is empty.

        Returns
        -------
        list of dict
            They can be fed back to `ServiceNetwork.from_tables`.
        """
        names = tuple(self._checked.columns)
        columns = [self._plain_values(name) for name in names]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def to_frame(self) -> Any:
        """Rows as a frame, in the library that the user came with (pandas by default)."""
        columns = {}
        for name, column in self._checked.columns.items():
            values = column
            if column.dtype == object:
                values = np.empty(len(column), dtype=object)
                values[:] = [text or None for text in column]
            columns[name] = values
        return frame_of(columns, self._backend)

    def _plain_values(self, name: str) -> list[Any]:
        column = self._checked.columns[name]
        if column.dtype == object:
            return [text or None for text in column.tolist()]
        if column.dtype.kind != "f":
            return list(column.tolist())
        kind: Any = float
        if isinstance(self._checked.spec.columns[name].kind, Whole):
            kind = int
        if isinstance(self._checked.spec.columns[name].kind, Flag):
            kind = bool
        return [None if math.isnan(value) else kind(value) for value in column.tolist()]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.to_records())


def _read_only(column: NDArray[Any]) -> NDArray[Any]:
    view = column.view()
    view.flags.writeable = False
    return view
